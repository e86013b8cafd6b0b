#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use lightproof_wire::codec::{Bytes, Extension};
use proptest::prelude::*;

use super::*;

fn card() -> ContactCard {
    ContactCard {
        fingerprint: Fingerprint::from_bytes([1; 32]),
        doorbell: Capability::from_bytes([2; 32]),
        relay: "wss://192.0.2.7:8443/#pin=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".parse().unwrap(),
        name_hint: Text::new("Alice").unwrap(),
    }
}

/// A card with a right checksum over whatever is in it.
fn whole(bytes: &[u8]) -> String {
    let bytes = [bytes, &checksum_of(bytes)].concat();
    format!("{SCHEME}{}", Base64UrlUnpadded::encode_string(&bytes))
}

fn inside(card: &str) -> Vec<u8> {
    let mut bytes = Base64UrlUnpadded::decode_vec(card.strip_prefix(SCHEME).unwrap()).unwrap();
    bytes.truncate(bytes.len() - CHECKSUM_BYTES);
    bytes
}

#[test]
fn a_card_is_printed_and_parsed() {
    let text = card().print();
    assert!(text.len() < 500);
    assert_eq!(ContactCard::parse(&text), Ok(card()));
    assert_eq!(whole(&inside(&text)), text);
}

#[test]
fn a_mail_may_break_a_card_into_lines() {
    let text = card().print();
    let (first, rest) = text.split_at(70);
    let (second, third) = rest.split_at(70);
    assert_eq!(ContactCard::parse(&format!("  {first}\r\n{second}\n\t{third} \n")), Ok(card()));
}

#[test]
fn what_is_not_a_card_is_told_from_a_damaged_one() {
    for text in ["", "hello", "wss://relay.example.org/", "LIGHTPROOF:AA", "lightproof", "x lightproof:AA"] {
        assert_eq!(ContactCard::parse(text), Err(CardError::NotACard), "{text}");
    }
    let text = card().print();
    let long = format!("{SCHEME}{}", "A".repeat(CARD_TEXT_BYTES + 1));
    let cut = text.get(..text.len() - 1).unwrap();
    let half = text.get(..text.len() / 2).unwrap();
    for text in
        [SCHEME, "lightproof:AAAA", "lightproof:?", cut, half, long.as_str(), &format!("{text}A"), &format!("{text}=")]
    {
        assert_eq!(ContactCard::parse(text), Err(CardError::Damaged), "{text}");
    }
}

#[test]
fn a_card_of_another_version_is_called_so_only_when_whole() {
    let mut bytes = inside(&card().print());
    bytes[0] = 2;
    assert_eq!(ContactCard::parse(&whole(&bytes)), Err(CardError::OtherVersion));
    assert_eq!(ContactCard::parse(&whole(&[2])), Err(CardError::OtherVersion));
    let mut damaged = whole(&bytes);
    damaged.pop();
    assert_eq!(ContactCard::parse(&damaged), Err(CardError::Damaged));
    bytes[..2].copy_from_slice(&[1, 2]);
    assert_eq!(ContactCard::parse(&whole(&bytes)), Err(CardError::OtherVersion), "another suite");
}

#[test]
fn an_extension_is_ignored_if_even_and_another_version_if_odd() {
    let with = |kind| {
        let mut bytes = inside(&card().print());
        bytes.pop();
        codec::append(
            &mut bytes,
            &Extensions::new(vec![Extension { kind, data: Bytes::new(vec![1, 2]).unwrap() }]).unwrap(),
        );
        ContactCard::parse(&whole(&bytes))
    };
    assert_eq!(with(2), Ok(card()));
    assert_eq!(with(3), Err(CardError::OtherVersion));
}

#[test]
fn a_whole_card_with_nonsense_inside_is_malformed() {
    let bytes = inside(&card().print());
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(ContactCard::parse(&whole(&longer)), Err(CardError::Malformed(DecodeError::Trailing)));
    assert_eq!(ContactCard::parse(&whole(&bytes[..40])), Err(CardError::Malformed(DecodeError::Truncated)));
    let mut http = bytes;
    // The relay link begins behind version, suite, fingerprint, drop and a length.
    http[67..70].copy_from_slice(b"htt");
    assert_eq!(ContactCard::parse(&whole(&http)), Err(CardError::Malformed(DecodeError::Invalid)));
}

#[test]
fn debug_shows_no_right_and_no_name() {
    let shown = format!("{:?}", card());
    assert!(!shown.contains("Alice") && !shown.contains("2, 2"));
}

proptest! {
    #[test]
    fn any_card_comes_back(fingerprint: [u8; 32], doorbell: [u8; 32], name in ".{0,16}", port in 1..=u16::MAX) {
        let card = ContactCard {
            fingerprint: Fingerprint::from_bytes(fingerprint),
            doorbell: Capability::from_bytes(doorbell),
            relay: RelayLink::new("relay.example.org", port, vec![]).unwrap(),
            name_hint: Text::new(name).unwrap(),
        };
        prop_assert_eq!(ContactCard::parse(&card.print()), Ok(card));
    }

    #[test]
    fn one_wrong_character_is_damage(at in SCHEME.len()..300_usize, wrong in "[A-Za-z0-9_-]") {
        let text = card().print();
        let at = SCHEME.len() + at % (text.len() - SCHEME.len());
        let mut changed = text.clone();
        changed.replace_range(at..=at, &wrong);
        if changed != text {
            prop_assert_eq!(ContactCard::parse(&changed), Err(CardError::Damaged));
        }
    }

    #[test]
    fn any_text_is_refused_or_is_a_card(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(card) = ContactCard::parse(&whole(&bytes)) {
            prop_assert_eq!(ContactCard::parse(&card.print()), Ok(card));
        }
    }
}
