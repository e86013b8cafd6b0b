//! TLS 1.3 and nothing older; post-quantum key agreement where the other end can, counted apart where it cannot.

use std::time::Duration;

use lightproof_wire::{command::Command, reply::Reply};
use rustls::{NamedGroup, crypto::aws_lc_rs::kx_group};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    client::Client,
    effort,
    material::{Authority, Dialler, NAME, start},
};

/// A ClientHello as it was sent before TLS 1.3: `version` in the record's body, no list of versions.
fn hello(version: [u8; 2]) -> Vec<u8> {
    // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_RSA_WITH_AES_128_CBC_SHA.
    let suites = [0xc0, 0x2b, 0xc0, 0x2f, 0x00, 0x2f];
    let groups = [0x00, 0x0a, 0x00, 0x06, 0x00, 0x04, 0x00, 0x1d, 0x00, 0x17];
    let signatures = [0x00, 0x0d, 0x00, 0x08, 0x00, 0x06, 0x04, 0x03, 0x08, 0x04, 0x04, 0x01];
    let extensions = [groups.as_slice(), &signatures].concat();
    let body = [
        version.as_slice(),
        &[7; 32],
        &[0],
        &[0, 6],
        &suites,
        &[1, 0],
        &u16::try_from(extensions.len()).unwrap().to_be_bytes(),
        &extensions,
    ]
    .concat();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let handshake = [&[1, 0][..], &length, &body].concat();
    let length = u16::try_from(handshake.len()).unwrap().to_be_bytes();
    [&[22, 3, 1][..], &length, &handshake].concat()
}

async fn answer(address: std::net::SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // It closes; where it resets, what came before counts.
    let _reset = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut answer)).await.expect("an end");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_speaks_an_older_tls_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "").await;
    for version in [[3, 0], [3, 1], [3, 2], [3, 3]] {
        // A fatal alert that says: protocol version.
        assert_eq!(answer(relay.address(), &hello(version)).await, [21, 3, 3, 0, 2, 2, 70], "{version:?}");
    }
    assert_eq!(relay.metrics().handshakes_open.get(), 0);
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_agreed_on_post_quantum_first_and_each_way_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let issued = authority.sign(&[NAME]);
    std::fs::write(folder.path().join("cert.pem"), &issued.chain).unwrap();
    std::fs::write(folder.path().join("key.pem"), &issued.key).unwrap();
    let files = format!("cert = \"{0}/cert.pem\"\nkey = \"{0}/key.pem\"", folder.path().display());
    let relay = start(&folder.path().join("data"), &files).await;
    let hybrid = kx_group::X25519MLKEM768;
    let cases = [
        (vec![hybrid, kx_group::X25519], NamedGroup::X25519MLKEM768),
        (vec![hybrid], NamedGroup::X25519MLKEM768),
        // What a client has already made a key for spares both a round trip.
        (vec![kx_group::X25519, hybrid], NamedGroup::X25519),
        (vec![kx_group::X25519], NamedGroup::X25519),
        (vec![kx_group::SECP256R1], NamedGroup::secp256r1),
    ];
    for (groups, agreed) in cases {
        let stream = Dialler::with_groups(&authority.pem, groups).dial(relay.address()).await.unwrap();
        assert_eq!(stream.get_ref().1.negotiated_key_exchange_group().unwrap().name(), agreed);
        let mut client = Client::over(stream, NAME).await.unwrap();
        assert_eq!(client.ask(Command::Ping).await, Reply::Pong);
    }
    let text = relay.metrics().text().unwrap();
    for (group, count) in [("X25519MLKEM768", 2), ("X25519", 2), ("secp256r1", 1)] {
        let line = format!("lightproof_relay_handshakes_total{{group=\"{group}\"}} {count}");
        assert!(text.contains(&line), "{line} is not in {text}");
    }
    relay.shutdown().await;
}

/// The bytes a client of today begins with.
async fn recorded_hello(authority: &Authority) -> Vec<u8> {
    let listener = tokio::net::TcpListener::bind(crate::material::ANY).await.unwrap();
    let at = listener.local_addr().unwrap();
    let dialler = Dialler::trusting(&authority.pem);
    let dialling = tokio::spawn(async move { dialler.dial(at).await.is_ok() });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut hello = vec![0; 16_384];
    let length = stream.read(&mut hello).await.unwrap();
    hello.truncate(length);
    drop(stream);
    assert!(!dialling.await.unwrap());
    hello
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mutated_greeting_harms_a_relay() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "").await;
    let whole = recorded_hello(&Authority::new()).await;
    assert!(whole.len() > 1_000, "a key of ML-KEM is in it");
    let count = effort::times(1_500);
    let mut random = 7_u64;
    let mut below = |limit: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % limit
    };
    for number in 0..count {
        let mut bytes = whole.clone();
        match number % 3 {
            0 => bytes.truncate(below(whole.len())),
            1 => bytes[below(whole.len())] ^= 1 << below(8),
            _ => (0..16).for_each(|_| bytes[below(whole.len())] = u8::try_from(below(256)).unwrap()),
        }
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        let _cut = stream.write_all(&bytes).await;
        let _ended = stream.shutdown().await;
        let mut rest = Vec::new();
        let _reset =
            tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut rest)).await.expect("an end");
    }
    assert_eq!(relay.metrics().panics.get(), 0);
    assert_eq!(Client::connect(relay.link()).await.ask(Command::Ping).await, Reply::Pong);
    println!("evidence: P16 | {count} mutated TLS greetings: 0 panics, nobody else disturbed | seed 7");
    relay.shutdown().await;
}
