//! `delete`: a message goes from this home.

use lightproof_core::message::{Direction, State};

use super::present::message;
use crate::args::Delete;
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::Output;

pub(super) async fn run(typed: &Delete, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let message = message(opened, typed.id.as_str()).await?;
    if message.direction == Direction::Out && message.state == State::Outbox {
        return Err(Failure::failed("this message is on its way: it goes out once its relay is reached")
            .hint("delete it after that; what is sealed cannot be cancelled"));
    }
    opened.client.delete_message(&message).await?;
    output.remark("deleted here; the other side keeps what it has");
    Ok(Exit::Done)
}
