//! Every setting with its default, unit and meaning, as an operator writes it.

use std::{net::SocketAddr, path::PathBuf};

use lightproof_wire::limits;
use serde::{Deserialize, Serialize};

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
            cache_mib: 24,
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
    ("mailbox_days", "days a mailbox lives after it was last watched, 30 to 3650, not below envelope_days"),
    ("tombstone_days", "days a retired hash is remembered, 30 to 3650"),
    ("upload_idle_days", "days after which an unfinished upload is removed, 1 to 30"),
    ("mailbox_envelopes", "envelopes a private mailbox holds, 16,000 bytes each"),
    ("doorbell_envelopes", "envelopes a doorbell holds"),
    ("blob_mib", "MiB of the largest blob, at most 65536, blob_space_mib and blob_mib_a_day_and_address"),
    ("blob_space_mib", "MiB of all blobs together"),
    ("free_space_mib", "MiB that stay free on the disk: below, nothing new is taken"),
    ("one_time_prekeys_a_day", "one-time prekeys given away per doorbell and day"),
    ("one_time_prekeys_a_day_and_address", "the same for one IPv4 address or IPv6 /48"),
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
    ("mailboxes_a_day_and_address", "mailboxes made from one IPv4 address or IPv6 /48 in a day"),
    ("blob_mib_a_day_and_address", "MiB of blobs opened from one IPv4 address or IPv6 /48 in a day"),
    ("doorbell_deposits_a_minute", "envelopes left at one doorbell in a minute, or at once"),
    ("mailbox_deposits_a_minute", "envelopes left at one private mailbox in a minute, or at once"),
    ("chunk_memory_mib", "MiB of chunks on their way to the disk, and as many on their way out, over all connections"),
    ("cache_mib", "MiB of cache for rows"),
    ("write_queue", "writes that may wait before the relay says it is busy"),
    ("log", "what is logged: error | warn | info | debug, or a filter per module"),
    ("log_format", "text | json"),
];
