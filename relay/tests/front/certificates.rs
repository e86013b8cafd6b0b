//! Certificates from files that change under a running relay.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use lightproof_wire::{command::Command, reply::Reply};
use rcgen::CertificateParams;

use crate::{
    client::Client,
    effort,
    material::{ANY, Authority, Dialler, Issued, NAME, Program, first, free_port, relay, shown, start},
};

/// As tools that renew do it: each file appears whole.
fn put(folder: &Path, issued: &Issued) {
    for (name, content) in [("key.pem", &issued.key), ("cert.pem", &issued.chain)] {
        fs::write(folder.join("new"), content).unwrap();
        fs::set_permissions(folder.join("new"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(folder.join("new"), folder.join(name)).unwrap();
    }
}

fn settings(folder: &Path) -> String {
    format!("cert = \"{0}/cert.pem\"\nkey = \"{0}/key.pem\"", folder.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn new_connections_see_the_changed_certificate_and_old_ones_live_on() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let authority = Authority::new();
    let (old, new) = (authority.sign(&[NAME]), authority.sign(&[NAME]));
    put(files.path(), &old);
    let relay = start(data.path(), &settings(files.path())).await;
    let dialler = Dialler::trusting(&authority.pem);
    let mut living = Vec::new();
    for _ in 0..effort::times(100).min(250) {
        let stream = dialler.dial(relay.address()).await.unwrap();
        assert_eq!(shown(&stream), first(&old.chain));
        living.push(Client::over(stream, NAME).await.unwrap());
    }
    put(files.path(), &new);
    relay.reload();
    let changed = async {
        while shown(&dialler.dial(relay.address()).await.unwrap()) != first(&new.chain) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), changed).await.expect("the new certificate");
    for client in &mut living {
        assert_eq!(client.ask(Command::Ping).await, Reply::Pong);
    }
    println!("evidence: P16 | the certificate changed under {} connections: 0 dropped | one run", living.len());
    drop(living);
    relay.shutdown().await;
}

#[test]
fn check_says_how_long_a_certificate_is_good_and_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [cert, key, data] = ["cert.pem", "key.pem", "data"].map(path);
    let listen = format!("127.0.0.1:{}", free_port());
    let check = |issued: &Issued| {
        put(folder.path(), issued);
        let public = format!("wss://{NAME}/");
        let certificate = ["--cert", &cert, "--key", &key, "--data", &data];
        let place = ["check", "--listen", &listen, "--public-url", &public];
        String::from_utf8(relay(&[&place[..], &certificate].concat()).output().unwrap().stdout).unwrap()
    };
    let lasting = |days: u64| {
        let mut parameters = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        parameters.not_after = (std::time::SystemTime::now() + Duration::from_secs(days * 86_400 + 3_600)).into();
        authority.sign_with(parameters)
    };
    let mixed = Issued { chain: lasting(90).chain, key: lasting(90).key };
    for (issued, finding) in [
        (lasting(90), "ok    certificate: valid for 90 more days"),
        (lasting(3), "fix   certificate: it ends in 3 days"),
        (mixed, "fix   certificate: the certificate cannot be used"),
    ] {
        let said = check(&issued);
        assert!(said.contains(finding), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_changes_nothing_and_is_said() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let authority = Authority::new();
    let (old, other) = (authority.sign(&[NAME]), authority.sign(&[NAME]));
    let mut expired = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    put(files.path(), &old);
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    let listen = ANY.to_string();
    let program = Program::start(&mut relay(&[
        "serve",
        "--data",
        data.path().to_str().unwrap(),
        "--listen",
        &listen,
        "--cert",
        &path("cert.pem"),
        "--key",
        &path("key.pem"),
    ]));
    let address = program.says("wss://").trim().trim_start_matches("wss://").trim_end_matches('/').parse().unwrap();
    program.says("ready");
    let dialler = Dialler::trusting(&authority.pem);
    let half = |whole: &str| whole[..whole.len() / 2].to_owned();
    let unusable = [
        Issued { chain: "no certificate\n".to_owned(), key: old.key.clone() },
        Issued { chain: half(&old.chain), key: old.key.clone() },
        Issued { chain: old.chain.clone(), key: half(&old.key) },
        Issued { chain: other.chain.clone(), key: old.key.clone() },
        Issued { chain: old.chain.clone(), key: other.key.clone() },
        authority.sign_with(expired),
    ];
    for issued in unusable {
        put(files.path(), &issued);
        program.signal("-HUP");
        program.says("cannot be used");
        assert_eq!(shown(&dialler.dial(address).await.unwrap()), first(&old.chain));
    }
    fs::remove_file(files.path().join("key.pem")).unwrap();
    program.signal("-HUP");
    program.says("cannot be read");
    assert_eq!(shown(&dialler.dial(address).await.unwrap()), first(&old.chain));
    // Nobody asks this time: it looks by itself.
    put(files.path(), &other);
    program.says("the certificate has changed");
    assert_eq!(shown(&dialler.dial(address).await.unwrap()), first(&other.chain));
    fs::remove_file(files.path().join("cert.pem")).unwrap();
    program.says("cannot be read");
    assert_eq!(shown(&dialler.dial(address).await.unwrap()), first(&other.chain));
    program.signal("-TERM");
    program.says("stopped");
}
