//! `contact verify`: the safety number, to be compared over a way that nobody else controls.

use std::fmt::{self, Write as _};

use lightproof_core::contact::{Contact, Trust};
use serde::Serialize;

use crate::clock::rng;
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, Page, Reader, Report, Style};
use crate::qr::Qr;
use crate::sanitize::Sanitized;
use crate::terminal::Window;

/// What was asked for.
pub(super) struct Wanted {
    /// As a QR code too.
    pub(super) qr: bool,
    /// The numbers are the same: mark it so.
    pub(super) mark: bool,
}

pub(super) async fn run(
    person: &Contact,
    wanted: Wanted,
    opened: &Opened,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let number = opened.client.safety_number(&person.fingerprint);
    let trust = if wanted.mark {
        opened.client.mark(&person.fingerprint, Trust::Verified, &mut rng()).await?.trust
    } else {
        person.trust
    };
    output.report(&Safety {
        name: person.name.as_str().to_owned(),
        safety_number: number.to_string(),
        trust: if trust == Trust::Verified { "verified" } else { "unverified" },
    })?;
    if wanted.qr && output.reader() == Reader::Person {
        let digits: String = number.to_string().split_whitespace().collect();
        output.bytes(Qr::of(&digits)?.draw(Window::of_stdout().columns, output.ink())?.as_bytes())?;
    }
    Ok(Exit::Done)
}

/// The safety number with a contact.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "safety_number")]
struct Safety {
    name: String,
    safety_number: String,
    trust: &'static str,
}

impl Report for Safety {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let name = Sanitized::line(&self.name);
        let groups: Vec<&str> = self.safety_number.split(' ').collect();
        for row in groups.chunks(GROUPS_IN_ROW) {
            let row = page.ink().paint(Style::Strong, row.join(" "));
            writeln!(page, "    {row}")?;
        }
        if self.trust == "verified" {
            let verified = page.ink().paint(Style::Good, "verified");
            return writeln!(page, "{name} is {verified}");
        }
        writeln!(page, "{name} must see the same number: compare it in person or in a call, not over lightproof;")?;
        writeln!(page, "if it is the same: lightproof contact verify {} --mark", Sanitized::word(&self.name))
    }
}

const GROUPS_IN_ROW: usize = 4;
