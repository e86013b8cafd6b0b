//! SIGKILL while a relay makes its files smaller: what is acknowledged is there, and they become small.
//!
//! It starts processes, opens sockets and reads the clock, because that is what it is about.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod client;
#[expect(unreachable_pub, dead_code, clippy::expect_used, reason = "the effort of the whole workspace's tests")]
#[path = "../../tests/src/effort.rs"]
mod effort;
mod process;

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

use client::{Client, mailbox};
use lightproof_relay::{
    config::Settings,
    limits::Limits,
    mailbox::{self as rules, Creation},
    store::{
        Durable, Store, Table, commit,
        disk::{DiskLimits, DiskStore},
    },
};
use lightproof_wire::{
    capability::CapabilityHash,
    command::{Command, MailboxKind},
    envelope::Envelope,
    id::Sequence,
    limits::ENVELOPE_BYTES,
    reply::Reply,
    time::{Day, Timestamp},
};
use process::{Running, on};

const KILLS: u64 = 8;
/// Enough that copying what is left takes a while, and that most of the file is unused.
const ENVELOPES: u64 = 5_000;
const KEPT: u64 = 1_500;
const OTHERS: u64 = 20_000;
const LIMITS: DiskLimits = DiskLimits { cache_bytes: 1 << 22, queue_length: 16 };

fn envelope(number: u64) -> Envelope {
    let mut bytes = [0; ENVELOPE_BYTES];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    Envelope::from_bytes(&bytes).unwrap()
}

/// By the rules and without sockets: a mailbox that was nearly full, and of which most was acked.
async fn fill(rows: &Path, is_wide: bool) {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let today = Timestamp(u64::try_from(since.as_millis()).unwrap()).day();
    let config = Settings::from_table("mailbox_envelopes = 1000000".parse().unwrap()).unwrap().check().unwrap();
    let limits: Limits = config.limits;
    let store = DiskStore::open(rows, LIMITS).unwrap();
    let (owner, drop) = (mailbox(1).owner.hash(), mailbox(1).drop.hash());
    let creation = Creation { owner, drop, kind: MailboxKind::Private, access: None };
    let made = commit(&store, move |rows| rules::create(rows, creation, today, &limits)).await;
    made.map(Durable::into_inner).unwrap();
    if is_wide {
        widen(&store, today, limits).await;
    }
    for from in (0..ENVELOPES).step_by(250) {
        commit(&store, move |rows| {
            for envelope in (from..from + 250).map(envelope) {
                let digest = envelope.digest();
                rules::deposit(rows, drop, envelope, digest, today, &limits)?;
            }
            Ok(())
        })
        .await
        .map(Durable::into_inner)
        .unwrap();
    }
    commit(&store, move |rows| (1..=ENVELOPES - KEPT).try_for_each(|place| rules::ack(rows, owner, Sequence(place))))
        .await
        .map(Durable::into_inner)
        .unwrap();
}

/// Makes the tree large by rows that go again, and gives it some that stay.
async fn widen(store: &DiskStore, today: Day, limits: Limits) {
    let put = commit(store, |rows| {
        (0..4_000_u32).try_for_each(|key| rows.put(Table::Drops, &key.to_be_bytes(), &[0; 14_000]))?;
        Ok(())
    });
    put.await.map(Durable::into_inner).unwrap();
    let stay = commit(store, move |rows| {
        (0..4_000_u32).try_for_each(|key| rows.remove(Table::Drops, &key.to_be_bytes()).map(drop))?;
        (0..OTHERS).try_for_each(|number| {
            let (owner, drop) = (other(number, 1), other(number, 2));
            let creation = Creation { owner, drop, kind: MailboxKind::Private, access: None };
            rules::create(rows, creation, today, &limits).map(|_| ())
        })
    });
    stay.await.map(Durable::into_inner).unwrap();
}

fn other<R>(number: u64, what: u8) -> CapabilityHash<R> {
    CapabilityHash::from_bytes([number.to_be_bytes(), [what; 8], [0; 8], [0; 8]].concat().try_into().unwrap())
}

fn on_disk(data: &Path, files: &[&str]) -> Vec<u64> {
    files.iter().map(|name| fs::metadata(data.join(name)).unwrap().blocks() * 512).collect()
}

/// Deposits and acks until the relay is killed; what was acknowledged, by number.
async fn change(relay: &Running, next: &mut u64, there: &mut BTreeMap<u64, u64>) {
    let Some(mut client) = Client::try_connect(&relay.link).await else { return };
    for _ in 0..6 {
        let deposit = Command::Deposit { drop: mailbox(1).drop, envelope: envelope(*next) };
        let Some(Reply::Deposited(_)) = client.try_ask(deposit).await else { return };
        there.insert(*next, *next + 1);
        *next += 1;
        let oldest = *there.first_key_value().unwrap().1;
        let (owner, handle) = (mailbox(1).owner, lightproof_wire::id::MailboxHandle(1));
        let _watching = client.try_ask(Command::Watch { owner, handle }).await;
        // Asked for is gone or not; acknowledged is gone.
        there.pop_first();
        let _acked = client.try_ask(Command::Ack { handle, sequence: Sequence(oldest) }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_killed_while_it_gives_space_back_loses_nothing_and_gives_it_back_in_the_end() {
    // First the tree is copied, and only then the envelopes move.
    is_killed_while_it_gives_back(&["rows.redb", "rows.bulk"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_killed_while_it_moves_envelopes_loses_none_and_gives_their_space_back_in_the_end() {
    is_killed_while_it_gives_back(&["rows.bulk"]).await;
}

async fn is_killed_while_it_gives_back(files: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Made by a first start, so that everything else is there.
    assert!(Running::start(&data).stop());
    fill(&data.join("rows.redb"), files.len() == 2).await;
    let before = on_disk(&data, files);
    let mut there: BTreeMap<u64, u64> = (ENVELOPES - KEPT..ENVELOPES).map(|number| (number, number + 1)).collect();
    let (mut next, mut copying, mut moving, kills) = (ENVELOPES, 0, 0, effort::times(KILLS));
    for kill in 0..kills {
        let relay = Running::start(&data);
        change(&relay, &mut next, &mut there).await;
        tokio::time::sleep(Duration::from_millis(kill * 53 % 300)).await;
        relay.kill();
        copying += u64::from(data.join("rows.new").exists());
        moving += u64::from(on_disk(&data, &["rows.bulk"]).last() == before.last());
    }
    assert!(moving > 0 && (files.len() == 1 || copying > 0), "no kill met what it is about: {copying}, {moving}");
    let relay = Running::start(&data);
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while on_disk(&data, files).iter().zip(&before).any(|(now, before)| *now > before / 2) {
        let now = on_disk(&data, files);
        assert!(std::time::Instant::now() < deadline, "{now:?} of {before:?} bytes are still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (code, text, _) = on(&data, &["scrub"]);
    assert_eq!(code, 0, "{text}");
    assert!(relay.stop());
    let store = DiskStore::open(&data.join("rows.redb"), LIMITS).unwrap();
    for (number, place) in &there {
        let page = lightproof_relay::store::look(&store, |rows| {
            rules::page(rows, mailbox(1).owner.hash(), Sequence(place - 1), 1)
        });
        let found = page.unwrap().envelopes.into_iter().next().unwrap();
        assert_eq!((found.0.0, found.1.envelope == envelope(*number)), (*place, true), "envelope {number}");
    }
    assert!(!data.join("rows.new").exists());
    let after = store.space().unwrap().file_bytes;
    println!(
        "{before:?} bytes became {after}; {copying} of {kills} kills met a copy, {moving} came before the end of the moves"
    );
    println!(
        "evidence: P13 F1 | {kills} kills of a relay that was giving space back, {} envelopes all there | -",
        there.len()
    );
}
