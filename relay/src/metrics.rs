//! Counts without identities, in the format that Prometheus reads (prometheus-client). Each relay has a registry of its own.

use lightproof_wire::{frame::RelayFrame, refusal::Refusal, reply::Reply};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// What a relay counts. A clone counts into the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Days by which a clock that is doubted is ahead, or with a minus behind.
    pub clock_off_days: Gauge,
    /// Connections that were accepted.
    pub connections: Counter,
    /// Connections that are open.
    pub connections_open: Gauge,
    /// Rows that did not match their own hash.
    pub damaged_rows: Counter,
    /// Envelopes stored.
    pub deposits: Counter,
    /// Envelopes handed to their owners, each time.
    pub deliveries: Counter,
    /// Things that expired.
    pub expired: Counter,
    /// Connections that had to go before they were established, to make room.
    pub handshakes_cut: Counter,
    /// Connections that are not established yet.
    pub handshakes_open: Gauge,
    /// TLS handshakes by what keys were agreed with.
    pub handshakes: Family<Group, Counter>,
    /// Handlers that panicked.
    pub panics: Counter,
    /// Commands refused.
    pub refusals: Family<Reason, Counter>,
    /// Connections that were closed for the seat of somebody with fewer.
    pub seats_given_up: Counter,
    /// Connections that found no seat.
    pub seats_refused: Counter,
    /// Sealed bytes of chunks that came.
    pub chunk_bytes_in: Counter,
    /// Sealed bytes of chunks that went.
    pub chunk_bytes_out: Counter,
    /// Bytes free on the disk of the data folder.
    pub disk_free_bytes: Gauge,
    /// Sealed bytes that blobs may take together, begun ones included.
    pub blob_bytes: Gauge,
    /// What the writer measured.
    pub writes: WriteMetrics,
}

/// What a store's writer measures.
#[derive(Clone, Debug)]
pub struct WriteMetrics {
    /// Steps that wait.
    pub waiting: Gauge,
    /// Seconds from the first step of a batch to its commit on disk.
    pub commit_seconds: Histogram,
    /// Steps that share a commit.
    pub batch_steps: Histogram,
}

impl Default for WriteMetrics {
    fn default() -> Self {
        Self {
            waiting: Gauge::default(),
            // From a quarter of a millisecond to eight seconds.
            commit_seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 16)),
            batch_steps: Histogram::new(exponential_buckets(1.0, 2.0, 9)),
        }
    }
}

/// The key agreement of a TLS handshake.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Group {
    /// Its name in the registry of TLS.
    pub group: &'static str,
}

/// Why a command was refused.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Reason {
    /// The name of the refusal.
    pub reason: &'static str,
}

impl Reason {
    /// Every name.
    pub const ALL: [&'static str; 10] = [
        "busy",
        "internal",
        "malformed",
        "other",
        "quota_full",
        "refused",
        "superseded",
        "too_large",
        "too_many",
        "unsupported",
    ];
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        let reason = match refusal {
            Refusal::Malformed => "malformed",
            Refusal::Unsupported => "unsupported",
            Refusal::Refused => "refused",
            Refusal::QuotaFull => "quota_full",
            Refusal::TooLarge => "too_large",
            Refusal::TooMany { .. } => "too_many",
            Refusal::Busy => "busy",
            Refusal::Superseded => "superseded",
            Refusal::Internal => "internal",
            _ => "other",
        };
        Self { reason }
    }
}

impl Metrics {
    /// What a client is told: refusals are counted here, wherever they were decided.
    pub(crate) fn told(&self, frame: &RelayFrame) {
        if let RelayFrame::Reply(_, Reply::Refused(refusal)) = frame {
            self.refusals.get_or_create(&(*refusal).into()).inc();
        }
    }

    /// Everything as text, for whoever scrapes it.
    ///
    /// # Errors
    /// Never: text can always be written.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry())?;
        Ok(text)
    }

    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("lightproof_relay");
        let it = &mut registry;
        let off = "Days from the last day that was believed to a clock that is doubted";
        it.register("clock_off_days", off, self.clock_off_days.clone());
        it.register("connections", "Connections accepted", self.connections.clone());
        it.register("connections_open", "Connections open now", self.connections_open.clone());
        it.register("damaged_rows", "Stored rows that did not match their own hash", self.damaged_rows.clone());
        it.register("deposits", "Envelopes stored", self.deposits.clone());
        it.register("deliveries", "Envelopes handed to their owners", self.deliveries.clone());
        it.register("expired", "Envelopes, blobs, mailboxes and prekeys that expired", self.expired.clone());
        it.register("handshakes", "TLS handshakes by key agreement", self.handshakes.clone());
        let cut = "Connections closed before they were established, to make room";
        it.register("handshakes_cut", cut, self.handshakes_cut.clone());
        it.register("handshakes_open", "Connections not established yet", self.handshakes_open.clone());
        it.register("panics", "Handlers that panicked: bugs", self.panics.clone());
        it.register("refusals", "Commands refused, by reason", self.refusals.clone());
        let given_up = "Connections closed to seat somebody with fewer";
        it.register("seats_given_up", given_up, self.seats_given_up.clone());
        it.register("seats_refused", "Connections that found no seat", self.seats_refused.clone());
        it.register_with_unit("chunk_in", "Sealed bytes of chunks taken", Unit::Bytes, self.chunk_bytes_in.clone());
        it.register_with_unit("chunk_out", "Sealed bytes of chunks given", Unit::Bytes, self.chunk_bytes_out.clone());
        it.register_with_unit("disk_free", "Bytes free on the disk", Unit::Bytes, self.disk_free_bytes.clone());
        it.register_with_unit("blob", "Sealed bytes reserved by blobs", Unit::Bytes, self.blob_bytes.clone());
        it.register("writes_waiting", "Writes that wait for a commit", self.writes.waiting.clone());
        let seconds = self.writes.commit_seconds.clone();
        it.register_with_unit("commit", "From the first write of a commit until it is on disk", Unit::Seconds, seconds);
        it.register("commit_writes", "Writes that share a commit", self.writes.batch_steps.clone());
        registry
    }
}

/// Counts something as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    /// One more.
    pub(crate) fn more(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
