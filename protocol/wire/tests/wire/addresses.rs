//! Relay links, as people type, paste and scan them.

use lightproof_wire::{
    codec::Text,
    hash::Digest,
    relay_link::{RelayLink, RelayLinkMalformed},
};
use proptest::prelude::*;

const PIN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn parse(text: &str) -> Result<RelayLink, RelayLinkMalformed> {
    text.parse()
}

#[test]
fn a_link_is_printed_in_one_way() {
    for (typed, printed) in [
        ("wss://relay.example.org/", "wss://relay.example.org/"),
        ("wss://relay.example.org", "wss://relay.example.org/"),
        ("  wss://Relay.Example.ORG:443/\n", "wss://relay.example.org/"),
        ("wss://relay.example.org:8443", "wss://relay.example.org:8443/"),
        ("wss://127.0.0.1:8443/", "wss://127.0.0.1:8443/"),
        ("wss://[2001:0db8::0001]:8443/", "wss://[2001:db8::1]:8443/"),
        ("wss://[::1]", "wss://[::1]/"),
    ] {
        let link = parse(typed).unwrap();
        assert_eq!(link.to_string(), printed);
        assert_eq!(parse(printed).unwrap(), link);
    }
}

#[test]
fn a_pin_is_never_lost() {
    let digest = Digest::from_bytes(core::array::from_fn(|i| u8::try_from(i).unwrap()));
    let one = parse(&format!("wss://192.0.2.7:8443/#pin={PIN}")).unwrap();
    assert_eq!(one.pins(), [digest]);
    assert_eq!(one.to_string(), format!("wss://192.0.2.7:8443/#pin={PIN}"));
    assert_eq!(one.authority(), "192.0.2.7:8443");
    let two = parse(&format!("wss://192.0.2.7:8443#pin={PIN},{PIN}")).unwrap();
    assert_eq!(two.pins().len(), 2);
    assert_ne!(one, parse("wss://192.0.2.7:8443/").unwrap());
}

#[test]
fn what_is_wrong_with_a_link_is_said() {
    let pin_cut = format!("wss://a.example/#pin={}", PIN.get(1..).unwrap());
    let pin_padded = format!("wss://a.example/#pin={PIN}=");
    let pin_upper = format!("wss://a.example/#PIN={PIN}");
    let pin_empty = format!("wss://a.example/#pin={PIN},");
    let long = format!("wss://{}/", ["a".repeat(60).as_str(); 4].join("."));
    for (text, reason) in [
        ("", RelayLinkMalformed::Scheme),
        ("https://a.example/", RelayLinkMalformed::Scheme),
        ("ws://a.example/", RelayLinkMalformed::Scheme),
        ("wss://", RelayLinkMalformed::Host),
        ("wss:///", RelayLinkMalformed::Host),
        ("wss://user@a.example/", RelayLinkMalformed::Host),
        ("wss://a..example/", RelayLinkMalformed::Host),
        ("wss://-a.example/", RelayLinkMalformed::Host),
        ("wss://2130706433/", RelayLinkMalformed::Host),
        ("wss://127.1/", RelayLinkMalformed::Host),
        ("wss://0x7f.1/", RelayLinkMalformed::Host),
        ("wss://[::1/", RelayLinkMalformed::Host),
        ("wss://[127.0.0.1]/", RelayLinkMalformed::Host),
        ("wss://a b.example/", RelayLinkMalformed::Host),
        ("wss://ex\u{e4}mple.org/", RelayLinkMalformed::Host),
        ("wss://a.example:0/", RelayLinkMalformed::Port),
        ("wss://a.example:/", RelayLinkMalformed::Port),
        ("wss://a.example:0443/", RelayLinkMalformed::Port),
        ("wss://a.example:+443/", RelayLinkMalformed::Port),
        ("wss://a.example:65536/", RelayLinkMalformed::Port),
        ("wss://a.example/v1", RelayLinkMalformed::Path),
        ("wss://a.example/#", RelayLinkMalformed::Pin),
        ("wss://a.example/#pin=", RelayLinkMalformed::Pin),
        ("wss://a.example/#key=1", RelayLinkMalformed::Pin),
        (pin_cut.as_str(), RelayLinkMalformed::Pin),
        (pin_padded.as_str(), RelayLinkMalformed::Pin),
        (pin_upper.as_str(), RelayLinkMalformed::Pin),
        (pin_empty.as_str(), RelayLinkMalformed::Pin),
        (long.as_str(), RelayLinkMalformed::TooLong),
    ] {
        assert_eq!(parse(text).err(), Some(reason), "{text}");
    }
}

#[test]
fn a_signed_link_must_be_the_printed_one() {
    let accepted = |text: &str| RelayLink::from_text(&Text::new(text).unwrap()).is_ok();
    assert!(accepted("wss://a.example/"));
    assert!(!accepted("wss://a.example"));
    assert!(!accepted("wss://A.example/"));
    assert!(!accepted("wss://a.example:443/"));
    assert!(!accepted(" wss://a.example/"));
}

#[test]
fn the_longest_link_has_two_hundred_bytes() {
    let pins = |count: usize| vec![Digest::from_bytes([7; 32]); count];
    let host = |bytes: usize| ["a".repeat(50), "b".repeat(bytes - 51)].join(".");
    // wss:// 6, host, :8443 5, / 1, #pin= 5, two pins 87
    assert_eq!(RelayLink::new(&host(96), 8443, pins(2)).unwrap().to_string().len(), 200);
    assert_eq!(RelayLink::new(&host(97), 8443, pins(2)), Err(RelayLinkMalformed::TooLong));
}

proptest! {
    #[test]
    fn any_text_is_refused_or_printed_so_that_it_parses_the_same(text in prop_oneof![
        ".{0,80}",
        "wss://[a-zA-Z0-9.:\\[\\]-]{0,30}(:[0-9]{0,6})?/?(#pin=[A-Za-z0-9_,-]{0,90})?",
    ]) {
        if let Ok(link) = parse(&text) {
            prop_assert_eq!(parse(&link.to_string()), Ok(link.clone()));
            prop_assert_eq!(RelayLink::from_text(&link.to_text()), Ok(link));
        }
    }

    #[test]
    fn parts_come_back(host in "[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z]{2,6}){0,2}", port in 1..=u16::MAX, pins in proptest::collection::vec(any::<[u8; 32]>(), 0..3)) {
        let pins: Vec<Digest> = pins.into_iter().map(Digest::from_bytes).collect();
        let link = RelayLink::new(&host, port, pins.clone()).unwrap();
        let again = parse(&link.to_string()).unwrap();
        prop_assert_eq!((again.host(), again.port(), again.pins()), (host.as_str(), port, pins.as_slice()));
    }
}
