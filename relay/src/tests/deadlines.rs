//! How long a connection waits for a peer that says nothing, and for one that takes nothing.
//!
//! The clock is tokio's, and moves when nothing else does: minutes pass at once.

use std::{net::Ipv4Addr, sync::Arc};

use ed25519_dalek::SigningKey;
use lightproof_wire::time::Timestamp;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    task::JoinHandle,
    time::{Duration, Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Relay,
    config::Config,
    drive::{Pace, drive},
    receipt::ReceiptSigner,
    store::memory::{MemoryChunks, MemoryStore},
};

const BINARY: u8 = 0x82;
const PING: u8 = 0x89;
/// Empty and masked, as a client's are.
const PONG: [u8; 6] = [0x8a, 0x80, 1, 2, 3, 4];
/// More than a Welcome.
const ROOM: usize = 4_096;

/// The other end of a connection that a relay has just begun to serve.
struct Line {
    stream: DuplexStream,
    driven: JoinHandle<()>,
    begun: Instant,
}

impl Line {
    /// That holds so many bytes on their way.
    async fn new(room: usize) -> Self {
        let config = Config::local("/nowhere".into(), (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let clock: crate::serve::Clock = Arc::new(|| Timestamp(1_800_000_000_000));
        let around = (Arc::new(MemoryStore::default()) as _, Arc::new(MemoryChunks::default()) as _, clock);
        let receipts = ReceiptSigner::new(SigningKey::from_bytes(&[1; 32]));
        let stop = CancellationToken::new();
        let service = Relay::serve_streams(&config, receipts, around, &stop).await.unwrap();
        let (stream, theirs) = tokio::io::duplex(room);
        let pace = Pace { commands_per_second: 10, command_burst: 10 };
        let begun = Instant::now();
        let driven = tokio::spawn(drive(theirs, service, None, pace, stop));
        Self { stream, driven, begun }
    }

    /// The first byte of the next frame, or none at the end.
    async fn frame(&mut self) -> Option<u8> {
        let first = self.stream.read_u8().await.ok()?;
        let length = match self.stream.read_u8().await.unwrap() {
            126 => self.stream.read_u16().await.unwrap(),
            short => u16::from(short),
        };
        self.stream.read_exact(&mut vec![0; length.into()]).await.unwrap();
        Some(first)
    }

    /// Whole seconds since it began.
    fn seconds(&self) -> u64 {
        self.begun.elapsed().as_secs()
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_asked_after_a_minute_and_given_up_after_two_and_a_half() {
    let mut line = Line::new(ROOM).await;
    assert_eq!(line.frame().await, Some(BINARY), "the Welcome");
    assert_eq!((line.frame().await, line.seconds()), (Some(PING), 60));
    assert_eq!((line.frame().await, line.seconds()), (None, 150), "asked once");
    line.driven.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn any_sign_of_life_begins_the_minute_anew() {
    let mut line = Line::new(ROOM).await;
    assert_eq!(line.frame().await, Some(BINARY));
    sleep_until(line.begun + Duration::from_secs(50)).await;
    line.stream.write_all(&PONG).await.unwrap();
    assert_eq!((line.frame().await, line.seconds()), (Some(PING), 110));
    sleep_until(line.begun + Duration::from_secs(199)).await;
    line.stream.write_all(&PONG).await.unwrap();
    assert_eq!((line.frame().await, line.seconds()), (Some(PING), 259), "149 s after the sign before");
    assert_eq!((line.frame().await, line.seconds()), (None, 349));
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_is_given_up_after_two_minutes() {
    let line = Line::new(16).await;
    line.driven.await.unwrap();
    assert_eq!(line.begun.elapsed().as_secs(), 120);
}

#[tokio::test(start_paused = true)]
async fn who_takes_a_frame_within_two_minutes_is_not_given_up() {
    let mut line = Line::new(16).await;
    sleep_until(line.begun + Duration::from_secs(119)).await;
    assert_eq!(line.frame().await, Some(BINARY));
    line.stream.write_all(&PONG).await.unwrap();
    assert_eq!((line.frame().await, line.seconds()), (Some(PING), 119), "it was silent for more than a minute");
    assert_eq!((line.frame().await, line.seconds()), (Some(PING), 179));
}
