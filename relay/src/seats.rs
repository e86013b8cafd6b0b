//! Seats for established connections: so many in all, and so many for one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::admit::network;

/// What a relay can seat.
pub(crate) struct Seats {
    free: Arc<Semaphore>,
    per_address: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
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
    address: Option<IpAddr>,
    _free: OwnedSemaphorePermit,
}

impl Seats {
    pub(crate) fn new(in_all: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(in_all)), per_address, taken: Mutex::default() })
    }

    /// Takes a seat for a connection from this address, or from nobody knows where.
    pub(crate) fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Seat, NoSeat> {
        let address = address.map(network);
        let free = Arc::clone(&self.free).try_acquire_owned().map_err(|_| NoSeat::ForAnybody)?;
        if let Some(address) = address {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let count = taken.entry(address).or_insert(0);
            if *count >= self.per_address {
                return Err(NoSeat::ForThisAddress);
            }
            *count = count.saturating_add(1);
        }
        Ok(Seat { seats: Arc::clone(self), address, _free: free })
    }

    /// Whether a connection from this address would find none, so that it need not even shake hands.
    pub(crate) fn are_taken(&self, address: Option<IpAddr>) -> bool {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = address.and_then(|address| taken.get(&network(address)).copied()).unwrap_or(0);
        self.free.available_permits() == 0 || count >= self.per_address
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_fills_its_own_seats_and_nobody_elses() {
        let seats = Seats::new(4, 2);
        let address = |last| Some(IpAddr::from([192, 0, 2, last]));
        let mut ours: Vec<_> = (0..2).map(|_| seats.take(address(1)).unwrap_or_else(|_| panic!("no seat"))).collect();
        assert_eq!(seats.take(address(1)).err(), Some(NoSeat::ForThisAddress));
        assert!(seats.are_taken(address(1)) && !seats.are_taken(address(2)) && !seats.are_taken(None));
        let others = [seats.take(address(2)), seats.take(None)];
        assert!(others.iter().all(Result::is_ok));
        assert_eq!(seats.take(address(3)).err(), Some(NoSeat::ForAnybody));
        ours.pop();
        assert!(seats.take(address(1)).is_ok(), "a seat is given back");
        drop((ours, others));
        assert!(seats.taken.lock().unwrap().is_empty(), "nothing is remembered");
        assert_eq!(seats.free.available_permits(), 4);
    }

    #[test]
    fn an_ipv6_customer_is_one_address() {
        let seats = Seats::new(4, 1);
        let first = seats.take(Some("2001:db8::1".parse().unwrap()));
        assert!(first.is_ok());
        assert_eq!(seats.take(Some("2001:db8::2:1".parse().unwrap())).err(), Some(NoSeat::ForThisAddress));
        assert!(seats.take(Some("2001:db8:0:1::1".parse().unwrap())).is_ok());
    }
}
