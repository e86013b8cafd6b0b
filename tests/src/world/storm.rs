//! A storm: people write, look, are killed and go away while the network does its worst; then it is over, and what was
//! acknowledged must be where it belongs.

use std::{future::Future, time::Duration};

use futures_util::future::join_all;
use lightproof_core::{
    event::Notice,
    message::{Direction, State},
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tokio::time::sleep;

use super::{
    founding::{Founded, World},
    ledger::{Ledger, Sending, Tally},
    living::{Living, Wrong, below, pick, wrong_ms},
    member::Member,
    network::{Faults, Network},
    relay::WorldRelay,
};

/// What goes wrong beside the network and the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing more.
    Network,
    /// Clocks jump, by up to ten years either way.
    Clocks,
    /// Somebody's disk is replaced by an older copy of itself.
    OldVault,
    /// A relay's disk is.
    OldRelay,
    /// Somebody's machine is lost, and a backup of theirs is restored on another.
    Restored,
}

/// What a storm came to.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// What went wrong beside the network.
    pub kind: Kind,
    /// What the network did.
    pub faults: Faults,
    /// Processes that ended in the middle of something, people's and relays'.
    pub kills: u64,
    /// Whether a home was restored from a backup.
    pub restored: bool,
    /// What was found in the end.
    pub tally: Tally,
    /// Virtual milliseconds from the end of the storm until everything was where it belongs.
    pub settled_after_ms: u64,
    /// Days that had to pass until then, where a rule says so.
    pub days: u64,
    /// Digest of what the network carried.
    pub trace: u64,
}

/// After a storm everything must be where it belongs within this time.
pub const SETTLED_WITHIN_MS: u64 = 60_000;
/// A session in which nothing was ever opened is begun anew after seven days; two more for a day that has begun.
const DAYS_MAX: u64 = 9;

/// One storm, decided by its seed.
pub struct Storm {
    seed: u64,
    rng: ChaCha20Rng,
    kind: Kind,
    people: usize,
    until_ms: u64,
}

impl Storm {
    /// The storm of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let kind = match seed % 8 {
            1 => Kind::Clocks,
            3 => Kind::OldVault,
            5 => Kind::OldRelay,
            7 => Kind::Restored,
            _ => Kind::Network,
        };
        let people = 2 + pick(&mut rng, 3);
        let until_ms = 60_000 + below(&mut rng, 300_000);
        Self { seed, rng, kind, people, until_ms }
    }

    /// Runs it.
    ///
    /// # Errors
    /// What was lost, shown twice, changed, out of order, or never settled.
    pub async fn rage(mut self, founded: &Founded) -> Result<Report, String> {
        let mut world = founded.world(self.seed, self.people).await;
        let ledger = Ledger::default();
        world.network.storm();
        let lives: Vec<_> = world.members.drain(..).map(|member| self.life(member, &ledger)).collect();
        let weather = self.weather(&world, &ledger);
        let (ends, relay_kills) = tokio::join!(join_all(lives), weather);
        let mut kills = relay_kills;
        for (member, killed) in ends {
            kills += killed;
            world.members.push(member);
        }
        Self::calm(&world);
        let (tally, settled_after_ms, days) = self.settle(&mut world, &ledger).await?;
        if self.kind == Kind::Network {
            check_quiet(&mut world, &ledger).await?;
        }
        let (faults, trace) = (world.network.faults(), world.network.trace());
        let restored = ledger.accidents.borrow().restored;
        Ok(Report { kind: self.kind, faults, kills, restored, tally, settled_after_ms, days, trace })
    }

    /// What one person does until the storm is over.
    fn life(&mut self, member: Member, ledger: &Ledger) -> impl Future<Output = (Member, u64)> + use<> {
        let rng = ChaCha20Rng::seed_from_u64(self.rng.next_u64());
        let life = Living {
            member,
            rng,
            ledger: ledger.clone(),
            kind: self.kind,
            people: self.people,
            seed: self.seed,
            kills: 0,
            sends: 0,
        };
        life.until(self.until_ms)
    }

    /// Partitions, and relays that end, forget and mistake the day. How many ended.
    fn weather(&mut self, world: &World, ledger: &Ledger) -> impl Future<Output = u64> + use<> {
        let mut rng = ChaCha20Rng::seed_from_u64(self.rng.next_u64());
        let (network, relays, clock) = (world.network.clone(), world.relays.clone(), world.clock.clone());
        let (kind, people, until_ms, ledger) = (self.kind, self.people, self.until_ms, ledger.clone());
        async move {
            let (mut kills, mut copy) = (0, None);
            while clock.elapsed_ms() < until_ms {
                sleep(Duration::from_millis(2_000 + below(&mut rng, 30_000))).await;
                let relay = &relays[pick(&mut rng, relays.len())];
                match (below(&mut rng, 6), kind) {
                    (0 | 1, _) => keep_apart(&network, pick(&mut rng, people), relay, &mut rng).await,
                    (2, _) => {
                        relay.kill();
                        kills += 1;
                        sleep(Duration::from_millis(below(&mut rng, 20_000))).await;
                        relay.start().await;
                    }
                    (3 | 4, Kind::OldRelay) => match copy.take() {
                        None => copy = Some(relays[0].copy_of_disk()),
                        Some(copy) => {
                            relays[0].go_back_to(copy).await;
                            ledger.accidents.borrow_mut().relay_went_back = true;
                        }
                    },
                    (3 | 4, Kind::Clocks) => {
                        relay.clock.set_wrong_ms(wrong_ms(&mut rng, Wrong::OfRelay));
                        ledger.accidents.borrow_mut().relay_clock = true;
                    }
                    (5, Kind::Clocks) => relay.clock.set_wrong_ms(0),
                    _ => {}
                }
            }
            kills
        }
    }

    /// The storm is over: whatever was broken is noticed now.
    fn calm(world: &World) {
        world.network.heal();
        for relay in &world.relays {
            relay.clock.set_wrong_ms(0);
        }
        for member in &world.members {
            member.clock.set_wrong_ms(0);
        }
    }

    /// Looks until everything is where it belongs.
    async fn settle(&self, world: &mut World, ledger: &Ledger) -> Result<(Tally, u64, u64), String> {
        let mut days = 0;
        let mut after_ms = 0;
        if self.kind != Kind::Network {
            // The tail of a line shows as missing once something follows it.
            self.look_until_settled(world, ledger).await.ok();
            write_round(world, ledger, self.seed).await;
        }
        loop {
            match self.look_until_settled(world, ledger).await {
                Ok((tally, took_ms)) => return Ok((tally, after_ms.max(took_ms), days)),
                Err(error) if self.kind == Kind::Network || days == DAYS_MAX => return Err(error),
                Err(_) => {}
            }
            days += 1;
            after_ms = SETTLED_WITHIN_MS;
            world.clock.skip_days(1);
        }
    }

    async fn look_until_settled(&self, world: &mut World, ledger: &Ledger) -> Result<(Tally, u64), String> {
        let begun_ms = world.clock.elapsed_ms();
        loop {
            look(world, ledger).await;
            let judged = ledger.judge(world).await;
            let took_ms = world.clock.elapsed_ms() - begun_ms;
            match judged {
                Ok(tally) => return Ok((tally, took_ms)),
                Err(error) if took_ms > SETTLED_WITHIN_MS => return Err(format!("after {took_ms} ms: {error}")),
                Err(_) => sleep(Duration::from_secs(5)).await,
            }
        }
    }
}

/// Everybody looks once.
async fn look(world: &mut World, ledger: &Ledger) {
    let looks = world.members.iter_mut().map(async |member: &mut Member| match member.receive().await {
        Err(error) => ledger.failed(member.number, &error),
        Ok(received) => received.failed.iter().for_each(|error| ledger.failed(member.number, error)),
    });
    join_all(looks).await;
}

/// Everybody writes to everybody.
async fn write_round(world: &mut World, ledger: &Ledger, seed: u64) {
    let people = world.members.len();
    for member in &mut world.members {
        let to: Vec<usize> = (0..people).filter(|other| *other != member.number).collect();
        let note = format!("{seed}/{}/last", member.name());
        ledger.write(&note, Sending { from: member.number, to: to.clone(), photos: Vec::new() });
        if let Err(error) = member.send(&to, &note, &[]).await {
            ledger.failed(member.number, &error);
        }
    }
}

/// In a world where only lines and processes break nobody is told anything alarming, and in the end every sender knows.
async fn check_quiet(world: &mut World, ledger: &Ledger) -> Result<(), String> {
    for _ in 0..4 {
        world.clock.skip_ms(70_000);
        look(world, ledger).await;
    }
    for member in &world.members {
        let alarms: Vec<Notice> = member.heard().into_iter().filter(is_strange).collect();
        let status = member.client.status().await.unwrap();
        let untold =
            member.messages(Direction::Out).await.iter().filter(|message| message.state != State::Delivered).count();
        if !alarms.is_empty() || !status.aside.is_empty() || (status.missing, status.receipts_due, untold) != (0, 0, 0)
        {
            let aside = &status.aside;
            return Err(format!(
                "{} was told {alarms:?}; aside {aside:?}, {} missing, {} receipts owed, {untold} without a receipt",
                member.name(),
                status.missing,
                status.receipts_due,
            ));
        }
    }
    Ok(())
}

/// What nobody should hear where nothing is lost and nobody lies.
const fn is_strange(notice: &Notice) -> bool {
    !matches!(notice, Notice::NewSession(_) | Notice::Superseded)
}

async fn keep_apart(network: &Network, person: usize, relay: &WorldRelay, rng: &mut ChaCha20Rng) {
    network.part(person, relay.link());
    sleep(Duration::from_millis(5_000 + below(rng, 60_000))).await;
    network.join(person, relay.link());
}
