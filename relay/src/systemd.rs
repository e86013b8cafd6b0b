//! What systemd is told, and the sockets it hands over. Without systemd nothing happens here.

use std::{
    env, io,
    net::TcpListener,
    os::unix::{
        ffi::OsStrExt as _,
        net::{SocketAddr, UnixDatagram},
    },
    time::Duration,
};

use crate::error::RelayError;

/// Listeners that somebody else opened.
#[derive(Debug, Default)]
pub struct Listeners {
    /// For the relay; if there are none it opens its own.
    pub relay: Vec<TcpListener>,
    /// For metrics.
    pub metrics: Option<TcpListener>,
}

/// Takes the sockets of this process's socket units: one named `metrics` is for metrics, all others are the relay's.
/// To be called once, before there is a second thread: it takes them out of the environment.
///
/// # Errors
/// [`RelayError::Inherited`] if one is no listener for TCP.
pub fn listeners() -> Result<Listeners, RelayError> {
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut given = listenfd::ListenFd::from_env();
    let mut listeners = Listeners::default();
    for index in 0..given.len() {
        let name = names.next().unwrap_or_default();
        let Some(listener) = given.take_tcp_listener(index).map_err(RelayError::Inherited)? else { continue };
        listener.set_nonblocking(true).map_err(RelayError::Inherited)?;
        if name == "metrics" {
            listeners.metrics = Some(listener);
        } else {
            listeners.relay.push(listener);
        }
    }
    Ok(listeners)
}

/// Tells systemd, where it asked to be told: `READY=1`, `STOPPING=1`, `WATCHDOG=1`.
pub fn notify(state: &str) {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return };
    let told = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => abstract_address(name),
        None => SocketAddr::from_pathname(&path),
    };
    let told = told.and_then(|address| send(&address, state));
    if let Err(error) = told {
        tracing::warn!(%error, "systemd could not be told");
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

fn send(address: &SocketAddr, state: &str) -> io::Result<()> {
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), address).map(drop)
}

/// How often systemd wants a sign of life, if it does: twice within what it allows.
#[must_use]
pub fn watchdog_pause() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    // Set for another process, it is none of ours.
    if env::var_os("WATCHDOG_PID").is_some() && number("WATCHDOG_PID") != Some(std::process::id().into()) {
        return None;
    }
    number("WATCHDOG_USEC").filter(|allowed| *allowed > 0).map(|allowed| Duration::from_micros(allowed / 2))
}
