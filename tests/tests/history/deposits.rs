//! Those who deposit: one after the other, two at once, and without waiting for the answer.

use lightproof_tests::{
    history::{Event, Hash},
    wire::Wire,
};
use lightproof_wire::{command::Command, envelope::Envelope, limits::ENVELOPE_BYTES, reply::Reply};

use crate::{
    plant::Plant,
    trial::{Trial, secret},
};

impl Trial {
    pub(crate) async fn write(&mut self, mailbox: u8, count: u64) {
        for _ in 0..count {
            self.compose(mailbox);
        }
        let mut wire = self.wire().await;
        self.deposit_all(&mut wire, mailbox).await;
    }

    fn compose(&mut self, mailbox: u8) {
        self.written += 1;
        self.outbox[usize::from(mailbox)].push_back(self.written);
        self.history.note(Event::Written(mailbox.into(), self.written, digest(self.written)));
    }

    /// What waits, in order.
    async fn deposit_all(&mut self, wire: &mut Wire, mailbox: u8) {
        let outbox = &mut self.outbox[usize::from(mailbox)];
        if self.plant == Some(Plant::ReordersOnRetry) {
            outbox.make_contiguous().reverse();
        }
        while let Some(number) = outbox.front().copied() {
            self.history.note(Event::Attempted(mailbox.into(), digest(number)));
            match wire.ask(deposit(mailbox, number)).await {
                Some(Reply::Deposited(receipt)) => {
                    let expires = receipt.promise.expires.0;
                    self.history.note(Event::Deposited(mailbox.into(), digest(number), expires));
                    outbox.pop_front();
                }
                _ => return,
            }
        }
    }

    /// Two on their way at once: they may share a commit.
    pub(crate) async fn at_once(&mut self, mailbox: u8) {
        self.write(mailbox, 0).await;
        if !self.outbox[usize::from(mailbox)].is_empty() {
            return;
        }
        let mut wire = self.wire().await;
        let mut asked = Vec::new();
        for _ in 0..2 {
            self.written += 1;
            // Their order is the relay's to choose: they are of no line.
            self.known.push(digest(self.written));
            self.history.note(Event::Attempted(mailbox.into(), digest(self.written)));
            asked.push((self.written, wire.say(deposit(mailbox, self.written)).await));
        }
        for (number, id) in asked {
            let Some(id) = id else { continue };
            if let Some(Reply::Deposited(receipt)) = wire.answer(id).await {
                let expires = receipt.promise.expires.0;
                self.history.note(Event::Deposited(mailbox.into(), digest(number), expires));
            }
        }
    }

    /// The connection ends before the reply: whether it was stored, nobody knows.
    pub(crate) async fn unanswered(&mut self, mailbox: u8) {
        self.write(mailbox, 0).await;
        if self.outbox[usize::from(mailbox)].is_empty() {
            self.compose(mailbox);
        }
        let number = self.outbox[usize::from(mailbox)][0];
        self.history.note(Event::Attempted(mailbox.into(), digest(number)));
        let mut wire = self.wire().await;
        wire.say(deposit(mailbox, number)).await;
        // Half of the time it has been read.
        if self.chance.one_in(2) {
            wire.push(20).await;
        }
        self.compose(mailbox);
    }
}

fn envelope(number: u64) -> Envelope {
    let mut bytes = [0; ENVELOPE_BYTES];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Envelope::from_bytes(&bytes).unwrap()
}

fn digest(number: u64) -> Hash {
    *envelope(number).digest().as_bytes()
}

fn deposit(mailbox: u8, number: u64) -> Command {
    Command::Deposit { drop: secret(mailbox), envelope: envelope(number) }
}
