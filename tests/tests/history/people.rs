//! Two people with the shipped client, one of whom has a disk or a screen with a bug.

use lightproof_core::{message::State, vault::store::Table};
use lightproof_tests::{
    Scene,
    history::{Event, History, Violation},
    power::chance::Chance,
    trouble::Lie,
};
use lightproof_wire::hash::Digest;

/// A bug of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    ActsBeforeSaving,
    ConfirmsTheUnsaved,
    PrekeyGoneBeforeTheSession,
    ShowsAgainAfterRestart,
    UnreadableBlocksTheRest,
}

impl Bug {
    pub(crate) const ALL: [Self; 5] = [
        Self::ActsBeforeSaving,
        Self::ConfirmsTheUnsaved,
        Self::PrekeyGoneBeforeTheSession,
        Self::ShowsAgainAfterRestart,
        Self::UnreadableBlocksTheRest,
    ];

    /// Whether it shows like this; what else it spoils does not count.
    pub(crate) const fn shows_as(self, violation: &Violation) -> bool {
        match self {
            Self::ActsBeforeSaving | Self::PrekeyGoneBeforeTheSession | Self::UnreadableBlocksTheRest => {
                matches!(violation, Violation::Lost(_))
            }
            Self::ConfirmsTheUnsaved => matches!(violation, Violation::NotSaved(_)),
            Self::ShowsAgainAfterRestart => matches!(violation, Violation::Twice(_)),
        }
    }
}

/// From Alice to Bob.
const LINE: u64 = 1;
/// So often a client tries to open one envelope.
const TRIES: usize = 3;

struct Pair {
    scene: Scene,
    history: History,
    bug: Option<Bug>,
    /// Messages that Bob's screen knows it has shown.
    shown: usize,
}

/// What became of four messages to somebody whose process ends again and again.
pub(crate) async fn run(bug: Option<Bug>, seed: u64) -> History {
    let mut chance = Chance::new(seed);
    let mut pair = Pair { scene: Scene::friends().await, history: History::default(), bug, shown: 0 };
    match bug {
        Some(Bug::PrekeyGoneBeforeTheSession) => pair.scene.bob.trouble.lies(Lie::RemovesPrekeysFirst),
        Some(Bug::UnreadableBlocksTheRest) => pair.scene.bob.trouble.lies(Lie::ForgetsAttempts),
        _ => {}
    }
    for number in 0..3 {
        pair.writes(number).await;
        pair.receives(chance.below(60)).await;
    }
    // Somebody who never gets past it comes to rest before it.
    if pair.gets_past_an_unreadable_one().await {
        pair.scene.bob.trouble.is_over();
        pair.scene.settle().await;
    }
    pair.comes_to_rest().await;
    pair.history
}

impl Pair {
    async fn writes(&mut self, number: u64) {
        let note = format!("note {number}");
        let hash = *Digest::of(note.as_bytes()).as_bytes();
        self.history.note(Event::Written(LINE, number, hash));
        let outcome = self.scene.alice.note("bob", &note).await;
        assert!(outcome.sent[0].waits.is_none());
        self.history.note(Event::Sent(LINE, hash));
    }

    /// Bob's process ends after some effects, and comes back.
    async fn receives(&mut self, steps: u64) {
        let before = self.scene.bob.store.copy();
        self.scene.bob.life.ends_after(steps);
        let ended = self.scene.bob.try_receive().await.is_none();
        match self.bug {
            // The disk said "saved" and had not.
            Some(Bug::ActsBeforeSaving) => self.scene.bob.go_back_to(&before).await,
            Some(Bug::ConfirmsTheUnsaved) => {
                self.scene.clock.advance_ms(70_000);
                self.scene.bob.life.go_on();
                self.scene.bob.receive().await.unwrap();
                self.scene.alice.receive().await.unwrap();
                self.scene.bob.go_back_to(&before).await;
            }
            _ => self.scene.bob.restart().await,
        }
        if self.bug == Some(Bug::ShowsAgainAfterRestart) && ended {
            self.shown = 0;
        }
        self.looks_at_the_screen().await;
    }

    /// An envelope that ends the process each time it is opened, and one after it; whether Bob stops opening the first.
    /// Nobody may ever see it: the history does not know it.
    async fn gets_past_an_unreadable_one(&mut self) -> bool {
        self.scene.settle().await;
        self.scene.alice.note("bob", "ends the process").await;
        self.writes(4).await;
        for _ in 0..TRIES {
            self.tries_to_open().await;
        }
        if self.bug == Some(Bug::UnreadableBlocksTheRest) {
            // Nothing is counted: it is opened again, and so for ever.
            self.tries_to_open().await;
            return false;
        }
        true
    }

    async fn tries_to_open(&mut self) {
        self.scene.bob.life.ends_with(Table::Attempts);
        let ended = self.scene.bob.try_receive().await.is_none();
        assert!(ended || self.bug.is_some(), "the shipped client did not try to open it");
        self.scene.bob.restart().await;
    }

    /// What is new to the screen is saved and shown, in the order of the vault.
    async fn looks_at_the_screen(&mut self) {
        let notes = self.scene.bob.notes().await;
        let new: Vec<_> = notes.iter().skip(self.shown).map(|note| *Digest::of(note.as_bytes()).as_bytes()).collect();
        self.shown = notes.len();
        for hash in new {
            self.history.note(Event::Saved(LINE, hash));
            self.history.note(Event::Shown(LINE, hash));
        }
    }

    async fn comes_to_rest(&mut self) {
        self.looks_at_the_screen().await;
        for message in self.scene.alice.client.messages().await.unwrap() {
            if matches!(message.state, State::Delivered | State::Viewed) {
                let hash = *Digest::of(message.note.as_str().as_bytes()).as_bytes();
                self.history.note(Event::Confirmed(LINE, hash));
            }
        }
        self.history.note(Event::Settled(LINE));
    }
}
