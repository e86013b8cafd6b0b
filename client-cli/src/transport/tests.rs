//! Against real sockets on loopback: what is accepted, what is refused and as what.

use std::net::Ipv4Addr;

use rcgen::{CertificateParams, KeyPair};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::PrivateKeyDer;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A certificate, long expired, and the key that is to prove it.
#[derive(Debug)]
struct Identity(Arc<CertifiedKey>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn identity(shown: &KeyPair, proving: &KeyPair) -> Identity {
    let mut params = CertificateParams::new(vec!["elsewhere.example".into()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2001, 1, 1);
    params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let certificate = params.self_signed(shown).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(proving.serialize_der()).unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    Identity(Arc::new(CertifiedKey::new(vec![certificate], key)))
}

fn link(port: u16, pinned: &KeyPair) -> RelayLink {
    use base64ct::{Base64UrlUnpadded, Encoding};
    use rcgen::PublicKeyData;
    let pin = Base64UrlUnpadded::encode_string(&Sha256::digest(pinned.subject_public_key_info()));
    format!("wss://127.0.0.1:{port}/#pin={pin}").parse().unwrap()
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Accepts one connection and gives every frame back.
async fn echo(listener: TcpListener, identity: Identity) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(identity));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (tcp, _) = listener.accept().await.unwrap();
    let Ok(tls) = TlsAcceptor::from(Arc::new(config)).accept(tcp).await else { return };
    let Ok(mut socket) = tokio_tungstenite::accept_async(tls).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if message.is_binary() && socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn connect(link: &RelayLink, named_by: NamedBy) -> Result<WebSocketPipe, TransportError> {
    WebSocketTransport::new().unwrap().connect(link, named_by).await
}

#[tokio::test]
async fn frames_go_both_ways_in_order_under_the_pinned_key() {
    let key = KeyPair::generate().unwrap();
    let (listener, port) = listen().await;
    let server = tokio::spawn(echo(listener, identity(&key, &key)));
    let pipe = connect(&link(port, &key), NamedBy::User).await.unwrap();
    let frames: Vec<Vec<u8>> = (0..12).map(|i| vec![i; if i % 3 == 0 { WIRE_FRAME_BYTES } else { 100 }]).collect();
    let send = async {
        for frame in &frames {
            pipe.send(frame.clone()).await.unwrap();
        }
    };
    let receive = async {
        for frame in &frames {
            assert!(pipe.receive(Some(10_000)).await.unwrap() == *frame);
        }
    };
    tokio::join!(send, receive);
    assert_eq!(pipe.receive(Some(10)).await, Err(TransportError::Deadline));
    pipe.send(vec![1]).await.unwrap();
    assert_eq!(pipe.receive(Some(10_000)).await, Ok(vec![1]));
    drop(pipe);
    timeout(Duration::from_secs(5), server).await.unwrap().unwrap();
}

#[tokio::test]
async fn another_key_than_the_pinned_one_is_a_matter_of_the_certificate() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (listener, port) = listen().await;
    tokio::spawn(echo(listener, identity(&key, &key)));
    assert_eq!(connect(&link(port, &other), NamedBy::User).await.err(), Some(TransportError::Certificate));
}

/// The classic hole: a pin on the certificate alone. The impostor shows the relay's public certificate and signs with a
/// key of its own.
#[tokio::test]
async fn the_pinned_certificate_without_its_key_is_refused() {
    let (relay, impostor) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (listener, port) = listen().await;
    tokio::spawn(echo(listener, identity(&relay, &impostor)));
    assert_eq!(connect(&link(port, &relay), NamedBy::User).await.err(), Some(TransportError::Certificate));
}

#[tokio::test]
async fn without_a_pin_a_self_made_certificate_is_refused() {
    let key = KeyPair::generate().unwrap();
    let (listener, port) = listen().await;
    tokio::spawn(echo(listener, identity(&key, &key)));
    let unpinned = format!("wss://127.0.0.1:{port}/").parse().unwrap();
    assert_eq!(connect(&unpinned, NamedBy::User).await.err(), Some(TransportError::Certificate));
}

#[tokio::test]
async fn a_peer_cannot_name_this_machine() {
    let key = KeyPair::generate().unwrap();
    let (listener, port) = listen().await;
    assert_eq!(connect(&link(port, &key), NamedBy::Peer).await.err(), Some(TransportError::Forbidden));
    let by_name = format!("wss://localhost:{port}/").parse().unwrap();
    assert_eq!(connect(&by_name, NamedBy::Peer).await.err(), Some(TransportError::Forbidden));
    assert!(timeout(Duration::from_millis(50), listener.accept()).await.is_err(), "not even a connection");
}

#[tokio::test]
async fn nobody_there_and_somebody_else_there_are_told_apart() {
    let key = KeyPair::generate().unwrap();
    let (listener, port) = listen().await;
    drop(listener);
    assert_eq!(connect(&link(port, &key), NamedBy::User).await.err(), Some(TransportError::Unreachable));
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _rest = tcp.read(&mut [0; 64]).await;
    });
    assert_eq!(connect(&link(port, &key), NamedBy::User).await.err(), Some(TransportError::Misbehaved));
}

#[tokio::test(start_paused = true)]
async fn somebody_who_never_answers_is_late_and_not_gone() {
    let key = KeyPair::generate().unwrap();
    let (_silent, port) = listen().await;
    assert_eq!(connect(&link(port, &key), NamedBy::User).await.err(), Some(TransportError::Deadline));
}

#[tokio::test]
async fn when_the_relay_goes_both_directions_say_so() {
    let key = KeyPair::generate().unwrap();
    let (listener, port) = listen().await;
    let server = tokio::spawn(echo(listener, identity(&key, &key)));
    let pipe = connect(&link(port, &key), NamedBy::User).await.unwrap();
    server.abort();
    assert_eq!(pipe.receive(Some(10_000)).await, Err(TransportError::Closed));
    let ends = async {
        while pipe.send(vec![1]).await.is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(5), ends).await.unwrap();
}
