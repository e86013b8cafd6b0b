use lightproof_wire::{
    blob::{BlobShape, ChunkClass},
    codec::Text,
    command::{MailboxKind, Readers},
    refusal::Refusal,
    time::Day,
};

use super::{LIMITS, TODAY, hash, run, sweep};
use crate::{
    access::{self, Amount, Terms},
    blob::{self, Opening},
    limits::{Limits, Made, Space},
    mailbox::{self, Creation},
    store::{FileId, RuleError, Store, Table, conformance::on_every_store, look},
};

const REFUSED: RuleError = RuleError::Refused(Refusal::Refused);
const FULL: RuleError = RuleError::Refused(Refusal::QuotaFull);
const CHUNK: u64 = 65_536;
/// Two mailboxes, three chunks.
const QUOTA: Amount = Amount { mailboxes: 2, blob_bytes: 3 * CHUNK };

fn terms(last_day: Option<Day>) -> Terms {
    Terms { note: Text::new("a friend").unwrap(), last_day, quota: QUOTA }
}

async fn issue(store: &dyn Store, access: u8, last_day: Option<Day>) -> Result<u32, RuleError> {
    run(store, move |rows| access::issue(rows, hash(access), terms(last_day), TODAY)).await
}

async fn revoke(store: &dyn Store, number: u32) -> Result<(), RuleError> {
    run(store, move |rows| access::revoke(rows, number)).await
}

/// A mailbox whose hashes are one byte, as the capability that makes it.
async fn create(store: &dyn Store, access: u8, name: u8, day: Day) -> Result<Made, RuleError> {
    let access = Some(hash(access));
    let creation = Creation { owner: hash(name), drop: hash(name), kind: MailboxKind::Private, access };
    run(store, move |rows| mailbox::create(rows, creation, day, &LIMITS)).await
}

fn opening(access: u8, name: u8, count: u32, keep_days: u16) -> Opening {
    let shape = BlobShape::new(ChunkClass::Small, count).unwrap();
    let access = Some(hash(access));
    Opening { write: hash(name), readers: vec![hash(name)], shape, keep_days, file: FileId([name; 16]), access }
}

async fn open(store: &dyn Store, access: u8, name: u8, count: u32) -> Result<Made, RuleError> {
    run(store, move |rows| blob::open(rows, opening(access, name, count, 10), TODAY, &LIMITS)).await
}

fn used(store: &dyn Store, number: u32) -> (u32, u64) {
    let listed = look(store, |rows| access::list(rows)).unwrap();
    let row = listed.readable.into_iter().find(|row| row.number == number).unwrap();
    (row.used.mailboxes, row.used.blob_bytes / CHUNK)
}

#[tokio::test]
async fn only_a_capability_that_was_issued_and_is_not_over_creates() {
    on_every_store(async |store| {
        let store = store.as_ref();
        assert_eq!(issue(store, 1, Some(TODAY.plus(1))).await, Ok(1));
        assert_eq!(issue(store, 2, None).await, Ok(2));
        assert_eq!(issue(store, 2, None).await, Err(REFUSED), "issued before");
        assert_eq!(create(store, 9, 10, TODAY).await, Err(REFUSED), "unknown");
        assert_eq!(open(store, 9, 10, 1).await, Err(REFUSED), "unknown");
        assert_eq!(create(store, 1, 10, TODAY.plus(1)).await, Ok(Made::Now), "its last day");
        assert_eq!(create(store, 1, 11, TODAY.plus(2)).await, Err(REFUSED), "over");
        assert_eq!(create(store, 2, 11, TODAY.plus(2)).await, Ok(Made::Now));
        revoke(store, 2).await.unwrap();
        assert_eq!(revoke(store, 2).await, Err(REFUSED));
        assert_eq!(create(store, 2, 12, TODAY).await, Err(REFUSED), "revoked");
        assert_eq!(open(store, 2, 12, 1).await, Err(REFUSED), "revoked");
        assert_eq!(issue(store, 3, None).await, Ok(3), "no number is given twice");
        look(store, |rows| mailbox::owned(rows, &hash(11))).expect("what it had made stays");
        assert_eq!(look(store, |rows| Ok(rows.range(Table::Mailboxes, &[], &[0xff; 33], 9)?)).unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_quota_counts_what_is_there_and_nothing_twice() {
    on_every_store(async |store| {
        let store = store.as_ref();
        issue(store, 1, None).await.unwrap();
        assert_eq!(create(store, 1, 10, TODAY).await, Ok(Made::Now));
        assert_eq!(create(store, 1, 10, TODAY).await, Ok(Made::Before));
        assert_eq!(open(store, 1, 20, 2).await, Ok(Made::Now));
        assert_eq!(open(store, 1, 20, 2).await, Ok(Made::Before));
        assert_eq!(used(store, 1), (1, 2));
        assert_eq!(create(store, 1, 11, TODAY).await, Ok(Made::Now));
        assert_eq!(create(store, 1, 12, TODAY).await, Err(FULL));
        assert_eq!(open(store, 1, 21, 2).await, Err(FULL));
        assert_eq!(open(store, 1, 21, 1).await, Ok(Made::Now), "one chunk is left");
        assert_eq!(create(store, 1, 10, TODAY).await, Ok(Made::Before), "answered as before");
        assert_eq!(used(store, 1), (2, 3), "what was refused is not counted");
        run(store, |rows| mailbox::retire(rows, hash(10), TODAY, &LIMITS)).await.unwrap();
        let revoke =
            move |rows: &mut dyn crate::store::RowsMut| blob::revoke(rows, hash(20), Readers::All, TODAY, &LIMITS);
        run(store, revoke).await.unwrap();
        assert_eq!(used(store, 1), (1, 1), "given back");
        assert_eq!(create(store, 1, 12, TODAY).await, Ok(Made::Now));
        sweep(store, TODAY.plus(2)).await;
        assert_eq!(used(store, 1), (2, 0), "the upload that never began");
        sweep(store, TODAY.plus(401)).await;
        assert_eq!(used(store, 1), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_revoked_capability_prolongs_nothing_but_its_commands_get_their_answers() {
    on_every_store(async |store| {
        let store = store.as_ref();
        issue(store, 1, None).await.unwrap();
        create(store, 1, 10, TODAY).await.unwrap();
        open(store, 1, 20, 1).await.unwrap();
        revoke(store, 1).await.unwrap();
        assert_eq!(create(store, 1, 10, TODAY).await, Ok(Made::Before));
        assert_eq!(open(store, 1, 20, 1).await, Ok(Made::Before));
        let longer = run(store, |rows| blob::open(rows, opening(1, 20, 1, 11), TODAY, &LIMITS)).await;
        assert_eq!(longer, Err(REFUSED));
        assert_eq!(look(store, |rows| blob::written(rows, &hash(20))).unwrap().expires, TODAY.plus(10));
        sweep(store, TODAY.plus(401)).await;
        assert_eq!(look(store, |rows| Ok(rows.range(Table::Mailboxes, &[], &[0xff; 33], 9)?)).unwrap(), vec![]);
    })
    .await;
}

#[tokio::test]
async fn a_refused_creation_has_charged_nobody() {
    const NO_ROOM: Limits = Limits { space: Space::None, ..LIMITS };
    on_every_store(async |store| {
        let store = store.as_ref();
        issue(store, 1, None).await.unwrap();
        create(store, 1, 10, TODAY).await.unwrap();
        let refused = run(store, |rows| blob::open(rows, opening(1, 20, 1, 10), TODAY, &NO_ROOM)).await;
        assert_eq!(refused, Err(FULL));
        let taken = Creation { owner: hash(11), drop: hash(10), kind: MailboxKind::Private, access: Some(hash(1)) };
        assert_eq!(run(store, move |rows| mailbox::create(rows, taken, TODAY, &LIMITS)).await, Err(REFUSED));
        assert_eq!(used(store, 1), (1, 0));
    })
    .await;
}

async fn flip(store: &dyn Store, table: Table) {
    run(store, move |rows| {
        let (key, mut value) = rows.range(table, &[], &[0xff; 100], 9)?.remove(0);
        value[40] ^= 1;
        Ok(rows.put(table, &key, &value)?)
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_damaged_row_of_one_capability_blocks_nobody_else_and_what_it_made_still_ends() {
    on_every_store(async |store| {
        let store = store.as_ref();
        issue(store, 1, None).await.unwrap();
        create(store, 1, 10, TODAY).await.unwrap();
        open(store, 1, 20, 1).await.unwrap();
        flip(store, Table::Access).await;
        assert_eq!(create(store, 1, 11, TODAY).await, Err(RuleError::Damaged), "closed");
        assert_eq!(issue(store, 2, None).await, Ok(2));
        assert_eq!(create(store, 2, 11, TODAY).await, Ok(Made::Now));
        let listed = look(store, |rows| access::list(rows)).unwrap();
        assert_eq!((listed.readable.len(), listed.damaged_count), (1, 1));
        run(store, |rows| mailbox::retire(rows, hash(10), TODAY, &LIMITS)).await.unwrap();
        assert_eq!(sweep(store, TODAY.plus(2)).await.files, vec![FileId([20; 16])]);
        assert_eq!(used(store, 2), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn what_a_damaged_blob_was_charged_is_given_back_when_it_goes() {
    on_every_store(async |store| {
        let store = store.as_ref();
        issue(store, 1, None).await.unwrap();
        open(store, 1, 20, 2).await.unwrap();
        create(store, 1, 10, TODAY).await.unwrap();
        flip(store, Table::Blobs).await;
        assert_eq!(sweep(store, TODAY.plus(2)).await.damaged_count, 1);
        assert_eq!(used(store, 1), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn damaged_totals_keep_nothing_that_is_over() {
    on_every_store(async |store| {
        let store = store.as_ref();
        issue(store, 1, None).await.unwrap();
        open(store, 1, 20, 2).await.unwrap();
        run(store, |rows| Ok(rows.put(Table::Totals, &[0], &[7; 50])?)).await.unwrap();
        assert_eq!(open(store, 1, 21, 1).await, Err(RuleError::Damaged), "closed");
        let swept = sweep(store, TODAY.plus(2)).await;
        assert_eq!((swept.files, swept.damaged_count), (vec![FileId([20; 16])], 0));
    })
    .await;
}
