//! Does what was asked, on a running relay's store as on that of a stopped one.

use std::{io::Write, time::Duration};

use lightproof_wire::{codec::Text, relay_link::RelayLink, time::Day};
use serde_json::{Value, json};

use super::{Access, ControlError, Request, Running, Stats};
use crate::{
    access::{self, AccessHash, AccessRow, Amount, Terms},
    backup::{self, BackupError, Contents, Source},
    folder::Folder,
    metrics::Metrics,
    scrub,
    store::{self, Chunks, Durable, Rows, RowsMut, RuleError, Store},
};

const MIB: u64 = 1_048_576;

/// What commands are done on.
pub(super) struct Work<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) chunks: &'a dyn Chunks,
    pub(super) folder: &'a Folder,
    pub(super) today: Day,
    /// The relay that runs on it, if one does.
    pub(super) running: Option<Alive<'a>>,
    /// Whether there is time left.
    pub(super) go_on: &'a dyn Fn() -> bool,
}

/// What only a relay that runs can say.
#[derive(Clone, Copy)]
pub(super) struct Alive<'a> {
    pub(super) metrics: &'a Metrics,
    pub(super) uptime: Duration,
    pub(super) link: &'a RelayLink,
}

impl Work<'_> {
    /// Everything but a backup, which has no end that fits into an answer. Blocks.
    pub(super) fn answer(&self, request: &Request) -> Result<Value, ControlError> {
        Ok(match request {
            Request::AccessNew { hash, days, mailboxes, blob_mib, note } => {
                let quota = Amount { mailboxes: *mailboxes, blob_bytes: u64::from(*blob_mib).saturating_mul(MIB) };
                let note = Text::new(note.as_str()).map_err(|_| answered("the note is longer than 64 bytes"))?;
                let last_day = days.map(|days| self.today.plus(days.into()));
                let (hash, terms, today) = (parse(hash)?, Terms { note, last_day, quota }, self.today);
                json!(self.commit(move |rows| access::issue(rows, hash, terms, today))?)
            }
            Request::AccessList => {
                let listed = store::look(self.store, access::list)?;
                json!({
                    "access": listed.readable.iter().map(Access::from).collect::<Vec<_>>(),
                    "damaged": listed.damaged_count,
                })
            }
            Request::AccessRevoke { number } => {
                let number = *number;
                json!(self.commit(move |rows| access::revoke(rows, number))?)
            }
            Request::Link => json!(self.running.map(|relay| relay.link.to_string())),
            Request::Scrub => {
                let _held = self.chunks.hold();
                json!(store::look(self.store, |rows: &dyn Rows| scrub::scrub(rows, self.chunks, self.go_on))?)
            }
            Request::Stats => {
                let running = self.running.map(|relay| Running::of(relay.metrics, relay.uptime));
                json!(Stats { running, ..Stats::of(self.store, self.chunks)? })
            }
            Request::Backup => return Err(answered("a backup is no answer")),
        })
    }

    /// Writes a backup of what is committed now. Blocks.
    pub(super) fn backup(&self, out: &mut dyn Write) -> Result<Contents, BackupError> {
        // Before the rows are looked at: the files that they name stay.
        let _held = self.chunks.hold();
        let kept = self.folder.all_kept()?;
        let mut outcome = Err(BackupError::Stopped);
        self.store.read(&mut |rows| {
            outcome =
                backup::write(&Source { rows, chunks: self.chunks, kept: &kept, day: self.today }, out, self.go_on);
            Ok(())
        })?;
        outcome
    }

    fn commit<T: Send + 'static>(
        &self,
        rule: impl FnOnce(&mut dyn RowsMut) -> Result<T, RuleError> + Send + 'static,
    ) -> Result<T, RuleError> {
        store::commit_blocking(self.store, rule).map(Durable::into_inner)
    }
}

fn answered(what: &str) -> ControlError {
    ControlError::Answered(what.to_owned())
}

fn parse(digits: &str) -> Result<AccessHash, ControlError> {
    let wrong = || answered("the hash has not 64 hex digits");
    let mut bytes = [0; 32];
    let digits = digits.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong());
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(AccessHash::from_bytes(bytes))
}

impl From<&AccessRow> for Access {
    fn from(row: &AccessRow) -> Self {
        let AccessRow { number, issued, terms: Terms { note, last_day, quota }, used } = row;
        Self {
            number: *number,
            note: note.as_str().to_owned(),
            issued_day: issued.0,
            last_day: last_day.map(|day| day.0),
            mailboxes: quota.mailboxes,
            mailboxes_used: used.mailboxes,
            blob_bytes: quota.blob_bytes,
            blob_bytes_used: used.blob_bytes,
        }
    }
}
