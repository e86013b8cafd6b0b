//! Drain, then stop: what was begun is answered, what has come is on disk, the folder is free.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{serve::Service, sweep};

/// Longest wait for clients; systems kill what takes longer.
const DRAIN: Duration = Duration::from_secs(5);
/// When those are cut who take nothing, or have not said yet what they want: goodbyes and the store need the rest.
pub(crate) const PATIENCE: Duration = Duration::from_millis(3_500);

/// Returns when a connection that still is there has to be cut.
pub(crate) async fn is_late(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(PATIENCE).await;
}

pub(crate) async fn drain(service: Arc<Service>) {
    service.tasks.close();
    let deadline = Instant::now() + DRAIN;
    let drained = timeout_at(deadline, service.tasks.wait()).await;
    if drained.is_err() {
        tracing::warn!("some connections were cut: they took longer than 5 s");
    }
    sweep::sync_uploads(&service).await;
    // Blocking work holds the store a moment longer than the connection that asked for it.
    while Arc::strong_count(&service) > 1 && Instant::now() < deadline {
        sleep(Duration::from_millis(2)).await;
    }
    // The last owner closes the store, which waits for the last commit.
    let _ = tokio::task::spawn_blocking(move || drop(service)).await;
}
