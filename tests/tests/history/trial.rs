//! A life of a relay in a few dozen acts: depositors that lose replies, recipients that come and go, crashes, days, blobs
//! and prekeys. Everything that anybody saw goes into the history.

use std::{collections::VecDeque, sync::Arc};

use lightproof_relay::{
    Relay, RunningRelay,
    config::{Config, Tls},
    store::{
        disk::{DiskLimits, DiskStore},
        memory::MemoryChunks,
    },
};
use lightproof_tests::{
    history::{Event, Hash, History},
    power::{
        chance::Chance,
        cut::{Depth, cuts},
        disk::Disk,
        image::Image,
    },
    relay::{TestClock, unhurried},
    wire::Wire,
};
use lightproof_wire::{
    capability::{Capability, right},
    command::{Command, MailboxKind},
    reply::Reply,
};
use tempfile::TempDir;

use crate::{
    plant::Plant,
    recipient::Taking,
    store::{PlantedChunks, PlantedStore},
};

/// A doorbell and a private mailbox.
const MAILBOXES: [u8; 2] = [0, 1];
const DAYS: u16 = 3;
const ACTS: usize = 20;
const DISK: DiskLimits = DiskLimits { cache_bytes: 1 << 20, queue_length: 64 };

pub(crate) struct Trial {
    pub(crate) history: History,
    pub(crate) plant: Option<Plant>,
    pub(crate) chance: Chance,
    pub(crate) clock: TestClock,
    folder: TempDir,
    disk: Disk,
    chunks: Arc<MemoryChunks>,
    relay: Option<RunningRelay>,
    /// Written and not known to be deposited, by mailbox.
    pub(crate) outbox: [VecDeque<u64>; 2],
    pub(crate) known: Vec<Hash>,
    pub(crate) written: u64,
    pub(crate) made: u8,
}

impl Trial {
    /// Lives it.
    pub(crate) async fn run(plant: Option<Plant>, seed: u64) -> History {
        let clock = TestClock::default();
        let mut trial = Self {
            history: History::default(),
            plant,
            chance: Chance::new(seed),
            clock,
            folder: tempfile::tempdir().unwrap(),
            disk: Disk::default(),
            chunks: Arc::default(),
            relay: None,
            outbox: Default::default(),
            known: Vec::new(),
            written: 0,
            made: 0,
        };
        trial.start().await;
        for mailbox in MAILBOXES {
            trial.create(mailbox).await;
        }
        for _ in 0..ACTS {
            trial.act().await;
            // A bug that has shown itself goes on to spoil things: nothing more is to be learnt.
            if trial.is_caught() {
                return trial.history;
            }
        }
        trial.end().await;
        trial.history
    }

    async fn act(&mut self) {
        let mailbox = MAILBOXES[usize::from(self.chance.one_in(2))];
        match self.chance.below(20) {
            0..=6 => self.write(mailbox, 1).await,
            7 => self.write(mailbox, 4).await,
            8 => self.at_once(mailbox).await,
            9 => self.unanswered(mailbox).await,
            10 => self.look(mailbox, Taking::All, 0).await,
            11 => self.look(mailbox, Taking::Nothing, 0).await,
            12 => self.look(mailbox, Taking::AllButOne, 0).await,
            13 => self.look(mailbox, Taking::All, 2).await,
            14 | 15 => self.crash().await,
            16 | 17 => self.next_day().await,
            18 => self.prekeys().await,
            _ => self.blob().await,
        }
    }

    /// What lies long is there until its last day, and what came a day later for a day more.
    async fn grow_old(&mut self) {
        self.write(1, 1).await;
        self.next_day().await;
        self.write(1, 1).await;
        for _ in 1..DAYS {
            self.next_day().await;
        }
        self.look(1, Taking::Nothing, 0).await;
        self.next_day().await;
        self.look(1, Taking::Nothing, 0).await;
    }

    /// Days, then more than a window holds, and then everything that is left.
    async fn end(&mut self) {
        self.look(1, Taking::All, 0).await;
        self.grow_old().await;
        self.write(1, 36).await;
        self.crash().await;
        for mailbox in MAILBOXES {
            self.write(mailbox, 1).await;
            self.look(mailbox, Taking::All, 1).await;
            self.look(mailbox, Taking::All, 0).await;
        }
    }

    pub(crate) fn is_caught(&self) -> bool {
        self.plant.is_some() && !self.history.check().is_empty()
    }

    pub(crate) fn patience_ms(&self) -> u32 {
        // A bug is caught when nothing comes; that nothing comes from the shipped relay is waited for.
        if self.plant.is_some() { 500 } else { 20_000 }
    }

    async fn start(&mut self) {
        let mut config = Config::local(self.folder.path().to_owned(), ([127, 0, 0, 1], 0).into()).unwrap();
        config.tls = Tls::BehindProxy;
        config.limits.envelope_days = DAYS;
        config.rates = unhurried();
        let store =
            PlantedStore::around(DiskStore::open_on(self.disk.clone(), self.disk.second(), DISK).unwrap(), self.plant);
        let chunks = PlantedChunks { real: Arc::clone(&self.chunks), plant: self.plant };
        let clock = self.clock.clone();
        let now = Arc::new(move || clock.now());
        self.relay = Some(Relay::start_with(config, Arc::new(store), Arc::new(chunks), now).await.unwrap());
        self.history.note(Event::Day(self.clock.now().day().0));
    }

    /// The power goes; the relay starts again on what is left.
    async fn crash(&mut self) {
        self.disk.goes_off();
        let image = self.left();
        self.relay = None;
        self.disk = Disk::with(image);
        self.start().await;
    }

    fn left(&mut self) -> Image {
        let all = cuts(&self.disk);
        // A commit is two syncs, or three with envelopes in it: a disk that lies forgets the last one or more.
        let lost = if self.plant == Some(Plant::AckBeforeSync) { 3 + 3 * self.chance.below(3) } else { 0 };
        let at = all.len().saturating_sub(1 + usize::try_from(lost).unwrap()).max(7).min(all.len() - 1);
        let left = all[at].images(Depth { every_subset: 4, samples: 4 }, &mut self.chance);
        left[usize::try_from(self.chance.below(left.len() as u64)).unwrap()].image.clone()
    }

    async fn next_day(&mut self) {
        self.clock.advance_days(1);
        self.crash().await;
        // The sweep runs as the relay starts.
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }

    pub(crate) async fn wire(&self) -> Wire {
        Wire::to(self.relay.as_ref().unwrap().link()).await.unwrap()
    }

    async fn create(&mut self, mailbox: u8) {
        let kind = if mailbox == 0 { MailboxKind::Doorbell } else { MailboxKind::Private };
        let (owner, drop) = (secret(mailbox).hash(), secret(mailbox).hash());
        let created = self.wire().await.ask(Command::CreateMailbox { owner, drop, kind, access: None }).await;
        assert_eq!(created, Some(Reply::Created));
        if self.plant == Some(Plant::AckBeforeCommit) {
            // That a mailbox is lost is another story: something after it carries it to the disk.
            self.write(mailbox, 1).await;
        }
    }
}

/// A capability that a number stands for.
pub(crate) fn secret<R: right::Right>(number: u8) -> Capability<R> {
    Capability::from_bytes([number ^ 0x55; 32])
}
