//! `relay …`: relays this home may talk to.

use std::fmt::{self, Write as _};

use lightproof_core::ClientError;
use lightproof_core::relays::{Relay as Stored, TypedLink};
use lightproof_core::wire::relay_link::RelayLink;
use serde::Serialize;

use crate::args::Relay;
use crate::clock::rng;
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, Page, Report};
use crate::sanitize::Sanitized;

pub(super) async fn run(typed: Relay, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    match typed {
        Relay::List => {
            let own = opened.client.own_relay().await?.to_text();
            for relay in opened.client.relays().await? {
                output.report(&Allowed::of(&relay, relay.link == own))?;
            }
        }
        Relay::Move { .. } => return Err(Failure::failed("a relay is moved to before the home is opened")),
        Relay::Allow { link } => {
            let allowed = opened.client.allow_relay(&link, &mut rng()).await?;
            output.remark(format_args!("this home may talk to {}", link.authority()));
            if allowed == TypedLink::InPlaceOfAnother {
                output.remark("by this link alone: a key that only the link before named is no longer accepted");
            }
        }
        Relay::Forget { link } => {
            forget(&link, opened).await?;
            output.remark(format_args!("this home may no longer talk to {}", link.authority()));
        }
    }
    Ok(Exit::Done)
}

async fn forget(link: &RelayLink, opened: &Opened) -> Result<(), Failure> {
    match opened.client.forget_relay(link).await {
        Err(ClientError::Unknown(_)) => {
            Err(Failure::failed("there is no such relay").hint("see `lightproof relay list`, and copy the whole link"))
        }
        forgotten => Ok(forgotten?),
    }
}

/// A relay.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "relay")]
pub(super) struct Allowed {
    link: String,
    /// `own`, `left` and still watched, `typed` by the user, or `named` by a contact.
    kind: &'static str,
}

impl Allowed {
    /// As it is told.
    fn of(relay: &Stored, is_in_use: bool) -> Self {
        let kind = match (relay.own.is_yes(), relay.typed.is_yes()) {
            (true, _) if is_in_use => "own",
            (true, _) => "left",
            (false, true) => "typed",
            (false, false) => "named",
        };
        Self { link: relay.link.as_str().to_owned(), kind }
    }
}

impl Report for Allowed {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let who = match self.kind {
            "own" => "own: my mailboxes are here",
            "left" => "left: watched until nothing more comes here",
            "typed" => "allowed by its link",
            _ => "allowed for a contact",
        };
        writeln!(page, "{}  {who}", Sanitized::line(&self.link))
    }
}
