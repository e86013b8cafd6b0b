//! Drain, then stop: what was begun is answered, what has come is on disk, the folder is free.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use crate::{serve::Service, sweep};

/// Longest wait for clients; systems kill what takes longer.
const DRAIN: Duration = Duration::from_secs(5);

pub(crate) async fn drain(service: Arc<Service>) {
    service.tasks.close();
    let drained = timeout(DRAIN, service.tasks.wait()).await;
    if drained.is_err() {
        tracing::warn!("some connections were cut: they took longer than 5 s");
    }
    sweep::sync_uploads(&service).await;
    // Blocking work holds the store a moment longer than the connection that asked for it.
    let deadline = Instant::now() + DRAIN;
    while Arc::strong_count(&service) > 1 && Instant::now() < deadline {
        sleep(Duration::from_millis(2)).await;
    }
    // The last owner closes the store, which waits for the last commit.
    let _ = tokio::task::spawn_blocking(move || drop(service)).await;
}
