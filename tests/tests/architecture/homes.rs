//! One home per library: all other code sees our types, so a library is replaced in one place.

use super::{
    assert_none, root,
    sources::{self, Source},
};

const FOLDERS: &[&str] = &["protocol/wire", "protocol/e2ee", "client-core", "relay", "client-cli"];

/// A library as it is imported, and the files and folders that may.
const HOMES: &[(&str, &[&str])] = &[
    // cryptography
    ("argon2", &["client-core/src/vault/unlock.rs"]),
    ("chacha20poly1305", &["protocol/e2ee/src/aead.rs"]),
    (
        "ed25519_dalek",
        &[
            "protocol/e2ee/src/signature.rs",
            "protocol/wire/src/deposit_receipt.rs",
            "relay/src/folder.rs",
            "relay/src/receipt.rs",
        ],
    ),
    ("getrandom", &["relay/src/", "client-cli/src/"]),
    ("hkdf", &["protocol/e2ee/src/kdf.rs"]),
    ("hmac", &["protocol/e2ee/src/kdf.rs"]),
    ("ml_dsa", &["protocol/e2ee/src/signature.rs"]),
    ("ml_kem", &["protocol/e2ee/src/kem.rs"]),
    (
        "sha2",
        &[
            "protocol/wire/src/hash.rs",
            "protocol/e2ee/src/kdf.rs",
            "protocol/e2ee/src/safety_number.rs",
            "protocol/e2ee/src/signature.rs",
            "client-cli/src/transport/",
        ],
    ),
    ("x25519_dalek", &["protocol/e2ee/src/kem.rs"]),
    ("x_wing", &["protocol/e2ee/src/kem.rs"]),
    // encoding
    (
        "base64ct",
        &[
            "protocol/wire/src/",
            "protocol/e2ee/src/card.rs",
            "client-cli/src/commands/present.rs",
            "client-cli/src/picture/",
        ],
    ),
    ("tls_codec", &["protocol/", "client-core/src/vault/record.rs"]),
    ("toml", &["relay/src/config/", "relay/src/commands/"]),
    // photos
    ("exif", &["client-core/src/prepare/report/"]),
    ("fast_image_resize", &["client-core/src/prepare/encode.rs"]),
    (
        "image",
        &[
            "client-core/src/prepare/",
            "client-cli/src/qr.rs",
            "client-cli/src/picture/",
            "client-cli/src/commands/show.rs",
            "client-cli/src/commands/demo/",
        ],
    ),
    ("jpeg_decoder", &["client-core/src/prepare/decode/jpeg.rs"]),
    // Only tests have it: what a photo is sent as is of our own making.
    ("jpeg_encoder", &[]),
    ("jxl_oxide", &["client-core/src/prepare/decode/jxl.rs"]),
    ("moxcms", &["client-core/src/prepare/colour/"]),
    ("miniz_oxide", &["client-core/src/prepare/report/png_text.rs"]),
    ("thumbhash", &["client-core/src/prepare/preview.rs"]),
    // the process that decodes
    ("landlock", &["client-cli/src/picture/child/"]),
    ("libc", &["client-cli/src/picture/child/"]),
    ("seccompiler", &["client-cli/src/picture/child/"]),
    // disk and network
    ("axum", &["relay/src/http.rs", "relay/src/listen.rs"]),
    ("http_body_util", &["relay/src/acme/https.rs"]),
    ("hyper", &["relay/src/http.rs", "relay/src/acme/https.rs"]),
    ("hyper_util", &["relay/src/http.rs", "relay/src/acme/https.rs"]),
    ("instant_acme", &["relay/src/acme/"]),
    ("listenfd", &["relay/src/systemd.rs"]),
    ("rcgen", &["relay/src/tls.rs"]),
    ("redb", &["relay/src/store/", "client-cli/src/store/"]),
    (
        "rustls",
        &[
            "relay/src/tls.rs",
            "relay/src/front.rs",
            "relay/src/listen.rs",
            "relay/src/acme/https.rs",
            "client-cli/src/transport/",
        ],
    ),
    ("tokio_rustls", &["relay/src/listen.rs", "relay/src/acme/https.rs", "client-cli/src/transport/"]),
    ("tokio_tungstenite", &["relay/src/socket.rs", "client-cli/src/transport/"]),
    ("tracing_subscriber", &["relay/src/commands/serve.rs"]),
    ("webpki_roots", &["relay/src/acme/https.rs", "client-cli/src/transport/"]),
    ("x509_parser", &["relay/src/tls.rs"]),
    // systems: what they do differently
    ("rustix", &["relay/src/", "client-cli/src/platform/", "client-cli/src/picture/child/"]),
    // terminal
    ("crossterm", &["client-cli/src/inbox/screen.rs"]),
    (
        "ratatui_core",
        &["client-cli/src/inbox/backend.rs", "client-cli/src/inbox/screen.rs", "client-cli/src/inbox/view/"],
    ),
    ("clap_complete", &["client-cli/src/args/mod.rs", "client-cli/src/commands/completions.rs"]),
    ("clap_mangen", &["client-cli/src/commands/man.rs", "relay/src/commands/man.rs"]),
    (
        "indicatif",
        &[
            "client-cli/src/inbox/view/",
            "client-cli/src/progress.rs",
            "client-cli/src/output/",
            "client-cli/src/commands/status.rs",
            "client-cli/src/commands/demo/",
        ],
    ),
    ("qrcode", &["relay/src/commands/link.rs", "client-cli/src/qr.rs"]),
    ("rpassword", &["client-cli/src/terminal.rs"]),
    ("unicode_width", &["client-cli/src/sanitize/"]),
];

fn homeless(source: &Source) -> Vec<String> {
    let roots = source.roots();
    let strays = |(library, homes): &&(&str, &[&str])| {
        roots.contains(*library) && !homes.iter().any(|home| is_in(&source.path, home))
    };
    HOMES.iter().filter(strays).map(|(library, _)| format!("{} imports {library}", source.path)).collect()
}

fn is_in(path: &str, home: &str) -> bool {
    if home.ends_with('/') { path.starts_with(home) } else { path == home }
}

#[test]
fn every_library_stays_at_home() {
    let sources: Vec<Source> = FOLDERS.iter().flat_map(|folder| sources::shipped(folder)).collect();
    assert_none(&sources.iter().flat_map(homeless).collect::<Vec<_>>());
}

#[test]
fn every_home_exists() {
    let homes = HOMES.iter().flat_map(|(_, homes)| homes.iter());
    let missing = homes.filter(|home| !root().join(home).exists());
    assert_none(&missing.map(|home| format!("{home} is not there any more")).collect::<Vec<_>>());
}

/// What meets a stranger's bytes: the process that has keys asks another to do it.
const DECODING: &[&str] = &["decode_for_view", "metadata_of", "prepare::prepare", "load_from_memory", "ImageReader"];

fn decodes(source: &Source) -> Vec<String> {
    let found = DECODING.iter().filter(|name| source.code().contains(**name));
    found.map(|name| format!("{} says {name}", source.path)).collect()
}

#[test]
fn the_process_with_keys_decodes_no_photo() {
    assert_none(&sources::shipped("client-cli").iter().flat_map(decodes).collect::<Vec<_>>());
    let planted = Source::new("client-cli/src/x.rs", "fn f() { decode_for_view(b, kind, &limits); }");
    assert_eq!(decodes(&planted), ["client-cli/src/x.rs says decode_for_view"]);
}

/// Not every system opens a folder as a file: `platform` knows.
fn syncs_folders(source: &Source) -> Vec<String> {
    let code: String = source.code().split_whitespace().collect();
    let mut opened = code.split("File::open(").skip(1);
    let syncs = opened.any(|rest| rest.chars().take(45).collect::<String>().contains(".sync_all("));
    if syncs && !source.path.starts_with("client-cli/src/platform/") { vec![source.path.clone()] } else { Vec::new() }
}

#[test]
fn the_client_syncs_folders_in_one_place() {
    assert_none(&sources::shipped("client-cli").iter().flat_map(syncs_folders).collect::<Vec<_>>());
    for planted in ["File::open(folder)?.sync_all()", "File::open(at).and_then(|folder| folder.sync_all())"] {
        let planted = format!("fn f() {{ {planted}; }}");
        assert_eq!(syncs_folders(&Source::new("client-cli/src/x.rs", &planted)).len(), 1);
        assert!(syncs_folders(&Source::new("client-cli/src/platform/x.rs", &planted)).is_empty());
    }
}

#[test]
fn a_planted_stray_is_found() {
    let planted = |path: &str, text: &str| homeless(&Source::new(path, text));
    assert_eq!(planted("client-core/src/lines.rs", "use hkdf::Hkdf;"), ["client-core/src/lines.rs imports hkdf"]);
    assert_eq!(
        planted("relay/src/serve.rs", "fn f() { redb::Database::open(p); }"),
        ["relay/src/serve.rs imports redb"]
    );
    assert_eq!(planted("client-cli/src/save.rs", "use {std::io, ::image as picture};").len(), 1);
    assert_none(&planted("protocol/e2ee/src/kdf.rs", "use hkdf::Hkdf;"));
    assert_none(&planted("relay/src/serve.rs", "use crate::{redb::Ours, toml};"));
}
