//! A stolen disk, and what programs print.

use lightproof_core::{
    event::Notice,
    vault::store::{Store as _, Table},
};

use super::{NOTE, assert_holds_none, exchange};

#[tokio::test]
async fn the_rows_of_a_home_hold_nothing_in_clear() {
    let (scene, secrets) = exchange().await;
    for person in [&scene.alice, &scene.bob] {
        let mut rows = 0;
        for table in Table::ALL {
            for row in person.store.scan(table).await.unwrap() {
                assert_holds_none("a row", &row.value, &secrets);
                assert_holds_none("the name of a row", &row.key, &secrets);
                rows += 1;
            }
        }
        assert!(rows > 50);
    }
}

#[tokio::test]
async fn sealed_photos_at_rest_hold_nothing_in_clear() {
    use lightproof_core::spool::Spool as _;
    let (scene, secrets) = exchange().await;
    let names = scene.bob.spool.list().await.unwrap();
    assert!(!names.is_empty());
    for name in names {
        let bytes = scene.bob.spool.read(name, 0, 65_536).await.unwrap();
        assert_holds_none("the spool", &bytes, &secrets);
    }
}

#[tokio::test]
async fn what_is_printed_for_programmers_holds_no_content() {
    let (mut scene, secrets) = exchange().await;
    let alice = scene.alice.client.fingerprint();
    let notices = [Notice::Forged(Some(alice)), Notice::NewLine(alice), Notice::Missing { contact: alice, count: 3 }];
    for message in scene.bob.inbox().await {
        for photo in message.photos.iter() {
            let printed = format!("{:?}{:?}", photo.facts.file_key, photo.facts.read);
            assert_holds_none("a printed key", printed.as_bytes(), &secrets);
            assert!(!printed.contains(char::is_numeric), "{printed}");
        }
        assert!(!format!("{message:?}").contains(NOTE), "a printed message");
    }
    assert_holds_none("a printed notice", format!("{notices:?}").as_bytes(), &secrets);
    scene.relay.stop().await;
    let outcome = scene.alice.note("bob", NOTE).await;
    let why = outcome.sent[0].waits.as_ref().unwrap();
    assert_holds_none("an error", format!("{why} {why:?}").as_bytes(), &secrets);
    let error = scene.bob.receive().await.unwrap_err();
    assert_holds_none("an error", format!("{error} {error:?}").as_bytes(), &secrets);
}
