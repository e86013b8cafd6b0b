//! TLS 1.3 with aws-lc-rs: the Web PKI for a link without a pin, and for one with pins those keys and nothing else.

use std::io;
use std::sync::Arc;

use lightproof_core::transport::{RelayLink, TransportError};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, PeerIncompatible, RootCertStore,
    SignatureScheme, WantsVerifier,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest as _, Sha256};

/// For links without a pin.
pub(super) fn web() -> Result<ClientConfig, Error> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(finish(builder()?.with_root_certificates(roots).with_no_client_auth()))
}

/// For a link with pins: SHA-256 of the public keys (SPKI) the relay may show.
pub(super) fn pinned(link: &RelayLink) -> Result<ClientConfig, Error> {
    let pins = link.pins().iter().map(|pin| *pin.as_bytes()).collect();
    let verifier = Arc::new(PinnedKeys { pins, algorithms: provider().signature_verification_algorithms });
    Ok(finish(builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

/// Whose fault a failed handshake is.
pub(super) fn reason(error: &io::Error) -> TransportError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(_)) => TransportError::Certificate,
        // A web server on the wrong port, or one that only knows older TLS.
        Some(_) => TransportError::Misbehaved,
        None => TransportError::Unreachable,
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(Arc::new(provider())).with_protocol_versions(&[&TLS13])
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn finish(mut config: ClientConfig) -> ClientConfig {
    // Proxies in front of a relay would otherwise offer HTTP/2, over which this WebSocket does not go.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Every connection shows and proves the key again, and no ticket links two of them.
    config.resumption = Resumption::disabled();
    config
}

/// Accepts a certificate for its key alone: name, dates and issuer of a self-made one say nothing.
#[derive(Debug)]
struct PinnedKeys {
    pins: Vec<[u8; 32]>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinnedKeys {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let key = ParsedCertificate::try_from(end_entity)?.subject_public_key_info();
        let pin: [u8; 32] = Sha256::digest(key.as_ref()).into();
        if self.pins.contains(&pin) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    // Without this a certificate would be enough, and certificates are public.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
