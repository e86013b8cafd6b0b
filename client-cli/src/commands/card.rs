//! `card`: the line that others add to reach me.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::Path;

use lightproof_core::e2ee::card::ContactCard;
use serde::Serialize;

use super::watch;
use crate::args;
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, Page, Reader, Report};
use crate::plan::Input;
use crate::qr::Qr;
use crate::sanitize::Sanitized;
use crate::save::UnfinishedFile;
use crate::terminal::Window;

pub(super) async fn run(typed: &args::Card, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    // Whoever receives meanwhile would be told that another copy of this home does.
    let _lease = if typed.replace { Some(watch::lease(&opened.home, output).await?) } else { None };
    let replaced = if typed.replace { opened.client.replace_doorbell(now(), &mut rng()).await } else { Ok(()) };
    let card = opened.client.card().await?;
    let printed = card.print();
    match &typed.png {
        Some(Input::Standard) => output.bytes(&Qr::of(&printed)?.png()?)?,
        Some(Input::File(path)) => {
            write_new(path, &Qr::of(&printed)?.png()?)?;
            output.report(&Card::of(&card))?;
        }
        None => output.report(&Card::of(&card))?,
    }
    if typed.qr && output.reader() == Reader::Person {
        let drawing = Qr::of(&printed)?.draw(Window::of_stdout().columns, output.ink())?;
        output.bytes(drawing.as_bytes())?;
    }
    // The new card is made and saved; where the relay was not reached, a later command takes it there.
    replaced?;
    Ok(Exit::Done)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = UnfinishedFile::begin(folder).and_then(|mut file| {
        file.write_all(bytes)?;
        file.finish_new(path)
    });
    written.map_err(|error| {
        Failure::failed(format!("cannot write {}: {error}", Sanitized::path(path))).hint("nothing is overwritten")
    })
}

/// A contact card.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "card")]
pub(super) struct Card {
    card: String,
    fingerprint: String,
}

impl Card {
    /// Our own.
    pub(super) fn of(card: &ContactCard) -> Self {
        Self { card: card.print(), fingerprint: card.fingerprint.to_string() }
    }
}

impl Report for Card {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        writeln!(page, "{}", self.card)
    }
}
