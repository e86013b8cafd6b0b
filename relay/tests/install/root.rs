//! A machine in a folder, for the commands of `docs/operate.md`: where they find other files and other programs than an
//! operator's, and what those do instead.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rcgen::{CertificateParams, DnType};
use tempfile::TempDir;

use crate::{
    material::{Authority, NAME},
    package::{contents, package},
    quiet_port,
};

/// Where a machine keeps what is installed, set and stored; here, below a folder.
const PLACES: [&str; 5] = ["/etc/", "/usr/share/lightproof-relay/", "/var/lib/", "/backup/", "/srv/"];

/// Programs of the page that need a whole machine, the network or root: what stands in for each, as a script, and why.
/// Every other program is the real one.
const STANDING_IN: [(&str, &str, &str); 8] = [
    ("sudo", "the tests are one user", r#"if [ "$1" = -u ]; then shift 2; fi; exec "$@""#),
    (
        "cargo",
        "the program is built already, and cargo-deb comes over the network; the package is made by it where it is there",
        r#"case "$1 $2" in
"build --release" | "install cargo-deb") ;;
"deb -p") mkdir -p target/debian && touch target/debian/lightproof-relay_0.1.0-1_amd64.deb && [ "$3" = lightproof-relay ];;
*) echo "what is cargo $*?" >&2; exit 1;;
esac"#,
    ),
    (
        "apt-get",
        "nothing is installed on the machine of the tests; a package of ours is unpacked below the folder",
        r#"[ "$1" = install ] || exit 1; shift
for name; do
    case "$name" in
    ./target/debian/*.deb) [ -f "$name" ] && if [ -f "$ROOT/relay.deb" ]; then dpkg-deb --extract "$ROOT/relay.deb" "$ROOT"; else cp -R "$ROOT/contents/." "$ROOT"; fi;;
    nginx | certbot | curl | prometheus | grafana) ;;
    *) echo "what is $name?" >&2; exit 1;;
    esac
done"#,
    ),
    (
        "certbot",
        "no authority is at hand: the tests have one of their own",
        r#"case "$*" in
"certonly --webroot --webroot-path /var/www/html --domain relay.example.org --deploy-hook systemctl reload nginx") ;;
*) echo "what is certbot $*?" >&2; exit 1;;
esac
mkdir -p "$ROOT/etc/letsencrypt/live" && cp -R "$ROOT/issued" "$ROOT/etc/letsencrypt/live/relay.example.org""#,
    ),
    (
        "curl",
        "the name leads to this machine, and the authority is that of the tests",
        r#"exec "$REAL_CURL" --silent --show-error --fail --max-time 20 --cacert "$ROOT/authority.pem" --connect-to "relay.example.org:443:$FRONT" "$@""#,
    ),
    (
        "nginx",
        "what Debian has around a site",
        r#"exec "$REAL_NGINX" -e stderr -p "$ROOT/nginx" -c "$ROOT/nginx/nginx.conf" "$@""#,
    ),
    (
        "lightproof",
        "the client is another package: the tests speak the protocol themselves",
        r#"echo "$*" > "$ROOT/client""#,
    ),
    (
        "systemctl",
        "nothing here is run by systemd: each unit's own command is, once systemd has found nothing wrong in it",
        SYSTEMCTL,
    ),
];

const SYSTEMCTL: &str = r#"verb=$1; shift
if [ "${1:-}" = --now ]; then shift; fi
unit=${1:-}
run="$ROOT/run"
running() { [ -f "$run/$1.pid" ] && kill -0 "$(cat "$run/$1.pid")" 2>/dev/null; }
end() { if running "$1"; then kill -TERM "$(cat "$run/$1.pid")"; while running "$1"; do sleep 0.05; done; fi; rm -f "$run/$1.pid"; }
# In the background, and its number noted: whoever ends the tests ends it.
begin() { name=$1; shift; "$@" >"$run/$name.out" 2>"$run/$name.log" </dev/null & echo $! >"$run/$name.pid"; }
await() { count=0; until "$@" 2>/dev/null; do count=$((count + 1)); if [ $count -gt 400 ]; then cat "$run"/*.log >&2; exit 1; fi; sleep 0.05; done; }
units="$ROOT/usr/lib/systemd/system"
start=$(sed -n "s|^ExecStart=||p" "$units/lightproof-relay.service" | sed "s| /etc/| $ROOT/etc/|; s|^/|$ROOT/|")
look() { if command -v systemd-analyze >/dev/null; then
    mkdir -p "$ROOT/looked"; for file in "$units"/lightproof-relay.*; do sed "s|/usr/bin/lightproof-relay|$ROOT&|" "$file" >"$ROOT/looked/${file##*/}"; done
    (cd "$ROOT/looked" && systemd-analyze verify "./$1"); fi; }
case "$verb $unit" in
"enable lightproof-relay" | "restart lightproof-relay" | "start lightproof-relay")
    look lightproof-relay.service; end relay; begin relay $start; await grep -q ready "$run/relay.log";;
"enable lightproof-relay.socket")
    look lightproof-relay.socket; end relay
    grep -q "^ListenStream=443$" "$units/lightproof-relay.socket"
    if command -v systemd-socket-activate >/dev/null; then begin relay systemd-socket-activate --listen "$SOCKET" --fdname relay $start; await "$REAL_CURL" --silent --fail "http://$SOCKET/healthz"; fi;;
"disable lightproof-relay.socket") end relay;;
"stop lightproof-relay") end relay;;
"reload lightproof-relay") grep -q "^ExecReload=/bin/kill -HUP" "$units/lightproof-relay.service"; kill -HUP "$(cat "$run/relay.pid")";;
"status lightproof-relay") running relay;;
"reload nginx") if running nginx; then nginx -s reload; else begin nginx nginx -g "daemon off; master_process off;"; await "$REAL_CURL" --silent --output /dev/null --insecure "https://$FRONT/"; fi;;
"restart prometheus") end prometheus
    if command -v prometheus >/dev/null; then begin prometheus prometheus --config.file="$ROOT/etc/prometheus/prometheus.yml" --storage.tsdb.path="$ROOT/prometheus" --web.listen-address="$WATCHER"; await "$REAL_CURL" --silent --fail "http://$WATCHER/-/ready"; fi;;
*) echo "what is systemctl $verb $unit?" >&2; exit 1;;
esac
"#;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lightproof-relay");

/// The page starts it in one terminal and asks it in another.
const SERVING: &str = r#"if [ "$1" != serve ]; then exec PROGRAM "$@"; fi
PROGRAM "$@" >run/first.out 2>run/first.log </dev/null & echo $! >run/first.pid
until grep -q ready run/first.log; do sleep 0.05; done"#;

/// The folder, and the addresses that stand for those on the page.
pub(crate) struct Machine {
    folder: TempDir,
    pub(crate) authority: Authority,
    pub(crate) relay: SocketAddr,
    pub(crate) front: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) watcher: SocketAddr,
    socket: SocketAddr,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let address = || SocketAddr::from(([127, 0, 0, 1], quiet_port()));
        let (relay, front, metrics, watcher, socket) = (address(), address(), address(), address(), address());
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
            authority: Authority::new(),
            relay,
            front,
            metrics,
            watcher,
            socket,
        };
        machine.prepare();
        machine
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn prepare(&self) {
        for folder in ["bin", "run", "etc/nginx/sites-enabled", "backup", "srv", "home", "target/release"] {
            fs::create_dir_all(self.path(folder)).unwrap();
        }
        for (name, _why, script) in STANDING_IN {
            self.script(&format!("bin/{name}"), script);
        }
        std::os::unix::fs::symlink(PROGRAM, self.path("bin/lightproof-relay")).unwrap();
        self.script("target/release/lightproof-relay", &SERVING.replace("PROGRAM", PROGRAM));
        self.prepare_nginx();
        if package(&self.path("made"), Path::new(PROGRAM)).is_some() {
            fs::rename(self.path("made/lightproof-relay.deb"), self.path("relay.deb")).unwrap();
            return;
        }
        for (source, target) in contents() {
            let target = self.path("contents").join(target);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(source, target).unwrap();
        }
    }

    /// What an authority will give, and what Debian has around a site.
    fn prepare_nginx(&self) {
        let mut parameters = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        // One that is named as its authority is, curl takes for self-signed.
        parameters.distinguished_name.push(DnType::CommonName, NAME);
        let issued = self.authority.sign_with(parameters);
        fs::create_dir_all(self.path("issued")).unwrap();
        fs::create_dir_all(self.path("nginx")).unwrap();
        fs::write(self.path("authority.pem"), &self.authority.pem).unwrap();
        fs::write(self.path("issued/fullchain.pem"), issued.chain).unwrap();
        fs::write(self.path("issued/privkey.pem"), issued.key).unwrap();
        let scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|it| format!("{it}_temp_path {it};\n"));
        let sites = self.path("etc/nginx/sites-enabled");
        let around =
            format!("pid nginx.pid;\nevents {{}}\nhttp {{\n{}include {}/*;\n}}\n", scratch.concat(), sites.display());
        fs::write(self.path("nginx/nginx.conf"), around).unwrap();
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\nset -eu\n{text}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A text of the page with the places and addresses of this machine.
    pub(crate) fn here(&self, text: &str) -> String {
        // In two steps: the folder's own path may begin like one of the places.
        let marked = PLACES.iter().fold(text.to_owned(), |text, place| text.replace(place, &format!("\u{1}{place}")));
        let placed = marked.replace("\u{1}/", &format!("{}/", self.folder.path().display()));
        let listens = format!("listen {} ssl", self.front);
        let addresses = [
            ("127.0.0.1:7443", self.relay.to_string()),
            ("127.0.0.1:9443", self.metrics.to_string()),
            ("listen 443 ssl", listens),
            // The tests would wait for the first look.
            ("scrape_interval: 15s", "scrape_interval: 1s".to_owned()),
        ];
        addresses.iter().fold(placed, |text, (old, new)| text.replace(old, new))
    }

    /// Runs a block of commands; what it printed.
    pub(crate) fn run(&self, block: &str) -> String {
        let real = |name: &str| crate::material::find(name).unwrap_or_default();
        let path = format!("{}:{}:/usr/sbin:/sbin", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.args(["-eu", "-c", &self.here(block)]).current_dir(self.folder.path()).stdin(Stdio::null());
        shell.env_clear().env("PATH", path).env("HOME", self.path("home")).env("ROOT", self.folder.path());
        shell.env("REAL_CURL", real("curl")).env("REAL_NGINX", real("nginx"));
        shell.env("FRONT", self.front.to_string()).env("SOCKET", self.socket.to_string());
        shell.env("WATCHER", self.watcher.to_string());
        // Of the settings that the page leaves alone, the one that two runs of the tests at once would quarrel over.
        if !block.contains("--config") && !block.contains("systemctl") {
            shell.env("LIGHTPROOF_RELAY_LISTEN", self.relay.to_string());
        }
        let output = shell.output().unwrap();
        let (said, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{block}\n{said}\n{errors}");
        said
    }
}

impl Drop for Machine {
    /// What was started in the background ends with the test.
    fn drop(&mut self) {
        let notes = fs::read_dir(self.path("run")).into_iter().flatten().flatten().map(|entry| entry.path());
        for note in notes.filter(|path| path.extension().is_some_and(|extension| extension == "pid")) {
            let number = fs::read_to_string(note).unwrap_or_default();
            let _ended = Command::new("kill").args(["-KILL", number.trim()]).stderr(Stdio::null()).status();
        }
    }
}
