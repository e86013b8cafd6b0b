//! Two ratchets and an editor: the bytes are a programme of what is sent, kept back, repeated, damaged and delivered.
//!
//! Whatever the editor does, an envelope opens once, in its own session, to what was sealed in it; and one that was
//! damaged opens never.

#![expect(clippy::indexing_slicing, reason = "a target fails by panicking")]

use core::convert::Infallible;

use lightproof_core::e2ee::session::{self, Session};
use lightproof_wire::envelope::Envelope;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::specimen::{NOW, frozen::Examples};

/// More would only take longer.
const STEPS: usize = 64;

struct Sent {
    from: usize,
    body: Vec<u8>,
    envelope: Envelope,
    is_opened: bool,
}

struct Pair {
    records: [Vec<u8>; 2],
    sent: Vec<Sent>,
    rng: ChaCha20Rng,
}

pub(super) fn run(programme: &[u8]) {
    let examples = Examples::of("handshake.txt");
    let records = ["initiator.record", "responder.record"].map(|name| examples.get(name).to_vec());
    let mut pair = Pair { records, sent: Vec::new(), rng: ChaCha20Rng::from_seed([8; 32]) };
    let (steps, _) = programme.as_chunks::<3>();
    for [what, which, more] in steps.iter().take(STEPS) {
        let which = usize::from(*which);
        match what % 5 {
            0 => pair.seal(which % 2, *more),
            1 => pair.deliver(which),
            2 => pair.deliver_damaged(which, usize::from(*more)),
            3 => pair.deliver_to_its_sender(which),
            _ => pair.deliver(pair.sent.len().wrapping_sub(1 + which % 4)),
        }
    }
}

fn keep(record: &mut Vec<u8>, saved: &[u8]) -> Result<(), Infallible> {
    saved.clone_into(record);
    Ok(())
}

impl Pair {
    fn seal(&mut self, from: usize, more: u8) {
        let body = vec![more; usize::from(more) * 50];
        let session = Session::from_record(&self.records[from]).unwrap();
        let enclosed = session::enclose(session, &body, NOW, &mut self.rng).unwrap();
        let record = &mut self.records[from];
        let enclosed = enclosed.persist_now(|saved, _| keep(record, saved)).unwrap();
        self.sent.push(Sent { from, body, envelope: enclosed.envelope, is_opened: false });
    }

    /// Opens it, at its recipient or elsewhere; what does not open leaves no trace.
    fn open(&mut self, side: usize, envelope: &Envelope) -> Option<Vec<u8>> {
        let session = Session::from_record(&self.records[side]).unwrap();
        let opened = session::open(session, envelope, NOW, |body| Ok::<_, Infallible>(body.to_vec())).ok()?;
        let record = &mut self.records[side];
        Some(opened.persist_now(|saved, _| keep(record, saved)).unwrap())
    }

    fn deliver(&mut self, which: usize) {
        let Some(sent) = self.sent.get(which) else { return };
        let (to, envelope, was_opened) = (1 - sent.from, sent.envelope.clone(), sent.is_opened);
        let opened = self.open(to, &envelope);
        let sent = &mut self.sent[which];
        match opened {
            Some(body) => assert!(!was_opened && body == sent.body, "it opened twice, or to something else"),
            None => assert!(was_opened, "an envelope that was never opened does not open"),
        }
        sent.is_opened = true;
    }

    fn deliver_damaged(&mut self, which: usize, place: usize) {
        let Some(sent) = self.sent.get(which) else { return };
        let to = 1 - sent.from;
        let mut bytes = *sent.envelope.as_bytes();
        // The first bytes of every field, and places all over.
        let at = [0, 1, 25, 1_145, 2_369, 2_385, 2_417, 2_449, 15_984].get(place).copied().unwrap_or(place * 62);
        bytes[at] ^= 1 << (place % 8);
        let envelope = Envelope::from_bytes(&bytes).unwrap();
        assert_eq!(self.open(to, &envelope), None, "a damaged envelope opened");
    }

    fn deliver_to_its_sender(&mut self, which: usize) {
        let Some(sent) = self.sent.get(which) else { return };
        let (from, envelope) = (sent.from, sent.envelope.clone());
        assert_eq!(self.open(from, &envelope), None, "an envelope opened at its sender");
    }
}
