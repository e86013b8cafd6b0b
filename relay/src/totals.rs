//! What is counted over all rows, in a row of its own.

use lightproof_wire::codec::{TlsDeserialize, TlsSerialize, TlsSize};

use crate::store::{Table, row::Row};

/// What is counted over all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct TotalsRow {
    /// Sealed bytes reserved by all blobs.
    pub reserved_bytes: u64,
    /// The highest number ever given to an access capability.
    pub access_number: u32,
}

impl Row for TotalsRow {
    const TABLE: Table = Table::Totals;
    type Key = u8;
}
