//! A long history under tmux: ten thousand messages, put into a home as its vault writes them.

use std::path::Path;
use std::time::{Duration, Instant};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use lightproof_core::contact::Contact;
use lightproof_core::e2ee::frame::{LineId, MessageId};
use lightproof_core::message::{Direction, Message, State};
use lightproof_core::vault::Vault;
use lightproof_core::vault::record::Flag;
use lightproof_core::vault::store::{Batch, Row, RowKey, Store, StoreError, Table, Version};
use lightproof_core::vault::unlock::Passphrase;
use lightproof_core::wire::codec::{List, Text};
use lightproof_core::wire::time::Timestamp;
use redb::{Database, ReadableDatabase as _, TableDefinition};

use crate::people::Place;
use crate::tmux::Tmux;

const ROWS: TableDefinition<'_, (u8, &RowKey), (u64, &[u8])> = TableDefinition::new("rows");
const MESSAGES: u64 = 10_000;
/// The year 2026.
const BEGAN_MS: u64 = 1_780_000_000_000;
/// Somebody who presses a key waits no longer than this, on a machine that does much else.
const AT_MOST: Duration = Duration::from_secs(5);

/// The rows of a home that no command uses at the moment.
struct Rows(Database);

impl Store for Rows {
    async fn get(&self, table: Table, key: &RowKey) -> Result<Option<Row>, StoreError> {
        Ok(self.scan(table).await?.into_iter().find(|row| row.key == *key))
    }

    async fn scan(&self, table: Table) -> Result<Vec<Row>, StoreError> {
        let rows = self.0.begin_read().unwrap().open_table(ROWS).unwrap();
        let (first, last) = (RowKey::default(), [u8::MAX; 32]);
        let found = rows.range((table as u8, &first)..=(table as u8, &last)).unwrap().map(|row| {
            let (key, value) = row.unwrap();
            let (version, bytes) = value.value();
            Row { key: *key.value().1, version: Version(version), value: bytes.to_vec() }
        });
        Ok(found.collect())
    }

    async fn snapshot(&self, _tables: &[Table]) -> Result<Vec<(Table, Row)>, StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let transaction = self.0.begin_write().unwrap();
        {
            let mut rows = transaction.open_table(ROWS).unwrap();
            for (table, key, value) in &batch.put {
                rows.insert((*table as u8, key), (1, value.as_slice())).unwrap();
            }
        }
        transaction.commit().unwrap();
        Ok(())
    }
}

/// Everything that was ever written with Bob: each message has its number for a note.
async fn fill(home: &Path) {
    let mut rng = UnwrapErr(SysRng);
    let vault = Vault::open(Rows(Database::open(home.join("vault.redb")).unwrap()), &Passphrase::None).await.unwrap();
    let bob = vault.scan::<Contact>().await.unwrap().remove(0).fingerprint;
    let mut turn = vault.turn();
    for number in 1..=MESSAGES {
        let direction = if number % 2 == 0 { Direction::In } else { Direction::Out };
        let (state, read) = (if number % 2 == 0 { State::Verified } else { State::Viewed }, Flag::Yes);
        turn.put(
            &Message {
                contact: bob,
                direction,
                message_id: MessageId(u128::from(number).to_be_bytes()),
                number,
                line: LineId([1; 8]),
                index: number,
                sent_at: Timestamp(BEGAN_MS + number),
                saved_at: Timestamp(BEGAN_MS + number),
                state,
                read,
                note: Text::new(format!("message {number:05}")).unwrap(),
                blob_relay: Text::default(),
                photos: List::default(),
                delivered_wanted: Flag::No,
                viewed_wanted: Flag::No,
                told: Flag::Yes,
                receipt: None,
                sources: List::default(),
                writes: List::default(),
                view_once: Flag::No,
                retraction: None,
            },
            &mut rng,
        );
        if number % 500 == 0 {
            turn.commit().await.unwrap();
            turn = vault.turn();
        }
    }
}

/// What a key brings to the screen, and how long that took.
fn answers(tmux: &Tmux, keys: &[&str], words: &str) -> Duration {
    let began = Instant::now();
    tmux.press(keys);
    let screen = tmux.shows(words);
    let took = began.elapsed();
    assert!(took < AT_MOST, "{words} after {keys:?} took {took:?}:\n{screen}");
    took
}

#[test]
fn ten_thousand_messages_are_scrolled_without_delay() {
    let place = Place::new();
    let (alice, bob) = (place.person("alice"), place.person("bob"));
    alice.adds(&bob);
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(fill(&place.path("home-alice")));
    let Some(tmux) = Tmux::start(&alice, "long") else { return };
    tmux.types("clear; $L");
    tmux.shows(" connected");
    let shown = tmux.shows("message 10000");
    assert!(shown.contains("> bob "), "{shown}");
    let mut longest = answers(&tmux, &["Enter"], "message 09990");
    let mut go = |keys: &[&str], words: &str| longest = longest.max(answers(&tmux, keys, words));
    go(&["Home"], "message 00001");
    go(&["End"], "message 10000");
    // As from keys that are held down: page by page, eighteen lines each, then line by line.
    go(&["-N", "200", "PageUp"], "message 06401");
    go(&["Home"], "message 00001");
    go(&["-N", "200", "PageDown"], "message 03600");
    go(&["-N", "200", "Down"], "message 03801");
    go(&["End", "Enter"], "unchanged since bob sealed it");
    go(&["Escape"], "message 09990");
    println!("the longest of {MESSAGES} messages' keys took {longest:?}");
}
