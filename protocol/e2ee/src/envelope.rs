//! The two kinds of envelope: layout, salt and commitment. Always 16,000 bytes, whatever is inside.
//!
//! ```text
//! Hello    kind 1 | spk_id 4 | flag 1 | opk_id 4 | ct1 1,120 | ct2 1,120 | ChaCha(hk, padded offer || sig) 13,750
//! Message  kind 1 | nonce24 | XChaCha(header_s, ct | pk' | n | pn) 2,360 | salt32 | commit32 | ChaCha(k, padded body) 13,551
//!
//! (k, commit) = HKDF(ikm = message_key, salt = salt32, info = "message")
//! AD(header)  = session_id || direction || kind || nonce24      AD(body) = session_id || direction || every byte before it
//! ```

use lightproof_wire::{envelope::Envelope, label, limits::ENVELOPE_BYTES, prekey::PrekeyId};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    aead::{self, ONLY_NONCE, RandomNonce, TAG_BYTES},
    error::{OpenError, Undecryptable},
    kdf,
    kem::{CIPHERTEXT_BYTES, Ciphertext},
    padding,
    ratchet::{Header, SEALED_HEADER_BYTES, ToSeal},
    secret::{Key, purpose},
    session::{Direction, SessionId},
};

const HELLO: u8 = 1;
const MESSAGE: u8 = 2;
const SALT_BYTES: usize = 32;
const COMMIT_BYTES: usize = 32;
const HELLO_CLEAR_BYTES: usize = 1 + 4 + 1 + 4 + 2 * CIPHERTEXT_BYTES;
const MESSAGE_CLEAR_BYTES: usize = 1 + 24 + SEALED_HEADER_BYTES + SALT_BYTES + COMMIT_BYTES;
const HELLO_ROOM_BYTES: usize = ENVELOPE_BYTES - HELLO_CLEAR_BYTES - TAG_BYTES;
const MESSAGE_ROOM_BYTES: usize = ENVELOPE_BYTES - MESSAGE_CLEAR_BYTES - TAG_BYTES;

/// The longest body of one message: what the layout leaves, less one byte of padding.
pub const BODY_MAX_BYTES: usize = MESSAGE_ROOM_BYTES - 1;
/// The longest signed offer of a Hello.
pub(crate) const OFFER_MAX_BYTES: usize = HELLO_ROOM_BYTES - 1;

/// What an envelope is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeKind {
    /// Begins a session; any doorbell and any contact's mailbox may hold one.
    Hello,
    /// Belongs to a session.
    Message,
}

impl EnvelopeKind {
    /// The kind of `envelope`; `None` was made by a newer version, or by nobody: to be set aside and tried after an upgrade.
    #[must_use]
    pub fn of(envelope: &Envelope) -> Option<Self> {
        match envelope.as_bytes().first() {
            Some(&HELLO) => Some(Self::Hello),
            Some(&MESSAGE) => Some(Self::Message),
            _ => None,
        }
    }
}

/// What a Hello says in clear: which prekeys its sender used, so that the recipient can load their secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloHeader {
    /// The signed prekey.
    pub signed_id: PrekeyId,
    /// The one-time prekey, if its sender was given one.
    pub one_time_id: Option<PrekeyId>,
}

impl HelloHeader {
    /// Reads it.
    ///
    /// # Errors
    /// [`OpenError::NewerVersion`] for an unknown kind, [`OpenError::Undecryptable`] for anything but a Hello.
    pub fn parse(envelope: &Envelope) -> Result<Self, OpenError> {
        Ok(HelloParts::parse(envelope)?.header)
    }

    fn bytes(self) -> [u8; 10] {
        let [a, b, c, d] = self.signed_id.0.to_be_bytes();
        let [e, f, g, h] = self.one_time_id.map_or(0, |id| id.0).to_be_bytes();
        [HELLO, a, b, c, d, u8::from(self.one_time_id.is_some()), e, f, g, h]
    }
}

/// A Hello, taken apart.
pub(crate) struct HelloParts<'a> {
    pub(crate) header: HelloHeader,
    pub(crate) ct1: Ciphertext,
    pub(crate) ct2: Ciphertext,
    clear: &'a [u8; HELLO_CLEAR_BYTES],
    sealed: &'a [u8],
}

impl<'a> HelloParts<'a> {
    pub(crate) fn parse(envelope: &'a Envelope) -> Result<Self, OpenError> {
        if EnvelopeKind::of(envelope).is_none() {
            return Err(OpenError::NewerVersion);
        }
        Self::split(envelope).ok_or(OpenError::Undecryptable)
    }

    fn split(envelope: &'a Envelope) -> Option<Self> {
        let (clear, sealed) = envelope.as_bytes().split_first_chunk::<HELLO_CLEAR_BYTES>()?;
        let (&[kind, a, b, c, d, flag, e, f, g, h], rest) = clear.split_first_chunk()?;
        let (ct1, ct2) = rest.split_first_chunk()?;
        let ct2 = Ciphertext::from_bytes(ct2.try_into().ok()?);
        let one_time_id = u32::from_be_bytes([e, f, g, h]);
        // One way to say "none": zeros.
        let one_time_id = match flag {
            0 if one_time_id == 0 && ct2 == Ciphertext::absent() => None,
            1 => Some(PrekeyId(one_time_id)),
            _ => return None,
        };
        let header = HelloHeader { signed_id: PrekeyId(u32::from_be_bytes([a, b, c, d])), one_time_id };
        (kind == HELLO).then(|| Self { header, ct1: Ciphertext::from_bytes(ct1), ct2, clear, sealed })
    }

    pub(crate) fn open(&self, key: &Key<purpose::Hello>) -> Result<Zeroizing<Vec<u8>>, Undecryptable> {
        let mut offer = Zeroizing::new(self.sealed.to_vec());
        aead::decrypt(key, &ONLY_NONCE, self.clear, &mut offer)?;
        padding::unpad(&mut offer)?;
        Ok(offer)
    }
}

/// Seals a signed offer. The caller has checked that it fits.
pub(crate) fn seal_hello(
    header: HelloHeader,
    ciphertexts: [&Ciphertext; 2],
    key: &Key<purpose::Hello>,
    signed_offer: &[u8],
) -> Envelope {
    let [ct1, ct2] = ciphertexts;
    let clear = [header.bytes().as_slice(), ct1.as_bytes(), ct2.as_bytes()].concat();
    let mut sealed = padding::pad(signed_offer, HELLO_ROOM_BYTES);
    aead::encrypt(key, &ONLY_NONCE, &clear, &mut sealed);
    join(&[&clear, &sealed])
}

/// Which session and which way: bound into everything a session seals.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    pub(crate) session: SessionId,
    pub(crate) direction: Direction,
}

impl Context {
    fn ad(self, parts: &[&[u8]]) -> Vec<u8> {
        let place: [&[u8]; 2] = [self.session.as_bytes(), &[self.direction.byte()]];
        [place.concat(), parts.concat()].concat()
    }
}

/// A message, taken apart.
pub(crate) struct MessageParts<'a> {
    nonce: &'a RandomNonce,
    header: &'a [u8; SEALED_HEADER_BYTES],
    salt: &'a [u8; SALT_BYTES],
    commit: &'a [u8; COMMIT_BYTES],
    clear: &'a [u8; MESSAGE_CLEAR_BYTES],
    body: &'a [u8],
}

impl<'a> MessageParts<'a> {
    pub(crate) fn parse<E>(envelope: &'a Envelope) -> Result<Self, OpenError<E>> {
        if EnvelopeKind::of(envelope).is_none() {
            return Err(OpenError::NewerVersion);
        }
        Self::split(envelope).ok_or(OpenError::NotThisSession)
    }

    fn split(envelope: &'a Envelope) -> Option<Self> {
        let (clear, body) = envelope.as_bytes().split_first_chunk::<MESSAGE_CLEAR_BYTES>()?;
        let (&[kind], rest) = clear.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (header, rest) = rest.split_first_chunk()?;
        let (salt, commit) = rest.split_first_chunk()?;
        let commit = commit.try_into().ok()?;
        (kind == MESSAGE).then_some(Self { nonce, header, salt, commit, clear, body })
    }

    /// The header, if this is its key.
    pub(crate) fn open_header(&self, context: Context, key: &Key<purpose::Header>) -> Option<Header> {
        let mut header = self.header.to_vec();
        aead::decrypt_random(key, self.nonce, &context.ad(&[&[MESSAGE], self.nonce]), &mut header).ok()?;
        Header::decode(&header)
    }

    /// The body. The commitment is compared before anything is decrypted: no body opens under two keys.
    pub(crate) fn open_body(
        &self,
        context: Context,
        key: &Key<purpose::Message>,
    ) -> Result<Zeroizing<Vec<u8>>, Undecryptable> {
        let (key, commit) = body_key(key, self.salt);
        if !bool::from(commit.ct_eq(self.commit)) {
            return Err(Undecryptable);
        }
        let mut body = Zeroizing::new(self.body.to_vec());
        aead::decrypt(&key, &ONLY_NONCE, &context.ad(&[self.clear]), &mut body)?;
        padding::unpad(&mut body)?;
        Ok(body)
    }
}

/// Seals a body of at most [`BODY_MAX_BYTES`]. The salt is fresh, so that a client restored from an old backup, which
/// repeats a message key, never repeats a key and nonce.
pub(crate) fn seal_message(context: Context, keys: &ToSeal, body: &[u8], rng: &mut impl CryptoRng) -> Envelope {
    let (mut nonce, mut salt): (RandomNonce, _) = ([0; 24], [0; SALT_BYTES]);
    rng.fill_bytes(&mut nonce);
    rng.fill_bytes(&mut salt);
    let mut header = keys.header.encode();
    aead::encrypt_random(&keys.header_key, &nonce, &context.ad(&[&[MESSAGE], &nonce]), &mut header);
    let (key, commit) = body_key(&keys.message_key, &salt);
    let clear = [&[MESSAGE], nonce.as_slice(), &header, &salt, &commit].concat();
    let mut sealed = padding::pad(body, MESSAGE_ROOM_BYTES);
    aead::encrypt(&key, &ONLY_NONCE, &context.ad(&[&clear]), &mut sealed);
    join(&[&clear, &sealed])
}

fn body_key(key: &Key<purpose::Message>, salt: &[u8; SALT_BYTES]) -> (Key<purpose::MessageBody>, [u8; COMMIT_BYTES]) {
    let [key, commit] = &*kdf::derive_many(label::MESSAGE, kdf::Input { ikm: &[key.expose_secret()], salt, rest: &[] });
    (Key::from_bytes(key), *commit)
}

fn join(parts: &[&[u8]]) -> Envelope {
    #[expect(clippy::expect_used, reason = "clear bytes, room and tag are 16,000 by the constants above")]
    Envelope::from_bytes(&parts.concat()).expect("16,000 bytes")
}

#[cfg(test)]
mod collisions;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{
        kem::DecapsulationKey,
        ratchet::Announcement,
        testing::{rng, turned},
    };

    fn context(direction: Direction) -> Context {
        Context { session: SessionId::from_bytes([1; 32]), direction }
    }

    fn to_seal() -> ToSeal {
        let announcement = Announcement::first(DecapsulationKey::generate(&mut rng(1)).public());
        let header = Header { announcement, n: 3, pn: 2 };
        ToSeal { header_key: Key::from_bytes(&[2; 32]), header, message_key: Key::from_bytes(&[3; 32]) }
    }

    #[test]
    fn session_and_direction_are_bound_to_header_and_body() {
        let (ours, keys) = (context(Direction::FromInitiator), to_seal());
        let envelope = seal_message(ours, &keys, b"body", &mut rng(2));
        let parts = MessageParts::split(&envelope).unwrap();
        let header = parts.open_header(ours, &keys.header_key).unwrap();
        assert_eq!((header.n, header.pn, header.encode()), (3, 2, keys.header.encode()));
        assert_eq!(parts.open_body(ours, &keys.message_key).unwrap().as_slice(), b"body");
        let elsewhere = Context { session: SessionId::from_bytes([9; 32]), ..ours };
        for other in [context(Direction::FromResponder), elsewhere] {
            assert!(parts.open_header(other, &keys.header_key).is_none());
            assert_eq!(parts.open_body(other, &keys.message_key), Err(Undecryptable));
        }
    }

    #[test]
    fn a_body_under_another_commitment_is_refused_although_its_tag_holds() {
        let (ours, keys) = (context(Direction::FromInitiator), to_seal());
        // Byte 2,417 is the first of the commitment; header, salt and everything else are honest.
        let broken = turned(&seal_message(ours, &keys, b"body", &mut rng(2)), 2_417);
        let clear = MessageParts::split(&broken).unwrap().clear;
        let (key, _) = body_key(&keys.message_key, MessageParts::split(&broken).unwrap().salt);
        let mut sealed = padding::pad(b"body", MESSAGE_ROOM_BYTES);
        aead::encrypt(&key, &ONLY_NONCE, &ours.ad(&[clear]), &mut sealed);
        let forged = join(&[clear, &sealed]);
        let parts = MessageParts::split(&forged).unwrap();
        assert_eq!(parts.open_body(ours, &keys.message_key), Err(Undecryptable));
    }

    #[test]
    fn what_is_left_for_a_body_is_what_the_specification_says() {
        assert_eq!((MESSAGE_CLEAR_BYTES, BODY_MAX_BYTES), (2_449, 13_534));
        assert_eq!((HELLO_CLEAR_BYTES, OFFER_MAX_BYTES), (2_250, 13_733));
    }
}
