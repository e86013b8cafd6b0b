//! A certificate for `localhost`, made for one run.

use std::{fs, path::Path};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::error::BenchError;

/// A certificate and its key.
pub(crate) struct Certificate(CertifiedKey<KeyPair>);

impl Certificate {
    pub(crate) fn make() -> Result<Self, BenchError> {
        generate_simple_self_signed(["localhost".to_owned()]).map(Self).map_err(BenchError::wrong)
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.0.cert.der().clone()
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.0.signing_key.serialize_der()).into()
    }

    /// As `certificate.pem` and `key.pem`.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), BenchError> {
        let files = [("certificate.pem", self.0.cert.pem()), ("key.pem", self.0.signing_key.serialize_pem())];
        for (name, pem) in files {
            fs::write(folder.join(name), pem).map_err(BenchError::at(name))?;
        }
        Ok(())
    }
}
