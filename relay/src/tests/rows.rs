//! Rows as they lie on disk: `docs/spec/rows.md` by its frozen examples.

use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap, ChunkClass},
    codec::{Bytes, List, Text},
    command::MailboxKind,
    hash::Digest,
    id::{ChunkIndex, Sequence},
    prekey::{PrekeyId, PrekeyKind, PublishedPrekey},
    time::Day,
};

use super::{TODAY, envelope, hash, run};
use crate::{
    access::{AccessRow, Amount, Terms},
    blob::{BlobRow, Phase, Reader, ReaderRow, Reading, UploadRow},
    calendar::{CalendarRow, Doubted},
    expire::{self, MailKey, Perishable},
    mailbox::{DepositKey, DepositRow, DropRow, EnvelopeHead, EnvelopeKey, EnvelopeRow, MailboxRow},
    prekeys::{GoneRow, Place, PrekeyKey, PrekeyRow},
    store::{FileId, RowsMut, StoreUnavailable, Table, look, memory::MemoryStore, row},
    tombstone::{self, Cause, Right, Tombstone, TombstoneKey},
    totals::TotalsRow,
};

const LATER: Day = Day(TODAY.0 + 30);
const DIGEST: Digest = Digest::from_bytes([9; 32]);

fn mailbox_rows(rows: &mut dyn RowsMut) -> Result<(), StoreUnavailable> {
    let mailbox = MailboxRow {
        drop: hash(2),
        kind: MailboxKind::Doorbell,
        access: Some(hash(7)),
        last_watch: TODAY,
        highest_acked: Sequence(1),
        highest_given: Sequence(2),
        stored_count: 1,
        taken_on: TODAY,
        taken_count: 3,
    };
    row::save(rows, &hash(1), &mailbox)?;
    row::save(rows, &hash(2), &DropRow { owner: hash(1) })?;
    let place = EnvelopeKey { owner: hash(1), sequence: Sequence(2) };
    let (envelope, digest) = (envelope(5), envelope(5).digest());
    row::save(rows, &place, &EnvelopeRow { head: EnvelopeHead { day: TODAY, expires: LATER, digest }, envelope })?;
    let key = DepositKey::new(&hash(2), &DIGEST);
    row::save(rows, &key, &DepositRow { day: TODAY, expires: LATER })?;
    let key = |place, id| PrekeyKey { owner: hash(1), place, id: PrekeyId(id) };
    let prekey = PublishedPrekey {
        kind: PrekeyKind::Signed,
        id: PrekeyId(4),
        not_after: LATER,
        sealed: Bytes::new(vec![8; 3]).unwrap(),
    };
    row::save(rows, &key(Place::Signed, 0), &PrekeyRow { prekey, until: LATER })?;
    row::save(rows, &key(Place::Gone, 6), &GoneRow { published: DIGEST, until: LATER })
}

fn blob_rows(rows: &mut dyn RowsMut) -> Result<(), StoreUnavailable> {
    let readers = vec![Reader { hash: hash(4), reading: Reading::Open }];
    let blob = BlobRow {
        file: FileId([6; 16]),
        shape: BlobShape::new(ChunkClass::Small, 10).unwrap(),
        access: None,
        phase: Phase::Uploading,
        expires: LATER,
        readers: List::new(readers).unwrap(),
    };
    row::save(rows, &hash(3), &blob)?;
    row::save(rows, &hash(4), &ReaderRow { write: hash(3) })?;
    let mut synced = ChunkBitmap::empty(10);
    synced.insert(ChunkIndex(8));
    row::save(rows, &hash(3), &UploadRow { touched: TODAY, synced })
}

fn other_rows(rows: &mut dyn RowsMut) -> Result<(), StoreUnavailable> {
    let key = TombstoneKey { right: Right::Read, hash: [4; 32] };
    tombstone::set(rows, key, Tombstone { cause: Cause::Released, parent: [3; 32], until: LATER })?;
    expire::remember(rows, LATER, &Perishable::Mailbox(hash(1)))?;
    expire::remember_mail(rows, LATER, MailKey { drop: hash(2), owner: hash(1) })?;
    let doubted = Some(Doubted { since: LATER.plus(1), last: LATER.plus(2) });
    row::save(rows, &0, &CalendarRow { believed: TODAY, doubted })?;
    row::save(rows, &0, &TotalsRow { reserved_bytes: 655_360, access_number: 12 })?;
    let quota = Amount { mailboxes: 100, blob_bytes: 1 << 30 };
    let terms = Terms { note: Text::new("a friend").unwrap(), last_day: Some(LATER), quota };
    let used = Amount { mailboxes: 1, blob_bytes: 655_360 };
    row::save(rows, &hash(7), &AccessRow { number: 12, issued: TODAY, terms, used })
}

/// A value over 8,192 bytes is given by its SHA-256.
fn shown(value: &[u8]) -> String {
    if value.len() > 8_192 {
        format!("sha256:{}", hex::encode(Digest::of(value).as_bytes()))
    } else {
        hex::encode(value)
    }
}

#[tokio::test]
async fn every_kind_of_row_lies_on_disk_as_its_page_says() {
    let store = MemoryStore::default();
    run(&store, |rows| {
        mailbox_rows(rows)?;
        blob_rows(rows)?;
        Ok(other_rows(rows)?)
    })
    .await
    .unwrap();
    let mut found = String::new();
    for table in Table::ALL {
        let rows = look(&store, |rows| Ok(rows.range(table, &[], &[0xff; 100], 9)?)).unwrap();
        assert!(!rows.is_empty(), "{table:?} has no example");
        for (number, (key, value)) in rows.iter().enumerate() {
            let name = format!("{}.{}", table.name(), number + 1);
            found += &format!("{name}.key = {}\n", hex::encode(key));
            if !value.is_empty() {
                found += &format!("{name}.value = {}\n", shown(value));
            }
        }
    }
    let page = include_str!("../../../docs/spec/vectors/rows.txt");
    let wanted: String = page.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert!(found == wanted, "rows.txt is not what is stored:\n{found}");
}
