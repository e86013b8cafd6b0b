//! A connection by which a test asks a relay what nobody else asks.

use std::collections::VecDeque;

use lightproof_core::transport::{NamedBy, Pipe as _, Transport as _};
use lightproof_wire::{
    command::Command,
    frame::{CommandFrame, RelayFrame},
    id::CommandId,
    relay_link::RelayLink,
    reply::{Push, Reply},
};

use crate::{
    life::Life,
    tape::Tape,
    transport::{PlainPipe, PlainTransport},
};

/// One connection. Whatever fails on it is `None`, as for a client that will come again.
pub struct Wire {
    pipe: PlainPipe,
    next: u32,
    pushes: VecDeque<Push>,
}

impl Wire {
    /// Connects, and is welcomed.
    pub async fn to(link: &RelayLink) -> Option<Self> {
        let transport = PlainTransport::new(Life::default(), Tape::default());
        let pipe = transport.connect(link, NamedBy::User).await.ok()?;
        let mut wire = Self { pipe, next: 1, pushes: VecDeque::new() };
        wire.frame(10_000).await?;
        Some(wire)
    }

    /// Sends a command and does not wait.
    pub async fn say(&mut self, command: Command) -> Option<CommandId> {
        let id = CommandId(self.next);
        self.next += 1;
        self.pipe.send(CommandFrame { id, command }.encode()).await.ok()?;
        Some(id)
    }

    /// The reply to one command; pushes in between are kept.
    pub async fn ask(&mut self, command: Command) -> Option<Reply> {
        let id = self.say(command).await?;
        self.answer(id).await
    }

    /// The reply to a command that was sent.
    pub async fn answer(&mut self, id: CommandId) -> Option<Reply> {
        loop {
            match self.frame(10_000).await? {
                RelayFrame::Reply(of, reply) if of == id => return Some(reply),
                RelayFrame::Reply(..) => {}
                RelayFrame::Push(push) => self.pushes.push_back(push),
            }
        }
    }

    /// The next push, within some time.
    pub async fn push(&mut self, within_ms: u32) -> Option<Push> {
        if let Some(push) = self.pushes.pop_front() {
            return Some(push);
        }
        loop {
            if let RelayFrame::Push(push) = self.frame(within_ms).await? {
                return Some(push);
            }
        }
    }

    async fn frame(&mut self, within_ms: u32) -> Option<RelayFrame> {
        RelayFrame::decode(&self.pipe.receive(Some(within_ms)).await.ok()?).ok()
    }
}
