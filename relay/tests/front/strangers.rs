//! Strangers who hold connections for nothing, beside people who want to talk.

use std::{net::SocketAddr, time::Duration};

use lightproof_wire::{
    command::{Command, MailboxKind},
    relay_link::RelayLink,
    reply::Reply,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{
    client::{Client, mailbox},
    drain::stalled,
    effort,
    material::{ANY, Program, find, relay, start},
};

/// Connects and says nothing, or only the beginning of a greeting.
async fn stranger(address: SocketAddr, number: u64) -> Option<TcpStream> {
    let mut stream = timeout(Duration::from_secs(5), TcpStream::connect(address)).await.ok()?.ok()?;
    match number % 3 {
        0 => {}
        1 => stream.write_all(&[22, 3, 1]).await.ok()?,
        _ => stream.write_all(&[&[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], [7; 200].as_slice()].concat()).await.ok()?,
    }
    Some(stream)
}

/// How many people are served, of so many, and how long the slowest waited.
async fn people(link: &RelayLink, count: u8) -> (u8, Duration) {
    let (mut served, mut slowest) = (0, Duration::ZERO);
    for number in 0..count {
        let began = Instant::now();
        let theirs = mailbox(number);
        let talk = async {
            let mut client = Client::try_connect(link).await?;
            let created = client.create(&theirs, MailboxKind::Private).await == Reply::Created;
            (created && matches!(client.deposit(&theirs, 1).await, Reply::Deposited(_))).then_some(())
        };
        if let Ok(Some(())) = timeout(Duration::from_secs(10), talk).await {
            served += 1;
        }
        slowest = slowest.max(began.elapsed());
    }
    (served, slowest)
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_strangers_keep_nobody_out() {
    const PEOPLE: u8 = 60;
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "handshakes = 64").await;
    let count = effort::times(600).min(8_000);
    let mut strangers = Vec::new();
    for number in 0..count {
        strangers.extend(stranger(relay.address(), number).await);
    }
    let (served, slowest) = people(relay.link(), PEOPLE).await;
    let metrics = relay.metrics();
    assert!(metrics.handshakes_open.get() <= 64, "bounded");
    assert!(metrics.handshakes_cut.get() + 64 >= count, "the strangers had to go");
    println!(
        "evidence: A1 | {served} of {PEOPLE} people served beside {count} silent sockets, room for 64; slowest {slowest:?} | one run"
    );
    assert_eq!(served, PEOPLE);
    drop(strangers);
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_few_descriptors_serves_people_and_its_disk_all_the_same() {
    const PEOPLE: u8 = 20;
    let folder = tempfile::tempdir().unwrap();
    let serve = relay(&["serve", "--data", folder.path().to_str().unwrap(), "--listen", &ANY.to_string()]);
    let limited = "ulimit -n 64; exec \"$@\"";
    let mut shell = std::process::Command::new("sh");
    let program =
        Program::start(shell.args(["-c", limited, "sh"]).arg(serve.get_program()).args(serve.get_args()).env_clear());
    let link: RelayLink = program.says("wss://").trim().parse().unwrap();
    program.says("ready");
    let address: SocketAddr = link.authority().parse().unwrap();
    let mut strangers = Vec::new();
    for number in 0..200 {
        strangers.extend(stranger(address, number).await);
    }
    let (served, _) = people(&link, PEOPLE).await;
    drop(strangers);
    let (after, _) = people(&link, 1).await;
    println!(
        "evidence: F11 | {served} of {PEOPLE} people served with 64 descriptors beside 200 silent sockets | one run"
    );
    assert_eq!((served, after), (PEOPLE, 1));
    program.signal("-TERM");
    program.says("stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_descriptors_run_out_sheds_the_silent_and_recovers() {
    const PEOPLE: u8 = 20;
    let Some(prlimit) = find("prlimit") else { return };
    let folder = tempfile::tempdir().unwrap();
    let program =
        Program::start(&mut relay(&["serve", "--data", folder.path().to_str().unwrap(), "--listen", &ANY.to_string()]));
    let link: RelayLink = program.says("wss://").trim().parse().unwrap();
    program.says("ready");
    // It has made its plans for more than it gets.
    let pid = program.child.id().to_string();
    assert!(std::process::Command::new(prlimit).args(["--nofile=48:48", "--pid", &pid]).status().unwrap().success());
    let mut strangers = Vec::new();
    for number in 0..200 {
        strangers.extend(stranger(link.authority().parse().unwrap(), number).await);
    }
    let (served, slowest) = people(&link, PEOPLE).await;
    println!(
        "evidence: F11 | {served} of {PEOPLE} people served after descriptors ran out beside 200 silent sockets; slowest {slowest:?} | one run"
    );
    drop(strangers);
    assert_eq!((served, people(&link, 1).await.0), (PEOPLE, 1));
    program.signal("-TERM");
    program.says("stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_are_taken_by_established_connections_alone_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "connections_per_address = 2").await;
    let mut strangers = Vec::new();
    for number in 0..20 {
        strangers.extend(stranger(relay.address(), number).await);
    }
    let mut seated = Vec::new();
    for _ in 0..2 {
        seated.push(Client::connect(relay.link()).await);
    }
    assert!(Client::try_connect(relay.link()).await.is_none(), "no third one");
    assert_eq!((relay.metrics().seats_refused.get(), relay.metrics().seats_given_up.get()), (1, 0));
    seated.pop();
    let again = async {
        loop {
            if let Some(client) = Client::try_connect(relay.link()).await {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut client = timeout(Duration::from_secs(5), again).await.expect("a seat that was given back");
    assert_eq!(client.ask(Command::Ping).await, Reply::Pong);
    drop((strangers, seated, client));
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_alone_gets_a_seat_of_a_crowd() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "connections = 4").await;
    let mut crowd = Vec::new();
    for _ in 0..4 {
        crowd.push(Client::connect(relay.link()).await);
    }
    assert!(Client::try_connect(relay.link()).await.is_none(), "a crowd takes nothing from itself");
    let newcomer = Client::connect_from([127, 0, 0, 2], relay.link());
    let mut newcomer = timeout(Duration::from_secs(10), newcomer).await.expect("another address gets one of theirs");
    assert_eq!(newcomer.ask(Command::Ping).await, Reply::Pong);
    assert_eq!((relay.metrics().seats_refused.get(), relay.metrics().seats_given_up.get()), (1, 1));
    let mut newest = crowd.pop().unwrap();
    assert_eq!(newest.try_push(Duration::from_secs(10)).await, None, "whoever came last has given way");
    for one in &mut crowd {
        assert_eq!(one.ask(Command::Ping).await, Reply::Pong);
    }
    drop((crowd, newest, newcomer));
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_takes_nothing_gives_way_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start(folder.path(), "connections = 2").await;
    let mut first = Client::connect(relay.link()).await;
    let newest = stalled(relay.link()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    let mut newcomer = Client::connect_from([127, 0, 0, 2], relay.link()).await;
    let took = began.elapsed();
    assert!(took > Duration::from_secs(1), "it did not stall: {took:?}");
    assert_eq!((first.ask(Command::Ping).await, newcomer.ask(Command::Ping).await), (Reply::Pong, Reply::Pong));
    drop((first, newest, newcomer));
    relay.shutdown().await;
}
