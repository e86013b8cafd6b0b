//! One value at rest: versioned, sealed under the vault's key, bound to its table and row.
//!
//! `nonce24 || XChaCha20-Poly1305(records key, version u8 || value)`, AD = table u8 || row name. The row name is
//! `HKDF(rows key, info = "vault rows" || table || id)`: whoever copies the file learns how many rows there are, not whose.

use lightproof_e2ee::{
    aead,
    kdf::{self, Input},
    secret::{Key, purpose::Purpose},
};
use lightproof_wire::{
    codec::{self, Deserialize, Serialize},
    label,
};
use rand_core::CryptoRng;
use zeroize::{Zeroize as _, Zeroizing};

use super::store::{RowKey, Table};

/// Which way of writing records this is.
const RECORD_VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// A value that the vault keeps.
pub trait Record: Serialize + Deserialize {
    /// Where it is kept.
    const TABLE: Table;

    /// What tells it from others of its kind; never visible at rest.
    fn id(&self) -> Vec<u8>;
}

/// Why a row is not a record of ours: a damaged or foreign file, or one made by a newer version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Damaged, or sealed under another key.
    #[error("a record of the vault is damaged")]
    Damaged,
    /// Written by a newer version of this program.
    #[error("the vault was written by a newer version of lightproof")]
    Newer,
}

enum MasterKey {}
enum RecordsKey {}
enum RowsKey {}

impl Purpose for MasterKey {
    const NAME: &'static str = "vault";
}
impl Purpose for RecordsKey {
    const NAME: &'static str = "vault records";
}
impl Purpose for RowsKey {
    const NAME: &'static str = "vault rows";
}

/// The two keys that every record needs, from the one the passphrase protects.
pub struct VaultKeys {
    master: Key<MasterKey>,
    records: Key<RecordsKey>,
    rows: Key<RowsKey>,
}

impl VaultKeys {
    /// Keys of a new vault.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_master(Key::generate(rng))
    }

    /// Keys of a vault whose master key was unwrapped.
    #[must_use]
    pub fn from_bytes(master: &[u8; 32]) -> Self {
        Self::from_master(Key::from_bytes(master))
    }

    /// The master key, for wrapping.
    #[must_use]
    pub fn expose_master(&self) -> &[u8; 32] {
        self.master.expose_secret()
    }

    fn from_master(master: Key<MasterKey>) -> Self {
        let input = Input { ikm: &[master.expose_secret()], ..Input::default() };
        let (records, rows) = (kdf::derive_key(label::VAULT_RECORDS, input), kdf::derive_key(label::VAULT_ROWS, input));
        Self { records, rows, master }
    }

    /// The name of a row.
    #[must_use]
    pub fn row(&self, table: Table, id: &[u8]) -> RowKey {
        let rest = [&[table as u8], id].concat();
        let name: Key<RowsKey> =
            kdf::derive_key(label::VAULT_ROWS, Input { ikm: &[self.rows.expose_secret()], salt: &[], rest: &rest });
        *name.expose_secret()
    }

    /// Seals a record for its row.
    pub fn seal<T: Record>(&self, record: &T, rng: &mut impl CryptoRng) -> (RowKey, Vec<u8>) {
        let row = self.row(T::TABLE, &record.id());
        let mut nonce = [0; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let mut plain = Vec::with_capacity(value_bytes(record).saturating_add(aead::TAG_BYTES));
        append_value(&mut plain, record);
        aead::encrypt_random(&self.records, &nonce, &additional_data(T::TABLE, &row), &mut plain);
        (row, [nonce.as_slice(), &plain].concat())
    }

    /// Opens what a row holds.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn open<T: Record>(&self, row: &RowKey, sealed: &[u8]) -> Result<T, RecordError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(RecordError::Damaged)?;
        // Wiped when it goes: most records hold secrets.
        let mut plain = Zeroizing::new(sealed.to_vec());
        aead::decrypt_random(&self.records, nonce, &additional_data(T::TABLE, row), &mut plain)
            .map_err(|_| RecordError::Damaged)?;
        from_value(&plain)
    }
}

/// How long the value of a record is: its version, then itself.
pub(crate) fn value_bytes<T: Record>(record: &T) -> usize {
    record.tls_serialized_len().saturating_add(1)
}

/// Writes the value of a record, in clear.
pub(crate) fn append_value<T: Record>(to: &mut Vec<u8>, record: &T) {
    to.push(RECORD_VERSION);
    codec::append(to, record);
}

/// The record of a value.
///
/// # Errors
/// [`RecordError`].
pub(crate) fn from_value<T: Record>(value: &[u8]) -> Result<T, RecordError> {
    match value.split_first() {
        Some((&RECORD_VERSION, value)) => codec::decode(value).map_err(|_| RecordError::Damaged),
        Some(_) => Err(RecordError::Newer),
        None => Err(RecordError::Damaged),
    }
}

fn additional_data(table: Table, row: &RowKey) -> Vec<u8> {
    [&[table as u8], row.as_slice()].concat()
}

/// Secret bytes inside a record, at most 1 MiB; wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

const SECRET_BYTES: usize = 1_048_576;

impl Secret {
    /// Takes a copy; the caller wipes its own.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The secret bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl codec::Size for Secret {
    fn tls_serialized_len(&self) -> usize {
        self.0.len().saturating_add(3)
    }
}

impl Serialize for Secret {
    fn tls_serialize<W: std::io::Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        let copy = codec::Bytes::<SECRET_BYTES>::new(self.0.to_vec());
        let copy = copy.map_err(|_| tls_codec::Error::InvalidVectorLength)?;
        let written = copy.tls_serialize(writer);
        copy.into_vec().zeroize();
        written
    }
}

impl Deserialize for Secret {
    fn tls_deserialize<R: std::io::Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        codec::Bytes::<SECRET_BYTES>::tls_deserialize(reader).map(|bytes| Self(Zeroizing::new(bytes.into_vec())))
    }
}

/// Yes or no, as one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, codec::TlsSerialize, codec::TlsDeserialize, codec::TlsSize)]
#[repr(u8)]
pub enum Flag {
    /// No.
    No = 0,
    /// Yes.
    Yes = 1,
}

impl From<bool> for Flag {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Flag {
    /// As a `bool`.
    #[must_use]
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }
}
