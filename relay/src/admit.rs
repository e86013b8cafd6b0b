//! Shape, rate, policy: what a command must pass before it is served.

use std::{collections::HashMap, net::IpAddr};

use lightproof_wire::{
    capability::{Capability, CapabilityHash, right},
    command::Command,
    limits::BLOB_READERS,
    prekey::PrekeyKind,
    refusal::Refusal,
    reply::Policy,
    time::{Day, Timestamp},
};

use crate::{mailbox::DropHash, prekeys::OneTime};

/// A command that passed. Only [`Admission::admit`] makes one.
#[must_use]
#[derive(Debug)]
pub struct Admitted(Command);

impl Admitted {
    /// The command, to be served.
    pub fn into_inner(self) -> Command {
        self.0
    }
}

/// What a relay asks of everybody.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// Hashes of the capabilities to create here; `None`: anybody may.
    pub access: Option<Vec<CapabilityHash<right::Access>>>,
}

impl Admission {
    /// What clients are told.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        if self.access.is_some() { Policy::Access } else { Policy::Open }
    }

    /// Checks shape and policy.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], [`Refusal::Refused`].
    pub fn admit(&self, command: Command) -> Result<Admitted, Refusal> {
        match &command {
            Command::CreateMailbox { access, .. } => self.check_access(access.as_ref())?,
            Command::OpenBlob { readers, access, .. } => {
                let mut unique: Vec<_> = readers.iter().copied().collect();
                unique.sort_unstable();
                unique.dedup();
                if unique.is_empty() || unique.len() != readers.as_slice().len() || unique.len() > BLOB_READERS {
                    return Err(Refusal::Malformed);
                }
                self.check_access(access.as_ref())?;
            }
            Command::PublishPrekeys { signed, one_time, .. } => {
                let mut ids: Vec<_> = one_time.iter().map(|prekey| prekey.id).collect();
                ids.sort_unstable();
                ids.dedup();
                let kinds =
                    signed.kind == PrekeyKind::Signed && one_time.iter().all(|it| it.kind == PrekeyKind::OneTime);
                if !kinds || ids.len() != one_time.as_slice().len() {
                    return Err(Refusal::Malformed);
                }
            }
            _ => {}
        }
        Ok(Admitted(command))
    }

    /// Compares with every allowed hash, each in constant time, so that the time tells nothing.
    fn check_access(&self, shown: Option<&Capability<right::Access>>) -> Result<(), Refusal> {
        let Some(allowed) = &self.access else { return Ok(()) };
        let hash = shown.ok_or(Refusal::Refused)?.hash();
        let found = allowed.iter().fold(false, |found, one| found | (*one == hash));
        if found { Ok(()) } else { Err(Refusal::Refused) }
    }
}

/// A token bucket: so many commands a second, so many at once.
#[derive(Clone, Debug)]
pub struct Rate {
    per_second: u32,
    burst: u32,
    tokens: f64,
    last: Timestamp,
}

impl Rate {
    /// A full bucket.
    #[must_use]
    pub fn new(per_second: u32, burst: u32, now: Timestamp) -> Self {
        Self { per_second: per_second.max(1), burst: burst.max(1), tokens: f64::from(burst.max(1)), last: now }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] with the time until there is one.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let passed_ms = u32::try_from(now.since_ms(self.last)).unwrap_or(u32::MAX);
        self.last = now;
        let earned = f64::from(passed_ms) * f64::from(self.per_second) / 1_000.0;
        self.tokens = (self.tokens + earned).min(f64::from(self.burst));
        if self.tokens < 1.0 {
            return Err(Refusal::TooMany { retry_after_ms: (1_000 / self.per_second).max(1) });
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

/// How many one-time prekeys each address took from each doorbell today: in memory, forgotten at midnight.
#[derive(Debug)]
pub struct Takers {
    limit: u16,
    day: Day,
    counts: HashMap<(IpAddr, DropHash), u16>,
}

impl Takers {
    /// Pairs remembered; a flood from more addresses than this is bounded per doorbell alone.
    const REMEMBERED: usize = 65_536;

    /// With a limit per address, doorbell and day.
    #[must_use]
    pub fn new(limit: u16) -> Self {
        Self { limit, day: Day(0), counts: HashMap::new() }
    }

    /// Whether this address may be given one more one-time prekey.
    pub fn take(&mut self, address: Option<IpAddr>, drop: DropHash, today: Day) -> OneTime {
        if self.day != today {
            self.day = today;
            self.counts.clear();
        }
        let Some(address) = address.map(network) else { return OneTime::Allowed };
        if self.counts.len() >= Self::REMEMBERED && !self.counts.contains_key(&(address, drop)) {
            return OneTime::Allowed;
        }
        let count = self.counts.entry((address, drop)).or_insert(0);
        if *count >= self.limit {
            return OneTime::Withheld;
        }
        *count = count.saturating_add(1);
        OneTime::Allowed
    }
}

/// The network that one customer usually gets: an IPv4 address, a /64 of IPv6.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}
