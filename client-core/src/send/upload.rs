//! Seal and upload: chunks into the spool, synced in groups, and to the relay what a sync has covered.
//!
//! ```text
//!  seal and write group 3 ┐
//!  sync group 2           ├ at the same time        then: group 4, group 3, group 2 …
//!  put group 1            ┘
//! ```

use std::{
    collections::VecDeque,
    io::{Cursor, Read, Seek},
    rc::Rc,
};

use futures_util::future::{join, join3};
use lightproof_e2ee::{blob::Sealer, frame::NO_FRAME, proof::SourceOpening};
use lightproof_wire::{
    blob::BlobShape,
    capability::Capability,
    codec::{Bytes, List, Text},
    command::Command,
    hash::{Digest, Hasher},
    id::{ChunkIndex, CommandId},
    refusal::Refusal,
    relay_link::RelayLink,
    reply::{BlobState, Reply},
    time::Timestamp,
};
use rand_core::CryptoRng;

use super::outgoing::{Outgoing, OutgoingPhoto, SealedFacts};
use crate::{
    client::{Client, Purpose},
    connection::{Connection, expect_reply},
    error::ClientError,
    event::{Event, Stage},
    prepare::{Content, Pieced, PreparedPhoto},
    spool::{Spool, SpoolName},
    transport::{Pipe, Transport},
    vault::store::Store,
};

/// Sealed bytes between two syncs.
const GROUP_BYTES: usize = 8 << 20;
/// Chunks on their way without an answer.
const WINDOW: usize = 16;
/// Rounds in which no chunk came to be there.
const STALLED_MAX: u32 = 3;

type Chunk = (ChunkIndex, Vec<u8>);

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Seals one photo into the spool and, with a connection, uploads what is synced. The facts for the manifest.
    pub(super) async fn seal<R: Read + Seek>(
        &self,
        photo: &OutgoingPhoto,
        prepared: PreparedPhoto<R>,
        connection: Option<&Connection<T::Pipe>>,
    ) -> Result<SealedFacts, ClientError> {
        let mut sealing = Sealing::new(photo, prepared)?;
        let shape = sealing.shape();
        let mut upload = match connection {
            Some(connection) if self.open_blob(connection, photo, shape).await.is_ok() => {
                Some(Upload { connection, photo, under_way: VecDeque::new() })
            }
            _ => None,
        };
        let (mut written, mut synced) = (Vec::new(), Vec::new());
        loop {
            let sync = async { if written.is_empty() { Ok(()) } else { self.spool.sync(photo.spool).await } };
            let (open, group) = (upload.take(), core::mem::take(&mut synced));
            let put = async { if let Some(open) = open { open.put(group).await } else { None } };
            let (done, next, open) = join3(sync, self.seal_group(&mut sealing, photo.spool), put).await;
            done?;
            upload = open;
            synced = core::mem::replace(&mut written, next?);
            self.progress_of(Stage::Uploading, shape, synced.first());
            if synced.is_empty() && written.is_empty() {
                break;
            }
        }
        if let Some(open) = upload {
            open.settle().await;
        }
        sealing.finish()
    }

    async fn seal_group<R: Read + Seek>(
        &self,
        sealing: &mut Sealing<R>,
        spool: SpoolName,
    ) -> Result<Vec<Chunk>, ClientError> {
        let (mut group, mut sealed_bytes) = (Vec::new(), 0_usize);
        let shape = sealing.shape();
        let mut sealed: Option<Chunk> = None;
        loop {
            let write = async {
                let Some((index, chunk)) = sealed.take() else { return Ok(None) };
                let offset = shape.offset(index).ok_or(ClientError::Damaged)?;
                Ok::<_, ClientError>(Some((index, self.spool.write(spool, offset, chunk).await?)))
            };
            let is_full = sealed_bytes >= GROUP_BYTES;
            // The write goes on elsewhere while the next chunk is sealed here.
            let (done, next) = join(write, async { if is_full { Ok(None) } else { sealing.next_chunk() } }).await;
            group.extend(done?);
            sealed = next?;
            let Some((_, chunk)) = &sealed else { return Ok(group) };
            sealed_bytes = sealed_bytes.saturating_add(chunk.len());
        }
    }

    /// Brings a sealed photo to its relay: asks what is missing, puts it from the spool, commits. Repeatable.
    pub(super) async fn upload_sealed(
        &self,
        outgoing: &Outgoing,
        photo: &OutgoingPhoto,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let facts = photo.sealed.as_ref().ok_or(ClientError::Damaged)?;
        let shape = BlobShape::for_length(facts.length_bytes).map_err(|_| ClientError::Damaged)?;
        let connection = self.blob_connection(outgoing, now, rng).await?;
        let (mut fewest, mut stalled, mut busy) = (usize::MAX, 0, None);
        loop {
            // In the common case every chunk has been put already, and one question is saved.
            match connection.call(Command::CommitBlob { write: photo.write.clone() }).await {
                Ok(Reply::Done) => return Ok(()),
                Ok(_) => return Err(ClientError::RelayMisbehaved("it answered another question")),
                Err(ClientError::Refused(Refusal::Refused)) => {}
                Err(error) => return Err(error),
            }
            self.open_blob(&connection, photo, shape).await?;
            let status = connection.call(Command::BlobStatus { write: photo.write.clone() }).await?;
            let missing = match expect_reply!(status, Reply::Blob(state) => state)? {
                BlobState::Committed => return Ok(()),
                BlobState::Uploading(bitmap) if bitmap.count() == shape.count() => bitmap.missing().collect::<Vec<_>>(),
                BlobState::Uploading(_) => return Err(ClientError::RelayMisbehaved("it speaks of another photo")),
            };
            if missing.is_empty() {
                return Err(ClientError::RelayMisbehaved("it has every chunk and does not commit the blob"));
            }
            // Each round brings some chunks there. A relay that loses what it takes, or is always busy, is not asked for ever.
            stalled = if missing.len() < fewest { 0_u32 } else { stalled.saturating_add(1) };
            if stalled >= STALLED_MAX {
                let lost = ClientError::RelayMisbehaved("it does not keep the chunks it takes");
                return Err(busy.map_or(lost, ClientError::Refused));
            }
            fewest = missing.len().min(fewest);
            busy = self.put_missing(&connection, photo, shape, missing).await?;
            if let Some(refusal) = busy {
                connection.wait(refusal).await?;
            }
        }
    }

    /// Puts chunks; what a relay said that was too busy for some of them.
    async fn put_missing(
        &self,
        connection: &Connection<T::Pipe>,
        photo: &OutgoingPhoto,
        shape: BlobShape,
        missing: Vec<ChunkIndex>,
    ) -> Result<Option<Refusal>, ClientError> {
        let (mut under_way, mut busy) = (VecDeque::new(), None);
        let chunk_bytes = shape.class().sealed_bytes() as usize;
        for index in missing {
            let offset = shape.offset(index).ok_or(ClientError::Damaged)?;
            let chunk = self.spool.read(photo.spool, offset, chunk_bytes).await?;
            self.progress_of(Stage::Uploading, shape, Some(&(index, Vec::new())));
            under_way.push_back(connection.start(put(photo, index, chunk)?).await?);
            if under_way.len() >= WINDOW
                && let Some(oldest) = under_way.pop_front()
            {
                busy = answered(connection, oldest).await?.or(busy);
            }
        }
        for id in under_way {
            busy = answered(connection, id).await?.or(busy);
        }
        Ok(busy)
    }

    /// The connection our blobs go over.
    pub(super) async fn blob_connection(
        &self,
        outgoing: &Outgoing,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Rc<Connection<T::Pipe>>, ClientError> {
        let relay = RelayLink::from_text(&outgoing.relay).map_err(|_| ClientError::Damaged)?;
        self.connection(&relay, Purpose::Others, now, rng).await
    }

    /// Begins a blob, or asks to keep it longer: as long as the relay keeps any.
    pub(super) async fn open_blob(
        &self,
        connection: &Connection<T::Pipe>,
        photo: &OutgoingPhoto,
        shape: BlobShape,
    ) -> Result<(), ClientError> {
        if shape.sealed_bytes() > connection.welcome().limits.blob_bytes {
            return Err(ClientError::Refused(Refusal::TooLarge));
        }
        let access = self.access(connection.relay()).await?;
        let readers = photo.readers.iter().map(Capability::hash).collect();
        let command = Command::OpenBlob {
            write: photo.write.hash(),
            readers: List::new(readers).map_err(|_| ClientError::Damaged)?,
            shape,
            keep_days: connection.welcome().limits.blob_days,
            access,
        };
        expect_reply!(connection.call(command).await?, Reply::Opened => ())
    }

    fn progress_of(&self, stage: Stage, shape: BlobShape, chunk: Option<&Chunk>) {
        if let Some((index, _)) = chunk {
            let done_bytes = shape.offset(*index).unwrap_or_default();
            self.progress(Event::Progress { stage, done_bytes, total_bytes: shape.sealed_bytes() });
        }
    }
}

fn put(photo: &OutgoingPhoto, index: ChunkIndex, chunk: Vec<u8>) -> Result<Command, ClientError> {
    let chunk = Bytes::new(chunk).map_err(|_| ClientError::Damaged)?;
    Ok(Command::PutChunk { write: photo.write.clone(), index, chunk })
}

/// A chunk that the relay was too busy for is found missing later; what it said then.
async fn answered<P: Pipe>(connection: &Connection<P>, id: CommandId) -> Result<Option<Refusal>, ClientError> {
    match connection.finish(id).await {
        Ok(Reply::Done) => Ok(None),
        Err(ClientError::Refused(refusal)) if refusal.retry_after_ms().is_some() => Ok(Some(refusal)),
        Ok(_) => Err(ClientError::RelayMisbehaved("it answered another question")),
        Err(error) => Err(error),
    }
}

/// The upload that runs beside the sealing. Whatever goes wrong here is put right from the spool afterwards.
struct Upload<'a, P> {
    connection: &'a Connection<P>,
    photo: &'a OutgoingPhoto,
    under_way: VecDeque<CommandId>,
}

impl<P: Pipe> Upload<'_, P> {
    async fn put(mut self, group: Vec<Chunk>) -> Option<Self> {
        for (index, chunk) in group {
            let id = self.connection.start(put(self.photo, index, chunk).ok()?).await.ok()?;
            self.under_way.push_back(id);
            if self.under_way.len() >= WINDOW
                && let Some(oldest) = self.under_way.pop_front()
            {
                answered(self.connection, oldest).await.ok()?;
            }
        }
        Some(self)
    }

    async fn settle(self) {
        for id in self.under_way {
            if answered(self.connection, id).await.is_err() {
                break;
            }
        }
    }
}

/// A photo while it is being sealed: read once, hashed, sealed chunk by chunk.
struct Sealing<R> {
    sealer: Sealer,
    content: Reader<R>,
    digest: Hasher,
    /// Whether the source was hashed before it was prepared; otherwise what is sealed is the source.
    committed: bool,
    /// What it must have been, where the source is read a second time.
    expected: Option<Digest>,
    facts: SealedFacts,
}

enum Reader<R> {
    Bytes(Cursor<Vec<u8>>),
    Source(Pieced<R>),
}

impl<R: Read + Seek> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Bytes(bytes) => bytes.read(buffer),
            Self::Source(source) => source.read(buffer),
        }
    }
}

impl<R: Read + Seek> Sealing<R> {
    fn new(photo: &OutgoingPhoto, prepared: PreparedPhoto<R>) -> Result<Self, ClientError> {
        let length_bytes = prepared.length_bytes();
        let (width, height) = prepared.dimensions().unwrap_or_default();
        let known = prepared.source_digest();
        let source = SourceOpening { salt: prepared.source_salt(), digest: known.unwrap_or(NO_FRAME) };
        let facts = SealedFacts {
            media_type: prepared.media_type(),
            width,
            height,
            length_bytes,
            digest: NO_FRAME,
            source,
            thumbhash: Bytes::new(prepared.thumbhash().to_vec()).map_err(|_| ClientError::Damaged)?,
            name: Text::new(prepared.name()).map_err(|_| ClientError::Damaged)?,
        };
        let expected = prepared.digest();
        let content = match prepared.into_content() {
            Content::Bytes(bytes) => Reader::Bytes(Cursor::new(bytes)),
            Content::Source(source) => Reader::Source(source),
            Content::LetGo => return Err(ClientError::Damaged),
        };
        let sealer = Sealer::new(&photo.file_key, length_bytes)?;
        Ok(Self { sealer, content, digest: Hasher::bare(), committed: known.is_some(), expected, facts })
    }

    const fn shape(&self) -> BlobShape {
        self.sealer.shape()
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>, ClientError> {
        let Some(index) = self.sealer.next() else { return Ok(None) };
        let wanted = self.sealer.plaintext_bytes(index);
        // Room for the padding and the tag, so that nothing moves while it is sealed in place.
        let mut buffer = Vec::with_capacity(self.shape().class().sealed_bytes() as usize);
        let limit = u64::try_from(wanted).map_err(|_| ClientError::Damaged)?;
        self.content.by_ref().take(limit).read_to_end(&mut buffer).map_err(|_| ClientError::SourceMissing)?;
        self.digest.update(&buffer);
        // A file that has become shorter does not fill its chunk: an error, before anything of this chunk is sealed.
        self.sealer.seal_chunk(index, &mut buffer)?;
        Ok(Some((index, buffer)))
    }

    fn finish(mut self) -> Result<SealedFacts, ClientError> {
        if self.content.read(&mut [0]).map_err(|_| ClientError::SourceMissing)? != 0 {
            return Err(ClientError::SourceChanged);
        }
        self.sealer.finish()?;
        let digest = self.digest.finish();
        if self.expected.is_some_and(|expected| expected != digest) {
            return Err(ClientError::SourceChanged);
        }
        let known = self.facts.source;
        let source = if self.committed { known } else { SourceOpening { digest, ..known } };
        Ok(SealedFacts { digest, source, ..self.facts })
    }
}

#[cfg(test)]
mod tests {
    use lightproof_e2ee::manifest::Treatment;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;
    use crate::{
        prepare::{
            PrepareOptions,
            apart::{Asked, Job, work},
            sample_photo,
        },
        send::{PhotoSource, Source},
    };

    /// Seals what a process apart made of `photo`, from what the file has become since.
    fn sealed(photo: &[u8], now: Vec<u8>) -> Result<SealedFacts, ClientError> {
        let options = PrepareOptions { treatment: Treatment::Original, ..PrepareOptions::default() };
        let mut reply = Cursor::new(Vec::new());
        work(&Job::from(&options), Cursor::new(photo), &mut reply).unwrap();
        let asked = Asked { name: "photo.jpg", options: &options, source_salt: [7; 32] };
        let prepared = PreparedPhoto::from_reply(reply, Cursor::new(now), &asked)?;
        let source = Source { path: Text::new("photo.jpg").unwrap(), length_bytes: 0, modified_ms: 0 };
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let outgoing = OutgoingPhoto::new(&PhotoSource { source, options }, 1, &mut rng);
        let mut sealing = Sealing::new(&outgoing, prepared)?;
        while sealing.next_chunk()?.is_some() {}
        sealing.finish()
    }

    #[test]
    fn an_original_that_changed_while_it_was_sealed_is_not_sent() {
        let photo = sample_photo();
        let facts = sealed(&photo, photo.clone()).unwrap();
        assert!(facts.length_bytes > 10_000 && facts.source.digest == Digest::of(&photo));
        let middle = photo.len() / 2;
        let mut changed = photo.clone();
        changed[middle] ^= 1;
        assert!(matches!(sealed(&photo, changed), Err(ClientError::SourceChanged)));
        let longer = [photo.as_slice(), b"more"].concat();
        assert!(sealed(&photo, longer).is_ok(), "what follows the picture is not sent anyway");
    }
}
