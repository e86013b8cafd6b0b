//! `erase`: a whole home goes, keys first; and what cannot be removed is said.

use std::fmt::{self, Write as _};

use lightproof_core::farewell::Farewell;
use serde::Serialize;

use super::watch;
use crate::args::{Erase, Global};
use crate::clock::{now, rng};
use crate::erasing::Erasing;
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, Page, Report};
use crate::plan;
use crate::sanitize::Sanitized;
use crate::terminal::confirm;

pub(super) async fn run(typed: &Erase, global: &Global, output: &mut Output) -> Result<Exit, Failure> {
    let erasing = Erasing::find(plan::home(global, |name| std::env::var_os(name))?)?;
    let shown = Sanitized::path(erasing.home().path()).to_string();
    if !typed.yes {
        let question = format!("erase {shown}? identity, contacts and messages go, and nothing brings them back;");
        if !confirm(&question, "use --yes").await? {
            return Err(Failure::failed("nothing was erased"));
        }
    }
    // First: a home that receives on after its farewell would make itself new mailboxes.
    let _lease = watch::lease(erasing.home(), output).await?;
    let farewell = if typed.offline || erasing.is_begun() {
        None
    } else {
        Some(say_farewell(global, output).await.map_err(or_offline)?)
    };
    let left = erasing.erase().map_err(|error| {
        Failure::failed(format!("cannot erase {shown}: {error}"))
            .hint("run `lightproof erase` again: it goes on where it stopped")
    })?;
    for path in &left {
        output.warn(format_args!("{} is not ours, and stays", Sanitized::path(path)));
    }
    let told = Erased::of(shown, farewell.as_ref());
    output.report(&told)?;
    Ok(Exit::Done)
}

/// Whatever keeps a home from being opened, it can be erased without.
fn or_offline(failure: Failure) -> Failure {
    let offline = "`lightproof erase --offline` erases it without opening it, and tells no relay";
    let hint = failure.hint.as_ref().map_or_else(|| offline.to_owned(), |hint| format!("{hint}; {offline}"));
    failure.hint(hint)
}

/// Tells the relays, as far as they are reached: mailboxes are retired, and photos nobody has fetched are revoked.
async fn say_farewell(global: &Global, output: &mut Output) -> Result<Farewell, Failure> {
    let opened = Opened::open(global, output).await?;
    let farewell = opened.client.farewell(now(), &mut rng()).await;
    opened.tell_notices(output).await?;
    let farewell = farewell?;
    for relay in &farewell.not_told {
        output.warn(format_args!(
            "the relay {} was not reached: what is there stays until its days are over",
            relay.authority()
        ));
    }
    Ok(farewell)
}

/// A home that is gone.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "erased")]
struct Erased {
    home: String,
    /// Mailboxes that relays retired, and photos they gave up.
    mailboxes: usize,
    blobs: usize,
    /// Relays that were not told.
    not_told: Vec<String>,
    /// What no command can remove.
    remains: Vec<&'static str>,
}

impl Erased {
    fn of(home: String, farewell: Option<&Farewell>) -> Self {
        let not_told: Vec<String> =
            farewell.map(|farewell| farewell.not_told.iter().map(ToString::to_string).collect()).unwrap_or_default();
        let mut remains = vec![
            "what others received from you is theirs",
            "photos saved to files, and copies and backups of this home, are where you put them, and open as before",
            "a disk may keep old blocks until it writes over them (flash memory, snapshots, copies on write): \
             everything in them is sealed, with the passphrase if there was one",
        ];
        if farewell.is_none() || !not_told.is_empty() {
            remains.push("relays that were not told keep sealed envelopes and photos until their days are over");
        }
        Self {
            home,
            mailboxes: farewell.map_or(0, |farewell| farewell.mailboxes),
            blobs: farewell.map_or(0, |farewell| farewell.blobs),
            not_told,
            remains,
        }
    }
}

impl Report for Erased {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        writeln!(page, "{} is erased; {} mailboxes retired, {} photos revoked", self.home, self.mailboxes, self.blobs)?;
        writeln!(page, "what cannot be removed from here:")?;
        self.remains.iter().try_for_each(|one| writeln!(page, "  {one}"))
    }
}
