//! `status`: what is under way, what is in stock, what went wrong, and what the relays allow.

use std::fmt::{self, Write as _};

use indicatif::DecimalBytes;
use lightproof_core::moving::Left;
use lightproof_core::receive::Reason;
use lightproof_core::relays::Relay;
use lightproof_core::status::Status;
use lightproof_core::wire::time::Timestamp;
use serde::Serialize;

use super::present::Names;
use crate::clock::{Date, Utc};
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, Page, Report};
use crate::sanitize::Sanitized;

pub(super) async fn run(opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let status = opened.client.status().await?;
    output.report(&Told::of(&status, &Names::of(opened).await?))?;
    if status.was_old_copy {
        output.warn("this home was found to be an older copy of another; messages taken there are not here");
    }
    if status.prekeys_used_up {
        output.warn("one-time prekeys are used up: run `lightproof receive`, which makes new ones");
    }
    Ok(Exit::Done)
}

/// The state of a home.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "status")]
struct Told {
    drafts: usize,
    outbox: usize,
    /// Messages that are being taken back.
    retracts: usize,
    unread: usize,
    waiting: usize,
    expired: usize,
    failed: usize,
    requests: usize,
    missing: u64,
    receipts_due: usize,
    one_time_prekeys: u16,
    prekey_secrets: usize,
    /// RFC 3339; `null` before the first.
    last_complete_fetch: Option<String>,
    /// When the backup was made that this home was restored from, RFC 3339; `null` where it was not.
    restored_from: Option<String>,
    aside: Vec<Aside>,
    relays: Vec<RelayLimits>,
    /// Relays that were left and are still watched.
    left: Vec<LeftRelay>,
}

/// A relay that was left.
#[derive(Debug, Serialize)]
struct LeftRelay {
    link: String,
    /// The day of the move.
    since: String,
    /// Who has not written to the new address yet.
    awaited: Vec<String>,
}

/// Envelopes that would not open, for one reason.
#[derive(Debug, Serialize)]
struct Aside {
    reason: &'static str,
    count: usize,
}

/// A relay, and what it said of itself when it was last reached.
#[derive(Debug, Serialize)]
struct RelayLimits {
    link: String,
    blob_bytes: Option<u64>,
    envelope_days: Option<u16>,
    blob_days: Option<u16>,
    mailbox_days: Option<u16>,
    mailbox_envelopes: Option<u32>,
}

impl Told {
    fn of(status: &Status, names: &Names) -> Self {
        let fetched = status.last_complete_fetch;
        let mut aside: Vec<Aside> = Vec::new();
        for reason in status.aside.iter().map(|reason| words(*reason)) {
            match aside.iter_mut().find(|aside| aside.reason == reason) {
                Some(aside) => aside.count += 1,
                None => aside.push(Aside { reason, count: 1 }),
            }
        }
        Self {
            drafts: status.drafts,
            outbox: status.outbox,
            retracts: status.retracts,
            unread: status.unread,
            waiting: status.waiting,
            expired: status.expired,
            failed: status.failed,
            requests: status.requests,
            missing: status.missing,
            receipts_due: status.receipts_due,
            one_time_prekeys: status.one_time_prekeys,
            prekey_secrets: status.prekey_secrets,
            last_complete_fetch: (fetched > Timestamp(0)).then(|| Utc(fetched).to_string()),
            restored_from: status.restored_from.map(|from| Utc(from.backup_made).to_string()),
            aside,
            relays: status.relays.iter().map(RelayLimits::of).collect(),
            left: status.left.iter().map(|left| LeftRelay::of(left, names)).collect(),
        }
    }
}

impl LeftRelay {
    fn of(left: &Left, names: &Names) -> Self {
        Self {
            link: left.relay.to_string(),
            since: Date(left.since).to_string(),
            awaited: left.awaited.iter().map(|contact| names.name(contact)).collect(),
        }
    }
}

impl RelayLimits {
    fn of(relay: &Relay) -> Self {
        let limits = relay.limits;
        Self {
            link: relay.link.as_str().to_owned(),
            blob_bytes: limits.map(|limits| limits.blob_bytes),
            envelope_days: limits.map(|limits| limits.envelope_days),
            blob_days: limits.map(|limits| limits.blob_days),
            mailbox_days: limits.map(|limits| limits.mailbox_days),
            mailbox_envelopes: limits.map(|limits| limits.mailbox_envelopes),
        }
    }
}

const fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Unopened => "no session opens it, or it was changed on its way",
        Reason::Newer => "made by a newer version",
        Reason::Forged(_) => "forged in the name of a contact",
        Reason::ForgedHello => "forged in the name of a stranger",
        Reason::Skipped => "too many messages are missing before it",
        Reason::Contradicts(_) => "it contradicts what the same contact sent before",
        Reason::AlreadyOpened(_) => "its place was used before: the contact writes from an old copy",
        Reason::OutOfStep(_) => {
            "it does not fit its session: one of you writes from an old copy, or it was changed on its way"
        }
        Reason::Crowded => "it waits: people you have not accepted may leave eight messages",
        Reason::BeforeRestore => "sealed for the home that the backup was made of; its sender seals it again",
        Reason::Parted => "perhaps from somebody you blocked, removed or declined; whoever may write again asks anew",
        Reason::EndsProcess => "it ended the program each time it was opened",
    }
}

impl Report for Told {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let fetched = self.last_complete_fetch.as_deref().unwrap_or("never");
        writeln!(page, "last fetched   {fetched}")?;
        if let Some(made) = &self.restored_from {
            writeln!(page, "restored       from a backup made {made}")?;
        }
        writeln!(page, "received       {} unread, {} waiting for photos", self.unread, self.waiting)?;
        writeln!(page, "requests       {}", self.requests)?;
        writeln!(
            page,
            "under way      {} drafts, {} envelopes, {} retracts, {} receipts due",
            self.drafts, self.outbox, self.retracts, self.receipts_due
        )?;
        writeln!(page, "went wrong     {} expired, {} failed, {} missing", self.expired, self.failed, self.missing)?;
        writeln!(page, "prekeys        {} at the relay, {} secrets here", self.one_time_prekeys, self.prekey_secrets)?;
        for aside in &self.aside {
            writeln!(page, "set aside      {}: {}", aside.count, aside.reason)?;
        }
        for relay in &self.relays {
            writeln!(page, "relay          {}", Sanitized::line(&relay.link))?;
            if let (Some(bytes), Some(envelopes), Some(blobs)) =
                (relay.blob_bytes, relay.envelope_days, relay.blob_days)
            {
                let largest = DecimalBytes(bytes);
                writeln!(
                    page,
                    "               photos up to {largest}, kept {blobs} days; messages kept {envelopes} days"
                )?;
            }
        }
        for left in &self.left {
            writeln!(page, "left           {} since {}", Sanitized::line(&left.link), left.since)?;
            for awaited in &left.awaited {
                writeln!(page, "               {} has not written to the new relay yet", Sanitized::line(awaited))?;
            }
        }
        Ok(())
    }
}
