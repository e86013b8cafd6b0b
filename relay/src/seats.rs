//! Seats for established connections: so many in all, and so many for one address. Where all are taken, whoever has the
//! fewest gets one of whoever has the most (max-min fairness): a crowd cannot keep a newcomer out.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    admit::{network, site},
    metrics::Metrics,
    shutdown,
    socket::GOODBYE,
};

/// A connection that gives up its seat has this long to end in: as long as one takes that takes nothing, and a moment.
const GIVING_WAY: Duration = shutdown::PATIENCE.saturating_add(GOODBYE).saturating_add(Duration::from_millis(500));

/// What a relay can seat.
pub(crate) struct Seats {
    free: Arc<Semaphore>,
    per_address: usize,
    metrics: Metrics,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    by_site: HashMap<Option<IpAddr>, Vec<Place>>,
    /// Who were asked to give way and are still there.
    leaving: usize,
    /// Who wait for their seats.
    waiting: usize,
}

struct Place {
    number: u64,
    address: Option<IpAddr>,
    is_seated: bool,
    give_way: CancellationToken,
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// This address has as many as one may have.
    ForThisAddress,
    /// All are taken.
    ForAnybody,
}

/// One connection's, until it is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    site: Option<IpAddr>,
    number: u64,
    give_way: CancellationToken,
    free: Option<OwnedSemaphorePermit>,
}

impl Seats {
    pub(crate) fn new(in_all: usize, per_address: usize, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(in_all)), per_address, metrics, taken: Mutex::default() })
    }

    /// Takes a seat for a connection from this address, or from nobody knows where. It ends with `stop`, or before.
    pub(crate) async fn take(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        stop: &CancellationToken,
    ) -> Result<Seat, NoSeat> {
        let found = self.find(address, stop).await;
        found.inspect_err(|_| _ = self.metrics.seats_refused.inc())
    }

    async fn find(self: &Arc<Self>, address: Option<IpAddr>, stop: &CancellationToken) -> Result<Seat, NoSeat> {
        let mut seat = self.claim(address, stop)?;
        if seat.free.is_none() {
            let freed = timeout(GIVING_WAY, Arc::clone(&self.free).acquire_owned()).await;
            let free = freed.map_err(|_| NoSeat::ForAnybody)?.map_err(|_| NoSeat::ForAnybody)?;
            self.lock().sit_down(&mut seat, free);
        }
        Ok(seat)
    }

    /// Whether a connection from this address would find none, so that it need not even shake hands.
    pub(crate) fn are_taken(&self, address: Option<IpAddr>) -> bool {
        // Behind a proxy nobody knows yet whose it is.
        let Some(address) = address else { return false };
        let taken = self.lock();
        let is_full = self.free.available_permits() == 0 && taken.crowded(Some(site(address))).is_none();
        is_full || taken.count(Some(site(address)), Some(network(address))) >= self.per_address
    }

    /// A seat that is counted. Where none is free, another is about to give way.
    fn claim(self: &Arc<Self>, address: Option<IpAddr>, stop: &CancellationToken) -> Result<Seat, NoSeat> {
        let (site, address) = (address.map(site), address.map(network));
        let mut taken = self.lock();
        if address.is_some() && taken.count(site, address) >= self.per_address {
            return Err(NoSeat::ForThisAddress);
        }
        let free = Arc::clone(&self.free).try_acquire_owned().ok();
        if free.is_none() {
            // Whoever went away again while they waited has left a seat that is coming free: nobody else gives way for it.
            if taken.leaving <= taken.waiting {
                let crowded = taken.crowded(site).ok_or(NoSeat::ForAnybody)?;
                if taken.pop(crowded) {
                    self.metrics.seats_given_up.inc();
                }
            }
            taken.waiting = taken.waiting.saturating_add(1);
        }
        let (number, give_way) = (taken.next, stop.child_token());
        taken.next = taken.next.wrapping_add(1);
        let place = Place { number, address, is_seated: free.is_some(), give_way: give_way.clone() };
        taken.by_site.entry(site).or_default().push(place);
        Ok(Seat { seats: Arc::clone(self), site, number, give_way, free })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn count(&self, site: Option<IpAddr>, address: Option<IpAddr>) -> usize {
        self.by_site.get(&site).map_or(0, |places| places.iter().filter(|place| place.address == address).count())
    }

    /// The site with the most seats, if one of them for this site leaves it more than this one has then.
    fn crowded(&self, site: Option<IpAddr>) -> Option<Option<IpAddr>> {
        let ours = self.by_site.get(&site).map_or(0, Vec::len);
        let (crowded, places) = self.by_site.iter().max_by_key(|(_, places)| places.len())?;
        (places.len() > ours.saturating_add(1)).then_some(*crowded)
    }

    /// Whoever of a site was seated last gives way; whether there was one.
    fn pop(&mut self, site: Option<IpAddr>) -> bool {
        let Some(places) = self.by_site.get_mut(&site) else { return false };
        let Some(newest) = places.iter().rposition(|place| place.is_seated) else { return false };
        places.remove(newest).give_way.cancel();
        self.leaving = self.leaving.saturating_add(1);
        true
    }

    /// Whoever waited has a seat.
    fn sit_down(&mut self, seat: &mut Seat, free: OwnedSemaphorePermit) {
        seat.free = Some(free);
        self.waiting = self.waiting.saturating_sub(1);
        let places = self.by_site.get_mut(&seat.site);
        if let Some(place) = places.and_then(|places| places.iter_mut().find(|place| place.number == seat.number)) {
            place.is_seated = true;
        }
    }
}

impl Seat {
    /// When the connection has to end.
    pub(crate) fn give_way(&self) -> CancellationToken {
        self.give_way.clone()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        if self.free.is_none() {
            taken.waiting = taken.waiting.saturating_sub(1);
        }
        let places = taken.by_site.get_mut(&self.site);
        let place = places.and_then(|all| Some((all.iter().position(|place| place.number == self.number)?, all)));
        match place {
            Some((at, places)) => {
                places.remove(at);
                if places.is_empty() {
                    taken.by_site.remove(&self.site);
                }
            }
            None => taken.leaving = taken.leaving.saturating_sub(1),
        }
        // While nobody looks: it is counted by neither or by both.
        drop(self.free.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    async fn take(seats: &Arc<Seats>, address: Option<IpAddr>) -> Result<Seat, NoSeat> {
        seats.take(address, &CancellationToken::new()).await
    }

    async fn taken<const N: usize>(seats: &Arc<Seats>, addresses: [Option<IpAddr>; N]) -> Vec<Seat> {
        let mut all = Vec::new();
        for address in addresses {
            all.push(take(seats, address).await.unwrap_or_else(|_| panic!("no seat")));
        }
        all
    }

    #[tokio::test]
    async fn an_address_fills_its_own_seats_and_nobody_elses() {
        let seats = Seats::new(4, 2, Metrics::default());
        let mut ours = taken(&seats, [address(1), address(1)]).await;
        assert_eq!(take(&seats, address(1)).await.err(), Some(NoSeat::ForThisAddress));
        assert!(seats.are_taken(address(1)) && !seats.are_taken(address(2)) && !seats.are_taken(None));
        ours.pop();
        assert!(take(&seats, address(1)).await.is_ok(), "a seat is given back");
        drop(ours);
        assert!(seats.lock().by_site.is_empty(), "nothing is remembered");
        assert_eq!(seats.free.available_permits(), 4);
    }

    #[tokio::test]
    async fn where_all_are_taken_the_newest_of_the_largest_crowd_gives_way() {
        let seats = Seats::new(4, 4, Metrics::default());
        let mut crowd = taken(&seats, [address(1), address(1), None, address(1)]).await;
        let newest = crowd.pop().unwrap();
        let ends = newest.give_way();
        // As a connection does.
        let ended = tokio::spawn(async move {
            ends.cancelled().await;
            drop(newest);
        });
        assert!(!seats.are_taken(address(2)));
        let newcomer = take(&seats, address(2)).await;
        assert!(newcomer.is_ok());
        ended.await.unwrap();
        assert!(crowd.iter().all(|seat| !seat.give_way().is_cancelled()), "and nobody else");
        assert!(seats.are_taken(address(1)), "a crowd takes nothing from others");
        assert_eq!(take(&seats, address(1)).await.err(), Some(NoSeat::ForAnybody));
        assert_eq!((seats.metrics.seats_given_up.get(), seats.metrics.seats_refused.get()), (1, 1));
        drop((crowd, newcomer));
        assert!(seats.lock().by_site.is_empty());
        assert_eq!(seats.free.available_permits(), 4);
    }

    #[tokio::test]
    async fn where_everybody_has_one_there_is_none_for_another() {
        let seats = Seats::new(2, 2, Metrics::default());
        let all = taken(&seats, [address(1), address(2)]).await;
        assert!(seats.are_taken(address(3)) && !seats.are_taken(None), "of whom nobody knows whose they are, too");
        assert_eq!(take(&seats, address(3)).await.err(), Some(NoSeat::ForAnybody));
        assert!(all.iter().all(|seat| !seat.give_way().is_cancelled()));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_seat_that_is_not_given_up_is_told_and_takes_none() {
        let seats = Seats::new(2, 2, Metrics::default());
        let crowd = taken(&seats, [address(1), address(1)]).await;
        assert_eq!(take(&seats, address(2)).await.err(), Some(NoSeat::ForAnybody));
        drop(crowd);
        assert!(seats.lock().by_site.is_empty() && seats.free.available_permits() == 2);
    }

    #[tokio::test]
    async fn who_goes_away_while_they_wait_cost_a_crowd_one_seat_and_not_many() {
        let seats = Seats::new(4, 4, Metrics::default());
        let mut crowd = taken(&seats, [address(1); 4]).await;
        for _ in 0..3 {
            let mut waiting = Box::pin(take(&seats, address(2)));
            assert!(futures_util::poll!(&mut waiting).is_pending());
            drop(waiting);
        }
        let given_up = |crowd: &[Seat]| crowd.iter().filter(|seat| seat.give_way().is_cancelled()).count();
        assert_eq!(given_up(&crowd), 1);
        // Two who stay do: one for the seat that is coming free, one for another.
        let mut two = Box::pin(futures_util::future::join(take(&seats, address(2)), take(&seats, address(3))));
        assert!(futures_util::poll!(&mut two).is_pending());
        assert_eq!(given_up(&crowd), 2);
        crowd.retain(|seat| !seat.give_way().is_cancelled());
        let (one, other) = two.await;
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(seats.lock().leaving, 0);
        assert_eq!(seats.lock().waiting, 0);
        assert_eq!(given_up(&crowd), 0);
        drop((crowd, one, other));
        assert!(seats.lock().by_site.is_empty() && seats.free.available_permits() == 4);
    }

    #[tokio::test]
    async fn an_ipv6_customer_is_one_address_and_one_site() {
        let of = |text: &str| Some(text.parse().unwrap());
        let seats = Seats::new(4, 1, Metrics::default());
        let mut all = taken(&seats, [of("2001:db8::1"), of("2001:db8:0:1::1"), of("2001:db8:0:2::1")]).await;
        assert_eq!(take(&seats, of("2001:db8::2:1")).await.err(), Some(NoSeat::ForThisAddress));
        all.extend(taken(&seats, [of("2001:db8:0:3::1")]).await);
        assert!(seats.are_taken(of("2001:db8:0:4::1")), "all of one site");
        assert!(!seats.are_taken(of("2001:db8:1::1")), "another gets one of theirs");
    }
}
