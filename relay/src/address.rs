//! The relay link of this relay: where people reach it, and the pin of a certificate that no authority signed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use lightproof_wire::relay_link::RelayLink;

use crate::{
    config::{Config, Tls},
    error::RelayError,
    tls::Certificate,
};

/// The link: `public_url` if given, else the name an authority certifies, else the address listened on, else this machine's own address.
///
/// # Errors
/// [`RelayError`].
pub fn link(
    config: &Config,
    listening: SocketAddr,
    certificate: Option<&Certificate>,
) -> Result<RelayLink, RelayError> {
    let pins = match (&config.tls, certificate) {
        (Tls::SelfSigned, Some(certificate)) => vec![certificate.pin()?],
        _ => Vec::new(),
    };
    if let Some(public) = &config.public {
        // Pins the operator wrote stand, as of a second certificate to come.
        let pins = if public.pins().is_empty() { pins } else { public.pins().to_vec() };
        return Ok(RelayLink::new(public.host(), public.port(), pins)?);
    }
    if let Tls::Acme(settings) = &config.tls
        && let Some(domain) = settings.first_domain()
    {
        return Ok(RelayLink::new(domain, listening.port(), pins)?);
    }
    let host = if listening.ip().is_unspecified() { own_address(listening.ip()) } else { listening.ip() };
    Ok(RelayLink::new(&host.to_string(), listening.port(), pins)?)
}

/// The address this machine would speak from; loopback without a network. Connecting a UDP socket sends nothing.
fn own_address(unspecified: IpAddr) -> IpAddr {
    let (from, towards, loopback): (IpAddr, IpAddr, IpAddr) = match unspecified {
        // Addresses reserved for documentation: never reached, only routed.
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into(), Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(_) => (
            Ipv6Addr::UNSPECIFIED.into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
            Ipv6Addr::LOCALHOST.into(),
        ),
    };
    let outward = || {
        let socket = UdpSocket::bind((from, 0))?;
        socket.connect((towards, 9))?;
        socket.local_addr()
    };
    outward().map_or(loopback, |address| address.ip())
}
