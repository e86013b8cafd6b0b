//! I's half: a bundle in, a Hello and a session out.

use lightproof_wire::{codec::encode, envelope::Envelope, label, time::Timestamp};
use rand_core::CryptoRng;

use super::transcript::{FullOffer, Offer, Secrets, Transcript, VERSION, t1};
use crate::{
    bundle::Bundle,
    envelope::{self, HelloHeader},
    error::HandshakeError,
    identity::{Fingerprint, IdentityKeyPair},
    kem::{Ciphertext, DecapsulationKey},
    ratchet::{FirstKeys, Ratchet},
    record,
    session::{Agreed, Session, SessionId},
    staged::Staged,
};

#[cfg(test)]
use crate::identity::IdentityKey;

/// A Hello to be deposited once its session is saved.
#[derive(Clone, Debug)]
pub struct Initiated {
    /// Sealed once, deposited again as it is.
    pub envelope: Envelope,
    /// The session it begins.
    pub session_id: SessionId,
    /// Whom it is for.
    pub peer: Fingerprint,
    /// The generation of the session.
    pub generation: u32,
}

/// Begins a session with the owner of `bundle`.
///
/// # Errors
/// [`HandshakeError`]; nothing was sent.
pub fn initiate(
    me: &IdentityKeyPair,
    bundle: &Bundle,
    offer: Offer,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Staged<Initiated>, HandshakeError> {
    let (peer, generation) = (bundle.identity().fingerprint(), offer.generation);
    if peer == me.fingerprint() {
        return Err(HandshakeError::OwnIdentity);
    }
    let our_sk = DecapsulationKey::generate(rng);
    let full = FullOffer { version: VERSION, identity: me.public().clone(), ratchet_pk: our_sk.public(), offer };
    let Hello { envelope, keys, session_id } = seal(me, bundle, &encode(&full), rng);
    let session =
        Session::initiated(Agreed { id: session_id, generation, peer, ratchet: Ratchet::initiator(keys, our_sk) }, now);
    Ok(Staged::new(record::save(&session), Initiated { envelope, session_id, peer, generation }))
}

struct Hello {
    envelope: Envelope,
    keys: FirstKeys,
    session_id: SessionId,
}

fn seal(me: &IdentityKeyPair, bundle: &Bundle, offer: &[u8], rng: &mut impl CryptoRng) -> Hello {
    let (ct1, signed) = bundle.signed().key.encapsulate(rng);
    let (ct2, one_time) = match bundle.one_time().map(|prekey| prekey.key.encapsulate(rng)) {
        Some((ct2, shared)) => (ct2, Some(shared)),
        None => (Ciphertext::absent(), None),
    };
    let secrets = Secrets { signed, one_time };
    let transcript = Transcript {
        responder: bundle.identity().fingerprint(),
        signed: (bundle.signed().id, &bundle.signed().key),
        one_time: bundle.one_time().map(|prekey| (prekey.id, &prekey.key)),
        ciphertexts: [&ct1, &ct2],
    };
    let t0 = transcript.t0();
    let t1 = t1(&t0, offer);
    let signature = me.sign(label::SIGN_HELLO, t1.as_bytes(), rng);
    let header = HelloHeader { signed_id: bundle.signed().id, one_time_id: bundle.one_time().map(|prekey| prekey.id) };
    let envelope =
        envelope::seal_hello(header, [&ct1, &ct2], &secrets.hello_key(&t0), &[offer, signature.as_bytes()].concat());
    let (keys, session_id) = secrets.first_keys(&t1);
    Hello { envelope, keys, session_id }
}

/// A Hello in the name of another.
#[cfg(test)]
pub(super) fn forge(
    me: &IdentityKeyPair,
    other: &IdentityKey,
    bundle: &Bundle,
    offer: Offer,
    rng: &mut impl CryptoRng,
) -> Envelope {
    let ratchet_pk = DecapsulationKey::generate(rng).public();
    let full = FullOffer { version: VERSION, identity: other.clone(), ratchet_pk, offer };
    seal(me, bundle, &encode(&full), rng).envelope
}
