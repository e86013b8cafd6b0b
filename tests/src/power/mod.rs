//! A disk in memory that can lose its power: it remembers every write and every sync, and shows each state that a cut
//! could have left behind.
//!
//! What was synced is there after a cut. Of what was written since, any part may be: none, all, later without earlier,
//! and single sectors of one write. Nothing here knows what is stored; a test includes it as a module where it cannot
//! depend on this package.

pub mod chance;
pub mod cut;
pub mod disk;
pub mod image;
