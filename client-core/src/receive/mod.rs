//! The line of a recipient: open → save → ack → fetch → verify → save → release → confirm.
//!
//! ```text
//! open     on a copy of the session; only what was saved is acked, only what was acked may the relay forget
//! fetch    sealed chunks into the spool, every tag checked on arrival
//! verify   order, last chunk, length, digest; then the photo may be shown
//! release  the relay needs to keep it no more            confirm   a receipt, later
//! ```
//!
//! What will not open is set aside and stops nothing that follows it.

mod aside;
mod confirm;
mod content;
mod fetch;
mod hello;
mod open;
mod retracted;
mod watch;

use lightproof_wire::time::Timestamp;
use rand_core::CryptoRng;

pub use aside::{Aside, Reason};
pub use confirm::DueReceipt;
pub use fetch::PlainChunks;
pub use open::Seen;
pub(crate) use retracted::Retracted;
pub(crate) use watch::Watched;

use crate::{
    client::Client, error::ClientError, event::Notice, send::Sources, spool::Spool, transport::Transport,
    vault::store::Store,
};

/// What came of one look at the relay.
#[derive(Debug, Default)]
pub struct Received {
    /// What stopped a part of it: a relay of a photo that was not reached, a deposit that failed.
    pub failed: Option<ClientError>,
    /// Photos that wait for an answer of the user: whether a relay may be contacted.
    pub waits_for_answer: bool,
}

impl Received {
    /// One more thing stopped a part of it.
    fn note(&mut self, error: ClientError) {
        self.failed = [self.failed.take(), Some(error)].into_iter().flatten().reduce(ClientError::or_graver);
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Takes everything that is there: opens and saves every envelope, then fetches photos of accepted contacts,
    /// answers, and goes on with what is under way. What is new is found by [`news`](Self::news).
    ///
    /// # Errors
    /// [`ClientError::Transport`] where our own relay is not reached, or the vault's.
    pub async fn receive(
        &self,
        sources: &impl Sources,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Received, ClientError> {
        // A mailbox that cannot be made, or prekeys that are not taken, do not keep mail from being received.
        let refused = match self.register(now, rng).await {
            Err(error @ ClientError::Refused(_)) => Some(error),
            registered => registered.map(|()| None)?,
        };
        let complete = self.take_all(now, rng).await?;
        let left = self.take_left(now, rng).await;
        let is_complete = complete && matches!(left, Ok(true));
        let away = match left {
            Err(error) if is_local(&error) => return Err(error),
            left => left.err(),
        };
        let mut received = self.follow_up(sources, is_complete, now, rng).await?;
        received.failed = [refused, received.failed, away].into_iter().flatten().reduce(ClientError::or_graver);
        Ok(received)
    }

    /// Everything that follows from what was opened.
    ///
    /// # Errors
    /// The vault's.
    pub async fn follow_up(
        &self,
        sources: &impl Sources,
        complete: bool,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Received, ClientError> {
        let mut received = Received::default();
        let keep = |result: Result<(), ClientError>, received: &mut Received| match result {
            Err(error) if is_local(&error) => Err(error),
            Err(error) => {
                received.note(error);
                Ok(())
            }
            Ok(()) => Ok(()),
        };
        keep(self.retry_aside(now, rng).await, &mut received)?;
        keep(self.tell_aside(rng).await, &mut received)?;
        keep(self.mend_sessions(now, rng).await, &mut received)?;
        let fetched = self.fetch_all(now, rng).await?;
        if let Some(relay) = fetched.not_allowed {
            self.tell(Notice::RelayNotAllowed(*relay));
            received.waits_for_answer = true;
        }
        match fetched.ended {
            // No room for a photo: everything else goes on.
            Err(error @ ClientError::Spool(_)) => received.note(error),
            ended => keep(ended, &mut received)?,
        }
        keep(self.tell_addresses(now, rng).await, &mut received)?;
        keep(self.send_due_receipts(now, rng).await, &mut received)?;
        keep(self.resume(sources, now, rng).await, &mut received)?;
        let home = self.home(now, rng).await?;
        keep(self.tend_prekeys(&home, now, rng).await, &mut received)?;
        if complete && self.check_clock().await.is_ok() {
            self.settle_moves(now, rng).await?;
            keep(self.retire_mailboxes(now, rng).await, &mut received)?;
            self.note_complete_fetch(now, rng).await?;
            self.tell_missing(rng).await?;
            self.destroy_stale_prekeys(now).await?;
            self.sweep(now, rng).await?;
        }
        Ok(received)
    }
}

/// Whether an error is this machine's, so that going on makes no sense.
const fn is_local(error: &ClientError) -> bool {
    matches!(error, ClientError::Vault(_) | ClientError::Spool(_) | ClientError::Damaged)
}
