//! The address of a relay, as people type, paste and scan it: `wss://host[:port]/[#pin=…[,…]]`, at most 200 bytes.
//!
//! A pin is the base64url SHA-256 of the TLS public key (SPKI). With pins only those keys are accepted, without any
//! the Web PKI decides. The fragment is split off by hand: general URL parsers drop it, and the pin with it.

use core::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::{
    codec::{DecodeError, Text},
    hash::Digest,
    limits::RELAY_LINK_BYTES,
};

const SCHEME: &str = "wss://";
const DEFAULT_PORT: u16 = 443;

/// Where a relay is, and which keys it may show.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayLink {
    host: String,
    port: u16,
    pins: Vec<Digest>,
}

/// Why a text is not a relay link. The fault of whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayLinkMalformed {
    /// The host is missing or not a name or address.
    #[error("a relay link needs a host name or address")]
    Host,
    /// Something other than `/` follows the host.
    #[error("a relay link has no path")]
    Path,
    /// The part after `#` is not `pin=` with whole SHA-256 digests.
    #[error("the pin of this relay link is damaged")]
    Pin,
    /// The port is not a number from 1 to 65,535.
    #[error("the port of this relay link is not a port")]
    Port,
    /// It does not begin with `wss://`.
    #[error("a relay link begins with wss://")]
    Scheme,
    /// More than 200 bytes.
    #[error("a relay link has at most 200 bytes")]
    TooLong,
}

impl RelayLink {
    /// A link from its parts.
    ///
    /// # Errors
    /// [`RelayLinkMalformed`] where the parts do not make a link.
    pub fn new(host: &str, port: u16, pins: Vec<Digest>) -> Result<Self, RelayLinkMalformed> {
        let link = Self { host: check_host(&host.to_ascii_lowercase())?, port, pins };
        if port == 0 {
            return Err(RelayLinkMalformed::Port);
        }
        if link.to_string().len() > RELAY_LINK_BYTES { Err(RelayLinkMalformed::TooLong) } else { Ok(link) }
    }

    /// The host: a lower-case name, an IPv4 address, or an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// SHA-256 of the TLS public keys the relay may show; none: the Web PKI decides.
    #[must_use]
    pub fn pins(&self) -> &[Digest] {
        &self.pins
    }

    /// As a field of a signed structure.
    #[must_use]
    pub fn to_text(&self) -> Text<RELAY_LINK_BYTES> {
        // The constructor checked the length.
        Text::new(self.to_string()).unwrap_or_default()
    }

    /// From a field of a signed structure: only the one way it is printed is accepted.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`], the peer's fault.
    pub fn from_text(text: &Text<RELAY_LINK_BYTES>) -> Result<Self, DecodeError> {
        let link: Self = text.as_str().parse().map_err(|_| DecodeError::Invalid)?;
        if link.to_string() == text.as_str() { Ok(link) } else { Err(DecodeError::Invalid) }
    }

    /// `host:port`, as one would dial it.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for RelayLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?
        } else {
            f.write_str(&self.host)?
        }
        if self.port != DEFAULT_PORT {
            write!(f, ":{}", self.port)?;
        }
        f.write_str("/")?;
        for (i, pin) in self.pins.iter().enumerate() {
            f.write_str(if i == 0 { "#pin=" } else { "," })?;
            f.write_str(&Base64UrlUnpadded::encode_string(pin.as_bytes()))?;
        }
        Ok(())
    }
}

impl FromStr for RelayLink {
    type Err = RelayLinkMalformed;

    /// Spaces around it, upper case in the host and a missing last `/` are forgiven, nothing else.
    fn from_str(text: &str) -> Result<Self, RelayLinkMalformed> {
        let text = text.trim_ascii();
        if text.len() > RELAY_LINK_BYTES {
            return Err(RelayLinkMalformed::TooLong);
        }
        let (address, fragment) = match text.split_once('#') {
            Some((address, fragment)) => (address, Some(fragment)),
            None => (text, None),
        };
        let rest = address.strip_prefix(SCHEME).ok_or(RelayLinkMalformed::Scheme)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !path.is_empty() {
            return Err(RelayLinkMalformed::Path);
        }
        let (host, port) = split_port(authority)?;
        Self::new(host, port, fragment.map(parse_pins).transpose()?.unwrap_or_default())
    }
}

fn split_port(authority: &str) -> Result<(&str, u16), RelayLinkMalformed> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(RelayLinkMalformed::Host)?;
            host.parse::<Ipv6Addr>().map_err(|_| RelayLinkMalformed::Host)?;
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err(RelayLinkMalformed::Host),
            }
        }
        None => match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => return Err(RelayLinkMalformed::Host),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let Some(port) = port else { return Ok((host, DEFAULT_PORT)) };
    // One way to write a number: no sign, no leading zero.
    let plain = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    if plain {
        port.parse().map(|port| (host, port)).map_err(|_| RelayLinkMalformed::Port)
    } else {
        Err(RelayLinkMalformed::Port)
    }
}

fn check_host(host: &str) -> Result<String, RelayLinkMalformed> {
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return Ok(address.to_string());
    }
    let label_is_fine = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label of digits would be an address in one of its many old spellings: only the common one is an address.
    let numeric = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let fine = host.split('.').all(label_is_fine) && (!numeric || host.parse::<Ipv4Addr>().is_ok());
    if fine { Ok(host.to_owned()) } else { Err(RelayLinkMalformed::Host) }
}

fn parse_pins(fragment: &str) -> Result<Vec<Digest>, RelayLinkMalformed> {
    let pins = fragment.strip_prefix("pin=").ok_or(RelayLinkMalformed::Pin)?;
    pins.split(',')
        .map(|pin| {
            let mut bytes = [0; 32];
            match Base64UrlUnpadded::decode(pin, &mut bytes) {
                Ok(decoded) if decoded.len() == 32 => Ok(Digest::from_bytes(bytes)),
                _ => Err(RelayLinkMalformed::Pin),
            }
        })
        .collect()
}
