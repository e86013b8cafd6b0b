//! The network of a world: who reaches whom, and what becomes of each connection. One seed decides all of it.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::{Rc, Weak},
    time::Duration,
};

use lightproof_core::transport::{NamedBy, TransportError};
use lightproof_wire::{hash::Hasher, relay_link::RelayLink};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tokio::time::{Instant, sleep};

use super::{
    cable::{Cable, End, Fate, Weather},
    relay::WorldRelay,
};

/// What was done to connections, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Connections that were made.
    pub connections: u64,
    /// Connections that were refused or never answered.
    pub refused: u64,
    /// Connections broken at some byte.
    pub resets: u64,
    /// Directions that fell silent at some byte.
    pub silences: u64,
    /// Times somebody and a relay were kept apart.
    pub partitions: u64,
}

/// Somebody tried to reach a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// Who.
    pub person: usize,
    /// Which relay.
    pub link: RelayLink,
    /// Whether a user or a peer named it.
    pub named_by: NamedBy,
}

/// A connection, between whom it is, and its two milliseconds.
type Laid = (Weak<RefCell<Cable>>, (usize, String), [u64; 2]);

/// The network. A clone is the same network.
#[derive(Clone)]
pub struct Network(Rc<State>);

struct State {
    seed: u64,
    zero: Instant,
    calm: Cell<bool>,
    relays: RefCell<BTreeMap<String, Rc<WorldRelay>>>,
    apart: RefCell<BTreeSet<(usize, String)>>,
    cables: RefCell<Vec<Laid>>,
    dials: RefCell<Vec<Dial>>,
    dialled: RefCell<BTreeMap<usize, u64>>,
    faults: Cell<Faults>,
    trace: Rc<Cell<u64>>,
}

impl Network {
    /// A network that is calm until [`storm`](Self::storm).
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(State {
            seed,
            zero: Instant::now(),
            calm: Cell::new(true),
            relays: RefCell::default(),
            apart: RefCell::default(),
            cables: RefCell::default(),
            dials: RefCell::default(),
            dialled: RefCell::default(),
            faults: Cell::default(),
            trace: Rc::default(),
        }))
    }

    /// Makes a relay reachable.
    pub fn add(&self, relay: &Rc<WorldRelay>) {
        self.0.relays.borrow_mut().insert(relay.link().authority(), Rc::clone(relay));
    }

    /// Makes a relay reachable under another link as well.
    pub fn add_as(&self, link: &RelayLink, relay: &Rc<WorldRelay>) {
        self.0.relays.borrow_mut().insert(link.authority(), Rc::clone(relay));
    }

    /// From now on things go wrong.
    pub fn storm(&self) {
        self.0.calm.set(false);
    }

    /// From now on nothing goes wrong; what was broken is noticed now.
    pub fn heal(&self) {
        self.0.calm.set(true);
        self.0.apart.borrow_mut().clear();
        self.each_cable(|_| true, Cable::reset);
    }

    /// Keeps somebody and a relay apart: what they have open falls silent.
    pub fn part(&self, person: usize, relay: &RelayLink) {
        let pair = (person, relay.authority());
        self.count(|faults| faults.partitions += 1);
        self.each_cable(|between| *between == pair, Cable::fall_silent);
        self.0.apart.borrow_mut().insert(pair);
    }

    /// Lets them reach each other again.
    pub fn join(&self, person: usize, relay: &RelayLink) {
        self.0.apart.borrow_mut().remove(&(person, relay.authority()));
    }

    /// What was done so far.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.0.faults.get()
    }

    /// A digest of everything that was delivered, and when.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.0.trace.get()
    }

    /// Every attempt to reach a relay.
    #[must_use]
    pub fn dials(&self) -> Vec<Dial> {
        self.0.dials.borrow().clone()
    }

    /// One end of a connection to a relay; the relay has the other.
    pub(super) async fn connect(
        &self,
        person: usize,
        link: &RelayLink,
        named_by: NamedBy,
    ) -> Result<End, TransportError> {
        self.0.dials.borrow_mut().push(Dial { person, link: link.clone(), named_by });
        let number = self.next_dial(person);
        let mut rng = ChaCha20Rng::from_seed(self.seed_of(person, number));
        let calm = self.0.calm.get();
        let pair = (person, link.authority());
        let relay = self.0.relays.borrow().get(&link.authority()).cloned().ok_or(TransportError::Unreachable)?;
        let chance = rng.next_u64() % 100;
        let is_apart = self.0.apart.borrow().contains(&pair);
        if is_apart || !calm && chance < 4 {
            self.count(|faults| faults.refused += 1);
            sleep(Duration::from_secs(10)).await;
            return Err(TransportError::Unreachable);
        }
        if !relay.is_running() || !calm && chance < 12 {
            self.count(|faults| faults.refused += 1);
            sleep(Duration::from_millis(rng.next_u64() % 200)).await;
            return Err(TransportError::Unreachable);
        }
        sleep(Duration::from_millis(if calm { 1 } else { rng.next_u64() % 300 })).await;
        let fates = if calm { [Fate::Whole; 2] } else { self.fates(chance, &mut rng) };
        let slots = self.free_slots();
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let trace = Rc::clone(&self.0.trace);
        let told = Rc::new(move |at: u64, length: usize| {
            // FNV-1a over what a watcher of the network would write down.
            for part in [at, length as u64, person as u64, number] {
                trace.set((trace.get() ^ part).wrapping_mul(0x0100_0000_01b3));
            }
        });
        let (cable, [ours, theirs]) = Cable::lay(self.0.zero, &Weather { fates, seed, slots, calm }, told);
        self.0.cables.borrow_mut().push((Rc::downgrade(&cable), pair, slots));
        self.count(|faults| faults.connections += 1);
        relay.accept(theirs);
        Ok(ours)
    }

    /// Most connections hold; some break, or fall silent, in one of their directions, at any byte of theirs.
    fn fates(&self, chance: u64, rng: &mut ChaCha20Rng) -> [Fate; 2] {
        let bits = rng.next_u64() % 18;
        let after = rng.next_u64() % (1 << bits);
        let fate = match chance {
            12..42 => Fate::Reset(after),
            42..54 => Fate::Silent(after),
            _ => return [Fate::Whole; 2],
        };
        self.count(|faults| match fate {
            Fate::Reset(_) => faults.resets += 1,
            _ => faults.silences += 1,
        });
        if rng.next_u64().is_multiple_of(2) { [fate, Fate::Whole] } else { [Fate::Whole, fate] }
    }

    fn next_dial(&self, person: usize) -> u64 {
        let mut dialled = self.0.dialled.borrow_mut();
        let number = dialled.entry(person).or_default();
        *number += 1;
        *number
    }

    fn seed_of(&self, person: usize, number: u64) -> [u8; 32] {
        let mut hasher = Hasher::bare();
        for part in [self.0.seed, person as u64, number] {
            hasher.update(&part.to_be_bytes());
        }
        *hasher.finish().as_bytes()
    }

    /// Two milliseconds for each connection that lives.
    fn free_slots(&self) -> [u64; 2] {
        let mut cables = self.0.cables.borrow_mut();
        cables.retain(|(cable, ..)| cable.strong_count() > 0);
        let is_free = |slots: &[u64; 2]| cables.iter().all(|(.., taken)| taken != slots);
        (0..).map(|place| [2 * place, 2 * place + 1]).find(is_free).unwrap_or_default()
    }

    fn each_cable(&self, which: impl Fn(&(usize, String)) -> bool, act: impl Fn(&mut Cable)) {
        let cables = self.0.cables.borrow();
        let chosen = cables.iter().filter(|(_, between, _)| which(between));
        for cable in chosen.filter_map(|(cable, ..)| cable.upgrade()) {
            act(&mut cable.borrow_mut());
        }
    }

    fn count(&self, count: impl Fn(&mut Faults)) {
        let mut faults = self.0.faults.get();
        count(&mut faults);
        self.0.faults.set(faults);
    }
}
