//! What one person does in a storm: writes, looks, goes away, is killed in the middle of it, and has accidents.

use std::{collections::BTreeSet, time::Duration};

use lightproof_core::{message::Direction, vault::memory::MemoryStore};
use lightproof_wire::time::DAY_MS;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use tokio::time::{sleep, timeout};

use super::{
    ledger::{Ledger, Sending},
    member::Member,
    storm::Kind,
};
use crate::{life::Life, scene::noise};

/// One person in a storm.
pub(super) struct Living {
    pub(super) member: Member,
    pub(super) rng: ChaCha20Rng,
    pub(super) ledger: Ledger,
    pub(super) kind: Kind,
    pub(super) people: usize,
    pub(super) seed: u64,
    pub(super) kills: u64,
    pub(super) sends: u64,
}

impl Living {
    /// Lives until then; how often it was killed.
    pub(super) async fn until(mut self, until_ms: u64) -> (Member, u64) {
        let mut copy = Earlier::None;
        while self.member.clock.elapsed_ms() < until_ms {
            sleep(Duration::from_millis(below(&mut self.rng, 12_000))).await;
            match below(&mut self.rng, 20) {
                0..7 => self.write(0).await,
                7 => self.write(1).await,
                8 => self.write(2).await,
                9..16 => self.look().await,
                16 => self.member.restart().await,
                17 => sleep(Duration::from_millis(below(&mut self.rng, 90_000))).await,
                _ => self.have_an_accident(&mut copy).await,
            }
        }
        (self.member, self.kills)
    }

    async fn have_an_accident(&mut self, copy: &mut Earlier) {
        match self.kind {
            Kind::Clocks => {
                let wrong = if below(&mut self.rng, 2) == 0 { 0 } else { wrong_ms(&mut self.rng, Wrong::OfPerson) };
                self.member.clock.set_wrong_ms(wrong);
            }
            Kind::OldVault | Kind::Restored if self.member.number == 0 => match std::mem::take(copy) {
                Earlier::None if self.kind == Kind::OldVault => *copy = Earlier::Disk(self.member.store.copy()),
                Earlier::None => *copy = Earlier::Backup(self.member.backup().await),
                Earlier::Disk(disk) => {
                    self.note_went_back().await;
                    self.member.go_back_to(&disk).await;
                }
                Earlier::Backup(backup) => {
                    self.note_went_back().await;
                    self.ledger.accidents.borrow_mut().restored = true;
                    self.member.restore(&backup).await;
                }
            },
            _ => {}
        }
    }

    async fn note_went_back(&self) {
        let inbox = self.member.messages(Direction::In).await;
        let had: BTreeSet<[u8; 16]> = inbox.iter().map(|message| message.message_id.0).collect();
        self.ledger.went_back(self.member.number, had);
    }

    async fn write(&mut self, photos: u64) {
        self.sends += 1;
        let note = format!("{}/{}/{}", self.seed, self.member.name(), self.sends);
        let (mut sending, mut names) =
            (Sending { from: self.member.number, to: self.others(), photos: Vec::new() }, Vec::new());
        for place in 0..photos {
            let photo = (self.rng.next_u64(), self.length_bytes());
            let name = format!("{}-{place}.bin", self.sends);
            self.member.files.put(&name, &noise(photo.0, photo.1));
            sending.photos.push(photo);
            names.push(name);
        }
        let to = sending.to.clone();
        self.ledger.write(&note, sending);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (life, patience) = self.fate();
        let send = life.spend(self.member.send(&to, &note, &names));
        match timeout(patience, send).await {
            Ok(Some(Ok(outcome))) => {
                outcome
                    .sent
                    .iter()
                    .filter_map(|sent| sent.waits.as_ref())
                    .for_each(|error| self.ledger.failed(self.member.number, error));
                self.member.life.go_on();
                if below(&mut self.rng, 8) > 0 {
                    self.member.client.told(&outcome.id, &mut self.member.rng).await.unwrap();
                }
            }
            Ok(Some(Err(error))) => {
                self.ledger.failed(self.member.number, &error);
                self.member.life.go_on();
            }
            Ok(None) | Err(_) => self.killed().await,
        }
    }

    async fn look(&mut self) {
        let (life, patience) = self.fate();
        match timeout(patience, life.spend(self.member.receive())).await {
            Ok(Some(outcome)) => {
                let failed = outcome.map_or_else(Some, |received| received.failed);
                failed.iter().for_each(|error| self.ledger.failed(self.member.number, error));
                self.member.life.go_on();
            }
            Ok(None) | Err(_) => self.killed().await,
        }
    }

    async fn killed(&mut self) {
        self.kills += 1;
        self.member.restart().await;
    }

    /// How long the process lives now: usually until it is done, else so many effects, or so much time.
    fn fate(&mut self) -> (Life, Duration) {
        let life = self.member.life.clone();
        match below(&mut self.rng, 6) {
            0 => life.ends_after(below(&mut self.rng, 80)),
            1 => return (life, Duration::from_millis(below(&mut self.rng, 20_000))),
            _ => {}
        }
        (life, Duration::from_secs(3_600))
    }

    /// One of the others, or some of them.
    fn others(&mut self) -> Vec<usize> {
        let mut others: Vec<usize> = (0..self.people).filter(|other| *other != self.member.number).collect();
        let keep = 1 + pick(&mut self.rng, others.len());
        while others.len() > keep {
            others.swap_remove(pick(&mut self.rng, others.len()));
        }
        others
    }

    /// Empty, tiny, one chunk, and a few chunks.
    fn length_bytes(&mut self) -> usize {
        match below(&mut self.rng, 5) {
            0 => 0,
            1 => 1 + pick(&mut self.rng, 100),
            2 | 3 => pick(&mut self.rng, 65_000),
            _ => 65_520 + pick(&mut self.rng, 140_000),
        }
    }
}

/// What somebody may go back to.
#[derive(Default)]
enum Earlier {
    #[default]
    None,
    Disk(MemoryStore),
    Backup(Vec<u8>),
}

/// Whose clock is wrong.
pub(super) enum Wrong {
    OfPerson,
    OfRelay,
}

/// Hours, days or years. A relay that is years ahead does what its operator's clock says: it forgets what is over.
pub(super) fn wrong_ms(rng: &mut ChaCha20Rng, whose: Wrong) -> i64 {
    const DAY: i64 = DAY_MS.cast_signed();
    let days = 1 + below(rng, 14).cast_signed();
    match (below(rng, 6), whose) {
        (0, _) => DAY / 24 * days,
        (1, _) => -DAY / 24 * days,
        (2, _) => DAY * days,
        (3, _) => -DAY * days,
        (4, Wrong::OfPerson) => DAY * 3_652,
        (5, Wrong::OfPerson) | (4 | 5, Wrong::OfRelay) => -DAY * 3_652,
        _ => 0,
    }
}

pub(super) fn below(rng: &mut ChaCha20Rng, bound: u64) -> u64 {
    rng.next_u64() % bound
}

/// One of so many.
pub(super) fn pick(rng: &mut ChaCha20Rng, count: usize) -> usize {
    usize::try_from(below(rng, count as u64)).unwrap()
}
