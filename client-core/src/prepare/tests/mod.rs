//! Every treatment over every format, real photographs among them.
#![expect(clippy::cast_possible_truncation, reason = "tests")]

mod clean;
mod corpus;
mod decoders;
mod encoder;
mod exiftool;
mod faithful;
pub(super) mod fixtures;
mod hostile;
mod names;
mod photos;
mod report;
mod target;
