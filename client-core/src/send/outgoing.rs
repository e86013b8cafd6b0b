//! A send under way, as it is saved: what was asked for, for whom, and how far it came.

use lightproof_e2ee::{
    blob::FileKey,
    frame::MessageId,
    identity::Fingerprint,
    manifest::{MediaType, NOTE_BYTES, PHOTOS, THUMBHASH_BYTES, Treatment},
    proof::SourceOpening,
};
use lightproof_wire::{
    capability::{Capability, right},
    codec::{Bytes, List, Text, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    limits::{BLOB_READERS, RELAY_LINK_BYTES},
    time::{Day, Timestamp},
};
use rand_core::CryptoRng;

use super::draft::PhotoSource;
use crate::{
    prepare::{PrepareOptions, Quality},
    spool::SpoolName,
    vault::{
        record::{Flag, Record},
        store::Table,
    },
};

/// A file as it was when the draft was made.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Source {
    /// Where: for the edge to open, never sent.
    pub path: Text<4096>,
    /// Its size.
    pub length_bytes: u64,
    /// Its time.
    pub modified_ms: u64,
}

/// A send under way.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Outgoing {
    /// Its name among ours.
    pub id: [u8; 16],
    /// Its place among all sends.
    pub number: u64,
    /// What the user asked for, so that the same request after an interruption goes on.
    pub intent: Digest,
    /// When.
    pub made: Timestamp,
    /// For whom, and how far.
    pub recipients: List<Recipient, BLOB_READERS>,
    /// The note.
    pub note: Text<NOTE_BYTES>,
    /// The photos, and how far.
    pub photos: List<OutgoingPhoto, PHOTOS>,
    /// Where the blobs go: our relay when the draft was made.
    pub relay: Text<RELAY_LINK_BYTES>,
    /// Whether the user has been told how it ended; then it goes when all is deposited.
    pub told: Flag,
    /// Whether its recipients are to see it once.
    pub view_once: Flag,
}

/// How far a send is for one recipient.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Recipient {
    /// Who.
    pub contact: Fingerprint,
    /// The message, once enclosed.
    pub message_id: Option<MessageId>,
    /// Blocked, removed or cancelled before it was enclosed: nothing goes to them.
    pub left_out: Flag,
}

impl Recipient {
    /// Whether nothing is left to enclose for them.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.message_id.is_some() || self.left_out.is_yes()
    }
}

/// A photo under way.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct OutgoingPhoto {
    /// The file, until it is sealed.
    pub source: Source,
    /// What to do to it.
    pub treatment: Treatment,
    /// JPEG quality; 0 is `auto`.
    pub quality: u8,
    /// The longest edge in pixels.
    pub max_edge: u32,
    /// Whether metadata stays.
    pub keep_metadata: Flag,
    /// Where its sealed chunks lie.
    pub spool: SpoolName,
    /// Fresh for each sealing that begins.
    pub file_key: FileKey,
    /// Our right to the blob.
    pub write: Capability<right::Write>,
    /// One right to read per recipient, in their order.
    pub readers: List<Capability<right::Read>, BLOB_READERS>,
    /// What the manifest will say, once every chunk is sealed and synced.
    pub sealed: Option<SealedFacts>,
    /// The last day the relay was asked to keep the blob.
    pub kept_until: Day,
}

/// The facts of a sealed photo.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct SealedFacts {
    /// What kind of file.
    pub media_type: MediaType,
    /// Upright; 0 is unknown.
    pub width: u32,
    /// Upright; 0 is unknown.
    pub height: u32,
    /// Bytes to be saved.
    pub length_bytes: u64,
    /// SHA-256 of them.
    pub digest: Digest,
    /// What opens the commitment to the source.
    pub source: SourceOpening,
    /// A tiny preview.
    pub thumbhash: Bytes<THUMBHASH_BYTES>,
    /// The name to show.
    pub name: Text<128>,
}

impl Record for Outgoing {
    const TABLE: Table = Table::Drafts;

    fn id(&self) -> Vec<u8> {
        self.id.to_vec()
    }
}

impl Outgoing {
    /// What other processes on this home hold it by.
    pub(super) const fn hold_name(&self) -> SpoolName {
        SpoolName::of(self.id)
    }

    /// Whether an envelope stands for every recipient.
    #[must_use]
    pub fn is_enclosed(&self) -> bool {
        self.recipients.iter().all(Recipient::is_settled)
    }

    /// Whether an envelope stands for some recipient: what it names cannot be changed any more.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.recipients.iter().any(|recipient| recipient.message_id.is_some())
    }

    /// Whether it goes on without somebody it was for.
    #[must_use]
    pub(super) fn leaves_somebody_out(&self) -> bool {
        self.recipients.iter().any(|recipient| recipient.left_out.is_yes())
    }

    /// Goes on without a recipient for whom nothing is enclosed yet; whether that changed anything.
    pub(crate) fn leave_out(&mut self, contact: &Fingerprint) -> bool {
        self.leave_out_those(|recipient| recipient.contact == *contact)
    }

    /// Goes on without all for whom nothing is enclosed yet; whether that changed anything.
    pub(crate) fn leave_out_the_rest(&mut self) -> bool {
        self.leave_out_those(|_| true)
    }

    fn leave_out_those(&mut self, is_left_out: impl Fn(&Recipient) -> bool) -> bool {
        let mut recipients = core::mem::take(&mut self.recipients).into_vec();
        let mut changed = false;
        for recipient in recipients.iter_mut().filter(|recipient| is_left_out(recipient) && !recipient.is_settled()) {
            recipient.left_out = Flag::Yes;
            changed = true;
        }
        self.recipients = List::new(recipients).unwrap_or_default();
        changed
    }
}

impl OutgoingPhoto {
    pub(super) fn new(photo: &PhotoSource, readers: usize, rng: &mut impl CryptoRng) -> Self {
        let quality = match photo.options.quality {
            Quality::Auto => 0,
            Quality::Fixed(quality) => quality,
        };
        Self {
            source: photo.source.clone(),
            treatment: photo.options.treatment,
            quality,
            max_edge: photo.options.max_edge,
            keep_metadata: photo.options.keep_metadata.into(),
            spool: SpoolName::generate(rng),
            file_key: FileKey::generate(rng),
            write: Capability::generate(rng),
            readers: List::new((0..readers).map(|_| Capability::generate(rng)).collect()).unwrap_or_default(),
            sealed: None,
            kept_until: Day(0),
        }
    }

    /// The same photo to be sealed from the beginning: a new key, a new blob, a new place in the spool.
    #[must_use]
    pub fn afresh(&self, rng: &mut impl CryptoRng) -> Self {
        let photo = PhotoSource { source: self.source.clone(), options: self.options() };
        Self::new(&photo, self.readers.as_slice().len(), rng)
    }

    /// How long it is once it is sealed; how long its source is before.
    #[must_use]
    pub fn length_bytes(&self) -> u64 {
        self.sealed.as_ref().map_or(self.source.length_bytes, |facts| facts.length_bytes)
    }

    /// How it is to be prepared.
    #[must_use]
    pub fn options(&self) -> PrepareOptions {
        PrepareOptions {
            treatment: self.treatment,
            quality: if self.quality == 0 { Quality::Auto } else { Quality::Fixed(self.quality) },
            max_edge: self.max_edge,
            keep_metadata: self.keep_metadata.is_yes(),
        }
    }
}
