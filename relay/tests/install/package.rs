//! The Debian package, and the container file, which no program here can build: its words are looked at.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{material::find, text_of};

/// Everything that is installed, from the settings of `cargo deb`: source, and where it goes.
pub(crate) fn contents() -> Vec<(PathBuf, PathBuf)> {
    let manifest: toml::Table = text_of("Cargo.toml").parse().unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let listed = deb["assets"].as_array().unwrap().iter().map(|asset| [text(&asset[0]), text(&asset[1])]);
    let units = [("service", "systemd/system"), ("socket", "systemd/system")];
    let units = units.map(|(kind, folder)| [format!("dist/lightproof-relay.{kind}"), format!("usr/lib/{folder}/")]);
    let made = [("sysusers", "sysusers.d"), ("tmpfile", "tmpfiles.d")].map(|(kind, folder)| {
        [format!("dist/lightproof-relay.{kind}"), format!("usr/lib/{folder}/lightproof-relay.conf")]
    });
    let all = listed.chain(units).chain(made);
    all.flat_map(|[from, to]| {
        let sources = match from.as_str() {
            "target/release/lightproof-relay" => vec![PathBuf::from(env!("CARGO_BIN_EXE_lightproof-relay"))],
            "target/release/dist/man/lightproof-relay*.8" => manual(Path::new(env!("CARGO_TARGET_TMPDIR"))),
            path => vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(path)],
        };
        sources.into_iter().map(move |source| {
            let name = source.file_name().unwrap();
            let target = if to.ends_with('/') { Path::new(&to).join(name) } else { PathBuf::from(&to) };
            (source.clone(), target)
        })
    })
    .collect()
}

/// The manual pages, which the program itself writes.
fn manual(folder: &Path) -> Vec<PathBuf> {
    let pages = folder.join("man");
    let status = Command::new(env!("CARGO_BIN_EXE_lightproof-relay")).arg("man").arg(&pages).status().unwrap();
    assert!(status.success());
    fs::read_dir(pages).unwrap().map(|page| page.unwrap().path()).collect()
}

/// The package around this program; `None` where nobody can make one.
pub(crate) fn package(folder: &Path, program: &Path) -> Option<PathBuf> {
    let cargo_deb = find("cargo-deb")?;
    find("dpkg-deb")?;
    let built = folder.join("target/release");
    fs::create_dir_all(&built).unwrap();
    fs::copy(program, built.join("lightproof-relay")).unwrap();
    manual(&built.join("dist"));
    let package = folder.join("lightproof-relay.deb");
    let mut making = Command::new(cargo_deb);
    making.args([
        "deb",
        "--package",
        "lightproof-relay",
        "--no-build",
        "--no-strip",
        "--fast",
        "--offline",
        "--output",
    ]);
    making.arg(&package).current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", folder.join("target"));
    let output = making.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("warning"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(package)
}

fn dpkg(arguments: &[&str], package: &Path, more: &[&Path]) -> String {
    let output = Command::new("dpkg-deb").args(arguments).arg(package).args(more).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_package_holds_what_is_listed_and_settings_that_stay_an_operators() {
    let folder = tempfile::tempdir().unwrap();
    // A small program in the place of the relay: the page's test installs the real one.
    let Some(package) = package(folder.path(), Path::new("/bin/true")) else { return };
    let listing = dpkg(&["--contents"], &package, &[]);
    let files: Vec<_> = listing.lines().filter(|line| line.starts_with('-')).collect();
    for (_, target) in contents() {
        let path = format!(" ./{}", target.display());
        let line = files
            .iter()
            .find(|line| line.trim_end_matches(".gz").ends_with(&path))
            .unwrap_or_else(|| panic!("{path}: {listing}"));
        let mode = if target.starts_with("usr/bin") { "-rwxr-xr-x 0/0" } else { "-rw-r--r-- 0/0" };
        assert!(line.starts_with(mode), "{line}");
    }
    assert_eq!(files.len(), contents().len() + 1, "the copyright, and nothing else: {listing}");
    let control = folder.path().join("control");
    dpkg(&["--control"], &package, &[&control]);
    let read = |name: &str| fs::read_to_string(control.join(name)).unwrap();
    assert_eq!(read("conffiles").trim(), "/etc/lightproof-relay/relay.toml");
    assert!(read("control").contains("Depends: ") && read("control").contains("systemd"), "{}", read("control"));
    let after = read("postinst");
    let (users, folders) = (after.find("systemd-sysusers").unwrap(), after.find("systemd-tmpfiles").unwrap());
    assert!(users < folders && after.contains("try-restart lightproof-relay.service"), "{after}");
    assert!(!after.contains("deb-systemd-invoke start"), "it starts with settings that nobody has looked at: {after}");
    for script in ["postinst", "prerm", "postrm"] {
        assert!(Command::new("sh").arg("-n").arg(control.join(script)).status().unwrap().success());
        assert!(!read(script).contains("/var/lib"), "{script} touches other people's mail");
    }
}

#[test]
fn the_settings_that_are_installed_are_all_defaults_but_the_folder() {
    let shipped: toml::Table = text_of("dist/relay.toml").parse().unwrap();
    assert_eq!(shipped.keys().collect::<Vec<_>>(), ["data"]);
    // What stands there behind a # can be used as it is.
    let shipped = text_of("dist/relay.toml");
    let offered = shipped.lines().map(|line| {
        let setting = line.strip_prefix("# ").filter(|rest| rest.contains(" = "));
        format!("{}\n", setting.unwrap_or(line))
    });
    let offered: toml::Table = offered.collect::<String>().parse().unwrap();
    assert_eq!(offered.len(), 7, "{offered:?}");
    let settings = lightproof_relay::config::Settings::from_table(offered).unwrap();
    assert!(settings.check().unwrap().public.is_some());
}

#[test]
fn the_user_of_the_relay_is_made_and_may_not_log_in() {
    let Some(sysusers) = find("systemd-sysusers") else { return };
    let root = tempfile::tempdir().unwrap();
    let there = root.path().join("usr/lib/sysusers.d");
    fs::create_dir_all(&there).unwrap();
    fs::create_dir_all(root.path().join("etc")).unwrap();
    fs::write(there.join("lightproof-relay.conf"), text_of("dist/lightproof-relay.sysusers")).unwrap();
    let mut making = Command::new(sysusers);
    let output = making.arg(format!("--root={}", root.path().display())).arg("lightproof-relay.conf").output().unwrap();
    let users = fs::read_to_string(root.path().join("etc/passwd")).unwrap_or_default();
    let line = users.lines().find(|line| line.starts_with("lightproof-relay:")).unwrap_or_else(|| panic!("{output:?}"));
    assert!(line.ends_with(":/var/lib/lightproof-relay:/usr/sbin/nologin"), "{line}");
    let unit = text_of("dist/lightproof-relay.service");
    assert!(unit.contains("\nUser=lightproof-relay\n") && unit.contains("\nStateDirectory=lightproof-relay\n"));
    assert_eq!(
        text_of("dist/lightproof-relay.tmpfile"),
        "d /var/lib/lightproof-relay 0700 lightproof-relay lightproof-relay -\n"
    );
}

#[test]
fn the_container_runs_the_relay_as_nobody_special_on_one_volume() {
    let file = text_of("dist/Containerfile");
    let (_, last) = file.rsplit_once("\nFROM ").unwrap();
    let value = |word: &str| {
        let found: Vec<_> = last.lines().filter_map(|line| line.strip_prefix(word)).collect();
        assert_eq!(found.len(), 1, "{word}");
        found[0].trim()
    };
    assert_eq!((value("USER "), value("VOLUME "), value("ENV ")), ("nonroot", "/data", "LIGHTPROOF_RELAY_DATA=/data"));
    assert_eq!((value("EXPOSE "), value("STOPSIGNAL ")), ("7443", "SIGTERM"));
    assert_eq!((value("ENTRYPOINT "), value("CMD ")), ("[\"/usr/bin/lightproof-relay\"]", "[\"serve\"]"));
    assert!(file.contains("cargo build --release --locked --bin lightproof-relay"));
    let workspace: toml::Table = text_of("../Cargo.toml").parse().unwrap();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let folder = member.as_str().unwrap().split('/').next().unwrap();
        assert!(file.contains(&format!("\nCOPY {folder} {folder}\n")), "{folder} is not there when it is built");
    }
}
