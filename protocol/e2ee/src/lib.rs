//! Lightproof's end-to-end protocol: what two people's devices say to each other, and no relay can read.
//!
//! ```text
//!  identity ── card ──▶ bundle ─verify─▶ handshake ─▶ session ⇄ ratchet ⇄ envelope
//!                                                        ▲
//!  photo ─▶ blob (sealed chunks)      manifest ─▶ frame ─┘ signed, then sealed
//!             └── sealed file ◀── sealing key, announced beforehand; or a passphrase
//! ```
//!
//! The guarantees, and where they are made:
//!
//! - A recorded conversation stays secret if either X25519 or ML-KEM-768 holds ([`bundle`], [`handshake`], [`session`]).
//! - Nobody speaks for somebody else unless both Ed25519 and ML-DSA-65 fall ([`signature`], [`frame`]).
//! - A stolen session opens nothing sent before, and nothing sent after one full round trip ([`session`]).
//! - Nothing is acted on before it is saved ([`staged`]), nor opened into a state before it is verified ([`session::open`]).
//!
//! ```
//! # use lightproof_e2ee::{bundle::UnverifiedBundle, frame::Reply, handshake::*, identity::IdentityKeyPair, prekey::*, session::*};
//! # use lightproof_wire::{capability::Capability, codec::{Extensions, Text}, prekey::{PrekeyBundle, PrekeyId}, time::Day};
//! # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! # use std::convert::Infallible;
//! # fn save(vault: &mut Vec<u8>, record: &[u8]) -> Result<(), Infallible> {
//! #     *vault = record.to_vec();
//! #     Ok(())
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (mut rng, today, now) = (ChaCha20Rng::seed_from_u64(1), Day(20_000), Day(20_000).start());
//! # let relay = Text::new("wss://relay.example.org/")?;
//! # let (mut alices_vault, mut bobs_vault) = (Vec::new(), Vec::new());
//! // Bob publishes a prekey; Alice, who holds his card, takes it.
//! let (alice, bob) = (IdentityKeyPair::generate(&mut rng), IdentityKeyPair::generate(&mut rng));
//! let doorbell = Capability::generate(&mut rng);
//! let prekey = SignedPrekeySecret::generate(PrekeyId(1), today.plus(30), &mut rng);
//! let taken = PrekeyBundle { signed: prekey.publish(&bob, &doorbell.hash(), &mut rng), one_time: None };
//! let bundle = UnverifiedBundle::open(&taken, &bob.fingerprint(), &doorbell.hash())?.verify(&bob.fingerprint(), today)?;
//!
//! // She calls. What a step gives can be used once the session is saved.
//! # let offer = Offer {
//! #     generation: 1,
//! #     reply: Reply { drop: Capability::generate(&mut rng), relay: relay.clone() },
//! #     card: CardOffer { doorbell: Capability::generate(&mut rng), relay, name_hint: Text::new("Alice")? },
//! #     extensions: Extensions::default(),
//! # };
//! let hello = initiate(&alice, &bundle, offer, now, &mut rng)?;
//! let hello = hello.persist_now(|record, _| save(&mut alices_vault, record))?;
//! let answered = respond(&bob, &hello.envelope, &prekey, None)?;
//! let answered = answered.persist_now(|record, _| save(&mut bobs_vault, record))?;
//! assert_eq!(answered.identity.fingerprint(), alice.fingerprint());
//!
//! // He answers; she opens.
//! let enclosed = enclose(Session::from_record(&bobs_vault)?, b"hello, Alice", now, &mut rng)?;
//! let enclosed = enclosed.persist_now(|record, _| save(&mut bobs_vault, record))?;
//! let opened = open(Session::from_record(&alices_vault)?, &enclosed.envelope, now, |body| Ok::<_, Infallible>(body.to_vec()))?;
//! let body = opened.persist_now(|record, _| save(&mut alices_vault, record))?;
//! assert_eq!(body, b"hello, Alice");
//! # Ok(())
//! # }
//! ```
//!
//! The package is pure: bytes in, bytes out; time and randomness are arguments.
#![warn(clippy::arithmetic_side_effects)]

pub mod aead;
pub mod blob;
pub mod bundle;
pub mod card;
pub mod envelope;
pub mod error;
pub mod frame;
pub mod handshake;
pub mod identity;
pub mod kdf;
pub mod manifest;
pub mod prekey;
pub mod proof;
pub mod receipt;
pub mod safety_number;
pub mod sealed_file;
pub mod sealing_key;
pub mod secret;
pub mod session;
pub mod signature;
pub mod staged;

mod kem;
mod padding;
mod ratchet;
mod record;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod timing;
#[cfg(test)]
mod vectors;

pub use ratchet::{OLD_HEADER_KEYS, SKIPPED_DAYS, SKIPPED_PER_ENVELOPE, SKIPPED_STORED};
