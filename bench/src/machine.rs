//! What the numbers were taken on, and with which programs.

use std::{fs, process::Command, thread};

/// Lines for the page.
pub(crate) fn describe() -> Vec<(&'static str, String)> {
    let cores = thread::available_parallelism().map_or_else(|_| "unknown".to_owned(), |cores| cores.to_string());
    vec![
        ("processor", in_file("/proc/cpuinfo", "model name")),
        ("cores", cores),
        ("memory", in_file("/proc/meminfo", "MemTotal")),
        (
            "kernel",
            fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(unknown, |text| text.trim().to_owned()),
        ),
        ("lightproof", env!("CARGO_PKG_VERSION").to_owned()),
        ("rustc", says("rustc", "--version")),
        ("nginx", says("nginx", "-v")),
        ("curl", says("curl", "--version")),
    ]
}

/// The encoders of others that ours is compared with; those that are crates are named in `Cargo.lock`.
#[cfg(feature = "yardsticks")]
pub(crate) fn encoders() -> Vec<(&'static str, String)> {
    let lock = fs::read_to_string(crate::programs::workspace().join("Cargo.lock")).unwrap_or_default();
    let version = |name: &str| {
        let entry =
            lock.split_once(&format!("name = \"{name}\"\nversion = \"")).and_then(|(_, rest)| rest.split_once('"'));
        entry.map_or_else(|| "unknown".to_owned(), |(version, _)| version.to_owned())
    };
    let crates = ["mozjpeg", "mozjpeg-sys", "jpeg-encoder", "ssimulacra2"].map(|name| (name, version(name)));
    crates.into_iter().chain([("cjpeg", says("cjpeg", "-version"))]).collect()
}

fn in_file(path: &str, key: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let found = text.lines().find(|line| line.starts_with(key)).and_then(|line| line.split_once(':'));
    found.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

/// The first line a program says of itself, wherever it says it.
fn says(program: &str, flag: &str) -> String {
    let Ok(output) = Command::new(program).arg(flag).output() else { return "not installed".to_owned() };
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}

fn unknown<E>(_: E) -> String {
    "unknown".to_owned()
}
