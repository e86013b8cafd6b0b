//! What an operator types, on a relay that runs and on one that is stopped; and who else may not.
//!
//! It starts processes and opens sockets, because that is what it is about.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod client;
mod process;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use client::{Client, envelope, mailbox};
use lightproof_wire::{
    blob::{BlobShape, ChunkClass, SealedChunk},
    capability::{Capability, right},
    codec::List,
    command::{Command, MailboxKind},
    id::ChunkIndex,
    refusal::Refusal,
    reply::Reply,
};
use process::{Running, UNHINDERED, on, program, run};
use serde_json::{Value, json};

fn write() -> Capability<right::Write> {
    Capability::from_bytes([1; 32])
}

fn read() -> Capability<right::Read> {
    Capability::from_bytes([2; 32])
}

/// Two mailboxes, three envelopes, a blob of two chunks.
async fn fill(relay: &Running) -> Client {
    let mut client = Client::connect(&relay.link).await;
    assert_eq!(client.create(&mailbox(1), MailboxKind::Private).await, Reply::Created);
    assert_eq!(client.create(&mailbox(2), MailboxKind::Doorbell).await, Reply::Created);
    for byte in 0..3 {
        assert!(matches!(client.deposit(&mailbox(1), byte).await, Reply::Deposited(_)));
    }
    let shape = BlobShape::new(ChunkClass::Small, 2).unwrap();
    let readers = List::new(vec![read().hash()]).unwrap();
    let open = Command::OpenBlob { write: write().hash(), readers, shape, keep_days: 1, access: None };
    assert_eq!(client.ask(open).await, Reply::Opened);
    for index in [0, 1] {
        let chunk = SealedChunk::new(vec![7 + u8::try_from(index).unwrap(); 65_536]).unwrap();
        let put = Command::PutChunk { write: write(), index: ChunkIndex(index), chunk };
        assert_eq!(client.ask(put).await, Reply::Done);
    }
    assert_eq!(client.ask(Command::CommitBlob { write: write() }).await, Reply::Done);
    client
}

/// All of what was filled in is there.
async fn assert_filled(relay: &Running) {
    let mut client = Client::connect(&relay.link).await;
    assert!(matches!(client.watch(&mailbox(1), 1).await, Reply::Watching { .. }));
    for byte in 0..3 {
        assert_eq!(client.delivery().await.envelope, envelope(byte));
    }
    for index in [0, 1] {
        let Reply::Chunk(chunk) = client.ask(Command::GetChunk { read: read(), index: ChunkIndex(index) }).await else {
            panic!("chunk {index} is not there")
        };
        assert!(chunk.as_slice().iter().all(|byte| u32::from(*byte) == 7 + index));
    }
}

fn stats(data: &Path) -> Value {
    let (code, text, errors) = on(data, &["stats", "--json"]);
    assert_eq!((code, errors.as_str(), text.lines().count()), (0, "", 1), "{text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_a_scrub_are_the_same_of_a_relay_that_runs_and_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let relay = Running::start(&data);
    let mut client = fill(&relay).await;
    assert_eq!(client.deposit(&mailbox(9), 1).await, Reply::Refused(Refusal::Refused));
    drop(client);
    let mut relay = Some(relay);
    let scrubbed = |text: &str| assert!(text.contains("rows, 1 blobs\n") && !text.contains("wrong"), "{text}");
    for runs in [true, false] {
        let found = stats(&data);
        let counts =
            ["mailboxes", "envelopes", "blobs", "uploads", "access", "blob_bytes"].map(|key| found[key].clone());
        assert_eq!(counts, [json!(2), json!(3), json!(1), json!(0), json!(0), json!(131_072)], "{found}");
        assert!(found["disk_free_bytes"].as_u64().unwrap() > 0 && found["row_bytes"].as_u64().unwrap() > 48_000);
        assert_eq!(found["running"].is_object(), runs);
        let (code, text, errors) = on(&data, &["scrub"]);
        assert_eq!((code, errors.as_str()), (0, ""), "{text}");
        scrubbed(&text);
        let (code, text, _) = on(&data, &["stats"]);
        assert!(code == 0 && text.contains("envelopes    3\n"), "{text}");
        if runs {
            let running = &found["running"];
            let counts = ["deposits", "connections", "damaged_rows"].map(|key| running[key].clone());
            assert_eq!(counts, [json!(3), json!(1), json!(0)], "{running}");
            assert_eq!(running["refusals"]["refused"], json!(1));
            assert!(running["commits"]["count"].as_u64().unwrap() > 5 && running["commits"]["p50_ms"].is_number());
            for secret in [mailbox(1).owner.hash().as_bytes(), write().hash().as_bytes()] {
                assert!(!found.to_string().contains(&hex::encode(secret)[..12]));
            }
            assert!(relay.take().is_some_and(Running::stop));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_relay_that_runs_and_of_one_that_is_stopped_restores_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let relay = Running::start(&data);
    fill(&relay).await;
    let link = relay.link.clone();
    let mut relay = Some(relay);
    for name in ["running", "stopped"] {
        let (backup, restored) = (folder.path().join(name), folder.path().join(format!("{name}.data")));
        let (code, text, errors) = on(&data, &["backup", backup.to_str().unwrap()]);
        assert_eq!((code, errors.as_str()), (0, ""));
        assert!(text.ends_with("rows, 2 chunks\n"), "{text}");
        assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
        let (code, _, errors) = on(&data, &["backup", backup.to_str().unwrap()]);
        assert!(code == 1 && errors.contains("is there already"), "{errors}");
        if let Some(relay) = relay.take() {
            let (code, _, errors) = on(&data, &["restore", backup.to_str().unwrap()]);
            assert!(code == 1 && errors.starts_with("error: the data folder is not empty\nhint: "), "{errors}");
            assert!(relay.stop());
        }
        let (code, text, errors) = on(&restored, &["restore", backup.to_str().unwrap()]);
        assert_eq!((code, errors.as_str()), (0, ""));
        assert!(text.contains("has forgotten what came after that"), "{text}");
        let again = Running::again(&restored, &link.authority());
        assert_eq!(again.link, link, "it is the same relay to its clients");
        assert_filled(&again).await;
        assert!(again.stop());
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left.len(), 5, "{left:?}");
}

/// Each removed what the other had written, and neither was made.
#[test]
fn of_backups_under_one_name_at_one_time_one_is_made_and_none_touches_another() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let relay = Running::start(&data);
    for round in 0..5 {
        let backup = folder.path().join(format!("backup-{round}"));
        let arguments = ["backup", backup.to_str().unwrap(), "--data", data.to_str().unwrap()];
        let begin = || program(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let all: Vec<_> = std::iter::repeat_with(begin).take(4).collect();
        let made = all.into_iter().map(|mut one| one.wait().unwrap().success()).filter(|made| *made).count();
        assert_eq!(made, 1, "in round {round}");
        let restored = folder.path().join(format!("restored-{round}"));
        let (code, _, errors) = on(&restored, &["restore", backup.to_str().unwrap()]);
        assert_eq!((code, errors.as_str()), (0, ""));
    }
    assert!(relay.stop());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 11, "something unfinished was left");
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_granted_listed_and_revoked_while_the_relay_runs_and_while_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let new = |note: &str| {
        let (code, text, said) = on(&data, &["access", "new", "--days", "3", "--mailboxes", "1", "--note", note]);
        assert_eq!(code, 0, "{said}");
        Capability::<right::Access>::parse(text.trim()).unwrap()
    };
    let first = new("before the first start");
    let serve = ["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let relay =
        Running::of(program(&serve).env("LIGHTPROOF_RELAY_POLICY", "access").envs(UNHINDERED).stderr(Stdio::null()));
    let second = new("while it runs \u{1b}[31m");
    let mut client = Client::connect(&relay.link).await;
    let mut create = async |byte: u8, access: Option<&Capability<right::Access>>| {
        let (owner, drop) = (mailbox(byte).owner.hash(), mailbox(byte).drop.hash());
        client.ask(Command::CreateMailbox { owner, drop, kind: MailboxKind::Private, access: access.cloned() }).await
    };
    assert_eq!(create(1, None).await, Reply::Refused(Refusal::Refused));
    assert_eq!(create(1, Some(&first)).await, Reply::Created);
    assert_eq!(create(2, Some(&second)).await, Reply::Created);
    assert_eq!(create(3, Some(&second)).await, Reply::Refused(Refusal::QuotaFull));
    let (_, text, _) = on(&data, &["access", "list"]);
    assert!(text.contains("1 of 1 mailboxes") && text.contains("before the first start"), "{text}");
    assert!(!text.contains('\u{1b}'), "a note reaches the terminal as it is");
    assert_eq!(on(&data, &["access", "revoke", "2"]).0, 0);
    let (code, _, errors) = on(&data, &["access", "revoke", "2"]);
    assert_eq!((code, errors.lines().next()), (1, Some("error: there is no such access")));
    assert_eq!(create(4, Some(&second)).await, Reply::Refused(Refusal::Refused));
    assert!(relay.stop());
    assert_eq!(on(&data, &["access", "revoke", "1"]).0, 0);
    assert_eq!(on(&data, &["access", "list", "--json"]).1, "");
    let rows = ["rows.redb", "rows.bulk"].map(|name| fs::read(data.join(name)).unwrap()).concat();
    for text in [first.print(), second.print()] {
        assert!(!rows.windows(43).any(|window| window == text.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_this_users_alone_and_one_left_by_a_killed_relay_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let socket = data.join("control.sock");
    let relay = Running::start(&data);
    let found = fs::metadata(&socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600, "others may ask");
    let (code, _, errors) = on(&data, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(code == 1 && errors.contains("another process has it open"), "{errors}");
    assert_eq!(stats(&data)["mailboxes"], json!(0), "a second start took the socket of the first");
    relay.kill();
    assert!(socket.exists());
    assert!(stats(&data)["running"].is_null());
    let again = Running::start(&data);
    assert!(stats(&data)["running"].is_object());
    fs::remove_file(&socket).unwrap();
    let (code, _, errors) = on(&data, &["stats"]);
    assert_eq!(code, 1);
    assert!(errors.starts_with("error: a relay runs on this folder and has no control socket\nhint: "), "{errors}");
    assert!(again.stop());
    assert!(!socket.exists());
}

#[test]
fn the_link_is_that_of_the_relay_that_runs_whatever_the_command_says() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let relay = Running::start(&data);
    let (code, said, errors) = on(&data, &["link", "--public-url", "wss://relay.example.org/"]);
    assert_eq!((code, said.trim(), errors.as_str()), (0, relay.link.to_string().as_str(), ""));
    assert!(relay.stop());
    let (_, said, _) = on(&data, &["link", "--public-url", "wss://relay.example.org/"]);
    assert!(said.starts_with("wss://relay.example.org/#pin="), "{said}");
}

#[test]
fn a_folder_whose_path_is_too_long_for_a_socket_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d".repeat(100));
    let (code, _, errors) = on(&data, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, 1);
    assert!(errors.contains("too long for the control socket in it, which may have 107 bytes"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_said_at_the_socket_the_relay_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let relay = Running::start(&data);
    let ask = |text: &[u8]| {
        let mut stream = UnixStream::connect(data.join("control.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // The relay may have hung up before all of it was said.
        let _ = stream.write_all(text);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    };
    let unknown = "{\"error\":\"this relay does not know the request\"}\n";
    for wrong in ["\n", "{}\n", "stats\n", "{\"do\":\"erase\"}\n", "{\"do\":\"access_revoke\"}\n", "[]\n"] {
        assert_eq!(ask(wrong.as_bytes()), unknown, "{wrong}");
    }
    assert_eq!(ask(&[b'{'; 100_000]), unknown, "a line without end");
    assert_eq!(ask(&[&[0xff; 50][..], b"\n"].concat()), "", "not text");
    assert_eq!(ask(b"{\"do\":\"stats\""), "", "a request that does not end is not waited for");
    let wrong = b"{\"do\":\"access_new\",\"hash\":\"12\",\"mailboxes\":1,\"blob_mib\":1,\"note\":\"\"}\n";
    assert_eq!(ask(wrong), "{\"error\":\"the hash has not 64 hex digits\"}\n");
    // Silent ones take every place, and lose it.
    let silent: Vec<_> = (0..20).map(|_| UnixStream::connect(data.join("control.sock")).unwrap()).collect();
    let deadline = Instant::now() + Duration::from_secs(20);
    while on(&data, &["stats"]).0 != 0 {
        assert!(Instant::now() < deadline, "nobody is answered any more");
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(silent);
    let mut client = Client::connect(&relay.link).await;
    assert_eq!(client.create(&mailbox(1), MailboxKind::Private).await, Reply::Created);
    assert!(relay.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_nobody_reads_does_not_hold_up_a_relay_that_stops() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = ["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let mut relay = Running::of(program(&serve).envs(UNHINDERED).stderr(Stdio::piped()));
    let mut client = Client::connect(&relay.link).await;
    assert_eq!(client.create(&mailbox(1), MailboxKind::Private).await, Reply::Created);
    // More than the buffers on the way hold.
    for byte in 0..200 {
        assert!(matches!(client.deposit(&mailbox(1), byte).await, Reply::Deposited(_)));
    }
    let mut stream = UnixStream::connect(data.join("control.sock")).unwrap();
    stream.write_all(b"{\"do\":\"backup\"}\n").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"{\"ok\":null}\n");
    let log = relay.child.stderr.take();
    assert!(relay.stop());
    let mut said = String::new();
    log.unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("a backup was not finished") && !said.contains("were cut"), "{said}");
    // What came of it has no end, and is no backup.
    let mut left = Vec::new();
    stream.read_to_end(&mut left).unwrap();
    assert!(lightproof_relay::backup::verify(left.as_slice()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_a_stopped_relays_file_is_found_by_a_scrub_and_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let relay = Running::start(&data);
    fill(&relay).await;
    assert!(relay.stop());
    let rows = data.join("rows.bulk");
    let mut bytes = fs::read(&rows).unwrap();
    // In the middle of an envelope: redb has no hash over it that it looks at, we have.
    let at = bytes.windows(4_000).position(|window| window.iter().all(|byte| *byte == 2)).unwrap();
    bytes[at + 2_000] ^= 1;
    fs::write(&rows, bytes).unwrap();
    fs::remove_dir_all(data.join("blobs")).unwrap();
    let (code, text, errors) = on(&data, &["scrub"]);
    assert_eq!(code, 1);
    assert!(text.contains("wrong  1 damaged rows of envelopes\n"), "{text}");
    assert!(text.contains("wrong  blobs have no file, or one that ends too early or cannot be read: 1\n"), "{text}");
    assert!(errors.starts_with("error: something that is kept is damaged\nhint: "), "{errors}");
    let (code, text, _) = on(&data, &["scrub", "--json"]);
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &found["damaged_rows"], &found["faults"]),
        (1, &json!({"envelopes": 1}), &json!({"file_missing": 1}))
    );
}

#[test]
fn what_is_not_there_is_said_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for command in [&["stats"][..], &["scrub"], &["backup", "nowhere"], &["access", "list"]] {
        let (code, _, errors) = on(&data, command);
        assert_eq!((code, errors.lines().next()), (1, Some("error: there is no relay in this folder")), "{command:?}");
    }
    fs::write(folder.path().join("text"), "this is no backup of anything at all").unwrap();
    let (code, _, errors) = on(&data, &["restore", folder.path().join("text").to_str().unwrap()]);
    assert_eq!((code, errors.lines().next()), (1, Some("error: this is no backup of a relay")));
    assert!(!data.exists());
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let (_, help, _) = run(&["--help"]);
    let commands = ["serve", "link", "check", "config", "backup", "restore", "scrub", "stats", "man"];
    let access = ["access new", "access list", "access revoke"];
    for command in commands.into_iter().chain(access) {
        assert!(help.contains(&format!("lightproof-relay {command}")), "{command} in {help}");
        let words: Vec<_> = command.split(' ').chain(["--help"]).collect();
        let (code, text, _) = run(&words);
        assert!(code == 0 && text.contains(&format!("Example:\n  lightproof-relay {command}")), "{text}");
    }
}

#[test]
fn every_command_has_a_manual_page_and_none_takes_the_name_of_one_of_the_clients() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("new").join("man");
    let (code, _, errors) = run(&["man", pages.to_str().unwrap()]);
    assert_eq!((code, errors.as_str()), (0, ""));
    let (_, help, _) = run(&["--help"]);
    let listed = help.split("Commands:\n").nth(1).unwrap().lines().take_while(|line| !line.is_empty());
    // What is said of a command may go on in a second line, further in.
    let names = listed.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    let names = names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help");
    let nested = ["access-new", "access-list", "access-revoke"];
    let wanted = names.map(|name| format!("lightproof-relay-{name}.8"));
    let wanted = wanted.chain(nested.map(|name| format!("lightproof-relay-{name}.8")));
    let wanted: BTreeSet<_> = wanted.chain(["lightproof-relay.8".to_owned()]).collect();
    let found = fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), wanted);
    let page = fs::read_to_string(pages.join("lightproof-relay-serve.8")).unwrap();
    assert!(page.contains("Run the relay until SIGTERM") && page.contains("public\\-url"), "{page}");
    let (code, _, errors) = run(&["man", pages.join("lightproof-relay.8").to_str().unwrap()]);
    assert!(code == 1 && errors.starts_with("error: ") && errors.contains("\nhint: "), "{errors}");
}
