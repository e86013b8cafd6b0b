//! `lightproof`: the command line client.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, FromArgMatches};

use crate::args::CommandLine;
use crate::exit::{Exit, Failure};
use crate::output::{Colour, Output, Reader, Verbosity};
use crate::sanitize::Sanitized;

mod announce;
mod args;
mod clock;
mod commands;
mod erasing;
mod exit;
mod explain;
mod home;
mod inbox;
mod lock;
mod memory;
mod notice;
mod opened;
mod output;
mod picture;
mod plan;
mod platform;
mod progress;
mod qr;
mod sanitize;
mod save;
mod sealed;
mod source;
mod spool;
mod staging;
mod store;
mod terminal;
mod transport;

fn main() -> Exit {
    platform::process::keep_to_ourselves();
    picture::child::run_if_asked(env::args_os());
    let words: Vec<OsString> = env::args_os().collect();
    let typed = |flag: &str| words.iter().take_while(|word| *word != "--").any(|word| word == flag);
    let colour = Colour::choose(typed("--no-color"), |name| env::var_os(name));
    let choice = if colour == Colour::Never { ColorChoice::Never } else { ColorChoice::Auto };
    // Alone on a terminal, it is an inbox.
    let is_alone = !typed("--json") && io::stdin().is_terminal() && io::stdout().is_terminal();
    let command = CommandLine::command().subcommand_required(!is_alone).arg_required_else_help(!is_alone);
    let parsed = command.color(choice).try_get_matches_from(&words);
    let line = match parsed.and_then(|matches| CommandLine::from_arg_matches(&matches)) {
        Ok(line) => line,
        Err(error) if typed("--json") && error.use_stderr() => {
            Output::standard(Reader::Json, Verbosity::Quiet, Colour::Never).failure(&usage_failure(&error));
            return Exit::Usage;
        }
        Err(error) => return explain(&error),
    };
    let mut output = output_for(&line, colour);
    commands::run(line, &mut output).unwrap_or_else(|failure| {
        output.failure(&failure);
        failure.exit
    })
}

fn output_for(CommandLine { global, command }: &CommandLine, colour: Colour) -> Output {
    let reader = if global.json { Reader::Json } else { Reader::Person };
    let verbosity = match (global.quiet, global.verbose) {
        // Beside the inbox nothing is said: it has the whole terminal.
        _ if command.is_none() => Verbosity::Quiet,
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    };
    Output::standard(reader, verbosity, colour)
}

/// Help and version go to stdout; anything else is wrong usage, told by clap.
fn explain(error: &clap::Error) -> Exit {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // A reader that has gone needs no help.
        let _unread = error.print();
        return if error.use_stderr() { Exit::Usage } else { Exit::Done };
    }
    // clap repeats what was typed, and a file name that a shell expanded is somebody else's text.
    let mut told = String::new();
    for line in error.to_string().lines() {
        told.push_str(&Sanitized::line(line).to_string());
        told.push('\n');
    }
    let _unheard = io::stderr().write_all(told.as_bytes());
    Exit::Usage
}

fn usage_failure(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    Failure::usage(first.strip_prefix("error: ").unwrap_or(first)).hint("see `lightproof --help`")
}
