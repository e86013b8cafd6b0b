//! Connections that are not established yet: bounded in all, and whoever holds most of them loses first.
//!
//! A socket costs its maker nothing, so refusing new ones when the room is full would let the silent keep out the
//! honest. The oldest go instead: an honest handshake takes milliseconds.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::{
    admit::site,
    metrics::{Counted, Metrics},
};

/// Whoever has said something keeps the room this long, so that a crowd of honest ones is served and not chased away.
const GRACE: Duration = Duration::from_secs(1);

/// All of them.
pub(crate) struct Handshakes {
    limit: usize,
    metrics: Metrics,
    under_way: Mutex<UnderWay>,
}

/// In an order that tells who must go without looking at all of them: a crowd that is sent away comes again at once.
#[derive(Default)]
struct UnderWay {
    next: u64,
    count: usize,
    /// Those of each site, oldest first.
    theirs: HashMap<IpAddr, BTreeMap<u64, Arc<Begun>>>,
    /// Who has most comes last, and of two with as many the one whose oldest is older.
    heaviest_last: BTreeSet<Weight>,
}

/// How many an address has, its oldest, and the address.
type Weight = (usize, Reverse<u64>, IpAddr);

struct Begun {
    address: IpAddr,
    since: Instant,
    has_spoken: AtomicBool,
    cut: CancellationToken,
}

/// One, until it is dropped.
pub(crate) struct Handshake {
    all: Arc<Handshakes>,
    number: u64,
    begun: Arc<Begun>,
    _counted: Counted,
}

impl Handshakes {
    pub(crate) fn new(limit: usize, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self { limit, metrics, under_way: Mutex::default() })
    }

    /// Makes room for one from this address. `None` if everybody here was heard of a moment ago: let it wait.
    pub(crate) fn begin(self: &Arc<Self>, address: IpAddr) -> Option<Handshake> {
        let mut under_way = self.lock();
        if under_way.count >= self.limit && !self.cut_one(&mut under_way) {
            return None;
        }
        let number = under_way.next;
        under_way.next = number.wrapping_add(1);
        let begun = Arc::new(Begun {
            address: site(address),
            since: Instant::now(),
            has_spoken: AtomicBool::new(false),
            cut: CancellationToken::new(),
        });
        under_way.insert(number, Arc::clone(&begun));
        let counted = Counted::more(&self.metrics.handshakes_open);
        Some(Handshake { all: Arc::clone(self), number, begun, _counted: counted })
    }

    /// Gives up so many for the sake of all, because descriptors have run out; whether there was one to give up.
    pub(crate) fn shed(&self, count: usize) -> bool {
        let mut under_way = self.lock();
        (0..count).take_while(|_| self.cut_one(&mut under_way)).count() > 0
    }

    fn cut_one(&self, under_way: &mut UnderWay) -> bool {
        let Some((number, address)) = under_way.victim(Instant::now()) else { return false };
        if let Some(begun) = under_way.remove(number, address) {
            begun.cut.cancel();
            self.metrics.handshakes_cut.inc();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    fn insert(&mut self, number: u64, begun: Arc<Begun>) {
        let address = begun.address;
        self.weigh_anew(address, |theirs| theirs.insert(number, begun));
        self.count = self.count.saturating_add(1);
    }

    fn remove(&mut self, number: u64, address: IpAddr) -> Option<Arc<Begun>> {
        let removed = self.weigh_anew(address, |theirs| theirs.remove(&number));
        if removed.is_some() {
            self.count = self.count.saturating_sub(1);
        }
        removed
    }

    fn weigh_anew<T>(&mut self, address: IpAddr, change: impl FnOnce(&mut BTreeMap<u64, Arc<Begun>>) -> T) -> T {
        let theirs = self.theirs.entry(address).or_default();
        if let Some(before) = weight(theirs, address) {
            self.heaviest_last.remove(&before);
        }
        let changed = change(theirs);
        match weight(theirs, address) {
            Some(after) => drop(self.heaviest_last.insert(after)),
            None => drop(self.theirs.remove(&address)),
        }
        changed
    }

    /// Of the address with most: the oldest that never spoke, else the oldest that has had its time.
    fn victim(&self, now: Instant) -> Option<(u64, IpAddr)> {
        let (_, _, most) = self.heaviest_last.last()?;
        let mut theirs = self.theirs.get(most)?.iter();
        let (oldest, begun) = theirs.clone().next()?;
        let silent = theirs.find(|(_, begun)| !begun.has_spoken.load(Ordering::Relaxed));
        let has_had_its_time = now.saturating_duration_since(begun.since) >= GRACE;
        let number = silent.map(|(number, _)| *number).or_else(|| has_had_its_time.then_some(*oldest))?;
        Some((number, *most))
    }
}

fn weight(theirs: &BTreeMap<u64, Arc<Begun>>, address: IpAddr) -> Option<Weight> {
    theirs.first_key_value().map(|(oldest, _)| (theirs.len(), Reverse(*oldest), address))
}

impl Handshake {
    /// Says that the other end does.
    pub(crate) fn spoke(&self) {
        self.begun.has_spoken.store(true, Ordering::Relaxed);
    }

    /// Cancelled when this one must go.
    pub(crate) fn cut(&self) -> CancellationToken {
        self.begun.cut.clone()
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.all.lock().remove(self.number, self.begun.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn begin(all: &Arc<Handshakes>, last: u8) -> Handshake {
        all.begin(address(last)).unwrap_or_else(|| panic!("no room"))
    }

    #[test]
    fn the_oldest_silent_one_of_whoever_has_most_goes_first() {
        let all = Handshakes::new(4, Metrics::default());
        let honest = begin(&all, 1);
        let crowd: Vec<_> = (0..3).map(|_| begin(&all, 2)).collect();
        crowd[0].spoke();
        let newcomer = begin(&all, 3);
        assert!(crowd[1].cut().is_cancelled(), "the oldest that said nothing");
        assert_eq!(crowd.iter().filter(|one| one.cut().is_cancelled()).count(), 1);
        assert!(!honest.cut().is_cancelled() && !newcomer.cut().is_cancelled());
        drop((honest, newcomer, crowd));
        let left = all.lock();
        assert!(left.count == 0 && left.theirs.is_empty() && left.heaviest_last.is_empty(), "nothing is remembered");
        drop(left);
        assert_eq!((all.metrics.handshakes_open.get(), all.metrics.handshakes_cut.get()), (0, 1));
    }

    #[test]
    fn a_crowd_from_all_over_an_ipv6_site_is_one() {
        let all = Handshakes::new(4, Metrics::default());
        let honest = begin(&all, 1);
        let of = |network: u16| IpAddr::from([0x2001, 0xdb8, 0, network, 0, 0, 0, 1]);
        let crowd: Vec<_> = (0..8).map(|network| all.begin(of(network)).unwrap()).collect();
        assert_eq!(crowd.iter().filter(|one| one.cut().is_cancelled()).count(), 5);
        assert!(!honest.cut().is_cancelled());
    }

    #[test]
    fn whoever_spoke_a_moment_ago_is_not_chased_away() {
        let all = Handshakes::new(2, Metrics::default());
        let crowd: Vec<_> = (0..2).map(|_| begin(&all, 1)).collect();
        crowd.iter().for_each(Handshake::spoke);
        assert!(all.begin(address(2)).is_none(), "the newcomer waits");
        let later = Instant::now() + GRACE;
        let victim = all.lock().victim(later);
        assert_eq!(victim, Some((crowd[0].number, address(1))), "the oldest, once it has had its time");
    }

    #[test]
    fn of_many_addresses_with_as_many_the_oldest_goes_and_no_newcomer() {
        let all = Handshakes::new(200, Metrics::default());
        let crowd: Vec<_> = (0..100).map(|last| begin(&all, last)).collect();
        let newcomers: Vec<_> = (100..200).map(|last| begin(&all, last)).collect();
        let more: Vec<_> = (200..=255).map(|last| begin(&all, last)).collect();
        let cut = |some: &[Handshake]| some.iter().map(|one| one.cut().is_cancelled()).collect::<Vec<_>>();
        assert_eq!(cut(&crowd), [[true; 56].as_slice(), [false; 44].as_slice()].concat(), "the oldest, one for each");
        assert!(!cut(&newcomers).contains(&true) && !cut(&more).contains(&true));
    }
}
