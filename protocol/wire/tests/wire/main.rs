//! The language between a relay and its clients, byte for byte: round trips, perturbed bytes, bounds, frozen vectors.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod addresses;
mod bounds;
mod perturbed;
mod promises;
mod samples;
mod shapes;
mod strategies;
mod vectors;
