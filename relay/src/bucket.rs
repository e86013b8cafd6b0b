//! Counting what is asked for: token buckets and counts of a day, one or many, never more than a fixed number of them.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    marker::PhantomData,
};

use lightproof_wire::{
    refusal::Refusal,
    time::{Day, Timestamp},
};

/// So many in some time for long, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    count: u32,
    within_ms: u32,
    burst: u32,
}

impl Allowance {
    /// So many in a second.
    #[must_use]
    pub fn per_second(count: u32, burst: u32) -> Self {
        Self::new(count, 1_000, burst)
    }

    /// So many in a minute, or all of them at once.
    #[must_use]
    pub fn per_minute(count: u32) -> Self {
        Self::new(count, 60_000, count)
    }

    fn new(count: u32, within_ms: u32, burst: u32) -> Self {
        Self { count: count.max(1), within_ms, burst: burst.max(1) }
    }

    /// A bucket filled to the brim.
    #[must_use]
    pub fn full(&self, now: Timestamp) -> Bucket {
        Bucket { tokens: f64::from(self.burst), last: now }
    }

    /// What a bucket holds by now.
    fn tokens(&self, bucket: &Bucket, now: Timestamp) -> f64 {
        let passed_ms = u32::try_from(now.since_ms(bucket.last)).unwrap_or(u32::MAX);
        let earned = f64::from(passed_ms) * f64::from(self.count) / f64::from(self.within_ms);
        (bucket.tokens + earned).min(f64::from(self.burst))
    }

    /// Takes one token and leaves at least `reserve`.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] with the time until there is one.
    pub fn take(&self, bucket: &mut Bucket, reserve: u32, now: Timestamp) -> Result<(), Refusal> {
        *bucket = Bucket { tokens: self.tokens(bucket, now), last: bucket.later(now) };
        if bucket.tokens < 1.0 + f64::from(reserve) {
            return Err(Refusal::TooMany { retry_after_ms: (self.within_ms / self.count).max(1) });
        }
        bucket.tokens -= 1.0;
        Ok(())
    }

    /// How many it allows at once.
    #[must_use]
    pub const fn burst(&self) -> u32 {
        self.burst
    }
}

/// What is left of an allowance.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    tokens: f64,
    last: Timestamp,
}

impl Bucket {
    /// Looks at the clock by several tasks cross by a moment: the time between must not be earned twice. A clock that was
    /// set back is believed, or nothing would be earned until it is where it was.
    fn later(&self, now: Timestamp) -> Timestamp {
        const CROSSED_MS: u64 = 1_000;
        if self.last.since_ms(now) <= CROSSED_MS { self.last.max(now) } else { now }
    }
}

/// An allowance and what is left of it.
#[derive(Clone, Debug)]
pub struct Rate {
    allowance: Allowance,
    bucket: Bucket,
}

impl Rate {
    /// So many a second, so many at once, none of them used.
    #[must_use]
    pub fn new(per_second: u32, burst: u32, now: Timestamp) -> Self {
        let allowance = Allowance::per_second(per_second, burst);
        Self { allowance, bucket: allowance.full(now) }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] with the time until there is one.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.allowance.take(&mut self.bucket, 0, now)
    }
}

/// Names keys in eight bytes or in four, by a secret of this process: nobody can tell which two are named alike.
#[derive(Debug)]
struct Names<K>(RandomState, PhantomData<fn(K)>);

impl<K: Hash> Names<K> {
    fn new() -> Self {
        Self(RandomState::new(), PhantomData)
    }

    fn of(&self, key: &K) -> u64 {
        self.0.hash_one(key)
    }

    /// Of so many as there are places, one in 75,000 is named like another: enough for what may be shared once.
    fn short(&self, key: &K) -> u32 {
        u32::try_from(self.of(key) >> u32::BITS).unwrap_or(0)
    }
}

/// The same allowance for everybody, each with a bucket of their own as long as there is a place for it.
///
/// A bucket that is full again is forgotten before the table grows, which changes nothing. Whoever finds no place
/// shares one bucket with all who find none: a flood from more keys than there are places is held back as one.
#[derive(Debug)]
pub struct Buckets<K> {
    allowance: Allowance,
    places: usize,
    names: Names<K>,
    known: HashMap<u64, Bucket>,
    others: Bucket,
    tidied: Timestamp,
}

impl<K: Hash> Buckets<K> {
    /// Looking for places costs a look at all of them.
    const TIDY_MS: u64 = 1_000;

    /// With so many places.
    #[must_use]
    pub fn new(allowance: Allowance, places: usize) -> Self {
        let never = Timestamp(0);
        Self {
            allowance,
            places,
            names: Names::new(),
            known: HashMap::new(),
            others: allowance.full(never),
            tidied: never,
        }
    }

    /// Takes one token of this key.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] with the time until there is one.
    pub fn take(&mut self, key: &K, now: Timestamp) -> Result<(), Refusal> {
        let name = self.names.of(key);
        if self.known.len() >= self.places.min(self.known.capacity()) && !self.known.contains_key(&name) {
            self.tidy(now);
        }
        let bucket = if self.known.len() >= self.places {
            self.known.get_mut(&name).unwrap_or(&mut self.others)
        } else {
            self.known.entry(name).or_insert_with(|| self.allowance.full(now))
        };
        self.allowance.take(bucket, 0, now)
    }

    /// Whether this key has a bucket of its own.
    #[must_use]
    pub fn knows(&self, key: &K) -> bool {
        self.known.contains_key(&self.names.of(key))
    }

    fn tidy(&mut self, now: Timestamp) {
        if now.since_ms(self.tidied) >= Self::TIDY_MS {
            self.tidied = now;
            let allowance = self.allowance;
            self.known.retain(|_, bucket| allowance.tokens(bucket, now) < f64::from(allowance.burst));
        }
    }
}

/// So much a day for everybody, each on their own as long as there is a place. Whoever finds none shares one count with
/// all who find none. Forgotten at midnight: the table would grow all day, so it has its size from the start, and names and
/// counts are small.
#[derive(Debug)]
pub struct Daily<K, C = u32> {
    limit: C,
    places: usize,
    day: Day,
    names: Names<K>,
    known: HashMap<u32, C>,
    others: C,
}

impl<K: Hash, C: Copy + Default + Into<u64> + TryFrom<u64>> Daily<K, C> {
    /// With so many places.
    #[must_use]
    pub fn new(limit: C, places: usize) -> Self {
        let known = HashMap::with_capacity(places);
        Self { limit, places, day: Day(0), names: Names::new(), known, others: C::default() }
    }

    /// Takes some of this key's.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] with the time until the next day, if it would be more than the limit: nothing is taken.
    pub fn take(&mut self, key: &K, amount: u64, now: Timestamp) -> Result<(), Refusal> {
        let today = now.day();
        // Looks at the clock cross at midnight as well: yesterday counts as today.
        if self.day != today && self.day != today.plus(1) {
            self.day = today;
            self.known.clear();
            self.others = C::default();
        }
        let limit = self.limit.into();
        // Whoever asks for more than all of it is given no place.
        if amount <= limit {
            let count = self.place(key);
            let taken = (*count).into().saturating_add(amount);
            if taken <= limit
                && let Ok(taken) = C::try_from(taken)
            {
                *count = taken;
                return Ok(());
            }
        }
        let midnight_ms = today.plus(1).start().since_ms(now);
        Err(Refusal::TooMany { retry_after_ms: u32::try_from(midnight_ms).unwrap_or(u32::MAX) })
    }

    /// Gives back what was taken today and not used, and the place of whoever has nothing left.
    pub fn give_back(&mut self, key: &K, amount: u64, now: Timestamp) {
        let name = self.names.short(key);
        if self.day == now.day() || self.day == now.day().plus(1) {
            let count = self.known.get_mut(&name).unwrap_or(&mut self.others);
            let left = (*count).into().saturating_sub(amount);
            *count = C::try_from(left).unwrap_or_default();
            if left == 0 {
                self.known.remove(&name);
            }
        }
    }

    fn place(&mut self, key: &K) -> &mut C {
        let name = self.names.short(key);
        if self.known.len() >= self.places {
            return self.known.get_mut(&name).unwrap_or(&mut self.others);
        }
        self.known.entry(name).or_default()
    }
}
