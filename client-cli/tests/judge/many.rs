//! Three hundred messages between real programs, and everything that can come between them.

use std::collections::VecDeque;

use crate::person::Person;
use crate::world::{Noise, World, received_notes};

const EACH: usize = 150;

fn notes(who: &str) -> VecDeque<String> {
    (0..EACH).map(|number| format!("{who} {number}")).collect()
}

struct Trial {
    world: World,
    noise: Noise,
    relay_runs: bool,
}

impl Trial {
    fn one_in(&mut self, many: u64) -> bool {
        self.noise.number().is_multiple_of(many)
    }

    fn turn_relay(&mut self) {
        match (self.relay_runs, self.one_in(2)) {
            (false, _) => self.world.relay.start(),
            (true, true) => self.world.relay.kill(),
            (true, false) => self.world.relay.stop(),
        }
        self.relay_runs = !self.relay_runs;
    }

    /// What was not deposited stays in the outbox, and the exit code says which.
    fn send(&self, from: &Person, to: &str, note: &str) {
        from.ends(&["send", to, "-m", note], if self.relay_runs { 0 } else { 4 });
    }

    fn receive(&self, person: &Person) {
        let said = person.run(&["receive"]);
        let allowed: &[i32] = if self.relay_runs { &[0, 5] } else { &[4] };
        assert!(said.status.code().is_some_and(|code| allowed.contains(&code)), "{said:?}");
    }
}

#[test]
fn three_hundred_messages_between_real_programs_arrive_once_and_in_order() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let mut trial = Trial { world, noise: Noise::new(300), relay_runs: true };
    let (mut from_alice, mut from_bob) = (notes("alice"), notes("bob"));
    while !from_alice.is_empty() || !from_bob.is_empty() {
        let is_alice = trial.one_in(2);
        let (sender, to, waiting) =
            if is_alice { (&alice, "bob", &mut from_alice) } else { (&bob, "alice", &mut from_bob) };
        if let Some(note) = waiting.pop_front() {
            trial.send(sender, to, &note);
        }
        // A spell offline is a person who does not receive for long.
        if trial.one_in(6) {
            let person = if trial.one_in(3) { &alice } else { &bob };
            trial.receive(person);
        }
        if trial.one_in(if trial.relay_runs { 20 } else { 4 }) {
            trial.turn_relay();
        }
    }
    if !trial.relay_runs {
        trial.turn_relay();
    }
    for person in [&alice, &bob, &alice, &bob] {
        person.run(&["outbox", "retry"]);
        trial.receive(person);
    }
    assert!(notes("alice") == received_notes(&bob));
    assert!(notes("bob") == received_notes(&alice));
    for person in [&alice, &bob] {
        assert!(person.says(&["outbox"]).is_empty());
    }
}
