//! The corpora: small, and made of real objects.

use std::{fs, io::Cursor, path::PathBuf};

use image::{DynamicImage, ImageFormat, RgbImage};
use lightproof_core::{
    contact::{Contact, Standing},
    e2ee::{
        frame::{LineId, MessageId},
        identity::Fingerprint,
    },
    message::Body,
    vault::record::Secret,
};
use lightproof_tests::{
    fuzz::TARGETS,
    specimen::{Kind, NOW, frozen::Examples, good},
};
use lightproof_wire::codec::encode;

pub(crate) fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

type Seeds = Vec<(String, Vec<u8>)>;

fn of_kinds(kinds: &[Kind]) -> Seeds {
    kinds.iter().map(|kind| (kind.name().replace(' ', "-"), good(*kind))).collect()
}

fn of_examples(file: &str, prefixes: &[&str]) -> Seeds {
    let examples = Examples::of(file);
    let named = prefixes.iter().flat_map(|prefix| examples.beginning(prefix));
    named.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect()
}

fn pictures() -> Seeds {
    let picture = RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8 * 9, y as u8 * 12, (x * y) as u8]));
    let formats = [
        ("bmp", ImageFormat::Bmp),
        ("gif", ImageFormat::Gif),
        ("jpeg", ImageFormat::Jpeg),
        ("png", ImageFormat::Png),
        ("tiff", ImageFormat::Tiff),
        ("webp", ImageFormat::WebP),
    ];
    let write = |(name, format): (&str, ImageFormat)| {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture.clone()).write_to(&mut bytes, format).unwrap();
        (name.to_owned(), bytes.into_inner())
    };
    formats.into_iter().map(write).collect()
}

fn records() -> Seeds {
    let contact = Contact::new(Fingerprint::from_bytes([7; 32]), Standing::Accepted, 3, NOW);
    let body = Body {
        contact: Fingerprint::from_bytes([7; 32]),
        line: LineId([1; 8]),
        index: 4,
        message_id: Some(MessageId([2; 16])),
        outgoing: None,
        bytes: Secret::new(b"what was written"),
    };
    let mut seeds = of_kinds(&[Kind::PrekeyRecord]);
    seeds.push(("contact".to_owned(), encode(&contact)));
    seeds.push(("body".to_owned(), encode(&body)));
    seeds
}

fn conversations() -> Seeds {
    let talk: Vec<u8> = (0..20_u8).flat_map(|turn| [0, turn, turn, 4, 0, 0]).collect();
    let late: Vec<u8> =
        (0..8).map(|turn| [0, 0, turn]).chain((0..8).rev().map(|turn| [1, turn, 0])).flatten().collect();
    let edited: Vec<u8> =
        (0..9).flat_map(|place| [0, place, 5, 2, place, place, 3, place, 0, 1, place, 0, 1, place, 0]).collect();
    [("talk", talk), ("late", late), ("edited", edited)].map(|(name, bytes)| (name.to_owned(), bytes)).into()
}

fn seeds(target: &str) -> Seeds {
    match target {
        "body" => of_kinds(&[Kind::Body]),
        "bundle" => of_kinds(&[Kind::Bundle, Kind::BundleBare]),
        "card" => of_kinds(&[Kind::Card]),
        "card_fields" => of_kinds(&[Kind::CardFields]),
        "chunk" => of_kinds(&[Kind::Chunk]),
        "command" => of_examples("relay.txt", &["command."]),
        "conversation" => conversations(),
        "deposit_receipt" => of_kinds(&[Kind::DepositReceipt]),
        "hello" => of_kinds(&[Kind::Hello]),
        "message" => of_kinds(&[Kind::MessageFirst, Kind::MessageLate, Kind::MessageStep]),
        "picture" => pictures(),
        "prekey_box" => of_kinds(&[Kind::PrekeyBox]),
        "proof" => of_kinds(&[Kind::Proof]),
        "relay_frame" => of_examples("relay.txt", &["reply.", "refusal.", "push."]),
        "relay_link" => of_examples("relay_links.txt", &["link."]),
        "sealed_file" => of_kinds(&[Kind::SealedFile]),
        "session_record" => {
            let mut seeds = of_kinds(&[Kind::SessionRecord]);
            seeds.extend(of_examples("handshake.txt", &["initiator.record", "responder.record"]));
            seeds
        }
        "signed_frame" => of_kinds(&[Kind::FrameManifest, Kind::FrameReceipt, Kind::FrameRetract]),
        "spool_name" => vec![("digits".to_owned(), b"00112233445566778899aabbccddeeff".to_vec())],
        "vault_record" => records(),
        "vault_row" => of_kinds(&[Kind::Row, Kind::Header]),
        other => panic!("{other} has no seeds"),
    }
}

/// Run for a new target. What a fuzzer found since stays.
#[test]
#[ignore = "writes the first seeds of the corpora"]
fn plant() {
    for target in &TARGETS {
        let folder = folder(target.name);
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in seeds(target.name) {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}
