//! That every refusal a client is told is counted by its reason, wherever it was decided.

use std::{net::Ipv4Addr, sync::Arc};

use ed25519_dalek::SigningKey;
use futures_util::{SinkExt as _, StreamExt as _};
use lightproof_wire::{
    capability::Capability,
    command::Command,
    frame::{CommandFrame, RelayFrame},
    id::{CommandId, MailboxHandle, Sequence},
    refusal::Refusal,
    reply::Reply,
    time::Timestamp,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Relay,
    config::Config,
    drive::{Pace, drive},
    metrics::Reason,
    receipt::ReceiptSigner,
    store::memory::{MemoryChunks, MemoryStore},
};

#[tokio::test]
async fn every_refusal_is_counted_once_by_its_reason() {
    let config = Config::local("/nowhere".into(), (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let clock: crate::serve::Clock = Arc::new(|| Timestamp(1_800_000_000_000));
    let around = (Arc::new(MemoryStore::default()) as _, Arc::new(MemoryChunks::default()) as _, clock);
    let receipts = ReceiptSigner::new(SigningKey::from_bytes(&[1; 32]));
    let service = Relay::serve_streams(&config, receipts, around, &CancellationToken::new()).await.unwrap();
    let count = |refusal: Refusal| service.metrics.refusals.get_or_create(&Reason::from(refusal)).get();
    let (ours, theirs) = tokio::io::duplex(4_096);
    let pace = Pace { commands_per_second: 1, command_burst: 3 };
    let driven = tokio::spawn(drive(theirs, Arc::clone(&service), None, pace, CancellationToken::new()));
    let mut socket = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
    let frame = |id, command| CommandFrame { id: CommandId(id), command }.encode();
    // By a rule, by the machine of the connection, as a later version's, by its pace, by its shape.
    let asked = [
        frame(1, Command::Retire { owner: Capability::from_bytes([1; 32]) }),
        frame(2, Command::Ack { handle: MailboxHandle(1), sequence: Sequence(1) }),
        vec![0, 0, 0, 3, 200],
        frame(4, Command::Ping),
        vec![0, 0, 0, 5, 5],
    ];
    let mut told = Vec::new();
    for bytes in asked {
        socket.send(Message::Binary(bytes.into())).await.unwrap();
        while let Some(Ok(Message::Binary(bytes))) = socket.next().await {
            if let RelayFrame::Reply(_, Reply::Refused(refusal)) = RelayFrame::decode(&bytes).unwrap() {
                told.push(refusal);
                break;
            }
        }
    }
    let too_many = Refusal::TooMany { retry_after_ms: 1_000 };
    assert_eq!(told, [Refusal::Refused, Refusal::Refused, Refusal::Unsupported, too_many, Refusal::Malformed]);
    assert_eq!([Refusal::Refused, Refusal::Unsupported, too_many, Refusal::Malformed].map(count), [2, 1, 1, 1]);
    drop(socket);
    driven.await.unwrap();
}
