//! How long a process lives: every effect on disk or network is one step, and after the last one nothing happens any more.

use std::{
    cell::Cell,
    future::{Future, pending, poll_fn},
    pin::pin,
    rc::Rc,
    task::Poll,
    time::Duration,
};

use lightproof_core::vault::store::Table;

/// For a relay that answers, on a machine that does much else: whom a test takes for silent is silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// The steps left to one process. A clone is the same process.
#[derive(Clone, Default)]
pub struct Life(Rc<Steps>);

#[derive(Default)]
struct Steps {
    left: Cell<Option<u64>>,
    ended: Cell<bool>,
    /// Ends once a row of this table was written.
    ends_with: Cell<Option<Table>>,
    /// How long it waits for a relay that says nothing.
    waits: Cell<Option<Duration>>,
}

impl Life {
    /// From now on the process ends after so many effects.
    pub fn ends_after(&self, steps: u64) {
        self.0.left.set(Some(steps));
        self.0.ended.set(false);
    }

    /// From now on the process ends once it has written a row of this table.
    pub fn ends_with(&self, table: Table) {
        self.0.ends_with.set(Some(table));
        self.0.ended.set(false);
    }

    /// Rows of these tables are on disk now.
    pub fn wrote(&self, mut tables: impl Iterator<Item = Table>) {
        if self.0.ends_with.get().is_some_and(|last| tables.any(|table| table == last)) {
            self.0.ends_with.set(None);
            self.0.left.set(Some(0));
        }
    }

    /// From now on it lives as long as it likes.
    pub fn go_on(&self) {
        self.0.left.set(None);
        self.0.ends_with.set(None);
        self.0.ended.set(false);
    }

    /// From now on it takes a relay that says nothing for so long for unreachable.
    pub fn waits(&self, at_most: Duration) {
        self.0.waits.set(Some(at_most));
    }

    /// After this long a relay that says nothing is taken for unreachable.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.0.waits.get().unwrap_or(PATIENCE)
    }

    /// One effect is about to happen; never returns where the process has ended before it.
    pub async fn step(&self) {
        match self.0.left.get() {
            None => {}
            Some(0) => {
                self.0.ended.set(true);
                pending::<()>().await;
            }
            Some(left) => self.0.left.set(Some(left - 1)),
        }
    }

    /// Runs until the end: of the work, or of the process. What is dropped then never returns.
    pub async fn spend<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if self.0.ended.get() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}
