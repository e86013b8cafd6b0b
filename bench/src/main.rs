//! Lightproof's speed and memory on this machine, as ratios to limits taken in the same run.
//!
//! ```text
//! cargo run --release -p lightproof-bench -- [exact] [photo] [prepare] [memory] [--large] [--rounds N] [--programs DIR] [--write]
//! ```
//!
//! Without a name it takes `exact`, `photo` and `prepare`. `--large` adds `memory`, which needs 4 GiB of disk. `--write`
//! takes all and writes `docs/performance.md`. `--programs` measures programs that were built before. Ends with code 1 where a goal is missed.
//!
//! ```text
//! cargo run --release -p lightproof-bench --features yardsticks -- sizes [--write]
//! ```
//!
//! Compares the size of our JPEGs with other people's; `--write` writes `docs/photos-sizes.md`.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{certificate::Certificate, error::BenchError, programs::Programs, report::Report};

mod certificate;
mod error;
mod exact;
mod machine;
mod material;
mod memory;
mod people;
mod photo;
mod prepare;
mod programs;
mod report;
mod samples;
#[cfg(feature = "yardsticks")]
mod sizes;
mod unit_costs;
mod web;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Measurement {
    Exact,
    Photo,
    Prepare,
    Memory,
}

struct Options {
    measurements: BTreeSet<Measurement>,
    rounds: u32,
    programs: Option<PathBuf>,
    write: bool,
}

fn main() -> ExitCode {
    if env::args().nth(1).is_some_and(|first| first == "sizes") {
        return compare_sizes(env::args().any(|argument| argument == "--write"));
    }
    let Some(options) = options(env::args().skip(1)) else {
        eprintln!(
            "usage: lightproof-bench [exact] [photo] [prepare] [memory] [--large] [--rounds N] [--programs DIR] [--write]"
        );
        return ExitCode::from(2);
    };
    match measure(&options) {
        Ok(report) if report.is_good() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
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
    let (mut programs, mut write) = (None, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "exact" => drop(measurements.insert(Measurement::Exact)),
            "photo" => drop(measurements.insert(Measurement::Photo)),
            "prepare" => drop(measurements.insert(Measurement::Prepare)),
            "memory" => drop(measurements.insert(Measurement::Memory)),
            "--large" => large = true,
            "--rounds" => rounds = arguments.next()?.parse().ok().filter(|rounds| *rounds > 0)?,
            "--programs" => programs = Some(arguments.next()?.into()),
            "--write" => write = true,
            _ => return None,
        }
    }
    if measurements.is_empty() || write {
        measurements.extend([Measurement::Exact, Measurement::Photo, Measurement::Prepare]);
    }
    if large || write {
        measurements.insert(Measurement::Memory);
    }
    Some(Options { measurements, rounds, programs, write })
}

fn measure(options: &Options) -> Result<Report, BenchError> {
    let programs = match &options.programs {
        Some(folder) => Programs::in_folder(folder),
        // What is prepared in this process needs no other.
        None if options.measurements.iter().all(|measurement| *measurement == Measurement::Prepare) => {
            Programs::in_folder(&env::temp_dir())
        }
        None => Programs::build()?,
    };
    let certificate = Certificate::make()?;
    let mut report = Report::default();
    for measurement in &options.measurements {
        // Beside the programs and not in the system's folder, which may be in memory.
        let beside = programs.lightproof.parent().map_or_else(env::temp_dir, Path::to_path_buf);
        let folder =
            tempfile::Builder::new().prefix("bench-").tempdir_in(beside).map_err(BenchError::at("a folder"))?;
        let (folder, rounds) = (folder.path(), options.rounds);
        match measurement {
            Measurement::Exact => exact::measure(&programs, &certificate, folder, rounds, &mut report)?,
            Measurement::Photo => photo::measure(&programs, &certificate, folder, rounds, &mut report)?,
            Measurement::Prepare => prepare::measure(rounds, &mut report)?,
            Measurement::Memory => memory::measure(&programs, folder, &mut report)?,
        }
    }
    print!("{}", report.markdown());
    if options.write {
        let path: PathBuf = programs::workspace().join("docs/performance.md");
        fs::write(&path, page(&report, options.rounds)).map_err(BenchError::at(path.display().to_string()))?;
    }
    Ok(report)
}

fn page(report: &Report, rounds: u32) -> String {
    let machine: String = machine::describe().iter().map(|(what, value)| format!("- {what}: {value}\n")).collect();
    format!(
        "# Performance\n\nWritten by `cargo run --release -p lightproof-bench -- --write`; not edited by hand.\n\n\
         Every line is a ratio to a limit that the same run took on the same machine: the median of {rounds} paired \
         rounds after one that does not count, with the least and the most in parentheses. Times are of whole processes, \
         from start to exit, over TLS on loopback; memory is taken once.\n\n{machine}\n{}",
        report.markdown()
    )
}
