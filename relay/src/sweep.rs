//! The tick: what is over goes, a batch at a time; unfinished uploads are synced; the disk's room is looked at, and what
//! rows do not use of it is given back.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    access,
    blob::BlobRow,
    calendar,
    expire::{self, Swept},
    serve::Service,
    store::{FileId, RowsMut, RuleError, Table, row},
    totals::TotalsRow,
};

const TICK: Duration = Duration::from_secs(30);
/// Between looks at a disk that is full.
const LOOK: Duration = Duration::from_secs(2);
/// Rows looked at in one commit: small enough that deposits behind it hardly wait.
const BATCH_COUNT: usize = 128;

/// Ticks until `stop`.
pub(crate) async fn run(service: Arc<Service>, stop: CancellationToken) {
    loop {
        // First, so that an upload whose chunks have come is not taken for one without any.
        sync_uploads(&service).await;
        if let Err(error) = expire_all(&service).await {
            service.refusal(error);
        }
        look_at_room(&service).await;
        let next = Instant::now() + TICK;
        while Instant::now() < next {
            tokio::select! {
                () = tokio::time::sleep_until(next.min(Instant::now() + LOOK)) => {}
                () = stop.cancelled() => return,
            }
            // Whoever was refused tries again: it should not take longer than it must.
            if service.room.check().is_err() {
                look_at_room(&service).await;
            }
        }
    }
}

/// Removes everything that is over.
pub(crate) async fn expire_all(service: &Arc<Service>) -> Result<(), RuleError> {
    let limits = service.limits;
    loop {
        let clock = (service.clock)().day();
        let swept = service.commit(move |rows| {
            let calendar = calendar::see(rows, clock)?;
            Ok((calendar, expire::sweep(rows, calendar.over_before(clock), &limits, BATCH_COUNT)?))
        });
        let (calendar, Swept { is_complete, removed_count, files, damaged_count }) = swept.await?.into_inner();
        service.believe(&calendar);
        service.remove_files(files).await;
        service.metrics.expired.inc_by(removed_count as u64);
        service.metrics.damaged_rows.inc_by(damaged_count as u64);
        if is_complete {
            return Ok(());
        }
    }
}

/// Puts what has come of unfinished uploads on disk.
pub(crate) async fn sync_uploads(service: &Arc<Service>) {
    for (write, upload) in service.uploads.unsynced() {
        service.sync_upload(write, upload).await;
    }
}

async fn look_at_room(service: &Arc<Service>) {
    let service = Arc::clone(service);
    let _ = tokio::task::spawn_blocking(move || {
        let rows = service.store.space().unwrap_or_default();
        service.room.unused(rows.unused_bytes());
        service.room.look(service.chunks.as_ref());
        service.store.compact(service.room.least_bytes());
        service.measure();
    })
    .await;
}

/// Before the first connection: sees the day, counts what is reserved anew, and removes files that no row names.
pub(crate) async fn tidy(service: &Arc<Service>) -> Result<(), RuleError> {
    let clock = (service.clock)().day();
    let seen = service.commit(move |rows| Ok((calendar::see(rows, clock)?, count_anew(rows)?)));
    let (calendar, (named, all_readable)) = seen.await?.into_inner();
    service.believe(&calendar);
    // A damaged row may name a file that its backup would need.
    if !all_readable {
        service.metrics.damaged_rows.inc();
        tracing::error!("a stored blob row is damaged; no file is removed");
        return Ok(());
    }
    let chunks = Arc::clone(&service.chunks);
    let files = tokio::task::spawn_blocking(move || chunks.list()).await;
    let files = files.ok().and_then(Result::ok).unwrap_or_default();
    service.remove_files(files.into_iter().filter(|file| !named.contains(file))).await;
    Ok(())
}

fn count_anew(rows: &mut dyn RowsMut) -> Result<(BTreeSet<FileId>, bool), RuleError> {
    let (mut named, mut all_readable, mut reserved_bytes, mut from) = (BTreeSet::new(), true, 0_u64, Vec::new());
    loop {
        let page = rows.range(Table::Blobs, &from, &row::after_prefix(&[0xff; 32]), BATCH_COUNT)?;
        let Some((last, _)) = page.last() else { break };
        from = [last.as_slice(), &[0]].concat();
        for (key, value) in &page {
            match row::open::<BlobRow>(Table::Blobs, key, value) {
                Ok(blob) => {
                    named.insert(blob.file);
                    reserved_bytes = reserved_bytes.saturating_add(blob.shape.sealed_bytes());
                }
                Err(RuleError::Damaged) => all_readable = false,
                Err(error) => return Err(error),
            }
        }
    }
    let before = match row::load::<TotalsRow>(rows, &0) {
        Ok(before) => before,
        Err(RuleError::Damaged) => None,
        Err(error) => return Err(error),
    };
    let known_number = before.map_or(0, |before| before.access_number);
    let counted = TotalsRow { reserved_bytes, access_number: known_number.max(access::highest_number(rows)?) };
    if before != Some(counted) {
        row::save(rows, &0, &counted)?;
    }
    Ok((named, all_readable))
}
