//! What a sender who knows every key can make of any bytes: signed, sealed and checksummed as if nothing were wrong.

#![expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "numbers are below their bounds")]

use lightproof_core::{
    e2ee::{
        aead,
        blob::FileKey,
        kdf::{self, Input},
        secret::{Key, purpose},
    },
    vault::{
        record::VaultKeys,
        store::{RowKey, Table},
    },
};
use lightproof_wire::{
    blob::BlobShape,
    codec::{Bytes, decode, encode},
    hash::Digest,
    label,
    prekey::PublishedPrekey,
    suite::SuiteId,
};

use super::{FILE_BYTES, counted, frozen::Examples};

pub(super) const CHUNK_BYTES: usize = 65_536;
const CHUNK_PLAIN_BYTES: usize = CHUNK_BYTES - aead::TAG_BYTES;
const CHECKSUM_BYTES: usize = 4;

pub(super) fn file_key() -> FileKey {
    FileKey::from_bytes(&counted(0xe0))
}

pub(super) fn plain() -> Vec<u8> {
    let mut plain: Vec<u8> = (0..FILE_BYTES).map(|i| (i % 251) as u8).collect();
    plain.resize(2 * CHUNK_PLAIN_BYTES, 0);
    plain
}

pub(super) fn chunks() -> Vec<Vec<u8>> {
    seal_chunks(&plain())
}

/// Seals whatever it is given, as the construction has it; a file's own sealer would refuse most of it.
pub(super) fn seal_chunks(plain: &[u8]) -> Vec<Vec<u8>> {
    let shape = BlobShape::for_length(FILE_BYTES as u64).unwrap();
    let size = shape.class().sealed_bytes().to_be_bytes();
    let salt = [&[SuiteId::BYTE][..], &size, &shape.count().to_be_bytes()].concat();
    let file_key = file_key();
    let input = Input { ikm: &[file_key.expose_secret()], salt: &salt, rest: &[] };
    let key: Key<purpose::Chunks> = kdf::derive_key(label::CHUNKS, input);
    let seal = |(index, plain): (u32, &[u8])| {
        let mut nonce = [0; 12];
        nonce[7..11].copy_from_slice(&index.to_be_bytes());
        nonce[11] = u8::from(index + 1 == shape.count());
        let mut chunk = plain.to_vec();
        aead::encrypt(&key, &nonce, &[], &mut chunk);
        chunk
    };
    (0..).zip(plain.chunks(CHUNK_PLAIN_BYTES)).map(seal).collect()
}

/// What a card holds before its checksum.
pub(super) fn card_fields(text: &[u8]) -> Vec<u8> {
    let mut bytes = from_base64(text.strip_prefix(b"lightproof:").unwrap());
    bytes.truncate(bytes.len() - CHECKSUM_BYTES);
    bytes
}

/// A card with a checksum that holds.
pub(super) fn card_text(fields: &[u8]) -> String {
    let digest = Digest::labelled(label::CARD, &[fields]);
    let (checksum, _) = digest.as_bytes().split_at(CHECKSUM_BYTES);
    format!("lightproof:{}", to_base64(&[fields, checksum].concat()))
}

/// What the box of a published prekey of the examples holds.
pub(super) fn open_prekey_box(published: &[u8]) -> Vec<u8> {
    let published: PublishedPrekey = decode(published).unwrap();
    let (nonce, sealed) = published.sealed.as_slice().split_first_chunk().unwrap();
    let mut boxed = sealed.to_vec();
    aead::decrypt_random(&bundle_key(), nonce, &clear(&published), &mut boxed).unwrap();
    boxed
}

/// The signed prekey of the examples with something else in its box.
pub(super) fn seal_prekey_box(boxed: &[u8]) -> Option<Vec<u8>> {
    let mut published: PublishedPrekey = decode(Examples::of("prekeys.txt").get("signed.published")).unwrap();
    let nonce = counted(0x30);
    let mut sealed = boxed.to_vec();
    aead::encrypt_random(&bundle_key(), &nonce, &clear(&published), &mut sealed);
    published.sealed = Bytes::new([nonce.as_slice(), &sealed].concat()).ok()?;
    Some([encode(&published), vec![0]].concat())
}

fn clear(published: &PublishedPrekey) -> Vec<u8> {
    [encode(&published.kind), encode(&published.id), encode(&published.not_after)].concat()
}

fn bundle_key() -> Key<purpose::Bundle> {
    let keys = Examples::of("prekeys.txt");
    let input =
        Input { ikm: &[keys.get("owner.fingerprint")], salt: keys.get("doorbell.drop_hash"), ..Input::default() };
    kdf::derive_key(label::BUNDLE_KEY, input)
}

/// What the row of the examples holds: a version, and then anything.
pub(super) const RECORD: &[u8] = b"\x01what a vault keeps, whatever it is";

pub(super) fn vault_keys() -> VaultKeys {
    VaultKeys::from_bytes(&counted(0x50))
}

pub(super) const ROW: RowKey = [0x77; 32];

enum Records {}

impl purpose::Purpose for Records {
    const NAME: &'static str = "vault records";
}

/// A row of the contacts with these bytes in it.
pub(super) fn seal_record(record: &[u8]) -> Vec<u8> {
    let input = Input { ikm: &[&counted::<32>(0x50)], ..Input::default() };
    let key: Key<Records> = kdf::derive_key(label::VAULT_RECORDS, input);
    let nonce = counted(0x30);
    let mut sealed = record.to_vec();
    aead::encrypt_random(&key, &nonce, &[&[Table::Contacts as u8], ROW.as_slice()].concat(), &mut sealed);
    [nonce.as_slice(), &sealed].concat()
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn to_base64(bytes: &[u8]) -> String {
    let group = |three: &[u8]| {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        let letters = [18, 12, 6, 0].map(|shift| LETTERS[(bits >> shift & 63) as usize] as char);
        letters.into_iter().take(three.len() + 1).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

fn from_base64(text: &[u8]) -> Vec<u8> {
    let value = |letter: &u8| LETTERS.iter().position(|other| other == letter).unwrap() as u32;
    let group = |four: &[u8]| {
        let bits = four.iter().fold(0, |bits, letter| bits << 6 | value(letter)) << (6 * (4 - four.len()));
        bits.to_be_bytes().into_iter().skip(1).take(four.len() - 1).collect::<Vec<u8>>()
    };
    text.chunks(4).flat_map(group).collect()
}
