//! R's half: a Hello and the secrets of its prekeys in, a session and the offer out.
//!
//! The caller reads [`HelloHeader`](crate::envelope::HelloHeader), loads the secrets, looks `t0` up in its replay set,
//! and saves session, `t0` and request in the transaction that deletes the one-time secret.

use lightproof_wire::{
    codec::{self, Extensions},
    envelope::Envelope,
    hash::Digest,
    label,
};

use super::transcript::{CardOffer, FullOffer, Offer, Secrets, Transcript, VERSION, t1};
use crate::{
    envelope::{HelloParts, OFFER_MAX_BYTES},
    error::OpenError,
    frame::Reply,
    identity::{Fingerprint, IdentityKey, IdentityKeyPair},
    prekey::{OneTimePrekeySecret, SignedPrekeySecret},
    ratchet::Ratchet,
    record,
    session::{Agreed, Session, SessionId},
    signature::{SIGNATURE_BYTES, Signature},
    staged::Staged,
};

/// What a Hello said, once its session is saved.
#[derive(Clone, Debug)]
pub struct Answered {
    /// For the replay set.
    pub t0: Digest,
    /// Who is calling; verified.
    pub identity: IdentityKey,
    /// The generation of the session. Whether it is acceptable is the caller's question.
    pub generation: u32,
    /// Where answers go.
    pub reply: Reply,
    /// How to begin with the caller one day.
    pub card: CardOffer,
    /// What else the caller announces.
    pub extensions: Extensions,
    /// The session it begins.
    pub session_id: SessionId,
}

/// `t0` of a Hello: what the replay set holds. Needs public keys only, and comes before anything expensive.
///
/// # Errors
/// [`OpenError::Undecryptable`] if these are not the prekeys it names, [`OpenError::NewerVersion`] for an unknown kind.
pub fn hello_t0(
    me: &Fingerprint,
    hello: &Envelope,
    signed: &SignedPrekeySecret,
    one_time: Option<&OneTimePrekeySecret>,
) -> Result<Digest, OpenError> {
    t0(me, &HelloParts::parse(hello)?, signed, one_time)
}

/// Opens a Hello and begins its session.
///
/// # Errors
/// [`OpenError::Misbehaved`] if it decrypts and is not signed by the identity it names: an alarm;
/// [`OpenError::NewerVersion`]; otherwise [`OpenError::Undecryptable`]. Nothing is changed.
pub fn respond(
    me: &IdentityKeyPair,
    hello: &Envelope,
    signed: &SignedPrekeySecret,
    one_time: Option<&OneTimePrekeySecret>,
) -> Result<Staged<Answered>, OpenError> {
    let parts = HelloParts::parse(hello)?;
    let t0 = t0(&me.fingerprint(), &parts, signed, one_time)?;
    let secrets = Secrets {
        signed: signed.key().decapsulate(&parts.ct1)?,
        one_time: one_time.map(|prekey| prekey.key().decapsulate(&parts.ct2)).transpose()?,
    };
    let signed_offer = parts.open(&secrets.hello_key(&t0))?;
    let (offer_bytes, signature) = split(&signed_offer).ok_or(OpenError::Undecryptable)?;
    let FullOffer { identity, ratchet_pk, offer, .. } = decode_offer(offer_bytes)?;
    let t1 = t1(&t0, offer_bytes);
    identity.verify(label::SIGN_HELLO, t1.as_bytes(), &signature).map_err(OpenError::Misbehaved)?;
    if identity.fingerprint() == me.fingerprint() {
        return Err(OpenError::Undecryptable);
    }
    let (keys, session_id) = secrets.first_keys(&t1);
    let Offer { generation, reply, card, extensions } = offer;
    let ratchet = Ratchet::responder(keys, ratchet_pk);
    let session = Session::answered(Agreed { id: session_id, generation, peer: identity.fingerprint(), ratchet });
    Ok(Staged::new(record::save(&session), Answered { t0, identity, generation, reply, card, extensions, session_id }))
}

fn t0(
    me: &Fingerprint,
    parts: &HelloParts<'_>,
    signed: &SignedPrekeySecret,
    one_time: Option<&OneTimePrekeySecret>,
) -> Result<Digest, OpenError> {
    if parts.header.signed_id != signed.id() || parts.header.one_time_id != one_time.map(OneTimePrekeySecret::id) {
        return Err(OpenError::Undecryptable);
    }
    let one_time_pk = one_time.map(|prekey| (prekey.id(), prekey.key().public()));
    let transcript = Transcript {
        responder: *me,
        signed: (signed.id(), &signed.key().public()),
        one_time: one_time_pk.as_ref().map(|(id, key)| (*id, key)),
        ciphertexts: [&parts.ct1, &parts.ct2],
    };
    Ok(transcript.t0())
}

fn split(signed_offer: &[u8]) -> Option<(&[u8], Signature)> {
    let (offer, signature) = signed_offer.split_last_chunk::<SIGNATURE_BYTES>()?;
    Some((offer, Signature::from_bytes(signature)))
}

/// Anything a later version could have written is told apart from what nobody writes.
fn decode_offer(bytes: &[u8]) -> Result<FullOffer, OpenError> {
    match bytes.first() {
        Some(&VERSION) => {}
        Some(2..) => return Err(OpenError::NewerVersion),
        _ => return Err(OpenError::Undecryptable),
    }
    let full: FullOffer = codec::decode(bytes).map_err(|_| OpenError::Undecryptable)?;
    full.offer.extensions.check_understood().map_err(|_| OpenError::NewerVersion)?;
    Ok(full)
}

// The longest offer of this version leaves room for extensions of later ones.
const _: () = assert!(
    1 + 1_984 + 1_216 + 4 + (32 + 201) + (32 + 201 + 65) + 1 + SIGNATURE_BYTES <= OFFER_MAX_BYTES,
    "every offer fits its Hello"
);
