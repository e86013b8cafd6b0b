//! `completions SHELL`: a script on stdout.

use clap::CommandFactory;

use crate::args::{CommandLine, Completions};
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(super) fn run(typed: &Completions, output: &mut Output) -> Result<Exit, Failure> {
    let mut command = CommandLine::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(typed.shell, &mut command, name, &mut script);
    output.bytes(&script)?;
    Ok(Exit::Done)
}
