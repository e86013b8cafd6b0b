//! Every treatment over every format, real photographs among them.
#![expect(clippy::cast_possible_truncation, reason = "tests")]

mod clean;
mod faithful;
mod fixtures;
mod hostile;
mod names;
