//! Three hundred messages, and everything that can come between them.

use std::collections::VecDeque;

use lightproof_core::{ClientError, Failure, event::Notice, message::State};
use lightproof_tests::{
    Person, Scene,
    history::{Event, Hash, History},
};
use lightproof_wire::hash::Digest;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

const EACH: u32 = 150;

struct Trial {
    scene: Scene,
    chance: ChaCha20Rng,
    relay_runs: bool,
    history: History,
}

/// The lines of the history.
const FROM_ALICE: u64 = 0;
const FROM_BOB: u64 = 1;

fn digest(note: &str) -> Hash {
    *Digest::of(note.as_bytes()).as_bytes()
}

impl Trial {
    fn one_in(&mut self, many: u32) -> bool {
        self.chance.next_u32().is_multiple_of(many)
    }

    /// Sends; a process that ends on the way is started again with the same request.
    async fn send(&mut self, from_alice: bool, note: &str) {
        let dies = self.one_in(5).then(|| u64::from(self.chance.next_u32() % 12));
        let line = if from_alice { FROM_ALICE } else { FROM_BOB };
        self.history.note(Event::Written(line, self.history.count() as u64, digest(note)));
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
        // Deposited, or promised to be: it waits in the outbox.
        self.history.note(Event::Sent(line, digest(note)));
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

impl Trial {
    /// What the recipient of a line has, and what its sender was told of it.
    async fn remember(&self, line: u64) {
        let (sender, recipient) = match line {
            FROM_ALICE => (&self.scene.alice, &self.scene.bob),
            _ => (&self.scene.bob, &self.scene.alice),
        };
        for note in recipient.notes().await {
            self.history.note(Event::Saved(line, digest(&note)));
            self.history.note(Event::Shown(line, digest(&note)));
        }
        for message in sender.client.messages().await.unwrap() {
            if message.state == State::Delivered {
                self.history.note(Event::Confirmed(line, digest(message.note.as_str())));
            }
        }
        self.history.note(Event::Settled(line));
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
    let mut trial =
        Trial { scene, chance: ChaCha20Rng::seed_from_u64(seed), relay_runs: true, history: History::default() };
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
    trial.remember(FROM_ALICE).await;
    trial.remember(FROM_BOB).await;
    assert_eq!(trial.history.check(), [], "seed {seed}: {:?}", trial.history);
    println!(
        "evidence: P13 F10 | {} events of three hundred messages | seeds {seed}..{}",
        trial.history.count(),
        seed + 1
    );
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
