//! The limits themselves: what takes too long is killed, and what takes too much memory ends.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, RgbImage};
use lightproof_core::e2ee::manifest::Treatment;
use lightproof_core::prepare::apart::{Asked, Job};
use lightproof_core::prepare::{PrepareOptions, Stopped};

use crate::child::limits::Limits;
use crate::child::{PhotoFile, Program, prepare};
use crate::material::{block_on, options, program};

/// Ten megapixels, which take a while.
fn large_photo() -> tempfile::NamedTempFile {
    photo_of(4_000, 2_500)
}

fn photo_of(width: u32, height: u32) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        let mixed = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503);
        image::Rgb([mixed, mixed >> 8, mixed >> 16].map(|part| u8::try_from(part % 256).unwrap()))
    });
    DynamicImage::from(pixels).save_with_format(file.path(), ImageFormat::Bmp).unwrap();
    file
}

async fn run(program: &Program, path: &std::path::Path, options: &PrepareOptions, limits: &Limits) -> Option<Stopped> {
    let mut photo = PhotoFile::Disk(File::open(path).unwrap());
    program.run(&Job::from(options), &mut photo, limits).await.err()
}

#[test]
fn what_takes_too_long_or_too_much_is_stopped_and_named() {
    let file = large_photo();
    let usual = Limits::of_preparing(fs::metadata(file.path()).unwrap().len());
    let compressed = options(Treatment::Compressed);
    block_on(async {
        let path = file.path();
        let began = Instant::now();
        let hurried = Limits { seconds: 0, ..usual };
        assert_eq!(run(&program(), path, &compressed, &hurried).await, Some(Stopped::Time), "on the clock");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        let small = Limits { memory_bytes: 60 << 20, ..usual };
        assert_eq!(run(&program(), path, &compressed, &small).await, Some(Stopped::Memory), "in memory");
        let terse = Limits { reply_bytes: 100, ..usual };
        assert_eq!(run(&program(), path, &compressed, &terse).await, Some(Stopped::Broke), "in its reply");
        let nothing = Program("/nowhere/nothing".into());
        assert_eq!(run(&nothing, path, &compressed, &usual).await, Some(Stopped::Unavailable));
        let another = Program("/bin/true".into());
        let asked = Asked { name: "photo", options: &compressed, source_salt: [7; 32] };
        let prepared = prepare(&another, PhotoFile::Disk(File::open(path).unwrap()), &asked).await;
        assert_eq!(prepared.err(), Some(Stopped::Broke.into()), "what is no child of ours has no reply");
    });
    println!("evidence: A24 | 4 limits of a child: time, memory, length of its reply, and no child at all | -");
}

/// One that hangs uses no processor time: only whoever waits for it can end it.
#[test]
fn a_child_that_hangs_is_killed_when_its_time_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let hangs = folder.path().join("hangs");
    fs::write(&hangs, "#!/bin/sh\nexec sleep 60\n").unwrap();
    fs::set_permissions(&hangs, fs::Permissions::from_mode(0o700)).unwrap();
    let photo = folder.path().join("photo");
    fs::write(&photo, "no matter").unwrap();
    let limits = Limits { seconds: 1, ..Limits::of_preparing(9) };
    let began = Instant::now();
    let (hangs, options) = (Program(hangs), options(Treatment::Compressed));
    let mut stopped = block_on(run(&hangs, &photo, &options, &limits));
    // A process that another test starts at this very moment may still hold the script open for writing.
    while stopped == Some(Stopped::Unavailable) && began.elapsed() < Duration::from_secs(10) {
        stopped = block_on(run(&hangs, &photo, &options, &limits));
    }
    assert_eq!(stopped, Some(Stopped::Time));
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn a_child_that_uses_up_its_processor_time_ends_by_itself() {
    // Started without a parent that would kill it: only its own limit ends it. So many pixels take longer than a second
    // even where everything is optimised.
    let file = photo_of(8_000, 6_000);
    let limits = [(3_u64 << 30).to_string(), "1".to_owned(), (512_u64 << 20).to_string()];
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_lightproof"));
    let slow = PrepareOptions { quality: lightproof_core::prepare::Quality::Auto, ..options(Treatment::Compressed) };
    child.arg("decode-for-parent").arg(Job::from(&slow).to_text()).args(limits).env_clear();
    child.stdin(File::open(file.path()).unwrap()).stdout(tempfile::tempfile().unwrap());
    let status = child.status().unwrap();
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    assert_eq!(signal, Some(rustix::process::Signal::XCPU.as_raw()), "{status:?}");
}

#[test]
fn a_send_that_is_given_up_takes_its_child_along() {
    let file = large_photo();
    let usual = Limits::of_preparing(fs::metadata(file.path()).unwrap().len());
    block_on(async {
        let program = program();
        let compressed = options(Treatment::Compressed);
        let under_way = run(&program, file.path(), &compressed, &usual);
        assert!(tokio::time::timeout(Duration::from_millis(30), under_way).await.is_err(), "it was under way");
    });
    let me = std::process::id().to_string();
    let children = fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap_or_default();
    for child in children.split_whitespace() {
        let command = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        let is_ours = command.windows(17).any(|window| window == b"decode-for-parent");
        let reads_it = fs::read_link(format!("/proc/{child}/fd/0")).is_ok_and(|link| link == file.path());
        assert!(!(is_ours && reads_it), "{child} goes on");
    }
}
