//! A client restored from an old copy seals again with keys it has used before: the salt makes them others.

use std::collections::HashSet;

use crate::{
    effort::seeds,
    people::{Side, rng},
};

const COPIES: u64 = 100;
const SENDS_OF_A_COPY: u64 = 1_000;

#[test]
fn no_key_and_nonce_repeats_in_restored_sends() {
    let (seeds, mut body_keys, mut header_nonces) = (seeds(COPIES), HashSet::new(), HashSet::new());
    let mut count = 0;
    for seed in seeds.clone() {
        let rng = &mut rng(seed);
        let [mut alice, mut bob] = Side::pair(rng);
        bob.open(&alice.seal(b"there", rng)).unwrap();
        alice.open(&bob.seal(b"back", rng)).unwrap();
        // Each tenth copy is from before a step of the ratchet, the others from the middle of a chain.
        if !seed.is_multiple_of(10) {
            alice.seal(b"there again", rng);
        }
        let copy = alice;
        for _ in 0..SENDS_OF_A_COPY {
            let envelope = copy.clone().seal(b"after a restore", rng);
            let bytes = envelope.as_bytes();
            // The commitment comes out of the same derivation as the key: equal keys would show as equal commitments.
            assert!(body_keys.insert(<[u8; 32]>::try_from(&bytes[2_417..2_449]).unwrap()), "seed {seed}: a body key");
            assert!(header_nonces.insert(<[u8; 24]>::try_from(&bytes[1..25]).unwrap()), "seed {seed}: a header nonce");
            count += 1;
        }
    }
    println!("evidence: P12 A16 F15 | {count} restored sends, 0 repeats | seeds {}..{}", seeds.start, seeds.end);
}
