use lightproof_wire::{
    command::MailboxKind, deposit_receipt::DepositPromise, id::Sequence, refusal::Refusal, time::Day,
};

use super::{LIMITS, TODAY, creation, envelope, hash, run, sweep};
use crate::{
    limits::{Limits, Made, Space},
    mailbox::{self, Creation, DropHash},
    scrub::scrub,
    store::{RuleError, Store, Table, conformance::on_every_store, look, memory::MemoryChunks},
};

const REFUSED: RuleError = RuleError::Refused(Refusal::Refused);

async fn create(store: &dyn Store, owner: u8, drop: u8) -> Result<Made, RuleError> {
    let creation = creation(owner, drop, MailboxKind::Private);
    run(store, move |rows| mailbox::create(rows, creation, TODAY, &LIMITS)).await
}

async fn deposit(store: &dyn Store, drop: u8, byte: u8, day: Day) -> Result<DepositPromise, RuleError> {
    let (it, digest) = (envelope(byte), envelope(byte).digest());
    run(store, move |rows| mailbox::deposit(rows, hash(drop), it, digest, day, &LIMITS)).await.map(|it| it.1)
}

async fn ack(store: &dyn Store, owner: u8, sequence: u64) -> Result<(), RuleError> {
    run(store, move |rows| mailbox::ack(rows, hash(owner), Sequence(sequence))).await
}

fn page(store: &dyn Store, owner: u8, after: u64, limit: usize) -> (Vec<u64>, bool) {
    let page = look(store, |rows| mailbox::page(rows, hash(owner), Sequence(after), limit)).unwrap();
    (page.envelopes.iter().map(|it| it.0.0).collect(), page.complete)
}

#[tokio::test]
async fn a_mailbox_is_made_once_and_its_hashes_never_again() {
    on_every_store(async |store| {
        let store = store.as_ref();
        assert_eq!(create(store, 1, 2).await, Ok(Made::Now));
        assert_eq!(create(store, 1, 2).await, Ok(Made::Before));
        assert_eq!(create(store, 1, 3).await, Err(REFUSED), "another drop");
        assert_eq!(create(store, 4, 2).await, Err(REFUSED), "another owner");
        let retire = |owner| run(store, move |rows| mailbox::retire(rows, hash(owner), TODAY, &LIMITS));
        retire(1).await.unwrap();
        retire(1).await.unwrap();
        assert_eq!(retire(9).await, Err(REFUSED), "never was");
        assert_eq!(create(store, 1, 2).await, Err(REFUSED));
        assert_eq!(create(store, 1, 7).await, Err(REFUSED));
        assert_eq!(create(store, 7, 2).await, Err(REFUSED));
        assert_eq!(deposit(store, 2, 0, TODAY).await, Err(REFUSED));
        sweep(store, TODAY.plus(401)).await;
        create(store, 1, 2).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_deposit_is_stored_once_even_after_its_ack() {
    on_every_store(async |store| {
        let store = store.as_ref();
        create(store, 1, 2).await.unwrap();
        let first = deposit(store, 2, 10, TODAY).await.unwrap();
        assert_eq!(first.expires, TODAY.plus(30));
        assert_eq!(deposit(store, 2, 10, TODAY.plus(1)).await.unwrap(), first, "the same receipt");
        deposit(store, 2, 11, TODAY).await.unwrap();
        assert_eq!(page(store, 1, 0, 9), (vec![1, 2], true));
        ack(store, 1, 1).await.unwrap();
        ack(store, 1, 1).await.unwrap();
        assert_eq!(deposit(store, 2, 10, TODAY.plus(30)).await.unwrap(), first);
        assert_eq!(page(store, 1, 0, 9), (vec![2], true));
        assert_eq!(ack(store, 1, 3).await, Err(REFUSED), "not given yet");
        assert_eq!(ack(store, 1, 0).await, Err(REFUSED));
        let acked = run(store, |rows| mailbox::watch(rows, hash(1), TODAY)).await.unwrap();
        assert_eq!(acked, Sequence(1));
        let again = deposit(store, 2, 10, TODAY.plus(31)).await.unwrap();
        assert_ne!(again, first, "the promise had ended");
    })
    .await;
}

#[tokio::test]
async fn a_full_mailbox_refuses_until_something_is_acked_but_knows_what_it_has() {
    on_every_store(async |store| {
        let store = store.as_ref();
        create(store, 1, 2).await.unwrap();
        create(store, 3, 4).await.unwrap();
        for byte in 0..5 {
            deposit(store, 2, byte, TODAY).await.unwrap();
        }
        assert_eq!(deposit(store, 2, 5, TODAY).await, Err(RuleError::Refused(Refusal::QuotaFull)));
        deposit(store, 2, 4, TODAY).await.unwrap();
        deposit(store, 4, 5, TODAY).await.unwrap();
        assert_eq!(page(store, 1, 0, 3), (vec![1, 2, 3], false));
        assert_eq!(page(store, 1, 3, 2), (vec![4, 5], true), "exactly as many as asked for is all");
        ack(store, 1, 2).await.unwrap();
        deposit(store, 2, 5, TODAY).await.unwrap();
        assert_eq!(page(store, 1, 0, 9), (vec![1, 3, 4, 5, 6], true), "no sequence is given twice");
    })
    .await;
}

#[tokio::test]
async fn without_room_what_is_there_gets_its_answer_and_nothing_new_is_taken() {
    const FULL: Limits = Limits { space: Space::None, ..LIMITS };
    on_every_store(async |store| {
        let store = store.as_ref();
        create(store, 1, 2).await.unwrap();
        let receipt = deposit(store, 2, 10, TODAY).await.unwrap();
        let full = RuleError::Refused(Refusal::QuotaFull);
        let create = |owner, drop| {
            let creation = creation(owner, drop, MailboxKind::Private);
            run(store, move |rows| mailbox::create(rows, creation, TODAY, &FULL))
        };
        create(1, 2).await.unwrap();
        assert_eq!(create(3, 4).await, Err(full.clone()));
        let deposit = async |byte| {
            let (it, digest) = (envelope(byte), envelope(byte).digest());
            run(store, move |rows| mailbox::deposit(rows, hash(2), it, digest, TODAY, &FULL)).await.map(|it| it.1)
        };
        assert_eq!(deposit(10).await, Ok(receipt));
        assert_eq!(deposit(11).await, Err(full));
    })
    .await;
}

#[tokio::test]
async fn envelopes_go_after_their_day_and_not_before_and_neighbours_stay() {
    on_every_store(async |store| {
        let store = store.as_ref();
        create(store, 1, 2).await.unwrap();
        for byte in 0..5 {
            deposit(store, 2, byte, TODAY.plus(byte.into())).await.unwrap();
        }
        sweep(store, TODAY.plus(30)).await;
        assert_eq!(page(store, 1, 0, 9).0, vec![1, 2, 3, 4, 5]);
        sweep(store, TODAY.plus(31)).await;
        assert_eq!(page(store, 1, 0, 9).0, vec![2, 3, 4, 5]);
        deposit(store, 2, 9, TODAY.plus(31)).await.unwrap();
        assert_eq!(deposit(store, 2, 8, TODAY).await, Err(RuleError::Refused(Refusal::QuotaFull)));
    })
    .await;
}

/// A receipt for all of an envelope's days was signed shortly before the mailbox went.
#[tokio::test]
async fn no_receipt_promises_a_day_that_the_mailbox_does_not_see() {
    on_every_store(async |store| {
        let store = store.as_ref();
        create(store, 1, 2).await.unwrap();
        let last_day = TODAY.plus(400);
        for (byte, day, expires) in [(1, 370, last_day), (2, 371, last_day), (3, 400, last_day)] {
            sweep(store, TODAY.plus(day)).await;
            assert_eq!(deposit(store, 2, byte, TODAY.plus(day)).await.unwrap().expires, expires);
        }
        sweep(store, last_day).await;
        assert_eq!(page(store, 1, 0, 9).0, vec![1, 2, 3]);
        // Not swept yet.
        let late = last_day.plus(1);
        assert_eq!(deposit(store, 2, 4, late).await.unwrap().expires, late);
        run(store, move |rows| mailbox::watch(rows, hash(1), late)).await.unwrap();
        assert_eq!(deposit(store, 2, 5, late).await.unwrap().expires, late.plus(30), "watched, it lives on");
        sweep(store, late.plus(30)).await;
        assert_eq!(page(store, 1, 0, 9).0, vec![5]);
    })
    .await;
}

fn rows_of(store: &dyn Store, table: Table) -> usize {
    look(store, |rows| Ok(rows.range(table, &[], &[0xff; 100], 999)?)).unwrap().len()
}

#[tokio::test]
async fn a_deposit_is_remembered_to_its_last_day_in_one_entry_a_day() {
    const ROOMY: Limits = Limits { mailbox_envelopes: 99, ..LIMITS };
    on_every_store(async |store| {
        let store = store.as_ref();
        create(store, 1, 2).await.unwrap();
        let before = rows_of(store, Table::Expiry);
        for day in 0..4_u8 {
            for number in 0..9_u8 {
                let it = envelope(10 * day + number);
                let (digest, today) = (it.digest(), TODAY.plus(day.into()));
                let all = run(store, move |rows| mailbox::deposit(rows, hash(2), it, digest, today, &ROOMY)).await;
                all.unwrap();
            }
        }
        assert_eq!(rows_of(store, Table::Expiry), before + 4, "one a day");
        ack(store, 1, 5).await.unwrap();
        for (day, left) in [(30, 36), (31, 27), (33, 9), (34, 0)] {
            sweep(store, TODAY.plus(day)).await;
            assert_eq!(rows_of(store, Table::Deposits), left, "on day {day}");
            let waiting = if left == 36 { 35 } else { left };
            assert_eq!(rows_of(store, Table::Envelopes), waiting, "on day {day}");
            let mailbox = look(store, |rows| mailbox::owned(rows, &hash(1))).unwrap();
            assert_eq!(mailbox.stored_count as usize, waiting, "on day {day}");
        }
        assert_eq!(rows_of(store, Table::Expiry), before);
    })
    .await;
}

#[tokio::test]
async fn what_was_deposited_for_a_shorter_time_goes_on_its_own_day_behind_what_stays() {
    const SHORTER: Limits = Limits { envelope_days: 3, ..LIMITS };
    on_every_store(async |store| {
        let store = store.as_ref();
        create(store, 1, 2).await.unwrap();
        let before = rows_of(store, Table::Expiry);
        for byte in 1..4 {
            deposit(store, 2, byte, TODAY).await.unwrap();
        }
        let (it, digest) = (envelope(4), envelope(4).digest());
        run(store, move |rows| mailbox::deposit(rows, hash(2), it, digest, TODAY, &SHORTER)).await.unwrap();
        deposit(store, 2, 5, TODAY).await.unwrap();
        sweep(store, TODAY.plus(3)).await;
        assert_eq!(page(store, 1, 0, 9).0, vec![1, 2, 3, 4, 5]);
        assert_eq!(sweep(store, TODAY.plus(4)).await.removed_count, 1);
        assert_eq!(page(store, 1, 0, 9).0, vec![1, 2, 3, 5]);
        assert_eq!(look(store, |rows| mailbox::owned(rows, &hash(1))).unwrap().stored_count, 4);
        assert_eq!(rows_of(store, Table::Deposits), 4);
        assert_eq!(rows_of(store, Table::Expiry), before + 1, "what stays is not walked again before its own day");
        sweep(store, TODAY.plus(31)).await;
        assert_eq!(rows_of(store, Table::Envelopes), 0);
    })
    .await;
}

#[tokio::test]
async fn the_memory_of_deposits_outlives_a_retired_mailbox_and_goes_all_the_same() {
    on_every_store(async |store| {
        let store = store.as_ref();
        create(store, 1, 2).await.unwrap();
        deposit(store, 2, 1, TODAY).await.unwrap();
        run(store, |rows| mailbox::retire(rows, hash(1), TODAY, &LIMITS)).await.unwrap();
        assert_eq!(rows_of(store, Table::Deposits), 1);
        sweep(store, TODAY.plus(31)).await;
        assert_eq!(rows_of(store, Table::Deposits), 0);
    })
    .await;
}

/// Whoever makes mailboxes finds such drops, and would have a promise for an envelope that nobody keeps.
#[tokio::test]
async fn the_same_envelope_at_drops_that_begin_alike_is_kept_at_both_and_each_goes_on_its_day() {
    let drop = |last| {
        let mut bytes = [7; 32];
        bytes[31] = last;
        DropHash::from_bytes(bytes)
    };
    on_every_store(async |store| {
        let store = store.as_ref();
        for number in [1, 2] {
            let creation = Creation { drop: drop(number), ..creation(number, 0, MailboxKind::Private) };
            run(store, move |rows| mailbox::create(rows, creation, TODAY, &LIMITS)).await.unwrap();
        }
        let before = rows_of(store, Table::Expiry);
        let deposit = async |number, byte, day: Day| {
            let (it, digest) = (envelope(byte), envelope(byte).digest());
            run(store, move |rows| mailbox::deposit(rows, drop(number), it, digest, day, &LIMITS)).await.unwrap().1
        };
        for byte in [1, 2, 3, 1, 2, 3] {
            let (one, other) = (deposit(1, byte, TODAY).await, deposit(2, byte, TODAY.plus(5)).await);
            assert_eq!((one.drop, other.drop), (drop(1), drop(2)));
        }
        assert_eq!((page(store, 1, 0, 9).0, page(store, 2, 0, 9).0), (vec![1, 2, 3], vec![1, 2, 3]));
        let is_well = || {
            let found = look(store, |rows| scrub(rows, &MemoryChunks::default(), &|| true)).unwrap();
            assert_eq!((found.damaged_rows, found.faults), Default::default());
        };
        is_well();
        for (day, left) in [(30, [3, 3, 6]), (31, [0, 3, 3]), (35, [0, 3, 3]), (36, [0, 0, 0])] {
            sweep(store, TODAY.plus(day)).await;
            let found = [page(store, 1, 0, 9).0.len(), page(store, 2, 0, 9).0.len(), rows_of(store, Table::Deposits)];
            assert_eq!(found, left, "on day {day}");
            is_well();
        }
        assert_eq!(rows_of(store, Table::Expiry), before);
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_lives_400_days_after_its_last_watch() {
    on_every_store(async |store| {
        let store = store.as_ref();
        create(store, 1, 2).await.unwrap();
        let watch = |day| run(store, move |rows| mailbox::watch(rows, hash(1), day));
        sweep(store, TODAY.plus(400)).await;
        watch(TODAY.plus(400)).await.unwrap();
        sweep(store, TODAY.plus(800)).await;
        watch(TODAY.plus(800)).await.unwrap();
        sweep(store, TODAY.plus(1_201)).await;
        assert_eq!(watch(TODAY.plus(1_201)).await, Err(REFUSED));
        let retire = run(store, |rows| mailbox::retire(rows, hash(1), TODAY, &LIMITS)).await;
        assert_eq!(retire, Err(REFUSED), "it expired: no Retire made this tombstone");
    })
    .await;
}
