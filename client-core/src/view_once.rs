//! One look: a message that its sender wants to be seen once is destroyed before it is shown, keys first.
//!
//! Whoever looks holds what is shown in memory; a process that ends between the two loses it, and nobody sees it twice.

use lightproof_e2ee::{
    frame::{self, Content},
    receipt::ReceiptKind,
};
use lightproof_wire::time::Timestamp;
use rand_core::CryptoRng;

use crate::{
    client::{Client, until_undisturbed},
    contact::Contact,
    error::ClientError,
    message::{Message, Signed, State},
    spool::{Spool, SpoolName},
    transport::Transport,
    vault::{
        record::{Flag, Record as _},
        store::Store,
    },
};

/// What the one look shows beside the photos, which were opened before.
pub struct OneLook {
    /// The note. Never print it raw.
    pub note: String,
    spooled: Vec<SpoolName>,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Takes the one look at a message: from here on nothing of it is in the vault. Its photos must have been opened
    /// before, by [`open_photo_for_one_look`](Self::open_photo_for_one_look); [`end_look`](Self::end_look) removes them.
    ///
    /// # Errors
    /// [`ClientError::NotNow`] where there is no look left, or the photos are not all here; or the vault's.
    pub async fn look_once(
        &self,
        message: &Message,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<OneLook, ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let stored: Option<Message> = turn.get(&message.id()).await?;
            let mut stored = stored.filter(Message::is_for_one_look).ok_or(GONE)?;
            match stored.state {
                State::Waiting => return Err(ClientError::NotNow("the photos of this message are not all here yet")),
                State::Failed => return Err(ClientError::Verification),
                _ => {}
            }
            let signed: Signed = turn.get(&stored.id()).await?.ok_or(ClientError::Damaged)?;
            let contact: Contact = turn.get(stored.contact.as_bytes()).await?.ok_or(ClientError::Damaged)?;
            let identity = contact.identity()?.ok_or(ClientError::Damaged)?;
            let verified = frame::verify(signed.body(), &identity, &self.identity.fingerprint());
            let verified = verified.map_err(|_| ClientError::Verification)?;
            let Content::Manifest(manifest) = &verified.frame().content else { return Err(ClientError::Damaged) };
            let note = manifest.note.as_str().to_owned();
            if contact.is_accepted() && stored.viewed_wanted.is_yes() {
                self.owe_receipt(&mut turn, &contact, (ReceiptKind::Viewed, stored.message_id), now, rng).await?;
            }
            let spooled = stored.empty(State::Viewed, &mut turn);
            stored.told = Flag::Yes;
            turn.put(&stored, rng);
            turn.commit().await?;
            Ok(OneLook { note, spooled })
        })
        .await
    }

    /// Removes the sealed photos of a look that was taken; their keys are gone already.
    ///
    /// # Errors
    /// The spool's.
    pub async fn end_look(&self, look: OneLook) -> Result<(), ClientError> {
        for name in look.spooled {
            self.spool.remove(name).await?;
        }
        Ok(())
    }
}

const GONE: ClientError = ClientError::NotNow("this message was for one look, and that was taken");
