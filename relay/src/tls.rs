//! TLS 1.3 and nothing older: a certificate from files, or one made here once and pinned in the relay link.

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use lightproof_wire::{hash::Digest, time::Timestamp};
use rustls::{
    ServerConfig,
    client::verify_server_name,
    crypto::aws_lc_rs,
    server::{ClientHello, ParsedCertificate, ResolvesServerCert},
    sign::CertifiedKey,
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, pem::PemObject as _};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName};
use zeroize::Zeroizing;

use crate::{error::RelayError, folder::Folder};

/// What an authority that checks a name speaks (RFC 8737).
pub(crate) const ACME_PROTOCOL: &[u8] = b"acme-tls/1";

/// The relay's own.
const OWN: &str = "certificate.pem";

/// A certificate with its key.
#[derive(Debug)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// The relay's own, made at first use and kept in its data folder: the pin in everybody's link must not change.
    ///
    /// # Errors
    /// [`RelayError::Certificate`].
    pub fn kept_in(folder: &Folder) -> Result<Self, RelayError> {
        // Certificate and key lie in one file, so that a crash cannot leave one without the other.
        let pem = folder.kept(OWN, || {
            let made = make().map_err(io::Error::other)?;
            Ok(Zeroizing::new((made.cert.pem() + &made.signing_key.serialize_pem()).into_bytes()))
        });
        Self::from_pem(&pem.map_err(unusable)?)
    }

    /// The same, if it was made already.
    ///
    /// # Errors
    /// [`RelayError::Certificate`].
    pub fn found_in(folder: &Folder) -> Result<Option<Self>, RelayError> {
        let pem = folder.secret(OWN).map_err(unusable)?;
        pem.map(|pem| Self::from_pem(&pem)).transpose()
    }

    /// A fresh one that nothing keeps.
    ///
    /// # Errors
    /// [`RelayError::Certificate`].
    pub fn generate() -> Result<Self, RelayError> {
        let made = make().map_err(unusable)?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Ok(Self { chain: vec![made.cert.der().clone()], key: key.into() })
    }

    /// One from PEM files, as certificate authorities give them.
    ///
    /// # Errors
    /// [`RelayError::Certificate`].
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, RelayError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| RelayError::Certificate(format!("{}: {error}", path.display())))
        };
        let chain = chain_in(&read(certificate)?)?;
        let key = PrivateKeyDer::from_pem_slice(&Zeroizing::new(read(key)?)).map_err(unusable)?;
        Ok(Self { chain, key })
    }

    /// One from PEM with the key in it.
    ///
    /// # Errors
    /// [`RelayError::Certificate`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, RelayError> {
        Ok(Self { chain: chain_in(pem)?, key: PrivateKeyDer::from_pem_slice(pem).map_err(unusable)? })
    }

    /// What answers the check of a name with TLS-ALPN-01 (RFC 8737): the digest, under that name.
    pub(crate) fn answer(name: &str, digest: &[u8; 32]) -> Result<Self, RelayError> {
        let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).map_err(unusable)?;
        parameters.custom_extensions = vec![rcgen::CustomExtension::new_acme_identifier(digest)];
        let key = rcgen::KeyPair::generate().map_err(unusable)?;
        let made = parameters.self_signed(&key).map_err(unusable)?;
        Ok(Self { chain: vec![made.der().clone()], key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() })
    }

    /// SHA-256 of the public key (SPKI), as it stands in a relay link.
    ///
    /// # Errors
    /// [`RelayError::Certificate`] if the certificate cannot be read.
    pub fn pin(&self) -> Result<Digest, RelayError> {
        Ok(Digest::of(self.parsed()?.tbs_certificate.subject_pki.raw))
    }

    /// Days until it is no longer valid; negative after.
    ///
    /// # Errors
    /// [`RelayError::Certificate`] if the certificate cannot be read.
    pub fn days_left(&self, now_seconds: i64) -> Result<i64, RelayError> {
        let [_, end] = self.validity()?;
        Ok(end.saturating_sub(now_seconds).div_euclid(86_400))
    }

    /// The first and the last second it is valid.
    ///
    /// # Errors
    /// [`RelayError::Certificate`] if the certificate cannot be read.
    pub fn validity(&self) -> Result<[i64; 2], RelayError> {
        let validity = self.parsed()?.tbs_certificate.validity;
        Ok([validity.not_before.timestamp(), validity.not_after.timestamp()])
    }

    /// Whether a client that looks for this name, or this address, finds it.
    ///
    /// # Errors
    /// [`RelayError::Certificate`] if the certificate cannot be read.
    pub fn is_valid_for(&self, host: &str) -> Result<bool, RelayError> {
        let first = self.chain.first().ok_or_else(|| unusable("no certificate"))?;
        let parsed = ParsedCertificate::try_from(first).map_err(unusable)?;
        let name = ServerName::try_from(host).map_err(unusable)?;
        Ok(verify_server_name(&parsed, &name).is_ok())
    }

    /// Whether it is for all of these names.
    pub(crate) fn is_for(&self, names: &[String]) -> Result<bool, RelayError> {
        let parsed = self.parsed()?;
        let alternatives = parsed.subject_alternative_name().map_err(unusable)?;
        let alternatives = alternatives.map(|found| found.value.general_names.as_slice()).unwrap_or_default();
        Ok(names.iter().all(|name| alternatives.contains(&GeneralName::DNSName(name))))
    }

    fn parsed(&self) -> Result<X509Certificate<'_>, RelayError> {
        let first = self.chain.first().ok_or_else(|| unusable("no certificate"))?;
        Ok(x509_parser::parse_x509_certificate(first).map_err(unusable)?.1)
    }

    /// Ready to be presented, whether its key is the certificate's or not: what answers an authority cannot be asked,
    /// for it has an extension that nobody else understands.
    fn unchecked(self) -> Result<CertifiedKey, RelayError> {
        let key = aws_lc_rs::default_provider().key_provider.load_private_key(self.key).map_err(unusable)?;
        Ok(CertifiedKey::new(self.chain, key))
    }

    /// What a listener needs that presents this certificate for good.
    ///
    /// # Errors
    /// [`RelayError::Certificate`] if key and certificate do not belong together.
    pub fn server_config(self) -> Result<Arc<ServerConfig>, RelayError> {
        let presented = Presented::default();
        presented.present(self)?;
        Arc::new(presented).server_config()
    }
}

/// What a listener presents: a certificate that may change while it runs, and answers to authorities.
#[derive(Default)]
pub struct Presented {
    certificate: RwLock<Option<Arc<CertifiedKey>>>,
    answers: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

impl Presented {
    /// Presents this certificate to new connections; whether it is another one than before.
    ///
    /// # Errors
    /// [`RelayError::Certificate`] if key and certificate do not belong together: then nothing changes.
    pub fn present(&self, certificate: Certificate) -> Result<bool, RelayError> {
        let new = certificate.unchecked()?;
        new.keys_match().map_err(unusable)?;
        let new = Arc::new(new);
        let mut presented = self.certificate.write().unwrap_or_else(PoisonError::into_inner);
        let changes = presented.as_ref().is_none_or(|old| old.cert != new.cert);
        *presented = Some(new);
        Ok(changes)
    }

    /// Whether there is a certificate at all.
    pub(crate) fn has_certificate(&self) -> bool {
        self.certificate.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Presents these to authorities that ask under these names, and none from before.
    pub(crate) fn answer(&self, answers: Vec<(String, Certificate)>) -> Result<(), RelayError> {
        let answers = answers.into_iter().map(|(name, answer)| Ok((name, Arc::new(answer.unchecked()?))));
        let answers = answers.collect::<Result<HashMap<_, _>, RelayError>>()?;
        *self.answers.write().unwrap_or_else(PoisonError::into_inner) = answers;
        Ok(())
    }

    /// What a listener needs.
    ///
    /// # Errors
    /// [`RelayError::Certificate`] if this system offers no TLS 1.3.
    pub fn server_config(self: Arc<Self>) -> Result<Arc<ServerConfig>, RelayError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(self);
        config.alpn_protocols = vec![b"http/1.1".to_vec(), ACME_PROTOCOL.to_vec()];
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // An authority speaks this and nothing else.
        if hello.alpn().is_some_and(|mut spoken| spoken.all(|protocol| protocol == ACME_PROTOCOL)) {
            let answers = self.answers.read().unwrap_or_else(PoisonError::into_inner);
            return answers.get(&hello.server_name()?.to_ascii_lowercase()).cloned();
        }
        self.certificate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A time as certificates count it.
pub(crate) fn seconds(now: Timestamp) -> i64 {
    i64::try_from(now.0 / 1_000).unwrap_or(i64::MAX)
}

fn make() -> Result<rcgen::CertifiedKey<rcgen::KeyPair>, rcgen::Error> {
    // Nobody checks the name: the link carries the key's pin.
    rcgen::generate_simple_self_signed(vec!["lightproof-relay".to_owned()])
}

fn chain_in(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, RelayError> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(unusable)?;
    if chain.is_empty() { Err(unusable("no certificate in the file")) } else { Ok(chain) }
}

fn unusable(error: impl ToString) -> RelayError {
    RelayError::Certificate(error.to_string())
}
