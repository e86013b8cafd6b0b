//! The rules of docs/architecture.md, asserted: who may import whom, what a pure package may touch, where each library lives.
//!
//! Every rule is a function from facts to violations. The facts come from Cargo and from the sources; beside each rule a
//! planted violation shows that it can fail.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod cargo;
mod code;
mod documents;
mod edges;
mod evidence;
mod homes;
mod licences;
mod mutations;
mod packages;
mod printing;
mod purity;
mod sources;

use std::path::{Path, PathBuf};

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Fails with every violation on a line of its own.
#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}
