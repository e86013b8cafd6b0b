//! `man DIR`: a manual page for this program and for each of its commands.

use clap::CommandFactory;

use super::photo_file::{cannot_write, make_folder};
use crate::args::{CommandLine, Man};
use crate::exit::{Exit, Failure};

pub(super) fn run(typed: &Man) -> Result<Exit, Failure> {
    make_folder(&typed.folder)?;
    clap_mangen::generate_to(CommandLine::command(), &typed.folder)
        .map_err(|error| cannot_write(&typed.folder, &error))?;
    Ok(Exit::Done)
}
