//! Too little of what a system gives: no descriptors left, a disk that is full. The relay refuses, goes on, and recovers.
//!
//! It starts processes, opens sockets and mounts a small file system, because that is what it is about.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod client;
mod process;

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Child, Command as Process, Output, Stdio},
    time::{Duration, Instant},
};

use client::{Client, mailbox};
use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::{Bytes, List},
    command::{Command, MailboxKind},
    envelope::Envelope,
    id::ChunkIndex,
    limits::ENVELOPE_BYTES,
    prekey::{PrekeyId, PrekeyKind, PublishedPrekey},
    refusal::Refusal,
    reply::Reply,
    time::Day,
};
use process::{Running, UNHINDERED};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lightproof-relay");
const FULL: Reply = Reply::Refused(Refusal::QuotaFull);

fn deposit(number: u32) -> Command {
    let mut bytes = [0; ENVELOPE_BYTES];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    Command::Deposit { drop: mailbox(1).drop, envelope: Envelope::from_bytes(&bytes).unwrap() }
}

fn put(index: u32) -> Command {
    let chunk = SealedChunk::new(vec![7; 65_536]).unwrap();
    Command::PutChunk { write: Capability::from_bytes([1; 32]), index: ChunkIndex(index), chunk }
}

fn open() -> Command {
    let write = Capability::<right::Write>::from_bytes([1; 32]);
    let readers = List::new(vec![Capability::<right::Read>::from_bytes([2; 32]).hash()]).unwrap();
    let shape = BlobShape::new(ChunkClass::Small, 2).unwrap();
    Command::OpenBlob { write: write.hash(), readers, shape, keep_days: 1, access: None }
}

/// A blob with as many readers as may be: the most rows for a command.
fn open_to_many(number: u32) -> Command {
    let capability = |reader: u8| {
        let mut bytes = [reader; 32];
        bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        bytes
    };
    let read = |reader| Capability::<right::Read>::from_bytes(capability(reader)).hash();
    let readers = List::new((0..64).map(read).collect()).unwrap();
    let write = Capability::<right::Write>::from_bytes(capability(0)).hash();
    let shape = BlobShape::new(ChunkClass::Small, 1).unwrap();
    Command::OpenBlob { write, readers, shape, keep_days: 1, access: None }
}

/// A signed prekey and a whole stock for a doorbell.
fn publish(doorbell: u8, until: Day) -> Command {
    let sealed = || Bytes::new(vec![doorbell; 6_600]).unwrap();
    let prekey = |kind, id| PublishedPrekey { kind, id: PrekeyId(id), not_after: until, sealed: sealed() };
    Command::PublishPrekeys {
        owner: mailbox(doorbell).owner,
        signed: prekey(PrekeyKind::Signed, 0),
        one_time: List::new((1..=50).map(|id| prekey(PrekeyKind::OneTime, id)).collect()).unwrap(),
    }
}

/// Asks until it is answered so.
async fn comes_to(client: &mut Client, command: impl Fn() -> Command, wanted: impl Fn(&Reply) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let reply = client.ask(command()).await;
        if wanted(&reply) {
            return;
        }
        assert!(Instant::now() < deadline, "it is still {reply:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn descriptors(relay: &Running, count: u64) {
    let pid = Pid::from_raw(i32::try_from(relay.child.id()).unwrap()).unwrap();
    let maximum = prlimit(Some(pid), Resource::Nofile, Rlimit { current: Some(count), maximum: Some(64) });
    assert!(maximum.unwrap().maximum.is_some_and(|most| most >= count));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_64_descriptors_serves_and_one_that_has_none_left_goes_on_when_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let script = "ulimit -n 64; exec \"$0\" serve --listen 127.0.0.1:0 --data \"$1\"";
    let mut process = Process::new("sh");
    let relay = Running::of(process.args(["-c", script, PROGRAM, data.to_str().unwrap()]).stderr(Stdio::null()));
    let mut client = Client::connect(&relay.link).await;
    assert_eq!(client.create(&mailbox(1), MailboxKind::Private).await, Reply::Created);
    assert_eq!(client.ask(open()).await, Reply::Opened);
    assert_eq!(client.ask(put(0)).await, Reply::Done);
    // More than it has descriptors for: they are turned away, and the one that is served is served.
    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(std::net::TcpStream::connect(relay.link.authority()).unwrap());
    }
    assert!(matches!(client.ask(deposit(1)).await, Reply::Deposited(_)));
    drop(crowd);
    // None at all, from one moment to the next.
    descriptors(&relay, 4);
    assert!(matches!(client.ask(deposit(2)).await, Reply::Deposited(_)), "a commit needs none");
    assert_eq!(client.ask(put(1)).await, Reply::Refused(Refusal::Busy));
    let waits = std::net::TcpStream::connect(relay.link.authority()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(matches!(client.ask(deposit(3)).await, Reply::Deposited(_)));
    drop(waits);
    descriptors(&relay, 64);
    comes_to(&mut client, || put(1), |reply| *reply == Reply::Done).await;
    drop(client);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut next = loop {
        match Client::try_connect(&relay.link).await {
            Some(client) => break client,
            None => assert!(Instant::now() < deadline, "it takes no connection any more"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(matches!(next.watch(&mailbox(1), 1).await, Reply::Watching { .. }));
    for _ in 0..3 {
        next.delivery().await;
    }
    assert!(relay.stop());
    println!("evidence: P13 F11 | 1 relay with 64 descriptors, then none, then 64 | -");
}

/// A small disk that no other process sees; its keeper ends with it, and it with its keeper.
struct Disk {
    keeper: Child,
    root: PathBuf,
}

impl Disk {
    /// `None` where a test may not mount anything.
    fn of(root: &Path, mib: u32) -> Option<Self> {
        let script = format!("mount -t tmpfs -o size={mib}m,mode=700 none \"$0\" && echo mounted && exec cat");
        let mut keeper = Process::new("unshare")
            .args(["-m", "sh", "-c", &script, root.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut said = [0; 8];
        if keeper.stdout.as_mut()?.read_exact(&mut said).is_err() {
            let _ = keeper.wait();
            println!("skipped: no small disk can be mounted here");
            return None;
        }
        Some(Self { keeper, root: root.to_owned() })
    }

    /// A program that sees the disk.
    fn program(&self, name: &str) -> Process {
        let mut process = Process::new("nsenter");
        process.args(["-t", &self.keeper.id().to_string(), "-m", name]);
        process
    }

    fn path(&self, name: &str) -> String {
        self.root.join(name).to_str().unwrap().to_owned()
    }

    fn start(&self, free_space_mib: &str) -> Running {
        let mut process = self.program(PROGRAM);
        process.args(["serve", "--listen", "127.0.0.1:0", "--data", &self.path("data")]);
        Running::of(
            process.envs(UNHINDERED).env("LIGHTPROOF_RELAY_FREE_SPACE_MIB", free_space_mib).stderr(Stdio::null()),
        )
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.program(PROGRAM).args(arguments).args(["--data", &self.path("data")]).output().unwrap()
    }

    /// What rows take, and what lies beside them.
    fn row_bytes(&self) -> u64 {
        ["data/rows.redb", "data/rows.bulk"].into_iter().map(|name| self.bytes(name)).sum()
    }

    /// What a file takes.
    fn bytes(&self, name: &str) -> u64 {
        let output = self.program("stat").args(["-c", "%b", &self.path(name)]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse::<u64>().map_or(0, |blocks| blocks * 512)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Deposits until something else happens than a receipt; how many were acknowledged, and what happened.
async fn deposit_until_full(client: &mut Client) -> (u32, Option<Reply>) {
    for number in 0..20_000 {
        match client.try_ask(deposit(number)).await {
            Some(Reply::Deposited(_)) => {}
            other => return (number, other),
        }
    }
    panic!("it never fills")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_is_new_and_gives_back_what_is_acked_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::of(folder.path(), 72) else { return };
    let relay = disk.start("16");
    let mut client = Client::connect(&relay.link).await;
    assert_eq!(client.create(&mailbox(1), MailboxKind::Private).await, Reply::Created);
    assert_eq!(client.ask(open()).await, Reply::Opened);
    assert_eq!(client.ask(put(0)).await, Reply::Done);
    let (stored, what) = deposit_until_full(&mut client).await;
    assert_eq!(what, Some(FULL), "after {stored}");
    assert_eq!(client.ask(put(1)).await, FULL);
    assert_eq!(client.create(&mailbox(2), MailboxKind::Private).await, FULL);
    let full_bytes = disk.row_bytes();
    // A backup that does not fit is none, and harms nobody.
    let small = disk.path("small");
    assert!(disk.program("mkdir").arg(&small).status().unwrap().success());
    assert!(disk.program("mount").args(["-t", "tmpfs", "-o", "size=1m", "none", &small]).status().unwrap().success());
    let output = disk.run(&["backup", &disk.path("small/backup")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("No space left on device"), "{said}");
    let left = disk.program("ls").args(["-A", &small]).output().unwrap();
    assert_eq!(String::from_utf8(left.stdout).unwrap(), "", "half a backup");
    // What is there is served.
    assert!(matches!(client.watch(&mailbox(1), 1).await, Reply::Watching { .. }));
    for place in 1..=u64::from(stored) {
        assert_eq!(client.delivery().await.sequence.0, place);
        assert_eq!(client.ack(1, place).await, Reply::Done);
    }
    // The holes in the file are room for mail at once, and soon room for everything.
    comes_to(&mut client, || deposit(1_000_000), |reply| matches!(reply, Reply::Deposited(_))).await;
    comes_to(&mut client, || put(1), |reply| *reply == Reply::Done).await;
    let bytes = disk.row_bytes();
    assert!(bytes < full_bytes / 4, "{full_bytes} bytes became {bytes}");
    let output = disk.run(&["scrub"]);
    assert!(output.status.success(), "{output:?}");
    assert!(relay.stop());
    println!("{stored} envelopes filled it; {full_bytes} bytes became {bytes}");
    println!(
        "evidence: P13 F6 | 1 relay on a disk of 72 MiB that was full with {stored} envelopes and took mail again | -"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn prekeys_at_many_doorbells_leave_a_relay_the_room_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::of(folder.path(), 72) else { return };
    let relay = disk.start("16");
    let mut client = Client::connect(&relay.link).await;
    for doorbell in 0..=u8::MAX {
        assert_eq!(client.create(&mailbox(doorbell), MailboxKind::Doorbell).await, Reply::Created);
    }
    let (mut doorbells, until) = (0..=u8::MAX, client.welcome.day.plus(30));
    let refused = loop {
        let doorbell = doorbells.next().unwrap_or_else(|| panic!("it never fills"));
        match client.try_ask(publish(doorbell, until)).await {
            Some(Reply::Done) => {}
            other => break (doorbell, other),
        }
    };
    assert_eq!(refused.1, Some(FULL), "at doorbell {}", refused.0);
    assert_eq!(client.ask(publish(0, until)).await, Reply::Done, "a repeat");
    let bundle = client.ask(Command::TakePrekeys { drop: mailbox(0).drop }).await;
    assert!(matches!(bundle, Reply::Bundle(bundle) if bundle.one_time.is_some()));
    assert!(relay.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_are_opened_and_never_sent_leave_a_relay_the_room_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::of(folder.path(), 24) else { return };
    let relay = disk.start("8");
    let mut client = Client::connect(&relay.link).await;
    let mut numbers = 0..u32::MAX;
    let refused = loop {
        let number = numbers.next().unwrap_or_else(|| panic!("it never fills"));
        match client.try_ask(open_to_many(number)).await {
            Some(Reply::Opened) => {}
            other => break (number, other),
        }
    };
    assert_eq!(refused.1, Some(FULL), "at blob {}", refused.0);
    assert_eq!(client.ask(open_to_many(0)).await, Reply::Opened, "a repeat");
    assert!(relay.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_disk_is_full_to_the_last_byte_stops_and_has_all_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::of(folder.path(), 24) else { return };
    // An operator who keeps no reserve, and a disk that others fill too.
    let mut relay = disk.start("0");
    let ballast = format!("of={}", disk.path("ballast"));
    let filled = disk.program("dd").args(["if=/dev/zero", &ballast, "bs=1M", "count=8"]).output().unwrap();
    assert!(filled.status.success());
    let mut client = Client::connect(&relay.link).await;
    assert_eq!(client.create(&mailbox(1), MailboxKind::Private).await, Reply::Created);
    let (stored, what) = deposit_until_full(&mut client).await;
    assert!(matches!(what, None | Some(Reply::Refused(Refusal::Internal))), "{what:?}");
    drop(client);
    assert_eq!(relay.child.wait().unwrap().code(), Some(1), "after a failed commit a relay stops");
    assert!(disk.program("rm").arg(disk.path("ballast")).status().unwrap().success());
    let relay = disk.start("0");
    let mut client = Client::connect(&relay.link).await;
    assert!(matches!(client.watch(&mailbox(1), 1).await, Reply::Watching { .. }));
    for place in 1..=u64::from(stored) {
        assert_eq!(client.delivery().await.sequence.0, place, "of {stored}");
        assert_eq!(client.ack(1, place).await, Reply::Done);
    }
    assert!(matches!(client.ask(deposit(1_000_000)).await, Reply::Deposited(_)));
    assert!(relay.stop());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the disk is no other process's");
    println!(
        "evidence: P13 F6 | 1 relay that stopped on a full disk with {stored} envelopes, all of them there later | -"
    );
}
