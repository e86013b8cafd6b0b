//! The settings, checked: valid by type.

mod settings;

use std::{net::SocketAddr, path::PathBuf};

use lightproof_wire::{
    codec::Text,
    limits::{NOTICE_BYTES, OPERATOR_BYTES},
    relay_link::RelayLink,
    reply::Policy,
};

use crate::{
    acme::AcmeSettings,
    admit::Admission,
    drive::Pace,
    error::RelayError,
    limits::{Limits, Space},
    proxy::Proxies,
    rates::RateLimits,
    reload::CertificateFiles,
    store::disk::DiskLimits,
};

pub use settings::{LogFormat, PolicySetting, SETTINGS, Settings};

/// How TLS is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Here, with a certificate that an authority gives for the asking.
    Acme(AcmeSettings),
    /// By a proxy in front.
    BehindProxy,
    /// Here, with a certificate from files.
    Files(CertificateFiles),
    /// Here, with the relay's own certificate and its pin.
    SelfSigned,
}

/// Settings that were checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// What people reach, if it is not this machine's address.
    pub public: Option<RelayLink>,
    /// How TLS is ended.
    pub tls: Tls,
    /// Where metrics are read.
    pub metrics: Option<SocketAddr>,
    /// What everybody must pass.
    pub admission: Admission,
    /// Whose word counts about whom they speak for.
    pub proxies: Proxies,
    /// Web pages that may connect.
    pub origins: Vec<String>,
    /// Who runs this relay.
    pub operator: Text<OPERATOR_BYTES>,
    /// What users should know.
    pub notice: Text<NOTICE_BYTES>,
    /// What the rules enforce.
    pub limits: Limits,
    /// Bytes that stay free on the disk.
    pub free_space_bytes: u64,
    /// How much one address, one mailbox and everybody together may ask for.
    pub rates: RateLimits,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_address: usize,
    /// Connections that are not established yet, at once.
    pub handshakes: usize,
    /// How fast one connection may ask.
    pub pace: Pace,
    /// Chunks in memory.
    pub chunks_in_memory: usize,
    /// How much the store may hold.
    pub disk: DiskLimits,
    /// What is logged.
    pub log: String,
    /// How it looks.
    pub log_format: LogFormat,
}

const MIB: u64 = 1_048_576;

impl Config {
    /// A relay with its own certificate and every default: what a demo or a test starts in its own process.
    ///
    /// # Errors
    /// [`RelayError::ConfigMisuse`]; the defaults have none.
    pub fn local(data: PathBuf, listen: SocketAddr) -> Result<Self, RelayError> {
        Settings { data: Some(data), listen, ..Settings::default() }.check()
    }
}

impl Settings {
    /// Reads settings from TOML.
    ///
    /// # Errors
    /// The reason, with the line.
    pub fn from_table(table: toml::Table) -> Result<Self, toml::de::Error> {
        table.try_into()
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`RelayError::ConfigMisuse`] for the first that cannot be.
    pub fn check(self) -> Result<Config, RelayError> {
        let data = self.data.clone().unwrap_or_else(default_folder);
        let limits = self.check_limits()?;
        let rates = RateLimits::check(&self)?;
        let proxies = self.check_proxies()?;
        let acme = self.check_acme()?;
        let tls = match (self.behind_proxy, acme, self.cert, self.key) {
            (true, None, None, None) => Tls::BehindProxy,
            (false, Some(acme), None, None) => Tls::Acme(acme),
            (false, None, Some(cert), Some(key)) => Tls::Files(CertificateFiles { cert, key }),
            (false, None, None, None) => Tls::SelfSigned,
            (true, ..) => return Err(misuse("behind_proxy", "the proxy has the certificate: leave out any other")),
            (_, Some(_), ..) => return Err(misuse("acme_domains", "there is a certificate already: no cert, no key")),
            (_, _, None, Some(_)) => return Err(misuse("cert", "is missing; key alone is not enough")),
            (_, _, Some(_), None) => return Err(misuse("key", "is missing; cert alone is not enough")),
        };
        let public = self.public_url.map(|url| url.parse::<RelayLink>()).transpose();
        let policy = match self.policy {
            PolicySetting::Open => Policy::Open,
            PolicySetting::Access => Policy::Access,
        };
        Ok(Config {
            listen: self.listen,
            data,
            public: public.map_err(|error| misuse("public_url", error))?,
            tls,
            metrics: self.metrics,
            proxies,
            admission: Admission { policy },
            origins: self.origins,
            operator: Text::new(self.operator).map_err(|error| misuse("operator", error))?,
            notice: Text::new(self.notice).map_err(|error| misuse("notice", error))?,
            limits,
            free_space_bytes: u64::from(self.free_space_mib).saturating_mul(MIB),
            rates,
            connections: count("connections", self.connections, 1..=1_000_000)?,
            connections_per_address: count("connections_per_address", self.connections_per_address, 1..=1_000_000)?,
            handshakes: count("handshakes", self.handshakes, 16..=1_000_000)?,
            pace: Pace {
                commands_per_second: within("commands_per_second", self.commands_per_second, 1..=1_000_000)?,
                command_burst: within("command_burst", self.command_burst, 1..=1_000_000)?,
            },
            chunks_in_memory: count("chunk_memory_mib", self.chunk_memory_mib, 4..=65_536)?,
            disk: DiskLimits {
                cache_bytes: count("cache_mib", self.cache_mib, 1..=4_095)?.saturating_mul(1_048_576),
                queue_length: count("write_queue", self.write_queue, 1..=65_536)?,
            },
            log: self.log,
            log_format: self.log_format,
        })
    }

    fn check_proxies(&self) -> Result<Proxies, RelayError> {
        if self.trusted_proxies.is_empty() {
            return Ok(if self.behind_proxy { Proxies::on_this_machine() } else { Proxies::default() });
        }
        let trusted = self.trusted_proxies.iter().map(|network| network.parse()).collect::<Result<_, _>>();
        trusted.map(Proxies::new).map_err(|error| misuse("trusted_proxies", error))
    }

    fn check_acme(&self) -> Result<Option<AcmeSettings>, RelayError> {
        if self.acme_domains.is_empty() {
            return Ok(None);
        }
        let contact = (!self.acme_contact.is_empty()).then(|| self.acme_contact.clone());
        let (directory, root) = (self.acme_directory.clone(), self.acme_root.clone());
        AcmeSettings::new(&self.acme_domains, contact, directory, root).map(Some)
    }

    fn check_limits(&self) -> Result<Limits, RelayError> {
        let envelope_days = within("envelope_days", self.envelope_days, 1..=365)?;
        let mailbox_days = within("mailbox_days", self.mailbox_days, 30..=3_650)?;
        if mailbox_days < envelope_days {
            return Err(misuse("mailbox_days", "envelopes go with their mailbox: not below envelope_days"));
        }
        let blob_space_mib = within("blob_space_mib", self.blob_space_mib, 1..=u32::MAX)?;
        let blob_mib = within("blob_mib", self.blob_mib, 1..=65_536)?;
        // What is promised is what can come.
        let blob_mib = blob_mib.min(blob_space_mib).min(self.blob_mib_a_day_and_address);
        Ok(Limits {
            envelope_days,
            blob_days: within("blob_days", self.blob_days, 1..=730)?,
            mailbox_days,
            tombstone_days: within("tombstone_days", self.tombstone_days, 30..=3_650)?,
            upload_idle_days: within("upload_idle_days", self.upload_idle_days, 1..=30)?,
            mailbox_envelopes: within("mailbox_envelopes", self.mailbox_envelopes, 1..=1_000_000)?,
            doorbell_envelopes: within("doorbell_envelopes", self.doorbell_envelopes, 1..=1_000_000)?,
            blob_bytes: u64::from(blob_mib).saturating_mul(MIB),
            blob_space_bytes: u64::from(blob_space_mib).saturating_mul(MIB),
            one_time_prekeys_a_day: self.one_time_prekeys_a_day,
            space: Space::ForEverybody,
        })
    }
}

/// `$XDG_DATA_HOME/lightproof-relay`, `~/.local/share/lightproof-relay`, or `./lightproof-relay-data` without a home.
#[must_use]
pub fn default_folder() -> PathBuf {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let share = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    share.map_or_else(|| PathBuf::from("lightproof-relay-data"), |share| share.join("lightproof-relay"))
}

pub(crate) fn within<T: PartialOrd + Copy + std::fmt::Display>(
    key: &'static str,
    value: T,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, RelayError> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(misuse(key, format!("{value} is not within {} to {}", range.start(), range.end())))
}

pub(crate) fn count(key: &'static str, value: u32, range: std::ops::RangeInclusive<u32>) -> Result<usize, RelayError> {
    usize::try_from(within(key, value, range)?).map_err(|error| misuse(key, error))
}

pub(crate) fn misuse(key: &'static str, reason: impl ToString) -> RelayError {
    RelayError::ConfigMisuse { key, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(toml: &str) -> Result<Config, RelayError> {
        Settings::from_table(toml.parse().unwrap()).unwrap().check()
    }

    #[test]
    fn a_mailbox_that_was_watched_today_keeps_an_envelope_for_all_its_days() {
        assert!(checked("envelope_days = 60\nmailbox_days = 60").is_ok());
        let error = checked("envelope_days = 60\nmailbox_days = 59").unwrap_err();
        assert!(matches!(error, RelayError::ConfigMisuse { key: "mailbox_days", .. }), "{error}");
    }

    #[test]
    fn the_largest_blob_is_one_that_there_is_room_for_and_that_may_come() {
        for (toml, mib) in [
            ("", 8_192),
            ("blob_mib = 70", 70),
            ("blob_space_mib = 50", 50),
            ("blob_mib_a_day_and_address = 60", 60),
            ("blob_mib = 55\nblob_space_mib = 60", 55),
        ] {
            assert_eq!(checked(toml).unwrap().limits.blob_bytes, mib * MIB, "{toml}");
        }
    }
}
