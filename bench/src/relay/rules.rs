//! The relay's rules and store without anything around them: fills a relay's folder, and shows what deposits cost there.

use std::{path::Path, time::Instant};

use lightproof_relay::{
    config::Config,
    limits::Limits,
    mailbox::{self, Creation},
    store::{
        self, RowsMut,
        disk::{DiskLimits, DiskStore},
    },
};
use lightproof_wire::{
    command::MailboxKind,
    envelope::Envelope,
    limits::ENVELOPE_BYTES,
    time::{Day, Timestamp},
};

use super::wire::Mailbox;
use crate::{error::BenchError, material::Noise};

/// For filling: nothing is read twice from the disk.
const LARGE_CACHE_BYTES: usize = 2 << 30;
/// Mailboxes and envelopes of one commit.
const MAILBOXES_AT_ONCE: usize = 50_000;
const ENVELOPES_AT_ONCE: usize = 2_048;
/// Far from the numbers of those who make load.
const FIRST: u64 = 1 << 40;

/// A store on disk with mailboxes in it.
pub(crate) struct Rules {
    store: DiskStore,
    limits: Limits,
    mailboxes: usize,
    today: Day,
    count: u64,
    noise: Vec<u8>,
}

impl Rules {
    /// With the relay's own settings.
    pub(crate) async fn create(folder: &Path, mailboxes: usize) -> Result<Self, BenchError> {
        let config = Config::local(folder.to_owned(), ([127, 0, 0, 1], 0).into()).map_err(BenchError::wrong)?;
        Self::open(folder, mailboxes, config.limits, config.disk).await
    }

    /// Puts so many mailboxes into a relay's folder, and so many envelopes, spread over all.
    pub(crate) async fn fill(folder: &Path, mailboxes: usize, envelopes: usize) -> Result<(), BenchError> {
        let config = Config::local(folder.to_owned(), ([127, 0, 0, 1], 0).into()).map_err(BenchError::wrong)?;
        let disk = DiskLimits { cache_bytes: LARGE_CACHE_BYTES, ..config.disk };
        let mut rules = Self::open(folder, mailboxes, config.limits, disk).await?;
        let mut left = envelopes;
        while left > 0 {
            let now = left.min(ENVELOPES_AT_ONCE);
            rules.commit(now).await?;
            left -= now;
        }
        Ok(())
    }

    async fn open(folder: &Path, mailboxes: usize, limits: Limits, disk: DiskLimits) -> Result<Self, BenchError> {
        let store = DiskStore::open(&folder.join("rows.redb"), disk).map_err(BenchError::wrong)?;
        let limits = Limits { mailbox_envelopes: u32::MAX, ..limits };
        let today = today();
        for first in (0..mailboxes).step_by(MAILBOXES_AT_ONCE) {
            let create = move |rows: &mut dyn RowsMut| {
                for number in (first..mailboxes).take(MAILBOXES_AT_ONCE) {
                    let mailbox = numbered(number);
                    let (owner, drop) = (mailbox.owner.hash(), mailbox.drop.hash());
                    let creation = Creation { owner, drop, kind: MailboxKind::Private, access: None };
                    mailbox::create(rows, creation, today, &limits)?;
                }
                Ok(())
            };
            store::commit(&store, create).await.map_err(BenchError::wrong)?.into_inner();
        }
        Ok(Self { store, limits, mailboxes, today, count: 0, noise: Noise(6).bytes(ENVELOPE_BYTES) })
    }

    /// One commit of so many deposits, each in the next mailbox, in seconds.
    pub(crate) async fn commit(&mut self, count: usize) -> Result<f64, BenchError> {
        let mut deposits = Vec::with_capacity(count);
        for _ in 0..count {
            self.count = self.count.wrapping_add(1);
            for (byte, new) in self.noise.iter_mut().zip(self.count.to_be_bytes()) {
                *byte = new;
            }
            let envelope = Envelope::from_bytes(&self.noise).map_err(BenchError::wrong)?;
            let digest = envelope.digest();
            let number = usize::try_from(self.count).map_err(BenchError::wrong)? % self.mailboxes;
            deposits.push((numbered(number).drop.hash(), envelope, digest));
        }
        let (limits, today) = (self.limits, self.today);
        let deposit = move |rows: &mut dyn RowsMut| {
            for (drop, envelope, digest) in deposits {
                mailbox::deposit(rows, drop, envelope, digest, today, &limits)?;
            }
            Ok(())
        };
        let start = Instant::now();
        store::commit(&self.store, deposit).await.map_err(BenchError::wrong)?.into_inner();
        Ok(start.elapsed().as_secs_f64())
    }
}

fn numbered(number: usize) -> Mailbox {
    Mailbox::numbered(FIRST.wrapping_add(number as u64))
}

/// The day by the clock that the relay will look at.
fn today() -> Day {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(0)).day()
}
