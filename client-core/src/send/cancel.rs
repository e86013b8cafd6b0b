//! Cancel: give up what is not enclosed yet.

use lightproof_wire::time::Timestamp;
use rand_core::CryptoRng;

use super::{outbox::hex, outgoing::Outgoing};
use crate::{
    client::{Client, until_undisturbed},
    error::ClientError,
    spool::Spool,
    transport::Transport,
    vault::store::Store,
};

/// For whom a send was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// For everybody: nothing of it was or will be sent.
    All,
    /// For those for whom nothing was enclosed yet; the others' envelopes go out.
    Rest,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Cancels a send for everybody for whom nothing is enclosed yet: it leaves no trace in their lines.
    ///
    /// # Errors
    /// [`ClientError::NotNow`] once envelopes are sealed for all.
    pub async fn cancel(
        &self,
        id: &[u8; 16],
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Cancelled, ClientError> {
        let outgoing: Outgoing = self.vault.get(id).await?.ok_or_else(|| ClientError::Unknown(hex(id)))?;
        self.cancel_outgoing(&outgoing, now, rng).await
    }

    pub(super) async fn cancel_outgoing(
        &self,
        outgoing: &Outgoing,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Cancelled, ClientError> {
        let cancelled = until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let Some(mut current) = turn.get::<Outgoing>(&outgoing.id).await? else { return Ok(Cancelled::All) };
            let cancelled = if !current.is_begun() {
                turn.delete(&current);
                Cancelled::All
            } else if current.leave_out_the_rest() {
                turn.put(&current, rng);
                Cancelled::Rest
            } else {
                return Err(ClientError::NotNow("it is sealed already and can only be retracted"));
            };
            turn.commit().await?;
            Ok(cancelled)
        })
        .await?;
        // Those who have an envelope fetch the photos.
        if cancelled == Cancelled::All {
            for photo in outgoing.photos.iter() {
                self.spool.remove(photo.spool).await?;
                self.revoke(outgoing, photo, now, rng).await;
            }
        }
        Ok(cancelled)
    }
}
