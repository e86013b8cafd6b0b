//! Two people at one relay.

use lightproof_core::{contact::Contact, e2ee::manifest::Treatment, prepare::PrepareOptions, transport::RelayLink};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::{Liar, Person, TestRelay, relay::TestClock};

/// Alice, Bob, and what is between them.
pub struct Scene {
    /// The relay of both.
    pub relay: TestRelay,
    /// Everybody's clock.
    pub clock: TestClock,
    /// Alice.
    pub alice: Person,
    /// Bob.
    pub bob: Person,
}

impl Scene {
    /// Alice has Bob's card; Bob has not heard of her.
    pub async fn strangers() -> Self {
        let clock = TestClock::default();
        Self::at(TestRelay::start(&clock).await, clock).await
    }

    /// The same at a relay of its own kind.
    pub async fn at(relay: TestRelay, clock: TestClock) -> Self {
        let mut alice = Person::new("alice", &relay.link(), &clock, 1).await;
        let bob = Person::new("bob", &relay.link(), &clock, 2).await;
        alice.add(&bob, "bob").await;
        Self { relay, clock, alice, bob }
    }

    /// Each has the other's card.
    pub async fn friends() -> Self {
        let mut scene = Self::strangers().await;
        scene.bob.add(&scene.alice, "alice").await;
        scene
    }

    /// The same after a full round in one session, of which nothing is under way.
    pub async fn acquainted() -> Self {
        let mut scene = Self::friends().await;
        scene.talk().await;
        scene.settle().await;
        scene
    }

    /// Each has the other's card, and both go through somebody who lies.
    pub async fn friends_before_liar() -> (Self, Liar) {
        let clock = TestClock::default();
        let relay = TestRelay::start(&clock).await;
        let liar = Liar::before(relay.address()).await;
        let mut alice = Person::new("alice", &liar.link(), &clock, 1).await;
        let mut bob = Person::new("bob", &liar.link(), &clock, 2).await;
        alice.add(&bob, "bob").await;
        bob.add(&alice, "alice").await;
        (Self { relay, clock, alice, bob }, liar)
    }

    /// Somebody else at the same relay; she and Alice have each other's card.
    pub async fn carol(&mut self) -> Person {
        let link = self.relay.link();
        self.carol_at(&link).await
    }

    /// The same at another relay.
    pub async fn carol_at(&mut self, relay: &RelayLink) -> Person {
        let mut carol = Person::new("carol", relay, &self.clock, 3).await;
        self.alice.add(&carol, "carol").await;
        carol.add(&self.alice, "alice").await;
        carol
    }

    /// Alice has written, Bob has answered: a full round in one session.
    pub async fn talk(&mut self) {
        self.alice.note("bob", "hello").await;
        self.bob.receive().await.unwrap();
        self.bob.note("alice", "hello yourself").await;
        self.alice.receive().await.unwrap();
        self.alice.note("bob", "well").await;
        self.bob.receive().await.unwrap();
    }

    /// Bob removes Alice, whose mailbox with him is gone at the relay, too.
    pub async fn remove_alice(&mut self) {
        let (alice, now) = (self.alice.client.fingerprint(), self.clock.now());
        self.bob.client.remove_contact(&alice, now, &mut self.bob.rng).await.unwrap();
        self.bob.receive().await.unwrap();
    }

    /// Alice, whom Bob has removed, writes to him: what he sees of her.
    pub async fn asked_again(&mut self) -> Contact {
        self.alice.note("bob", "are you there?").await;
        self.bob.receive().await.unwrap();
        self.bob.client.requests().await.unwrap().remove(0)
    }

    /// Everything that is under way arrives, receipts too.
    pub async fn settle(&mut self) {
        for _ in 0..4 {
            self.alice.receive().await.unwrap();
            self.bob.receive().await.unwrap();
            self.clock.advance_ms(70_000);
        }
    }
}

/// The very file.
#[must_use]
pub fn exact() -> PrepareOptions {
    PrepareOptions { treatment: Treatment::Exact, ..PrepareOptions::default() }
}

/// Bytes that compress to nothing less, the same for the same seed.
#[must_use]
pub fn noise(seed: u64, length_bytes: usize) -> Vec<u8> {
    let mut bytes = vec![0; length_bytes];
    ChaCha20Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}
