//! The seam to the disk for rows: get, scan, snapshot, and commit a batch that applies whole or not at all.
//!
//! A batch names the versions of the rows it read. If another process was faster, nothing is written and the step runs
//! again: so two processes on one home cannot drift apart. Rows and row names are opaque here; the vault seals both.

/// What a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// How the vault opens: the only rows in clear.
    Header = 1,
    /// Who we are.
    Profile = 2,
    /// People.
    Contacts = 3,
    /// People who wrote for the first time.
    Requests = 4,
    /// Our mailboxes.
    Mailboxes = 5,
    /// Ratchets.
    Sessions = 6,
    /// Secret halves of prekeys.
    Prekeys = 7,
    /// Hellos that were answered.
    Hellos = 8,
    /// Envelopes that were taken.
    Seen = 9,
    /// What people sent and received.
    Messages = 10,
    /// Sends under way: photos being sealed and uploaded.
    Drafts = 11,
    /// Sealed envelopes under way.
    Outbox = 12,
    /// Signed bodies until the peer's ack covers them.
    Bodies = 13,
    /// Envelopes that would not open.
    Aside = 14,
    /// Openings that began.
    Attempts = 15,
    /// Relays.
    Relays = 16,
    /// Frames received: which body stands at which place of a line.
    Frames = 17,
    /// Receipts that are due.
    Receipts = 18,
    /// Signed messages, to be shown to others.
    Signed = 19,
    /// Messages of ours that are being taken back.
    Retracting = 20,
    /// Messages of others that were taken back before they came.
    Retracted = 21,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Header,
        Self::Profile,
        Self::Contacts,
        Self::Requests,
        Self::Mailboxes,
        Self::Sessions,
        Self::Prekeys,
        Self::Hellos,
        Self::Seen,
        Self::Messages,
        Self::Drafts,
        Self::Outbox,
        Self::Bodies,
        Self::Aside,
        Self::Attempts,
        Self::Relays,
        Self::Frames,
        Self::Receipts,
        Self::Signed,
        Self::Retracting,
        Self::Retracted,
    ];
}

/// The name of a row within its table.
pub type RowKey = [u8; 32];

/// A row's age: the number of the commit that wrote it. Never used twice for one row name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// A row as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub key: RowKey,
    /// Its age.
    pub version: Version,
    /// Its sealed value.
    pub value: Vec<u8>,
}

/// What is to be written together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Rows that were read, with the version seen (`None`: absent). Any difference is a conflict.
    pub expect: Vec<(Table, RowKey, Option<Version>)>,
    /// Rows to write.
    pub put: Vec<(Table, RowKey, Vec<u8>)>,
    /// Rows to remove; an absent one is no error.
    pub delete: Vec<(Table, RowKey)>,
}

/// Why a store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process changed a row that this step read: run the step again.
    #[error("another command changed the vault at the same moment")]
    Conflict,
    /// The file is not a vault, or no longer one.
    #[error("the vault is damaged")]
    Damaged,
    /// No room on the disk.
    #[error("the disk is full")]
    Full,
    /// Another process holds the vault and does not let go.
    #[error("another lightproof command holds the vault")]
    Held,
    /// The disk failed.
    #[error("the vault cannot be read or written")]
    Unavailable,
}

/// Keeps rows. One commit is durable, whole and in order, or it did not happen.
pub trait Store {
    /// One row.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&self, table: Table, key: &RowKey) -> impl Future<Output = Result<Option<Row>, StoreError>>;

    /// All rows of a table, in the order of their names.
    ///
    /// # Errors
    /// [`StoreError`].
    fn scan(&self, table: Table) -> impl Future<Output = Result<Vec<Row>, StoreError>>;

    /// All rows of some tables, by table and name, as they were together at one moment between two commits.
    ///
    /// # Errors
    /// [`StoreError`].
    fn snapshot(&self, tables: &[Table]) -> impl Future<Output = Result<Vec<(Table, Row)>, StoreError>>;

    /// Checks every expectation, then writes everything durably. A row put gets a version of its own.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with nothing written, or any other with nothing written.
    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), StoreError>>;
}
