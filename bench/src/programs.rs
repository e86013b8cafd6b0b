//! The programs that are measured: built here, run as a user runs them, timed from start to exit.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::error::BenchError;

/// Where the programs are.
pub(crate) struct Programs {
    pub(crate) lightproof: PathBuf,
    pub(crate) relay: PathBuf,
}

impl Programs {
    /// Builds them, beside this one.
    pub(crate) fn build() -> Result<Self, BenchError> {
        let here = env::current_exe().map_err(BenchError::at("this program"))?;
        let target = here.ancestors().nth(2).ok_or_else(|| BenchError::Wrong("no target folder".to_owned()))?;
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--release", "--quiet", "--bin", "lightproof", "--bin", "lightproof-relay"]);
        build.arg("--target-dir").arg(target).current_dir(workspace());
        let status = build.status().map_err(BenchError::at("cargo"))?;
        if !status.success() {
            return Err(BenchError::Wrong("the programs were not built".to_owned()));
        }
        Ok(Self::in_folder(&target.join("release")))
    }

    /// Those that are there.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { lightproof: folder.join("lightproof"), relay: folder.join("lightproof-relay") }
    }
}

/// The root of the sources.
pub(crate) fn workspace() -> &'static Path {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench)
}

/// A program that ran to its end and said it was done.
pub(crate) struct Finished {
    pub(crate) seconds: f64,
    pub(crate) stdout: String,
}

/// Runs a program to its end.
pub(crate) fn run(mut command: Command) -> Result<Finished, BenchError> {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().map_err(BenchError::at(name_of(&command)))?;
    let seconds = start.elapsed().as_secs_f64();
    check(&command, &output)?;
    Ok(Finished { seconds, stdout: String::from_utf8_lossy(&output.stdout).into_owned() })
}

/// Runs a program to its end and watches its memory: the most that was resident, in MiB.
pub(crate) fn peak_of(mut command: Command) -> Result<f64, BenchError> {
    let program = name_of(&command);
    let piped = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = piped.spawn().map_err(BenchError::at(&program))?;
    let mut peak = 0.0_f64;
    while child.try_wait().map_err(BenchError::at(&program))?.is_none() {
        // Nothing is said of a program that has just ended, and its peak lies well before that.
        peak = peak.max(memory(&child, "VmHWM").unwrap_or(0.0));
        thread::sleep(LOOK_EVERY);
    }
    check(&command, &child.wait_with_output().map_err(BenchError::at(program))?)?;
    Ok(peak)
}

/// One line of what the kernel says of a running program's memory, in MiB.
pub(crate) fn memory(child: &Child, key: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024.0)
}

/// Whether a program can be started here.
pub(crate) fn is_installed(program: &str) -> bool {
    Command::new(program).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn check(command: &Command, output: &Output) -> Result<(), BenchError> {
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned();
    let arguments: Vec<&OsStr> = command.get_args().collect();
    let program = format!("{} {}", name_of(command), arguments.join(OsStr::new(" ")).display());
    Err(BenchError::Program { program, status: output.status.to_string(), errors })
}

fn name_of(command: &Command) -> String {
    command.get_program().display().to_string()
}

const LOOK_EVERY: Duration = Duration::from_millis(2);
