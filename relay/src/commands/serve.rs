//! `serve`: runs until SIGTERM or Ctrl-C, then drains.

use std::{
    convert::Infallible,
    io::{IsTerminal as _, Write as _},
};

use lightproof_relay::{
    Relay, RunningRelay,
    config::{Config, LogFormat},
    descriptors, dump,
    systemd::{self, Listeners},
    threads::BLOCKING_THREADS,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};
use tracing_subscriber::EnvFilter;

use super::{Failure, link, options::Options};

pub(crate) fn serve(options: &Options) -> Result<(), Failure> {
    dump::forbid();
    let config = options.config()?;
    start_log(&config)?;
    descriptors::raise();
    // Before there is a second thread.
    let listeners = systemd::listeners()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(|error| Failure::failed(error, "the system gives no threads; see its limits"))?;
    runtime.block_on(run(config, listeners))
}

async fn run(config: Config, listeners: Listeners) -> Result<(), Failure> {
    let unusable = |error| Failure::failed(error, "the system gives no signals; see its limits");
    let mut terminate = signal(SignalKind::terminate()).map_err(unusable)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unusable)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(unusable)?;
    let relay = Relay::start_on(config, listeners).await?;
    announce(&relay)?;
    systemd::notify("READY=1");
    tracing::info!("ready");
    let failed = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => false,
        () = relay.failed() => true,
        never = reload_when_asked(&relay, &mut hangup) => match never {},
        never = give_signs_of_life(&relay) => match never {},
    };
    systemd::notify("STOPPING=1");
    tracing::info!("stopping");
    relay.shutdown().await;
    tracing::info!("stopped");
    if failed {
        let hint = "look at the disk and the system's log; what was acknowledged is safe";
        return Err(Failure::failed("the disk failed, nothing was acknowledged since", hint));
    }
    Ok(())
}

/// SIGHUP, as `systemctl reload` sends it.
async fn reload_when_asked(relay: &RunningRelay, hangup: &mut Signal) -> Infallible {
    while hangup.recv().await.is_some() {
        relay.reload();
    }
    std::future::pending().await
}

/// A relay that is not well gives none: then systemd starts another.
async fn give_signs_of_life(relay: &RunningRelay) -> Infallible {
    let Some(pause) = systemd::watchdog_pause() else { return std::future::pending().await };
    loop {
        if relay.is_well().await {
            systemd::notify("WATCHDOG=1");
        }
        sleep(pause).await;
    }
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
