//! Deposits and prekeys: what strangers may ask for too, so that it is held back before the writer is asked.

use std::{net::IpAddr, sync::Arc};

use lightproof_wire::{
    command::MailboxKind, envelope::Envelope, prekey::PublishedPrekey, refusal::Refusal, reply::Reply,
};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    mailbox::{self, DropHash, OwnerHash},
    prekeys,
    rates::Standing,
    serve::Service,
    store::{Durable, RuleError},
};

impl Service {
    /// Stores an envelope. How fast depends on whose it is: a doorbell takes few, and last.
    pub(crate) async fn deposit(self: &Arc<Self>, drop: DropHash, envelope: Envelope) -> Result<Reply, RuleError> {
        let (now, today) = ((self.clock)(), self.today());
        let kind = self.kind(drop).await?;
        let _place = self.rates.write(kind.into())?;
        self.rates.deposit(drop, kind, now)?;
        self.rates.in_all(kind.into(), now)?;
        let digest = envelope.digest();
        let deposit =
            self.commit_new(move |rows, limits| mailbox::deposit(rows, drop, envelope, digest, today, limits));
        let (owner, promise) = deposit.await?.split();
        self.watches.wake(&owner);
        self.metrics.deposits.inc();
        Ok(Reply::Deposited(self.receipts.sign(promise)))
    }

    /// Found without the writer: a flood at drops that are no more, or never were, does not stand in its queue.
    async fn kind(self: &Arc<Self>, drop: DropHash) -> Result<MailboxKind, RuleError> {
        match self.rates.kind(&drop) {
            Some(kind) => Ok(kind),
            None => self.look(move |rows| mailbox::kind(rows, &drop)).await,
        }
    }

    /// Publishes prekeys at a doorbell.
    pub(crate) async fn publish_prekeys(
        &self,
        owner: OwnerHash,
        signed: PublishedPrekey,
        one_time: Vec<PublishedPrekey>,
    ) -> Result<Reply, RuleError> {
        let today = self.today();
        let publish =
            self.commit_new(move |rows, limits| prekeys::publish(rows, owner, signed, one_time, today, limits));
        Ok(publish.await?.promise(Reply::Done))
    }

    /// Gives a bundle. Whoever asks too much gets it without a one-time prekey: it is never refused for that, or a
    /// flood at a doorbell would keep new callers out.
    pub(crate) async fn take_prekeys(
        self: &Arc<Self>,
        drop: DropHash,
        address: Option<IpAddr>,
    ) -> Result<Reply, RuleError> {
        let (today, limits) = (self.today(), self.limits);
        // First, so that what is asked for where nothing is counts nowhere: counts of a day are kept for so many.
        let bundle = self.look(move |rows| prekeys::without_one_time(rows, &drop, today)).await?;
        let Ok(_place) = self.may_take_one_time(drop, address) else { return Ok(Reply::Bundle(bundle)) };
        let bundle = self.commit(move |rows| prekeys::take(rows, drop, today, &limits)).await;
        Ok(Reply::Bundle(bundle.map(Durable::into_inner)?))
    }

    fn may_take_one_time(
        &self,
        drop: DropHash,
        address: Option<IpAddr>,
    ) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        let now = (self.clock)();
        let place = self.rates.write(Standing::Stranger)?;
        self.rates.from_address(address, now)?;
        self.rates.in_all(Standing::Stranger, now)?;
        self.rates.take_one_time(address, drop, now)?;
        Ok(place)
    }
}
