#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;

#[test]
fn it_is_sixty_digits_in_twelve_groups() {
    let number = SafetyNumber::between(&Fingerprint::from_bytes([1; 32]), &Fingerprint::from_bytes([2; 32]));
    let text = number.to_string();
    assert_eq!(text.split(' ').map(str::len).collect::<Vec<_>>(), [5; 12]);
    assert_eq!(text.bytes().filter(u8::is_ascii_digit).count(), 60);
}

#[test]
fn what_is_typed_back_is_compared_whole() {
    let number = SafetyNumber::between(&Fingerprint::from_bytes([1; 32]), &Fingerprint::from_bytes([2; 32]));
    let text = number.to_string();
    assert_eq!(text.replace(' ', "").parse(), Ok(number));
    assert_eq!(text.replace(' ', "-\n").parse(), Ok(number));
    let cut = text.get(..text.len() - 1).unwrap();
    for wrong in ["", cut, &format!("{text}1"), &text.replace(' ', "x"), &text.replace(' ', "\u{0661}")] {
        assert_eq!(wrong.parse::<SafetyNumber>(), Err(SafetyNumberMalformed), "{wrong}");
    }
}

proptest! {
    #[test]
    fn both_sides_see_the_same_number(one: [u8; 32], other: [u8; 32]) {
        let (one, other) = (Fingerprint::from_bytes(one), Fingerprint::from_bytes(other));
        let number = SafetyNumber::between(&one, &other);
        prop_assert_eq!(number, SafetyNumber::between(&other, &one));
        prop_assert_eq!(number.to_string().parse(), Ok(number));
    }

    #[test]
    fn another_key_gives_another_number(one: [u8; 32], other: [u8; 32], bit in 0..256_usize) {
        let mut changed = other;
        changed[bit / 8] ^= 1 << (bit % 8);
        let with = |other| SafetyNumber::between(&Fingerprint::from_bytes(one), &Fingerprint::from_bytes(other));
        prop_assert_ne!(with(other), with(changed));
    }
}
