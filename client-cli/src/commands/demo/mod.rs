//! `demo`: a relay, Alice and Bob on this machine, end to end, with what each of them sees.
//!
//! The only file of the client that knows a relay from the inside: it starts one, stops it, and reads its folder as
//! its operator could. Alice and Bob talk to it over TLS, like anybody else.

use std::fs;
use std::io::{self, Read, Seek};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use lightproof_core::NewHome;
use lightproof_core::contact::Trust;
use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::e2ee::manifest::MediaType;
use lightproof_core::message::{Message, State};
use lightproof_core::people::CardRelay;
use lightproof_core::prepare::{
    Content, Fate, PrepareOptions, PreparedPhoto, RemovedGroup, apart::LookAt, sample_photo,
};
use lightproof_core::send::{Draft, Looks, PhotoSource};
use lightproof_core::vault::unlock::Passphrase;
use lightproof_core::wire::hash::Digest;
use lightproof_core::wire::relay_link::RelayLink;
use lightproof_relay::config::Config;
use lightproof_relay::{Relay, RunningRelay};

use super::found::in_words;
use super::look::depth;
use super::photo_file::PhotoOf;
use super::present::hex;
use crate::args::Demo;
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::opened::Opened;
use crate::output::Output;
use crate::picture::Canvas;
use crate::picture::child::{Buffer, PhotoFile, look};
use crate::plan::Input;
use crate::platform::access::private_folders;
use crate::sanitize::Sanitized;
use crate::source::PhotoFiles;
use crate::terminal::Window;

mod story;

use story::{Story, Who};

pub(super) async fn run(typed: &Demo, output: &mut Output) -> Result<Exit, Failure> {
    let stage = Stage::set(typed.keep.as_deref())?;
    let mut story = Story::new(output);
    let note = typed.note.clone().unwrap_or_else(|| NOTE.to_owned());
    let photo = match &typed.photo {
        Some(path) => path.clone(),
        None => stage.sample()?,
    };

    let relay = start_relay(&stage, (Ipv4Addr::LOCALHOST, 0).into()).await?;
    let (address, link) = (relay.address(), relay.link().clone());
    story.says(Who::Relay, format!("listens at {}, with a certificate of its own", link.authority()))?;
    let (alice, bob) = introduce(&stage, &link, &mut story).await?;

    bob.client.hang_up();
    story.says(Who::Bob, "goes offline")?;
    let sent = send(&alice, &bob, &photo, &note, &mut story).await?;
    alice.client.hang_up();
    relay.shutdown().await;
    look_at_relay(&stage, &sent, &note, &mut story)?;

    let relay = start_relay(&stage, address).await?;
    story.says(Who::Relay, "was stopped, and is started again on the same folder")?;
    let received = receive(&bob, &mut story).await?;
    check(&bob, (&sent, &received), &note, &alice, &mut story).await?;
    bob.client.hang_up();
    relay.shutdown().await;
    if let Some(folder) = typed.keep.as_deref() {
        story
            .says(Who::Nobody, format!("kept in {}: alice, bob (no passphrase) and relay", Sanitized::path(folder)))?;
    }
    story.end()
}

/// Where it all happens; removed at the end unless it is to be kept.
struct Stage {
    folder: PathBuf,
    is_kept: bool,
}

impl Stage {
    fn set(keep: Option<&Path>) -> Result<Self, Failure> {
        let folder = match keep {
            Some(folder) => folder.to_owned(),
            None => {
                let mut random = [0; 8];
                getrandom::fill(&mut random).map_err(|error| Failure::failed(format!("no randomness: {error}")))?;
                std::env::temp_dir().join(format!("lightproof-demo-{}", hex(&random)))
            }
        };
        let failed = |error| Failure::failed(format!("cannot make {}: {error}", Sanitized::path(&folder)));
        private_folders().recursive(keep.is_some()).create(&folder).map_err(failed)?;
        if ["alice", "bob", "relay"].iter().any(|name| folder.join(name).exists()) {
            return Err(Failure::failed(format!("an earlier demo is in {}", Sanitized::path(&folder)))
                .hint("name another folder with --keep DIR"));
        }
        Ok(Self { folder, is_kept: keep.is_some() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A photograph nobody took, with all that cameras leave in files.
    fn sample(&self) -> Result<PathBuf, Failure> {
        let path = self.path("evening.jpg");
        fs::write(&path, sample_photo())
            .map_err(|error| Failure::failed(format!("cannot write the photo: {error}")))?;
        Ok(path)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.is_kept {
            // What is left lies in the system's folder for such things, sealed.
            let _left = fs::remove_dir_all(&self.folder);
        }
    }
}

async fn start_relay(stage: &Stage, address: SocketAddr) -> Result<RunningRelay, Failure> {
    let failed = |error| Failure::failed(format!("the relay does not start: {error}"));
    let config = Config::local(stage.path("relay"), address).map_err(failed)?;
    Relay::start(config).await.map_err(failed)
}

/// Two people, each with a home of their own, who have exchanged cards and compared the safety number.
async fn introduce(stage: &Stage, link: &RelayLink, story: &mut Story<'_>) -> Result<(Opened, Opened), Failure> {
    let alice = person("Alice", stage, link, story).await?;
    let bob = person("Bob", stage, link, story).await?;
    for (one, other) in [(&alice, &bob), (&bob, &alice)] {
        let card = other.client.card().await?;
        one.client.add_contact(&card, None, CardRelay::Typed, now(), &mut rng()).await?;
        one.client.mark(&card.fingerprint, Trust::Verified, &mut rng()).await?;
    }
    let numbers =
        [alice.client.safety_number(&bob.client.fingerprint()), bob.client.safety_number(&alice.client.fingerprint())];
    story.checks("both see the same safety number", numbers.first() == numbers.last())?;
    story.says(Who::Both, format!("have exchanged cards, and read to each other {}…", first_groups(&numbers)))?;
    Ok((alice, bob))
}

fn first_groups(numbers: &[impl ToString]) -> String {
    let number = numbers.first().map(ToString::to_string).unwrap_or_default();
    number.split(' ').take(4).collect::<Vec<_>>().join(" ")
}

async fn person(name: &str, stage: &Stage, link: &RelayLink, story: &mut Story<'_>) -> Result<Opened, Failure> {
    let home = Home::create(stage.path(&name.to_lowercase()))?;
    let new = NewHome { name: name.to_owned(), relay: link.clone(), access: None };
    let person = Opened::create(home, new, &Passphrase::None, story.output()).await?;
    person.client.register(now(), &mut rng()).await?;
    Ok(person)
}

/// What was sent, for what is checked later.
struct SentPhoto {
    from: Fingerprint,
    to: Fingerprint,
    message: Message,
    /// A piece from the middle of what was sealed: what must not be found at the relay.
    sample: Vec<u8>,
}

async fn send(
    alice: &Opened,
    bob: &Opened,
    photo: &Path,
    note: &str,
    story: &mut Story<'_>,
) -> Result<SentPhoto, Failure> {
    let mut files = PhotoFiles::default();
    let source = files.look_at(&Input::File(photo.to_owned()))?;
    let to = vec![bob.client.fingerprint()];
    let photos = vec![PhotoSource { source, options: PrepareOptions::default() }];
    let draft = Draft { to, note: note.to_owned(), photos, looks: Looks::Any };
    let prepared = alice.client.dry_run(&draft, &files, &mut rng()).await?;
    for photo in &prepared {
        for line in in_words(photo.removed(), Fate::Removed) {
            story.says(Who::Alice, format!("removes {}", Sanitized::line(&line)))?;
        }
    }
    let sample = prepared.into_iter().next().map(piece).unwrap_or_default();
    let outcome = alice.client.send(draft, &files, now(), &mut rng()).await?;
    alice.client.told(&outcome.id, &mut rng()).await?;
    let sent = outcome.sent.into_iter().next();
    let message = match sent.map(|sent| (sent.message, sent.waits)) {
        Some((Some(message), None)) => message,
        Some((_, Some(error))) => return Err(error.into()),
        _ => return Err(Failure::failed("nothing was sent")),
    };
    let facts = message.photos.iter().map(|photo| photo.facts.length_bytes).sum();
    let size = indicatif::DecimalBytes(facts);
    story.says(Who::Alice, format!("seals a photo of {size} with a note for Bob, and sends it"))?;
    story.checks("the relay has promised to keep it", message.state == State::Deposited)?;
    Ok(SentPhoto { from: alice.client.fingerprint(), to: bob.client.fingerprint(), message, sample })
}

/// Sealing is deterministic up to here: what is prepared twice is the same.
fn piece(photo: PreparedPhoto<PhotoFile>) -> Vec<u8> {
    let middle = photo.length_bytes() / 2;
    let mut piece = Vec::new();
    if let Content::Source(mut source) = photo.into_content() {
        let before = io::copy(&mut source.by_ref().take(middle), &mut io::sink());
        let read = before.and_then(|_| source.take(PIECE_BYTES).read_to_end(&mut piece));
        // What cannot be read is told when it is sent.
        piece.truncate(read.unwrap_or_default());
    }
    piece
}

/// Reads every file of the relay, as its operator could.
fn look_at_relay(stage: &Stage, sent: &SentPhoto, note: &str, story: &mut Story<'_>) -> Result<(), Failure> {
    let failed = |error| Failure::failed(format!("cannot read the relay's folder: {error}"));
    let files = files_below(&stage.path("relay")).map_err(failed)?;
    let blobs: Vec<u64> = files.iter().filter(|(path, _)| is_blob(path)).map(|(_, bytes)| bytes.len() as u64).collect();
    for bytes in &blobs {
        let size = indicatif::DecimalBytes(*bytes);
        story.says(Who::Relay, format!("keeps a blob of {size}, and envelopes of 16,000 bytes each"))?;
    }
    let secrets = [note.as_bytes(), b"Alice", sent.from.as_bytes(), sent.to.as_bytes(), sent.sample.as_slice()];
    let is_found = |secret: &&[u8]| files.iter().any(|(_, bytes)| contains(bytes, secret));
    // What is shorter stands among so many random bytes by chance.
    let found = secrets.iter().filter(|secret| secret.len() >= SHORTEST_BYTES).any(is_found);
    let searched = indicatif::DecimalBytes(files.iter().map(|(_, bytes)| bytes.len() as u64).sum());
    story
        .says(Who::Relay, format!("holds {searched} in all: sealed bytes, sizes, days, and hashes of capabilities"))?;
    story.checks("neither the note, nor the photo, nor who they are is in any of it", !found)
}

fn files_below(folder: &Path) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else if path.is_file() {
            let bytes = fs::read(&path)?;
            files.push((path, bytes));
        }
    }
    Ok(files)
}

fn is_blob(path: &Path) -> bool {
    path.ancestors().nth(2).is_some_and(|folder| folder.ends_with("blobs"))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

async fn receive(bob: &Opened, story: &mut Story<'_>) -> Result<Message, Failure> {
    let received = bob.client.receive(&PhotoFiles::default(), now(), &mut rng()).await?;
    if let Some(error) = received.failed {
        return Err(error.into());
    }
    let news = bob.client.news().await?;
    let message = news.into_iter().next().ok_or_else(|| Failure::failed("nothing came to Bob"))?;
    bob.client.told_of(&message, &mut rng()).await?;
    story.says(Who::Bob, "comes back, and takes what waits for him")?;
    Ok(message)
}

async fn check(
    bob: &Opened,
    (sent, received): (&SentPhoto, &Message),
    note: &str,
    alice: &Opened,
    story: &mut Story<'_>,
) -> Result<(), Failure> {
    story.checks("it is verified: unchanged since it was sealed", received.state == State::Verified)?;
    story.checks("Alice signed it, and nobody else", received.contact == alice.client.fingerprint())?;
    story.checks("the note is the same", received.note.as_str() == note)?;
    let photo = PhotoOf::new(bob, received, 0);
    let held = photo.held(u64::MAX).await?.ok_or_else(|| Failure::failed("nothing came to Bob"))?;
    let sealed = sent.message.photos.as_slice().first();
    let same = sealed.is_some_and(|photo| digest_of(&held).is_ok_and(|digest| photo.facts.digest == digest));
    story.checks("the photo is the same, byte for byte", same)?;
    let window = Window { rows: PICTURE_ROWS, ..Window::of_stdout() };
    let canvas = Canvas::of_blocks(window, depth(story.output()));
    let (max_width_px, max_height_px) = canvas.most_pixels();
    let media_type = received.photos.iter().next().map_or(MediaType::Other, |photo| photo.facts.media_type);
    let looked = look(held, &LookAt { media_type, max_width_px, max_height_px }).await;
    let looked = looked.map_err(|stopped| Failure::failed(stopped.to_string()))?;
    let is_clean = looked.found.iter().all(|found| found.group == RemovedGroup::ColourProfile);
    story.checks("it says nothing about place, camera or owner", is_clean)?;
    story.note(received.note.as_str())?;
    if let Some(Ok(picture)) = looked.picture {
        story.picture(&canvas.draw(&picture.into_pixels()))?;
    }
    Ok(())
}

fn digest_of(held: &Buffer) -> io::Result<Digest> {
    let mut bytes = Vec::new();
    let mut held = held.again()?;
    held.rewind()?;
    held.read_to_end(&mut bytes)?;
    Ok(Digest::of(&bytes))
}

const NOTE: &str = "The light was like this for a minute. I thought of you.";
/// Long enough not to be found by chance.
const PIECE_BYTES: u64 = 32;
const SHORTEST_BYTES: usize = 5;
const PICTURE_ROWS: u16 = 22;
