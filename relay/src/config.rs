//! Every setting with its default, unit and meaning; and the same, valid by type.

use std::{net::SocketAddr, path::PathBuf};

use lightproof_wire::{
    codec::Text,
    limits::{self, NOTICE_BYTES, OPERATOR_BYTES},
    relay_link::RelayLink,
    reply::Policy,
};
use serde::{Deserialize, Serialize};

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

/// Settings as an operator writes them: TOML, environment and flags meet here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub(crate) listen: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cert: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
    pub(crate) acme_domains: Vec<String>,
    pub(crate) acme_contact: String,
    pub(crate) acme_directory: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acme_root: Option<PathBuf>,
    pub(crate) behind_proxy: bool,
    pub(crate) trusted_proxies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) policy: PolicySetting,
    pub(crate) origins: Vec<String>,
    pub(crate) operator: String,
    pub(crate) notice: String,
    pub(crate) envelope_days: u16,
    pub(crate) blob_days: u16,
    pub(crate) mailbox_days: u16,
    pub(crate) tombstone_days: u16,
    pub(crate) upload_idle_days: u16,
    pub(crate) mailbox_envelopes: u32,
    pub(crate) doorbell_envelopes: u32,
    pub(crate) blob_mib: u32,
    pub(crate) blob_space_mib: u32,
    pub(crate) free_space_mib: u32,
    pub(crate) one_time_prekeys_a_day: u16,
    pub(crate) one_time_prekeys_a_day_and_address: u16,
    pub(crate) connections: u32,
    pub(crate) connections_per_address: u32,
    pub(crate) handshakes: u32,
    pub(crate) commands_per_second: u32,
    pub(crate) command_burst: u32,
    pub(crate) commands_per_second_and_address: u32,
    pub(crate) commands_per_second_in_all: u32,
    pub(crate) mailboxes_a_day_and_address: u32,
    pub(crate) blob_mib_a_day_and_address: u32,
    pub(crate) doorbell_deposits_a_minute: u32,
    pub(crate) mailbox_deposits_a_minute: u32,
    pub(crate) chunk_memory_mib: u32,
    pub(crate) cache_mib: u32,
    pub(crate) write_queue: u32,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
}

/// Who may create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicySetting {
    /// Anybody.
    Open,
    /// Holders of an `access` capability.
    Access,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 7443)),
            data: None,
            public_url: None,
            cert: None,
            key: None,
            acme_domains: Vec::new(),
            acme_contact: String::new(),
            acme_directory: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            acme_root: None,
            behind_proxy: false,
            trusted_proxies: Vec::new(),
            metrics: None,
            policy: PolicySetting::Open,
            origins: Vec::new(),
            operator: String::new(),
            notice: String::new(),
            envelope_days: limits::ENVELOPE_DAYS,
            blob_days: limits::BLOB_DAYS,
            mailbox_days: limits::MAILBOX_DAYS,
            tombstone_days: limits::TOMBSTONE_DAYS,
            upload_idle_days: limits::UPLOAD_IDLE_DAYS,
            mailbox_envelopes: limits::MAILBOX_ENVELOPES,
            doorbell_envelopes: limits::DOORBELL_ENVELOPES,
            blob_mib: 8_192,
            blob_space_mib: 102_400,
            free_space_mib: 256,
            one_time_prekeys_a_day: limits::ONE_TIME_PREKEYS_A_DAY,
            one_time_prekeys_a_day_and_address: 10,
            connections: 4_096,
            connections_per_address: 256,
            handshakes: 4_096,
            commands_per_second: 500,
            command_burst: 2_000,
            commands_per_second_and_address: 2_000,
            commands_per_second_in_all: 20_000,
            mailboxes_a_day_and_address: 1_000,
            blob_mib_a_day_and_address: 20_480,
            doorbell_deposits_a_minute: limits::DOORBELL_ENVELOPES,
            mailbox_deposits_a_minute: limits::MAILBOX_ENVELOPES,
            chunk_memory_mib: 256,
            cache_mib: 16,
            write_queue: 1_024,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
        }
    }
}

/// Key and meaning, unit included, in the order they are printed.
pub const SETTINGS: &[(&str, &str)] = &[
    ("listen", "address and port to listen on"),
    ("data", "folder of everything the relay keeps; default $XDG_DATA_HOME/lightproof-relay, else ~/.local/share/…"),
    ("public_url", "wss://host[:port]/ that people reach; default: this machine's address"),
    ("cert", "PEM certificate chain; with `key`, instead of the relay's own certificate"),
    ("key", "PEM private key of `cert`"),
    ("acme_domains", "names of this relay, for a certificate that an authority gives by ACME; needs port 443"),
    ("acme_contact", "where that authority may write to, such as mailto:operator@example.org"),
    ("acme_directory", "where that authority's API begins; with acme_domains you accept its terms"),
    ("acme_root", "PEM root of that authority's own certificate, if it is a private one; default: the public ones"),
    ("behind_proxy", "plain HTTP: a proxy in front ends TLS and sets X-Forwarded-For"),
    ("trusted_proxies", "networks whose X-Forwarded-For is believed; none behind a proxy means this machine"),
    ("metrics", "address and port for /metrics without TLS, such as 127.0.0.1:9443; default: nowhere"),
    ("policy", "who may create mailboxes and blobs: open (anybody) | access (holders of what `access new` printed)"),
    ("origins", "web pages that may connect, as their Origin header says; programs send none"),
    ("operator", "who runs this relay and how to reach them, shown to users; at most 256 bytes"),
    ("notice", "what users should know, shown to them; at most 512 bytes"),
    ("envelope_days", "days an envelope is kept, 1 to 365"),
    ("blob_days", "days a blob may be kept, 1 to 730"),
    ("mailbox_days", "days a mailbox lives after it was last watched, 30 to 3650"),
    ("tombstone_days", "days a retired hash is remembered, 30 to 3650"),
    ("upload_idle_days", "days after which an unfinished upload is removed, 1 to 30"),
    ("mailbox_envelopes", "envelopes a private mailbox holds, 16,000 bytes each"),
    ("doorbell_envelopes", "envelopes a doorbell holds"),
    ("blob_mib", "MiB of the largest blob, at most 65536"),
    ("blob_space_mib", "MiB of all blobs together"),
    ("free_space_mib", "MiB that stay free on the disk: below, nothing new is taken"),
    ("one_time_prekeys_a_day", "one-time prekeys given away per doorbell and day"),
    ("one_time_prekeys_a_day_and_address", "the same for one address"),
    ("connections", "connections at once"),
    ("connections_per_address", "connections at once from one IPv4 address or IPv6 /64"),
    ("handshakes", "connections that are not established yet, at once; more push out the oldest silent ones"),
    ("commands_per_second", "commands per second and connection, for long"),
    ("command_burst", "commands per connection at once"),
    ("commands_per_second_and_address", "commands per second from one address, for long; four times as many at once"),
    (
        "commands_per_second_in_all",
        "the same for everybody together; strangers get at most half of what is left at once",
    ),
    ("mailboxes_a_day_and_address", "mailboxes made from one address in a day"),
    ("blob_mib_a_day_and_address", "MiB of blobs opened from one address in a day"),
    ("doorbell_deposits_a_minute", "envelopes left at one doorbell in a minute, or at once"),
    ("mailbox_deposits_a_minute", "envelopes left at one private mailbox in a minute, or at once"),
    ("chunk_memory_mib", "MiB of chunks in memory over all connections"),
    ("cache_mib", "MiB of cache for rows"),
    ("write_queue", "writes that may wait before the relay says it is busy"),
    ("log", "what is logged: error | warn | info | debug, or a filter per module"),
    ("log_format", "text | json"),
];

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
        Ok(Limits {
            envelope_days: within("envelope_days", self.envelope_days, 1..=365)?,
            blob_days: within("blob_days", self.blob_days, 1..=730)?,
            mailbox_days: within("mailbox_days", self.mailbox_days, 30..=3_650)?,
            tombstone_days: within("tombstone_days", self.tombstone_days, 30..=3_650)?,
            upload_idle_days: within("upload_idle_days", self.upload_idle_days, 1..=30)?,
            mailbox_envelopes: within("mailbox_envelopes", self.mailbox_envelopes, 1..=1_000_000)?,
            doorbell_envelopes: within("doorbell_envelopes", self.doorbell_envelopes, 1..=1_000_000)?,
            blob_bytes: u64::from(within("blob_mib", self.blob_mib, 1..=65_536)?).saturating_mul(MIB),
            blob_space_bytes: u64::from(within("blob_space_mib", self.blob_space_mib, 1..=u32::MAX)?)
                .saturating_mul(MIB),
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
