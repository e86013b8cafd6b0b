//! `stats`: what the relay holds and does, without identities.

use lightproof_relay::control::{Relay, Running, Stats};

use super::{Failure, json, options::Place};

const MIB: f64 = 1_048_576.0;

pub(crate) fn stats(place: &Place, as_json: bool) -> Result<(), Failure> {
    let stats = Relay::of(&place.config()?.data)?.stats()?;
    if as_json {
        return json(&stats);
    }
    let Stats { mailboxes, envelopes, blobs, uploads, access, .. } = stats;
    line("mailboxes", mailboxes);
    line("envelopes", envelopes);
    line("blobs", format!("{blobs}, {uploads} of them unfinished, {} reserved", mib(stats.blob_bytes)));
    line("access", access);
    line("rows", format!("{} on disk, {} of it unused", mib(stats.row_bytes), mib(stats.row_bytes_unused)));
    line("disk", format!("{} free", mib(stats.disk_free_bytes)));
    if stats.clock_off_days != 0 {
        line("clock", format!("doubted: {}", off(stats.clock_off_days)));
    }
    match stats.running {
        None => line("running", "no"),
        Some(running) => print(&running),
    }
    Ok(())
}

fn print(running: &Running) {
    let Running { uptime_seconds, connections_open, connections, deposits, deliveries, expired, .. } = running;
    let (days, hours, minutes) = (uptime_seconds / 86_400, uptime_seconds / 3_600 % 24, uptime_seconds / 60 % 60);
    line("running", format!("{days} days {hours} h {minutes} min"));
    line("connections", format!("{connections_open} open, {connections} since the start"));
    line("deposits", deposits);
    line("deliveries", deliveries);
    line("expired", expired);
    let refusals: Vec<_> = running.refusals.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    line("refusals", if refusals.is_empty() { "none".to_owned() } else { refusals.join(", ") });
    line("damaged rows", running.damaged_rows);
    let at_most = |bound: Option<f64>| bound.map_or_else(|| "-".to_owned(), |bound| format!("{bound} ms at most"));
    let commits = running.commits;
    let (half, nearly_all) = (at_most(commits.p50_ms), at_most(commits.p99_ms));
    line("commits", format!("{}, p50 {half}, p99 {nearly_all}, {} waiting", commits.count, running.writes_waiting));
}

/// How far the clock is from the last day that was believed.
pub(super) fn off(days: i64) -> String {
    let side = if days < 0 { "behind" } else { "ahead of" };
    format!("{} days {side} the last day that was believed", days.unsigned_abs())
}

fn line(name: &str, value: impl std::fmt::Display) {
    println!("{name:<13}{value}");
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / MIB)
}
