//! Two honest sides, and somebody between them who edits what is under way: they agree on everything, or there is no session.

use lightproof_e2ee::{
    bundle::{Bundle, UnverifiedBundle},
    envelope::HelloHeader,
    error::OpenError,
    handshake::{hello_t0, respond},
    identity::IdentityKeyPair,
    prekey::{OneTimePrekeySecret, SignedPrekeySecret},
};
use lightproof_wire::{
    envelope::Envelope,
    hash::Digest,
    prekey::{PrekeyBundle, PrekeyId},
};
use rand_chacha::{ChaCha20Rng, rand_core::Rng as _};

use crate::{
    effort::seeds,
    people::{Person, TODAY, rng, saved},
};

const CASES: u64 = 3_000;
/// Prekey ids, flag, ciphertexts, and the sealed offer in three parts.
const FIELDS: [core::ops::Range<usize>; 9] =
    [0..1, 1..5, 5..6, 6..10, 10..1_130, 1_130..2_250, 2_250..2_300, 2_300..15_984, 15_984..16_000];

/// The prekeys of one bundle.
struct Stock(SignedPrekeySecret, OneTimePrekeySecret);

impl Stock {
    fn new(number: u32) -> Self {
        let rng = &mut rng(number.into());
        let (signed, one_time) = (PrekeyId(number), PrekeyId(number + 10));
        Self(
            SignedPrekeySecret::generate(signed, TODAY.plus(30), rng),
            OneTimePrekeySecret::generate(one_time, TODAY.plus(30), rng),
        )
    }

    fn bundle(&self, owner: &Person, has_one_time: bool) -> Bundle {
        let (identity, drop) = (&owner.identity, owner.doorbell.hash());
        let published = PrekeyBundle {
            signed: self.0.publish(identity, &drop, &mut rng(1)),
            one_time: has_one_time.then(|| self.1.publish(identity, &drop, &mut rng(2))),
        };
        let of = identity.fingerprint();
        UnverifiedBundle::open(&published, &of, &drop).unwrap().verify(&of, TODAY).unwrap()
    }
}

fn edit(hello: &mut [u8], others: &[Vec<u8>], rng: &mut ChaCha20Rng) {
    let mut below = |count: usize| rng.next_u32() as usize % count;
    let field = FIELDS[below(FIELDS.len())].clone();
    match below(5) {
        0 | 1 => hello[field.clone()].copy_from_slice(&others[below(others.len())][field]),
        2 => hello[field.start + below(field.len())] ^= 1 << below(8),
        3 => hello[field].fill(0),
        _ => {
            let (first, second) = hello.split_at_mut(1_130);
            first[10..].swap_with_slice(&mut second[..1_120]);
        }
    }
}

#[test]
fn both_sides_agree_on_all_of_a_hello_or_on_nothing() {
    let (alice, bob, carol) = (Person::new(1), Person::new(2), Person::new(3));
    let stocks = [Stock::new(1), Stock::new(2)];
    let mut calls = Vec::new();
    for (number, (caller, stock, has_one_time)) in
        (1..).zip([(&alice, 0, true), (&alice, 1, true), (&carol, 0, true), (&carol, 1, false)])
    {
        let (_, hello) = caller.call(&stocks[stock].bundle(&bob, has_one_time), number, &mut rng(number.into()));
        calls.push((caller, number, hello));
    }
    let hellos: Vec<Vec<u8>> = calls.iter().map(|(_, _, hello)| hello.envelope.as_bytes().to_vec()).collect();
    let (seeds, mut agreed, mut refused) = (seeds(CASES), 0_u64, 0_u64);
    for seed in seeds.clone() {
        let rng = &mut rng(seed);
        let mut bytes = hellos[rng.next_u32() as usize % hellos.len()].clone();
        for _ in 0..rng.next_u32() % 4 {
            edit(&mut bytes, &hellos, rng);
        }
        let honest = hellos.iter().position(|hello| *hello == bytes);
        match (honest, answer(&bob.identity, &stocks, &Envelope::from_bytes(&bytes).unwrap())) {
            (Some(at), Ok(answered)) => {
                let (caller, generation, hello) = &calls[at];
                let offer = caller.offer(*generation);
                let theirs = (&answered.identity, answered.generation, &answered.reply, &answered.card);
                assert_eq!(theirs, (caller.identity.public(), *generation, &offer.reply, &offer.card), "seed {seed}");
                assert_eq!(answered.session_id, hello.session_id, "seed {seed}");
                agreed += 1;
            }
            (None, Err(_)) => refused += 1,
            (honest, answered) => panic!("seed {seed}: honest {honest:?}, {:?}", answered.err()),
        }
    }
    assert!(agreed > 0 && refused > 0);
    println!(
        "evidence: P3 P8 A12 | {} Hellos under an editor: {agreed} agreed on, {refused} refused, 0 disagreements | seeds {}..{}",
        agreed + refused,
        seeds.start,
        seeds.end
    );
}

fn answer(
    me: &IdentityKeyPair,
    stocks: &[Stock; 2],
    hello: &Envelope,
) -> Result<lightproof_e2ee::handshake::Answered, OpenError> {
    let header = HelloHeader::parse(hello)?;
    let signed = stocks.iter().find(|stock| stock.0.id() == header.signed_id).ok_or(OpenError::Undecryptable)?;
    let one_time = match header.one_time_id {
        None => None,
        Some(id) => Some(stocks.iter().find(|stock| stock.1.id() == id).ok_or(OpenError::Undecryptable)?),
    };
    respond(me, hello, &signed.0, one_time.map(|stock| &stock.1)).map(|staged| saved(staged).1)
}

/// A prekey's record under another id: version, suite and kind stand before it.
fn renumbered(record: &[u8], id: u32) -> Vec<u8> {
    [&record[..3], &id.to_be_bytes(), &record[7..]].concat()
}

#[test]
fn every_field_of_the_transcript_counts() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (stock, other) = (Stock::new(1), Stock::new(2));
    let (_, hello) = alice.call(&stock.bundle(&bob, true), 1, &mut rng(3));
    let me = bob.identity.fingerprint();
    let with = |at: usize, bytes: &[u8]| {
        let mut edited = *hello.envelope.as_bytes();
        edited[at..at + bytes.len()].copy_from_slice(bytes);
        Envelope::from_bytes(&edited).unwrap()
    };
    let flipped = |at: usize| with(at, &[hello.envelope.as_bytes()[at] ^ 1]);
    let signed = |record: &[u8]| SignedPrekeySecret::from_record(record).unwrap();
    let one_time = |record: &[u8]| OneTimePrekeySecret::from_record(record).unwrap();
    let (first, second) = (stock.0.to_record(), stock.1.to_record());
    let none = with(5, &[0; 5]);
    let none = Envelope::from_bytes(&[&none.as_bytes()[..1_130], &[0; 1_120], &none.as_bytes()[2_250..]].concat());
    let transcripts: Vec<Digest> = [
        hello_t0(&me, &hello.envelope, &stock.0, Some(&stock.1)),
        hello_t0(&alice.identity.fingerprint(), &hello.envelope, &stock.0, Some(&stock.1)),
        hello_t0(&me, &with(1, &9_u32.to_be_bytes()), &signed(&renumbered(&first, 9)), Some(&stock.1)),
        hello_t0(&me, &hello.envelope, &signed(&renumbered(&other.0.to_record(), 1)), Some(&stock.1)),
        hello_t0(&me, &with(6, &9_u32.to_be_bytes()), &stock.0, Some(&one_time(&renumbered(&second, 9)))),
        hello_t0(&me, &hello.envelope, &stock.0, Some(&one_time(&renumbered(&other.1.to_record(), 11)))),
        hello_t0(&me, &none.unwrap(), &stock.0, None),
        hello_t0(&me, &flipped(10), &stock.0, Some(&stock.1)),
        hello_t0(&me, &flipped(1_129), &stock.0, Some(&stock.1)),
        hello_t0(&me, &flipped(1_130), &stock.0, Some(&stock.1)),
        hello_t0(&me, &flipped(2_249), &stock.0, Some(&stock.1)),
    ]
    .into_iter()
    .map(Result::unwrap)
    .collect();
    for (at, transcript) in transcripts.iter().enumerate() {
        assert!(!transcripts[..at].contains(transcript), "what differs in variant {at} is not in the transcript");
    }
    println!("evidence: P3 A13 | {} transcripts that differ in one field, all different | -", transcripts.len());
}
