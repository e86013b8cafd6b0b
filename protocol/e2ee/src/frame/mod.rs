//! The signed frame: one numbered content unit of one vault for one recipient.
//!
//! Signed as bytes, then sealed with its signature. Recipient and place are inside the signature, so a frame can be
//! neither forwarded as if it had been meant for somebody else nor replayed elsewhere. A frame is read only after
//! its signature holds. Spec: `docs/spec/frames.md`.

use core::fmt;

use lightproof_wire::{
    capability::{Capability, right},
    codec::{DecodeError, Extensions, Text, TlsDeserialize, TlsSerialize, TlsSize},
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
    manifest::{Contradiction, Manifest},
    receipt::{Receipt, Retract},
    signature::{SIGNATURE_BYTES, Signature},
};

mod encoding;

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

/// A frame whose signature holds, for whomever: not to be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthoredFrame {
    frame: Frame,
    body: SignedBody,
}

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
    let AuthoredFrame { frame, body } = verify_authorship(body, sender)?;
    if frame.recipient != *me {
        return Err(FrameError::OtherRecipient);
    }
    Ok(VerifiedFrame { frame, digest: body.frame_digest(), body })
}

/// Reads a body, if `sender` signed it, for whomever: what a third party can tell, and no reason to act on it.
///
/// # Errors
/// [`FrameError`]; nothing of the body may be used then.
pub fn verify_authorship(body: &[u8], sender: &IdentityKey) -> Result<AuthoredFrame, FrameError> {
    let (bytes, signature) = body.split_last_chunk::<{ SIGNATURE_BYTES }>().ok_or(FrameError::Unsigned)?;
    let signature = Signature::from_bytes(signature);
    sender.verify(label::SIGN_MESSAGE, bytes, &signature).map_err(|_| FrameError::Unsigned)?;
    let frame = Frame::decode(bytes)?;
    if frame.sender != sender.fingerprint() {
        return Err(FrameError::OtherSender);
    }
    Ok(AuthoredFrame { frame, body: SignedBody(Zeroizing::new(body.to_vec())) })
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

impl AuthoredFrame {
    /// The frame.
    #[must_use]
    pub const fn frame(&self) -> &Frame {
        &self.frame
    }

    /// Frame and signature, as carried.
    #[must_use]
    pub const fn body(&self) -> &SignedBody {
        &self.body
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
    /// Whether an envelope holds the frame with its signature; to be asked before anything is sealed.
    ///
    /// # Errors
    /// [`FrameTooLarge`]: only extensions can make it so.
    pub fn check_fits(&self) -> Result<(), FrameTooLarge> {
        if self.length_bytes() > FRAME_MAX_BYTES { Err(FrameTooLarge) } else { Ok(()) }
    }
}

/// `previous` of the first frame of a line.
pub const NO_FRAME: Digest = Digest::from_bytes([0; 32]);

#[cfg(test)]
mod tests;
