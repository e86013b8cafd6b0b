//! A draft and what is saved of it: enough to go on after a crash, and never a reason to use a key twice.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lightproof_e2ee::{
    identity::Fingerprint,
    manifest::{MediaType, NOTE_BYTES, PHOTOS},
};
use lightproof_wire::{
    codec::{self, List, Text},
    hash::Digest,
    limits::BLOB_READERS,
    time::Timestamp,
};
use rand_core::CryptoRng;

use super::{
    Sources,
    outgoing::{Outgoing, OutgoingPhoto, Recipient, Source},
};
use crate::{
    client::{Client, until_undisturbed},
    contact::{Contact, Standing},
    error::ClientError,
    event::{Event, Stage},
    home::unknown,
    prepare::{PrepareOptions, PreparedPhoto, Quality},
    profile::Profile,
    spool::Spool,
    transport::Transport,
    vault::{record::Flag, store::Store},
};

/// A request given again within this time of one whose end its user was never told is the same request.
const SAME_REQUEST_MS: u64 = 600_000;
/// Photos being prepared at the same time.
const PREPARED_AT_ONCE: usize = 2;
/// What prepared photos of one message take together before they are sealed.
const HELD_BYTES: u64 = 64 << 20;

/// A photo to be sent.
#[derive(Clone, Debug)]
pub struct PhotoSource {
    /// The file.
    pub source: Source,
    /// What to do to it.
    pub options: PrepareOptions,
}

/// A message before `prepare`.
#[derive(Clone)]
pub struct Draft {
    /// For whom; each gets an envelope of its own.
    pub to: Vec<Fingerprint>,
    /// The note; may be empty beside a photo.
    pub note: String,
    /// The photos.
    pub photos: Vec<PhotoSource>,
    /// How often its recipients are to see it.
    pub looks: Looks,
}

/// How often a message is to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Looks {
    /// As often as one likes.
    #[default]
    Any,
    /// Once; then the recipient's client destroys it.
    Once,
}

impl core::fmt::Debug for Draft {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { to, note, photos, looks } = self;
        write!(f, "Draft(for {}, note of {} bytes, {} photos, {looks:?})", to.len(), note.len(), photos.len())
    }
}

impl Draft {
    /// What tells one request of a user from another.
    fn intent(&self) -> Digest {
        let mut bytes = Vec::new();
        for contact in &self.to {
            codec::append(&mut bytes, contact);
        }
        bytes.extend_from_slice(Digest::of(self.note.as_bytes()).as_bytes());
        bytes.push(u8::from(self.looks == Looks::Once));
        for photo in &self.photos {
            codec::append(&mut bytes, &photo.source);
            let options = photo.options;
            let quality = if let Quality::Fixed(quality) = options.quality { quality } else { 0 };
            bytes.extend_from_slice(&[options.treatment as u8, quality, u8::from(options.keep_metadata)]);
            bytes.extend_from_slice(&options.max_edge.to_be_bytes());
        }
        Digest::of(&bytes)
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// The same request, begun before and interrupted before its user was told: while it is under way, and for a while
    /// after. Later the same words are a new message, and so they are once somebody was left out of it.
    pub(crate) async fn untold(
        &self,
        draft: &Draft,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Option<Outgoing>, ClientError> {
        let intent = draft.intent();
        let is_same = |outgoing: &Outgoing| outgoing.intent == intent && !outgoing.told.is_yes();
        for begun in self.vault.scan::<Outgoing>().await?.into_iter().filter(is_same) {
            let under_way = self.outbox().await?.iter().any(|item| item.outgoing == Some(begun.id));
            let goes_on = !begun.is_enclosed() || under_way || now.since_ms(begun.made) < SAME_REQUEST_MS;
            if goes_on && !begun.leaves_somebody_out() {
                return Ok(Some(begun));
            }
            self.told(&begun.id, rng).await?;
        }
        Ok(None)
    }

    /// Prepares every photo before anything is saved: a picture that cannot be sent stops the whole message. What would
    /// be too much to hold at once is let go, to be prepared again when its turn comes.
    pub(crate) async fn prepare_all<F: Sources>(
        &self,
        draft: &Draft,
        sources: &F,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<PreparedPhoto<F::File>>, ClientError> {
        if draft.photos.len() > PHOTOS {
            return Err(ClientError::TooMany { what: "photos in one message", max: PHOTOS });
        }
        let mut salts = Vec::new();
        salts.resize_with(draft.photos.len(), || {
            let mut salt = [0; 32];
            rng.fill_bytes(&mut salt);
            salt
        });
        let lengths: Vec<u64> = draft.photos.iter().map(|photo| photo.source.length_bytes).collect();
        self.progress(Event::photo(Stage::Preparing, &lengths, 0));
        let prepare_one = |(photo, salt): (&PhotoSource, _)| {
            let (source, options) = (photo.source.clone(), photo.options);
            async move { sources.prepare(&source, &options, salt).await }
        };
        let under_way = stream::iter(draft.photos.iter().zip(salts)).map(prepare_one).buffered(PREPARED_AT_ONCE);
        let mut prepared = Vec::new();
        let mut held_bytes = 0_u64;
        let mut under_way = core::pin::pin!(under_way);
        while let Some(photo) = under_way.try_next().await? {
            held_bytes = held_bytes.saturating_add(photo.held_bytes());
            if draft.looks == Looks::Once && photo.media_type() == MediaType::Other {
                return Err(ClientError::NotNow("a file that is no picture cannot be shown once"));
            }
            prepared.push(if held_bytes > HELD_BYTES { photo.let_go() } else { photo });
            self.progress(Event::photo(Stage::Preparing, &lengths, prepared.len()));
        }
        Ok(prepared)
    }

    /// Prepares without sending: what would be sent, and what would be removed.
    ///
    /// # Errors
    /// [`ClientError::Prepare`] and others a send would meet before anything is saved.
    pub async fn dry_run<F: Sources>(
        &self,
        draft: &Draft,
        sources: &F,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<PreparedPhoto<F::File>>, ClientError> {
        check(draft)?;
        self.prepare_all(draft, sources, rng).await
    }

    /// Saves a draft: from here on a crash loses nothing.
    pub(crate) async fn save_draft(
        &self,
        draft: &Draft,
        id: [u8; 16],
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Outgoing, ClientError> {
        let note = check(draft)?;
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            for contact in &draft.to {
                let record: Contact = turn.get(contact.as_bytes()).await?.ok_or_else(|| unknown(contact))?;
                match record.standing {
                    Standing::Accepted => {}
                    Standing::Blocked => return Err(ClientError::ContactBlocked),
                    Standing::Removed => return Err(unknown(contact)),
                    Standing::Requested => {
                        return Err(ClientError::NotNow("this request has not been accepted yet"));
                    }
                }
            }
            let recipient =
                |contact: &Fingerprint| Recipient { contact: *contact, message_id: None, left_out: Flag::No };
            let photos = draft.photos.iter().map(|photo| OutgoingPhoto::new(photo, draft.to.len(), rng)).collect();
            let outgoing = Outgoing {
                id,
                number: profile.take_number(),
                intent: draft.intent(),
                made: now,
                recipients: List::new(draft.to.iter().map(recipient).collect()).unwrap_or_default(),
                note: note.clone(),
                photos: List::new(photos).unwrap_or_default(),
                relay: profile.relay.clone(),
                told: Flag::No,
                view_once: (draft.looks == Looks::Once).into(),
            };
            turn.put(&profile, rng);
            turn.put(&outgoing, rng);
            turn.commit().await?;
            Ok(outgoing)
        })
        .await
    }

    /// The user knows how this send ended.
    ///
    /// # Errors
    /// The vault's.
    pub async fn told(&self, id: &[u8; 16], rng: &mut impl CryptoRng) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let Some(outgoing) = turn.get::<Outgoing>(id).await? else { return Ok(()) };
            turn.put(&Outgoing { told: Flag::Yes, ..outgoing }, rng);
            Ok(turn.commit().await?)
        })
        .await?;
        self.sweep_outgoing().await
    }
}

fn check(draft: &Draft) -> Result<Text<NOTE_BYTES>, ClientError> {
    if draft.to.is_empty() || (draft.note.is_empty() && draft.photos.is_empty()) {
        return Err(ClientError::NothingToSend);
    }
    if draft.to.len() > BLOB_READERS {
        return Err(ClientError::TooMany { what: "recipients of one message", max: BLOB_READERS });
    }
    Text::new(draft.note.as_str()).map_err(|_| ClientError::TooLong { what: "the note", max_bytes: NOTE_BYTES })
}
