//! What was encoded decodes to the same; what was changed on its way is refused, or is the one encoding of another value.

use lightproof_wire::frame::{CommandFrame, RelayFrame};
use proptest::{prelude::*, sample::Index};

use crate::strategies::{command, command_id, push, reply};

/// One thing that can happen to bytes.
#[derive(Clone, Debug)]
enum Perturbation {
    Append(u8),
    Change(Index, u8),
    Cut(Index),
    Insert(Index, u8),
    Remove(Index),
}

fn perturbation() -> impl Strategy<Value = Perturbation> {
    // Most structure is in the first bytes, so half of the changes go there.
    prop_oneof![
        any::<u8>().prop_map(Perturbation::Append),
        (any::<Index>(), 1..=255_u8).prop_map(|(at, mask)| Perturbation::Change(at, mask)),
        any::<Index>().prop_map(Perturbation::Cut),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Perturbation::Insert(at, byte)),
        any::<Index>().prop_map(Perturbation::Remove),
    ]
}

impl Perturbation {
    fn apply(&self, bytes: &mut Vec<u8>, near_the_start: bool) {
        let reach = if near_the_start { bytes.len().min(120) } else { bytes.len() };
        match self {
            Self::Append(byte) => bytes.push(*byte),
            Self::Change(at, mask) => {
                if let Some(byte) = bytes.get_mut(at.index(reach)) {
                    *byte ^= mask;
                }
            }
            Self::Cut(at) => bytes.truncate(at.index(reach)),
            Self::Insert(at, byte) => bytes.insert(at.index(reach), *byte),
            Self::Remove(at) => drop(bytes.remove(at.index(reach))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_command_comes_back_as_it_was(id in command_id(), command in command()) {
        let frame = CommandFrame { id, command };
        prop_assert_eq!(CommandFrame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn a_reply_comes_back_as_it_was(id in command_id(), reply in reply()) {
        let frame = RelayFrame::Reply(id, reply);
        prop_assert_eq!(RelayFrame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn a_push_comes_back_as_it_was(push in push()) {
        let frame = RelayFrame::Push(push);
        prop_assert_eq!(RelayFrame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn a_changed_command_is_refused_or_is_another(id in command_id(), command in command(), change in perturbation(), near: bool) {
        let mut bytes = CommandFrame { id, command }.encode();
        change.apply(&mut bytes, near);
        if let Ok(frame) = CommandFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes);
        }
    }

    #[test]
    fn a_changed_reply_is_refused_or_is_another(id in command_id(), reply in reply(), change in perturbation(), near: bool) {
        let mut bytes = RelayFrame::Reply(id, reply).encode();
        change.apply(&mut bytes, near);
        if let Ok(frame) = RelayFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes);
        }
    }

    #[test]
    fn a_changed_push_is_refused_or_is_another(push in push(), change in perturbation(), near: bool) {
        let mut bytes = RelayFrame::Push(push).encode();
        change.apply(&mut bytes, near);
        if let Ok(frame) = RelayFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_are_the_one_encoding_of_something(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(frame) = CommandFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes.clone());
        }
        if let Ok(frame) = RelayFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes);
        }
    }
}
