//! What two people may rely on, whatever happens between them.

mod limits;
mod many;
mod people;
mod processes;
mod sending;
mod sessions;
