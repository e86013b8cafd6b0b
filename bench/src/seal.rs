//! Sealing and opening a file without a relay, against age: the same file, whole processes.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use crate::{
    error::BenchError,
    material::noise_file,
    people::Pair,
    programs::{is_installed, peak_of, run},
    report::{Goal, Line, Report, Unit},
    samples::Samples,
    stage::Stage,
};

/// Seconds of one way there and back. What is written is synced by us; for age that is a part of its own.
#[derive(Clone, Copy)]
struct Round {
    seal: f64,
    seal_sync: f64,
    open: f64,
    open_sync: f64,
}

pub(crate) fn measure(stage: Stage<'_>, rounds: u32, report: &mut Report) -> Result<(), BenchError> {
    let Stage { programs, folder, .. } = stage;
    let Some(age) = Age::new(folder)? else {
        report.skipped.push(format!("{}: neither age nor rage is installed", DISK.seal));
        return Ok(());
    };
    let pair = Pair::new(programs, folder)?;
    compare(&pair, &age, folder, rounds, (&DISK, report))?;
    if Path::new(IN_MEMORY).is_dir() {
        let memory = tempfile::tempdir_in(IN_MEMORY).map_err(BenchError::at(IN_MEMORY))?;
        compare(&pair, &age, memory.path(), rounds, (&MEMORY, report))?;
    }
    peaks(&pair, folder, report)
}

/// What a place is called in the report.
struct Place {
    seal: &'static str,
    open: &'static str,
    theirs: &'static str,
}

/// Both programs, in turn, on one file.
fn compare(
    pair: &Pair,
    age: &Age,
    folder: &Path,
    rounds: u32,
    (place, report): (&Place, &mut Report),
) -> Result<(), BenchError> {
    let file = folder.join("noise");
    noise_file(&file, MEBIBYTES)?;
    age.round(&file, folder)?;
    our_round(pair, &file, folder)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // In turn first: a disk that was just written to is slower.
        if round % 2 == 0 {
            theirs.push(age.round(&file, folder)?);
            ours.push(our_round(pair, &file, folder)?);
        } else {
            ours.push(our_round(pair, &file, folder)?);
            theirs.push(age.round(&file, folder)?);
        }
    }
    let of = |rounds: &[Round], part: fn(&Round) -> f64| rounds.iter().map(part).collect::<Samples>();
    let seal = (place.seal, of(&ours, Round::seal), of(&theirs, Round::seal), of(&theirs, |round| round.seal_sync));
    let open = (place.open, of(&ours, Round::open), of(&theirs, Round::open), of(&theirs, |round| round.open_sync));
    for (what, ours, limit, sync) in [seal, open] {
        let parts = vec![("sync of what age wrote", sync)];
        let (unit, limit_is, goal) = (Unit::Seconds, place.theirs, Some(Goal::AtMost(1.0)));
        report.lines.push(Line { what, unit, ours, limit_is, limit, goal, parts });
    }
    Ok(())
}

fn peaks(pair: &Pair, folder: &Path, report: &mut Report) -> Result<(), BenchError> {
    let (large, sealed, opened) = (folder.join("large"), folder.join("large.lightproof"), folder.join("opened"));
    noise_file(&large, LARGE_MEBIBYTES)?;
    let seal = peak_of(pair.alice.command(&["seal", "--to", "bob", "-o", &shown(&sealed), &shown(&large)]))?;
    let open = peak_of(pair.bob.command(&["open", &shown(&sealed), "-o", &shown(&opened)]))?;
    for (what, peak) in [("peak of seal, 1 GiB", seal), ("peak of open, 1 GiB", open)] {
        report.lines.push(Line {
            what,
            unit: Unit::Mebibytes,
            ours: Samples::from_iter([peak]),
            limit_is: "64 MiB resident",
            limit: Samples::from_iter([64.0]),
            goal: Some(Goal::AtMost(1.0)),
            parts: Vec::new(),
        });
    }
    Ok(())
}

impl Round {
    const fn seal(&self) -> f64 {
        self.seal + self.seal_sync
    }

    const fn open(&self) -> f64 {
        self.open + self.open_sync
    }
}

fn our_round(pair: &Pair, file: &Path, folder: &Path) -> Result<Round, BenchError> {
    let (sealed, opened) = (folder.join("noise.lightproof"), folder.join("opened"));
    let seal = pair.alice.run(&["seal", "--to", "bob", "-o", &shown(&sealed), &shown(file)])?.seconds;
    let open = pair.bob.run(&["open", &shown(&sealed), "-o", &shown(&opened)])?.seconds;
    gone(&[&sealed, &opened])?;
    Ok(Round { seal, seal_sync: 0.0, open, open_sync: 0.0 })
}

/// A key pair of age, or of rage.
struct Age {
    program: &'static str,
    identity: PathBuf,
    recipient: String,
}

impl Age {
    fn new(folder: &Path) -> Result<Option<Self>, BenchError> {
        let installed = [("age", "age-keygen"), ("rage", "rage-keygen")]
            .into_iter()
            .find(|(program, keygen)| is_installed(program) && is_installed(keygen));
        let Some((program, keygen)) = installed else { return Ok(None) };
        let identity = folder.join("identity");
        let mut making = Command::new(keygen);
        making.arg("-o").arg(&identity);
        run(making)?;
        let text = fs::read_to_string(&identity).map_err(BenchError::at("the identity"))?;
        let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: "));
        let recipient = recipient.ok_or_else(|| BenchError::Wrong("an identity without a public key".to_owned()))?;
        Ok(Some(Self { program, recipient: recipient.to_owned(), identity }))
    }

    fn round(&self, file: &Path, folder: &Path) -> Result<Round, BenchError> {
        let (sealed, opened) = (folder.join("noise.age"), folder.join("opened.age"));
        let mut sealing = Command::new(self.program);
        sealing.args(["-r", &self.recipient, "-o"]).arg(&sealed).arg(file);
        let mut opening = Command::new(self.program);
        opening.args(["-d", "-i"]).arg(&self.identity).arg("-o").arg(&opened).arg(&sealed);
        let seal = run(sealing)?.seconds;
        let seal_sync = sync(&sealed)?;
        let open = run(opening)?.seconds;
        let open_sync = sync(&opened)?;
        gone(&[&sealed, &opened])?;
        Ok(Round { seal, seal_sync, open, open_sync })
    }
}

fn sync(path: &Path) -> Result<f64, BenchError> {
    let start = Instant::now();
    File::open(path).and_then(|file| file.sync_all()).map_err(BenchError::at("a sync"))?;
    Ok(start.elapsed().as_secs_f64())
}

fn gone(paths: &[&Path]) -> Result<(), BenchError> {
    paths.iter().try_for_each(|path| fs::remove_file(path).map_err(BenchError::at(shown(path))))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

const DISK: Place = Place {
    seal: "seal of 256 MiB for a contact, signed",
    open: "open of the same, verified",
    theirs: "age without a signature, and a sync",
};
/// What the disk costs both is not in it.
const MEMORY: Place = Place {
    seal: "seal of 256 MiB in memory, signed",
    open: "open of the same in memory, verified",
    theirs: "age without a signature",
};
const IN_MEMORY: &str = "/dev/shm";
const MEBIBYTES: u32 = 256;
const LARGE_MEBIBYTES: u32 = 1024;
