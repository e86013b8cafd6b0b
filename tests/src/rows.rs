//! Rows of a relay as the relay reads them.

use lightproof_relay::{
    access::AccessRow,
    blob::{BlobRow, ReaderRow, UploadRow},
    calendar::CalendarRow,
    mailbox::{DepositRow, DropRow, EnvelopeRow, MailboxRow},
    prekeys::{GoneRow, PrekeyRow},
    store::{Table, row},
    tombstone::Tombstone,
    totals::TotalsRow,
};

/// Whether a relay would take a row for one of its own. The index of what expires has no values: it is a hint.
#[must_use]
pub fn is_believed(table: Table, key: &[u8], value: &[u8]) -> bool {
    match table {
        Table::Access => row::open::<AccessRow>(table, key, value).is_ok(),
        Table::Blobs => row::open::<BlobRow>(table, key, value).is_ok(),
        Table::Calendar => row::open::<CalendarRow>(table, key, value).is_ok(),
        Table::Deposits => row::open::<DepositRow>(table, key, value).is_ok(),
        Table::Drops => row::open::<DropRow>(table, key, value).is_ok(),
        Table::Envelopes => row::open::<EnvelopeRow>(table, key, value).is_ok(),
        Table::Expiry => false,
        Table::Mailboxes => row::open::<MailboxRow>(table, key, value).is_ok(),
        Table::Prekeys => {
            row::open::<PrekeyRow>(table, key, value).is_ok() || row::open::<GoneRow>(table, key, value).is_ok()
        }
        Table::Readers => row::open::<ReaderRow>(table, key, value).is_ok(),
        Table::Tombstones => row::open::<Tombstone>(table, key, value).is_ok(),
        Table::Totals => row::open::<TotalsRow>(table, key, value).is_ok(),
        Table::Uploads => row::open::<UploadRow>(table, key, value).is_ok(),
    }
}
