//! That a connection is counted from its first byte to its last: as a handshake until it is upgraded, then by its seat.
//!
//! Over a stream in memory, because that holds as little as a test wants. The clock is tokio's: seconds pass at once.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use axum::Extension;
use ed25519_dalek::SigningKey;
use lightproof_wire::time::Timestamp;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Relay,
    config::Config,
    front::Front,
    http::{self, HANDSHAKE_DEADLINE},
    listen::Caller,
    receipt::ReceiptSigner,
    store::memory::{MemoryChunks, MemoryStore},
};

const CALLER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Less than a `101`.
const ROOM: usize = 64;

async fn front() -> Arc<Front> {
    let config = Config::local("/nowhere".into(), (CALLER, 0).into()).unwrap();
    let config = Config { connections: 1, ..config };
    let clock: crate::serve::Clock = Arc::new(|| Timestamp(1_800_000_000_000));
    let around = (Arc::new(MemoryStore::default()) as _, Arc::new(MemoryChunks::default()) as _, clock);
    let receipts = ReceiptSigner::new(SigningKey::from_bytes(&[1; 32]));
    let stop = CancellationToken::new();
    let service = Relay::serve_streams(&config, receipts, around, &stop).await.unwrap();
    Arc::new(Front::new(&config, service, None, stop).unwrap())
}

/// Asks for a WebSocket in this version of HTTP, and takes nothing.
async fn ask(front: &Arc<Front>, version: &str) -> DuplexStream {
    let (mut ours, theirs) = duplex(ROOM);
    let handshake = front.handshakes.begin(CALLER).unwrap();
    let cut = handshake.cut();
    let caller = Arc::new(Caller::new(CALLER, handshake, &front.service.metrics));
    let router = http::router(Arc::clone(front)).layer(Extension(caller));
    let front = Arc::clone(front);
    tokio::spawn(async move {
        tokio::select! {
            () = http::converse(theirs, router, &front.stop) => {}
            () = cut.cancelled() => {}
        }
    });
    let request = format!(
        "GET /v1 {version}\r\nHost: relay\r\nConnection: upgrade, keep-alive\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    ours.write_all(request.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    ours
}

/// How many are counted as handshakes, and how many are there.
fn counted(front: &Front) -> (i64, i64) {
    let metrics = &front.service.metrics;
    (metrics.handshakes_open.get(), metrics.connections_open.get())
}

/// Whoever let the relay's answer stall got rid of both counts after ten seconds, and kept the socket.
#[tokio::test(start_paused = true)]
async fn whoever_takes_no_101_is_counted_and_can_be_cut_as_long_as_they_are_there() {
    let front = front().await;
    let stalled = ask(&front, "HTTP/1.1").await;
    assert_eq!((counted(&front), front.seats.are_taken(Some(CALLER))), ((1, 1), true));
    sleep(2 * HANDSHAKE_DEADLINE).await;
    assert_eq!((counted(&front), front.seats.are_taken(Some(CALLER))), ((1, 1), false), "the seat is given back");
    assert!(front.handshakes.shed(1));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(counted(&front), (0, 0));
    drop(stalled);
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_it_is_a_handshake_no_more() {
    let front = front().await;
    let mut upgraded = ask(&front, "HTTP/1.1").await;
    let mut answer = [0; 12];
    upgraded.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    upgraded.read_exact(&mut [0; 200]).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!((counted(&front), front.seats.are_taken(Some(CALLER))), ((0, 1), true));
}

/// Its connection goes on as it was, and what waited for it let go of the seat at once.
#[tokio::test(start_paused = true)]
async fn nothing_before_http_1_1_is_upgraded() {
    let front = front().await;
    let mut old = ask(&front, "HTTP/1.0").await;
    assert_eq!((counted(&front), front.seats.are_taken(Some(CALLER))), ((1, 1), false));
    let mut answer = [0; 12];
    old.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.0 426");
}
