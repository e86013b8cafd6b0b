//! `relay move`: my mailboxes go to another relay.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use lightproof_core::ClientError;
use lightproof_core::wire::capability::{Capability, right};
use lightproof_core::wire::relay_link::RelayLink;
use serde::Serialize;

use super::init::access;
use crate::args::Global;
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::explain::allow_hint;
use crate::opened::{Opened, is_set};
use crate::output::{Output, Page, Report};
use crate::plan::{Input, PassphraseSource, one_reader_of_stdin};

/// Where to, with the right to create there.
pub(super) struct Moving {
    link: RelayLink,
    access: Option<Capability<right::Access>>,
}

/// What was asked for, with what is read before the home is opened.
///
/// # Errors
/// Usage, or an access capability that is none.
pub(super) fn plan(link: RelayLink, file: Option<&Input>, global: &Global) -> Result<Moving, Failure> {
    let passphrase = PassphraseSource::current(global, is_set);
    one_reader_of_stdin(file.into_iter().chain(passphrase.input()))?;
    Ok(Moving { link, access: access(file)? })
}

pub(super) async fn run(moving: Moving, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let Moving { link, access } = moving;
    let client = &opened.client;
    let from = client.own_relay().await?;
    let moved = client.move_to(&link, access, now(), &mut rng()).await;
    opened.tell_notices(output).await?;
    if client.own_relay().await? != link {
        return Err(match moved {
            Err(error @ ClientError::NotNow(_)) if from.authority() == link.authority() => {
                Failure::from(error).hint(allow_hint(&link))
            }
            Err(error) => not_moved(&error),
            Ok(()) => Failure::failed("this is your relay already, by another link"),
        });
    }
    if let Err(error @ ClientError::NotNow(_)) = &moved
        && from == link
    {
        return Err(error.into());
    }
    // Whoever is awaited at two relays that were left is told once.
    let awaited: BTreeSet<_> = client.left_relays().await?.into_iter().flat_map(|left| left.awaited).collect();
    let card = client.card().await?;
    output.report(&Moved {
        link: link.to_string(),
        awaited: awaited.len(),
        card: card.print(),
        fingerprint: card.fingerprint.to_string(),
    })?;
    match moved {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Err(going_on(error.into())),
    }
}

fn not_moved(error: &ClientError) -> Failure {
    let failure = Failure::from(error);
    match failure.hint {
        Some(_) => failure,
        None => failure.hint("nothing was moved"),
    }
}

fn going_on(failure: Failure) -> Failure {
    failure.hint("it is moved; what is left to do goes on with the next `lightproof receive`")
}

/// A home at another relay.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "moved")]
struct Moved {
    link: String,
    /// Contacts who have not written to the new relay yet.
    awaited: usize,
    /// The card to give out from now on.
    card: String,
    fingerprint: String,
}

impl Report for Moved {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        writeln!(page, "{}", self.card)?;
        writeln!(page, "this is your card now: the old one goes out of use within 30 days")?;
        writeln!(
            page,
            "{} contacts are told; each allows the new relay once, and writes to the old one until then",
            self.awaited
        )?;
        writeln!(
            page,
            "the old relay is watched until 30 days after the last of them has come (see `lightproof status`)"
        )
    }
}
