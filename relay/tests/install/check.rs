//! `check`: every finding, told with what to do; and that it changes nothing.

use std::{
    fs::{self, File, Permissions},
    net::TcpListener,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use rcgen::CertificateParams;
use rustix::{fs::statvfs, process::geteuid};
use tempfile::TempDir;

use crate::{
    material::{ANY, Authority, Issued, NAME, find},
    process::{Running, program},
    quiet_port,
};

/// A place to check, with what is set there.
struct Place {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), settings: vec![("LISTEN", format!("127.0.0.1:{}", quiet_port()))] }
    }

    fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.settings.push((key, value.to_string()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The data folder as a relay leaves it.
    fn served(self) -> Self {
        assert!(Running::start(&self.data()).stop());
        self
    }

    /// A certificate in files.
    fn presenting(self, issued: &Issued) -> Self {
        let (cert, key) = (self.path("cert.pem"), self.path("key.pem"));
        fs::write(&cert, &issued.chain).unwrap();
        fs::write(&key, &issued.key).unwrap();
        mode(&key, 0o600);
        let url = format!("wss://{NAME}/");
        self.with("CERT", cert.display()).with("KEY", key.display()).with("PUBLIC_URL", url)
    }

    fn command(&self) -> Command {
        let mut command = program(&["check"]);
        command.env("LIGHTPROOF_RELAY_DATA", self.data());
        command.envs(self.settings.iter().map(|(key, value)| (format!("LIGHTPROOF_RELAY_{key}"), value)));
        command
    }

    fn look(&self) -> (i32, String) {
        let output = self.command().output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    /// All is well.
    fn is_fine(&self) -> String {
        let (code, text) = self.look();
        assert_eq!((code, text.matches("fix ").count()), (0, 0), "{text}");
        text
    }

    /// This one thing is not, and something is to be done about it.
    fn finds(&self, name: &str, what: &str, fix: &str) {
        let (code, text) = self.look();
        let found: Vec<_> = text.lines().filter(|line| line.starts_with("fix ")).collect();
        assert_eq!((code, found.len()), (1, 1), "{text}");
        assert!(found[0].starts_with(&format!("fix   {name}: ")) && found[0].contains(what), "{text}");
        let (_, hint) = text.split_once(found[0]).unwrap();
        assert!(hint.lines().nth(1).is_some_and(|line| line.contains(fix)), "{text}");
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn from_now(days: i64) -> SystemTime {
    let distance = Duration::from_secs(days.unsigned_abs() * 86_400 + 3_600);
    if days < 0 { SystemTime::now() - distance } else { SystemTime::now() + distance }
}

/// A certificate that is valid between these days from now.
fn issued(names: &[&str], first: i64, last: i64) -> Issued {
    let mut parameters = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    (parameters.not_before, parameters.not_after) = (from_now(first).into(), from_now(last).into());
    Authority::new().sign_with(parameters)
}

#[test]
fn a_check_finds_nothing_wrong_where_nothing_is_and_makes_nothing() {
    let place = Place::new();
    let text = place.is_fine();
    assert!(text.contains("ok    folder: none yet") && text.contains("ok    certificate: none yet"), "{text}");
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 0);
    let place = place.served();
    let before: Vec<_> = fs::read_dir(place.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let text = place.is_fine();
    assert!(text.contains("ok    folder: private and writable") && text.contains("more days, for wss://"), "{text}");
    let after: Vec<_> = fs::read_dir(place.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(before, after);
    for name in ["folder", "disk", "certificate", "port", "metrics", "proxy", "clock"] {
        assert!(text.contains(&format!("ok    {name}: ")), "{text}");
    }
}

#[test]
fn a_folder_that_is_open_to_others_is_found_and_so_is_a_file_in_it() {
    let place = Place::new().served();
    mode(&place.data(), 0o755);
    place.finds("folder", "others may read it", "chmod -R go-rwx");
    mode(&place.data(), 0o700);
    mode(&place.data().join("receipt.key"), 0o640);
    mode(&place.data().join("blobs/00"), 0o701);
    place.finds("folder", "others may read 2 of the files", "chmod -R go-rwx");
}

#[test]
fn a_folder_that_others_share_is_not_to_be_closed_to_them() {
    let place = Place::new();
    fs::create_dir(place.data()).unwrap();
    fs::write(place.data().join("index.html"), "of others").unwrap();
    mode(&place.data(), 0o755);
    place.finds("folder", "no relay has made", "a folder of its own");
}

#[test]
fn a_folder_of_another_user_is_found_and_so_is_a_file_in_it() {
    if !geteuid().is_root() {
        println!("skipped: only root gives files away");
        return;
    }
    let place = Place::new().served();
    chown(place.data().join("receipt.key"), Some(12_345), None).unwrap();
    place.finds("folder", "1 of the files in it belong to another user", "sudo -u");
    chown(place.data(), Some(12_345), None).unwrap();
    place.finds("folder", "belongs to another user, 12345", "sudo -u");
}

#[test]
fn a_folder_that_can_be_no_folder_is_an_error_at_once() {
    let place = Place::new();
    fs::write(place.data(), "a file").unwrap();
    let output = place.command().env("LIGHTPROOF_RELAY_DATA", place.data().join("below")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.starts_with(b"error: the data folder: "), "{output:?}");
}

#[test]
fn a_disk_without_room_is_found_before_strangers_are_and_before_all_are_refused() {
    let place = Place::new();
    let volume = statvfs(place.folder.path()).unwrap();
    let free_mib = volume.f_bavail * volume.f_frsize / 1_048_576;
    Place::new().with("FREE_SPACE_MIB", free_mib * 2).finds("disk", "nothing new is taken", "free_space_mib");
    Place::new().with("FREE_SPACE_MIB", free_mib * 3 / 4).finds("disk", "no mail of strangers", "free_space_mib");
}

#[test]
fn a_disk_that_can_only_be_read_is_found_and_one_without_room_for_files() {
    let Some(unshare) = find("unshare") else { return };
    for (part, options, what) in [
        ("", "ro", "it can only be read"),
        ("", "nr_inodes=500", "more files"),
        ("blobs", "ro", "it can only be read"),
        ("blobs", "nr_inodes=500", "more files"),
        ("blobs", "size=32m", "only 32 MiB are free"),
    ] {
        let place = Place::new();
        fs::create_dir_all(place.data().join(part)).unwrap();
        fs::set_permissions(place.data(), Permissions::from_mode(0o700)).unwrap();
        let script =
            "mount -t tmpfs -o mode=700,$2 none \"$LIGHTPROOF_RELAY_DATA/$1\" || exit 77; shift 2; exec \"$@\"";
        let check = place.command();
        let mut inside = Command::new(&unshare);
        inside.args(["--map-root-user", "--mount", "sh", "-c", script, "sh", part, options]).arg(check.get_program());
        inside.args(check.get_args()).envs(check.get_envs().filter_map(|(key, value)| Some((key, value?))));
        let output = inside.output().unwrap();
        // By the script, or by what was to run it.
        if output.status.code() == Some(77) || output.stderr.starts_with(b"unshare:") {
            println!("skipped: this system lets nobody mount anything: {}", String::from_utf8_lossy(&output.stderr));
            return;
        }
        let text = String::from_utf8(output.stdout).unwrap();
        let found = text.lines().find(|line| line.starts_with("fix   disk: ")).unwrap_or_else(|| panic!("{text}"));
        assert!(found.contains(what) && output.status.code() == Some(1), "{text}");
    }
}

#[test]
fn a_certificate_from_files_is_held_against_its_days_its_name_and_its_key() {
    let good = issued(&[NAME], -1, 60);
    let place = Place::new().presenting(&good);
    let text = place.is_fine();
    assert!(text.contains(&format!("valid for 60 more days, for wss://{NAME}/")), "{text}");
    Place::new().presenting(&issued(&["*.example.org"], -1, 60)).is_fine();
    let found = [
        (&[NAME][..], -60, -2, "it ended 2 days ago", "renew"),
        (&[NAME], -60, 5, "it ends in 5 days", "renew"),
        (&[NAME], 2, 60, "it is not valid yet", "clock"),
        (&["other.example.org"], -1, 60, "it is not for relay.example.org", "public_url"),
        (&["*.relay.example.org"], -1, 60, "it is not for relay.example.org", "public_url"),
    ];
    for (names, first, last, what, fix) in found {
        Place::new().presenting(&issued(names, first, last)).finds("certificate", what, fix);
    }
    let place = Place::new().presenting(&Issued { key: issued(&[NAME], -1, 60).key, chain: good.chain.clone() });
    place.finds("certificate", "the certificate cannot be used", "renew");
    let place = Place::new().presenting(&Issued { key: good.key.clone(), chain: "half a file".to_owned() });
    place.finds("certificate", "no certificate in the file", "renew");
    let place = Place::new().presenting(&good);
    mode(&place.path("key.pem"), 0o644);
    place.finds("certificate", "everybody on this machine may read its key", "chmod o-rwx");
    fs::remove_file(place.path("key.pem")).unwrap();
    place.finds("certificate", "key.pem: No such file", "renew");
}

#[test]
fn a_port_that_somebody_else_has_is_found_and_the_relays_own_is_not() {
    let taken = TcpListener::bind(ANY).unwrap();
    let at = taken.local_addr().unwrap();
    Place::new().with("LISTEN", at).finds("port", "in use", "ss -ltnp");
    Place::new().with("METRICS", at).finds("metrics", "in use", "ss -ltnp");
    Place::new().with("LISTEN", "192.0.2.1:7443").finds("port", "192.0.2.1:7443", "no interface");
    let place = Place::new();
    let relay = Running::start(&place.data());
    let place = place.with("LISTEN", relay.link.authority());
    let text = place.is_fine();
    assert!(text.contains("is taken, and the relay runs"), "{text}");
    assert!(relay.stop());
    // Another's now, and the relay's no longer.
    let _taken = TcpListener::bind(&place.settings.last().unwrap().1).unwrap();
    place.finds("port", "in use", "ss -ltnp");
}

#[test]
fn a_port_that_needs_a_right_is_found_with_the_socket_unit_as_the_way_out() {
    let Some(setpriv) = find("setpriv") else { return };
    let from: u16 =
        fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap().trim().parse().unwrap();
    let check = Place::new().with("LISTEN", "127.0.0.1:443");
    let command = check.command();
    let mut without = Command::new(setpriv);
    without.args(["--inh-caps=-all", "--bounding-set=-all"]).arg(command.get_program()).args(command.get_args());
    let output = without.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?)))).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if from <= 443 || text.is_empty() {
        println!("skipped: here everybody may listen on port 443, or nobody gives up rights");
        return;
    }
    assert!(text.contains("fix   port: 127.0.0.1:443: ") && text.contains("lightproof-relay.socket"), "{text}");
}

#[test]
fn a_relay_behind_a_proxy_that_others_reach_without_it_is_found() {
    let behind = |url: &str| Place::new().with("BEHIND_PROXY", true).with("PUBLIC_URL", url);
    let text = behind("wss://relay.example.org/").is_fine();
    assert!(text.contains("certificate: at the proxy") && text.contains("proxy: ends TLS"), "{text}");
    Place::new().with("BEHIND_PROXY", true).finds("proxy", "sent past it", "public_url");
    let open = behind("wss://relay.example.org/").with("LISTEN", format!("0.0.0.0:{}", quiet_port()));
    open.finds("proxy", "without TLS", "127.0.0.1");
    open.with("TRUSTED_PROXIES", "[\"192.0.2.10\"]").is_fine();
}

#[test]
fn a_clock_that_is_behind_the_files_of_the_folder_is_found() {
    let place = Place::new().served();
    let rows = File::options().write(true).open(place.data().join("rows.redb")).unwrap();
    rows.set_modified(from_now(3)).unwrap();
    place.finds("clock", "3 days from now", "NTP");
}
