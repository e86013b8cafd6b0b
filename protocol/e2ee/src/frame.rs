//! The signed frame: one numbered content unit of one vault for one recipient.
//!
//! Signed as bytes, then sealed with its signature. Recipient and place are inside the signature, so a frame can be
//! neither forwarded as if it had been meant for somebody else nor replayed elsewhere. A frame is read only after
//! its signature holds. Spec: `docs/spec/frames.md`.

use core::fmt;

use lightproof_wire::{
    capability::{Capability, right},
    codec::{self, DecodeError, Deserialize as _, Extensions, Size as _, Text, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    label,
    limits::RELAY_LINK_BYTES,
    time::Timestamp,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    envelope::BODY_MAX_BYTES,
    identity::{Fingerprint, IdentityKey, IdentityKeyPair},
    manifest::{Contradiction, Manifest, NAME_BYTES, NOTE_BYTES, PHOTOS, THUMBHASH_BYTES},
    receipt::{Receipt, Retract},
    signature::{SIGNATURE_BYTES, Signature},
};

/// The version of the frame format.
pub const VERSION: u8 = 1;

/// The longest frame: what is left of a body beside its signature.
pub const FRAME_MAX_BYTES: usize = BODY_MAX_BYTES - SIGNATURE_BYTES;

/// Names a message among all of its sender's: 16 random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct MessageId(pub [u8; 16]);

impl MessageId {
    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

/// Names a line: 8 random bytes, one value per incarnation of a vault. Zero is no line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct LineId(pub [u8; 8]);

impl LineId {
    /// Before any line.
    pub const NONE: Self = Self([0; 8]);

    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 8];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

/// How far the sender of a frame has the other's line, without a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct LineAck {
    /// The other's line; [`LineId::NONE`] before anything was received.
    pub line: LineId,
    /// The highest contiguous index received in it; 0 before the first.
    pub index: u64,
}

/// Where the sender wants answers from now on: its private mailbox for this recipient.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Reply {
    /// The right to deposit there.
    pub drop: Capability<right::Drop>,
    /// Link of the relay it lies on.
    pub relay: Text<RELAY_LINK_BYTES>,
}

/// The sender's new doorbell; the old contact card reaches nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct DoorbellChange {
    /// The right to ring it.
    pub drop: Capability<right::Drop>,
    /// Link of the relay it lies on.
    pub relay: Text<RELAY_LINK_BYTES>,
}

/// What a frame is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A message.
    Manifest(Manifest),
    /// How far messages came.
    Receipt(Receipt),
    /// Messages taken back.
    Retract(Retract),
}

/// One content unit in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Who signs it.
    pub sender: Fingerprint,
    /// Whom it is for.
    pub recipient: Fingerprint,
    /// Names it among the sender's.
    pub message_id: MessageId,
    /// The sender's line.
    pub line: LineId,
    /// The place in that line, towards this recipient; the first is 1.
    pub index: u64,
    /// [`SignedBody::frame_digest`] of the frame before it; zero at index 1.
    pub previous: Digest,
    /// By the sender's clock. Only to be shown.
    pub sent_at: Timestamp,
    /// How far the sender has the recipient's line.
    pub ack: LineAck,
    /// Where to answer; repeated until an envelope arrives there.
    pub reply: Option<Reply>,
    /// A replaced doorbell.
    pub card: Option<DoorbellChange>,
    /// What it is about.
    pub content: Content,
    /// Room for later versions.
    pub extensions: Extensions,
}

/// A frame with its signature, as carried: signed once, never changed, sealed again as it is. Wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedBody(Zeroizing<Vec<u8>>);

/// A frame whose signature holds, from the sender and for the recipient it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedFrame {
    frame: Frame,
    digest: Digest,
    body: SignedBody,
}

/// The frame does not fit an envelope. The caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message does not fit an envelope")]
pub struct FrameTooLarge;

/// Why a body that opened is not accepted. The peer's fault, and an alarm, all but `Newer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Signed, and not a frame.
    #[error("a signed frame cannot be read: {0}")]
    Malformed(DecodeError),
    /// Signed, and its facts cannot all be true.
    #[error("a signed frame contradicts itself: {0}")]
    Misbehaved(Contradiction),
    /// Signed by a newer version. Nobody's fault.
    #[error("the message was made by a newer version")]
    Newer,
    /// Signed for somebody else.
    #[error("the message was signed for somebody else")]
    OtherRecipient,
    /// Signed by the right key, in another name.
    #[error("the message was signed in another name")]
    OtherSender,
    /// Not signed by the sender, or changed since.
    #[error("the signature does not hold")]
    Unsigned,
}

impl From<DecodeError> for FrameError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<Contradiction> for FrameError {
    fn from(contradiction: Contradiction) -> Self {
        Self::Misbehaved(contradiction)
    }
}

/// Signs a frame in the name of `identity`, which must be the one `frame.sender` names.
///
/// # Errors
/// [`FrameTooLarge`] if the body would not fit an envelope: only extensions can make it so.
pub fn sign(frame: &Frame, identity: &IdentityKeyPair, rng: &mut impl CryptoRng) -> Result<SignedBody, FrameTooLarge> {
    frame.check_fits()?;
    let mut body = Zeroizing::new(Vec::with_capacity(BODY_MAX_BYTES));
    frame.encode_to(&mut body);
    let signature = identity.sign(label::SIGN_MESSAGE, &body, rng);
    body.extend_from_slice(signature.as_bytes());
    Ok(SignedBody(body))
}

/// Reads a body, if `sender` signed it for `me`: the signature first, over the bytes as carried.
///
/// # Errors
/// [`FrameError`]; nothing of the body may be used then.
pub fn verify(body: &[u8], sender: &IdentityKey, me: &Fingerprint) -> Result<VerifiedFrame, FrameError> {
    let VerifiedFrame { frame, digest, body } = verify_authorship(body, sender)?;
    if frame.recipient != *me {
        return Err(FrameError::OtherRecipient);
    }
    Ok(VerifiedFrame { frame, digest, body })
}

/// Reads a body, if `sender` signed it, for whomever: what a third party can tell, and no reason to act on it.
///
/// # Errors
/// [`FrameError`]; nothing of the body may be used then.
pub fn verify_authorship(body: &[u8], sender: &IdentityKey) -> Result<VerifiedFrame, FrameError> {
    let (bytes, signature) = body.split_last_chunk::<{ SIGNATURE_BYTES }>().ok_or(FrameError::Unsigned)?;
    let signature = Signature::from_bytes(signature);
    sender.verify(label::SIGN_MESSAGE, bytes, &signature).map_err(|_| FrameError::Unsigned)?;
    let frame = Frame::decode(bytes)?;
    if frame.sender != sender.fingerprint() {
        return Err(FrameError::OtherSender);
    }
    Ok(VerifiedFrame { frame, digest: Digest::of(bytes), body: SignedBody(Zeroizing::new(body.to_vec())) })
}

impl SignedBody {
    /// One of our own, as it was saved: to be sealed again, unchanged.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that cannot be a body: the store's fault.
    pub fn from_saved(bytes: Zeroizing<Vec<u8>>) -> Result<Self, DecodeError> {
        match bytes.len() {
            0..=SIGNATURE_BYTES => Err(DecodeError::Truncated),
            length if length > BODY_MAX_BYTES => Err(DecodeError::TooLong),
            _ => Ok(Self(bytes)),
        }
    }

    /// The bytes to seal.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// SHA-256 of the frame without its signature: what the next frame of the line calls `previous`.
    #[must_use]
    pub fn frame_digest(&self) -> Digest {
        // A signature is not part of any name: the composite is not strongly unforgeable.
        let frame = self.0.len().saturating_sub(SIGNATURE_BYTES);
        Digest::of(self.0.get(..frame).unwrap_or_default())
    }
}

impl fmt::Debug for SignedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedBody(…)")
    }
}

impl VerifiedFrame {
    /// The frame.
    #[must_use]
    pub const fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The frame, without copying.
    #[must_use]
    pub fn into_frame(self) -> Frame {
        self.frame
    }

    /// SHA-256 of the frame without its signature: its name in the line.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Frame and signature, as carried.
    #[must_use]
    pub const fn body(&self) -> &SignedBody {
        &self.body
    }
}

impl Frame {
    /// Bytes of the frame, without its signature.
    #[must_use]
    pub fn length_bytes(&self) -> usize {
        let content = match &self.content {
            Content::Manifest(manifest) => manifest.tls_serialized_len(),
            Content::Receipt(receipt) => receipt.tls_serialized_len(),
            Content::Retract(retract) => retract.tls_serialized_len(),
        };
        let lengths = [
            self.reply.tls_serialized_len(),
            self.card.tls_serialized_len(),
            content,
            self.extensions.tls_serialized_len(),
        ];
        lengths.into_iter().fold(FIXED_BYTES, usize::saturating_add)
    }

    /// Whether an envelope holds the frame with its signature; to be asked before anything is sealed.
    ///
    /// # Errors
    /// [`FrameTooLarge`]: only extensions can make it so.
    pub fn check_fits(&self) -> Result<(), FrameTooLarge> {
        if self.length_bytes() > FRAME_MAX_BYTES { Err(FrameTooLarge) } else { Ok(()) }
    }

    fn encode_to(&self, bytes: &mut Vec<u8>) {
        bytes.push(VERSION);
        bytes.push(self.content.kind());
        codec::append(bytes, &self.sender);
        codec::append(bytes, &self.recipient);
        codec::append(bytes, &self.message_id);
        codec::append(bytes, &self.line);
        codec::append(bytes, &self.index);
        codec::append(bytes, &self.previous);
        codec::append(bytes, &self.sent_at);
        codec::append(bytes, &self.ack);
        codec::append(bytes, &self.reply);
        codec::append(bytes, &self.card);
        match &self.content {
            Content::Manifest(manifest) => codec::append(bytes, manifest),
            Content::Receipt(receipt) => codec::append(bytes, receipt),
            Content::Retract(retract) => codec::append(bytes, retract),
        }
        codec::append(bytes, &self.extensions);
    }

    fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let (&[version, kind], mut rest) = bytes.split_first_chunk::<2>().ok_or(DecodeError::Truncated)?;
        if version != VERSION || !KINDS.contains(&kind) {
            return Err(FrameError::Newer);
        }
        let frame = Self::decode_fields(kind, &mut rest).map_err(DecodeError::from)?;
        if !rest.is_empty() {
            return Err(DecodeError::Trailing.into());
        }
        frame.extensions.check_understood().map_err(|_| FrameError::Newer)?;
        frame.check()?;
        Ok(frame)
    }

    fn decode_fields(kind: u8, reader: &mut &[u8]) -> Result<Self, tls_codec::Error> {
        Ok(Self {
            sender: Fingerprint::tls_deserialize(reader)?,
            recipient: Fingerprint::tls_deserialize(reader)?,
            message_id: MessageId::tls_deserialize(reader)?,
            line: LineId::tls_deserialize(reader)?,
            index: u64::tls_deserialize(reader)?,
            previous: Digest::tls_deserialize(reader)?,
            sent_at: Timestamp::tls_deserialize(reader)?,
            ack: LineAck::tls_deserialize(reader)?,
            reply: Option::tls_deserialize(reader)?,
            card: Option::tls_deserialize(reader)?,
            content: match kind {
                MANIFEST => Content::Manifest(Manifest::tls_deserialize(reader)?),
                RECEIPT => Content::Receipt(Receipt::tls_deserialize(reader)?),
                _ => Content::Retract(Retract::tls_deserialize(reader)?),
            },
            extensions: Extensions::tls_deserialize(reader)?,
        })
    }

    fn check(&self) -> Result<(), Contradiction> {
        let first = self.previous == NO_FRAME;
        let ack_is_possible = self.ack.line != LineId::NONE || self.ack.index == 0;
        if self.index == 0 || self.line == LineId::NONE || (self.index == 1) != first || !ack_is_possible {
            return Err(Contradiction::Place);
        }
        match &self.content {
            Content::Manifest(manifest) => manifest.check(),
            Content::Receipt(receipt) => receipt.check(),
            Content::Retract(retract) => retract.check(),
        }
    }
}

impl Content {
    const fn kind(&self) -> u8 {
        match self {
            Self::Manifest(_) => MANIFEST,
            Self::Receipt(_) => RECEIPT,
            Self::Retract(_) => RETRACT,
        }
    }
}

/// `previous` of the first frame of a line.
pub const NO_FRAME: Digest = Digest::from_bytes([0; 32]);

const MANIFEST: u8 = 1;
const RECEIPT: u8 = 2;
const RETRACT: u8 = 3;
const KINDS: [u8; 3] = [MANIFEST, RECEIPT, RETRACT];

// version, type, sender, recipient, message_id, line, index, previous, sent_at, ack
const FIXED_BYTES: usize = 1 + 1 + 32 + 32 + 16 + 8 + 8 + 32 + 8 + (8 + 8);

// A manifest within its bounds fits beside the longest reply and card: nobody seals photos that cannot be sent.
const _: () = {
    let link = 1 + RELAY_LINK_BYTES;
    let photo = 1 + 1 + 4 + 4 + 8 + 32 + 32 + (1 + THUMBHASH_BYTES) + (1 + NAME_BYTES) + 32 + 32 + 4 + 4;
    let manifest = (2 + NOTE_BYTES) + link + (1 + PHOTOS * photo) + 1;
    let no_extensions = 1;
    assert!(FIXED_BYTES + 2 * (1 + 32 + link) + manifest + no_extensions <= FRAME_MAX_BYTES);
};

#[cfg(test)]
mod tests;
