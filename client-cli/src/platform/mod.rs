//! What systems do differently, one file for each question; all other code is the same everywhere. docs/platforms.md says
//! what was run where.
//!
//! Locks need no file here: the standard library has them on every system.

pub(crate) mod access;
pub(crate) mod file;
pub(crate) mod process;
pub(crate) mod quiet;
pub(crate) mod terminal;
