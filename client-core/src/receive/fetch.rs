//! Fetch and verify: sealed chunks from the sender's relay into our spool, checked on arrival; then release.
//!
//! A chunk that was fetched once is not fetched again: after an interruption what lies in the spool is checked and kept.

use std::collections::VecDeque;

use futures_util::future::join;
use lightproof_e2ee::{
    blob::{Opener, Verifier},
    receipt::ReceiptKind,
};
use lightproof_wire::{
    blob::BlobShape,
    codec::List,
    command::Command,
    id::{ChunkIndex, CommandId},
    refusal::Refusal,
    relay_link::RelayLink,
    reply::Reply,
    time::Timestamp,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    client::{Client, Purpose, until_undisturbed},
    connection::{Connection, expect_reply},
    contact::Contact,
    error::{ClientError, both},
    event::{Event, Stage},
    message::{Direction, Message, PhotoState, StoredPhoto},
    spool::{Spool, SpoolError},
    transport::{Pipe, Transport},
    vault::store::Store,
};

/// Chunks asked for and not answered: enough to hide a round trip, and 8 MiB at most.
const WINDOW: usize = 8;
/// Chunks between two syncs.
const GROUP: usize = 8;
/// A photo that fails to verify so often will not be fetched again.
const TRIES_MAX: u8 = 3;

/// What came of everything that was to be fetched.
pub(super) struct FetchedAll {
    /// What stopped a part of it.
    pub(super) ended: Result<(), ClientError>,
    /// A relay that some of it waits at, and that the user has not allowed.
    pub(super) not_allowed: Option<Box<RelayLink>>,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Fetches what is waiting from accepted contacts. What fails for one photo does not stop the next.
    pub(super) async fn fetch_all(&self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<FetchedAll, ClientError> {
        let mut messages: Vec<Message> = self.vault.scan().await?;
        messages.retain(|message| message.direction == Direction::In && message.photos.iter().any(is_due));
        messages.sort_by_key(|message| message.number);
        let mut due: Vec<(&Message, usize)> = Vec::new();
        for message in &messages {
            let contact: Option<Contact> = self.vault.get(message.contact.as_bytes()).await?;
            if contact.is_some_and(|contact| contact.is_accepted()) {
                let places = message.photos.iter().enumerate().filter(|(_, photo)| is_due(photo));
                due.extend(places.map(|(place, _)| (message, place)));
            }
        }
        let length = |(message, place): &(&Message, usize)| {
            message.photos.as_slice().get(*place).map_or(0, |photo| photo.facts.length_bytes)
        };
        let lengths: Vec<u64> = due.iter().map(length).collect();
        let mut all = FetchedAll { ended: Ok(()), not_allowed: None };
        for (number, (message, place)) in due.into_iter().enumerate() {
            self.progress(Event::photo(Stage::Fetching, &lengths, number));
            match self.fetch_one(message, place, now, rng).await {
                Err(ClientError::RelayNotAllowed(relay)) => drop(all.not_allowed.get_or_insert(relay)),
                ended => all.ended = both(all.ended, ended),
            }
        }
        Ok(all)
    }

    async fn fetch_one(
        &self,
        message: &Message,
        place: usize,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let Some(photo) = message.photos.as_slice().get(place).filter(|photo| is_due(photo)) else { return Ok(()) };
        let relay = RelayLink::from_text(&message.blob_relay).map_err(|_| ClientError::Verification);
        let relay = match relay {
            Ok(relay) => relay,
            Err(_) => return self.save_photo_state(message, place, PhotoState::Failed, now, rng).await,
        };
        let connection = self.connection(&relay, Purpose::Others, now, rng).await?;
        if photo.state != PhotoState::Verified {
            let state = match self.fetch(&connection, photo).await {
                Ok(()) => PhotoState::Verified,
                Err(ClientError::Refused(Refusal::Refused)) => PhotoState::Expired,
                Err(ClientError::Verification) => {
                    self.spool.remove(photo.spool).await?;
                    PhotoState::Failed
                }
                Err(error) => return Err(error),
            };
            self.save_photo_state(message, place, state, now, rng).await?;
            if state != PhotoState::Verified {
                return Ok(());
            }
        }
        match connection.call(Command::ReleaseBlob { read: photo.facts.read.clone() }).await {
            // Refused: revoked or expired meanwhile; we need it no more either way.
            Ok(Reply::Done) | Err(ClientError::Refused(Refusal::Refused)) => {
                self.save_photo_state(message, place, PhotoState::Released, now, rng).await
            }
            Ok(_) => Err(ClientError::RelayMisbehaved("it answered another question")),
            Err(error) => Err(error),
        }
    }

    /// All chunks into the spool, synced, every one opened and hashed on its way.
    async fn fetch(&self, connection: &Connection<T::Pipe>, photo: &StoredPhoto) -> Result<(), ClientError> {
        let mut check = Check::new(photo)?;
        let mut next = self.keep_fetched(photo, &mut check).await?;
        let mut asked: VecDeque<(ChunkIndex, CommandId)> = VecDeque::new();
        let mut unsynced = next > 0;
        loop {
            let sync = async { if unsynced { self.spool.sync(photo.spool).await } else { Ok(()) } };
            let (synced, group) =
                join(sync, self.fetch_group(connection, photo, &mut check, (&mut next, &mut asked))).await;
            synced?;
            unsynced = group? > 0;
            if !unsynced {
                break;
            }
        }
        check.finish()
    }

    /// Takes up to a group of chunks; how many it took.
    async fn fetch_group(
        &self,
        connection: &Connection<T::Pipe>,
        photo: &StoredPhoto,
        check: &mut Check,
        (next, asked): (&mut u32, &mut VecDeque<(ChunkIndex, CommandId)>),
    ) -> Result<usize, ClientError> {
        let mut taken = 0_usize;
        let mut checked: Option<(u64, Vec<u8>)> = None;
        loop {
            let write = async {
                match checked.take() {
                    Some((offset, chunk)) => self.spool.write(photo.spool, offset, chunk).await.map(drop),
                    None => Ok(()),
                }
            };
            let is_full = taken >= GROUP;
            // The write goes on elsewhere while the next chunk is awaited and checked here.
            let next = async {
                if is_full {
                    Ok(None)
                } else {
                    self.fetch_chunk(connection, photo, check, (&mut *next, &mut *asked)).await
                }
            };
            let (written, fetched) = join(write, next).await;
            written?;
            checked = fetched?;
            if checked.is_none() {
                return Ok(taken);
            }
            taken = taken.saturating_add(1);
        }
    }

    /// Takes the next chunk and checks it; where it belongs in the spool. `None` after the last.
    async fn fetch_chunk(
        &self,
        connection: &Connection<T::Pipe>,
        photo: &StoredPhoto,
        check: &mut Check,
        (next, asked): (&mut u32, &mut VecDeque<(ChunkIndex, CommandId)>),
    ) -> Result<Option<(u64, Vec<u8>)>, ClientError> {
        let shape = check.shape();
        while asked.len() < WINDOW && *next < shape.count() {
            let index = ChunkIndex(*next);
            asked.push_back((index, ask(connection, photo, index).await?));
            *next = next.saturating_add(1);
        }
        let Some((index, id)) = asked.pop_front() else { return Ok(None) };
        let chunk = match connection.finish(id).await {
            Err(ClientError::Refused(refusal)) if refusal.retry_after_ms().is_some() => {
                connection.call(Command::GetChunk { read: photo.facts.read.clone(), index }).await
            }
            answer => answer,
        };
        let chunk = expect_reply!(chunk?, Reply::Chunk(chunk) => chunk)?.into_vec();
        check.take(index, &chunk)?;
        let offset = shape.offset(index).ok_or(ClientError::Damaged)?;
        let done_bytes = offset.saturating_add(u64::from(shape.class().sealed_bytes()));
        self.progress(Event::Progress { stage: Stage::Fetching, done_bytes, total_bytes: shape.sealed_bytes() });
        Ok(Some((offset, chunk)))
    }

    /// Checks what an earlier try left in the spool; the first chunk that is not there or not good is where fetching goes on.
    async fn keep_fetched(&self, photo: &StoredPhoto, check: &mut Check) -> Result<u32, ClientError> {
        let shape = check.shape();
        let chunk_bytes = shape.class().sealed_bytes() as usize;
        for place in 0..shape.count() {
            let index = ChunkIndex(place);
            let offset = shape.offset(index).ok_or(ClientError::Damaged)?;
            let chunk = match self.spool.read(photo.spool, offset, chunk_bytes).await {
                Ok(chunk) => chunk,
                Err(SpoolError::Missing) => return Ok(place),
                Err(error) => return Err(error.into()),
            };
            if check.take(index, &chunk).is_err() {
                return Ok(place);
            }
        }
        Ok(shape.count())
    }

    async fn save_photo_state(
        &self,
        message: &Message,
        place: usize,
        state: PhotoState,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let id = Message::record_id(&message.contact, Direction::In, &message.message_id);
        let is_kept = until_undisturbed(async || {
            let mut turn = self.vault.turn();
            // Deleted, or taken back by its sender, while this photo was fetched.
            let stored: Option<Message> = turn.get(&id).await?;
            let Some(mut message) = stored.filter(|message| !message.photos.as_slice().is_empty()) else {
                return Ok(false);
            };
            let was_whole = message.state;
            let mut photos = message.photos.into_vec();
            let photo = photos.get_mut(place).ok_or(ClientError::Damaged)?;
            photo.state = state;
            if state == PhotoState::Failed {
                photo.tries = photo.tries.saturating_add(1);
            }
            message.photos = List::new(photos).unwrap_or_default();
            message.state = message.state_of_photos();
            if message.state != was_whole {
                message.told = false.into();
                if message.state == crate::message::State::Verified && message.delivered_wanted.is_yes() {
                    let contact: Contact = turn.get(message.contact.as_bytes()).await?.ok_or(ClientError::Damaged)?;
                    let receipt = (ReceiptKind::Delivered, message.message_id);
                    self.owe_receipt(&mut turn, &contact, receipt, now, rng).await?;
                }
            }
            turn.put(&message, rng);
            turn.commit().await?;
            Ok(true)
        })
        .await?;
        match message.photos.as_slice().get(place).filter(|_| !is_kept) {
            Some(photo) => Ok(self.spool.remove(photo.spool).await?),
            None => Ok(()),
        }
    }

    /// The bytes of a verified photo, chunk by chunk, checked once more on their way out of the spool.
    ///
    /// # Errors
    /// [`ClientError::NotNow`] for a photo that is not verified, or is for one look; [`ClientError::Unknown`] for one that
    /// does not exist.
    pub fn open_photo<'a>(
        &'a self,
        message: &'a Message,
        place: usize,
    ) -> Result<PlainChunks<'a, S, P, T>, ClientError> {
        if message.view_once.is_yes() && message.direction == Direction::In {
            return Err(ClientError::NotNow("this photo is for one look: it is shown, and not saved"));
        }
        self.open_photo_for_one_look(message, place)
    }

    /// The same, of a photo that may be for one look: only for [`look_once`](Self::look_once).
    ///
    /// # Errors
    /// As [`open_photo`](Self::open_photo).
    pub fn open_photo_for_one_look<'a>(
        &'a self,
        message: &'a Message,
        place: usize,
    ) -> Result<PlainChunks<'a, S, P, T>, ClientError> {
        let photo = message
            .photos
            .as_slice()
            .get(place)
            .ok_or_else(|| ClientError::Unknown(format!("photo {}", place.saturating_add(1))))?;
        if message.direction == Direction::Out {
            return Err(ClientError::NotNow("only received photos are kept here"));
        }
        match photo.state {
            PhotoState::Verified | PhotoState::Released => {
                Ok(PlainChunks { client: self, photo, check: Check::new(photo)?, next: 0 })
            }
            PhotoState::Waiting => Err(ClientError::NotNow("this photo has not been fetched yet")),
            PhotoState::Failed => Err(ClientError::Verification),
            PhotoState::Expired => Err(ClientError::NotNow("this photo was gone from its relay before it was fetched")),
            PhotoState::LeftOut => Err(ClientError::NotNow(
                "this photo was left out of the backup that was restored; its sender can send it again",
            )),
        }
    }
}

/// What still has to be done for a photo.
fn is_due(photo: &StoredPhoto) -> bool {
    match photo.state {
        PhotoState::Waiting | PhotoState::Verified => true,
        PhotoState::Failed => photo.tries < TRIES_MAX,
        PhotoState::Released | PhotoState::Expired | PhotoState::LeftOut => false,
    }
}

async fn ask<P: Pipe>(
    connection: &Connection<P>,
    photo: &StoredPhoto,
    index: ChunkIndex,
) -> Result<CommandId, ClientError> {
    connection.start(Command::GetChunk { read: photo.facts.read.clone(), index }).await
}

/// Every tag, the order, the last chunk, the length and the digest.
struct Check {
    opener: Opener,
    verifier: Verifier,
    /// Room for one opened chunk, wiped at the end.
    plain: Zeroizing<Vec<u8>>,
}

impl Check {
    fn new(photo: &StoredPhoto) -> Result<Self, ClientError> {
        let opener = Opener::new(&photo.facts).map_err(|_| ClientError::Verification)?;
        let verifier = Verifier::new(&photo.facts).map_err(|_| ClientError::Verification)?;
        Ok(Self { opener, verifier, plain: Zeroizing::default() })
    }

    const fn shape(&self) -> BlobShape {
        self.opener.shape()
    }

    /// Checks one sealed chunk; its bytes of the photo.
    fn take(&mut self, index: ChunkIndex, chunk: &[u8]) -> Result<&[u8], ClientError> {
        self.plain.clear();
        self.plain.extend_from_slice(chunk);
        self.opener.open_chunk(index, &mut self.plain).map_err(|_| ClientError::Verification)?;
        self.verifier.take(index, &self.plain).map_err(|_| ClientError::Verification)?;
        Ok(&self.plain)
    }

    fn finish(self) -> Result<(), ClientError> {
        self.verifier.finish().map(drop).map_err(|_| ClientError::Verification)
    }
}

/// The bytes of one verified photo. What was taken may be used once [`finish`](Self::finish) has agreed, not before.
pub struct PlainChunks<'a, S, P, T: Transport> {
    client: &'a Client<S, P, T>,
    photo: &'a StoredPhoto,
    check: Check,
    next: u32,
}

impl<S: Store, P: Spool, T: Transport> PlainChunks<'_, S, P, T> {
    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// [`ClientError::Verification`] where the spool was damaged, [`ClientError::Spool`] where it is gone.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        let index = ChunkIndex(self.next);
        let shape = self.check.shape();
        let Some(offset) = shape.offset(index) else { return Ok(None) };
        let chunk = self.client.spool.read(self.photo.spool, offset, shape.class().sealed_bytes() as usize).await?;
        self.next = self.next.saturating_add(1);
        self.check.take(index, &chunk).map(|plain| Some(plain.to_vec()))
    }

    /// Whether all that was taken is the photo that was signed.
    ///
    /// # Errors
    /// [`ClientError::Verification`].
    pub fn finish(self) -> Result<(), ClientError> {
        self.check.finish()
    }
}
