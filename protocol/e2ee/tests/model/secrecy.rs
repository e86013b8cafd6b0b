//! Somebody copies the whole state of one side: nothing older opens, and nothing newer once a full round trip is over.

use core::ops::Range;

use lightproof_e2ee::{
    aead,
    kdf::{self, Input},
    secret::{Key, purpose},
};
use lightproof_wire::{envelope::Envelope, hash::Digest, label};
use rand_chacha::{ChaCha20Rng, rand_core::Rng as _};

use crate::{
    effort::seeds,
    people::{Side, rng},
};

/// Enough that the pairs of a capture and a message of the victim are more than ten thousand.
const MESSAGES: usize = 210;
const SALT: Range<usize> = 2_385..2_417;
const COMMITMENT: Range<usize> = 2_417..2_449;

/// A message, in the turn it was sent in.
struct Sent {
    to: usize,
    turn: usize,
    envelope: Envelope,
    /// The state of both sides once it was opened.
    after: [Side; 2],
}

/// People who take turns of one to four messages; everything arrives in order.
fn conversation(rng: &mut ChaCha20Rng) -> Vec<Sent> {
    let mut sides = Side::pair(rng);
    let mut sent: Vec<Sent> = Vec::new();
    for turn in 0.. {
        for _ in 0..=rng.next_u32() % 4 {
            let to = (turn + 1) % 2;
            let envelope = sides[turn % 2].seal(&turn.to_be_bytes(), rng);
            assert_eq!(sides[to].clone().open(&envelope), Ok(turn.to_be_bytes().to_vec()), "before, it does open");
            sides[to].open(&envelope).unwrap();
            sent.push(Sent { to, turn, envelope, after: sides.clone() });
        }
        if sent.len() >= MESSAGES {
            break;
        }
    }
    sent
}

/// Whoever takes every 32 bytes of a state for a message key, or for a chain key that a few more messages follow.
struct Thief(Vec<Key<purpose::Message>>);

impl Thief {
    fn with(state: &Side) -> Self {
        let mut keys = Vec::new();
        for bytes in state.0.windows(32).map(|window| <&[u8; 32]>::try_from(window).unwrap()) {
            keys.push(Key::from_bytes(bytes));
            let mut chain: Key<purpose::Chain> = Key::from_bytes(bytes);
            for _ in 0..2 {
                keys.push(kdf::step(&chain, 1));
                chain = kdf::step(&chain, 2);
            }
        }
        Self(keys)
    }

    fn opens(&self, envelope: &Envelope) -> bool {
        let (salt, commitment) = (&envelope.as_bytes()[SALT], &envelope.as_bytes()[COMMITMENT]);
        self.0.iter().any(|key| {
            let [_, ours] = &*kdf::derive_many(label::MESSAGE, Input { ikm: &[key.expose_secret()], salt, rest: &[] });
            ours == commitment
        })
    }
}

#[test]
fn a_thief_who_has_a_chain_key_reads_what_follows() {
    let rng = &mut rng(5);
    let [mut alice, bob] = Side::pair(rng);
    let messages = [alice.seal(b"one", rng), alice.seal(b"two", rng)];
    for state in [&bob, &alice] {
        let thief = Thief::with(state);
        assert_eq!(messages.each_ref().map(|message| thief.opens(message)), [state.0 == bob.0; 2]);
    }
}

#[test]
fn a_stolen_state_opens_nothing_older() {
    let (seeds, mut tried, mut guessed) = (seeds(1), 0_u64, 0_u64);
    for seed in seeds.clone() {
        let sent = conversation(&mut rng(seed));
        for (at, capture) in sent.iter().enumerate() {
            for older in &sent[..=at] {
                let mut stolen = capture.after[older.to].clone();
                assert!(stolen.open(&older.envelope).is_err(), "seed {seed}: captured after message {at}");
                tried += 1;
            }
            if at % 70 == 35 {
                for state in &capture.after {
                    let thief = Thief::with(state);
                    for older in sent[..=at].iter().rev().take(12) {
                        assert!(!thief.opens(&older.envelope), "seed {seed}: guessed after message {at}");
                        guessed += 1;
                    }
                }
            }
        }
    }
    println!(
        "evidence: P4 | {tried} older messages under a captured state, 0 opened | seeds {}..{}",
        seeds.start, seeds.end
    );
    println!(
        "evidence: P4 | {guessed} older messages under every 32 bytes of a captured state, 0 opened | seeds {}..{}",
        seeds.start, seeds.end
    );
}

#[test]
fn a_stolen_state_opens_nothing_newer_after_a_round_trip() {
    let (seeds, mut closed, mut guessed, mut spans) = (seeds(1), 0_u64, 0_u64, [0_u64; 16]);
    for seed in seeds.clone() {
        let sent = conversation(&mut rng(seed));
        for (at, capture) in sent.iter().enumerate() {
            let victim = at / 2 % 2;
            let newer = || sent[at + 1..].iter();
            // The first turn in which the victim tells a key that the thief has not seen.
            let Some(fresh) = newer().find(|one| one.to != victim && one.turn > capture.turn) else { continue };
            let (mut thief, mut span) = (capture.after[victim].clone(), 0);
            for message in newer().filter(|message| message.to == victim) {
                let opens = thief.open(&message.envelope).is_ok();
                if message.turn > fresh.turn {
                    assert!(!opens, "seed {seed}: captured after message {at}, opened in turn {}", message.turn);
                    closed += 1;
                } else {
                    span += usize::from(opens);
                }
            }
            spans[span] += 1;
            if at % 70 == 35 {
                let states = [&capture.after[victim], &thief].map(Thief::with);
                let healed =
                    newer().filter(|one| one.turn > fresh.turn || (one.turn == fresh.turn && one.to != victim));
                for message in healed.take(12) {
                    assert!(!states.iter().any(|thief| thief.opens(&message.envelope)), "seed {seed}: guessed");
                    guessed += 1;
                }
            }
        }
    }
    let longest = spans.iter().rposition(|count| *count > 0).unwrap();
    assert!(longest > 0, "a thief reads on until the round trip is over: {spans:?}");
    // At most what is left of one turn, and the whole of the next one of the same side.
    assert!(longest <= 8, "{spans:?}");
    let seeds = format!("seeds {}..{}", seeds.start, seeds.end);
    println!("evidence: P5 | {closed} messages after one round trip under a captured state, 0 opened | {seeds}");
    println!("evidence: P5 | {guessed} of them under every 32 bytes of it, 0 opened | {seeds}");
    println!(
        "evidence: P5 | {longest} messages at most stay readable after a theft; captures with 0, 1, 2… of them: {:?} | {seeds}",
        &spans[..=longest]
    );
}

/// Where a responder's record, whose turn it is, holds what the next step is made of: id, root, the other's key, header key.
const ID: Range<usize> = 2..34;
const ROOT: Range<usize> = 73..105;
const THEIR_KEY: Range<usize> = 106..1_322;
const NEXT_HEADER: Range<usize> = 1_326..1_358;
const STEPS: u64 = 1_000;

#[test]
fn a_step_does_not_follow_from_all_that_a_thief_has() {
    let (seeds, pair) = (seeds(STEPS), Side::pair(&mut rng(1)));
    for seed in seeds.clone() {
        let rng = &mut rng(seed);
        let [mut alice, mut bob] = pair.clone();
        bob.open(&alice.seal(b"there", rng)).unwrap();
        let stolen = bob.0.clone();
        let next = bob.seal(b"after the theft", rng);
        let (nonce, sealed) = next.as_bytes()[1..2_385].split_first_chunk().unwrap();
        let (mut header, ad) = (sealed.to_vec(), [&stolen[ID], &[1, 2], nonce].concat());
        let header_key: Key<purpose::Header> = Key::from_bytes(stolen[NEXT_HEADER].try_into().unwrap());
        aead::decrypt_random(&header_key, nonce, &ad, &mut header).expect("the thief reads the next header");
        let (ciphertext, key) = header[..2_336].split_at(1_120);
        let agreed = Digest::labelled(label::RATCHET_STEP, &[&stolen[THEIR_KEY], ciphertext, key]);
        for guess in [&[] as &[u8], &[0; 32]] {
            let input = Input { ikm: &[guess], salt: &stolen[ROOT], rest: agreed.as_bytes() };
            let [_, chain, _] = &*kdf::derive_many(label::RATCHET, input);
            let thief = Thief(vec![kdf::step::<purpose::Chain, _>(&Key::from_bytes(chain), 1)]);
            assert!(!thief.opens(&next), "seed {seed}: a step without its secret");
        }
    }
    println!(
        "evidence: P5 | {} steps of the ratchet without the shared secret, 0 followed | seeds {}..{}",
        seeds.end - seeds.start,
        seeds.start,
        seeds.end
    );
}
