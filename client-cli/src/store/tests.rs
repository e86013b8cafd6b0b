//! The suite of every store, and what is this one's own: turns, modes, crashes.

use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use lightproof_core::vault::conformance;

use super::*;

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::create(folder.path().join("home")).unwrap();
    (folder, home)
}

fn put(key: u8, value: &[u8]) -> Batch {
    Batch { put: vec![(Table::Contacts, [key; 32], value.to_vec())], ..Batch::default() }
}

#[tokio::test]
async fn it_keeps_what_a_store_promises() {
    let (_folder, home) = home();
    conformance::check(&RedbStore::of(home, || ()).unwrap()).await;
}

#[tokio::test]
async fn rows_outlive_the_process_and_nobody_else_can_read_them() {
    let (_folder, home) = home();
    let store = RedbStore::of(home.clone(), || ()).unwrap();
    store.commit(put(1, b"alice")).await.unwrap();
    drop(store);
    assert_eq!(home.vault().metadata().unwrap().mode() & 0o777, 0o600);
    let again = RedbStore::of(home, || ()).unwrap();
    assert_eq!(again.get(Table::Contacts, &[1; 32]).await.unwrap().unwrap().value, b"alice");
}

#[tokio::test]
async fn a_vault_that_was_left_is_whole() {
    let (_folder, home) = home();
    let store = RedbStore::of(home.clone(), || ()).unwrap();
    store.commit(put(1, b"alice")).await.unwrap();
    store.leave();
    drop(store);
    // What a process that ends leaves on the disk.
    let (_other_folder, other) = self::home();
    fs::copy(home.vault(), other.vault()).unwrap();
    let again = RedbStore::of(other, || ()).unwrap();
    assert_eq!(again.get(Table::Contacts, &[1; 32]).await.unwrap().unwrap().value, b"alice");
}

#[tokio::test]
async fn two_commands_on_one_home_both_work_and_lose_nothing() {
    let (_folder, home) = home();
    let count = async |store: RedbStore| {
        for _ in 0..20 {
            loop {
                let seen = store.get(Table::Profile, &[0; 32]).await.unwrap();
                let number = seen.as_ref().map_or(0, |row| row.value[0]);
                let batch = Batch {
                    expect: vec![(Table::Profile, [0; 32], seen.map(|row| row.version))],
                    put: vec![(Table::Profile, [0; 32], vec![number + 1])],
                    ..Batch::default()
                };
                match store.commit(batch).await {
                    Ok(()) => break,
                    Err(StoreError::Conflict) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    let (one, two) = (RedbStore::of(home.clone(), || ()).unwrap(), RedbStore::of(home, || ()).unwrap());
    tokio::join!(count(one.clone()), count(two));
    assert_eq!(one.get(Table::Profile, &[0; 32]).await.unwrap().unwrap().value, [40]);
}

#[tokio::test]
async fn an_idle_holder_lets_go_at_once() {
    let (_folder, home) = home();
    let (idle, eager) = (RedbStore::of(home.clone(), || ()).unwrap(), RedbStore::of(home, || ()).unwrap());
    idle.commit(put(1, b"one")).await.unwrap();
    let began = Instant::now();
    eager.commit(put(2, b"two")).await.unwrap();
    // A quarter of the time after which it would have closed by itself.
    assert!(began.elapsed() < IDLE / 2, "{:?}", began.elapsed());
    assert_eq!(idle.scan(Table::Contacts).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_holder_that_does_not_let_go_is_named_and_given_up() {
    let (_folder, home) = home();
    let turns = Turns::of(home.clone()).unwrap();
    let _turn = turns.take(Patience::default(), || ()).unwrap();
    let said = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&said);
    let patience = Patience { silent: Duration::from_millis(20), total: Duration::from_millis(80) };
    let store = RedbStore::with_patience(home, patience, move || {
        heard.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(store.unwrap().scan(Table::Contacts).await, Err(StoreError::Held));
    assert_eq!(said.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_file_that_is_no_vault_is_damaged_and_left_alone() {
    let (_folder, home) = home();
    fs::write(home.vault(), b"my diary, not a database".repeat(400)).unwrap();
    let store = RedbStore::of(home.clone(), || ()).unwrap();
    assert_eq!(store.scan(Table::Contacts).await, Err(StoreError::Damaged));
    assert!(fs::read(home.vault()).unwrap().starts_with(b"my diary"));
}

#[tokio::test]
async fn a_vault_whose_making_was_cut_off_is_begun_anew() {
    let (_folder, home) = home();
    // What a power cut leaves of a file that has its length and nothing else yet.
    fs::write(home.vault().with_extension("new"), [0; 50_000]).unwrap();
    let store = RedbStore::of(home.clone(), || ()).unwrap();
    store.commit(put(1, b"alice")).await.unwrap();
    drop(store);
    let again = RedbStore::of(home.clone(), || ()).unwrap();
    assert_eq!(again.get(Table::Contacts, &[1; 32]).await.unwrap().unwrap().value, b"alice");
    assert!(!home.vault().with_extension("new").exists());
}

#[tokio::test]
async fn a_vault_has_its_name_only_once_it_is_whole() {
    let (_folder, home) = home();
    // It cannot be made where it is made first.
    fs::create_dir(home.vault().with_extension("new")).unwrap();
    let store = RedbStore::of(home.clone(), || ()).unwrap();
    assert_eq!(store.commit(put(1, b"alice")).await, Err(StoreError::Unavailable));
    assert!(!home.vault().exists());
}

/// A send that ran while its home was erased left an empty vault there, which looked like a damaged home.
#[tokio::test]
async fn a_vault_that_was_erased_meanwhile_is_not_made_again() {
    let (_folder, home) = home();
    let maker = RedbStore::of(home.clone(), || ()).unwrap();
    maker.commit(put(1, b"alice")).await.unwrap();
    let opener = RedbStore::of(home.clone(), || ()).unwrap();
    maker.close();
    fs::remove_file(home.vault()).unwrap();
    for store in [maker, opener] {
        assert_eq!(store.scan(Table::Contacts).await, Err(StoreError::Unavailable));
    }
    assert!(!home.vault().exists());
}
