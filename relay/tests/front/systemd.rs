//! systemd: sockets it opened, and what it is told. Played by `systemd-socket-activate` and by a socket of ours.

use std::{
    net::SocketAddr,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr as UnixAddress, UnixDatagram},
    },
    process::Command as Process,
    time::Duration,
};

use lightproof_wire::{command::Command, relay_link::RelayLink, reply::Reply};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    client::Client,
    material::{ANY, Program, find, free_port, relay, until_somebody_listens},
};

/// What systemd is told next.
fn told(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn systemd_is_told_of_the_start_of_life_and_of_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let by_path = UnixDatagram::bind(&path).unwrap();
    let name = format!("lightproof-relay-test-{}", std::process::id());
    let address = UnixAddress::from_abstract_name(name.as_bytes()).unwrap();
    let by_name = UnixDatagram::bind_addr(&address).unwrap();
    for (socket, named) in [(by_path, path.to_str().unwrap().to_owned()), (by_name, format!("@{name}"))] {
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let data = folder.path().join("data");
        let mut serve = relay(&["serve", "--data", data.to_str().unwrap(), "--listen", &ANY.to_string()]);
        let program = Program::start(serve.env("NOTIFY_SOCKET", named).env("WATCHDOG_USEC", "400000"));
        assert_eq!(told(&socket), "READY=1");
        // It listens by then.
        let link: RelayLink = program.says("wss://").trim().parse().unwrap();
        std::net::TcpStream::connect(link.authority()).unwrap();
        for _ in 0..3 {
            assert_eq!(told(&socket), "WATCHDOG=1");
        }
        program.signal("-TERM");
        let mut last = told(&socket);
        while last == "WATCHDOG=1" {
            last = told(&socket);
        }
        assert_eq!(last, "STOPPING=1");
        program.says("stopped");
    }
}

#[test]
fn a_watchdog_of_another_process_is_none_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let data = folder.path().join("data");
    let mut serve = relay(&["serve", "--data", data.to_str().unwrap(), "--listen", &ANY.to_string()]);
    let program = Program::start(
        serve.env("NOTIFY_SOCKET", folder.path().join("notify")).env("WATCHDOG_USEC", "10000").env("WATCHDOG_PID", "1"),
    );
    assert_eq!(told(&socket), "READY=1");
    std::thread::sleep(Duration::from_millis(100));
    program.signal("-TERM");
    assert_eq!(told(&socket), "STOPPING=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_systemd_opened_are_served() {
    let Some(activate) = find("systemd-socket-activate") else { return };
    let folder = tempfile::tempdir().unwrap();
    let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (people, metrics) = (address(free_port()), address(free_port()));
    let serve = relay(&["serve", "--data", folder.path().to_str().unwrap(), "--listen", "192.0.2.1:1"]);
    let mut activated = Process::new(activate);
    activated.args(["--listen", &people.to_string(), "--listen", &metrics.to_string(), "--fdname", "relay:metrics"]);
    let program = Program::start(activated.arg(serve.get_program()).args(serve.get_args()).env_remove("NOTIFY_SOCKET"));
    // The first to connect wakes the relay, and is served by it.
    until_somebody_listens(people).await;
    let link: RelayLink = program.says("wss://").trim().parse().unwrap();
    assert_eq!(link.authority(), people.to_string(), "not the address that was set");
    assert_eq!(Client::connect(&link).await.ask(Command::Ping).await, Reply::Pong);
    let mut stream = TcpStream::connect(metrics).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("lightproof_relay_handshakes_total{group=\"X25519MLKEM768\"} 1"), "{answer}");
    program.signal("-TERM");
    program.says("stopped");
}
