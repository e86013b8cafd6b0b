//! Lightproof's speed and memory on this machine, as ratios to limits taken in the same run.
//!
//! ```text
//! cargo run --release -p lightproof-bench -- [exact] [photo] [prepare] [seal] [memory] [--large] [--rounds N] [--programs DIR] [--write]
//! cargo run --release -p lightproof-bench -- relay | deposits | latency | crowd | idle | growth | million | soak [--minutes N]
//! ```
//!
//! `relay` takes `deposits`, `latency`, `crowd` and `idle`. Without a name it takes `exact`, `photo`, `prepare`, `seal` and
//! `relay`. `--large` adds `memory`, `growth` and `million`, which need 30 GB of disk and half an hour. `--write` puts what
//! was taken into `docs/performance.md`. `--programs` measures programs that were built before. Ends with code 1 where a
//! goal is missed.
//!
//! ```text
//! cargo run --release -p lightproof-bench --features yardsticks -- sizes [--write]
//! ```
//!
//! Compares the size of our JPEGs with other people's; `--write` writes `docs/photos-sizes.md`.

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{certificate::Certificate, error::BenchError, programs::Programs, report::Report, stage::Stage};

mod certificate;
mod error;
mod exact;
mod machine;
mod material;
mod memory;
mod page;
mod people;
mod photo;
mod prepare;
mod programs;
mod relay;
mod report;
mod samples;
mod seal;
#[cfg(feature = "yardsticks")]
mod sizes;
mod stage;
mod unit_costs;
mod web;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Measurement {
    Exact,
    Photo,
    Prepare,
    Seal,
    Memory,
    Relay(relay::Part),
}

impl Measurement {
    /// In the order of the page.
    const ALL: [Self; 12] = [
        Self::Exact,
        Self::Photo,
        Self::Prepare,
        Self::Seal,
        Self::Memory,
        Self::Relay(relay::Part::Deposits),
        Self::Relay(relay::Part::Latency),
        Self::Relay(relay::Part::Crowd),
        Self::Relay(relay::Part::Idle),
        Self::Relay(relay::Part::Growth),
        Self::Relay(relay::Part::Million),
        Self::Relay(relay::Part::Soak),
    ];

    /// What the page calls it.
    const fn title(self) -> &'static str {
        match self {
            Self::Exact => "A file of 100 MiB",
            Self::Photo => "A photo of 24 megapixels",
            Self::Prepare => "Preparing a photo",
            Self::Seal => "A file sealed without a relay",
            Self::Memory => "Memory of client and relay, 1 GiB",
            Self::Relay(part) => part.title(),
        }
    }
}

struct Options {
    measurements: BTreeSet<Measurement>,
    rounds: u32,
    programs: Option<PathBuf>,
    minutes: u32,
    write: bool,
}

fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        Some("sizes") => return compare_sizes(env::args().any(|argument| argument == "--write")),
        Some(relay::forward::FORWARD) => return ended(relay::forward::serve()),
        _ => {}
    }
    let Some(options) = options(env::args().skip(1)) else {
        eprintln!(
            "usage: lightproof-bench [exact] [photo] [prepare] [seal] [memory] [relay] [deposits] [latency] [crowd] [idle] [growth] \
             [million] [soak] [--minutes N] [--large] [--rounds N] [--programs DIR] [--write]"
        );
        return ExitCode::from(2);
    };
    match measure(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn ended(outcome: Result<(), BenchError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(feature = "yardsticks")]
fn compare_sizes(is_written: bool) -> ExitCode {
    match sizes::measure(is_written) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(feature = "yardsticks"))]
fn compare_sizes(_: bool) -> ExitCode {
    eprintln!("error: the encoders of others are not built in\nhint: cargo run ... --features yardsticks -- sizes");
    ExitCode::from(2)
}

fn options(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let (mut measurements, mut large, mut rounds) = (BTreeSet::new(), false, 7);
    let (mut programs, mut write, mut minutes) = (None, false, 60);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "exact" => drop(measurements.insert(Measurement::Exact)),
            "photo" => drop(measurements.insert(Measurement::Photo)),
            "prepare" => drop(measurements.insert(Measurement::Prepare)),
            "seal" => drop(measurements.insert(Measurement::Seal)),
            "memory" => drop(measurements.insert(Measurement::Memory)),
            "relay" => measurements.extend(relay::Part::QUICK.map(Measurement::Relay)),
            "--large" => large = true,
            "--rounds" => rounds = arguments.next()?.parse().ok().filter(|rounds| *rounds > 0)?,
            "--minutes" => minutes = arguments.next()?.parse().ok().filter(|minutes| *minutes > 0)?,
            "--programs" => programs = Some(arguments.next()?.into()),
            "--write" => write = true,
            name => drop(measurements.insert(Measurement::Relay(relay::Part::named(name)?))),
        }
    }
    if measurements.is_empty() {
        measurements.extend([Measurement::Exact, Measurement::Photo, Measurement::Prepare, Measurement::Seal]);
        measurements.extend(relay::Part::QUICK.map(Measurement::Relay));
    }
    if large {
        measurements.insert(Measurement::Memory);
        measurements.extend(relay::Part::LARGE.map(Measurement::Relay));
    }
    Some(Options { measurements, rounds, programs, minutes, write })
}

/// Whether every goal is met.
fn measure(options: &Options) -> Result<bool, BenchError> {
    let programs = match &options.programs {
        Some(folder) => Programs::in_folder(folder),
        // What is prepared in this process needs no other.
        None if options.measurements.iter().all(|measurement| *measurement == Measurement::Prepare) => {
            Programs::in_folder(&env::temp_dir())
        }
        None => Programs::build()?,
    };
    let certificate = Certificate::make()?;
    let path = programs::workspace().join("docs/performance.md");
    let mut is_good = true;
    for measurement in &options.measurements {
        // Beside the programs and not in the system's folder, which may be in memory.
        let beside = programs.lightproof.parent().map_or_else(env::temp_dir, Path::to_path_buf);
        let folder =
            tempfile::Builder::new().prefix("bench-").tempdir_in(beside).map_err(BenchError::at("a folder"))?;
        let (rounds, mut report) = (options.rounds, Report::default());
        let stage = Stage { programs: &programs, certificate: &certificate, folder: folder.path() };
        match measurement {
            Measurement::Exact => exact::measure(stage, rounds, &mut report)?,
            Measurement::Photo => photo::measure(stage, rounds, &mut report)?,
            Measurement::Prepare => prepare::measure(rounds, &mut report)?,
            Measurement::Seal => seal::measure(stage, rounds, &mut report)?,
            Measurement::Memory => memory::measure(stage, &mut report)?,
            Measurement::Relay(part) => relay::measure(*part, stage, options, &mut report)?,
        }
        println!("{}", report.markdown());
        if options.write {
            page::write(&path, *measurement, &report, rounds)?;
        }
        is_good &= report.is_good();
    }
    Ok(is_good)
}
