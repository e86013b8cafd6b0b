//! A relay that lies to the real programs: nothing false is shown, the exit code is 3, and the next message arrives.

use std::fs;
use std::sync::{Arc, Mutex};

use lightproof_core::wire::blob::SealedChunk;
use lightproof_core::wire::envelope::Envelope;
use lightproof_core::wire::frame::RelayFrame;
use lightproof_core::wire::prekey::PrekeyBundle;
use lightproof_core::wire::reply::{Push, Reply};

use crate::liar::Liar;
use crate::person::Person;
use crate::world::{Noise, World, received_notes};

/// A world whose relay is reached through somebody who lies.
struct Stage {
    liar: Liar,
    world: World,
}

impl Stage {
    fn new() -> Self {
        let world = World::with(&[("BEHIND_PROXY", "true")]);
        Self { liar: Liar::before(world.relay.authority()), world }
    }

    fn person(&self, name: &str) -> Person {
        let person = Person::at(&self.world, name);
        person.says(&["init", "--no-passphrase", "--name", name, "--relay", self.liar.link()]);
        person
    }

    /// Two people in the middle of a conversation.
    fn friends(&self) -> (Person, Person) {
        let (alice, bob) = (self.person("alice"), self.person("bob"));
        alice.adds(&bob);
        bob.adds(&alice);
        alice.says(&["send", "bob", "-m", "hello"]);
        bob.says(&["receive"]);
        bob.says(&["send", "alice", "-m", "hello yourself"]);
        alice.says(&["receive"]);
        (alice, bob)
    }
}

/// Flips one bit of the first envelope that comes by.
fn flip_first(at: usize, bit: u8) -> impl FnMut(RelayFrame) -> RelayFrame + Send {
    let mut is_done = false;
    move |frame| match frame {
        RelayFrame::Push(Push::Delivery(mut delivery)) if !is_done => {
            is_done = true;
            let mut bytes = delivery.envelope.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            delivery.envelope = Envelope::from_bytes(&bytes).unwrap();
            RelayFrame::Push(Push::Delivery(delivery))
        }
        frame => frame,
    }
}

#[test]
fn an_envelope_that_the_relay_changes_ends_receive_with_3_and_the_next_one_arrives() {
    let stage = Stage::new();
    let (alice, bob) = stage.friends();
    stage.world.put("exact.bin", &Noise::new(9).bytes(100_000));
    // The nonce, the sealed header, the salt, the commitment, the body and its tag.
    for (round, at) in [1, 30, 2_400, 2_450, 9_000, 15_999].into_iter().enumerate() {
        let note = format!("never seen {round}");
        alice.says(&["send", "bob", "exact.bin", "--as", "exact", "-m", &note]);
        alice.says(&["send", "bob", "-m", &format!("seen {round}")]);
        stage.liar.tell(flip_first(at, u8::try_from(round).unwrap()));
        let (stdout, stderr) = bob.ends(&["receive", "--save-to", "saved"], 3);
        assert!(!stdout.contains(&note) && stdout.contains(&format!("seen {round}")), "{stdout}");
        assert!(!stderr.is_empty() && !stderr.contains(&note), "{stderr}");
        assert_eq!(fs::read_dir(stage.world.path("saved")).unwrap().count(), 0);
        stage.liar.be_honest();
    }
    assert_eq!(received_notes(&bob)[1..], (0..6).map(|round| format!("seen {round}")).collect::<Vec<_>>());
}

#[test]
fn an_envelope_of_an_unknown_kind_is_said_to_be_of_a_newer_version() {
    let stage = Stage::new();
    let (alice, bob) = stage.friends();
    alice.says(&["send", "bob", "-m", "never seen"]);
    alice.says(&["send", "bob", "-m", "seen"]);
    stage.liar.tell(flip_first(0, 6));
    let said = bob.run(&["receive"]);
    let [stdout, stderr] = [said.stdout, said.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(stderr.contains("newer version") && !stdout.contains("never seen"), "{stdout}{stderr}");
    assert!(stdout.contains("seen"), "{stdout}");
}

#[test]
fn a_chunk_that_the_relay_changes_ends_receive_with_3_and_leaves_no_file() {
    let stage = Stage::new();
    let (alice, bob) = stage.friends();
    let photo = Noise::new(10).bytes(300_000);
    stage.world.put("exact.bin", &photo);
    for (round, (chunk, at)) in [(0, 0), (1, 40_000), (4, 65_535)].into_iter().enumerate() {
        alice.says(&["send", "bob", "exact.bin", "--as", "exact", "-m", &format!("round {round}")]);
        let mut seen = 0;
        stage.liar.tell(move |frame| match frame {
            RelayFrame::Reply(id, Reply::Chunk(sealed)) => {
                let mut bytes = sealed.into_vec();
                if seen == chunk {
                    bytes[at] ^= 0x20;
                }
                seen += 1;
                RelayFrame::Reply(id, Reply::Chunk(SealedChunk::new(bytes).unwrap()))
            }
            frame => frame,
        });
        let folder = format!("saved-{round}");
        let (stdout, stderr) = bob.ends(&["receive", "--save-to", &folder], 3);
        assert!(!stdout.contains(&format!("round {round}")) && !stderr.is_empty(), "{stdout}{stderr}");
        assert_eq!(fs::read_dir(stage.world.path(&folder)).unwrap().count(), 0);
        stage.liar.be_honest();
        alice.says(&["send", "bob", "-m", "the next one"]);
        assert!(bob.says(&["receive"]).contains("the next one"));
    }
}

/// What was tried again after somebody had been accepted went well, and that was all that was told.
#[test]
fn an_answer_to_another_question_ends_receive_with_3_whoever_is_accepted_meanwhile() {
    let stage = Stage::new();
    let (alice, bob) = stage.friends();
    let carol = stage.person("carol");
    carol.adds(&bob);
    carol.says(&["send", "bob", "-m", "may I?"]);
    stage.world.put("exact.bin", &Noise::new(11).bytes(1_000));
    alice.says(&["send", "bob", "exact.bin", "--as", "exact", "-m", "a photo"]);
    let mut is_done = false;
    stage.liar.tell(move |frame| match frame {
        RelayFrame::Reply(id, Reply::Chunk(_)) if !is_done => {
            is_done = true;
            RelayFrame::Reply(id, Reply::Done)
        }
        frame => frame,
    });
    let (stdout, stderr) = bob.ends(&["receive", "--accept-new"], 3);
    assert!(stdout.contains("may I?") && stderr.contains("accepted carol"), "{stdout}{stderr}");
}

/// It came right when it was fetched again after somebody had been accepted, and that was all that was told.
#[test]
fn a_chunk_that_the_relay_changes_once_ends_receive_with_3_whoever_is_accepted_meanwhile() {
    let stage = Stage::new();
    let (alice, bob) = stage.friends();
    let carol = stage.person("carol");
    carol.adds(&bob);
    carol.says(&["send", "bob", "-m", "may I?"]);
    stage.world.put("exact.bin", &Noise::new(12).bytes(1_000));
    alice.says(&["send", "bob", "exact.bin", "--as", "exact", "-m", "a photo"]);
    let mut is_done = false;
    stage.liar.tell(move |frame| match frame {
        RelayFrame::Reply(id, Reply::Chunk(sealed)) if !is_done => {
            is_done = true;
            let mut bytes = sealed.into_vec();
            bytes[500] ^= 1;
            RelayFrame::Reply(id, Reply::Chunk(SealedChunk::new(bytes).unwrap()))
        }
        frame => frame,
    });
    let (stdout, stderr) = bob.ends(&["receive", "--accept-new", "--save-to", "saved"], 3);
    assert!(
        stderr.contains("a photo is not what alice sealed") && stderr.contains("accepted carol"),
        "{stdout}{stderr}"
    );
    assert!(stdout.contains("may I?"), "{stdout}");
    assert_eq!(fs::read_dir(stage.world.path("saved")).unwrap().count(), 1, "what was fetched again is the photo");
}

#[test]
fn prekeys_of_somebody_else_end_send_with_3_and_nothing_is_sent() {
    let stage = Stage::new();
    let [alice, bob, mallory] = ["alice", "bob", "mallory"].map(|name| stage.person(name));
    alice.adds(&bob);
    alice.adds(&mallory);
    let stolen: Arc<Mutex<Option<PrekeyBundle>>> = Arc::default();
    let keeps = Arc::clone(&stolen);
    stage.liar.tell(move |frame| {
        if let RelayFrame::Reply(_, Reply::Bundle(bundle)) = &frame {
            keeps.lock().unwrap().replace(bundle.clone());
        }
        frame
    });
    alice.says(&["send", "mallory", "-m", "to take her bundle"]);
    let bundle = stolen.lock().unwrap().take().unwrap();
    stage.liar.tell(move |frame| match frame {
        RelayFrame::Reply(id, Reply::Bundle(_)) => RelayFrame::Reply(id, Reply::Bundle(bundle.clone())),
        frame => frame,
    });
    let (stdout, stderr) = alice.ends(&["send", "bob", "-m", "for Bob only"], 3);
    assert!(stdout.is_empty() && stderr.contains("error: ") && stderr.contains("hint: "), "{stdout}{stderr}");
    stage.liar.be_honest();
    bob.ends(&["receive"], 5);
    mallory.says(&["receive", "--accept-new"]);
    assert_eq!(received_notes(&mallory), ["to take her bundle"]);
    alice.says(&["send", "bob", "-m", "for Bob again"]);
    bob.says(&["receive", "--accept-new"]);
    assert_eq!(received_notes(&bob), ["for Bob again"]);
}
