//! `man DIR`: a manual page for this program and for each of its commands.
//!
//! In section 8, of programs for whoever runs a machine: `lightproof relay`, a command of the client, has the same name.

use std::{fs, io, path::Path};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::{Arguments, Failure};

const SECTION: &str = "8";

pub(crate) fn man(folder: &Path) -> Result<(), Failure> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let written = fs::create_dir_all(folder).and_then(|()| write(&command, folder));
    written.map_err(|error| Failure::failed(format!("{}: {error}", folder.display()), "choose another folder"))
}

fn write(command: &Command, folder: &Path) -> io::Result<()> {
    for command in command.get_subcommands() {
        write(command, folder)?;
    }
    Man::new(command.clone()).section(SECTION).generate_to(folder).map(drop)
}
