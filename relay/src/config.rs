//! Every setting with its default, unit and meaning; and the same, valid by type.

use std::{net::SocketAddr, path::PathBuf};

use lightproof_wire::{
    capability::{CapabilityHash, right},
    codec::Text,
    limits::{self, NOTICE_BYTES, OPERATOR_BYTES},
    relay_link::RelayLink,
};
use serde::{Deserialize, Serialize};

use crate::{admit::Admission, drive::Pace, error::RelayError, limits::Limits, store::disk::DiskLimits};

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
    pub(crate) behind_proxy: bool,
    pub(crate) policy: PolicySetting,
    pub(crate) access_hashes: Vec<String>,
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
    pub(crate) commands_per_second: u32,
    pub(crate) command_burst: u32,
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
            behind_proxy: false,
            policy: PolicySetting::Open,
            access_hashes: Vec::new(),
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
            commands_per_second: 500,
            command_burst: 2_000,
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
    ("behind_proxy", "plain HTTP: a proxy in front ends TLS and sets X-Forwarded-For"),
    ("policy", "who may create mailboxes and blobs: open | access"),
    ("access_hashes", "hashes of the access capabilities, 64 hex digits each, for policy = access"),
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
    ("connections_per_address", "connections at once from one IPv4 address or IPv6 /64; not behind a proxy"),
    ("commands_per_second", "commands per second and connection, for long"),
    ("command_burst", "commands per connection at once"),
    ("chunk_memory_mib", "MiB of chunks in memory over all connections"),
    ("cache_mib", "MiB of cache for rows"),
    ("write_queue", "writes that may wait before the relay says it is busy"),
    ("log", "what is logged: error | warn | info | debug, or a filter per module"),
    ("log_format", "text | json"),
];

/// How TLS is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// By a proxy in front.
    BehindProxy,
    /// Here, with a certificate from files.
    Files {
        /// PEM chain.
        cert: PathBuf,
        /// PEM key.
        key: PathBuf,
    },
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
    /// What everybody must pass.
    pub admission: Admission,
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
    /// One-time prekeys per doorbell, day and address.
    pub one_time_prekeys_a_day_and_address: u16,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_address: usize,
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
        let tls = match (self.behind_proxy, self.cert, self.key) {
            (true, None, None) => Tls::BehindProxy,
            (false, Some(cert), Some(key)) => Tls::Files { cert, key },
            (false, None, None) => Tls::SelfSigned,
            (true, ..) => return Err(misuse("behind_proxy", "the proxy has the certificate: leave out cert and key")),
            (false, None, Some(_)) => return Err(misuse("cert", "is missing; key alone is not enough")),
            (false, Some(_), None) => return Err(misuse("key", "is missing; cert alone is not enough")),
        };
        let public = self.public_url.map(|url| url.parse::<RelayLink>()).transpose();
        let hashes = self.access_hashes.iter().map(|hash| parse_hash(hash)).collect::<Result<Vec<_>, _>>()?;
        let access = match self.policy {
            PolicySetting::Open if !hashes.is_empty() => {
                return Err(misuse("policy", "is open, but access_hashes are given"));
            }
            PolicySetting::Open => None,
            PolicySetting::Access => Some(hashes),
        };
        Ok(Config {
            listen: self.listen,
            data,
            public: public.map_err(|error| misuse("public_url", error))?,
            tls,
            admission: Admission { access },
            origins: self.origins,
            operator: Text::new(self.operator).map_err(|error| misuse("operator", error))?,
            notice: Text::new(self.notice).map_err(|error| misuse("notice", error))?,
            limits,
            free_space_bytes: u64::from(self.free_space_mib).saturating_mul(MIB),
            one_time_prekeys_a_day_and_address: self.one_time_prekeys_a_day_and_address,
            connections: count("connections", self.connections, 1..=1_000_000)?,
            connections_per_address: count("connections_per_address", self.connections_per_address, 1..=1_000_000)?,
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
            has_room: true,
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

fn within<T: PartialOrd + Copy + std::fmt::Display>(
    key: &'static str,
    value: T,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, RelayError> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(misuse(key, format!("{value} is not within {} to {}", range.start(), range.end())))
}

fn count(key: &'static str, value: u32, range: std::ops::RangeInclusive<u32>) -> Result<usize, RelayError> {
    usize::try_from(within(key, value, range)?).map_err(|error| misuse(key, error))
}

fn parse_hash(text: &str) -> Result<CapabilityHash<right::Access>, RelayError> {
    let wrong = || misuse("access_hashes", "a hash has 64 hex digits");
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong());
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(CapabilityHash::from_bytes(bytes))
}

fn misuse(key: &'static str, reason: impl ToString) -> RelayError {
    RelayError::ConfigMisuse { key, reason: reason.to_string() }
}
