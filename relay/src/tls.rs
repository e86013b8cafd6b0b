//! TLS 1.3 and nothing older: a certificate from files, or one made here once and pinned in the relay link.

use std::{fs, io, path::Path, sync::Arc};

use lightproof_wire::hash::Digest;
use rustls::{ServerConfig, crypto::aws_lc_rs, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use zeroize::Zeroizing;

use crate::{error::RelayError, folder::Folder};

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
        let pem = folder.kept("certificate.pem", || {
            let made = make().map_err(io::Error::other)?;
            Ok(Zeroizing::new((made.cert.pem() + &made.signing_key.serialize_pem()).into_bytes()))
        });
        Self::from_pem(&pem.map_err(unusable)?)
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

    fn from_pem(pem: &[u8]) -> Result<Self, RelayError> {
        Ok(Self { chain: chain_in(pem)?, key: PrivateKeyDer::from_pem_slice(pem).map_err(unusable)? })
    }

    /// SHA-256 of the public key (SPKI), as it stands in a relay link.
    ///
    /// # Errors
    /// [`RelayError::Certificate`] if the certificate cannot be read.
    pub fn pin(&self) -> Result<Digest, RelayError> {
        let first = self.chain.first().ok_or_else(|| unusable("no certificate"))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(first).map_err(unusable)?;
        Ok(Digest::of(parsed.tbs_certificate.subject_pki.raw))
    }

    /// Days until it is no longer valid; negative after.
    ///
    /// # Errors
    /// [`RelayError::Certificate`] if the certificate cannot be read.
    pub fn days_left(&self, now_seconds: i64) -> Result<i64, RelayError> {
        let first = self.chain.first().ok_or_else(|| unusable("no certificate"))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(first).map_err(unusable)?;
        Ok(parsed.validity().not_after.timestamp().saturating_sub(now_seconds).div_euclid(86_400))
    }

    /// What a listener needs.
    ///
    /// # Errors
    /// [`RelayError::Certificate`] if key and certificate do not belong together.
    pub fn server_config(self) -> Result<Arc<ServerConfig>, RelayError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
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
