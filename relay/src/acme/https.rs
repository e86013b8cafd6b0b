//! The few requests that an authority is sent, each over a TLS connection of its own (hyper, rustls).

use std::{future::Future, io, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, version::TLS13};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tokio_rustls::TlsConnector;

/// For one request and its answer.
const DEADLINE: Duration = Duration::from_secs(30);
/// The largest answer is a chain of certificates.
const ANSWER_BYTES: usize = 256 * 1_024;

/// Who asks.
pub(super) struct Https(TlsConnector);

impl Https {
    /// Trusts the public authorities, or only who signed with this root.
    pub(super) fn trusting(root: Option<&[u8]>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        match root {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(pem) => {
                for root in CertificateDer::pem_slice_iter(pem) {
                    roots.add(root.map_err(other)?).map_err(other)?;
                }
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .map_err(other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

impl HttpClient for Https {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let tls = self.0.clone();
        Box::pin(async move {
            timeout(DEADLINE, exchange(tls, request))
                .await
                .map_err(|_| other(io::Error::from(io::ErrorKind::TimedOut)))?
        })
    }
}

async fn exchange(tls: TlsConnector, mut request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
    let uri = request.uri().clone();
    if uri.scheme_str() != Some("https") {
        return Err(Error::Str("an address of the authority that begins with https"));
    }
    let host = uri.host().ok_or(Error::Str("a host in the authority's address"))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let stream = TcpStream::connect((bare.as_str(), uri.port_u16().unwrap_or(443))).await.map_err(other)?;
    let name = ServerName::try_from(bare).map_err(other)?;
    let stream = tls.connect(name, stream).await.map_err(other)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(other)?;
    // Ends with this function, however that ends.
    let mut carried = JoinSet::new();
    carried.spawn(connection);
    let authority = uri.authority().map_or_else(String::new, ToString::to_string);
    request.headers_mut().insert(header::HOST, HeaderValue::try_from(authority).map_err(other)?);
    *request.uri_mut() = Uri::from(uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/")));
    let (parts, body) = sender.send_request(request).await.map_err(other)?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(Error::Other)?.to_bytes();
    Ok(BytesResponse { parts, body: Box::new(body) })
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(error))
}
