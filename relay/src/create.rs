//! Making mailboxes and opening blobs: who is charged, and how much from one address in a day.

use std::{net::IpAddr, sync::Arc};

use lightproof_wire::{refusal::Refusal, reply::Reply};

use crate::{
    blob::{self, Opening},
    limits::{Limits, Made},
    mailbox::{self, Creation},
    rates::Standing,
    serve::Service,
    store::{Durable, Rows, RowsMut, RuleError},
};

impl Service {
    /// Makes a mailbox.
    pub(crate) async fn create(
        self: &Arc<Self>,
        creation: Creation,
        address: Option<IpAddr>,
    ) -> Result<Reply, RuleError> {
        let (now, today) = ((self.clock)(), self.today());
        let counted = self.rates.make_mailbox(address, now);
        if let Err(too_many) = counted {
            self.made_before(too_many, move |rows| mailbox::owned(rows, &creation.owner).map(|_| ())).await?;
        }
        let made = self.make(move |rows, limits| mailbox::create(rows, creation, today, limits)).await;
        if counted.is_ok() && made != Ok(Made::Now) {
            self.rates.made_no_mailbox(address, now);
        }
        made.map(|_| Reply::Created)
    }

    /// Opens a blob.
    pub(crate) async fn open_blob(
        self: &Arc<Self>,
        opening: Opening,
        address: Option<IpAddr>,
    ) -> Result<Reply, RuleError> {
        let (now, today) = ((self.clock)(), self.today());
        let bytes = opening.shape.sealed_bytes();
        let (counted, write) = (self.rates.open_blob(address, bytes, now), opening.write);
        if let Err(too_many) = counted {
            self.made_before(too_many, move |rows| blob::written(rows, &write).map(|_| ())).await?;
        }
        let made = self.make(move |rows, limits| blob::open(rows, opening, today, limits)).await;
        if counted.is_ok() && made != Ok(Made::Now) {
            self.rates.opened_no_blob(address, bytes, now);
        }
        made.map(|_| Reply::Opened)
    }

    /// What was made before is answered as before, whatever else was made meanwhile.
    async fn made_before(
        self: &Arc<Self>,
        too_many: Refusal,
        look: impl Fn(&dyn Rows) -> Result<(), RuleError> + Send + 'static,
    ) -> Result<(), RuleError> {
        match self.look(look).await {
            Err(RuleError::Refused(_)) => Err(too_many.into()),
            outcome => outcome,
        }
    }

    async fn make(
        &self,
        rule: impl FnOnce(&mut dyn RowsMut, &Limits) -> Result<Made, RuleError> + Send + 'static,
    ) -> Result<Made, RuleError> {
        let _place = self.rates.write(Standing::Stranger)?;
        self.commit_new(rule).await.map(Durable::into_inner)
    }
}
