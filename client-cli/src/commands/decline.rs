//! `decline`: the request goes, with everything it brought.

use super::requests::request;
use crate::args::Decline;
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::Output;

pub(super) async fn run(typed: &Decline, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let request = request(opened, &typed.request).await?;
    opened.client.decline(&request.fingerprint, now(), &mut rng()).await?;
    output.remark("declined; they are not told, and may ask again");
    Ok(Exit::Done)
}
