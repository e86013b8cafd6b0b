//! One suite for every [`Store`]: what the vault relies on, called by the tests of each implementation.

use super::store::{Batch, Store, StoreError, Table, Version};

const A: [u8; 32] = [0xaa; 32];
const B: [u8; 32] = [0xbb; 32];

fn put(table: Table, key: [u8; 32], value: &[u8]) -> Batch {
    Batch { put: vec![(table, key, value.to_vec())], ..Batch::default() }
}

async fn version<S: Store>(store: &S, table: Table, key: [u8; 32]) -> Option<Version> {
    store.get(table, &key).await.ok().flatten().map(|row| row.version)
}

/// Runs the suite on an empty store.
///
/// # Panics
/// Where the store breaks a promise.
pub async fn check<S: Store>(store: &S) {
    assert_eq!(store.get(Table::Contacts, &A).await, Ok(None), "an absent row is no error");
    assert_eq!(store.commit(put(Table::Contacts, A, b"one")).await, Ok(()));
    let first = version(store, Table::Contacts, A).await;
    assert!(first.is_some(), "a row that was put is there");
    assert_eq!(version(store, Table::Sessions, A).await, None, "tables are apart");

    assert_eq!(store.commit(put(Table::Contacts, A, b"two")).await, Ok(()));
    let second = version(store, Table::Contacts, A).await;
    assert_ne!(first, second, "a row that was put again has another version");

    let mut stale = put(Table::Contacts, B, b"never");
    stale.expect.push((Table::Contacts, A, first));
    stale.delete.push((Table::Contacts, A));
    assert_eq!(store.commit(stale).await, Err(StoreError::Conflict), "a stale read is a conflict");
    assert_eq!(version(store, Table::Contacts, B).await, None, "a conflict writes nothing");
    assert_eq!(version(store, Table::Contacts, A).await, second, "a conflict removes nothing");

    let mut fresh = put(Table::Contacts, B, b"three");
    fresh.expect.push((Table::Contacts, A, second));
    fresh.expect.push((Table::Contacts, B, None));
    assert_eq!(store.commit(fresh).await, Ok(()), "a fresh read is none");
    let keys = store.scan(Table::Contacts).await.map(|rows| rows.into_iter().map(|row| row.key).collect::<Vec<_>>());
    assert_eq!(keys, Ok(vec![A, B]), "a scan is in the order of names");

    assert_eq!(store.commit(put(Table::Sessions, B, b"four")).await, Ok(()));
    let rows = store.snapshot(&[Table::Contacts, Table::Header, Table::Sessions]).await;
    let names = rows.map(|rows| rows.into_iter().map(|(table, row)| (table, row.key)).collect::<Vec<_>>());
    let expected = vec![(Table::Contacts, A), (Table::Contacts, B), (Table::Sessions, B)];
    assert_eq!(names, Ok(expected), "a snapshot is the scans of its tables, one after the other");

    let gone = Batch { delete: vec![(Table::Contacts, A), (Table::Contacts, A)], ..Batch::default() };
    assert_eq!(store.commit(gone.clone()).await, Ok(()));
    assert_eq!(store.commit(gone).await, Ok(()), "removing what is gone is no error");
    assert_eq!(store.commit(put(Table::Contacts, A, b"two")).await, Ok(()));
    assert_ne!(
        version(store, Table::Contacts, A).await,
        second,
        "a version never returns, not even with the same value"
    );
    let large = vec![7; 300_000];
    assert_eq!(store.commit(put(Table::Messages, A, &large)).await, Ok(()));
    let back = store.get(Table::Messages, &A).await.ok().flatten().map(|row| row.value);
    assert_eq!(back, Some(large), "a large row comes back whole");
}
