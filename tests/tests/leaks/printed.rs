//! What programmers print: no type shows the secret it holds, and what is most secret cannot be printed, copied or written
//! out by accident at all.

use core::fmt::{Debug, Display};

use lightproof_core::{
    NewHome,
    e2ee::{
        blob::{FileKey, Sealer},
        identity::IdentityKeyPair,
        prekey::{OneTimePrekeySecret, SignedPrekeySecret},
        secret::{Key, purpose},
        session::Session,
    },
    mailboxes::Mailbox,
    send::{Draft, Looks},
    vault::{
        record::{Secret as Sealable, VaultKeys},
        unlock::Passphrase,
    },
};
use lightproof_tests::{Scene, scene::exact};
use lightproof_wire::{
    capability::{Capability, CapabilityHash, right},
    codec::Text,
    command::Command,
    frame::CommandFrame,
    hash::Digest,
    id::CommandId,
    prekey::PrekeyId,
    time::Day,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::{FILE, NOTE, base64};

/// Does not compile where the type has the trait: two candidates would fit the blank.
macro_rules! never {
    ($($type:ty: $($trait:path),+;)+) => {$($(
        const _: fn() = || {
            trait Blank<A> { fn fits() {} }
            impl<T: ?Sized> Blank<()> for T {}
            struct Has;
            impl<T: ?Sized + $trait> Blank<Has> for T {}
            let _ = <$type as Blank<_>>::fits;
        };
    )+)+};
}

never! {
    Key<purpose::Chain>: Display, Clone, Copy;
    FileKey: Display, Copy;
    Capability<right::Owner>: Display, Copy, core::hash::Hash, PartialOrd;
    IdentityKeyPair: Display, Clone;
    SignedPrekeySecret: Display, Clone;
    OneTimePrekeySecret: Display, Clone;
    Session: Display, Clone;
    VaultKeys: Display, Debug, Clone;
    Sealable: Display;
    Passphrase: Display, Clone;
    NewHome: Debug;
}

/// How bytes look when somebody prints them; blanks and line breaks do not count.
fn printed_forms(bytes: &[u8]) -> Vec<String> {
    // A printer may cut: the beginning is enough.
    let bytes = &bytes[..bytes.len().min(12)];
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let lists = [list.join(","), bytes.iter().map(|byte| format!("0x{byte:02x}")).collect::<Vec<_>>().join(",")];
    let texts = [String::from_utf8(base64(bytes)).unwrap(), String::from_utf8_lossy(bytes).replace(' ', "")];
    [hex::encode(bytes), hex::encode_upper(bytes)].into_iter().chain(lists).chain(texts).collect()
}

/// The values that were printed, and how often they were looked at.
#[derive(Default)]
struct Printed(usize);

impl Printed {
    fn shows_none(&mut self, what: &str, value: &dyn Debug, secrets: &[&[u8]]) {
        let shown: String = format!("{value:?}{value:#?}").split_whitespace().collect();
        assert!(!shown.is_empty());
        for form in secrets.iter().flat_map(|secret| printed_forms(secret)) {
            assert!(!shown.contains(&form), "{what} shows {form}: {shown}");
        }
        self.0 += 1;
    }
}

fn capability<R: right::Right>(printed: &mut Printed) {
    let bytes = *Digest::of(R::NAME.as_bytes()).as_bytes();
    let capability = Capability::<R>::from_bytes(bytes);
    printed.shows_none(R::NAME, &capability, &[&bytes]);
    let hash: CapabilityHash<R> = capability.hash();
    printed.shows_none("its hash", &hash, &[hash.as_bytes(), &bytes]);
}

fn key<P: purpose::Purpose>(printed: &mut Printed) {
    let bytes = *Digest::of(P::NAME.as_bytes()).as_bytes();
    printed.shows_none(P::NAME, &Key::<P>::from_bytes(&bytes), &[&bytes]);
}

#[test]
fn no_secret_type_shows_what_it_holds() {
    let (mut printed, rng) = (Printed::default(), &mut ChaCha20Rng::seed_from_u64(1));
    let all = &mut printed;
    key::<purpose::Bundle>(all);
    key::<purpose::Chain>(all);
    key::<purpose::Header>(all);
    key::<purpose::Kem>(all);
    key::<purpose::Message>(all);
    key::<purpose::Root>(all);
    key::<purpose::Shared>(all);
    capability::<right::Owner>(all);
    capability::<right::Drop>(all);
    capability::<right::Write>(all);
    capability::<right::Read>(all);
    capability::<right::Access>(all);
    let identity = IdentityKeyPair::generate(rng);
    let (seeds, fingerprint) = (identity.seeds(), identity.fingerprint());
    all.shows_none("an identity", &identity, &[&seeds[..32], &seeds[32..], fingerprint.as_bytes()]);
    all.shows_none("an identity's key", identity.public(), &[identity.public().as_bytes(), fingerprint.as_bytes()]);
    all.shows_none("a fingerprint", &fingerprint, &[fingerprint.as_bytes()]);
    let signed = SignedPrekeySecret::generate(PrekeyId(7), Day(20_000), rng);
    let record = signed.to_record();
    all.shows_none("a signed prekey", &signed, &[&record[record.len() - 32..]]);
    let one_time = OneTimePrekeySecret::generate(PrekeyId(8), Day(20_000), rng);
    let record = one_time.to_record();
    all.shows_none("a one-time prekey", &one_time, &[&record[record.len() - 32..]]);
    let file_key = FileKey::generate(rng);
    all.shows_none("a file key", &file_key, &[file_key.expose_secret()]);
    all.shows_none("a sealer", &Sealer::new(&file_key, 10).unwrap(), &[file_key.expose_secret()]);
    all.shows_none("a secret of the vault", &Sealable::new(seeds.as_ref()), &[seeds.as_ref()]);
    let words = Passphrase::Words("correct horse".to_owned().into());
    all.shows_none("a passphrase", &words, &[b"correct horse"]);
    let mailbox = Mailbox::generate(Text::new("wss://relay.example.org/").unwrap(), Some(fingerprint), rng);
    let rights = [mailbox.owner.expose_secret().as_slice(), mailbox.drop.expose_secret(), fingerprint.as_bytes()];
    all.shows_none("a mailbox", &mailbox, &rights);
    let command = Command::Retire { owner: mailbox.owner.clone() };
    all.shows_none("a command", &CommandFrame { id: CommandId(1), command }, &rights);
    let draft = Draft { to: vec![fingerprint], note: NOTE.to_owned(), photos: Vec::new(), looks: Looks::Any };
    all.shows_none("a draft", &draft, &[NOTE.as_bytes(), fingerprint.as_bytes()]);
    println!("evidence: P18 A39 | {} kinds of secrets printed, nothing of them shown | -", printed.0);
}

#[tokio::test]
async fn no_record_of_a_home_shows_what_it_holds() {
    let mut scene = Scene::friends().await;
    scene.alice.files.put(FILE, &[42; 5_000]);
    scene.alice.send(&["bob"], NOTE, &[FILE], exact()).await.unwrap();
    scene.bob.receive().await.unwrap();
    let (client, mut printed) = (&scene.bob.client, Printed::default());
    let message = scene.bob.inbox().await.pop().unwrap();
    let facts = &message.photos.as_slice()[0].facts;
    let alice = scene.alice.client.fingerprint();
    let of_message = [
        NOTE.as_bytes(),
        facts.file_key.expose_secret(),
        facts.read.expose_secret(),
        facts.digest.as_bytes(),
        alice.as_bytes(),
    ];
    printed.shows_none("a message", &message, &of_message);
    printed.shows_none("the facts of a photo", facts, &of_message);
    let contact = client.contact("alice").await.unwrap();
    let drop = &contact.private.as_ref().unwrap().reply.drop;
    let doorbell = &contact.doorbell.as_ref().unwrap().drop;
    let of_contact = [drop.expose_secret().as_slice(), doorbell.expose_secret(), alice.as_bytes()];
    printed.shows_none("a contact", &contact, &of_contact);
    let card = client.card().await.unwrap();
    let bob = client.fingerprint();
    printed.shows_none("a card", &card, &[card.doorbell.expose_secret(), bob.as_bytes()]);
    let profile = client.profile().await.unwrap();
    let seeds = profile.identity().unwrap().seeds();
    printed.shows_none("a profile", &profile, &[&seeds[..32], &seeds[32..], b"bob"]);
    println!("evidence: P18 A39 | {} kinds of records printed, nothing of them shown | -", printed.0);
}
