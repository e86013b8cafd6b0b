//! Whether a right that is shown is one. Anybody can make up a capability: until it is found, whoever shows it is a
//! stranger.

use std::{net::IpAddr, sync::Arc};

use lightproof_wire::command::Command;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    mailbox::OwnerHash,
    rates::Standing,
    serve::Service,
    store::{RuleError, Table},
};

/// A right that a command shows: where it would be found, and whether what it is shown for is written.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    table: Table,
    hash: [u8; 32],
    is_to_write: bool,
}

impl Shown {
    /// The right that a command shows, if it is one of those with which mailboxes and blobs are used.
    pub(crate) fn by(command: &Command) -> Option<Self> {
        let (table, hash, is_to_write) = match command {
            Command::CountPrekeys { owner } => (Table::Mailboxes, *owner.hash().as_bytes(), false),
            Command::PublishPrekeys { owner, .. } | Command::Retire { owner } => return Some(Self::of(owner.hash())),
            Command::BlobStatus { write } | Command::PutChunk { write, .. } => {
                (Table::Blobs, *write.hash().as_bytes(), false)
            }
            Command::CommitBlob { write } | Command::RevokeBlob { write, .. } => {
                (Table::Blobs, *write.hash().as_bytes(), true)
            }
            Command::GetChunk { read, .. } => (Table::Readers, *read.hash().as_bytes(), false),
            Command::ReleaseBlob { read } => (Table::Readers, *read.hash().as_bytes(), true),
            _ => return None,
        };
        Some(Self { table, hash, is_to_write })
    }

    /// That of an owner who changes something.
    pub(crate) const fn of(owner: OwnerHash) -> Self {
        Self { table: Table::Mailboxes, hash: *owner.as_bytes(), is_to_write: true }
    }
}

impl Service {
    /// Whether a command that shows a right is served now, with its place in front of the disk if it needs one.
    pub(crate) async fn shown_in_time(
        self: &Arc<Self>,
        shown: Shown,
        address: Option<IpAddr>,
    ) -> Result<Option<OwnedSemaphorePermit>, RuleError> {
        let now = (self.clock)();
        self.rates.from_address(address, now)?;
        // Whoever only reads is looked for where strangers would be turned away, and not before: a chunk costs one look.
        let as_stranger = self.rates.in_all(Standing::Stranger, now);
        if as_stranger.is_ok() && !shown.is_to_write {
            return Ok(None);
        }
        let is_there = self.look(move |rows| Ok(rows.get(shown.table, &shown.hash)?.is_some())).await?;
        let standing = if is_there { Standing::Known } else { Standing::Stranger };
        if as_stranger.is_err() {
            self.rates.in_all(standing, now)?;
        }
        if shown.is_to_write { Ok(self.rates.write(standing)?) } else { Ok(None) }
    }
}
