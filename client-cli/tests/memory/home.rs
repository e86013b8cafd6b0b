//! The secrets of a home, taken out of its vault as the vault's specification says.

use std::fs;
use std::path::Path;

use lightproof_core::e2ee::aead;
use lightproof_core::e2ee::kdf::{Input, derive_key};
use lightproof_core::e2ee::secret::{Key, purpose::Purpose};
use lightproof_core::message::Message;
use lightproof_core::vault::record::VaultKeys;
use lightproof_core::vault::store::{RowKey, Table};
use lightproof_core::vault::unlock::{Passphrase, unlock};
use lightproof_core::wire::label;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use zeroize::Zeroizing;

use crate::PASSPHRASE;

const ROWS: TableDefinition<'_, (u8, &RowKey), (u64, &[u8])> = TableDefinition::new("rows");
const PUBLIC_KEY_BYTES: usize = 1_216;
const CIPHERTEXT_BYTES: usize = 1_120;

/// Bytes, and how often they may and must be found.
pub(crate) struct Secret {
    pub(crate) what: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) copies: usize,
}

impl Secret {
    /// What has been used, and is not needed any more.
    pub(crate) fn used(what: &str, bytes: &[u8]) -> Self {
        Self { what: what.to_owned(), bytes: bytes.to_vec(), copies: 0 }
    }

    /// What an open home needs: one copy.
    fn needed(what: &str, bytes: &[u8]) -> Self {
        Self { copies: 1, ..Self::used(what, bytes) }
    }
}

enum Records {}

impl Purpose for Records {
    const NAME: &'static str = "the records of a vault";
}

/// Every secret in the vault of a home.
pub(crate) fn secrets(home: &Path) -> Vec<Secret> {
    // A copy: the home may be in use.
    let copy = home.with_extension("copy");
    fs::copy(home.join("vault.redb"), &copy).unwrap();
    let rows = rows(&copy);
    let header = &rows.iter().find(|(table, ..)| *table == Table::Header as u8).unwrap().2;
    let keys = unlock(header, &Passphrase::Words(Zeroizing::new(PASSPHRASE.to_owned()))).unwrap();
    let input = Input { ikm: &[keys.expose_master()], ..Input::default() };
    let records: Key<Records> = derive_key(label::VAULT_RECORDS, input);
    let names: Key<Records> = derive_key(label::VAULT_ROWS, input);
    let mut secrets = vec![
        Secret::needed("the vault's key", keys.expose_master()),
        Secret::needed("the key of its records", records.expose_secret()),
        Secret::needed("the key of its rows", names.expose_secret()),
    ];
    for (table, row, sealed) in &rows {
        match Table::ALL.into_iter().find(|other| *other as u8 == *table).unwrap() {
            Table::Header => {}
            Table::Messages => secrets.extend(of_message(&keys, row, sealed)),
            other => secrets.extend(of_record(other, &opened(&records, *table, row, sealed))),
        }
    }
    secrets
}

fn rows(file: &Path) -> Vec<(u8, RowKey, Vec<u8>)> {
    let database = Database::open(file).unwrap();
    let rows = database.begin_read().unwrap().open_table(ROWS).unwrap();
    let mut all = Vec::new();
    for row in rows.iter().unwrap() {
        let (key, value) = row.unwrap();
        all.push((key.value().0, *key.value().1, value.value().1.to_vec()));
    }
    all
}

/// A record in clear, behind its version.
fn opened(key: &Key<Records>, table: u8, row: &RowKey, sealed: &[u8]) -> Vec<u8> {
    let (nonce, sealed) = sealed.split_first_chunk().unwrap();
    let mut clear = sealed.to_vec();
    aead::decrypt_random(key, nonce, &[&[table], row.as_slice()].concat(), &mut clear).unwrap();
    clear.remove(0);
    clear
}

fn of_message(keys: &VaultKeys, row: &RowKey, sealed: &[u8]) -> Vec<Secret> {
    let message: Message = keys.open(row, sealed).unwrap();
    let key = |photo: &lightproof_core::message::StoredPhoto| {
        let facts = &photo.facts;
        [
            Secret::used("the key of a photo", facts.file_key.expose_secret()),
            Secret::used("the right to read a photo", facts.read.expose_secret()),
        ]
    };
    message.photos.iter().flat_map(key).collect()
}

fn of_record(table: Table, clear: &[u8]) -> Vec<Secret> {
    match table {
        // A length of three bytes, then two seeds.
        Table::Profile => vec![
            Secret::needed("the seed of the ML-DSA key", &clear[3..35]),
            Secret::needed("the seed of the Ed25519 key", &clear[35..67]),
        ],
        Table::Prekeys => vec![Secret::used("the seed of a prekey", &clear[clear.len() - 32..])],
        Table::Mailboxes => vec![
            Secret::used("the right to own a mailbox", &clear[..32]),
            Secret::used("the right to deposit in a mailbox", &clear[32..64]),
        ],
        Table::Sessions => of_session(&clear[32 + 3..]),
        _ => Vec::new(),
    }
}

/// Walks through the record of a session (docs/spec/ratchet.md).
fn of_session(record: &[u8]) -> Vec<Secret> {
    let mut rest = record;
    let mut take = |bytes: usize| {
        let (taken, left) = rest.split_at(bytes);
        rest = left;
        taken
    };
    // Version, suite, id, role, generation, peer.
    take(2 + 32 + 1 + 4 + 32);
    for _ in 0..2 {
        if take(1) == [1] {
            take(8);
        }
    }
    let mut secrets = vec![Secret::used("a root key", take(32))];
    if take(1) == [1] {
        take(PUBLIC_KEY_BYTES + 4);
    } else {
        secrets.push(Secret::used("the seed of a ratchet key", take(32)));
        secrets.push(Secret::used("a sending chain", take(32)));
        secrets.push(Secret::used("a sending header key", take(32)));
        take(CIPHERTEXT_BYTES + PUBLIC_KEY_BYTES + 4 + 4);
    }
    secrets.push(Secret::used("the next sending header key", take(32)));
    if take(1) == [1] {
        secrets.push(Secret::used("a receiving chain", take(32)));
        secrets.push(Secret::used("a receiving header key", take(32)));
        take(4);
        assert_eq!(take(2), [0, 0], "nothing was skipped");
    }
    secrets.push(Secret::used("the next receiving header key", take(32)));
    secrets
}
