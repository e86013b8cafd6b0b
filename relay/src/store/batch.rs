//! Which steps share a commit.
//!
//! Those whom a commit answers come again, one of them first. Committed alone that one has two fsyncs for itself; committed
//! with all of them, the disk has nothing to do until the last has come. So the first waits for half of them, and the other
//! half comes while these are committed. Nobody waits where one person writes.

use std::{
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

/// Steps in one commit: enough to share an fsync, few enough that the first does not wait long for the last.
const BATCH_COUNT: usize = 256;

/// What the last one was like.
#[derive(Default)]
pub(super) struct LastBatch {
    /// Steps in it.
    pub(super) count: usize,
    /// From its first step to the disk's answer.
    pub(super) took: Duration,
}

impl LastBatch {
    /// The next batch: half as many as the last one had, but for a quarter of its time at most, and then all who wait.
    pub(super) fn gather<T>(&self, first: T, waiting: &Receiver<T>) -> Vec<T> {
        let (mut batch, until) = (vec![first], Instant::now() + self.took / 4);
        while batch.len() < self.count / 2 {
            let Ok(next) = waiting.recv_timeout(until.saturating_duration_since(Instant::now())) else { break };
            batch.push(next);
        }
        let room = BATCH_COUNT.saturating_sub(batch.len());
        batch.extend(waiting.try_iter().take(room));
        batch
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// So long that a test which waits for it does not end.
    const LONG: Duration = Duration::from_secs(40_000);

    #[test]
    fn who_comes_alone_waits_for_nobody() {
        let (_queue, waiting) = channel();
        for count in [0, 1, 3] {
            assert_eq!(LastBatch { count, took: LONG }.gather(1, &waiting), [1]);
        }
    }

    #[test]
    fn the_first_of_many_waits_for_half_of_them() {
        let (queue, waiting) = channel();
        let others = std::thread::spawn(move || {
            (2..=32).for_each(|number| queue.send(number).unwrap());
            queue
        });
        assert_eq!(LastBatch { count: 64, took: LONG }.gather(1, &waiting), (1..=32).collect::<Vec<_>>());
        drop(others.join().unwrap());
    }

    #[test]
    fn the_first_of_many_does_not_wait_long_for_those_who_stay_away() {
        let (_queue, waiting) = channel();
        let began = Instant::now();
        assert_eq!(LastBatch { count: 64, took: Duration::from_millis(80) }.gather(1, &waiting), [1]);
        assert!(began.elapsed() >= Duration::from_millis(20), "nobody was waited for");
    }

    #[test]
    fn all_who_wait_are_taken_up_to_a_full_batch() {
        let (queue, waiting) = channel();
        (2..=400).for_each(|number| queue.send(number).unwrap());
        let last = LastBatch { count: 8, took: LONG };
        assert_eq!(last.gather(1, &waiting).len(), BATCH_COUNT);
        assert_eq!(waiting.try_iter().count(), 400 - BATCH_COUNT);
    }
}
