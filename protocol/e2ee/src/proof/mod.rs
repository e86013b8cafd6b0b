//! A proof: one signed message in a file, for somebody who took no part in it and has nothing but the file.
//!
//! ```text
//! proof = "lightproof proof" || version || suite || identity || body || openings || places of photos || those photos
//! ```
//!
//! The signature is over the whole frame, so a proof shows all of it, rights and file keys too. It binds a message to a
//! key; whose key that is, it cannot say. Spec: `docs/spec/proofs.md`.

use core::fmt;

use lightproof_wire::{
    codec::{self, Bytes, DecodeError, Deserialize as _, List, Size as _, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    label,
    suite::SuiteId,
};

use crate::{
    envelope::BODY_MAX_BYTES,
    frame::{self, AuthoredFrame, Content, Frame, FrameError},
    identity::IdentityKey,
    manifest::{Manifest, PHOTOS, Photo},
    signature::PUBLIC_KEY_BYTES,
};

mod enclosed;

pub use enclosed::Enclosed;

/// What every proof begins with.
pub const MAGIC: [u8; 16] = *b"lightproof proof";

/// The version of the format.
pub const VERSION: u8 = 1;

/// The longest proof, without the photos at its end.
pub const HEAD_MAX_BYTES: usize =
    MAGIC.len() + 1 + 1 + PUBLIC_KEY_BYTES + (2 + BODY_MAX_BYTES) + (1 + PHOTOS * OPENING_BYTES) + (1 + PHOTOS);

const OPENING_BYTES: usize = 1 + 32 + 32;

/// What opens the commitment to the file that a photo was made from. Only its sender has it.
#[derive(Clone, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct SourceOpening {
    /// What hid the file from guesses.
    pub salt: [u8; 32],
    /// SHA-256 of the file.
    pub digest: Digest,
}

impl SourceOpening {
    /// `H("source", salt || SHA-256(file))`: over the digest, so that a file sent as it is need be hashed only once.
    #[must_use]
    pub fn commitment(&self) -> Digest {
        Digest::labelled(label::SOURCE, &[&self.salt, self.digest.as_bytes()])
    }
}

impl fmt::Debug for SourceOpening {
    /// Whoever has both can tell everybody which file it was.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceOpening(…)")
    }
}

/// An opening, and which photo it is of.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct PlacedOpening {
    /// The photo, counted from 0.
    pub place: u8,
    /// What opens its commitment.
    pub opening: SourceOpening,
}

/// A message whose signature holds under the identity beside it. Of the photos behind it nothing is known yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    identity: IdentityKey,
    frame: AuthoredFrame,
    openings: Vec<PlacedOpening>,
    enclosed: Vec<u8>,
}

/// Why a file proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The signature, or what was signed.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// It begins as a proof, and is none.
    #[error("the proof is damaged: {0}")]
    Malformed(#[from] DecodeError),
    /// Of a later version or another suite. Nobody's fault.
    #[error("the proof was made by a newer version")]
    Newer,
    /// Something else altogether.
    #[error("this is not a proof")]
    NotAProof,
    /// A receipt or a retract: signed, and nothing to show.
    #[error("what was signed is not a message")]
    NotAMessage,
    /// An enclosed photo is not the one that was signed.
    #[error("a photo in the proof is not the one that was signed")]
    Photo,
    /// Openings or photos that the message does not have, or not in their order.
    #[error("the proof names photos that the message does not have")]
    Places,
    /// An opening that is not of the commitment that was signed.
    #[error("the source that the proof names is not the one that was signed")]
    Source,
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
struct Head {
    identity: IdentityKey,
    body: Bytes<BODY_MAX_BYTES>,
    openings: List<PlacedOpening, PHOTOS>,
    enclosed: List<u8, PHOTOS>,
}

impl Proof {
    /// Puts one together; it is checked as one that was read.
    ///
    /// # Errors
    /// [`ProofError`]: the parts do not belong together.
    pub fn new(
        identity: &IdentityKey,
        body: &[u8],
        openings: Vec<PlacedOpening>,
        enclosed: Vec<u8>,
    ) -> Result<Self, ProofError> {
        let frame = frame::verify_authorship(body, identity).map_err(newer_apart)?;
        let proof = Self { identity: identity.clone(), frame, openings, enclosed };
        proof.check()?;
        Ok(proof)
    }

    /// Reads and verifies what stands before the photos, and says how long that is. `bytes` may go on as they like: at
    /// most [`HEAD_MAX_BYTES`] of them are looked at.
    ///
    /// # Errors
    /// [`ProofError`]; nothing of the file may be used then.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), ProofError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(ProofError::NotAProof)?;
        let (versions, mut rest) = rest.split_first_chunk::<2>().ok_or(DecodeError::Truncated)?;
        if *versions != [VERSION, SuiteId::BYTE] {
            return Err(ProofError::Newer);
        }
        let head = Head::tls_deserialize(&mut rest).map_err(DecodeError::from)?;
        let proof =
            Self::new(&head.identity, head.body.as_slice(), head.openings.into_vec(), head.enclosed.into_vec())?;
        Ok((proof, bytes.len().saturating_sub(rest.len())))
    }

    /// What stands before the photos.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let mut bytes = [MAGIC.as_slice(), &[VERSION, SuiteId::BYTE]].concat();
        let head = Head {
            identity: self.identity.clone(),
            // All three were within their bounds when they were read or checked.
            body: Bytes::new(self.frame.body().as_bytes().to_vec()).unwrap_or_default(),
            openings: List::new(self.openings.clone()).unwrap_or_default(),
            enclosed: List::new(self.enclosed.clone()).unwrap_or_default(),
        };
        bytes.reserve(head.tls_serialized_len());
        codec::append(&mut bytes, &head);
        bytes
    }

    /// The key that signed it. Whose it is, is for the reader to know.
    #[must_use]
    pub const fn identity(&self) -> &IdentityKey {
        &self.identity
    }

    /// What was signed.
    #[must_use]
    pub const fn frame(&self) -> &Frame {
        self.frame.frame()
    }

    /// The message.
    #[must_use]
    pub const fn manifest(&self) -> Option<&Manifest> {
        match &self.frame.frame().content {
            Content::Manifest(manifest) => Some(manifest),
            _ => None,
        }
    }

    /// Its photos, in the sender's order.
    #[must_use]
    pub fn photos(&self) -> &[Photo] {
        self.manifest().map_or(&[], |manifest| manifest.photos.as_slice())
    }

    /// SHA-256 of the file that a photo was made from, where its sender says so and the commitment agrees.
    #[must_use]
    pub fn source(&self, place: usize) -> Option<Digest> {
        let of_place = |placed: &&PlacedOpening| usize::from(placed.place) == place;
        self.openings.iter().find(of_place).map(|placed| placed.opening.digest)
    }

    /// The photos whose bytes follow the head, in order.
    pub fn enclosed(&self) -> impl Iterator<Item = usize> + '_ {
        self.enclosed.iter().copied().map(usize::from)
    }

    fn check(&self) -> Result<(), ProofError> {
        let photos = self.manifest().ok_or(ProofError::NotAMessage)?.photos.as_slice();
        let opened = self.openings.iter().map(|placed| placed.place);
        if !are_places(opened, photos) || !are_places(self.enclosed.iter().copied(), photos) {
            return Err(ProofError::Places);
        }
        let opens = |placed: &PlacedOpening| {
            let photo = photos.get(usize::from(placed.place));
            photo.is_some_and(|photo| photo.source_commitment == placed.opening.commitment())
        };
        if self.openings.iter().all(opens) { Ok(()) } else { Err(ProofError::Source) }
    }
}

impl fmt::Debug for Proof {
    /// Shows nothing: what was signed is for whoever was given the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}

/// Whether each is the place of a photo, in ascending order: one way to say it.
fn are_places(places: impl Iterator<Item = u8> + Clone, photos: &[Photo]) -> bool {
    places.clone().is_sorted_by(|one, other| one < other)
        && places.into_iter().all(|place| usize::from(place) < photos.len())
}

fn newer_apart(error: FrameError) -> ProofError {
    if error == FrameError::Newer { ProofError::Newer } else { ProofError::Frame(error) }
}

#[cfg(test)]
mod tests;
