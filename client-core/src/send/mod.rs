//! The line of a sender: draft → prepare → seal → upload → enclose → deposit.
//!
//! ```text
//! draft    what is to be sent, saved before the first chunk: file keys, capabilities, the source's size and time
//! seal     chunks into the spool, synced in groups; a chunk is uploaded only after the sync that covers it
//! enclose  sign, ratchet, and save session + line + outbox in one transaction
//! deposit  the saved bytes, as often as it takes
//! ```
//!
//! A send that was killed goes on where it stopped: with the same bytes once they are sealed, with new keys before.

mod call;
mod cancel;
mod deposit;
mod draft;
mod enclose;
mod outbox;
mod outgoing;
mod upload;

use std::io::{Read, Seek};

use lightproof_e2ee::identity::Fingerprint;
use lightproof_wire::time::Timestamp;
use rand_core::CryptoRng;

pub(crate) use call::must_be_accepted;
pub use cancel::Cancelled;
pub use draft::{Draft, Looks, PhotoSource};
pub use outbox::{OutboxItem, What};
pub use outgoing::{Outgoing, Recipient, Source};

use crate::{
    client::Client,
    error::ClientError,
    message::{Direction, Message},
    prepare::{Compression, PrepareOptions, PreparedPhoto, Removed},
    spool::{Spool, SpoolName},
    transport::Transport,
    vault::store::Store,
};

/// What became of a send, for one recipient.
#[derive(Debug)]
pub struct Sent {
    /// Who.
    pub contact: Fingerprint,
    /// The message, once it is enclosed.
    pub message: Option<Message>,
    /// Why it is not deposited yet; [`ClientError::LeftOut`] where it never will be.
    pub waits: Option<ClientError>,
}

/// What became of a send.
#[derive(Debug)]
pub struct SendOutcome {
    /// For [`Client::told`].
    pub id: [u8; 16],
    /// Per recipient, in the order asked for.
    pub sent: Vec<Sent>,
    /// What was found in each photo and what became of it; empty where the photo was prepared before an interruption.
    pub removed: Vec<Vec<Removed>>,
    /// How each photo was made small; as many as `removed`.
    pub compressions: Vec<Option<Compression>>,
}

/// A draft that is saved, with its photos prepared; while it lives, no other process sends it.
pub struct SavedDraft<F, H> {
    outgoing: Outgoing,
    prepared: Vec<PreparedPhoto<F>>,
    _hold: Option<H>,
}

impl<F, H> SavedDraft<F, H> {
    /// For [`Client::told`].
    #[must_use]
    pub const fn id(&self) -> [u8; 16] {
        self.outgoing.id
    }
}

/// Where photos come from, and where they are decoded: not necessarily in this process.
pub trait Sources {
    /// An open file.
    type File: Read + Seek;

    /// Opens a source, if its size and time are still the same, and prepares it under its display name and this salt,
    /// as [`prepare`](crate::prepare::prepare) would. Two calls may be under way at once; a dropped one stops.
    ///
    /// # Errors
    /// [`ClientError::SourceMissing`], [`ClientError::SourceChanged`] or [`ClientError::Prepare`].
    fn prepare(
        &self,
        source: &Source,
        options: &PrepareOptions,
        source_salt: [u8; 32],
    ) -> impl Future<Output = Result<PreparedPhoto<Self::File>, ClientError>>;
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Sends. The same draft given again, after an interruption that left its user untold, goes on and is not sent twice.
    ///
    /// Where a relay is not reached, everything stays in the outbox and [`Sent::waits`] says why.
    ///
    /// # Errors
    /// [`ClientError`]: nothing was or will be sent.
    pub async fn send(
        &self,
        draft: Draft,
        sources: &impl Sources,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<SendOutcome, ClientError> {
        let saved = self.save(&draft, sources, now, rng).await?;
        self.send_saved(saved, sources, now, rng).await
    }

    /// The first half of [`send`](Self::send), which needs no relay: prepares the photos and saves the draft. From then on
    /// the next command goes on with it.
    ///
    /// # Errors
    /// [`ClientError`]: nothing was or will be sent.
    pub async fn save<F: Sources>(
        &self,
        draft: &Draft,
        sources: &F,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<SavedDraft<F::File, P::Hold>, ClientError> {
        if let Some(outgoing) = self.untold(draft, now, rng).await? {
            let hold = self.spool.hold(outgoing.hold_name()).await?;
            let hold = hold.ok_or(ClientError::NotNow("another lightproof command is sending this already"))?;
            return Ok(SavedDraft { outgoing, prepared: Vec::new(), _hold: Some(hold) });
        }
        let prepared = self.prepare_all(draft, sources, rng).await?;
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        // Held before anybody else can see it.
        let hold = self.spool.hold(SpoolName::of(id)).await?;
        let outgoing = self.save_draft(draft, id, now, rng).await?;
        Ok(SavedDraft { outgoing, prepared, _hold: hold })
    }

    /// The second half of [`send`](Self::send).
    ///
    /// # Errors
    /// As there.
    pub async fn send_saved<F: Sources>(
        &self,
        saved: SavedDraft<F::File, P::Hold>,
        sources: &F,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<SendOutcome, ClientError> {
        let SavedDraft { outgoing, prepared, _hold } = saved;
        let removed = prepared.iter().map(|photo| photo.removed().to_vec()).collect();
        let compressions = prepared.iter().map(PreparedPhoto::compression).collect();
        self.carry_earlier(&outgoing, sources, now, rng).await;
        let failed = self.carry(outgoing.clone(), prepared, sources, now, rng).await;
        let deposited = match &failed {
            Err(error) if !error.is_passing() => Ok(()),
            _ => self.deposit_all(now, rng).await,
        };
        let cancelled = ClientError::NotNow("this send was cancelled");
        let outgoing: Outgoing = self.vault.get(&outgoing.id).await?.ok_or(cancelled)?;
        let mut waits = failed.err().or(deposited.err());
        if !outgoing.is_begun()
            && let Some(error) = waits.take_if(|error| !error.is_passing())
        {
            self.cancel(&outgoing.id, now, rng).await?;
            return Err(error);
        }
        let mut sent = Vec::new();
        for recipient in outgoing.recipients.iter() {
            sent.push(self.sent_to(recipient, &mut waits).await?);
        }
        Ok(SendOutcome { id: outgoing.id, sent, removed, compressions })
    }

    /// What was asked for first goes first: sends that waited for a relay. One that is still to be sealed may be under way in
    /// another process, and stops nothing.
    async fn carry_earlier(
        &self,
        outgoing: &Outgoing,
        sources: &impl Sources,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) {
        let is_ready = |earlier: &Outgoing| {
            earlier.number < outgoing.number
                && earlier.photos.iter().all(|photo| photo.sealed.is_some())
                && !earlier.is_enclosed()
        };
        for earlier in self.outgoing().await.unwrap_or_default().into_iter().filter(is_ready) {
            // What stops it again is told by the next look at the outbox.
            if let Ok(Some(_hold)) = self.spool.hold(earlier.hold_name()).await {
                drop(self.carry(earlier, Vec::new(), sources, now, rng).await);
            }
        }
    }

    async fn sent_to(&self, recipient: &Recipient, waits: &mut Option<ClientError>) -> Result<Sent, ClientError> {
        let contact = recipient.contact;
        if recipient.left_out.is_yes() {
            return Ok(Sent { contact, message: None, waits: Some(ClientError::LeftOut) });
        }
        let message: Option<Message> = match &recipient.message_id {
            Some(id) => self.vault.get(&Message::record_id(&contact, Direction::Out, id)).await?,
            None => None,
        };
        let is_waiting = message.as_ref().is_none_or(|message| message.receipt.is_none());
        let waits = if is_waiting { self.why_waiting(&contact).await?.or_else(|| waits.take()) } else { None };
        Ok(Sent { contact, message, waits })
    }
}
