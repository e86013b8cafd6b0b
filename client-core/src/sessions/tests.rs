//! Two people who call each other, lose Hellos and whole homes: they end in one session, and no Hello goes on for ever.

use lightproof_e2ee::identity::Fingerprint;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner},
};

use super::*;
use crate::{contact::Standing, vault::record::Flag};

const START: Timestamp = Timestamp(1_795_262_400_000);
const SEQUENCES: u64 = 10_000;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// Somebody has something to say; what is due before it is done first.
    Say(usize),
    Arrive(usize),
    Lose(usize),
    Remember(usize),
    /// The home is replaced by an older copy, which learns from its relay that it is one.
    GoBack(usize),
    NextDay,
}

#[derive(Clone, Copy, Debug)]
struct Letter {
    to: usize,
    id: SessionId,
    /// Of a Hello.
    generation: Option<u32>,
}

struct Two {
    contacts: [Contact; 2],
    remembered: [Contact; 2],
    letters: Vec<Letter>,
    now: Timestamp,
    called: u64,
    ids: u64,
}

fn contact() -> Contact {
    Contact::new(Fingerprint::from_bytes([1; 32]), Standing::Accepted, 1, START)
}

impl Two {
    fn new(seed: u64) -> Self {
        let both = || [contact(), contact()];
        Self { contacts: both(), remembered: both(), letters: Vec::new(), now: START, called: 0, ids: seed }
    }

    fn step(&mut self, action: Action) {
        match action {
            Action::Say(who) => self.say(who),
            Action::Arrive(which) if !self.letters.is_empty() => {
                let letter = self.letters.swap_remove(which % self.letters.len());
                self.arrive(letter);
            }
            Action::Lose(which) if !self.letters.is_empty() => {
                self.letters.swap_remove(which % self.letters.len());
            }
            Action::Arrive(_) | Action::Lose(_) => {}
            Action::Remember(who) => self.remembered[who] = self.contacts[who].clone(),
            Action::GoBack(who) => {
                let contact = &mut self.contacts[who];
                *contact = self.remembered[who].clone();
                let had_session = contact.sending().is_some();
                contact.supersede_all(self.now);
                contact.hello_due = had_session.then(|| self.now.day());
            }
            Action::NextDay => self.now = self.now.plus_days(1),
        }
    }

    /// As a send does it: a Hello first, where one is due.
    fn say(&mut self, who: usize) {
        let contact = &mut self.contacts[who];
        if contact.sending().is_none() || contact.is_to_be_called(self.now) {
            // Any id may be the smaller one.
            self.ids = self.ids.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&self.ids.rotate_left(29).to_le_bytes());
            let (id, generation) = (SessionId::from_bytes(bytes), contact.generation + 1);
            let session = session(id, generation, Flag::Yes, self.now);
            let _ = contact.add_sending(session, self.now);
            if contact.hello_due.take().is_some() {
                contact.called_on = self.now.day();
            }
            self.called += 1;
            self.letters.push(Letter { to: 1 - who, id, generation: Some(generation) });
        }
        let id = self.contacts[who].sending().unwrap().id;
        self.letters.push(Letter { to: 1 - who, id, generation: None });
    }

    /// As a receive does it.
    fn arrive(&mut self, letter: Letter) {
        let (contact, now) = (&mut self.contacts[letter.to], self.now);
        let Some(generation) = letter.generation else {
            contact.confirm_session(&letter.id);
            if contact.has_lost_theirs(&letter.id) {
                contact.want_hello(now.day());
            }
            return;
        };
        let session = session(letter.id, generation, Flag::No, now);
        let _ = match contact.judge(generation, &letter.id) {
            Verdict::Refused => panic!("nobody here has lost a thousand sessions"),
            Verdict::Newest | Verdict::GlareTheirs => contact.add_sending(session, now),
            Verdict::GlareOurs => contact.add_readable(session, now),
            Verdict::LostState => {
                contact.want_hello(now.day());
                contact.add_readable(session, now)
            }
        };
    }

    /// Nothing is lost any more, and both write every day.
    fn settle(&mut self, days: u32) {
        for _ in 0..days {
            for who in [0, 1] {
                self.say(who);
                let letters = core::mem::take(&mut self.letters);
                letters.into_iter().for_each(|letter| self.arrive(letter));
            }
            self.now = self.now.plus_days(1);
        }
    }
}

fn session(id: SessionId, generation: u32, ours: Flag, made: Timestamp) -> SessionRef {
    let confirmed = Flag::from(!ours.is_yes());
    SessionRef { id, generation, ours, confirmed, made, superseded: None }
}

fn action() -> impl Strategy<Value = Action> {
    let (who, which) = (|| 0_usize..2, any::<usize>);
    prop_oneof![
        8 => who().prop_map(Action::Say),
        8 => which().prop_map(Action::Arrive),
        2 => which().prop_map(Action::Lose),
        1 => who().prop_map(Action::Remember),
        1 => who().prop_map(Action::GoBack),
        2 => Just(Action::NextDay),
    ]
}

fn play(seed: u64, actions: &[Action]) -> TestCaseResult {
    let mut two = Two::new(seed);
    // One of them may lose their home, as often as may be. Where both do while Hellos of lost homes are under way, each can
    // be left in a session that the other has lost.
    let loser = usize::from(seed.is_multiple_of(2));
    let is_spared = |action: &&Action| !matches!(action, Action::GoBack(who) if *who != loser);
    actions.iter().filter(is_spared).for_each(|action| two.step(*action));
    two.settle(30);
    let called = two.called;
    two.settle(30);
    prop_assert_eq!(two.called, called, "Hellos go on for ever");
    let [mine, theirs] = two.contacts.each_ref().map(|contact| contact.sending().unwrap());
    prop_assert!(mine.id == theirs.id, "each sends in a session of their own");
    prop_assert!(mine.confirmed.is_yes() && theirs.confirmed.is_yes());
    Ok(())
}

#[test]
fn both_sides_end_in_one_session_whatever_crosses_or_is_lost() {
    for seed in 0..SEQUENCES {
        let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: 5_000, ..Config::default() };
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed.to_le_bytes(); 4].concat());
        match TestRunner::new_with_rng(config, random).run(&vec(action(), 0..=80), |actions| play(seed, &actions)) {
            Ok(()) => {}
            Err(TestError::Fail(reason, shrunk)) => panic!("seed {seed}: {reason}\nafter {shrunk:?}"),
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    println!(
        "evidence: A43 | {SEQUENCES} sequences of up to 80 steps, all in one session in the end | seeds 0..{SEQUENCES}"
    );
}

#[test]
fn a_generation_nobody_can_have_reached_is_refused() {
    let mut contact = contact();
    let _ = contact.add_sending(session(SessionId::from_bytes([1; 32]), 5, Flag::No, START), START);
    let id = SessionId::from_bytes([2; 32]);
    assert_eq!(contact.judge(5 + GENERATION_JUMP, &id), Verdict::Newest);
    assert_eq!(contact.judge(5 + GENERATION_JUMP + 1, &id), Verdict::Refused);
    assert_eq!(contact.judge(u32::MAX, &id), Verdict::Refused);
    assert_eq!(contact.judge(4, &id), Verdict::LostState);
}
