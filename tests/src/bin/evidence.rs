//! Appends one run of the tests to the ledger and writes `docs/evidence.md`: `evidence DATE COMMIT EFFORT < output`, where
//! the output is that of `cargo test -- --show-output`. Without arguments only the page is written.

#![expect(clippy::print_stderr, reason = "a program for a terminal")]

use std::{
    env, fs, io,
    io::{Read as _, Write as _},
    path::Path,
    process::ExitCode,
};

use lightproof_tests::evidence::{Output, Run, page};

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), Box<dyn std::error::Error>> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let ledger = docs.join("evidence.jsonl");
    let words: Vec<String> = env::args().skip(1).collect();
    match &words[..] {
        [] => {}
        [date, commit, effort] => {
            let mut output = String::new();
            io::stdin().read_to_string(&mut output)?;
            let output = Output::read(&output)?;
            if output.passed == 0 {
                return Err("no test has passed: is this the output of `cargo test -- --show-output`?".into());
            }
            let run = Run { date: date.clone(), commit: commit.clone(), effort: effort.parse()?, output };
            let mut ledger = fs::File::options().create(true).append(true).open(&ledger)?;
            writeln!(ledger, "{}", serde_json::to_string(&run)?)?;
        }
        _ => return Err("usage: evidence [DATE COMMIT EFFORT]".into()),
    }
    let runs: Vec<Run> = fs::read_to_string(ledger)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    fs::write(docs.join("evidence.md"), page(&runs, &fs::read_to_string(docs.join("promises.md"))?))?;
    Ok(())
}
