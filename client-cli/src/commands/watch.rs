//! Watching the mailboxes of one home: by one process at a time, patiently.

use std::time::{Duration, Instant};

use lightproof_core::ClientError;
use rand_core::Rng;
use tokio::time::sleep;

use crate::clock::{now, rng};
use crate::exit::Failure;
use crate::home::Home;
use crate::lock::{TurnError, WatchLease};
use crate::memory::wipe_stack;
use crate::opened::Opened;
use crate::output::Output;

/// The right to watch; waits a while for another process to give it up.
///
/// # Errors
/// Where it does not.
pub(crate) async fn lease(home: &Home, output: &mut Output) -> Result<WatchLease, Failure> {
    let began = Instant::now();
    let mut said = false;
    loop {
        if let Some(lease) = try_lease(home)? {
            return Ok(lease);
        }
        if !said {
            output.remark("waiting: another lightproof command receives for this home");
            said = true;
        }
        if began.elapsed() >= LEASE_PATIENCE {
            return Err(Failure::failed("another lightproof command receives for this home")
                .hint("it shows what comes; stop it, or look with `lightproof messages --unread`"));
        }
        sleep(LEASE_POLL).await;
    }
}

/// The right to watch, unless another process has it.
///
/// # Errors
/// Where the home cannot be locked.
pub(crate) fn try_lease(home: &Home) -> Result<Option<WatchLease>, Failure> {
    WatchLease::try_take(home).map_err(|error: TurnError| Failure::failed(error.to_string()))
}

/// Another copy of this home receives: going on would only take the mailbox back and forth.
///
/// # Errors
/// Where it does.
pub(crate) fn must_be_alone(opened: &Opened) -> Result<(), Failure> {
    if opened.is_superseded() {
        return Err(Failure::failed("another copy of this home receives now")
            .hint("use a home on one machine only; messages taken there are not here"));
    }
    Ok(())
}

/// How long to wait between two looks at a relay, and longer each time it is not there.
#[derive(Default)]
pub(crate) struct Pace {
    failed_tries: u32,
}

impl Pace {
    /// Waits until something comes, or something is due here.
    ///
    /// # Errors
    /// The relay's or the vault's.
    pub(crate) async fn wait(&mut self, opened: &Opened) -> Result<(), ClientError> {
        self.failed_tries = 0;
        wipe_stack();
        let until_due = opened.client.next_due().await?.map_or(LONGEST_WAIT_MS, |due| due.since_ms(now()));
        let within_ms = u32::try_from(until_due.clamp(SHORTEST_WAIT_MS, LONGEST_WAIT_MS)).unwrap_or(u32::MAX);
        opened.client.take_pushed(within_ms, now(), &mut rng()).await.map(drop)
    }

    /// Gives a relay that was not reached time. A random part, so that not all clients come back at one moment.
    pub(crate) async fn back_off(&mut self, opened: &Opened) {
        opened.client.hang_up();
        wipe_stack();
        sleep(self.pause(&mut rng())).await;
    }

    fn pause(&mut self, rng: &mut impl Rng) -> Duration {
        let most_ms = LONGEST_PAUSE_MS.min(SHORTEST_PAUSE_MS << self.failed_tries.saturating_add(1).min(16));
        self.failed_tries = self.failed_tries.saturating_add(1);
        Duration::from_millis(SHORTEST_PAUSE_MS + rng.next_u64() % (most_ms - SHORTEST_PAUSE_MS + 1))
    }

    /// Whether the relay was there the last time.
    pub(crate) const fn was_reached(&self) -> bool {
        self.failed_tries == 0
    }
}

const LEASE_PATIENCE: Duration = Duration::from_secs(10);
const LEASE_POLL: Duration = Duration::from_millis(100);
const SHORTEST_WAIT_MS: u64 = 1_000;
const LONGEST_WAIT_MS: u64 = 20_000;
const SHORTEST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 60_000;

/// With the system's randomness, as clients have it: what is tested is that no two come at one moment.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_a_relay_that_stopped_come_back_over_the_whole_pause_and_each_time_later() {
        let mut clients: Vec<Pace> = (0..2_000).map(|_| Pace::default()).collect();
        for longest_ms in [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            let mut come = [0_u32; 10];
            for client in &mut clients {
                let pause_ms = u64::try_from(client.pause(&mut rng()).as_millis()).unwrap();
                assert!((SHORTEST_PAUSE_MS..=longest_ms).contains(&pause_ms), "{pause_ms}");
                let tenth = (pause_ms - SHORTEST_PAUSE_MS) * 10 / (longest_ms - SHORTEST_PAUSE_MS + 1);
                come[usize::try_from(tenth).unwrap()] += 1;
            }
            // Two hundred each; a hundred off is eight standard deviations.
            assert!(come.iter().all(|count| (100..=300).contains(count)), "{come:?}");
        }
    }
}
