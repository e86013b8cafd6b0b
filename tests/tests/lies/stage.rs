//! Where lies are told: Alice and Carol at one relay, what that relay remembers of them, and how a lie is judged.

use std::{cell::RefCell, rc::Rc, time::Duration};

use lightproof_core::{
    ClientError,
    event::Notice,
    message::{Direction, State},
};
use lightproof_tests::{
    scene::noise,
    world::{Founded, Member, World, in_virtual_time, lie::OnFrames},
};
use lightproof_wire::{
    blob::SealedChunk,
    deposit_receipt::DepositReceipt,
    frame::RelayFrame,
    prekey::PrekeyBundle,
    reply::{Delivery, Push, Reply},
};
use tokio::{runtime::Builder, time::timeout};

use crate::table::{Act, Ends, Entry};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const PHOTO_BYTES: usize = 180_000;
/// Nothing a relay says makes a client go on for longer than this, in virtual time.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// A session in which nothing is ever opened is begun anew after seven days.
const DAYS_MAX: u64 = 9;

/// What a relay may have kept.
#[derive(Default)]
pub(crate) struct Memory {
    /// What Alice and Carol wrote to each other before, in the order it was delivered.
    pub(crate) deliveries: Vec<Delivery>,
    /// Receipts it gave.
    pub(crate) receipts: Vec<DepositReceipt>,
    /// Carol's prekeys as it gave them away, then Alice's.
    pub(crate) bundles: Vec<PrekeyBundle>,
    /// Chunks of a photo Alice sent before.
    pub(crate) chunks: Vec<SealedChunk>,
}

/// Disks to begin each lie on.
pub(crate) struct Stage {
    strangers: Founded,
    friends: Founded,
    memory: Memory,
}

/// Virtual time.
pub(crate) fn paused() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.start_paused(true);
    builder
}

impl Stage {
    /// Alice and Carol, before and after they have talked.
    pub(crate) async fn build() -> Self {
        let strangers = Founded::neighbours().await;
        let memory: Rc<RefCell<Memory>> = Rc::default();
        let mut world = strangers.world(1, 3).await;
        keep_all(&world, &memory);
        let [alice, _, carol] = world.members.as_mut_slice() else { panic!("three people") };
        alice.note(CAROL, "hello").await.unwrap();
        carol.receive().await.unwrap();
        carol.note(ALICE, "hello yourself").await.unwrap();
        alice.receive().await.unwrap();
        send_photo(alice, "an earlier photo", 7).await.unwrap();
        carol.receive().await.unwrap();
        settle(&mut world).await;
        // What Carol would be given if she called Alice first.
        let mut other = strangers.world(2, 3).await;
        keep_all(&other, &memory);
        other.members[CAROL].note(ALICE, "another world").await.unwrap();
        let memory = memory.take();
        assert!(memory.bundles.len() == 2 && memory.chunks.len() == 3 && memory.deliveries.len() > 3);
        Self { friends: world.found(), strangers, memory }
    }

    /// Plays one lie; what was not as the table says.
    pub(crate) fn play(&self, entry: &Entry) -> Result<(), String> {
        in_virtual_time(paused(), self.run(entry))
    }

    async fn run(&self, entry: &Entry) -> Result<(), String> {
        let founded =
            if matches!(entry.act, Act::Call(_) | Act::CallAfterBob) { &self.strangers } else { &self.friends };
        let mut world = founded.world(3, 3).await;
        world.relays[0].liar.hire();
        let mut during = prepare(&mut world, entry.act).await;
        world.relays[0].liar.tell_boxed((entry.lie)(&self.memory));
        let told = timeout(PATIENCE, perform(&mut world, entry.act, &mut during)).await;
        let told = told.map_err(|_| "it keeps its victim for ever")?;
        if world.relays[0].liar.times_told() == 0 {
            return Err("it was never told".to_owned());
        }
        world.relays[0].liar.be_honest();
        if entry.destroys {
            during.clear();
        }
        let later = recover(&mut world, &during, entry.act).await?;
        let named = |signs: &[String], name: &str| signs.iter().any(|sign| sign.contains(name));
        let as_listed = match entry.ends {
            Ends::Detected(name) => named(&told, name),
            Ends::DetectedLater(name) => told.is_empty() && named(&later, name),
            Ends::Harmless(_) | Ends::Undetectable(_) => told.is_empty() && later.is_empty(),
        };
        if as_listed { Ok(()) } else { Err(format!("told {told:?}, later {later:?}; listed as {:?}", entry.ends)) }
    }
}

/// The relay remembers everything it can see.
fn keep_all(world: &World, memory: &Rc<RefCell<Memory>>) {
    let liar = &world.relays[0].liar;
    liar.hire();
    let memory = Rc::clone(memory);
    liar.tell(OnFrames(move |frame: RelayFrame| {
        let mut memory = memory.borrow_mut();
        match &frame {
            RelayFrame::Push(Push::Delivery(delivery)) => memory.deliveries.push(delivery.clone()),
            RelayFrame::Reply(_, Reply::Deposited(receipt)) => memory.receipts.push(receipt.clone()),
            RelayFrame::Reply(_, Reply::Bundle(bundle)) => memory.bundles.push(bundle.clone()),
            RelayFrame::Reply(_, Reply::Chunk(chunk)) => memory.chunks.push(chunk.clone()),
            _ => {}
        }
        vec![frame]
    }));
}

/// What happens while the relay is still honest; the notes that are under way.
async fn prepare(world: &mut World, act: Act) -> Vec<String> {
    let notes: Vec<String> = match act {
        Act::Receive(count) => (0..count).map(|number| format!("during {number}")).collect(),
        Act::ReceivePhoto => vec!["a photo".to_owned()],
        _ => Vec::new(),
    };
    match act {
        Act::ReceivePhoto => drop(send_photo(&mut world.members[ALICE], "a photo", 8).await.unwrap()),
        Act::CallAfterBob => {
            world.members[BOB].note(CAROL, "I called first").await.unwrap();
            world.members[CAROL].receive().await.unwrap();
        }
        Act::LookAfter(days) | Act::Call(days) if days > 0 => {
            world.clock.skip_days(days);
            if matches!(act, Act::Call(_)) {
                world.members[CAROL].receive().await.unwrap();
            }
        }
        _ => {
            for note in &notes {
                world.members[ALICE].note(CAROL, note).await.unwrap();
            }
        }
    }
    world.members.iter().for_each(|member| drop(member.heard()));
    notes
}

/// What the victim does, and everything it is told of.
async fn perform(world: &mut World, act: Act, during: &mut Vec<String>) -> Vec<String> {
    let mut told = Vec::new();
    match act {
        Act::Call(_) | Act::CallAfterBob | Act::Send | Act::SendPhoto => {
            let alice = &mut world.members[ALICE];
            let sent = match act {
                Act::SendPhoto => send_photo(alice, "a photo", 8).await,
                _ => note(alice, CAROL, "during").await,
            };
            match sent {
                Ok(waits) => {
                    during.push(if act == Act::SendPhoto { "a photo" } else { "during" }.to_owned());
                    told.extend(waits);
                }
                Err(error) => told.push(format!("{error:?}")),
            }
            told.extend(signs(alice));
        }
        Act::Look | Act::LookAfter(_) | Act::Receive(_) | Act::ReceivePhoto => {
            let carol = &mut world.members[CAROL];
            match carol.receive().await {
                Ok(received) => told.extend(received.failed.map(|error| format!("{error:?}"))),
                Err(error) => told.push(format!("{error:?}")),
            }
            told.extend(signs(carol));
            told.extend(photo_sign(carol).await);
        }
    }
    told
}

/// Sends a photo; why it waits, if it does.
async fn send_photo(alice: &mut Member, note: &str, seed: u64) -> Result<Vec<String>, ClientError> {
    alice.files.put("photo.bin", &noise(seed, PHOTO_BYTES));
    let outcome = alice.send(&[CAROL], note, &["photo.bin"]).await?;
    alice.client.told(&outcome.id, &mut alice.rng).await?;
    Ok(outcome.sent.into_iter().filter_map(|sent| sent.waits).map(|error| format!("{error:?}")).collect())
}

/// The same for a note.
async fn note(from: &mut Member, to: usize, note: &str) -> Result<Vec<String>, ClientError> {
    let outcome = from.note(to, note).await?;
    Ok(outcome.sent.into_iter().filter_map(|sent| sent.waits).map(|error| format!("{error:?}")).collect())
}

/// What a person is told. That a session began is what happens when talk goes on.
fn signs(member: &Member) -> Vec<String> {
    let told = member.heard().into_iter().filter(|notice| !matches!(notice, Notice::NewSession(_)));
    told.map(|notice| format!("{notice:?}")).collect()
}

/// What becomes of a photo, if not what should.
async fn photo_sign(carol: &Member) -> Option<String> {
    let inbox = carol.messages(Direction::In).await;
    let photo = inbox.iter().rfind(|message| !message.photos.as_slice().is_empty())?;
    (photo.state != State::Verified).then(|| format!("photo {:?}", photo.state))
}

/// Everything that is under way arrives, receipts too.
async fn settle(world: &mut World) {
    for _ in 0..3 {
        for person in [ALICE, CAROL] {
            world.members[person].receive().await.unwrap();
        }
        world.clock.skip_ms(70_000);
    }
}

/// The relay is honest again: whatever was under way arrives, and so does what follows. What is told meanwhile.
async fn recover(world: &mut World, during: &[String], act: Act) -> Result<Vec<String>, String> {
    let mut told = Vec::new();
    let mut wanted: Vec<String> = during.to_vec();
    for day in 0..=DAYS_MAX {
        for person in [ALICE, CAROL] {
            let looked = world.members[person].receive().await.map_err(|error| format!("honest again: {error:?}"))?;
            told.extend(looked.failed.map(|error| format!("{error:?}")));
        }
        if day == 0 {
            told.extend(note(&mut world.members[ALICE], CAROL, "after").await.map_err(|error| format!("{error:?}"))?);
            told.extend(note(&mut world.members[CAROL], ALICE, "back").await.map_err(|error| format!("{error:?}"))?);
            wanted.push("after".to_owned());
        }
        settle(world).await;
        told.extend(signs(&world.members[ALICE]).into_iter().chain(signs(&world.members[CAROL])));
        told.extend(photo_sign(&world.members[CAROL]).await);
        let (arrived, back) = (world.members[CAROL].notes().await, world.members[ALICE].notes().await);
        let all: Vec<&String> = arrived.iter().chain(&back).collect();
        let twice = all.iter().any(|note| all.iter().filter(|other| other == &note).count() > 1);
        if twice {
            return Err(format!("something is shown twice: {all:?}"));
        }
        if wanted.iter().all(|note| arrived.contains(note)) && back.iter().any(|note| note == "back") {
            return check_rest(world, during, act).await.map(|()| told);
        }
        world.clock.skip_days(1);
    }
    Err(format!("{wanted:?} did not all arrive: {:?}; told {told:?}", world.members[CAROL].notes().await))
}

/// Nothing is left under way, and a photo that arrived is the photo that was sent.
async fn check_rest(world: &World, during: &[String], act: Act) -> Result<(), String> {
    for person in [ALICE, CAROL] {
        let status = world.members[person].client.status().await.unwrap();
        if (status.outbox, status.drafts) != (0, 0) {
            return Err(format!("{} in the outbox, {} drafts", status.outbox, status.drafts));
        }
    }
    if during.is_empty() || !matches!(act, Act::ReceivePhoto | Act::SendPhoto) {
        return Ok(());
    }
    let carol = &world.members[CAROL];
    let inbox = carol.messages(Direction::In).await;
    let photo = inbox.iter().find(|message| message.note.as_str() == "a photo").ok_or("no photo")?;
    match carol.photo(photo, 0).await {
        Ok(bytes) if bytes == noise(8, PHOTO_BYTES) => Ok(()),
        other => Err(format!("the photo is {:?}: {:?}", photo.state, other.map(|bytes| bytes.len()))),
    }
}
