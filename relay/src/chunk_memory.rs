//! Chunks of all connections, in memory within bounds: on their way to the disk and on their way out.
//!
//! A chunk on its way to the disk gets there whoever leaves meanwhile: so many at once, and the others wait with their
//! connection, which bounds them and takes them with it.
//!
//! Chunks on their way out wait for a reader. Who takes nothing for minutes holds a chunk for as long, and any number of
//! strangers may. So a bound that everybody waits for would be theirs to close: a connection without a chunk waits a
//! moment, then it has one beyond the bound.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Others' chunks leave within this, or they do not leave at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// The chunks of all connections.
pub struct ChunkMemory {
    incoming: Arc<Semaphore>,
    outgoing: Arc<Semaphore>,
    /// With fewer free than this, a connection has one on its way out at a time.
    scarce_count: usize,
}

/// Where the outgoing chunks of one connection wait for each other.
pub struct Turns(Arc<Semaphore>);

/// The memory of one chunk, given back when it has left.
pub struct Place {
    _turn: Option<OwnedSemaphorePermit>,
    _free: Option<OwnedSemaphorePermit>,
}

impl ChunkMemory {
    /// So many chunks at once each way, and beyond them one for each connection that reads.
    #[must_use]
    pub fn new(chunk_count: usize) -> Self {
        let places = || Arc::new(Semaphore::new(chunk_count));
        Self { incoming: places(), outgoing: places(), scarce_count: chunk_count / 2 }
    }

    pub(crate) async fn incoming(&self) -> Place {
        Place { _turn: None, _free: Arc::clone(&self.incoming).acquire_owned().await.ok() }
    }

    pub(crate) async fn outgoing(&self, turns: &Turns) -> Place {
        let free = Arc::clone(&self.outgoing);
        if free.available_permits() > self.scarce_count
            && let Ok(free) = free.clone().try_acquire_owned()
        {
            return Place { _turn: None, _free: Some(free) };
        }
        let turn = Arc::clone(&turns.0).acquire_owned().await;
        let free = timeout(PATIENCE, free.acquire_owned()).await;
        Place { _turn: turn.ok(), _free: free.ok().and_then(Result::ok) }
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}
