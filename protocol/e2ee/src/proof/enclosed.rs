//! The photos in a proof: taken as they come, each compared with what was signed.

use lightproof_wire::{
    codec::DecodeError,
    hash::{Digest, Hasher},
};

use super::{Proof, ProofError};

/// Takes the bytes behind the head of a proof, in order. What was taken may be used once [`finish`](Self::finish) has
/// agreed, not before.
pub struct Enclosed {
    /// Those still to come, the one that is due last.
    photos: Vec<Due>,
    hasher: Hasher,
}

struct Due {
    place: usize,
    left_bytes: u64,
    digest: Digest,
}

impl Enclosed {
    /// The photos that this proof says follow.
    #[must_use]
    pub fn of(proof: &Proof) -> Self {
        let due = |place: usize| {
            let photo = proof.photos().get(place)?;
            Some(Due { place, left_bytes: photo.length_bytes, digest: photo.digest })
        };
        let mut photos: Vec<Due> = proof.enclosed().filter_map(due).collect();
        photos.reverse();
        Self { photos, hasher: Hasher::bare() }
    }

    /// The photo that is due, counted from 0, and how many of its bytes are still to come.
    #[must_use]
    pub fn due(&self) -> Option<(usize, u64)> {
        self.photos.last().map(|due| (due.place, due.left_bytes))
    }

    /// Takes the next bytes of the photo that is due; none at all for an empty one.
    ///
    /// # Errors
    /// [`ProofError::Photo`] where it is not the one that was signed; [`DecodeError::Trailing`] for more than are due.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), ProofError> {
        let count = u64::try_from(bytes.len()).map_err(|_| DecodeError::Trailing)?;
        let due = self.photos.last_mut().ok_or(DecodeError::Trailing)?;
        due.left_bytes = due.left_bytes.checked_sub(count).ok_or(DecodeError::Trailing)?;
        self.hasher.update(bytes);
        if due.left_bytes > 0 {
            return Ok(());
        }
        let signed = due.digest;
        self.photos.pop();
        let hasher = core::mem::replace(&mut self.hasher, Hasher::bare());
        if hasher.finish() == signed { Ok(()) } else { Err(ProofError::Photo) }
    }

    /// Whether all of them were taken.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn finish(self) -> Result<(), ProofError> {
        if self.photos.is_empty() { Ok(()) } else { Err(DecodeError::Truncated.into()) }
    }
}
