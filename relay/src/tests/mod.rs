//! The rules, over every store, and the machine of one connection.

mod access;
mod backup;
mod blob;
mod bulk;
mod calendar;
mod compact;
mod damage;
mod deadlines;
mod leave;
mod mailbox;
mod peer;
mod prekeys;
mod rates;
mod ready;
mod refused;
mod room;
mod rows;
mod scrub;
mod shown;
mod slow;
mod upgrade;
mod upload;

use lightproof_wire::{capability::CapabilityHash, command::MailboxKind, envelope::Envelope, limits, time::Day};

use crate::{
    limits::{Limits, Space},
    mailbox::Creation,
    store::{RowsMut, RuleError, Store, commit},
};

const TODAY: Day = Day(20_000);

const LIMITS: Limits = Limits {
    envelope_days: 30,
    blob_days: 45,
    mailbox_days: 400,
    tombstone_days: 400,
    upload_idle_days: 3,
    mailbox_envelopes: 5,
    doorbell_envelopes: 2,
    blob_bytes: 1 << 30,
    blob_space_bytes: 1 << 20,
    one_time_prekeys_a_day: limits::ONE_TIME_PREKEYS_A_DAY,
    space: Space::ForEverybody,
};

fn hash<R>(byte: u8) -> CapabilityHash<R> {
    CapabilityHash::from_bytes([byte; 32])
}

/// A mailbox nobody is charged for.
fn creation(owner: u8, drop: u8, kind: MailboxKind) -> Creation {
    Creation { owner: hash(owner), drop: hash(drop), kind, access: None }
}

fn envelope(byte: u8) -> Envelope {
    Envelope::from_bytes(&[byte; limits::ENVELOPE_BYTES]).unwrap()
}

async fn run<T: Send + 'static>(
    store: &dyn Store,
    rule: impl FnOnce(&mut dyn RowsMut) -> Result<T, RuleError> + Send + 'static,
) -> Result<T, RuleError> {
    commit(store, rule).await.map(crate::store::Durable::into_inner)
}

async fn sweep(store: &dyn Store, today: Day) -> crate::expire::Swept {
    let mut all = crate::expire::Swept::default();
    loop {
        let swept = run(store, move |rows| crate::expire::sweep(rows, today, &LIMITS, 2)).await.unwrap();
        all.files.extend(swept.files);
        all.damaged_count += swept.damaged_count;
        all.removed_count += swept.removed_count;
        if swept.is_complete {
            return all;
        }
    }
}
