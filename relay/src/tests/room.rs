//! What is kept free of the disk: strangers filled it between two looks, with rows that nobody counted, and the commit that
//! found the disk full ended the relay.

use std::sync::{Arc, atomic::Ordering};

use ed25519_dalek::SigningKey;
use lightproof_wire::{
    blob::{BlobShape, ChunkClass},
    capability::{Capability, right},
    codec::List,
    command::{Command, MailboxKind, Readers},
    refusal::Refusal,
    reply::Reply,
    time::{DAY_MS, Timestamp},
};
use tokio_util::sync::CancellationToken;

use super::{TODAY, envelope, leave::Slow, upload::Disk};
use crate::{Relay, chunk_memory::Turns, config::Config, receipt::ReceiptSigner, serve::Service};

const RESERVE: u64 = 16 * 1_024;
/// More than fill the reserve.
const MANY: u8 = 40;
const FULL: Reply = Reply::Refused(Refusal::QuotaFull);

/// A relay whose sweep has looked at the disk once and will not again.
async fn relay() -> (Arc<Service>, Arc<Slow>, Arc<Disk>) {
    let config = Config::local("/nowhere".into(), ([127, 0, 0, 1], 0).into()).unwrap();
    let config = Config { free_space_bytes: RESERVE, ..config };
    let (store, disk) = (Arc::new(Slow::default()), Arc::new(Disk::default()));
    disk.free_bytes.store(u64::MAX, Ordering::SeqCst);
    let now = Timestamp(u64::from(TODAY.0) * DAY_MS);
    let around = (Arc::clone(&store) as _, Arc::clone(&disk) as _, Arc::new(move || now) as _);
    let stop = CancellationToken::new();
    stop.cancel();
    let receipts = ReceiptSigner::new(SigningKey::from_bytes(&[1; 32]));
    let service = Relay::serve_streams(&config, receipts, around, &stop).await.unwrap();
    service.tasks.close();
    service.tasks.wait().await;
    assert!(service.room.is_there());
    (service, store, disk)
}

async fn ask(service: &Arc<Service>, command: Command) -> Reply {
    let admitted = service.admission.admit(command).unwrap();
    service.serve(admitted, None, &Turns::default()).await.reply
}

fn owner(byte: u8) -> Capability<right::Owner> {
    Capability::from_bytes([byte; 32])
}

fn write(byte: u8) -> Capability<right::Write> {
    Capability::from_bytes([byte; 32])
}

fn create(byte: u8) -> Command {
    let drop = Capability::<right::Drop>::from_bytes([byte; 32]).hash();
    Command::CreateMailbox { owner: owner(byte).hash(), drop, kind: MailboxKind::Private, access: None }
}

/// With as many readers as may be.
fn open(byte: u8) -> Command {
    let read = |number| {
        let mut bytes = [byte; 32];
        bytes[0] = number;
        Capability::<right::Read>::from_bytes(bytes).hash()
    };
    let readers = List::new((0..64).map(read).collect()).unwrap();
    let shape = BlobShape::new(ChunkClass::Small, 1).unwrap();
    Command::OpenBlob { write: write(byte).hash(), readers, shape, keep_days: 1, access: None }
}

#[tokio::test]
async fn whatever_makes_rows_is_refused_soon_after_the_disk_has_filled() {
    for make in [create, open] {
        let (service, _, disk) = relay().await;
        disk.free_bytes.store(RESERVE - 1, Ordering::SeqCst);
        let mut made = 0;
        while ask(&service, make(made)).await != FULL {
            made += 1;
            assert!(made < MANY, "it has not looked yet");
        }
        assert!(made > 0, "it is looked at as rows are written");
    }
}

#[tokio::test]
async fn whatever_ends_something_is_done_on_a_full_disk_and_makes_the_relay_look_at_it() {
    ends(create, |byte| Command::Retire { owner: owner(byte) }).await;
    ends(open, |byte| Command::RevokeBlob { write: write(byte), readers: Readers::All }).await;
}

async fn ends(make: impl Fn(u8) -> Command, end: impl Fn(u8) -> Command) {
    let (service, _, disk) = relay().await;
    for byte in 0..MANY {
        assert!(matches!(ask(&service, make(byte)).await, Reply::Created | Reply::Opened));
    }
    disk.free_bytes.store(RESERVE - 1, Ordering::SeqCst);
    for byte in 0..MANY {
        assert_eq!(ask(&service, end(byte)).await, Reply::Done);
    }
    assert!(!service.room.is_there(), "it has not looked yet");
}

#[tokio::test]
async fn what_waits_for_the_writer_is_refused_if_the_disk_has_filled_meanwhile() {
    let (service, store, disk) = relay().await;
    assert_eq!(ask(&service, create(0)).await, Reply::Created);
    let deposit = Command::Deposit { drop: Capability::from_bytes([0; 32]), envelope: envelope(1) };
    for command in [create(1), open(1), deposit] {
        disk.free_bytes.store(u64::MAX, Ordering::SeqCst);
        service.room.look(disk.as_ref());
        store.stop();
        let waiting = tokio::spawn({
            let service = Arc::clone(&service);
            async move { ask(&service, command).await }
        });
        store.came.notified().await;
        disk.free_bytes.store(RESERVE - 1, Ordering::SeqCst);
        service.room.look(disk.as_ref());
        store.go_on();
        assert_eq!(waiting.await.unwrap(), FULL);
    }
}
