//! The relay under load: deposits, latency, idle connections, growth, hours. A process of its own, beside the load maker.

use lightproof_relay::descriptors;

use crate::{Options, error::BenchError, report::Report, stage::Stage};

mod crowd;
mod deposits;
mod errands;
pub(crate) mod forward;
mod growth;
mod idle;
mod latency;
mod limits;
mod nats;
mod rules;
mod server;
mod soak;
mod wire;

/// What of it is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Deposits,
    Latency,
    Crowd,
    Idle,
    Growth,
    Million,
    Soak,
}

impl Part {
    /// Those that need neither minutes nor gigabytes.
    pub(crate) const QUICK: [Self; 4] = [Self::Deposits, Self::Latency, Self::Crowd, Self::Idle];
    /// Those that do. The soak runs only when named.
    pub(crate) const LARGE: [Self; 2] = [Self::Growth, Self::Million];

    /// What the page calls it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Deposits => "The relay: deposits",
            Self::Latency => "The relay: how long one waits",
            Self::Crowd => "The relay: a crowd at the door",
            Self::Idle => "The relay: connections that rest",
            Self::Growth => "The relay: growth",
            Self::Million => "The relay: a million",
            Self::Soak => "The relay: an hour",
        }
    }

    /// By the name it is asked for.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "deposits" => Self::Deposits,
            "latency" => Self::Latency,
            "crowd" => Self::Crowd,
            "idle" => Self::Idle,
            "growth" => Self::Growth,
            "million" => Self::Million,
            "soak" => Self::Soak,
            _ => return None,
        })
    }
}

/// A town.
const IDLE: usize = 10_000;

/// How these numbers come about, for the page.
pub(crate) const HOW: &str = "\
## How the relay is measured

The relay runs as a process of its own, with TLS and its default store; limits per person are raised, because one \
load maker plays everybody. It speaks the real commands with envelopes of random bytes, no end-to-end encryption, on \
one thread of the same machine. What a line is compared with runs on the same disk in the same minute, turn by turn \
with the relay. A deposit counts when its signed receipt has come, and that is sent after the commit is on disk \
(two-phase, checksummed, synced); NATS JetStream acknowledges before it syncs, and syncs every two minutes: what it \
has left is synced before the relay's next turn. Memory is resident memory of the process, divided by connections. \
`-- growth`, `-- million` and `-- soak --minutes N` run when named, the first two also with `--large`. The soak \
sends at half of what the relay can take, has photos left, fetched and released and prekeys published and taken \
beside it, and asks that descriptors do not grow: the median of the last third of the looks at most that of the \
first third, and a few for what comes and goes.\n";

pub(crate) fn measure(part: Part, stage: Stage<'_>, options: &Options, report: &mut Report) -> Result<(), BenchError> {
    descriptors::raise();
    // One thread: the machine's other cores are the relay's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(BenchError::at("a runtime"))?.block_on(async {
        match part {
            Part::Deposits => deposits::measure(stage, options.rounds, report).await,
            Part::Latency => latency::measure(stage, options.rounds, report).await,
            Part::Crowd => crowd::measure(stage, options.rounds, report).await,
            Part::Idle => idle::measure(stage, IDLE, report).await,
            Part::Growth => growth::measure(stage, growth::CURVES, report).await,
            Part::Million => growth::million(stage, report).await,
            Part::Soak => soak::measure(stage, options.minutes, report).await,
        }
    })
}
