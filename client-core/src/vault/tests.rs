//! The vault keeps what it is given, and notices anything else.

use lightproof_e2ee::frame::{LineId, MessageId};
use lightproof_wire::{envelope::Envelope, time::Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use zeroize::Zeroizing;

use super::{
    Vault, VaultError, conformance,
    memory::MemoryStore,
    record::Secret,
    store::{Batch, Store, StoreError, Table},
    unlock::{Passphrase, UnlockError},
};
use crate::{
    contact::{Contact, Standing},
    message::Body,
};

fn ready<V>(future: impl Future<Output = V>) -> V {
    let mut future = core::pin::pin!(future);
    match future.as_mut().poll(&mut core::task::Context::from_waker(core::task::Waker::noop())) {
        core::task::Poll::Ready(value) => value,
        core::task::Poll::Pending => panic!("memory never waits"),
    }
}

fn words(text: &str) -> Passphrase {
    Passphrase::Words(Zeroizing::new(text.to_owned()))
}

fn contact(byte: u8) -> Contact {
    let fingerprint = lightproof_e2ee::identity::Fingerprint::from_bytes([byte; 32]);
    Contact::new(fingerprint, Standing::Accepted, 7, Timestamp(9))
}

fn new_vault(passphrase: &Passphrase) -> (Vault<MemoryStore>, MemoryStore, ChaCha20Rng) {
    let (store, mut rng) = (MemoryStore::default(), ChaCha20Rng::seed_from_u64(1));
    (ready(Vault::create(store.clone(), passphrase, &mut rng, |_, _| {})).unwrap(), store, rng)
}

#[test]
fn the_memory_store_keeps_its_promises() {
    ready(conformance::check(&MemoryStore::default()));
}

#[test]
fn a_record_comes_back_after_the_vault_is_opened_again() {
    let (vault, store, mut rng) = new_vault(&words("correct horse"));
    let mut turn = vault.turn();
    turn.put(&contact(1), &mut rng);
    ready(turn.commit()).unwrap();
    let again = ready(Vault::open(store, &words("correct horse"))).unwrap();
    let back: Contact = ready(again.get(&[1; 32])).unwrap().unwrap();
    assert_eq!((back.number, back.since), (7, Timestamp(9)));
    assert!(ready(again.get::<Contact>(&[2; 32])).unwrap().is_none());
}

/// A receipt may name a message that was taken back, and its retract: both change one record, and neither change is lost.
#[test]
fn a_turn_reads_what_it_has_written() {
    let (vault, _, mut rng) = new_vault(&Passphrase::None);
    let mut turn = vault.turn();
    assert!(ready(turn.get::<Contact>(&[1; 32])).unwrap().is_none());
    turn.put(&contact(1), &mut rng);
    let mut again: Contact = ready(turn.get(&[1; 32])).unwrap().unwrap();
    again.number = 8;
    turn.delete(&again);
    assert!(ready(turn.get::<Contact>(&[1; 32])).unwrap().is_none());
    turn.put(&again, &mut rng);
    turn.put(&contact(2), &mut rng);
    turn.delete(&contact(2));
    ready(turn.commit()).unwrap();
    assert!(ready(vault.get::<Contact>(&[2; 32])).unwrap().is_none());
    assert_eq!(ready(vault.get::<Contact>(&[1; 32])).unwrap().unwrap().number, 8);
}

#[test]
fn only_the_passphrase_opens_it() {
    let (vault, store, mut rng) = new_vault(&words("correct horse"));
    let refused = |passphrase: &Passphrase| match ready(Vault::open(store.clone(), passphrase)) {
        Err(VaultError::Unlock(error)) => error,
        _ => panic!("it opened"),
    };
    assert_eq!(refused(&words("wrong horse")), UnlockError::Wrong);
    assert_eq!(refused(&Passphrase::None), UnlockError::Missing);
    ready(vault.change_passphrase(&words("battery staple"), &mut rng)).unwrap();
    assert_eq!(refused(&words("correct horse")), UnlockError::Wrong);
    assert!(ready(Vault::open(store.clone(), &words("battery staple"))).is_ok());
    let second = ready(Vault::create(store, &Passphrase::None, &mut rng, |_, _| {}));
    assert!(matches!(second, Err(VaultError::Exists)));
}

#[test]
fn every_changed_bit_of_a_row_is_noticed_and_no_row_stands_for_another() {
    let (vault, store, mut rng) = new_vault(&Passphrase::None);
    let mut turn = vault.turn();
    turn.put(&contact(1), &mut rng);
    turn.put(&contact(2), &mut rng);
    ready(turn.commit()).unwrap();
    let rows = ready(store.scan(Table::Contacts)).unwrap();
    for bit in 0..rows[0].value.len() * 8 {
        let mut flipped = rows[0].value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let copy = store.copy();
        let put = vec![(Table::Contacts, rows[0].key, flipped)];
        ready(copy.commit(Batch { put, ..Batch::default() })).unwrap();
        let vault = ready(Vault::open(copy, &Passphrase::None)).unwrap();
        assert!(ready(vault.scan::<Contact>()).is_err(), "bit {bit} went unnoticed");
    }
    for cut in 0..rows[0].value.len() {
        assert!(vault.keys.open::<Contact>(&rows[0].key, &rows[0].value[..cut]).is_err());
    }
    assert!(vault.keys.open::<Contact>(&rows[1].key, &rows[0].value).is_err(), "a row that moved");
    assert!(vault.keys.open::<Body>(&rows[0].key, &rows[0].value).is_err(), "a row of another table");
}

#[test]
fn every_changed_bit_of_the_header_is_noticed() {
    let (_, store, _) = new_vault(&Passphrase::None);
    let header = ready(store.get(Table::Header, &[0; 32])).unwrap().unwrap().value;
    for bit in 0..header.len() * 8 {
        let mut flipped = header.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(super::unlock::unlock(&flipped, &Passphrase::None).is_err(), "bit {bit} went unnoticed");
    }
}

#[test]
fn a_header_cannot_ask_for_endless_memory() {
    let (_, store, _) = new_vault(&words("x"));
    let mut header = ready(store.get(Table::Header, &[0; 32])).unwrap().unwrap().value;
    header[2..6].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(matches!(super::unlock::unlock(&header, &words("x")), Err(UnlockError::Damaged)));
}

#[test]
fn of_two_turns_over_the_same_record_one_runs_again() {
    let (vault, _, mut rng) = new_vault(&Passphrase::None);
    let mut turn = vault.turn();
    turn.put(&contact(1), &mut rng);
    ready(turn.commit()).unwrap();
    let (mut first, mut second) = (vault.turn(), vault.turn());
    let mut a: Contact = ready(first.get(&[1; 32])).unwrap().unwrap();
    let mut b: Contact = ready(second.get(&[1; 32])).unwrap().unwrap();
    a.number = 8;
    b.number = 9;
    first.put(&a, &mut rng);
    second.put(&b, &mut rng);
    ready(first.commit()).unwrap();
    assert_eq!(ready(second.commit()), Err(VaultError::Store(StoreError::Conflict)));
    assert_eq!(ready(vault.get::<Contact>(&[1; 32])).unwrap().unwrap().number, 8);
}

#[test]
fn a_row_at_rest_shows_nothing_of_what_it_holds() {
    let (vault, store, mut rng) = new_vault(&Passphrase::None);
    let body = Body {
        contact: lightproof_e2ee::identity::Fingerprint::from_bytes(*b"a fingerprint of thirty-two byte"),
        line: LineId(*b"the line"),
        index: 1,
        message_id: Some(MessageId(*b"the message's id")),
        outgoing: None,
        bytes: Secret::new(b"what was written"),
    };
    let mut turn = vault.turn();
    turn.put(&body, &mut rng);
    ready(turn.commit()).unwrap();
    let row = &ready(store.scan(Table::Bodies)).unwrap()[0];
    let at_rest = [row.key.as_slice(), &row.value].concat();
    for needle in [&b"a fingerprint"[..], b"the line", b"the message", b"what was"] {
        assert!(!at_rest.windows(needle.len()).any(|window| window == needle));
    }
    assert!(Envelope::from_bytes(&row.value).is_err(), "and is no envelope");
}
