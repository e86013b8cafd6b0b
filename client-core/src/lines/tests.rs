//! Frames in order, out of order, twice, and such as an honest sender never signs.

use lightproof_e2ee::{frame::Content, receipt::Retract};
use lightproof_wire::codec::Extensions;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;
use crate::{
    contact,
    vault::{Vault, memory::MemoryStore, unlock::Passphrase},
};

const NOW: Timestamp = Timestamp(1_795_262_400_000);

fn ready<V>(future: impl Future<Output = V>) -> V {
    match core::pin::pin!(future).poll(&mut core::task::Context::from_waker(core::task::Waker::noop())) {
        core::task::Poll::Ready(value) => value,
        core::task::Poll::Pending => panic!("memory never waits"),
    }
}

fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn frame(line: u8, index: u64, previous: Digest) -> Frame {
    Frame {
        sender: Fingerprint::from_bytes([2; 32]),
        recipient: Fingerprint::from_bytes([3; 32]),
        message_id: MessageId([4; 16]),
        line: LineId([line; 8]),
        index,
        previous,
        sent_at: NOW,
        ack: LineAck::default(),
        reply: None,
        card: None,
        content: Content::Retract(Retract { message_ids: List::default() }),
        extensions: Extensions::default(),
    }
}

/// A line as it comes in.
struct Line {
    vault: Vault<MemoryStore>,
    contact: Contact,
    rng: ChaCha20Rng,
}

impl Line {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let vault = ready(Vault::create(MemoryStore::default(), &Passphrase::None, &mut rng, |_, _| {})).unwrap();
        let contact = Contact::new(Fingerprint::from_bytes([2; 32]), contact::Standing::Accepted, 1, NOW);
        Self { vault, contact, rng }
    }

    /// The body of that name comes, at this place, after that other.
    fn take(&mut self, name: &str, index: u64, previous: Digest) -> Standing {
        self.take_frame(name, &frame(5, index, previous))
    }

    fn take_frame(&mut self, name: &str, frame: &Frame) -> Standing {
        let mut turn = self.vault.turn();
        let (standing, record) = ready(place(&mut turn, &mut self.contact, frame, digest(name), NOW)).unwrap();
        if let Some(record) = record {
            turn.put(&record, &mut self.rng);
        }
        ready(turn.commit()).unwrap();
        standing
    }
}

const FRESH: Standing = Standing::Fresh { new_line: false };

#[test]
fn an_ack_covers_what_came_without_a_gap() {
    let mut line = Line::new();
    let mut acks = Vec::new();
    for (name, index, previous) in [("one", 1, NO_FRAME), ("four", 4, digest("three")), ("two", 2, digest("one"))] {
        assert_eq!(line.take(name, index, previous), FRESH);
        acks.push((line.contact.ack().index, line.contact.missing()));
    }
    assert_eq!(line.take("three", 3, digest("two")), FRESH);
    acks.push((line.contact.ack().index, line.contact.missing()));
    assert_eq!(acks, [(1, 0), (1, 2), (2, 1), (4, 0)]);
}

#[test]
fn a_second_body_for_one_place_is_an_alarm() {
    let mut line = Line::new();
    assert_eq!(line.take("one", 1, NO_FRAME), FRESH);
    assert_eq!(line.take("one", 1, NO_FRAME), Standing::Repeated);
    assert_eq!(line.take("another", 1, NO_FRAME), Standing::Contradicts);
    assert_eq!((line.contact.split(LineId([5; 8])), line.contact.split(LineId([5; 8]))), (true, false), "told once");
    assert_eq!(line.contact.ack().index, u64::MAX, "more than either signer has sent");
    assert_eq!(line.take("the very last", u64::MAX, digest("one")), FRESH);
    assert_eq!(line.contact.ack().index, u64::MAX);
}

#[test]
fn a_frame_that_contradicts_its_neighbours_is_an_alarm() {
    let mut line = Line::new();
    assert_eq!(line.take("one", 1, digest("none")), Standing::Contradicts, "before the first there is nothing");
    assert_eq!(line.take("one", 1, NO_FRAME), FRESH);
    assert_eq!(line.take("two", 2, digest("another")), Standing::Contradicts, "not after the one that came");
    assert_eq!(line.take("three", 3, digest("two")), FRESH, "whose neighbour has not come yet");
    assert_eq!(line.take("another", 2, digest("one")), Standing::Contradicts, "not the one that the next names");
    assert_eq!(line.take("two", 2, digest("one")), FRESH);
}

#[test]
fn a_late_frame_of_an_earlier_line_is_not_the_newest() {
    let mut line = Line::new();
    let places = [(5, 1), (5, 3), (6, 2), (6, 1), (5, 4)];
    let frames = places.map(|(of, index)| {
        let previous = if index == 1 { NO_FRAME } else { digest(&format!("{of} {}", index - 1)) };
        let frame = frame(of, index, previous);
        assert!(matches!(line.take_frame(&format!("{of} {index}"), &frame), Standing::Fresh { .. }));
        frame
    });
    let by_age = [0, 1, 4, 3, 2].map(|number| &frames[number]);
    for (age, frame) in by_age.iter().enumerate() {
        for (other, earlier) in by_age.iter().enumerate() {
            assert_eq!(line.contact.is_before(Place::of(earlier), frame), other < age, "{other} before {age}");
        }
    }
    let after_a_hello = frames.each_ref().map(|frame| line.contact.is_before(Place::HELLO, frame));
    assert_eq!(after_a_hello, [false, false, true, false, true], "the last of each line");
}
