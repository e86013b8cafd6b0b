//! People with prekeys, and what they keep: the public interface of the package, and nothing else.

use std::convert::Infallible;

use lightproof_e2ee::{
    bundle::{Bundle, UnverifiedBundle},
    error::OpenError,
    frame::Reply,
    handshake::{Answered, CardOffer, Initiated, Offer, initiate, respond},
    identity::IdentityKeyPair,
    prekey::{OneTimePrekeySecret, SignedPrekeySecret},
    session::{self, Session},
    staged::Staged,
};
use lightproof_wire::{
    capability::{Capability, right},
    codec::{Extensions, Text},
    envelope::Envelope,
    prekey::{PrekeyBundle, PrekeyId},
    time::{Day, Timestamp},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

pub(crate) const TODAY: Day = Day(20_000);
pub(crate) const NOW: Timestamp = TODAY.start();

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Saves what a step staged: the record, and the value that may be used from then on.
pub(crate) fn saved<T>(staged: Staged<T>) -> (Vec<u8>, T) {
    let mut saved = Vec::new();
    let value = staged.persist_now(|record, _| {
        saved = record.to_vec();
        Ok::<(), Infallible>(())
    });
    (saved, value.unwrap())
}

/// Somebody with a doorbell, one prekey of each kind, and the bundle that others are given.
pub(crate) struct Person {
    pub(crate) identity: IdentityKeyPair,
    pub(crate) doorbell: Capability<right::Drop>,
    pub(crate) signed: SignedPrekeySecret,
    pub(crate) one_time: OneTimePrekeySecret,
    pub(crate) bundle: Bundle,
}

impl Person {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = &mut rng(seed);
        let identity = IdentityKeyPair::generate(rng);
        let doorbell = Capability::generate(rng);
        let signed = SignedPrekeySecret::generate(PrekeyId(7), TODAY.plus(30), rng);
        let one_time = OneTimePrekeySecret::generate(PrekeyId(70), TODAY.plus(30), rng);
        let drop = doorbell.hash();
        let published = PrekeyBundle {
            signed: signed.publish(&identity, &drop, rng),
            one_time: Some(one_time.publish(&identity, &drop, rng)),
        };
        let owner = identity.fingerprint();
        let bundle = UnverifiedBundle::open(&published, &owner, &drop).unwrap().verify(&owner, TODAY).unwrap();
        Self { identity, doorbell, signed, one_time, bundle }
    }

    pub(crate) fn offer(&self, generation: u32) -> Offer {
        let relay = Text::new("wss://relay.example.org/").unwrap();
        Offer {
            generation,
            reply: Reply { drop: self.doorbell.clone(), relay: relay.clone() },
            card: CardOffer { doorbell: self.doorbell.clone(), relay, name_hint: Text::new("somebody").unwrap() },
            extensions: Extensions::default(),
        }
    }

    pub(crate) fn call(&self, other: &Bundle, generation: u32, rng: &mut ChaCha20Rng) -> (Vec<u8>, Initiated) {
        saved(initiate(&self.identity, other, self.offer(generation), NOW, rng).unwrap())
    }

    pub(crate) fn answer(&self, hello: &Envelope) -> Result<(Vec<u8>, Answered), OpenError> {
        respond(&self.identity, hello, &self.signed, Some(&self.one_time)).map(saved)
    }
}

/// One side of a session: its record.
#[derive(Clone)]
pub(crate) struct Side(pub(crate) Vec<u8>);

impl Side {
    /// Both sides of a new session.
    pub(crate) fn pair(rng: &mut ChaCha20Rng) -> [Self; 2] {
        let (caller, called) = (Person::new(1), Person::new(2));
        let (record, initiated) = caller.call(&called.bundle, 1, rng);
        [Self(record), Self(called.answer(&initiated.envelope).unwrap().0)]
    }

    pub(crate) fn load(&self) -> Session {
        Session::from_record(&self.0).unwrap()
    }

    pub(crate) fn seal(&mut self, body: &[u8], rng: &mut ChaCha20Rng) -> Envelope {
        let (record, enclosed) = saved(session::enclose(self.load(), body, NOW, rng).unwrap());
        self.0 = record;
        enclosed.envelope
    }

    /// Opens a body that nobody signed.
    pub(crate) fn open(&mut self, envelope: &Envelope) -> Result<Vec<u8>, OpenError<Infallible>> {
        let (record, body) = saved(session::open(self.load(), envelope, NOW, |body| Ok(body.to_vec()))?);
        self.0 = record;
        Ok(body)
    }
}
