//! What arrives, byte for byte and pixel for pixel.

use lightproof_core::prepare::{RemovedGroup, metadata_of};

use crate::person::Person;
use crate::pictures::{picture, pixels};
use crate::world::{Noise, World, messages, sha256};

const PICTURES: [&str; 6] = [
    "rocket-phone.jpg",
    "hubble-progressive.jpg",
    "astronaut-text.png",
    "chelsea-alpha.png",
    "coffee.webp",
    "coffee-crop.bmp",
];

/// Sends one file, and returns what arrived, under its SHA-256.
fn carried(alice: &Person, bob: &Person, name: &str, treatment: &str) -> Vec<u8> {
    alice.says(&["send", "bob", name, "--as", treatment]);
    let came = messages(&bob.says(&["--json", "receive"]));
    assert_eq!((came.len(), &came[0]["state"]), (1, &"verified".into()));
    let told = &came[0]["photos"][0];
    assert_eq!(told["treatment"], treatment);
    let arrived = bob.run(&["show", came[0]["id"].as_str().unwrap(), "--save", "-"]).stdout;
    assert_eq!(
        (told["sha256"].as_str().unwrap(), told["bytes"].as_u64()),
        (&*sha256(&arrived), Some(arrived.len() as u64))
    );
    arrived
}

#[test]
fn an_exact_file_arrives_with_the_sha256_of_its_source() {
    let world = World::new();
    let (alice, bob) = world.friends();
    world.put("any.bin", &Noise::new(1).bytes(2_500_001));
    world.put("one-byte", b"x");
    for name in ["any.bin", "one-byte"] {
        assert!(carried(&alice, &bob, name, "exact") == world.bytes(name), "{name}");
    }
    for name in PICTURES {
        let source = picture(&world, name);
        assert_eq!(sha256(&carried(&alice, &bob, name, "exact")), sha256(&source), "{name}");
    }
}

#[test]
fn an_original_arrives_with_its_pixels_and_without_its_metadata() {
    let world = World::new();
    let (alice, bob) = world.friends();
    world.put("sample.jpg", &lightproof_core::prepare::sample_photo());
    for name in PICTURES.into_iter().chain(["sample.jpg"]) {
        let source = if name == "sample.jpg" { world.bytes(name) } else { picture(&world, name) };
        let arrived = carried(&alice, &bob, name, "original");
        assert!(pixels(&arrived) == pixels(&source), "{name}: other pixels");
        for left in metadata_of(&arrived) {
            let stays = left.group == RemovedGroup::ColourProfile || left.key.contains("Orientation");
            assert!(stays, "{name}: {} {}", left.key, left.detail);
        }
    }
}
