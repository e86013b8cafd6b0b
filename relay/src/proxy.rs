//! Whom a connection comes from: the other end itself, or whom a proxy that the operator trusts says it speaks for.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use http::HeaderMap;

/// Addresses with the same first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// The text names no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address such as 192.0.2.1, or one with its length such as 192.0.2.0/24")]
pub struct NetworkMalformed;

impl Network {
    /// Whether the address is one of it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        // More bits than there are leave nothing to compare: zero is in front of everything.
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                let differing = ours.to_bits() ^ other.to_bits();
                differing.checked_shr(32_u32.saturating_sub(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                let differing = ours.to_bits() ^ other.to_bits();
                differing.checked_shr(128_u32.saturating_sub(self.bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkMalformed;

    fn from_str(text: &str) -> Result<Self, NetworkMalformed> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NetworkMalformed)?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits: u32 = bits.map_or(Ok(all), str::parse).map_err(|_| NetworkMalformed)?;
        match address.to_canonical() {
            _ if bits > all => Err(NetworkMalformed),
            // ::ffff:192.0.2.0/120 is 192.0.2.0/24.
            mapped if mapped.is_ipv4() && address.is_ipv6() => match bits.checked_sub(96) {
                Some(bits) => Ok(Self { address: mapped, bits }),
                None => Err(NetworkMalformed),
            },
            _ => Ok(Self { address, bits }),
        }
    }
}

/// The proxies whose word counts.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// These and no others.
    #[must_use]
    pub const fn new(trusted: Vec<Network>) -> Self {
        Self(trusted)
    }

    /// Every program of this machine.
    #[must_use]
    pub fn on_this_machine() -> Self {
        let loopback = |address, bits| Network { address, bits };
        Self(vec![loopback(Ipv4Addr::LOCALHOST.into(), 8), loopback(Ipv6Addr::LOCALHOST.into(), 128)])
    }

    /// Whether the other end of a connection is one of them.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whom a request comes from; `None` if a proxy does not say.
    ///
    /// Each proxy adds at the end of `X-Forwarded-For` whom it saw, so the list is read from there, and only as far
    /// as those who added to it are trusted: what stands before is what a stranger wrote.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer.to_canonical();
        if !self.trust(peer) {
            return Some(peer);
        }
        let mut lines = headers.get_all("x-forwarded-for").iter().rev().peekable();
        lines.peek()?;
        let mut known = peer;
        for line in lines {
            for added in line.to_str().unwrap_or_default().rsplit(',') {
                let Some(address) = parse(added.trim()) else { return Some(known) };
                known = address;
                if !self.trust(known) {
                    return Some(known);
                }
            }
        }
        Some(known)
    }
}

/// An address as proxies write it, some with a port.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn proxies(networks: &[&str]) -> Proxies {
        Proxies::new(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    fn said(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (http::HeaderName::from_static("x-forwarded-for"), line.parse().unwrap())).collect()
    }

    #[test]
    fn a_network_holds_the_addresses_with_its_first_bits() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.7/31", "192.0.2.6", "192.0.2.8"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::1", "::1", "::2"),
            ("::ffff:192.0.2.0/120", "192.0.2.255", "192.0.3.0"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("::/0", "::1", "203.0.113.9"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(address(inside)) && !network.contains(address(outside)), "{network:?}");
        }
        assert!("192.0.2.0/24".parse::<Network>().unwrap().contains(address("::ffff:192.0.2.1")), "IPv4 within IPv6");
        for wrong in [
            "",
            "relay.example.org",
            "192.0.2.0/33",
            "::/129",
            "192.0.2.0/-1",
            "192.0.2.0/",
            "192.0.2.0/24/1",
            "::ffff:0.0.0.0/95",
        ] {
            assert_eq!(wrong.parse::<Network>(), Err(NetworkMalformed), "{wrong}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_about_what_it_added() {
        let trusted = proxies(&["10.0.0.0/8", "::1"]);
        for (peer, lines, client) in [
            ("203.0.113.1", &["198.51.100.1"][..], Some("203.0.113.1")),
            ("10.0.0.1", &["198.51.100.1"], Some("198.51.100.1")),
            ("10.0.0.1", &["192.0.2.66, 198.51.100.1"], Some("198.51.100.1")),
            ("10.0.0.1", &["192.0.2.66", "198.51.100.1"], Some("198.51.100.1")),
            ("10.0.0.1", &["192.0.2.66, 198.51.100.1, 10.0.0.2"], Some("198.51.100.1")),
            ("10.0.0.1", &["192.0.2.66", "198.51.100.1", "10.0.0.2,10.0.0.3"], Some("198.51.100.1")),
            ("10.0.0.1", &["10.0.0.9"], Some("10.0.0.9")),
            ("10.0.0.1", &["198.51.100.1, garbage"], Some("10.0.0.1")),
            ("10.0.0.1", &["garbage, 10.0.0.2"], Some("10.0.0.2")),
            ("10.0.0.1", &[""], Some("10.0.0.1")),
            ("10.0.0.1", &["[2001:db8::1]:443"], Some("2001:db8::1")),
            ("10.0.0.1", &["198.51.100.1:61000"], Some("198.51.100.1")),
            ("::1", &["::ffff:198.51.100.1"], Some("198.51.100.1")),
            ("::ffff:10.0.0.1", &["198.51.100.1"], Some("198.51.100.1")),
            ("10.0.0.1", &[], None),
        ] {
            assert_eq!(trusted.client(address(peer), &said(lines)), client.map(address), "{peer} {lines:?}");
        }
        let mut unreadable = said(&["198.51.100.1"]);
        unreadable.append("x-forwarded-for", HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(trusted.client(address("10.0.0.1"), &unreadable), Some(address("10.0.0.1")));
    }

    #[test]
    fn without_a_setting_only_this_machine_is_believed() {
        let here = Proxies::on_this_machine();
        assert_eq!(here.client(address("127.0.0.1"), &said(&["198.51.100.1"])), Some(address("198.51.100.1")));
        assert_eq!(here.client(address("192.0.2.1"), &said(&["198.51.100.1"])), Some(address("192.0.2.1")));
        assert_eq!(
            Proxies::default().client(address("127.0.0.1"), &said(&["198.51.100.1"])),
            Some(address("127.0.0.1"))
        );
    }
}
