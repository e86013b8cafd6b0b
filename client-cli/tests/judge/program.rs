//! Where the relay's program is.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The relay's program, next to the client's.
///
/// Cargo builds the programs of the package under test and of no other, and binary dependencies are not stable yet. A
/// test of the whole workspace finds it; a test of this package alone builds it, once, with the profile of this test.
pub(crate) fn relay() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let beside = Path::new(env!("CARGO_BIN_EXE_lightproof")).parent().unwrap();
        let program = beside.join(format!("lightproof-relay{EXE_SUFFIX}"));
        if !program.exists() {
            let profile = match beside.file_name().unwrap().to_str().unwrap() {
                "debug" => "dev",
                name => name,
            };
            let built = Command::new(env!("CARGO"))
                .args(["build", "-p", "lightproof-relay", "--bin", "lightproof-relay", "--profile", profile])
                .arg("--target-dir")
                .arg(beside.parent().unwrap())
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status()
                .unwrap();
            assert!(built.success());
        }
        program
    })
}
