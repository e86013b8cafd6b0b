//! Chunks on their way out: in memory within bounds, and whoever reads slowly holds up nobody else.
//!
//! Who takes nothing for minutes holds a chunk for as long, and any number of strangers may. So a bound that everybody
//! waits for would be theirs to close: a connection without a chunk waits a moment, then it has one beyond the bound.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Others' chunks leave within this, or they do not leave at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// The chunks of all connections.
pub struct Outgoing {
    free: Arc<Semaphore>,
    /// With fewer free than this, a connection has one at a time.
    scarce_count: usize,
}

/// Where the chunks of one connection wait for each other.
pub struct Line(Arc<Semaphore>);

/// The memory of one chunk, given back when it has left.
pub struct Place {
    _turn: Option<OwnedSemaphorePermit>,
    _free: Option<OwnedSemaphorePermit>,
}

impl Outgoing {
    /// So many chunks at once, and beyond them one for each connection.
    #[must_use]
    pub fn new(chunk_count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(chunk_count)), scarce_count: chunk_count / 2 }
    }

    pub(crate) async fn place(&self, line: &Line) -> Place {
        let free = Arc::clone(&self.free);
        if free.available_permits() > self.scarce_count
            && let Ok(free) = free.clone().try_acquire_owned()
        {
            return Place { _turn: None, _free: Some(free) };
        }
        let turn = Arc::clone(&line.0).acquire_owned().await;
        let free = timeout(PATIENCE, free.acquire_owned()).await;
        Place { _turn: turn.ok(), _free: free.ok().and_then(Result::ok) }
    }
}

impl Default for Line {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}
