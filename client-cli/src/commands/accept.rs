//! `accept`: from now on, what they send is fetched, shown and answered.

use lightproof_core::ClientError;
use lightproof_core::contact::Contact;
use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::names::NewName;

use super::contact::Known;
use super::requests::request;
use crate::args::Accept;
use crate::clock::rng;
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::Output;
use crate::plan::ContactName;

pub(super) async fn run(typed: &Accept, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let request = request(opened, &typed.request).await?;
    let person = accept(opened, &request.fingerprint, typed.name.as_ref()).await?;
    output.report(&Known::whole(&person))?;
    output.remark("what they sent comes with the next `lightproof receive`");
    Ok(Exit::Done)
}

/// Accepts somebody by a name that was typed, or by what they call themselves, if that could have been typed.
///
/// # Errors
/// [`ClientError::BadName`] where it could not, and the client's.
pub(crate) async fn accept(
    opened: &Opened,
    request: &Fingerprint,
    typed: Option<&ContactName>,
) -> Result<Contact, ClientError> {
    if typed.is_none() {
        let hint = opened.client.person(request).await?.hint;
        hint.as_str().parse::<ContactName>().map_err(|_| ClientError::BadName)?;
    }
    let name = typed.map_or(NewName::Hinted, |name| NewName::Typed(name.as_str()));
    opened.client.accept(request, name, &mut rng()).await
}
