//! The units: what systemd says of them, and that a relay shut in as they say can do its work.

use std::process::Command;

use crate::{material::find, text_of};

/// Units with the path of the program as these tests have it.
fn laid_out() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["lightproof-relay.service", "lightproof-relay.socket"] {
        let unit = text_of(&format!("dist/{name}"))
            .replace("/usr/bin/lightproof-relay", env!("CARGO_BIN_EXE_lightproof-relay"));
        std::fs::write(folder.path().join(name), unit).unwrap();
    }
    folder
}

/// What systemd's own judge says; everything that it says.
fn analyze(arguments: &[&str]) -> Option<(bool, String)> {
    let analyze = find("systemd-analyze")?;
    let folder = laid_out();
    let output = Command::new(analyze).current_dir(folder.path()).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8(said).unwrap()))
}

#[test]
fn systemd_finds_nothing_wrong_in_the_units() {
    for unit in ["./lightproof-relay.service", "./lightproof-relay.socket"] {
        let Some((good, said)) = analyze(&["verify", unit]) else { return };
        assert!(good && said.is_empty(), "{said}");
    }
}

#[test]
fn the_exposure_of_the_service_is_below_two() {
    let Some((_, said)) =
        analyze(&["security", "--offline=true", "--no-pager", "--threshold=20", "./lightproof-relay.service"])
    else {
        return;
    };
    let (_, level) = said.split_once("Overall exposure level for lightproof-relay.service: ").unwrap();
    let level: f32 = level.split(' ').next().unwrap().parse().unwrap();
    assert!(level < 2.0, "{said}");
    println!("systemd-analyze security --offline=true: {level} of 10");
}

#[test]
fn a_service_that_is_not_shut_in_is_told_from_ours() {
    let Some(analyze) = find("systemd-analyze") else { return };
    let folder = laid_out();
    let unit = folder.path().join("lightproof-relay.service");
    let open: String = text_of("dist/lightproof-relay.service")
        .lines()
        .filter(|line| !line.starts_with("Protect") && !line.starts_with("SystemCall") && !line.starts_with("Private"))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&unit, open).unwrap();
    let output = Command::new(analyze)
        .args(["security", "--offline=true", "--no-pager", "--threshold=20"])
        .arg(&unit)
        .output()
        .unwrap();
    assert!(!output.status.success());
}
