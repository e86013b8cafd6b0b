//! Whether commits come to the disk, for strangers who ask.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{
    serve::Service,
    store::{RowsMut, RuleError, Table, row},
    totals::TotalsRow,
};

/// A store that commits nothing in this time is not ready.
const COMMIT_DEADLINE: Duration = Duration::from_secs(5);
/// However many ask, the disk is written to no more often than this.
const PAUSE: Duration = Duration::from_secs(2);

/// What the last commit that was tried for them came to.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    committed: Arc<Mutex<Option<(Instant, bool)>>>,
}

impl Ready {
    /// Whether a commit comes to the disk, or did a moment ago. Whoever asks meanwhile waits for the same one.
    pub(crate) async fn commits(&self, service: &Arc<Service>) -> bool {
        let mut committed = Arc::clone(&self.committed).lock_owned().await;
        if let Some((at, whether)) = *committed
            && at.elapsed() < PAUSE
        {
            return whether;
        }
        // On a disk that is nearly full, what is left is for those who make room on it.
        let is_written = service.room.is_there();
        let rule = move |rows: &mut dyn RowsMut| if is_written { write_again(rows) } else { Ok(()) };
        let asked = Arc::clone(service);
        // To its end, though whoever asked has gone: the next one would have another written.
        let trying = service.tasks.spawn(async move {
            let whether = matches!(timeout(COMMIT_DEADLINE, asked.commit(rule)).await, Ok(Ok(_)));
            *committed = Some((Instant::now(), whether));
            whether
        });
        trying.await.unwrap_or(false)
    }
}

/// Writes a row as it is: a commit with nothing in it never comes to the disk.
fn write_again(rows: &mut dyn RowsMut) -> Result<(), RuleError> {
    const TOTALS: &[u8] = &[0];
    match rows.get(Table::Totals, TOTALS)? {
        Some(totals) => Ok(rows.put(Table::Totals, TOTALS, &totals)?),
        None => Ok(row::save(rows, &0, &TotalsRow::default())?),
    }
}
