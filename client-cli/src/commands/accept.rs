//! `accept`: from now on, what they send is fetched, shown and answered.

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
    let name = typed.name.as_ref().map(ContactName::as_str);
    let person = opened.client.accept(&request.fingerprint, name, &mut rng()).await?;
    output.report(&Known::whole(&person))?;
    output.remark("what they sent comes with the next `lightproof receive`");
    Ok(Exit::Done)
}
