//! Short exclusive turns of several processes on one home, and the lease of the one that watches.
//!
//! Who holds `lock` has the turn. Who waits holds `waiting`, shared, so that the holder can see it and let go early.
//! Both are advisory locks of open files: a process that dies lets go of them.

use std::fs::{File, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::home::{Home, private_file};

/// Why there was no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TurnError {
    /// Another process did not let go in time.
    #[error("another lightproof command holds the home")]
    Held,
    /// The lock files cannot be used.
    #[error("the home cannot be locked")]
    Unavailable,
}

/// Takes turns on one home.
#[derive(Debug)]
pub(crate) struct Turns {
    home: Home,
    waiting: File,
}

/// The turn; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Turns {
    /// For one home.
    ///
    /// # Errors
    /// [`TurnError::Unavailable`].
    pub(crate) fn of(home: Home) -> Result<Self, TurnError> {
        let waiting = private_file(&home.waiting()).map_err(|_| TurnError::Unavailable)?;
        Ok(Self { home, waiting })
    }

    /// Waits for the turn, and says so once where it takes long. Blocks the thread.
    ///
    /// # Errors
    /// [`TurnError`]; `Held` after half a minute.
    pub(crate) fn take(&self, patience: Patience, say_waiting: impl FnOnce()) -> Result<Turn, TurnError> {
        let unavailable = |_| TurnError::Unavailable;
        let lock = private_file(&self.home.turn()).map_err(unavailable)?;
        if try_lock(&lock)? {
            return Ok(Turn(lock));
        }
        let mark = private_file(&self.home.waiting()).map_err(unavailable)?;
        let began = Instant::now();
        let mut marked = false;
        let mut say_waiting = Some(say_waiting);
        loop {
            // Fails for the moment in which the holder looks whether somebody waits.
            marked = marked || mark.try_lock_shared().is_ok();
            if try_lock(&lock)? {
                return Ok(Turn(lock));
            }
            if began.elapsed() >= patience.silent
                && let Some(say) = say_waiting.take()
            {
                say();
            }
            if began.elapsed() >= patience.total {
                return Err(TurnError::Held);
            }
            sleep(POLL);
        }
    }

    /// Whether another process waits for a turn. Only the holder asks.
    pub(crate) fn somebody_waits(&self) -> bool {
        match self.waiting.try_lock() {
            Ok(()) => {
                // A failed unlock leaves the mark free for nobody: then every turn ends early, and nothing breaks.
                let _still_locked = self.waiting.unlock();
                false
            }
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => false,
        }
    }
}

/// How long a process waits for its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Before it says that it waits.
    pub(crate) silent: Duration,
    /// Before it gives up.
    pub(crate) total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silent: Duration::from_secs(1), total: Duration::from_secs(30) }
    }
}

/// The right to watch the mailboxes of one home; dropping it gives it up.
#[derive(Debug)]
pub(crate) struct WatchLease(#[expect(dead_code, reason = "the open file is the lock")] File);

impl WatchLease {
    /// The lease, or `None` while another process of this home has it.
    ///
    /// # Errors
    /// [`TurnError::Unavailable`].
    pub(crate) fn try_take(home: &Home) -> Result<Option<Self>, TurnError> {
        let file = private_file(&home.watch()).map_err(|_| TurnError::Unavailable)?;
        Ok(try_lock(&file)?.then_some(Self(file)))
    }
}

fn try_lock(file: &File) -> Result<bool, TurnError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(_)) => Err(TurnError::Unavailable),
    }
}

/// How often a waiting process looks; shorter than a holder's pause between two turns.
pub(crate) const POLL: Duration = Duration::from_millis(4);

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path().join("home")).unwrap();
        (folder, home)
    }

    #[test]
    fn a_second_turn_waits_says_so_and_gives_up() {
        let (_folder, home) = home();
        let (first, second) = (Turns::of(home.clone()).unwrap(), Turns::of(home).unwrap());
        let turn = first.take(Patience::default(), || ()).unwrap();
        let patience = Patience { silent: Duration::from_millis(10), total: Duration::from_millis(60) };
        let mut said = 0;
        assert_eq!(second.take(patience, || said += 1).unwrap_err(), TurnError::Held);
        assert_eq!(said, 1);
        drop(turn);
        assert!(second.take(Patience::default(), || ()).is_ok());
    }

    #[test]
    fn the_holder_sees_who_waits() {
        let (_folder, home) = home();
        let (first, second) = (Turns::of(home.clone()).unwrap(), Turns::of(home).unwrap());
        let turn = first.take(Patience::default(), || ()).unwrap();
        assert!(!first.somebody_waits());
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| second.take(Patience::default(), || ()).map(drop));
            while !first.somebody_waits() {
                sleep(POLL);
            }
            drop(turn);
            assert_eq!(waiter.join().unwrap(), Ok(()));
        });
        assert!(!first.somebody_waits());
    }

    #[test]
    fn one_process_watches() {
        let (_folder, home) = home();
        let lease = WatchLease::try_take(&home).unwrap();
        assert!(lease.is_some());
        assert!(WatchLease::try_take(&home).unwrap().is_none());
        drop(lease);
        assert!(WatchLease::try_take(&home).unwrap().is_some());
    }
}
