//! The system calls of a relay at work, held against what its unit allows: which, on which files, for which networks.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
};

use lightproof_wire::{command::MailboxKind, relay_link::RelayLink, reply::Reply};

use crate::{
    client::{Client, mailbox},
    material::{ANY, Program, find},
    process::on,
    text_of,
};

/// All that a filter as in a unit stands for.
fn expanded(names: &str) -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for name in names.split_whitespace() {
        if !name.starts_with('@') {
            calls.insert(name.to_owned());
            continue;
        }
        let output = Command::new("systemd-analyze").args(["syscall-filter", "--no-pager", name]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.starts_with(name), "{text}");
        let inside: Vec<_> = text.lines().skip(1).map(str::trim).filter(|line| !line.starts_with('#')).collect();
        calls.extend(expanded(&inside.join(" ")));
    }
    calls
}

/// What the unit allows: the lists in their order, those with ~ taken away.
fn allowed(unit: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for list in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        match list.strip_prefix('~') {
            None => allowed.extend(expanded(list)),
            Some(denied) => allowed = &allowed - &expanded(denied),
        }
    }
    allowed
}

/// Names in what strace wrote, where the system has the call at all.
fn made(trace: &str) -> BTreeSet<String> {
    let call = |line: &str| {
        let rest = line.trim_start_matches(|one: char| one.is_ascii_digit()).trim_start();
        let (name, _) = rest.strip_prefix("<... ").unwrap_or(rest).split_once(['(', ' '])?;
        (name.starts_with(|one: char| one.is_ascii_lowercase()) && !line.contains("ENOSYS")).then(|| name.to_owned())
    };
    trace.lines().filter_map(call).collect()
}

/// What the rest of the unit forbids: other networks than the internet and sockets of this machine, memory that can be
/// written and run, files outside of the data folder, and what the kernel tells of itself and of other processes.
fn goes_beyond(line: &str, data: &str) -> bool {
    let quoted = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    if line.contains(" socket(") {
        return !["AF_INET,", "AF_INET6,", "AF_UNIX,"].iter().any(|family| line.contains(&format!("({family}")));
    }
    if line.contains(" openat(") && !line.contains(" = -1 ") {
        let path = quoted(line);
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag));
        // The allocator asks whether memory is promised beyond what there is; where a unit hides the answer it goes on without.
        let is_of_malloc = path == "/proc/sys/vm/overcommit_memory";
        let kernels = path.starts_with("/proc/") && !path.starts_with("/proc/self/") && !is_of_malloc;
        return kernels || (writes && !path.starts_with(data) && path != "/dev/null");
    }
    line.contains("PROT_WRITE|PROT_EXEC")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_system_call_of_a_relay_at_work_is_one_that_its_unit_allows() {
    let (Some(strace), Some(_)) = (find("strace"), find("systemd-analyze")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (data, trace) = (folder.path().join("data"), folder.path().join("trace"));
    let mut traced = Command::new(strace);
    // The number that a unit sets is the highest there is: the relay finds nothing to raise.
    let shell = "ulimit -n 1024; exec \"$0\" \"$@\"";
    traced.args(["-f", "-qq", "-e", "signal=none", "-o"]).arg(&trace).args(["/bin/sh", "-c", shell]);
    traced.arg(env!("CARGO_BIN_EXE_lightproof-relay")).args(["serve", "--listen", &ANY.to_string(), "--data"]);
    let mut relay = Program::start(traced.arg(&data).env_clear().stderr(Stdio::null()));
    if let Some(_ended) = relay.child.try_wait().unwrap() {
        println!("skipped: this system lets nobody be traced");
        return;
    }
    let link: RelayLink = relay.says("wss://").trim().parse().unwrap();
    let mut client = Client::connect(&link).await;
    assert_eq!(client.create(&mailbox(1), MailboxKind::Private).await, Reply::Created);
    assert!(matches!(client.watch(&mailbox(1), 1).await, Reply::Watching { .. }));
    for byte in 0..20 {
        assert!(matches!(client.deposit(&mailbox(1), byte).await, Reply::Deposited(_)));
    }
    for command in
        [&["stats"][..], &["scrub"], &["access", "new"], &["backup", folder.path().join("b").to_str().unwrap()]]
    {
        assert_eq!(on(&data, command).0, 0, "{command:?}");
    }
    drop(client);
    // strace hands its own signals on to nobody: the relay is its child.
    let pid = fs::read_to_string(format!("/proc/{0}/task/{0}/children", relay.child.id())).unwrap();
    assert!(Command::new("kill").args(["-TERM", pid.trim()]).status().unwrap().success());
    assert!(relay.child.wait().unwrap().success());
    let trace = fs::read_to_string(trace).unwrap();
    let beyond: Vec<_> = trace.lines().filter(|line| goes_beyond(line, data.to_str().unwrap())).collect();
    assert!(beyond.is_empty(), "{beyond:?}");
    let made = made(&trace);
    assert!(made.contains("fdatasync") && made.contains("accept4") && made.len() > 40, "{made:?}");
    let allowed = allowed(&text_of("dist/lightproof-relay.service"));
    let strays: Vec<_> = made.difference(&allowed).collect();
    assert!(strays.is_empty(), "{strays:?} of {made:?}");
    println!("evidence: P23 | {} system calls of a relay at work, all of them allowed by its unit | -", made.len());
}

#[test]
fn a_call_that_a_unit_denies_is_told_from_one_that_it_allows() {
    if find("systemd-analyze").is_none() {
        return;
    }
    let unit = "SystemCallFilter=@file-system mount\nSystemCallFilter=~@chown unlink\n";
    let allowed = allowed(unit);
    assert!(allowed.contains("openat") && allowed.contains("mount"));
    let line =
        "12 unlink(\"x\") = 0\n13 <... openat resumed>) = 3\n14 +++ exited with 0 +++\n15 clone3(0) = -1 ENOSYS (no)\n";
    assert_eq!(made(line), ["openat", "unlink"].map(str::to_owned).into());
    assert!(!allowed.contains("unlink"));
    let beyond = [
        "12 socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, 0) = 3",
        "12 openat(AT_FDCWD, \"/var/log/x\", O_WRONLY|O_CREAT, 0666) = 3",
        "12 openat(AT_FDCWD, \"/proc/meminfo\", O_RDONLY) = 3",
        "12 mmap(NULL, 4096, PROT_READ|PROT_WRITE|PROT_EXEC, MAP_PRIVATE, -1, 0) = 0x7f",
    ];
    let within = [
        "12 socket(AF_INET6, SOCK_STREAM, 0) = 3",
        "12 openat(AT_FDCWD, \"/data/rows.redb\", O_RDWR|O_CREAT, 0600) = 3",
        "12 openat(AT_FDCWD, \"/proc/self/cgroup\", O_RDONLY) = 3",
        "12 mmap(NULL, 4096, PROT_READ|PROT_EXEC, MAP_PRIVATE, 3, 0) = 0x7f",
    ];
    assert!(beyond.iter().all(|line| goes_beyond(line, "/data")));
    assert!(!within.iter().any(|line| goes_beyond(line, "/data")));
}
