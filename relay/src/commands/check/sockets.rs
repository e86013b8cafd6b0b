//! Where the relay listens: free or its own already, and open to nobody who should come another way.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use lightproof_relay::config::Tls;

use super::{Finding, Subject};

pub(super) fn port(subject: &Subject) -> Finding {
    free(subject, subject.config.listen, "choose another with --listen, or end whatever has it: see ss -ltnp")
}

pub(super) fn metrics(subject: &Subject) -> Finding {
    let Some(address) = subject.config.metrics else { return Ok("nowhere".to_owned()) };
    free(subject, address, "choose another address for metrics, or end whatever has it: see ss -ltnp")
}

/// What a relay that ends no TLS itself is told about its surroundings.
pub(super) fn proxy(subject: &Subject) -> Finding {
    let config = &subject.config;
    if config.tls != Tls::BehindProxy {
        return Ok("none: people reach the relay itself".to_owned());
    }
    if config.public.is_none() {
        let fix = "set public_url to where the proxy is reached, as in wss://relay.example.org/";
        return Err(("people would be sent past it".to_owned(), fix));
    }
    let on_this_machine = config.proxies.trust(Ipv4Addr::LOCALHOST.into());
    if on_this_machine && !config.listen.ip().is_loopback() {
        let fix = "listen on 127.0.0.1, or name the machines of the proxy in trusted_proxies";
        return Err((format!("others reach {} as well, without TLS", config.listen), fix));
    }
    Ok("ends TLS, and is the only way to the relay".to_owned())
}

fn free(subject: &Subject, address: SocketAddr, otherwise: &'static str) -> Finding {
    let Err(error) = TcpListener::bind(address) else { return Ok(format!("{address} is free")) };
    let fix = match error.kind() {
        io::ErrorKind::AddrInUse if subject.is_running() => {
            return Ok(format!("{address} is taken, and the relay runs"));
        }
        io::ErrorKind::PermissionDenied => {
            "choose a port from 1024 on, or let systemd open this one: lightproof-relay.socket"
        }
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has the address: choose one that it has",
        _ => otherwise,
    };
    Err((format!("{address}: {error}"), fix))
}
