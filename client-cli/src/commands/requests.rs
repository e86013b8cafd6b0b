//! `requests`: people who wrote for the first time.

use lightproof_core::ClientError;
use lightproof_core::contact::Contact;

use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, event};
use crate::plan::RequestChoice;

pub(super) async fn run(opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let requests = opened.client.requests().await?;
    for request in &requests {
        output.report(&told(request))?;
    }
    if !requests.is_empty() {
        output.remark("answer with `lightproof accept REQUEST --name NAME` or `lightproof decline REQUEST`");
    }
    Ok(Exit::Done)
}

/// A request as it is told.
pub(super) fn told(request: &Contact) -> event::Request {
    event::Request {
        request: request.number,
        name: request.hint.as_str().to_owned(),
        fingerprint: request.fingerprint.to_string(),
    }
}

/// The request a person named.
///
/// # Errors
/// Where there is none, or more than one.
pub(super) async fn request(opened: &Opened, choice: &RequestChoice) -> Result<Contact, Failure> {
    let name = match choice {
        RequestChoice::Number(number) => number.to_string(),
        RequestChoice::Fingerprint(digits) => digits.clone(),
    };
    match opened.client.request(&name).await {
        Err(ClientError::Unknown(_)) => {
            Err(Failure::failed(format!("there is no request {name}")).hint("see `lightproof requests`"))
        }
        found => Ok(found?),
    }
}
