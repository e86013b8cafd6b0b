//! Cancel: give up what is not enclosed yet.

use lightproof_wire::time::Timestamp;
use rand_core::CryptoRng;

use super::outgoing::Outgoing;
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
    /// For nobody: there is no such send any more, because it was sent, or cancelled before.
    Gone,
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
        let (cancelled, given_up) = until_undisturbed(async || {
            let mut turn = self.vault.turn();
            // Another process may have sent it since anybody looked: then its recipients fetch the photos.
            let Some(mut current) = turn.get::<Outgoing>(id).await? else { return Ok((Cancelled::Gone, None)) };
            let cancelled = if !current.is_begun() {
                turn.delete(&current);
                (Cancelled::All, Some(current))
            } else if current.leave_out_the_rest() {
                turn.put(&current, rng);
                // Those who have an envelope fetch the photos.
                (Cancelled::Rest, None)
            } else {
                return Err(ClientError::NotNow("it is sealed already and can only be retracted"));
            };
            turn.commit().await?;
            Ok(cancelled)
        })
        .await?;
        let Some(given_up) = given_up else { return Ok(cancelled) };
        for photo in given_up.photos.iter() {
            self.spool.remove(photo.spool).await?;
            self.revoke(&given_up, photo, now, rng).await;
        }
        Ok(cancelled)
    }
}
