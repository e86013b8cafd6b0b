//! Typed rows, each under a SHA-256 of its own: a flipped bit on disk is found when the row is read.
//!
//! Value on disk = SHA-256(table u8 || key length u16 || key || head) || head || bulk, where the head of a row with bulk
//! holds the bulk's own SHA-256: what a stranger's command was hashed for already is not hashed again. Of the first hash
//! some tables keep the beginning.

use lightproof_wire::{
    codec::{self, Deserialize, Serialize},
    hash::{Digest, Hasher},
};

use super::{LAST_KEY, Rows, RowsMut, RuleError, StoreUnavailable, Table};

/// A kind of row, its table and its key.
pub trait Row: Serialize + Deserialize {
    /// Where it lies.
    const TABLE: Table;
    /// What it lies under; encoded, its order is the order of the table.
    type Key: Serialize;

    /// Whether the bulk is what its head says.
    fn is_whole(&self) -> bool {
        true
    }
}

/// Reads a row and checks its hash.
///
/// # Errors
/// [`RuleError::Damaged`] if it is not as it was written.
pub fn load<R: Row>(rows: &dyn Rows, key: &R::Key) -> Result<Option<R>, RuleError> {
    let key = codec::encode(key);
    rows.get(R::TABLE, &key)?.map(|value| open(R::TABLE, &key, &value)).transpose()
}

/// Writes a row with its hash.
///
/// # Errors
/// [`StoreUnavailable`]: the disk's fault.
pub fn save<R: Row>(rows: &mut dyn RowsMut, key: &R::Key, row: &R) -> Result<(), StoreUnavailable> {
    let key = codec::encode(key);
    let mut value = vec![0; R::TABLE.hash_bytes()];
    codec::append(&mut value, row);
    let (hash, body) = value.split_at_mut(R::TABLE.hash_bytes());
    let computed = digest(R::TABLE, &key, head(R::TABLE, body));
    hash.iter_mut().zip(computed.as_bytes()).for_each(|(to, from)| *to = *from);
    rows.put(R::TABLE, &key, &value)
}

/// Removes a row unseen; whether there was one.
///
/// # Errors
/// [`StoreUnavailable`]: the disk's fault.
pub fn remove<R: Row>(rows: &mut dyn RowsMut, key: &R::Key) -> Result<bool, StoreUnavailable> {
    rows.remove(R::TABLE, &codec::encode(key))
}

/// Opens a value that came out of a range.
///
/// # Errors
/// [`RuleError::Damaged`] if it is not as it was written.
pub fn open<R: Row>(table: Table, key: &[u8], value: &[u8]) -> Result<R, RuleError> {
    let (written, body) = value.split_at_checked(table.hash_bytes()).ok_or(RuleError::Damaged)?;
    if !digest(table, key, head(table, body)).as_bytes().starts_with(written) {
        return Err(RuleError::Damaged);
    }
    let row: R = codec::decode(body).map_err(|_| RuleError::Damaged)?;
    if row.is_whole() { Ok(row) } else { Err(RuleError::Damaged) }
}

/// Opens a value that came without its bulk, as its head alone.
///
/// # Errors
/// As [`open`].
pub fn open_head<H: Deserialize>(table: Table, key: &[u8], value: &[u8]) -> Result<H, RuleError> {
    let (written, head) = value.split_at_checked(table.hash_bytes()).ok_or(RuleError::Damaged)?;
    if !digest(table, key, head).as_bytes().starts_with(written) {
        return Err(RuleError::Damaged);
    }
    codec::decode(head).map_err(|_| RuleError::Damaged)
}

/// The first key after all that begin with `prefix`.
#[must_use]
pub fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return end;
        }
    }
    LAST_KEY.to_vec()
}

fn head(table: Table, body: &[u8]) -> &[u8] {
    body.get(..body.len().saturating_sub(table.bulk_bytes())).unwrap_or_default()
}

fn digest(table: Table, key: &[u8], head: &[u8]) -> Digest {
    let mut hasher = Hasher::bare();
    hasher.update(&[table as u8]);
    hasher.update(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
    hasher.update(key);
    hasher.update(head);
    hasher.finish()
}
