//! `restore`: the data folder of a stopped relay out of a backup.

use std::{fs::File, path::Path};

use lightproof_relay::{
    backup::{self, Contents},
    control::ControlError,
};

use super::{Failure, date::date, options::Place};

pub(crate) fn restore(place: &Place, file: &Path) -> Result<(), Failure> {
    let data = place.config()?.data;
    let mut backup = File::open(file)
        .map_err(|error| Failure::failed(format!("{}: {error}", file.display()), "give a file that `backup` made"))?;
    let (contents, day) = backup::restore(&mut backup, &data).map_err(ControlError::from)?;
    let Contents { rows, chunks, missing_blobs } = contents;
    println!("{rows} rows, {chunks} chunks, as they were on {}", date(day));
    println!(
        "This relay has forgotten what came after that. Clients notice by themselves: they hand in again what nobody has\n\
         confirmed, and what was fetched before comes once more and is put aside. Never run the relay that was backed up\n\
         beside this one: to its clients they are the same."
    );
    if missing_blobs > 0 {
        println!("{missing_blobs} blobs could not be read when the backup was made, and are not in it.");
    }
    Ok(())
}
