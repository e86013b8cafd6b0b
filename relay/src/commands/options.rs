//! Settings from all sides: the file, then the environment over it, then what was typed over both.

use std::{fs, net::SocketAddr, path::PathBuf};

use clap::Args;
use lightproof_relay::config::{Config, SETTINGS, Settings};

use super::Failure;

/// Every setting can also stand in the environment as LIGHTPROOF_RELAY_ and its name in capitals.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// TOML file with settings; see `lightproof-relay config`
    #[arg(long, value_name = "FILE", env = "LIGHTPROOF_RELAY_CONFIG")]
    config: Option<PathBuf>,
    /// Folder of everything the relay keeps
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port to listen on [default: 0.0.0.0:7443]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// wss://host[:port]/ that people reach
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// PEM certificate chain
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// PEM private key of the certificate
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The relay's own certificate, pinned in its link (the default)
    #[arg(long, conflicts_with_all = ["cert", "behind_proxy"])]
    self_signed: bool,
    /// Plain HTTP: a proxy in front ends TLS
    #[arg(long, conflicts_with = "cert")]
    behind_proxy: bool,
}

/// What a command that looks at what a relay keeps needs to find it.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// TOML file with settings, as for `serve`
    #[arg(long, value_name = "FILE", env = "LIGHTPROOF_RELAY_CONFIG")]
    config: Option<PathBuf>,
    /// Folder of everything the relay keeps
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Place {
    /// The settings that result, checked.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let Self { config, data } = self;
        let (config, data) = (config.clone(), data.clone());
        Options { config, data, ..Options::default() }.config()
    }
}

const PREFIX: &str = "LIGHTPROOF_RELAY_";
const HINT: &str = "see `lightproof-relay config` for every setting with its default and unit";

impl Options {
    /// The settings that result, checked.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let mut table = self.file()?;
        environment(&mut table)?;
        self.typed(&mut table)?;
        let settings = Settings::from_table(table).map_err(|error| Failure::usage(error.message(), HINT))?;
        Ok(settings.check()?)
    }

    fn file(&self) -> Result<toml::Table, Failure> {
        let Some(path) = &self.config else { return Ok(toml::Table::new()) };
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::failed(format!("{}: {error}", path.display()), "give a readable TOML file"))?;
        text.parse().map_err(|error: toml::de::Error| {
            Failure::usage(format!("{}: {}", path.display(), error.to_string().trim_end()), HINT)
        })
    }

    fn typed(&self, table: &mut toml::Table) -> Result<(), Failure> {
        let path = |path: &PathBuf| {
            let text = path.to_str().ok_or_else(|| Failure::usage("a path is not UTF-8", "choose another path"));
            text.map(toml::Value::from)
        };
        if let Some(data) = &self.data {
            table.insert("data".to_owned(), path(data)?);
        }
        if let Some(listen) = self.listen {
            table.insert("listen".to_owned(), listen.to_string().into());
        }
        if let Some(url) = &self.public_url {
            table.insert("public_url".to_owned(), url.clone().into());
        }
        // A way of ending TLS that is typed replaces the one in the file whole.
        if self.self_signed || self.behind_proxy || self.cert.is_some() {
            table.remove("cert");
            table.remove("key");
            table.remove("acme_domains");
            table.insert("behind_proxy".to_owned(), self.behind_proxy.into());
        }
        for (name, file) in [("cert", &self.cert), ("key", &self.key)] {
            if let Some(file) = file {
                table.insert(name.to_owned(), path(file)?);
            }
        }
        Ok(())
    }
}

/// What the environment says over the file. A name that is no setting is an error here too: the one that was meant may be
/// what closes the relay to strangers.
fn environment(table: &mut toml::Table) -> Result<(), Failure> {
    for (name, text) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let Some(capitals) = name.strip_prefix(PREFIX).filter(|capitals| *capitals != "CONFIG") else { continue };
        let Some((key, _)) = SETTINGS.iter().find(|(key, _)| key.to_uppercase() == capitals) else {
            return Err(Failure::usage(format!("unknown setting `{name}` in the environment"), HINT));
        };
        let text = text.into_string().map_err(|_| Failure::usage(format!("{name} is not text"), HINT))?;
        table.insert((*key).to_owned(), value_of(&text));
    }
    Ok(())
}

/// A value as it would stand in the file, or text as it is.
fn value_of(text: &str) -> toml::Value {
    let parsed = format!("value = {text}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| text.into())
}
