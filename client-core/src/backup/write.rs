//! Writing a backup: a head, then sealed chunks one after the other. Rows are read at one moment, photos as they are reached.

use std::collections::BTreeSet;

use lightproof_e2ee::blob::{FileKey, Sealer};
use lightproof_wire::{blob::BlobShape, codec, id::ChunkIndex, time::Timestamp};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    Photos, Summary,
    format::{self, Opening},
    rows::{self, Rows},
};
use crate::{
    client::Client,
    error::ClientError,
    message::Message,
    spool::{Spool, SpoolError, SpoolName},
    transport::Transport,
    vault::{VaultError, store::Store, unlock::Passphrase},
};

/// The bytes of a backup, piece by piece. One that was not taken to its end restores nothing.
pub struct BackupChunks<'c, P> {
    spool: &'c P,
    head: Option<Vec<u8>>,
    sealer: Sealer,
    /// What is to be sealed next, from `taken` on.
    ready: Zeroizing<Vec<u8>>,
    taken: usize,
    photos: std::vec::IntoIter<(SpoolName, BlobShape)>,
    photo: Option<(SpoolName, BlobShape, u32)>,
    end: Option<Vec<u8>>,
    summary: Summary,
    sends_left_out: u32,
    photos_left_out: u32,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Begins a backup of this home. Nothing is sent, and nothing here changes.
    ///
    /// # Errors
    /// The vault's and the spool's; [`ClientError::TooLong`] beyond 64 GiB.
    pub async fn backup(
        &self,
        photos: Photos,
        passphrase: &Passphrase,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<BackupChunks<'_, P>, ClientError> {
        let snapshot = self.vault.snapshot(&rows::TABLES).await?;
        let mut carried = Vec::new();
        let mut photos_left_out = 0_u32;
        for message in snapshot.all::<Message>() {
            for photo in rows::kept_photos(&message?) {
                let shape = BlobShape::for_length(photo.facts.length_bytes).map_err(|_| ClientError::Damaged)?;
                if photos == Photos::Enclosed && self.is_here(photo.spool, shape).await? {
                    carried.push((photo.spool, shape));
                } else {
                    photos_left_out = photos_left_out.saturating_add(1);
                }
            }
        }
        let here: BTreeSet<SpoolName> = carried.iter().map(|(name, _)| *name).collect();
        let rows = Rows::of(&snapshot, &here)?;
        drop(snapshot);
        let count = u32::try_from(carried.len()).unwrap_or(u32::MAX);
        let end = format::end(rows.count, count);
        let summary = Summary { made: now, contacts: rows.contacts, messages: rows.messages, photos: count };
        let mut ready = Zeroizing::new(codec::encode(&now));
        ready.extend_from_slice(&Zeroizing::new(rows.bytes));
        let of_photos = carried.iter().fold(0_u64, |sum, (name, shape)| {
            let head = format::photo_head(*name, *shape).len();
            sum.saturating_add(shape.sealed_bytes()).saturating_add(u64::try_from(head).unwrap_or(u64::MAX))
        });
        let of_rows = u64::try_from(ready.len().saturating_add(end.len())).unwrap_or(u64::MAX);
        let opening = Opening { key: FileKey::generate(rng), length_bytes: of_photos.saturating_add(of_rows) };
        let head = opening.seal(passphrase, rng).map_err(VaultError::from)?;
        Ok(BackupChunks {
            spool: &self.spool,
            head: Some(head),
            sealer: Sealer::new(&opening.key, opening.length_bytes)?,
            ready,
            taken: 0,
            photos: carried.into_iter(),
            photo: None,
            end: Some(end),
            summary,
            sends_left_out: rows.sends_left_out,
            photos_left_out,
        })
    }

    /// Whether all of a photo's sealed chunks are in the spool. What they hold is looked at whenever it is shown.
    async fn is_here(&self, name: SpoolName, shape: BlobShape) -> Result<bool, ClientError> {
        match self.spool.read(name, shape.sealed_bytes().saturating_sub(1), 1).await {
            Ok(_) => Ok(true),
            Err(SpoolError::Missing) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl<P: Spool> BackupChunks<'_, P> {
    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// The spool's.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head));
        }
        let Some(index) = self.sealer.next() else { return Ok(None) };
        let wanted = self.sealer.plaintext_bytes(index);
        let mut chunk = Vec::with_capacity(self.shape().class().sealed_bytes() as usize);
        while chunk.len() < wanted {
            let rest = self.ready.get(self.taken..).unwrap_or_default();
            let piece = rest.get(..wanted.saturating_sub(chunk.len())).unwrap_or(rest);
            chunk.extend_from_slice(piece);
            self.taken = self.taken.saturating_add(piece.len());
            if chunk.len() < wanted {
                self.ready = Zeroizing::new(self.more().await?);
                self.taken = 0;
            }
        }
        self.sealer.seal_chunk(index, &mut chunk)?;
        Ok(Some(chunk))
    }

    /// What follows what is ready: chunks of the photo that is due, the next photo, the end.
    async fn more(&mut self) -> Result<Vec<u8>, ClientError> {
        if let Some((name, shape, next)) = self.photo.take()
            && let Some(offset) = shape.offset(ChunkIndex(next))
        {
            self.photo = Some((name, shape, next.saturating_add(1)));
            return Ok(self.spool.read(name, offset, shape.class().sealed_bytes() as usize).await?);
        }
        if let Some((name, shape)) = self.photos.next() {
            self.photo = Some((name, shape, 0));
            return Ok(format::photo_head(name, shape));
        }
        // Nothing is left only where the length was counted wrongly.
        self.end.take().ok_or(ClientError::Damaged)
    }

    fn shape(&self) -> BlobShape {
        self.sealer.shape()
    }

    /// How long the blob is in all: what follows the head.
    #[must_use]
    pub fn sealed_bytes(&self) -> u64 {
        self.shape().sealed_bytes()
    }

    /// What it holds.
    #[must_use]
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// Sends under way that are not in it, or not for all their recipients, because they are not sealed for them yet.
    #[must_use]
    pub const fn sends_left_out(&self) -> u32 {
        self.sends_left_out
    }

    /// Received photos that are not in it: not asked for, or missing from the spool.
    #[must_use]
    pub const fn photos_left_out(&self) -> u32 {
        self.photos_left_out
    }
}
