//! Three hundred messages, and everything that can come between them.

use std::collections::VecDeque;

use lightproof_core::{ClientError, Failure, event::Notice};
use lightproof_tests::{Person, Scene};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

const EACH: u32 = 150;

struct Trial {
    scene: Scene,
    chance: ChaCha20Rng,
    relay_runs: bool,
}

impl Trial {
    fn one_in(&mut self, many: u32) -> bool {
        self.chance.next_u32().is_multiple_of(many)
    }

    /// Sends; a process that ends on the way is started again with the same request.
    async fn send(&mut self, from_alice: bool, note: &str) {
        let dies = self.one_in(5).then(|| u64::from(self.chance.next_u32() % 12));
        let (person, to) = if from_alice { (&mut self.scene.alice, "bob") } else { (&mut self.scene.bob, "alice") };
        if let Some(steps) = dies {
            person.life.ends_after(steps);
        }
        let outcome = match person.try_send(to, note, &[]).await {
            Some(outcome) => outcome,
            None => {
                person.restart().await;
                person.try_send(to, note, &[]).await.unwrap()
            }
        };
        person.life.go_on();
        let outcome = outcome.unwrap();
        person.told(&outcome).await;
    }

    async fn receive(&mut self, alice: bool) {
        let dies = self.one_in(5).then(|| u64::from(self.chance.next_u32() % 20));
        let person = if alice { &mut self.scene.alice } else { &mut self.scene.bob };
        if let Some(steps) = dies {
            person.life.ends_after(steps);
        }
        match person.try_receive().await {
            Some(received) => check(received.map(|received| received.failed), self.relay_runs),
            None => person.restart().await,
        }
        person.life.go_on();
    }

    async fn turn_relay(&mut self) {
        if self.relay_runs {
            self.scene.relay.stop().await
        } else {
            self.scene.relay.resume().await
        }
        self.relay_runs = !self.relay_runs;
    }

    async fn something_else(&mut self) {
        match self.chance.next_u32() % 10 {
            0 => self.turn_relay().await,
            1 if self.relay_runs => self.scene.relay.restart().await,
            2 => self.scene.alice.restart().await,
            3 => self.scene.bob.restart().await,
            4..=6 => self.receive(true).await,
            _ => self.receive(false).await,
        }
        self.scene.clock.advance_ms(u64::from(self.chance.next_u32() % 600_000));
    }
}

fn check(received: Result<Option<ClientError>, ClientError>, relay_runs: bool) {
    let (Ok(Some(error)) | Err(error)) = received else { return };
    assert!(!relay_runs && error.failure() == Failure::Unreachable, "{error:?}");
}

fn notes(who: &str) -> Vec<String> {
    (0..EACH).map(|number| format!("{who} {number}")).collect()
}

async fn at_last(person: &Person) -> Vec<String> {
    let mut heard = person.heard();
    // Both may have called at once.
    heard.retain(|notice| !matches!(notice, Notice::NewSession(_)));
    assert_eq!(heard, vec![]);
    assert_eq!(person.client.status().await.unwrap().outbox, 0);
    person.notes().await
}

async fn three_hundred_messages(seed: u64) {
    println!("seed {seed}");
    let scene = Scene::friends().await;
    let mut trial = Trial { scene, chance: ChaCha20Rng::seed_from_u64(seed), relay_runs: true };
    let (mut alice, mut bob) = (VecDeque::from(notes("alice")), VecDeque::from(notes("bob")));
    while !alice.is_empty() || !bob.is_empty() {
        let from_alice = trial.one_in(2);
        if let Some(note) = if from_alice { alice.pop_front() } else { bob.pop_front() } {
            trial.send(from_alice, &note).await;
        }
        if trial.one_in(3) {
            trial.something_else().await;
        }
    }
    if !trial.relay_runs {
        trial.turn_relay().await;
    }
    trial.scene.settle().await;
    assert_eq!(at_last(&trial.scene.bob).await, notes("alice"), "seed {seed}");
    assert_eq!(at_last(&trial.scene.alice).await, notes("bob"), "seed {seed}");
}

#[tokio::test]
async fn three_hundred_messages_arrive_once_and_in_order() {
    three_hundred_messages(1).await;
}

#[tokio::test]
async fn three_hundred_other_messages_arrive_once_and_in_order() {
    three_hundred_messages(2).await;
}

#[tokio::test]
async fn and_three_hundred_more() {
    three_hundred_messages(3).await;
}
