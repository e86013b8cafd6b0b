use lightproof_wire::{
    codec::Bytes,
    command::MailboxKind,
    prekey::{PrekeyBundle, PrekeyId, PrekeyKind, PublishedPrekey},
    refusal::Refusal,
    time::Day,
};

use super::{LIMITS, TODAY, creation, hash, run, sweep};
use crate::{
    limits::{Limits, Space},
    mailbox, prekeys,
    store::{RuleError, Store, conformance::on_every_store, look},
};

const REFUSED: RuleError = RuleError::Refused(Refusal::Refused);

fn prekey(kind: PrekeyKind, id: u32, not_after: Day) -> PublishedPrekey {
    PublishedPrekey { kind, id: PrekeyId(id), not_after, sealed: Bytes::new(vec![1; 6_500]).unwrap() }
}

fn one_time(ids: std::ops::Range<u32>) -> Vec<PublishedPrekey> {
    ids.map(|id| prekey(PrekeyKind::OneTime, id, TODAY.plus(30))).collect()
}

async fn doorbell(store: &dyn Store, kind: MailboxKind) {
    run(store, move |rows| mailbox::create(rows, creation(1, 2, kind), TODAY, &LIMITS)).await.unwrap();
}

async fn publish(store: &dyn Store, prekeys: Vec<PublishedPrekey>) -> Result<(), RuleError> {
    publish_signed(store, 7, prekeys, &LIMITS).await
}

async fn publish_signed(
    store: &dyn Store,
    id: u32,
    prekeys: Vec<PublishedPrekey>,
    limits: &'static Limits,
) -> Result<(), RuleError> {
    let signed = prekey(PrekeyKind::Signed, id, TODAY.plus(30));
    run(store, move |rows| prekeys::publish(rows, hash(1), signed, prekeys, TODAY, limits)).await
}

async fn take(store: &dyn Store, day: Day) -> Result<PrekeyBundle, RuleError> {
    run(store, move |rows| prekeys::take(rows, hash(2), day, &LIMITS)).await
}

fn id(bundle: &PrekeyBundle) -> Option<u32> {
    bundle.one_time.as_ref().map(|prekey| prekey.id.0)
}

#[tokio::test]
async fn each_one_time_prekey_is_given_once_even_when_published_again() {
    on_every_store(async |store| {
        let store = store.as_ref();
        doorbell(store, MailboxKind::Doorbell).await;
        assert_eq!(take(store, TODAY).await, Err(REFUSED), "nothing published");
        publish(store, one_time(0..3)).await.unwrap();
        assert_eq!(id(&take(store, TODAY).await.unwrap()), Some(0));
        publish(store, one_time(0..3)).await.unwrap();
        assert_eq!(id(&take(store, TODAY).await.unwrap()), Some(1));
        assert_eq!(id(&take(store, TODAY).await.unwrap()), Some(2));
        let without = take(store, TODAY).await.unwrap();
        assert_eq!((id(&without), without.signed.id.0), (None, 7));
        let other = vec![prekey(PrekeyKind::OneTime, 0, TODAY.plus(29))];
        assert_eq!(publish(store, other).await, Err(REFUSED), "another prekey under an old number");
    })
    .await;
}

#[tokio::test]
async fn beyond_twenty_a_day_bundles_come_without() {
    on_every_store(async |store| {
        let store = store.as_ref();
        doorbell(store, MailboxKind::Doorbell).await;
        publish(store, one_time(0..50)).await.unwrap();
        for _ in 0..20 {
            assert!(take(store, TODAY).await.unwrap().one_time.is_some());
        }
        assert_eq!(take(store, TODAY).await.unwrap().one_time, None);
        assert_eq!(id(&take(store, TODAY.plus(1)).await.unwrap()), Some(20));
        let withheld = look(store, |rows| prekeys::without_one_time(rows, &hash(2), TODAY.plus(1))).unwrap();
        assert_eq!((withheld.signed.id.0, withheld.one_time), (7, None));
    })
    .await;
}

#[tokio::test]
async fn expired_prekeys_are_neither_served_nor_counted_and_go() {
    on_every_store(async |store| {
        let store = store.as_ref();
        doorbell(store, MailboxKind::Doorbell).await;
        let mut mixed = one_time(0..2);
        mixed.push(prekey(PrekeyKind::OneTime, 9, TODAY));
        publish(store, mixed).await.unwrap();
        let count = |day| look(store, |rows| prekeys::count(rows, hash(1), day)).unwrap();
        let ids = |ids: &[u32]| ids.iter().copied().map(PrekeyId).collect::<Vec<_>>();
        assert_eq!(count(TODAY), (Some(TODAY.plus(30)), ids(&[0, 1, 9])));
        assert_eq!(count(TODAY.plus(1)), (Some(TODAY.plus(30)), ids(&[0, 1])));
        assert_eq!(id(&take(store, TODAY.plus(1)).await.unwrap()), Some(0));
        assert_eq!(count(TODAY.plus(31)), (None, Vec::new()));
        assert_eq!(take(store, TODAY.plus(31)).await, Err(REFUSED));
        sweep(store, TODAY.plus(31)).await;
        assert_eq!(count(TODAY), (None, Vec::new()));
    })
    .await;
}

#[tokio::test]
async fn a_full_stock_lets_the_oldest_go() {
    on_every_store(async |store| {
        let store = store.as_ref();
        doorbell(store, MailboxKind::Doorbell).await;
        publish(store, one_time(0..50)).await.unwrap();
        publish(store, one_time(100..150)).await.unwrap();
        let stock = look(store, |rows| prekeys::count(rows, hash(1), TODAY)).unwrap().1;
        assert_eq!(stock, (100..150).map(PrekeyId).collect::<Vec<_>>());
        assert_eq!(id(&take(store, TODAY).await.unwrap()), Some(100));
    })
    .await;
}

#[tokio::test]
async fn a_disk_without_room_takes_no_new_prekeys_and_serves_those_it_has() {
    const FULL: Limits = Limits { space: Space::None, ..LIMITS };
    on_every_store(async |store| {
        let store = store.as_ref();
        doorbell(store, MailboxKind::Doorbell).await;
        let full = Err(RuleError::Refused(Refusal::QuotaFull));
        assert_eq!(publish_signed(store, 7, Vec::new(), &FULL).await, full, "the first");
        publish(store, one_time(0..3)).await.unwrap();
        assert_eq!(publish_signed(store, 7, one_time(0..3), &FULL).await, Ok(()), "a repeat");
        assert_eq!(publish_signed(store, 7, one_time(0..4), &FULL).await, full);
        assert_eq!(publish_signed(store, 8, one_time(0..3), &FULL).await, full);
        let stock = look(store, |rows| prekeys::count(rows, hash(1), TODAY)).unwrap().1;
        assert_eq!(stock.len(), 3, "nothing was written");
        let given = run(store, move |rows| prekeys::take(rows, hash(2), TODAY, &FULL)).await.unwrap();
        assert_eq!((given.signed.id.0, id(&given)), (7, Some(0)));
    })
    .await;
}

#[tokio::test]
async fn only_doorbells_have_prekeys() {
    on_every_store(async |store| {
        let store = store.as_ref();
        doorbell(store, MailboxKind::Private).await;
        assert_eq!(publish(store, one_time(0..1)).await, Err(REFUSED));
        assert_eq!(take(store, TODAY).await, Err(REFUSED));
    })
    .await;
}
