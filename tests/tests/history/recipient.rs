//! Those who watch: they take everything, or a part, or leave without a word.

use lightproof_tests::{history::Event, wire::Wire};
use lightproof_wire::{
    command::Command,
    id::{MailboxHandle, Sequence},
    reply::{Push, Reply},
};

use crate::trial::{Trial, secret};

/// How a recipient takes what comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taking {
    /// Acks everything as it comes.
    All,
    /// Leaves after the first few, and acks none.
    Nothing,
    /// Acks everything but the last.
    AllButOne,
}

impl Trial {
    /// A recipient comes, takes what there is, and stays while some more is deposited.
    pub(crate) async fn look(&mut self, mailbox: u8, taking: Taking, meanwhile: u64) {
        if self.is_caught() {
            return;
        }
        let name = u64::from(mailbox);
        let mut wire = self.wire().await;
        let handle = MailboxHandle(1);
        let Some(Reply::Watching { highest_acked }) = wire.ask(Command::Watch { owner: secret(mailbox), handle }).await
        else {
            return;
        };
        self.history.note(Event::Watching(name, highest_acked.0));
        let mut held = Vec::new();
        self.take(&mut wire, mailbox, taking, &mut held).await;
        if meanwhile > 0 && !self.is_caught() {
            self.write(mailbox, meanwhile).await;
            self.take(&mut wire, mailbox, taking, &mut held).await;
        }
        if taking == Taking::AllButOne {
            held.pop();
            for place in held {
                self.ack(&mut wire, mailbox, place).await;
            }
        }
    }

    async fn take(&mut self, wire: &mut Wire, mailbox: u8, taking: Taking, held: &mut Vec<u64>) {
        let name = u64::from(mailbox);
        let mut caught_up = !held.is_empty();
        while !caught_up || self.history.is_owed(name) {
            match wire.push(self.patience_ms()).await {
                Some(Push::Delivery(delivery)) => {
                    let (place, hash) = (delivery.sequence.0, *delivery.envelope.digest().as_bytes());
                    self.history.note(Event::Delivered(name, place, hash));
                    if !self.known.contains(&hash) {
                        self.known.push(hash);
                        self.history.note(Event::Saved(name, hash));
                        self.history.note(Event::Shown(name, hash));
                    }
                    match taking {
                        Taking::All => self.ack(wire, mailbox, place).await,
                        Taking::AllButOne | Taking::Nothing => held.push(place),
                    }
                    // A full window is not pushed on.
                    if held.len() >= 8 {
                        return;
                    }
                }
                Some(Push::CaughtUp(_)) => caught_up = true,
                Some(_) => {}
                None => break,
            }
        }
        self.history.note(Event::Quiet(name));
    }

    async fn ack(&self, wire: &mut Wire, mailbox: u8, place: u64) {
        self.history.note(Event::AckAsked(mailbox.into(), place));
        let ack = Command::Ack { handle: MailboxHandle(1), sequence: Sequence(place) };
        if wire.ask(ack).await == Some(Reply::Done) {
            self.history.note(Event::Acked(mailbox.into(), place));
        }
    }
}
