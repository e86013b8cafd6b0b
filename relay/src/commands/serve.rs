//! `serve`: runs until SIGTERM or Ctrl-C, then drains.

use std::io::{IsTerminal as _, Write as _};

use lightproof_relay::{
    Relay, RunningRelay,
    config::{Config, LogFormat},
    descriptors, dump,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{Failure, link, options::Options};

/// Threads for file work: enough to keep a disk busy; each may hold a chunk.
const BLOCKING_THREADS: usize = 16;

pub(crate) fn serve(options: &Options) -> Result<(), Failure> {
    dump::forbid();
    let config = options.config()?;
    start_log(&config)?;
    descriptors::raise();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(|error| Failure::failed(error, "the system gives no threads; see its limits"))?;
    runtime.block_on(run(config))
}

async fn run(config: Config) -> Result<(), Failure> {
    let unusable = |error| Failure::failed(error, "the system gives no signals; see its limits");
    let mut terminate = signal(SignalKind::terminate()).map_err(unusable)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unusable)?;
    let relay = Relay::start(config).await?;
    announce(&relay)?;
    tracing::info!("ready");
    let failed = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => false,
        () = relay.failed() => true,
    };
    tracing::info!("stopping");
    relay.shutdown().await;
    tracing::info!("stopped");
    if failed {
        let hint = "look at the disk and the system's log; what was acknowledged is safe";
        return Err(Failure::failed("the disk failed, nothing was acknowledged since", hint));
    }
    Ok(())
}

fn announce(relay: &RunningRelay) -> Result<(), Failure> {
    let link = relay.link().to_string();
    let drawn = link::draw(&link)?;
    // A relay serves whether somebody reads this or not.
    let _unread = writeln!(std::io::stdout(), "{link}\n{drawn}");
    Ok(())
}

fn start_log(config: &Config) -> Result<(), Failure> {
    let misuse = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("the setting `log` cannot be used: {error}"), "try error, warn, info or debug")
    };
    let filter = EnvFilter::try_new(&config.log).map_err(|error| misuse(&error))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().try_init(),
    }
    .map_err(|error| misuse(&error))
}
