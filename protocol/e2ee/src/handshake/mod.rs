//! The handshake: one Hello, after which both sides hold the same root.
//!
//! What it owes the ratchet: first keys that depend on both prekeys and on everything in the offer, I's first announced
//! key, and a session id. What it owes people: I is authenticated by its signature, R by being able to read it; who is
//! calling is hidden from everybody else. The spec is `docs/spec/handshake.md`.
//!
//! ```text
//! (ss1, ct1) = Encap(R.signed_prekey)    (ss2, ct2) = Encap(R.one_time_prekey), or nothing
//! hk         = HKDF(ikm = ss1 || ss2, salt = t0, info = "hello key")
//! root …     = HKDF(ikm = ss1 || ss2, salt = t1, info = "root", 192 bytes)
//! ```

mod initiate;
mod respond;
mod transcript;

pub use self::{
    initiate::{Initiated, initiate},
    respond::{Answered, hello_t0, respond},
    transcript::{CardOffer, NAME_HINT_BYTES, Offer},
};

#[cfg(test)]
mod tests;
