//! How much one address, one doorbell and everybody together may ask for. In memory only, within bounds, closed when full.
//!
//! Strangers come last: what anybody may ask for gets at most half of what is there at once, so that a flood of it
//! leaves contacts served.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lightproof_wire::{command::MailboxKind, refusal::Refusal, time::Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    admit::{network, site},
    bucket::{Allowance, Bucket, Buckets, Daily},
    config::{Settings, count, within},
    error::RelayError,
    mailbox::DropHash,
};

/// How much, as an operator sets it.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// Commands from one address.
    pub address: Allowance,
    /// Commands of everybody.
    pub in_all: Allowance,
    /// Envelopes left at one doorbell.
    pub doorbell: Allowance,
    /// Envelopes left at one private mailbox.
    pub mailbox: Allowance,
    /// Mailboxes made from one address in a day.
    pub mailboxes_a_day: u32,
    /// Sealed bytes of blobs opened from one address in a day.
    pub blob_bytes_a_day: u64,
    /// One-time prekeys of one doorbell given to one address in a day.
    pub one_time_prekeys_a_day: u32,
    /// Writes of strangers that may wait for the disk.
    pub strangers_writes: usize,
}

impl RateLimits {
    /// Checks what is set.
    pub(crate) fn check(settings: &Settings) -> Result<Self, RelayError> {
        let rate = |key, value| within(key, value, 1..=10_000_000);
        let per_second = |key, value| rate(key, value).map(|it| Allowance::per_second(it, it.saturating_mul(4)));
        let per_minute = |key, value| rate(key, value).map(Allowance::per_minute);
        let mailboxes = rate("mailboxes_a_day_and_address", settings.mailboxes_a_day_and_address)?;
        let blob_mib = within("blob_mib_a_day_and_address", settings.blob_mib_a_day_and_address, 1..=u32::MAX)?;
        Ok(Self {
            address: per_second("commands_per_second_and_address", settings.commands_per_second_and_address)?,
            in_all: per_second("commands_per_second_in_all", settings.commands_per_second_in_all)?,
            doorbell: per_minute("doorbell_deposits_a_minute", settings.doorbell_deposits_a_minute)?,
            mailbox: per_minute("mailbox_deposits_a_minute", settings.mailbox_deposits_a_minute)?,
            mailboxes_a_day: mailboxes,
            blob_bytes_a_day: u64::from(blob_mib).saturating_mul(1_048_576),
            one_time_prekeys_a_day: settings.one_time_prekeys_a_day_and_address.into(),
            // The rest of the queue is for those who hold a right.
            strangers_writes: (count("write_queue", settings.write_queue, 1..=65_536)? / 4).max(1),
        })
    }
}

/// Who may ask for such a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Anybody.
    Stranger,
    /// Whoever holds a right that its owner gave.
    Known,
}

impl From<MailboxKind> for Standing {
    /// That of whoever deposits there.
    fn from(kind: MailboxKind) -> Self {
        match kind {
            MailboxKind::Doorbell => Self::Stranger,
            MailboxKind::Private => Self::Known,
        }
    }
}

/// Where something comes from: nobody knows where is one place, and held back as one.
type Origin = Option<IpAddr>;

/// What was asked for lately.
#[derive(Debug)]
pub struct Rates {
    in_all: (Allowance, Mutex<Bucket>),
    addresses: Mutex<Buckets<Origin>>,
    doorbells: Mutex<Buckets<DropHash>>,
    mailboxes: Mutex<Buckets<DropHash>>,
    made: Mutex<Daily<Origin>>,
    opened: Mutex<Daily<Origin, u64>>,
    prekeys: Mutex<Daily<(Origin, DropHash)>>,
    strangers: Arc<Semaphore>,
}

/// Places in each table, as many as fit in 65,536 of a hash table: the most memory a flood from ever new addresses can take is
/// some MiB.
const PLACES: usize = 57_344;

impl Rates {
    /// Nothing asked for yet.
    #[must_use]
    pub fn new(limits: &RateLimits) -> Self {
        Self {
            in_all: (limits.in_all, Mutex::new(limits.in_all.full(Timestamp(0)))),
            addresses: Mutex::new(Buckets::new(limits.address, PLACES)),
            doorbells: Mutex::new(Buckets::new(limits.doorbell, PLACES)),
            mailboxes: Mutex::new(Buckets::new(limits.mailbox, PLACES)),
            made: Mutex::new(Daily::new(limits.mailboxes_a_day, PLACES)),
            opened: Mutex::new(Daily::new(limits.blob_bytes_a_day, PLACES)),
            prekeys: Mutex::new(Daily::new(limits.one_time_prekeys_a_day, PLACES)),
            strangers: Arc::new(Semaphore::new(limits.strangers_writes)),
        }
    }

    /// One command from an address.
    ///
    /// # Errors
    /// [`Refusal::TooMany`].
    pub fn from_address(&self, address: Origin, now: Timestamp) -> Result<(), Refusal> {
        lock(&self.addresses).take(&address.map(network), now)
    }

    /// One command that passed every other limit.
    ///
    /// # Errors
    /// [`Refusal::TooMany`]; for strangers when half is left of what may be asked at once.
    pub fn in_all(&self, standing: Standing, now: Timestamp) -> Result<(), Refusal> {
        let (allowance, bucket) = &self.in_all;
        let reserve = match standing {
            Standing::Stranger => allowance.burst() / 2,
            Standing::Known => 0,
        };
        allowance.take(&mut lock(bucket), reserve, now)
    }

    /// What kind of mailbox a drop belongs to, if something was left there lately.
    #[must_use]
    pub fn kind(&self, drop: &DropHash) -> Option<MailboxKind> {
        if lock(&self.mailboxes).knows(drop) {
            return Some(MailboxKind::Private);
        }
        lock(&self.doorbells).knows(drop).then_some(MailboxKind::Doorbell)
    }

    /// One envelope for a drop that exists.
    ///
    /// # Errors
    /// [`Refusal::TooMany`].
    pub fn deposit(&self, drop: DropHash, kind: MailboxKind, now: Timestamp) -> Result<(), Refusal> {
        let buckets = match kind {
            MailboxKind::Doorbell => &self.doorbells,
            MailboxKind::Private => &self.mailboxes,
        };
        lock(buckets).take(&drop, now)
    }

    /// A place in front of the disk, for as long as the write takes.
    ///
    /// # Errors
    /// [`Refusal::Busy`] while enough writes of strangers wait.
    pub fn write(&self, standing: Standing) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        match standing {
            Standing::Known => Ok(None),
            Standing::Stranger => Arc::clone(&self.strangers).try_acquire_owned().map(Some).map_err(|_| Refusal::Busy),
        }
    }

    /// One mailbox to be made from an address today.
    ///
    /// # Errors
    /// [`Refusal::TooMany`].
    pub fn make_mailbox(&self, address: Origin, now: Timestamp) -> Result<(), Refusal> {
        lock(&self.made).take(&address.map(site), 1, now)
    }

    /// It was not made, or had been made before.
    pub fn made_no_mailbox(&self, address: Origin, now: Timestamp) {
        lock(&self.made).give_back(&address.map(site), 1, now);
    }

    /// Bytes of a blob to be opened from an address today.
    ///
    /// # Errors
    /// [`Refusal::TooMany`].
    pub fn open_blob(&self, address: Origin, bytes: u64, now: Timestamp) -> Result<(), Refusal> {
        lock(&self.opened).take(&address.map(site), bytes, now)
    }

    /// It was not opened, or had been opened before.
    pub fn opened_no_blob(&self, address: Origin, bytes: u64, now: Timestamp) {
        lock(&self.opened).give_back(&address.map(site), bytes, now);
    }

    /// One more one-time prekey of a doorbell for an address today.
    ///
    /// # Errors
    /// [`Refusal::TooMany`]: to be given a bundle without one, never to be told.
    pub fn take_one_time(&self, address: Origin, drop: DropHash, now: Timestamp) -> Result<(), Refusal> {
        lock(&self.prekeys).take(&(address.map(site), drop), 1, now)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
