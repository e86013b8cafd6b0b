//! All a client keeps, sealed: what is read and written together is one turn, and a turn happens whole or not at all.
//!
//! ```text
//! let mut turn = vault.turn();              // remembers the age of every row it reads
//! let mut contact = turn.get::<Contact>(id).await?;
//! …                                         // step the copy
//! turn.put(&contact, rng);
//! turn.commit().await?                      // Conflict: another process was faster, run the step again
//! ```

pub mod record;
pub mod store;
pub mod unlock;

pub mod memory;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(test)]
mod tests;

use rand_core::CryptoRng;

use record::{Record, RecordError, VaultKeys};
use store::{Batch, Row, Store, StoreError, Table};
use unlock::{Passphrase, UnlockError};

/// The one row of the header table.
const HEADER_ROW: [u8; 32] = [0; 32];

/// Why the vault could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// There is a vault here already.
    #[error("there is a lightproof home here already")]
    Exists,
    /// There is no vault here.
    #[error("there is no lightproof home here")]
    Missing,
    /// A row is not a record of ours.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The passphrase, or the header.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
}

impl VaultError {
    /// Whether the step should run again: another process was faster.
    #[must_use]
    pub const fn is_conflict(self) -> bool {
        matches!(self, Self::Store(StoreError::Conflict))
    }
}

/// An unlocked vault.
pub struct Vault<S> {
    store: S,
    keys: VaultKeys,
}

impl<S: Store> Vault<S> {
    /// Makes a vault in an empty store, with its first records in the same transaction.
    ///
    /// # Errors
    /// [`VaultError::Exists`], or the store's.
    pub async fn create<R: CryptoRng>(
        store: S,
        passphrase: &Passphrase,
        rng: &mut R,
        fill: impl FnOnce(&mut Turn<'_, S>, &mut R),
    ) -> Result<Self, VaultError> {
        let keys = VaultKeys::generate(rng);
        let header = unlock::lock(&keys, passphrase, rng)?;
        let vault = Self { store, keys };
        let mut turn = vault.turn();
        turn.batch.expect.push((Table::Header, HEADER_ROW, None));
        turn.batch.put.push((Table::Header, HEADER_ROW, header));
        fill(&mut turn, rng);
        match turn.commit().await {
            Ok(()) => Ok(vault),
            Err(VaultError::Store(StoreError::Conflict)) => Err(VaultError::Exists),
            Err(error) => Err(error),
        }
    }

    /// Opens a vault.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Unlock`], or the store's.
    pub async fn open(store: S, passphrase: &Passphrase) -> Result<Self, VaultError> {
        let keys = unlock::unlock(&header(&store).await?.value, passphrase)?;
        Ok(Self { store, keys })
    }

    /// The same vault once more, unlocked already.
    #[must_use]
    pub fn beside(&self, store: S) -> Self {
        Self { store, keys: VaultKeys::from_bytes(self.keys.expose_master()) }
    }

    /// Wraps the same keys for another passphrase.
    ///
    /// # Errors
    /// The store's, or [`UnlockError::Memory`].
    pub async fn change_passphrase(&self, to: &Passphrase, rng: &mut impl CryptoRng) -> Result<(), VaultError> {
        let row = header(&self.store).await?;
        let batch = Batch {
            expect: vec![(Table::Header, HEADER_ROW, Some(row.version))],
            put: vec![(Table::Header, HEADER_ROW, unlock::lock(&self.keys, to, rng)?)],
            delete: Vec::new(),
        };
        Ok(self.store.commit(batch).await?)
    }

    /// Begins a turn.
    pub fn turn(&self) -> Turn<'_, S> {
        Turn { vault: self, batch: Batch::default() }
    }

    /// Reads whole tables as they were together at one moment.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn snapshot(&self, tables: &[Table]) -> Result<Snapshot<'_>, VaultError> {
        Ok(Snapshot { keys: &self.keys, rows: self.store.snapshot(tables).await? })
    }

    /// Reads one record outside any turn, to show or to look.
    ///
    /// # Errors
    /// The store's, or a damaged record.
    pub async fn get<T: Record>(&self, id: &[u8]) -> Result<Option<T>, VaultError> {
        self.turn().get(id).await
    }

    /// Reads all records of a kind outside any turn.
    ///
    /// # Errors
    /// The store's, or a damaged record.
    pub async fn scan<T: Record>(&self) -> Result<Vec<T>, VaultError> {
        self.turn().scan().await
    }
}

/// Whether a store holds a vault, and whether that asks for a passphrase.
///
/// # Errors
/// [`VaultError::Missing`], or the store's.
pub async fn wants_passphrase<S: Store>(store: &S) -> Result<bool, VaultError> {
    Ok(unlock::wants_passphrase(&header(store).await?.value)?)
}

async fn header<S: Store>(store: &S) -> Result<Row, VaultError> {
    store.get(Table::Header, &HEADER_ROW).await?.ok_or(VaultError::Missing)
}

/// Tables as they were together at one moment. The rows stay sealed until each is asked for.
pub(crate) struct Snapshot<'v> {
    keys: &'v VaultKeys,
    rows: Vec<(Table, Row)>,
}

impl Snapshot<'_> {
    /// One record.
    ///
    /// # Errors
    /// A damaged record.
    pub(crate) fn one<T: Record>(&self, id: &[u8]) -> Result<Option<T>, VaultError> {
        let name = self.keys.row(T::TABLE, id);
        let found = self.rows.iter().find(|(table, row)| *table == T::TABLE && row.key == name);
        Ok(found.map(|(_, row)| self.keys.open(&row.key, &row.value)).transpose()?)
    }

    /// All records of a kind.
    pub(crate) fn all<T: Record>(&self) -> impl Iterator<Item = Result<T, VaultError>> {
        let rows = self.rows.iter().filter(|(table, _)| *table == T::TABLE);
        rows.map(|(_, row)| Ok(self.keys.open(&row.key, &row.value)?))
    }
}

/// What is read and written together.
#[must_use = "a turn that is not committed changes nothing"]
pub struct Turn<'v, S> {
    vault: &'v Vault<S>,
    batch: Batch,
}

impl<S: Store> Turn<'_, S> {
    /// Reads one record, as this turn has written it if it has; the turn will only commit if it is still the same.
    ///
    /// # Errors
    /// The store's, or a damaged record.
    pub async fn get<T: Record>(&mut self, id: &[u8]) -> Result<Option<T>, VaultError> {
        let row = self.vault.keys.row(T::TABLE, id);
        if let Some((.., written)) = self.batch.put.iter().find(|(table, key, _)| *table == T::TABLE && *key == row) {
            return Ok(Some(self.vault.keys.open(&row, written)?));
        }
        if self.batch.delete.contains(&(T::TABLE, row)) {
            return Ok(None);
        }
        match self.vault.store.get(T::TABLE, &row).await? {
            Some(found) => self.take(&found).map(Some),
            None => {
                self.batch.expect.push((T::TABLE, row, None));
                Ok(None)
            }
        }
    }

    /// Reads all records of a kind as they are stored, whatever this turn has written; the turn will only commit if they are still the same.
    ///
    /// # Errors
    /// The store's, or a damaged record.
    pub async fn scan<T: Record>(&mut self) -> Result<Vec<T>, VaultError> {
        let rows = self.vault.store.scan(T::TABLE).await?;
        rows.iter().map(|row| self.take(row)).collect()
    }

    fn take<T: Record>(&mut self, row: &Row) -> Result<T, VaultError> {
        self.batch.expect.push((T::TABLE, row.key, Some(row.version)));
        Ok(self.vault.keys.open(&row.key, &row.value)?)
    }

    /// Writes a record with the rest of the turn.
    pub fn put<T: Record>(&mut self, record: &T, rng: &mut impl CryptoRng) {
        let (row, value) = self.vault.keys.seal(record, rng);
        self.batch.put.retain(|(table, key, _)| !(*table == T::TABLE && *key == row));
        self.batch.delete.retain(|gone| *gone != (T::TABLE, row));
        self.batch.put.push((T::TABLE, row, value));
    }

    /// Removes a record with the rest of the turn.
    pub fn delete<T: Record>(&mut self, record: &T) {
        self.delete_id::<T>(&record.id());
    }

    /// Removes a record by its id with the rest of the turn.
    pub fn delete_id<T: Record>(&mut self, id: &[u8]) {
        let row = self.vault.keys.row(T::TABLE, id);
        self.batch.put.retain(|(table, key, _)| !(*table == T::TABLE && *key == row));
        self.batch.delete.push((T::TABLE, row));
    }

    /// Writes everything, durably and together.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with nothing written: run the step again. Or any other of the store's.
    pub async fn commit(self) -> Result<(), VaultError> {
        Ok(self.vault.store.commit(self.batch).await?)
    }
}
