//! How a world begins: homes that are registered and know each other's cards are made once, and copied for each seed.

use std::rc::Rc;

use lightproof_core::vault::memory::MemoryStore;

use super::{
    clock::WorldClock,
    member::{Member, NAMES},
    network::Network,
    relay::{RelayDisk, WorldRelay},
};

/// Relays of a world.
const RELAYS: u8 = 2;

/// Disks on which a world can begin. Making them costs a second; copying them costs nothing.
pub struct Founded {
    homes: Vec<MemoryStore>,
    relays: Vec<RelayDisk>,
}

/// One world.
pub struct World {
    /// The network.
    pub network: Network,
    /// The clock that is right.
    pub clock: WorldClock,
    /// Its relays; person `n` has a home at relay `n % 2`.
    pub relays: Vec<Rc<WorldRelay>>,
    /// Its people.
    pub members: Vec<Member>,
}

impl Founded {
    /// Four people, two at each of two relays, who have each other's cards and have not written yet.
    pub async fn neighbours() -> Self {
        let world = World::with_relays(0, &[RelayDisk::default(), RelayDisk::default()]).await;
        let mut members = Vec::new();
        for number in 0..NAMES.len() {
            let relay = &world.relays[number % RELAYS as usize];
            members.push(Member::settle(number, relay.link(), &world.network, &world.clock).await);
        }
        for number in 0..members.len() {
            let mut member = members.remove(number);
            for other in &members {
                member.add(other).await;
            }
            members.insert(number, member);
        }
        World { members, ..world }.found()
    }

    /// A world with the first `people` of them.
    pub async fn world(&self, seed: u64, people: usize) -> World {
        let mut world = World::with_relays(seed, &self.relays).await;
        for (number, home) in self.homes.iter().take(people).enumerate() {
            let clock = world.clock.another();
            world.members.push(Member::open(number, home.copy(), seed, &world.network, clock).await);
        }
        world
    }
}

impl World {
    async fn with_relays(seed: u64, disks: &[RelayDisk]) -> Self {
        let (network, clock) = (Network::new(seed), WorldClock::right());
        let mut relays = Vec::new();
        for (number, disk) in (0_u8..).zip(disks) {
            let relay = WorldRelay::new(number, disk.copy(), clock.another());
            relay.start().await;
            network.add(&relay);
            relays.push(relay);
        }
        Self { network, clock, relays, members: Vec::new() }
    }

    /// Disks on which other worlds can begin as this one stands.
    #[must_use]
    pub fn found(&self) -> Founded {
        Founded {
            homes: self.members.iter().map(|member| member.store.copy()).collect(),
            relays: self.relays.iter().map(|relay| relay.copy_of_disk()).collect(),
        }
    }

    /// The relay where somebody has their home.
    #[must_use]
    pub fn home_of(&self, person: usize) -> &Rc<WorldRelay> {
        &self.relays[person % self.relays.len()]
    }
}
