//! Which authority is asked for a certificate for which names.

use std::{net::IpAddr, path::PathBuf};

use crate::{config::misuse, error::RelayError};

/// The longest name there can be, as it is written.
const NAME_BYTES: usize = 253;

/// Which authority is asked for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeSettings {
    pub(super) domains: Vec<String>,
    pub(super) contact: Option<String>,
    pub(super) directory: String,
    pub(super) root: Option<PathBuf>,
}

impl AcmeSettings {
    /// Names of this relay, `mailto:…` or nothing, where the authority's API begins, and the PEM certificate of who
    /// signed the API's own certificate, where that is no public authority.
    ///
    /// # Errors
    /// [`RelayError::ConfigMisuse`].
    pub fn new(
        domains: &[String],
        contact: Option<String>,
        directory: String,
        root: Option<PathBuf>,
    ) -> Result<Self, RelayError> {
        let domains: Vec<_> = domains.iter().map(|domain| domain.to_ascii_lowercase()).collect();
        if let Some(wrong) = domains.iter().find(|domain| !is_name(domain)) {
            return Err(misuse("acme_domains", format!("`{wrong}` is no name of a machine")));
        }
        if contact.as_ref().is_some_and(|contact| !contact.starts_with("mailto:")) {
            return Err(misuse("acme_contact", "does not begin with mailto:"));
        }
        if !directory.starts_with("https://") {
            return Err(misuse("acme_directory", "does not begin with https://"));
        }
        Ok(Self { domains, contact, directory, root })
    }

    /// The name people are told.
    #[must_use]
    pub fn first_domain(&self) -> Option<&str> {
        self.domains.first().map(String::as_str)
    }
}

fn is_name(domain: &str) -> bool {
    let fits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_address = domain.parse::<IpAddr>().is_ok();
    domain.len() <= NAME_BYTES && domain.contains('.') && domain.split('.').all(fits) && !is_address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_an_authority_can_check_are_taken() {
        let new =
            |domain: &str| AcmeSettings::new(&[domain.to_owned()], None, "https://acme.example.org/".into(), None);
        assert_eq!(new("Relay.Example.Org").unwrap().first_domain(), Some("relay.example.org"));
        assert!(new("xn--bcher-kva.example").is_ok());
        for wrong in [
            "",
            "localhost",
            "192.0.2.1",
            "*.example.org",
            "relay..org",
            "relay.example.org.",
            "a b.org",
            "bücher.example",
        ] {
            assert!(matches!(new(wrong), Err(RelayError::ConfigMisuse { key: "acme_domains", .. })), "{wrong}");
        }
        assert!(new(&format!("{}.org", "a".repeat(250))).is_err());
    }

    #[test]
    fn an_authority_is_asked_over_tls_and_writes_to_an_address() {
        let new = |contact: &str, directory: &str| {
            AcmeSettings::new(&["a.example".to_owned()], Some(contact.to_owned()), directory.to_owned(), None)
        };
        assert!(new("mailto:a@a.example", "https://acme.example/").is_ok());
        assert!(matches!(
            new("a@a.example", "https://acme.example/"),
            Err(RelayError::ConfigMisuse { key: "acme_contact", .. })
        ));
        assert!(matches!(
            new("mailto:a@a.example", "http://acme.example/"),
            Err(RelayError::ConfigMisuse { key: "acme_directory", .. })
        ));
    }
}
