//! What people do beside writing: they leave photos and fetch them, hand out prekeys, and move house.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::{Bytes, List},
    command::{Command, MailboxKind},
    id::ChunkIndex,
    prekey::{PrekeyBundle, PrekeyId, PrekeyKind, PublishedPrekey},
    refusal::Refusal,
    reply::Reply,
    time::Day,
};

use super::wire::{Connection, Mailbox, Target, expect};
use crate::{error::BenchError, material::Noise, report::Curve};

/// How many go about it.
pub(super) const PEOPLE: usize = 4;
/// Beside the envelopes, which are to be the load: one photo and one doorbell a second and person.
const PAUSE: Duration = Duration::from_secs(1);
const CHUNKS: u32 = 2;
const ONE_TIME: u32 = 3;
/// As large as a sealed prekey is.
const PREKEY_BYTES: usize = 6_600;
/// No clock of a relay says a later day.
const LAST_DAY: Day = Day(u32::MAX);

/// How often each was done.
#[derive(Default)]
pub(super) struct Done {
    uploaded: u64,
    fetched: u64,
    released: u64,
    bundles: u64,
    one_time: u64,
    doorbells: u64,
}

pub(super) type Shared = Arc<Mutex<Done>>;

/// One person's errands until the time has come. What a relay may never do ends it: another chunk than was left, a blob
/// that outlives its release, a one-time prekey given twice.
pub(super) async fn run(target: Target, person: usize, done: Shared, until: Instant) -> Result<(), BenchError> {
    let mut connection = Connection::open(&target, person).await?;
    let mut noise = Noise(7_000_000 + person as u64);
    let mut due = tokio::time::Instant::now();
    while Instant::now() < until {
        tokio::time::sleep_until(due).await;
        due = (due + PAUSE).max(tokio::time::Instant::now());
        photo(&mut connection, &mut noise, &done).await?;
        doorbell(&mut connection, &mut noise, &done).await?;
    }
    Ok(())
}

/// There and back, and gone.
async fn photo(connection: &mut Connection, noise: &mut Noise, done: &Shared) -> Result<(), BenchError> {
    let (write, read) = (capability::<right::Write>(noise), capability::<right::Read>(noise));
    let shape = BlobShape::new(ChunkClass::Small, CHUNKS).map_err(BenchError::wrong)?;
    let readers = List::new(vec![read.hash()]).map_err(BenchError::wrong)?;
    let open = Command::OpenBlob { write: write.hash(), readers, shape, keep_days: 1, access: None };
    expect(&connection.ask(open).await?, &Reply::Opened)?;
    let mut chunks = Vec::new();
    for index in (0..CHUNKS).map(ChunkIndex) {
        let bytes = noise.bytes(ChunkClass::Small.sealed_bytes() as usize);
        let chunk = SealedChunk::new(bytes).map_err(BenchError::wrong)?;
        chunks.push(chunk.clone());
        let put = Command::PutChunk { write: write.clone(), index, chunk };
        expect(&connection.ask(put).await?, &Reply::Done)?;
        count(done, |done| done.uploaded += 1);
    }
    expect(&connection.ask(Command::CommitBlob { write }).await?, &Reply::Done)?;
    let get = |index| Command::GetChunk { read: read.clone(), index };
    for (index, chunk) in (0..CHUNKS).map(ChunkIndex).zip(chunks) {
        if connection.ask(get(index)).await? != Reply::Chunk(chunk) {
            return Err(BenchError::Wrong("another chunk came than was left".to_owned()));
        }
        count(done, |done| done.fetched += 1);
    }
    expect(&connection.ask(Command::ReleaseBlob { read: read.clone() }).await?, &Reply::Done)?;
    count(done, |done| done.released += 1);
    expect(&connection.ask(get(ChunkIndex(0))).await?, &Reply::Refused(Refusal::Refused))
}

/// A doorbell that rings until its one-time prekeys are gone, and then itself.
async fn doorbell(connection: &mut Connection, noise: &mut Noise, done: &Shared) -> Result<(), BenchError> {
    let mailbox = Mailbox { owner: capability(noise), drop: capability(noise) };
    let (owner, drop) = (mailbox.owner.hash(), mailbox.drop.hash());
    let create = Command::CreateMailbox { owner, drop, kind: MailboxKind::Doorbell, access: None };
    expect(&connection.ask(create).await?, &Reply::Created)?;
    let mut prekey = |kind, id| {
        let sealed = Bytes::new(noise.bytes(PREKEY_BYTES)).map_err(BenchError::wrong)?;
        Ok::<_, BenchError>(PublishedPrekey { kind, id: PrekeyId(id), not_after: LAST_DAY, sealed })
    };
    let signed = prekey(PrekeyKind::Signed, 0)?;
    let one_time = (1..=ONE_TIME).map(|id| prekey(PrekeyKind::OneTime, id)).collect::<Result<_, _>>()?;
    let one_time = List::new(one_time).map_err(BenchError::wrong)?;
    let publish = Command::PublishPrekeys { owner: mailbox.owner.clone(), signed: signed.clone(), one_time };
    expect(&connection.ask(publish).await?, &Reply::Done)?;
    let mut given = BTreeSet::new();
    for _ in 0..=ONE_TIME {
        match connection.ask(Command::TakePrekeys { drop: mailbox.drop.clone() }).await? {
            Reply::Bundle(PrekeyBundle { signed: ours, one_time }) if ours == signed => {
                count(done, |done| done.bundles += 1);
                if one_time.is_some_and(|prekey| !given.insert(prekey.id)) {
                    return Err(BenchError::Wrong("a one-time prekey was given twice".to_owned()));
                }
            }
            other => return Err(BenchError::Wrong(format!("no bundle: {other:?}"))),
        }
    }
    count(done, |done| done.one_time += given.len() as u64);
    expect(&connection.ask(Command::Retire { owner: mailbox.owner }).await?, &Reply::Done)?;
    count(done, |done| done.doorbells += 1);
    Ok(())
}

/// What was done, as a table.
pub(super) fn curve(done: &Shared) -> Curve {
    let headings =
        ["chunks left", "chunks fetched", "blobs released", "bundles", "one-time prekeys", "doorbells retired"];
    let mut curve = Curve::new("Beside the envelopes", headings.map(str::to_owned));
    let done = done.lock().unwrap_or_else(PoisonError::into_inner);
    let counts = [done.uploaded, done.fetched, done.released, done.bundles, done.one_time, done.doorbells];
    curve.push(counts.map(|count| count.to_string()));
    curve
}

fn capability<R: right::Right>(noise: &mut Noise) -> Capability<R> {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(noise.bytes(32)).for_each(|(to, from)| *to = from);
    Capability::from_bytes(bytes)
}

fn count(done: &Shared, what: impl FnOnce(&mut Done)) {
    what(&mut done.lock().unwrap_or_else(PoisonError::into_inner));
}
