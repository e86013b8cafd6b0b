//! A bit that flips on disk is found, and never delivered as good.

use lightproof_wire::{command::MailboxKind, id::Sequence};

use super::{LIMITS, TODAY, creation, envelope, hash, run, sweep};
use crate::{
    mailbox,
    store::{RuleError, Store, Table, conformance::on_every_store, look},
};

async fn flip(store: &dyn Store, table: Table, which: usize, byte: usize) {
    run(store, move |rows| {
        let (key, mut value) = rows.range(table, &[], &[0xff; 100], 9)?.remove(which);
        value[byte] ^= 0x10;
        Ok(rows.put(table, &key, &value)?)
    })
    .await
    .unwrap();
}

async fn filled(store: &dyn Store) {
    let creation = creation(1, 2, MailboxKind::Private);
    run(store, move |rows| mailbox::create(rows, creation, TODAY, &LIMITS)).await.unwrap();
    for byte in 0..3 {
        let (it, digest) = (envelope(byte), envelope(byte).digest());
        run(store, move |rows| mailbox::deposit(rows, hash(2), it, digest, TODAY, &LIMITS)).await.unwrap();
    }
}

#[tokio::test]
async fn a_flipped_envelope_is_skipped_and_counted_and_expires() {
    on_every_store(async |store| {
        let store = store.as_ref();
        filled(store).await;
        for byte in [0, 31, 32, 39, 40, 71, 72, 16_071] {
            flip(store, Table::Envelopes, 1, byte).await;
            let page = look(store, |rows| mailbox::page(rows, hash(1), Sequence(0), 9)).unwrap();
            assert_eq!(page.envelopes.iter().map(|it| it.0.0).collect::<Vec<_>>(), vec![1, 3]);
            assert_eq!((page.damaged_count, page.end, page.complete), (1, Sequence(3), true));
            flip(store, Table::Envelopes, 1, byte).await;
        }
        flip(store, Table::Envelopes, 1, 39).await;
        let swept = sweep(store, TODAY.plus(31)).await;
        assert_eq!(swept.damaged_count, 1);
        assert_eq!(look(store, |rows| mailbox::owned(rows, &hash(1))).unwrap().stored_count, 0);
    })
    .await;
}

#[tokio::test]
async fn two_rows_that_are_swapped_are_found() {
    on_every_store(async |store| {
        let store = store.as_ref();
        filled(store).await;
        run(store, |rows| {
            let found = rows.range(Table::Envelopes, &[], &[0xff; 100], 9)?;
            rows.put(Table::Envelopes, &found[0].0, &found[1].1)?;
            Ok(rows.put(Table::Envelopes, &found[1].0, &found[0].1)?)
        })
        .await
        .unwrap();
        let page = look(store, |rows| mailbox::page(rows, hash(1), Sequence(0), 9)).unwrap();
        assert_eq!((page.envelopes.len(), page.damaged_count), (1, 2));
    })
    .await;
}

/// Every byte of it: its hash is short.
#[tokio::test]
async fn a_flipped_memory_of_a_deposit_promises_nothing() {
    on_every_store(async |store| {
        let store = store.as_ref();
        filled(store).await;
        for byte in 0..12 {
            flip(store, Table::Deposits, 1, byte).await;
            let mut refused = Vec::new();
            for byte in 0..3 {
                let (it, digest) = (envelope(byte), envelope(byte).digest());
                let again = run(store, move |rows| mailbox::deposit(rows, hash(2), it, digest, TODAY, &LIMITS));
                refused.extend(again.await.err());
            }
            assert_eq!(refused, [RuleError::Damaged], "byte {byte}");
            flip(store, Table::Deposits, 1, byte).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_flipped_mailbox_serves_nobody_and_changes_nothing() {
    on_every_store(async |store| {
        let store = store.as_ref();
        filled(store).await;
        flip(store, Table::Mailboxes, 0, 40).await;
        let watched = run(store, |rows| mailbox::watch(rows, hash(1), TODAY)).await;
        assert_eq!(watched, Err(RuleError::Damaged));
        let (it, digest) = (envelope(9), envelope(9).digest());
        let deposited = run(store, move |rows| mailbox::deposit(rows, hash(2), it, digest, TODAY, &LIMITS)).await;
        assert_eq!(deposited.map(|_| ()), Err(RuleError::Damaged));
        assert_eq!(look(store, |rows| Ok(rows.range(Table::Envelopes, &[], &[0xff; 100], 9)?)).unwrap().len(), 3);
    })
    .await;
}
