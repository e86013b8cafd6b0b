//! Reading a backup into a new home: each sealed chunk is opened, taken, and saved before the next is looked at.
//!
//! What was begun is no home until all of it was read: the caller gives it its place then, or throws it away.

use std::io;

use lightproof_e2ee::blob::Opener;
use lightproof_wire::{blob::BlobShape, id::ChunkIndex, time::Timestamp};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    RestoreError, Summary,
    format::{self, Opening, PREFIX_BYTES, Piece},
    restored::Restored,
    rows,
};
use crate::{
    spool::{Spool, SpoolName},
    vault::{
        Turn, Vault,
        store::{Store, Table},
        unlock::Passphrase,
    },
};

/// Bytes of a photo between two syncs.
const SYNC_BYTES: u64 = 8 << 20;

/// What opens the backup, and what is to open the home.
#[derive(Clone, Copy, Debug)]
pub struct Passphrases<'a> {
    /// The backup's.
    pub backup: &'a Passphrase,
    /// The new home's.
    pub home: &'a Passphrase,
}

/// Makes a home from a backup, in a store and a spool that are empty. `next` gives the file's bytes in order, and none at
/// its end; at most one sealed chunk and what it holds are in memory at a time.
///
/// # Errors
/// [`RestoreError`]; store and spool then hold a part, and are to be thrown away.
pub async fn restore<S: Store, P: Spool>(
    (store, spool): (S, &P),
    next: impl AsyncFnMut() -> io::Result<Vec<u8>>,
    passphrases: Passphrases<'_>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Summary, RestoreError> {
    let mut file = File { next, held: Vec::new() };
    let header_bytes = format::header_bytes(&file.begin().await?)?;
    let opening = Opening::open(&file.take(header_bytes).await?, passphrases.backup)?;
    fill((store, spool), file, &opening, passphrases.home, now, rng).await
}

/// The same, behind the head.
async fn fill<S: Store, P: Spool>(
    (store, spool): (S, &P),
    mut file: File<impl AsyncFnMut() -> io::Result<Vec<u8>>>,
    opening: &Opening,
    passphrase: &Passphrase,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Summary, RestoreError> {
    let opener = Opener::of_length(&opening.key, opening.length_bytes).map_err(|_| RestoreError::Damaged)?;
    let vault = Vault::create(store, passphrase, rng, |_, _| {}).await?;
    let (doing, found) = (Doing::Beginning, Found::default());
    let mut content = Content { vault: &vault, spool, held: Zeroizing::default(), doing, found };
    for index in (0..opener.shape().count()).map(ChunkIndex) {
        let mut chunk = Zeroizing::new(file.take(opener.shape().class().sealed_bytes() as usize).await?);
        opener.open_chunk(index, &mut chunk).map_err(|_| RestoreError::Damaged)?;
        content.take(&chunk, now, rng).await?;
    }
    file.end().await?;
    content.end()
}

/// Bytes in order, as many as are asked for.
struct File<F> {
    next: F,
    held: Vec<u8>,
}

impl<F: AsyncFnMut() -> io::Result<Vec<u8>>> File<F> {
    /// The first bytes. A file that is shorter is no backup.
    async fn begin(&mut self) -> Result<Vec<u8>, RestoreError> {
        match self.take(PREFIX_BYTES).await {
            Err(RestoreError::Damaged) => Err(RestoreError::NotABackup),
            prefix => prefix,
        }
    }

    async fn take(&mut self, count: usize) -> Result<Vec<u8>, RestoreError> {
        while self.held.len() < count {
            let more = (self.next)().await?;
            if more.is_empty() {
                return Err(RestoreError::Damaged);
            }
            self.held.extend_from_slice(&more);
        }
        Ok(self.held.drain(..count).collect())
    }

    async fn end(&mut self) -> Result<(), RestoreError> {
        let is_the_end = self.held.is_empty() && (self.next)().await?.is_empty();
        if is_the_end { Ok(()) } else { Err(RestoreError::Damaged) }
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    summary: Summary,
    rows: u32,
}

/// Where in the content we are.
enum Doing {
    /// Before the time it was made.
    Beginning,
    /// Between two records.
    Records,
    /// In a photo, so far from its beginning.
    Photo(SpoolName, BlobShape, u64),
    /// Behind the last record.
    Ended,
}

/// The content, taken in pieces of any size.
struct Content<'v, S, P> {
    vault: &'v Vault<S>,
    spool: &'v P,
    /// The beginning of a record whose end has not come yet.
    held: Zeroizing<Vec<u8>>,
    doing: Doing,
    found: Found,
}

impl<S: Store, P: Spool> Content<'_, S, P> {
    /// Takes what follows. All rows in it are saved in one turn.
    async fn take(&mut self, bytes: &[u8], now: Timestamp, rng: &mut impl CryptoRng) -> Result<(), RestoreError> {
        let mut all = core::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let (vault, rows_before) = (self.vault, self.found.rows);
        let mut turn = vault.turn();
        let mut rest = all.as_slice();
        loop {
            let taken = self.step(rest, &mut turn, now, rng).await?;
            rest = rest.get(taken..).unwrap_or_default();
            if taken == 0 {
                break;
            }
        }
        self.held = Zeroizing::new(rest.to_vec());
        if self.found.rows > rows_before || matches!(self.doing, Doing::Ended) {
            turn.commit().await?;
        }
        Ok(())
    }

    /// Takes one thing; how many bytes that was, 0 where it is not all there.
    async fn step(
        &mut self,
        rest: &[u8],
        turn: &mut Turn<'_, S>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<usize, RestoreError> {
        match self.doing {
            Doing::Beginning => {
                let Some(made) = rest.first_chunk::<8>() else { return Ok(0) };
                self.found.summary.made = Timestamp(u64::from_be_bytes(*made));
                self.doing = Doing::Records;
                Ok(made.len())
            }
            Doing::Photo(name, shape, done) => self.take_photo((name, shape, done), rest).await,
            Doing::Ended if rest.is_empty() => Ok(0),
            Doing::Ended => Err(RestoreError::Damaged),
            Doing::Records => {
                let Some((piece, length)) = format::first(rest)? else { return Ok(0) };
                match piece {
                    Piece::Row(table, value) => self.note(rows::restore(turn, (table, value), now, rng)?)?,
                    Piece::Photo(name, shape) => self.doing = Doing::Photo(name, shape, 0),
                    Piece::End { rows, photos } => {
                        let is_counted = (rows, photos) == (self.found.rows, self.found.summary.photos);
                        // Without a row there is no profile.
                        if rows == 0 || !is_counted {
                            return Err(RestoreError::Damaged);
                        }
                        turn.put(&Restored { on: now, backup_made: self.found.summary.made }, rng);
                        self.doing = Doing::Ended;
                    }
                }
                Ok(length)
            }
        }
    }

    /// The profile comes first, and once.
    fn note(&mut self, table: Table) -> Result<(), RestoreError> {
        if (table == Table::Profile) != (self.found.rows == 0) {
            return Err(RestoreError::Damaged);
        }
        self.found.rows = self.found.rows.saturating_add(1);
        let count = match table {
            Table::Contacts => &mut self.found.summary.contacts,
            Table::Messages => &mut self.found.summary.messages,
            _ => return Ok(()),
        };
        *count = count.saturating_add(1);
        Ok(())
    }

    async fn take_photo(
        &mut self,
        (name, shape, done): (SpoolName, BlobShape, u64),
        rest: &[u8],
    ) -> Result<usize, RestoreError> {
        let left = usize::try_from(shape.sealed_bytes().saturating_sub(done)).unwrap_or(usize::MAX);
        let piece = rest.get(..left).unwrap_or(rest);
        if piece.is_empty() {
            return Ok(0);
        }
        let length = u64::try_from(piece.len()).map_err(|_| RestoreError::Damaged)?;
        let after = done.saturating_add(length);
        drop(self.spool.write(name, done, piece.to_vec()).await?);
        let is_whole = after == shape.sealed_bytes();
        if is_whole || done / SYNC_BYTES != after / SYNC_BYTES {
            self.spool.sync(name).await?;
        }
        self.doing = if is_whole { Doing::Records } else { Doing::Photo(name, shape, after) };
        if is_whole {
            self.found.summary.photos = self.found.summary.photos.saturating_add(1);
        }
        Ok(piece.len())
    }

    fn end(self) -> Result<Summary, RestoreError> {
        match self.doing {
            Doing::Ended => Ok(self.found.summary),
            _ => Err(RestoreError::Damaged),
        }
    }
}

#[cfg(test)]
mod tests;
