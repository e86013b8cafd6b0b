//! Backups of a relay under load: each restores to all that was acknowledged before it began, and to nothing that nobody sent.
//!
//! It starts processes and opens sockets, because that is what it is about.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod client;
#[expect(unreachable_pub, dead_code, clippy::expect_used, reason = "the effort of the whole workspace's tests")]
#[path = "../../tests/src/effort.rs"]
mod effort;
mod process;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use client::{Client, mailbox};
use lightproof_relay::{
    blob::{self, BlobRow, Phase},
    folder::Folder,
    mailbox::EnvelopeRow,
    scrub::scrub,
    store::{
        Chunks as _, RuleError, Table,
        disk::{DiskLimits, DiskStore},
        each,
        files::Files,
        look, row,
    },
};
use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::List,
    command::{Command, MailboxKind},
    envelope::Envelope,
    id::ChunkIndex,
    limits::ENVELOPE_BYTES,
    relay_link::RelayLink,
    reply::Reply,
};
use process::{Running, on};
use tokio::task::JoinSet;

const BACKUPS: u64 = 10;
const DEPOSITORS: u8 = 3;
const LIMITS: DiskLimits = DiskLimits { cache_bytes: 1 << 22, queue_length: 16 };

/// Numbers of what was asked for, and of what was acknowledged.
#[derive(Clone, Default)]
struct Known {
    next: Arc<AtomicU64>,
    asked: Arc<Mutex<BTreeSet<u64>>>,
    done: Arc<Mutex<BTreeSet<u64>>>,
    /// Blobs whose release was asked for.
    let_go: Arc<Mutex<BTreeSet<u64>>>,
    is_over: Arc<AtomicBool>,
}

impl Known {
    fn ask(&self) -> u64 {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        self.asked.lock().unwrap().insert(number);
        number
    }

    fn done(&self, number: u64) {
        self.done.lock().unwrap().insert(number);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

fn envelope(number: u64) -> Envelope {
    let mut bytes = [0; ENVELOPE_BYTES];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    Envelope::from_bytes(&bytes).unwrap()
}

fn number_of(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(*bytes.first_chunk().unwrap())
}

async fn deposit(link: RelayLink, known: Known, to: u8) {
    let mut client = Client::connect(&link).await;
    while !known.is_over() {
        let number = known.ask();
        let deposit = Command::Deposit { drop: mailbox(to).drop, envelope: envelope(number) };
        assert!(matches!(client.ask(deposit).await, Reply::Deposited(_)));
        known.done(number);
        // Enough that every backup meets a commit, and that it is not mostly the load that is tested.
        tokio::time::sleep(Duration::from_millis(8)).await;
    }
}

fn secret<R: right::Right>(number: u64) -> Capability<R> {
    let mut bytes = [0x55; 32];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    Capability::from_bytes(bytes)
}

/// Uploads blobs and lets half of them go, so that files disappear while backups read.
async fn upload(link: RelayLink, known: Known) {
    let mut client = Client::connect(&link).await;
    while !known.is_over() {
        let number = known.ask();
        let (write, read) = (secret::<right::Write>(number), secret::<right::Read>(number));
        let shape = BlobShape::new(ChunkClass::Small, 2).unwrap();
        let readers = List::new(vec![read.hash()]).unwrap();
        let open = Command::OpenBlob { write: write.hash(), readers, shape, keep_days: 1, access: None };
        assert_eq!(client.ask(open).await, Reply::Opened);
        for index in [0, 1].map(ChunkIndex) {
            let chunk = SealedChunk::new([number.to_be_bytes().to_vec(), vec![1; 65_528]].concat()).unwrap();
            assert_eq!(client.ask(Command::PutChunk { write: write.clone(), index, chunk }).await, Reply::Done);
        }
        assert_eq!(client.ask(Command::CommitBlob { write }).await, Reply::Done);
        known.done(number);
        if number.is_multiple_of(2) {
            known.let_go.lock().unwrap().insert(number);
            assert_eq!(client.ask(Command::ReleaseBlob { read }).await, Reply::Done);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The numbers of what is in a folder, each found whole.
fn found_in(data: &Path) -> BTreeSet<u64> {
    let folder = Folder::open(data).unwrap();
    let (store, files) = (DiskStore::open(&folder.rows(), LIMITS).unwrap(), Files::open(&folder.blobs()).unwrap());
    let mut found = BTreeSet::new();
    look(&store, |rows| {
        let report = scrub(rows, &files, &|| true)?;
        assert!(report.is_well(), "{report:?}");
        each(rows, Table::Envelopes, |key, value| {
            let row: EnvelopeRow = row::open(Table::Envelopes, key, value)?;
            found.insert(number_of(row.envelope.as_bytes()));
            Ok::<_, RuleError>(())
        })?;
        each(rows, Table::Blobs, |key, value| {
            let row: BlobRow = row::open(Table::Blobs, key, value)?;
            if row.phase == Phase::Committed {
                let reader = row.readers.iter().next().unwrap().hash;
                for index in [0, 1].map(ChunkIndex) {
                    let (file, offset, length) = blob::read(rows, &reader, index)?;
                    let bytes = files.read_at(file, offset, usize::try_from(length).unwrap()).unwrap();
                    assert!(bytes.iter().skip(8).all(|byte| *byte == 1), "a chunk is not whole");
                    found.insert(number_of(&bytes));
                }
            }
            Ok(())
        })
    })
    .unwrap();
    found
}

/// One backup, restored; how much was in it.
fn backed_up_and_restored(folder: &Path, data: &Path, known: &Known) -> usize {
    let (backup, restored) = (folder.join("backup"), folder.join("restored"));
    let before = known.done.lock().unwrap().clone();
    let (code, text, errors) = on(data, &["backup", backup.to_str().unwrap()]);
    assert_eq!((code, errors.as_str()), (0, ""), "{text}");
    let (asked, let_go) = (known.asked.lock().unwrap().clone(), known.let_go.lock().unwrap().clone());
    let (code, text, errors) = on(&restored, &["restore", backup.to_str().unwrap()]);
    assert_eq!((code, errors.as_str()), (0, ""), "{text}");
    let found = found_in(&restored);
    let lost: Vec<_> = before.difference(&found).filter(|number| !let_go.contains(number)).collect();
    assert_eq!(lost, Vec::<&u64>::new(), "it has lost what was acknowledged before it began");
    assert_eq!(found.difference(&asked).collect::<Vec<_>>(), Vec::<&u64>::new(), "it has what nobody asked for");
    std::fs::remove_file(&backup).unwrap();
    std::fs::remove_dir_all(&restored).unwrap();
    found.len()
}

/// A relay under load, and some backups of it; how much was in them.
async fn backups_of_a_relay() -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let relay = Running::start(&data);
    let known = Known::default();
    let mut first = Client::connect(&relay.link).await;
    let mut load = JoinSet::new();
    for to in 0..DEPOSITORS {
        assert_eq!(first.create(&mailbox(to), MailboxKind::Private).await, Reply::Created);
        load.spawn(deposit(relay.link.clone(), known.clone(), to));
    }
    load.spawn(upload(relay.link.clone(), known.clone()));
    let mut found = 0;
    for number in 0..BACKUPS {
        tokio::time::sleep(Duration::from_millis(number * 37 % 90)).await;
        found += backed_up_and_restored(folder.path(), &data, &known) as u64;
    }
    known.is_over.store(true, Ordering::SeqCst);
    while load.join_next().await.transpose().unwrap().is_some() {}
    assert!(relay.stop());
    // Files that were let go while a backup held them are gone as well.
    let files = Files::open(&data.join("blobs")).unwrap().list().unwrap();
    let (_, text, _) = on(&data, &["stats", "--json"]);
    let counts: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(counts.get("blobs"), Some(&serde_json::json!(files.len())));
    let let_go = known.let_go.lock().unwrap().len();
    assert!(let_go as u64 > BACKUPS && found > BACKUPS * 10, "{let_go} let go and {found} found are no load");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_backup_taken_under_load_restores_to_what_was_acknowledged_before_it_began() {
    let (mut found, relays) = (0, effort::times(1));
    for _ in 0..relays {
        found += backups_of_a_relay().await;
    }
    println!(
        "evidence: P13 | {} backups of relays under load, each restored to what was acknowledged before it began | -",
        relays * BACKUPS
    );
    println!("evidence: P13 | {found} envelopes and blobs found in those backups | -");
}
