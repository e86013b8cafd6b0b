//! One example of everything that goes over the wire, built from counted bytes so that anybody can build it again.

use ed25519_dalek::SigningKey;
use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap, ChunkClass},
    capability::{Capability, CapabilityHash, right::Right},
    codec::{Bytes, Extension, Extensions, List, Text},
    command::{Command, MailboxKind, Readers},
    deposit_receipt::{DepositPromise, DepositReceipt, ReceiptKey},
    envelope::Envelope,
    id::{ChunkIndex, MailboxHandle, Sequence},
    prekey::{PrekeyBundle, PrekeyId, PrekeyKind, PublishedPrekey, Stock},
    refusal::Refusal,
    reply::{BlobState, Delivery, Policy, Push, RelayLimits, Reply, Welcome},
    time::Day,
};

/// `first`, `first + 1`, … mod 256.
pub(crate) fn counted<const N: usize>(first: u8) -> [u8; N] {
    core::array::from_fn(|i| first.wrapping_add(u8::try_from(i % 256).unwrap()))
}

pub(crate) fn capability<R: Right>(first: u8) -> Capability<R> {
    Capability::from_bytes(counted(first))
}

pub(crate) fn hash<R: Right>(first: u8) -> CapabilityHash<R> {
    capability(first).hash()
}

pub(crate) fn envelope() -> Envelope {
    Envelope::from_bytes(&counted::<16_000>(0)).unwrap()
}

pub(crate) fn prekey(kind: PrekeyKind, id: u32) -> PublishedPrekey {
    PublishedPrekey {
        kind,
        id: PrekeyId(id),
        not_after: Day(20_790),
        sealed: Bytes::new(counted::<40>(0x50).to_vec()).unwrap(),
    }
}

pub(crate) fn receipt_key() -> SigningKey {
    SigningKey::from_bytes(&counted(0x60))
}

pub(crate) fn deposit_receipt() -> DepositReceipt {
    let promise =
        DepositPromise { envelope: envelope().digest(), drop: hash(0x20), day: Day(20_760), expires: Day(20_790) };
    promise.sign(&receipt_key())
}

fn shape() -> BlobShape {
    BlobShape::new(ChunkClass::Small, 18).unwrap()
}

fn bitmap() -> ChunkBitmap {
    let mut bitmap = ChunkBitmap::empty(18);
    for index in [0, 1, 9, 17] {
        bitmap.insert(ChunkIndex(index));
    }
    bitmap
}

pub(crate) fn commands() -> Vec<(&'static str, Command)> {
    let (owner, drop, write, read) = (0x10, 0x20, 0x30, 0x40);
    let one_time = List::new(vec![prekey(PrekeyKind::OneTime, 2), prekey(PrekeyKind::OneTime, 3)]).unwrap();
    vec![
        (
            "create_mailbox",
            Command::CreateMailbox { owner: hash(owner), drop: hash(drop), kind: MailboxKind::Doorbell, access: None },
        ),
        (
            "create_mailbox_access",
            Command::CreateMailbox {
                owner: hash(owner),
                drop: hash(drop),
                kind: MailboxKind::Private,
                access: Some(capability(0x70)),
            },
        ),
        ("watch", Command::Watch { owner: capability(owner), handle: MailboxHandle(7) }),
        ("ack", Command::Ack { handle: MailboxHandle(7), sequence: Sequence(0x0102_0304_0506_0708) }),
        ("retire", Command::Retire { owner: capability(owner) }),
        ("deposit", Command::Deposit { drop: capability(drop), envelope: envelope() }),
        (
            "publish_prekeys",
            Command::PublishPrekeys { owner: capability(owner), signed: prekey(PrekeyKind::Signed, 1), one_time },
        ),
        ("count_prekeys", Command::CountPrekeys { owner: capability(owner) }),
        ("take_prekeys", Command::TakePrekeys { drop: capability(drop) }),
        (
            "open_blob",
            Command::OpenBlob {
                write: hash(write),
                readers: List::new(vec![hash(read), hash(0x41)]).unwrap(),
                shape: shape(),
                keep_days: 37,
                access: Some(capability(0x70)),
            },
        ),
        (
            "put_chunk",
            Command::PutChunk {
                write: capability(write),
                index: ChunkIndex(17),
                chunk: Bytes::new(counted::<64>(0x80).to_vec()).unwrap(),
            },
        ),
        ("blob_status", Command::BlobStatus { write: capability(write) }),
        ("commit_blob", Command::CommitBlob { write: capability(write) }),
        ("revoke_blob_one", Command::RevokeBlob { write: capability(write), readers: Readers::One(hash(read)) }),
        ("revoke_blob_all", Command::RevokeBlob { write: capability(write), readers: Readers::All }),
        ("get_chunk", Command::GetChunk { read: capability(read), index: ChunkIndex(17) }),
        ("release_blob", Command::ReleaseBlob { read: capability(read) }),
        ("ping", Command::Ping),
    ]
}

pub(crate) fn refusals() -> Vec<(&'static str, Refusal)> {
    vec![
        ("malformed", Refusal::Malformed),
        ("unsupported", Refusal::Unsupported),
        ("refused", Refusal::Refused),
        ("quota_full", Refusal::QuotaFull),
        ("too_large", Refusal::TooLarge),
        ("too_many", Refusal::TooMany { retry_after_ms: 1_500 }),
        ("busy", Refusal::Busy),
        ("superseded", Refusal::Superseded),
        ("internal", Refusal::Internal),
    ]
}

pub(crate) fn replies() -> Vec<(&'static str, Reply)> {
    let signed = prekey(PrekeyKind::Signed, 1);
    let one_time = Some(prekey(PrekeyKind::OneTime, 2));
    vec![
        ("created", Reply::Created),
        ("watching", Reply::Watching { highest_acked: Sequence(41) }),
        ("done", Reply::Done),
        ("deposited", Reply::Deposited(deposit_receipt())),
        ("count", Reply::Count { signed_not_after: Some(Day(20_790)), one_time: Stock::of((2..51).map(PrekeyId)) }),
        ("count_none", Reply::Count { signed_not_after: None, one_time: Stock::of([]) }),
        ("bundle", Reply::Bundle(PrekeyBundle { signed: signed.clone(), one_time })),
        ("bundle_without_one_time", Reply::Bundle(PrekeyBundle { signed, one_time: None })),
        ("opened", Reply::Opened),
        ("blob_uploading", Reply::Blob(BlobState::Uploading(bitmap()))),
        ("blob_committed", Reply::Blob(BlobState::Committed)),
        ("chunk", Reply::Chunk(Bytes::new(counted::<64>(0x80).to_vec()).unwrap())),
        ("pong", Reply::Pong),
    ]
}

pub(crate) fn welcome() -> Welcome {
    Welcome {
        versions: List::new(vec![1]).unwrap(),
        receipt_key: ReceiptKey(receipt_key().verifying_key().to_bytes()),
        limits: RelayLimits {
            envelope_bytes: 16_000,
            chunk_bytes: 1_048_576,
            blob_bytes: 4_294_967_296,
            envelope_days: 30,
            blob_days: 45,
            mailbox_days: 400,
            mailbox_envelopes: 2_000,
            doorbell_envelopes: 128,
        },
        policy: Policy::Open,
        day: Day(20_760),
        notice: Text::new("maintenance on Sunday").unwrap(),
        operator: Text::new("relay@example.org").unwrap(),
        extensions: Extensions::default(),
    }
}

pub(crate) fn pushes() -> Vec<(&'static str, Push)> {
    let extension = Extension { kind: 2, data: Bytes::new(vec![0xee; 3]).unwrap() };
    let extended =
        Welcome { policy: Policy::Access, extensions: Extensions::new(vec![extension]).unwrap(), ..welcome() };
    let delivery =
        Delivery { handle: MailboxHandle(7), sequence: Sequence(42), envelope: envelope(), day: Day(20_760) };
    vec![
        ("welcome", Push::Welcome(welcome())),
        ("welcome_extended", Push::Welcome(extended)),
        ("delivery", Push::Delivery(delivery)),
        ("caught_up", Push::CaughtUp(MailboxHandle(7))),
        ("superseded", Push::Superseded(MailboxHandle(7))),
    ]
}
