//! Bodies that two keys open, as far as ChaCha20-Poly1305 is asked: the commitment is what refuses the second key.
//!
//! Dodis, Grubbs, Ristenpart, Woodage, "Fast Message Franking", CRYPTO 2018. Poly1305 is a polynomial, so one free block
//! makes the tags of two keys equal; the keys are chosen so that the padding holds under both.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests"
)]

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

use super::*;
use crate::testing::rng;

const COLLISIONS: u32 = 1_000;
/// Message keys among which two are looked for whose keystreams end alike.
const KEYS: usize = 48;
/// The block that makes the tags equal, and one to change where no value of the first does.
const FREE_BLOCK: usize = 3;
const OTHER_BLOCK: usize = 5;

/// A number modulo 2^130 - 5, in limbs of 26 bits.
#[derive(Clone, Copy)]
struct Field([u64; 5]);

const LIMB: u64 = (1 << 26) - 1;
const P: [u64; 5] = [LIMB - 4, LIMB, LIMB, LIMB, LIMB];

impl Field {
    fn new(low: u128, high: u64) -> Self {
        let limb = |at: u32| (low >> (26 * at)) as u64 & LIMB;
        Self([limb(0), limb(1), limb(2), limb(3), (low >> 104) as u64 | (high << 24)])
    }

    fn add(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] + other.0[i])).carried()
    }

    fn subtract(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] + 2 * P[i] - other.0[i])).carried()
    }

    fn multiply(self, other: Self) -> Self {
        let mut product = [0; 5];
        for (i, a) in self.0.iter().enumerate() {
            for (j, b) in other.0.iter().enumerate() {
                product[(i + j) % 5] += a * b * if i + j > 4 { 5 } else { 1 };
            }
        }
        Self(product).carried()
    }

    fn carried(mut self) -> Self {
        for _ in 0..2 {
            for i in 0..5 {
                let carry = self.0[i] >> 26;
                self.0[i] &= LIMB;
                self.0[(i + 1) % 5] += carry * if i == 4 { 5 } else { 1 };
            }
        }
        self
    }

    /// To the power of 2^130 - 7: all bits are set but the second and the third.
    fn inverse(self) -> Self {
        (0..130).rev().fold(Self::new(1, 0), |power, bit| {
            let squared = power.multiply(power);
            if bit == 1 || bit == 2 { squared } else { squared.multiply(self) }
        })
    }

    fn power(self, exponent: usize) -> Self {
        (0..exponent).fold(Self::new(1, 0), |power, _| power.multiply(self))
    }

    /// The one number below 2^130 - 5: its low 128 bits and what is above.
    fn value(self) -> (u128, u64) {
        let mut limbs = self.carried().carried().0;
        if limbs[0] >= P[0] && limbs[1..] == P[1..] {
            limbs = [limbs[0] - P[0], 0, 0, 0, 0];
        }
        let low = (0..5).fold(0_u128, |low, i| low.wrapping_add(u128::from(limbs[i]) << (26 * i)));
        (low, limbs[4] >> 24)
    }
}

/// What one key makes of a body.
struct Stream {
    key: Key<purpose::Message>,
    sealing: Key<purpose::MessageBody>,
    commit: [u8; COMMIT_BYTES],
    r: Field,
    s: u128,
    pad: Vec<u8>,
}

impl Stream {
    fn new(key: [u8; 32], salt: &[u8; SALT_BYTES]) -> Self {
        let key = Key::from_bytes(&key);
        let (sealing, commit) = body_key(&key, salt);
        // RFC 8439: the first block keys the authenticator, the body begins with the second.
        let mut blocks = ChaCha20Rng::from_seed(*sealing.expose_secret());
        let mut first = [0; 64];
        blocks.fill_bytes(&mut first);
        let mut pad = vec![0; MESSAGE_ROOM_BYTES];
        blocks.fill_bytes(&mut pad);
        let word = |at: usize| u128::from_le_bytes(first[at..at + 16].try_into().unwrap());
        let r = Field::new(word(0) & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff, 0);
        Self { key, sealing, commit, r, s: word(16), pad }
    }

    /// The authenticator of everything but the free block, and what that block is multiplied with.
    fn polynomial(&self, ad: &[u8], sealed: &[u8]) -> (Field, Field) {
        let lengths = (ad.len() as u128) | ((sealed.len() as u128) << 64);
        let free = ad.len().div_ceil(16) + FREE_BLOCK;
        let blocks: Vec<u128> = ad.chunks(16).chain(sealed.chunks(16)).map(block).chain([lengths]).collect();
        let sum = blocks.iter().enumerate().fold(Field::new(0, 0), |sum, (at, block)| {
            let block = if at == free { Field::new(0, 0) } else { Field::new(*block, 1) };
            sum.add(block).multiply(self.r)
        });
        (sum, self.r.power(blocks.len() - free))
    }
}

fn block(bytes: &[u8]) -> u128 {
    let mut padded = [0; 16];
    padded[..bytes.len()].copy_from_slice(bytes);
    u128::from_le_bytes(padded)
}

/// A body and its tag that both keys open, under this associated data.
fn crafted(one: &Stream, two: &Stream, ad: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut sealed = padding::pad(&[7; BODY_MAX_BYTES], MESSAGE_ROOM_BYTES);
    sealed.truncate(MESSAGE_ROOM_BYTES);
    sealed.iter_mut().zip(&one.pad).for_each(|(byte, pad)| *byte ^= pad);
    loop {
        rng.fill_bytes(&mut sealed[OTHER_BLOCK * 16..][..16]);
        let ((sum_one, factor_one), (sum_two, factor_two)) = (one.polynomial(ad, &sealed), two.polynomial(ad, &sealed));
        let slope = factor_two.subtract(factor_one).inverse();
        let offset = sum_one.add(Field::new(one.s, 0)).subtract(sum_two.add(Field::new(two.s, 0)));
        // Tags are cut to 128 bits: sums that differ by a multiple of that are equal too.
        for cut in 0..8 {
            let multiple = Field::new(0, cut).subtract(Field::new(0, 4));
            let (low, high) = offset.add(multiple).multiply(slope).value();
            let sum = |sum: Field, factor: Field| sum.add(Field::new(low, 1).multiply(factor)).value().0;
            let tag = sum(sum_one, factor_one).wrapping_add(one.s);
            if high == 1 && tag == sum(sum_two, factor_two).wrapping_add(two.s) {
                sealed[FREE_BLOCK * 16..][..16].copy_from_slice(&low.to_le_bytes());
                return [sealed.as_slice(), &tag.to_le_bytes()].concat();
            }
        }
    }
}

/// Whether ChaCha20-Poly1305 and the padding alone would be content.
fn opens_bare(stream: &Stream, ad: &[u8], sealed: &[u8]) -> bool {
    let mut body = sealed.to_vec();
    aead::decrypt(&stream.sealing, &ONLY_NONCE, ad, &mut body).is_ok() && padding::unpad(&mut body).is_ok()
}

#[test]
fn no_body_opens_under_two_keys() {
    let context = Context { session: SessionId::from_bytes([1; 32]), direction: Direction::FromInitiator };
    let (rng, mut count) = (&mut rng(11), 0);
    while count < COLLISIONS {
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        let streams: Vec<Stream> = (0..KEYS)
            .map(|_| {
                let mut key = [0; 32];
                rng.fill_bytes(&mut key);
                Stream::new(key, &salt)
            })
            .collect();
        for (at, two) in streams.iter().enumerate() {
            let Some(one) = streams[..at].iter().find(|one| one.pad.last() == two.pad.last()) else { continue };
            let header = [MESSAGE].into_iter().chain([9; 24 + SEALED_HEADER_BYTES]).collect::<Vec<u8>>();
            let clear = [header.as_slice(), &salt, &one.commit].concat();
            let ad = context.ad(&[&clear]);
            let sealed = crafted(one, two, &ad, rng);
            assert!(opens_bare(one, &ad, &sealed) && opens_bare(two, &ad, &sealed), "the attack is none");
            let envelope = join(&[&clear, &sealed]);
            let parts = MessageParts::split(&envelope).unwrap();
            assert!(parts.open_body(context, &one.key).is_ok());
            assert_eq!(parts.open_body(context, &two.key), Err(Undecryptable), "collision {count}");
            count += 1;
        }
    }
    println!("evidence: P11 A15 | {count} crafted bodies that two keys would open, 0 opened under the second | -");
}
