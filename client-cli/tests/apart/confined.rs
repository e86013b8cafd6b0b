//! What a confined process may not do: each operation in a process of its own, with the sandbox and without.

use std::io::{Read, Seek, Write};
use std::{io, process};

use lightproof_core::e2ee::manifest::MediaType;
use lightproof_core::prepare::apart::LookAt;

use crate::alone;
use crate::child::limits::Limits;
use crate::child::sandbox;
use crate::operations::{OPERATIONS, Outside};

const SIGSYS: i32 = 31;
const TRIED: i32 = 42;
const AT: LookAt = LookAt { media_type: MediaType::Jpeg, max_width_px: 100, max_height_px: 100 };

fn limits() -> Limits {
    Limits::of_looking(&AT)
}

/// Tries the operation that the word names, behind "in " or "out ".
#[test]
#[ignore = "started by the tests below, in a process of its own"]
fn one_operation() {
    let Some(word) = alone::word() else { return };
    let (place, name) = word.split_once(' ').unwrap();
    let (_, operation) = OPERATIONS.iter().find(|(known, _)| *known == name).unwrap();
    let mut outside = Outside::open();
    if place == "in" {
        sandbox::enter(&outside.input, &outside.output, &limits()).unwrap();
    }
    // Whether it worked or was refused by the system: it was not forbidden.
    let _tried = operation(&mut outside);
    process::exit(TRIED);
}

#[test]
fn the_sandbox_kills_for_each_forbidden_operation() {
    for (name, _) in OPERATIONS {
        let inside = alone::run("confined::one_operation", &format!("in {name}"));
        assert_eq!(alone::signal(&inside), Some(SIGSYS), "{name} in the sandbox: {inside:?}");
        let outside = alone::run("confined::one_operation", &format!("out {name}"));
        assert_eq!(outside.status.code(), Some(TRIED), "{name} without the sandbox: {outside:?}");
    }
    assert!(OPERATIONS.len() >= 60);
    println!(
        "evidence: A23 | {} forbidden operations, one a process: killed in the sandbox, not without it | -",
        OPERATIONS.len()
    );
}

/// What decoding needs is not forbidden.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn the_permitted() {
    if alone::word().is_none() {
        return;
    }
    let Outside { mut input, mut output, .. } = Outside::open();
    sandbox::enter(&input, &output, &limits()).unwrap();
    let mut bytes = [0; 4];
    input.rewind().unwrap();
    input.read_exact(&mut bytes).unwrap();
    output.write_all(&bytes).unwrap();
    io::stderr().write_all(b"x").unwrap();
    let large = vec![1_u8; 100 << 20];
    let sum = std::thread::spawn(move || large.iter().map(|byte| u64::from(*byte)).sum::<u64>()).join().unwrap();
    process::exit(if sum == 100 << 20 { TRIED } else { 1 });
}

#[test]
fn reading_writing_memory_and_threads_are_left() {
    let output = alone::run("confined::the_permitted", "all");
    assert_eq!(output.status.code(), Some(TRIED), "{output:?}");
}

/// Behind landlock alone, without seccomp.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn behind_landlock() {
    if alone::word().is_none() {
        return;
    }
    let status = sandbox::linux::restrict_files();
    let opened = std::fs::File::open("/etc/passwd").is_ok();
    let made = std::fs::write(std::env::temp_dir().join("lightproof-behind-landlock"), "x").is_ok();
    let bound = std::net::TcpListener::bind("127.0.0.1:0").is_ok();
    println!("alone: {status:?}, opened {opened}, made {made}, bound {bound}");
}

#[test]
fn landlock_alone_opens_no_file_where_the_kernel_has_it() {
    let output = alone::run("confined::behind_landlock", "all");
    let line = alone::told(&output);
    if line.contains("NotEnforced") {
        println!("this kernel has no landlock: seccomp stands alone ({line})");
        return;
    }
    assert!(line.contains("opened false, made false"), "{line}");
    println!("evidence: A23 | 2 file operations refused by landlock without seccomp ({line}) | -");
}
