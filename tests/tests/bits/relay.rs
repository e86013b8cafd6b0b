//! A relay that is sent damaged commands: what it refuses has changed nothing.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use futures_util::{SinkExt as _, StreamExt as _};
use lightproof_relay::{
    admit::Admission,
    bucket::Rate,
    calendar::Calendar,
    chunk_memory::ChunkMemory,
    deliver::Watches,
    drive::{Pace, drive},
    metrics::Metrics,
    peer::{Output, Peer},
    rates::Rates,
    receipt::ReceiptSigner,
    room::Room,
    serve::Service,
    store::{
        Store, Table, look,
        memory::{MemoryChunks, MemoryStore},
    },
    threads::ChunkThreads,
    upload::Uploads,
};
use lightproof_tests::relay::unhurried;
use lightproof_tests::specimen::{NOW, counted, frozen::Examples};
use lightproof_wire::{
    blob::{BlobShape, ChunkClass},
    capability::Capability,
    codec::{Bytes, DecodeError, List, Text},
    command::Command,
    envelope::Envelope,
    frame::{CommandFrame, RelayFrame},
    id::{ChunkIndex, CommandId},
    refusal::Refusal,
    reply::{Push, Reply},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{bits, flipped};

/// Everything a relay keeps.
pub(crate) struct Kept {
    store: MemoryStore,
    chunks: MemoryChunks,
}

impl Kept {
    pub(crate) fn store(&self) -> &dyn Store {
        &self.store
    }

    /// A relay on a copy, so that every case begins with the same.
    fn relay(&self) -> Arc<Service> {
        Arc::new(Service {
            store: Arc::new(self.store.copy()),
            chunks: Arc::new(self.chunks.copy()),
            clock: Arc::new(|| NOW),
            calendar: Calendar::default(),
            limits: lightproof_relay::config::Config::local("/nowhere".into(), ([127, 0, 0, 1], 0).into())
                .unwrap()
                .limits,
            admission: Admission::default(),
            receipts: ReceiptSigner::new(SigningKey::from_bytes(&counted(0x60))),
            notice: Text::default(),
            operator: Text::default(),
            watches: Watches::default(),
            uploads: Uploads::default(),
            chunk_memory: ChunkMemory::new(8),
            chunk_threads: ChunkThreads::default(),
            metrics: Metrics::default(),
            rates: Rates::new(&unhurried()),
            room: Arc::new(Room::new(0)),
            tasks: TaskTracker::new(),
            failed: CancellationToken::new(),
        })
    }
}

/// All rows of a relay.
pub(crate) fn rows_of(store: &dyn Store) -> Vec<(Table, Vec<u8>, Vec<u8>)> {
    let all = |table: Table| {
        let rows = look(store, |rows| Ok(rows.range(table, &[], &[0xff; 200], usize::MAX)?)).unwrap();
        rows.into_iter().map(move |(key, value)| (table, key, value))
    };
    Table::ALL.into_iter().flat_map(all).collect()
}

/// Sends frames on one connection and gives every answer, until the relay closes or has answered the last.
async fn ask(service: &Arc<Service>, frames: &[Vec<u8>]) -> Vec<Reply> {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let pace = Pace { commands_per_second: 1_000, command_burst: 1_000 };
    let served = tokio::spawn(drive(theirs, Arc::clone(service), None, pace, CancellationToken::new()));
    let mut socket = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
    let mut replies = Vec::new();
    for frame in frames {
        socket.send(Message::Binary(frame.clone().into())).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            let Message::Binary(bytes) = message else { continue };
            match RelayFrame::decode(&bytes).unwrap() {
                RelayFrame::Reply(_, reply) => {
                    replies.push(reply);
                    break;
                }
                RelayFrame::Push(Push::Welcome(_) | Push::Delivery(_) | Push::CaughtUp(_)) => {}
                RelayFrame::Push(other) => panic!("{other:?}"),
            }
        }
    }
    drop(socket);
    served.await.unwrap();
    replies
}

fn frame(command: Command) -> Vec<u8> {
    CommandFrame { id: CommandId(258), command }.encode()
}

fn commands() -> Vec<(String, Vec<u8>)> {
    let examples = Examples::of("relay.txt");
    examples.beginning("command.").map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect()
}

/// A relay with a doorbell, prekeys, an envelope, a blob that is uploaded and one that is not, and a retired mailbox:
/// what the commands of the examples are about.
pub(crate) async fn filled() -> Kept {
    let kept = Kept { store: MemoryStore::default(), chunks: MemoryChunks::default() };
    let examples = Examples::of("relay.txt");
    let example = |name: &str| examples.get(name).to_vec();
    let envelope = Envelope::from_bytes(&counted::<16_000>(0)).unwrap();
    let shape = |count| BlobShape::new(ChunkClass::Small, count).unwrap();
    let open = |write: u8, read: u8, count| Command::OpenBlob {
        write: Capability::from_bytes(counted(write)).hash(),
        readers: List::new(vec![Capability::from_bytes(counted(read)).hash()]).unwrap(),
        shape: shape(count),
        keep_days: 30,
        access: None,
    };
    let put = |write: u8, index| Command::PutChunk {
        write: Capability::from_bytes(counted(write)),
        index: ChunkIndex(index),
        chunk: Bytes::new(vec![9; 65_536]).unwrap(),
    };
    let retired = Command::CreateMailbox {
        owner: Capability::from_bytes(counted(0x11)).hash(),
        drop: Capability::from_bytes(counted(0x21)).hash(),
        kind: lightproof_wire::command::MailboxKind::Private,
        access: None,
    };
    let deposit = Command::Deposit { drop: Capability::from_bytes(counted(0x20)), envelope };
    let all = vec![
        example("command.create_mailbox"),
        example("command.publish_prekeys"),
        frame(deposit),
        example("command.open_blob"),
        frame(open(0x31, 0x45, 1)),
        frame(put(0x31, 0)),
        frame(Command::CommitBlob { write: Capability::from_bytes(counted(0x31)) }),
        frame(retired),
        frame(Command::Retire { owner: Capability::from_bytes(counted(0x11)) }),
    ];
    let wanted = all.len();
    let service = kept.relay();
    let replies = ask(&service, &all).await;
    let refused: Vec<_> = replies.iter().filter(|reply| matches!(reply, Reply::Refused(_))).collect();
    assert!(replies.len() == wanted && refused.is_empty(), "{replies:?}");
    copied(&service).await
}

async fn copied(service: &Arc<Service>) -> Kept {
    let kept = Kept { store: MemoryStore::default(), chunks: MemoryChunks::default() };
    let rows = rows_of(service.store.as_ref());
    let write = move |into: &mut dyn lightproof_relay::store::RowsMut| {
        for (table, key, value) in &rows {
            into.put(*table, key, value)?;
        }
        Ok(())
    };
    lightproof_relay::store::commit(&kept.store, write).await.unwrap().into_inner();
    for file in service.chunks.list().unwrap() {
        let bytes = service.chunks.read_at(file, 0, 65_536);
        if let Ok(bytes) = bytes {
            lightproof_relay::store::Chunks::write_at(&kept.chunks, file, 0, &bytes).unwrap();
        }
    }
    kept
}

#[tokio::test]
async fn a_refused_command_has_changed_nothing() {
    let kept = filled().await;
    let before = rows_of(kept.store());
    let (mut refused, mut served) = (0, 0);
    for (name, specimen) in commands() {
        for bit in bits(4..specimen.len()) {
            let service = kept.relay();
            let replies = ask(&service, &[flipped(&specimen, bit)]).await;
            let is_refused = replies.iter().all(|reply| matches!(reply, Reply::Refused(_)));
            if is_refused {
                refused += 1;
                assert!(rows_of(service.store.as_ref()) == before, "{name}, bit {bit}: {replies:?}");
            } else {
                served += 1;
            }
        }
    }
    assert!(refused > 2_000 && served > 500, "{refused} refused, {served} served");
    println!("evidence: P15 P16 | {refused} damaged commands refused by a relay whose rows stayed as they were | -");
}

/// The machine of one connection hands on nothing of a frame that is no command, and takes nothing after it.
#[test]
fn a_frame_that_is_no_command_goes_no_further_than_the_connection() {
    let (mut malformed, mut unknown) = (0, 0);
    for (name, specimen) in commands() {
        let turned = bits(0..specimen.len()).map(|bit| flipped(&specimen, bit));
        let cut = (0..specimen.len()).map(|length| specimen[..length].to_vec());
        let continued = (1..=16).map(|count| [specimen.as_slice(), &vec![1; count]].concat());
        for bytes in turned.chain(cut).chain(continued).filter(|bytes| CommandFrame::decode(bytes).is_err()) {
            let mut peer = greeted();
            peer.receive(&bytes, NOW, &Admission::default());
            let outputs: Vec<Output> = std::iter::from_fn(|| peer.poll()).collect();
            if matches!(CommandFrame::decode(&bytes), Err(DecodeError::Unknown(_))) && bytes[..4] != [0; 4] {
                unknown += 1;
                let id = CommandId(u32::from_be_bytes(*bytes.first_chunk().unwrap()));
                let refused = RelayFrame::Reply(id, Reply::Refused(Refusal::Unsupported));
                let is_told = matches!(&outputs[..], [Output::Send(frame)] if *frame == refused);
                assert!(is_told && peer.reads(), "{name}, {bytes:02x?}: {outputs:?}");
                continue;
            }
            malformed += 1;
            let is_told = |output: &Output| {
                matches!(output, Output::Close | Output::Send(RelayFrame::Reply(_, Reply::Refused(_))))
            };
            assert!(outputs.iter().all(is_told) && !peer.reads(), "{name}, {bytes:02x?}: {outputs:?}");
            peer.receive(&specimen, NOW, &Admission::default());
            assert!(peer.poll().is_none(), "{name}, {bytes:02x?}: it went on");
        }
    }
    assert!(malformed > 500 && unknown > 50, "{malformed} malformed, {unknown} unknown");
    println!("evidence: P16 | {malformed} frames that are no command, each the end of its connection | -");
    println!("evidence: P16 | {unknown} commands of a kind that does not exist, each refused as unsupported | -");
}

fn greeted() -> Peer {
    let Ok(RelayFrame::Push(Push::Welcome(welcome))) = RelayFrame::decode(Examples::welcome()) else {
        panic!("a welcome")
    };
    let mut peer = Peer::greet(welcome, Rate::new(100, 100, NOW));
    assert!(peer.poll().is_some());
    peer
}
