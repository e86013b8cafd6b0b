//! The child process that decodes, and its parent, as they are shipped: forbidden operations, bombs, damage, limits.
//!
//! These tests start processes and read the clock, because that is what they are about. What must be alone in its
//! process (a sandbox, a measurement of memory) starts this program again with the name of one ignored test.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails is to stop")]

mod alone;
mod bombs;
#[expect(dead_code, unused_imports, reason = "the child of the program, and its parent")]
#[path = "../../src/picture/child/mod.rs"]
mod child;
mod confined;
mod damage;
#[expect(unreachable_pub, clippy::expect_used, reason = "the effort of the whole workspace's tests")]
#[path = "../../../tests/src/effort.rs"]
mod effort;
mod limits;
mod material;
mod memory;
mod operations;
#[expect(dead_code, reason = "what else the program asks of its system")]
#[path = "../../src/platform/mod.rs"]
mod platform;
#[path = "../people/zeros.rs"]
mod zeros;
