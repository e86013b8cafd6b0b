//! Two people, and vaults that are one record each: what the tests of sessions share.
#![expect(clippy::unwrap_used, reason = "tests")]

use core::convert::Infallible;

use lightproof_wire::{
    capability::{Capability, right},
    codec::{Extensions, Text},
    envelope::Envelope,
    prekey::{PrekeyBundle, PrekeyId},
    time::{Day, Timestamp},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use zeroize::Zeroizing;

use crate::{
    bundle::{Bundle, UnverifiedBundle},
    error::{EncloseError, OpenError},
    frame::Reply,
    handshake::{Answered, CardOffer, Initiated, Offer, initiate, respond},
    identity::IdentityKeyPair,
    prekey::{OneTimePrekeySecret, SignedPrekeySecret},
    session::{self, Enclosed, Session},
    staged::Staged,
};

pub(crate) const TODAY: Day = Day(20_000);
pub(crate) const NOW: Timestamp = TODAY.start();

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Saves a staged value: the record, and the value that may now be used.
pub(crate) fn saved<T>(staged: Staged<T>) -> (Vec<u8>, T) {
    let mut saved = Vec::new();
    let value = staged
        .persist_now(|record, _| {
            saved = record.to_vec();
            Ok::<(), Infallible>(())
        })
        .unwrap();
    (saved, value)
}

/// Somebody with a doorbell and published prekeys.
pub(crate) struct Person {
    pub(crate) identity: IdentityKeyPair,
    pub(crate) doorbell: Capability<right::Drop>,
    pub(crate) signed: SignedPrekeySecret,
    pub(crate) one_time: OneTimePrekeySecret,
}

impl Person {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = &mut rng(seed);
        Self {
            identity: IdentityKeyPair::generate(rng),
            doorbell: Capability::generate(rng),
            signed: SignedPrekeySecret::generate(PrekeyId(7), TODAY.plus(30), rng),
            one_time: OneTimePrekeySecret::generate(PrekeyId(70), TODAY.plus(30), rng),
        }
    }

    pub(crate) fn published(&self) -> PrekeyBundle {
        let rng = &mut rng(99);
        let (identity, drop) = (&self.identity, &self.doorbell.hash());
        PrekeyBundle {
            signed: self.signed.publish(identity, drop, rng),
            one_time: Some(self.one_time.publish(identity, drop, rng)),
        }
    }

    pub(crate) fn bundle(&self) -> Bundle {
        let fingerprint = self.identity.fingerprint();
        UnverifiedBundle::open(&self.published(), &fingerprint, &self.doorbell.hash())
            .unwrap()
            .verify(&fingerprint, TODAY)
            .unwrap()
    }

    pub(crate) fn offer(&self, generation: u32) -> Offer {
        let relay = Text::new("wss://relay.example.org/").unwrap();
        Offer {
            generation,
            reply: Reply { drop: Capability::from_bytes([0x5a; 32]), relay: relay.clone() },
            card: CardOffer { doorbell: self.doorbell.clone(), relay, name_hint: Text::new("Alice").unwrap() },
            extensions: Extensions::default(),
        }
    }

    pub(crate) fn call(&self, other: &Bundle, generation: u32, seed: u64) -> (Side, Initiated) {
        let staged = initiate(&self.identity, other, self.offer(generation), NOW, &mut rng(seed)).unwrap();
        let (record, initiated) = saved(staged);
        (Side::new(record, seed), initiated)
    }

    pub(crate) fn answer(&self, hello: &Envelope) -> Result<(Side, Answered), OpenError> {
        let (record, answered) = saved(respond(&self.identity, hello, &self.signed, Some(&self.one_time))?);
        Ok((Side::new(record, 1_000), answered))
    }
}

/// One side of a session: a vault with one record.
pub(crate) struct Side {
    pub(crate) record: Vec<u8>,
    pub(crate) now: Timestamp,
    rng: ChaCha20Rng,
}

impl Side {
    pub(crate) fn new(record: Vec<u8>, seed: u64) -> Self {
        Self { record, now: NOW, rng: rng(seed) }
    }

    pub(crate) fn session(&self) -> Session {
        Session::from_record(&self.record).unwrap()
    }

    pub(crate) fn try_seal(&mut self, body: &[u8]) -> Result<Envelope, EncloseError> {
        let (record, Enclosed { envelope }) = saved(session::enclose(self.session(), body, self.now, &mut self.rng)?);
        self.record = record;
        Ok(envelope)
    }

    pub(crate) fn seal(&mut self, body: &[u8]) -> Envelope {
        self.try_seal(body).unwrap()
    }

    pub(crate) fn open(&mut self, envelope: &Envelope) -> Result<Vec<u8>, OpenError<&'static str>> {
        self.open_checked(envelope, |body| Ok(body.to_vec()))
    }

    pub(crate) fn open_checked(
        &mut self,
        envelope: &Envelope,
        check: impl FnOnce(&[u8]) -> Result<Vec<u8>, &'static str>,
    ) -> Result<Vec<u8>, OpenError<&'static str>> {
        let (record, body) = saved(session::open(self.session(), envelope, self.now, check)?);
        self.record = record;
        Ok(body)
    }

    /// Both directions once, so that both ratchets have stepped.
    pub(crate) fn round_trip(&mut self, other: &mut Self) {
        let there = self.seal(b"there");
        assert_eq!(other.open(&there), Ok(b"there".to_vec()));
        let back = other.seal(b"back");
        assert_eq!(self.open(&back), Ok(b"back".to_vec()));
    }

    pub(crate) fn copy(&self, seed: u64) -> Self {
        Self { record: self.record.clone(), now: self.now, rng: rng(seed) }
    }
}

/// A session between the people of seeds 1 and 2, before any message.
pub(crate) fn pair() -> (Side, Side) {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (side, initiated) = alice.call(&bob.bundle(), 1, 3);
    (side, bob.answer(&initiated.envelope).unwrap().0)
}

/// An envelope with one bit turned.
pub(crate) fn turned(envelope: &Envelope, at: usize) -> Envelope {
    let mut bytes = Zeroizing::new(envelope.as_bytes().to_vec());
    *bytes.get_mut(at).unwrap() ^= 1;
    Envelope::from_bytes(&bytes).unwrap()
}
