//! What two people may rely on, whatever happens between them.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod backups;
mod limits;
mod many;
mod moving;
mod parted;
mod people;
mod prekeys;
mod processes;
mod proofs;
mod sealing;
mod second_thoughts;
mod sending;
mod sessions;
mod unreached;
