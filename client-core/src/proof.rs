//! Proofs: a message of this home as a file for somebody else, and what somebody else can tell from such a file.

use std::io::{self, Chain, Cursor, Read};

use lightproof_e2ee::{
    identity::IdentityKey,
    manifest::Photo,
    proof::{Enclosed, HEAD_MAX_BYTES, PlacedOpening, Proof, ProofError},
};
use lightproof_wire::{codec::DecodeError, hash::Digest};

use crate::{
    client::Client,
    contact::Contact,
    error::ClientError,
    message::{Direction, Message, PhotoState, Signed, State},
    spool::Spool,
    transport::Transport,
    vault::{record::Record as _, store::Store},
};

/// Whether something goes into a proof beside the signed message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// It does.
    Enclosed,
    /// It does not.
    #[default]
    LeftOut,
}

/// What goes into a proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProofParts {
    /// The photos themselves: received ones.
    pub photos: Part,
    /// What opens the commitments to the files they were made from: of photos that were sent.
    pub sources: Part,
}

/// Why a file that should be a proof was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// It proves nothing.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// It could not be read, or what it holds could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<DecodeError> for CheckError {
    fn from(error: DecodeError) -> Self {
        Self::Proof(error.into())
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// The proof of a message. Enclosed photos follow its head in order, as [`Client::open_photo`] gives them.
    ///
    /// # Errors
    /// [`ClientError::NotNow`] while the message holds rights that others still need, and where what was asked for is
    /// not here; [`ClientError::Verification`] for a message that failed; or the vault's.
    pub async fn proof(&self, message: &Message, parts: ProofParts) -> Result<Proof, ClientError> {
        check_may_be_shown(message)?;
        let signed: Signed = self.vault.get(&message.id()).await?.ok_or(ClientError::Damaged)?;
        let openings = match parts.sources {
            Part::Enclosed => openings(message)?,
            Part::LeftOut => Vec::new(),
        };
        let photos = match parts.photos {
            Part::Enclosed => places_here(message)?,
            Part::LeftOut => Vec::new(),
        };
        let identity = self.signer(message).await?;
        Proof::new(&identity, signed.body(), openings, photos).map_err(|_| ClientError::Damaged)
    }

    async fn signer(&self, message: &Message) -> Result<IdentityKey, ClientError> {
        if message.direction == Direction::Out {
            return Ok(self.identity.public().clone());
        }
        let contact: Contact = self.vault.get(message.contact.as_bytes()).await?.ok_or(ClientError::Damaged)?;
        contact.identity()?.ok_or(ClientError::Damaged)
    }
}

/// A proof shows every right that was signed: the right to take the photos from their relay too, and to let them go.
fn check_may_be_shown(message: &Message) -> Result<(), ClientError> {
    let has_photos = !message.photos.as_slice().is_empty();
    if message.is_for_one_look() {
        return Err(ClientError::NotNow("this message is for one look"));
    }
    match message.reached() {
        State::Retracted | State::Viewed if message.direction == Direction::In => {
            Err(ClientError::NotNow("nothing of this message is kept here"))
        }
        State::Waiting => Err(ClientError::NotNow("the photos of this message are not all here yet")),
        State::Failed => Err(ClientError::Verification),
        State::Outbox | State::Deposited if has_photos => Err(ClientError::NotNow(
            "the photos of this message are not delivered yet, and a proof could take them away",
        )),
        _ => Ok(()),
    }
}

fn openings(message: &Message) -> Result<Vec<PlacedOpening>, ClientError> {
    if message.direction == Direction::In {
        return Err(ClientError::NotNow("only the sender of a photo can say which file it was made from"));
    }
    let openings = (0..).zip(message.sources.iter().cloned());
    Ok(openings.map(|(place, opening)| PlacedOpening { place, opening }).collect())
}

fn places_here(message: &Message) -> Result<Vec<u8>, ClientError> {
    if message.direction == Direction::Out {
        return Err(ClientError::NotNow("only received photos are kept here"));
    }
    let here = |state| matches!(state, PhotoState::Verified | PhotoState::Released);
    if !message.photos.iter().all(|photo| here(photo.state)) {
        return Err(ClientError::NotNow("a photo of this message is not here"));
    }
    Ok((0..).zip(message.photos.iter()).map(|(place, _)| place).collect())
}

/// Reads a proof from somewhere and verifies all of it, without a home. The enclosed photos come out as they are read: what
/// came out may be used once [`finish`](Self::finish) has agreed, not before.
pub struct ProofReader<R> {
    proof: Proof,
    enclosed: Enclosed,
    rest: Chain<Cursor<Vec<u8>>, R>,
    piece: Vec<u8>,
}

impl<R: Read> ProofReader<R> {
    /// Reads and verifies everything but the enclosed photos.
    ///
    /// # Errors
    /// [`CheckError`].
    pub fn begin(mut source: R) -> Result<Self, CheckError> {
        let mut begin = Vec::with_capacity(HEAD_MAX_BYTES);
        let head_max = u64::try_from(HEAD_MAX_BYTES).unwrap_or(u64::MAX);
        source.by_ref().take(head_max).read_to_end(&mut begin)?;
        let (proof, head) = Proof::read(&begin)?;
        begin.drain(..head.min(begin.len()));
        Ok(Self { enclosed: Enclosed::of(&proof), proof, rest: Cursor::new(begin).chain(source), piece: Vec::new() })
    }

    /// What is proved, if the rest agrees.
    #[must_use]
    pub const fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The next bytes of the enclosed photos, with the place of theirs, counted from 0; of an empty one, none once. `None`
    /// after the last.
    ///
    /// # Errors
    /// [`CheckError`].
    pub fn next_piece(&mut self) -> Result<Option<(usize, &[u8])>, CheckError> {
        let Some((place, left)) = self.enclosed.due() else { return Ok(None) };
        self.piece.clear();
        self.rest.by_ref().take(left.min(PIECE_BYTES)).read_to_end(&mut self.piece)?;
        if self.piece.is_empty() && left > 0 {
            return Err(DecodeError::Truncated.into());
        }
        self.enclosed.take(&self.piece)?;
        Ok(Some((place, &self.piece)))
    }

    /// Reads what has not been read yet, and says whether all of it is as it was signed.
    ///
    /// # Errors
    /// [`CheckError`].
    pub fn finish(mut self) -> Result<Proof, CheckError> {
        while self.next_piece()?.is_some() {}
        self.enclosed.finish()?;
        self.piece.clear();
        if self.rest.take(1).read_to_end(&mut self.piece)? != 0 {
            return Err(DecodeError::Trailing.into());
        }
        Ok(self.proof)
    }
}

/// What a file is to a message that was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// This photo, unchanged; counted from 0.
    Photo(usize),
    /// The file that this photo was made from, as its sender says and has committed to; counted from 0.
    Source(usize),
}

/// What a file with this SHA-256 is to a message: the photos it is, and the photos that were made from it.
#[must_use]
pub fn likenesses(proof: &Proof, file: &Digest) -> Vec<Likeness> {
    let of_photo = |(place, photo): (usize, &Photo)| {
        let is_photo = photo.digest == *file;
        let is_source = proof.source(place) == Some(*file);
        [is_photo.then_some(Likeness::Photo(place)), is_source.then_some(Likeness::Source(place))]
    };
    proof.photos().iter().enumerate().flat_map(of_photo).flatten().collect()
}

/// Bytes of a photo that are held at once.
const PIECE_BYTES: u64 = 64 << 10;
