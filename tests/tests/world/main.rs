//! Many worlds, each decided by one seed: whatever lines, processes, disks and clocks do, what was acknowledged is
//! delivered once, whole and in order, or is missing by a rule that is published and shown.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod addresses;
mod prekeys;
mod releases;
mod storms;

use tokio::runtime::Builder;

/// Virtual time.
fn paused() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.start_paused(true);
    builder
}
