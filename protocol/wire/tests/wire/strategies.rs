//! Every value that goes over the wire, drawn at random.

use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap},
    capability::{Capability, CapabilityHash, right::Right},
    codec::{Bytes, Extension, Extensions, List, Text},
    command::{Command, MailboxKind, Readers},
    deposit_receipt::{DepositPromise, DepositReceipt, ReceiptKey},
    envelope::Envelope,
    hash::Digest,
    id::{ChunkIndex, CommandId, MailboxHandle, Sequence},
    limits::{NOTICE_BYTES, OPERATOR_BYTES},
    prekey::{PrekeyBundle, PrekeyId, PrekeyKind, PublishedPrekey, Stock},
    refusal::Refusal,
    reply::{BlobState, Delivery, Policy, Push, RelayLimits, Reply, Welcome},
    time::Day,
};
use proptest::{collection::vec, option, prelude::*, strategy::Union};

use crate::samples::{receipt_key, refusals};

fn capability<R: Right>() -> impl Strategy<Value = Capability<R>> {
    any::<[u8; 32]>().prop_map(Capability::from_bytes)
}

fn hash<R: Right>() -> impl Strategy<Value = CapabilityHash<R>> {
    any::<[u8; 32]>().prop_map(CapabilityHash::from_bytes)
}

fn bytes<const MAX: usize>(most: usize) -> impl Strategy<Value = Bytes<MAX>> {
    vec(any::<u8>(), 0..=most).prop_map(|bytes| Bytes::new(bytes).unwrap())
}

fn text<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    ".{0,60}".prop_map(|text| Text::new(text).unwrap())
}

fn envelope() -> impl Strategy<Value = Envelope> {
    any::<[u8; 32]>().prop_map(|pattern| {
        let bytes: Vec<u8> = pattern.iter().copied().cycle().take(16_000).collect();
        Envelope::from_bytes(&bytes).unwrap()
    })
}

fn prekey() -> impl Strategy<Value = PublishedPrekey> {
    let kind = prop_oneof![Just(PrekeyKind::Signed), Just(PrekeyKind::OneTime)];
    (kind, any::<u32>(), any::<u32>(), bytes(300)).prop_map(|(kind, id, day, sealed)| PublishedPrekey {
        kind,
        id: PrekeyId(id),
        not_after: Day(day),
        sealed,
    })
}

fn shape() -> impl Strategy<Value = BlobShape> {
    (0..(1_u64 << 34)).prop_map(|length| BlobShape::for_length(length).unwrap())
}

fn bitmap() -> impl Strategy<Value = ChunkBitmap> {
    (0..200_u32, vec(0..200_u32, 0..40)).prop_map(|(count, indices)| {
        let mut bitmap = ChunkBitmap::empty(count);
        indices.into_iter().for_each(|index| bitmap.insert(ChunkIndex(index)));
        bitmap
    })
}

fn mailbox_commands() -> Vec<BoxedStrategy<Command>> {
    let kind = prop_oneof![Just(MailboxKind::Doorbell), Just(MailboxKind::Private)];
    vec![
        (hash(), hash(), kind, option::of(capability()))
            .prop_map(|(owner, drop, kind, access)| Command::CreateMailbox { owner, drop, kind, access })
            .boxed(),
        (capability(), any::<u32>())
            .prop_map(|(owner, handle)| Command::Watch { owner, handle: MailboxHandle(handle) })
            .boxed(),
        (any::<u32>(), any::<u64>())
            .prop_map(|(handle, sequence)| Command::Ack { handle: MailboxHandle(handle), sequence: Sequence(sequence) })
            .boxed(),
        capability().prop_map(|owner| Command::Retire { owner }).boxed(),
        (capability(), envelope()).prop_map(|(drop, envelope)| Command::Deposit { drop, envelope }).boxed(),
        (capability(), prekey(), vec(prekey(), 0..4))
            .prop_map(|(owner, signed, one_time)| Command::PublishPrekeys {
                owner,
                signed,
                one_time: List::new(one_time).unwrap(),
            })
            .boxed(),
        capability().prop_map(|owner| Command::CountPrekeys { owner }).boxed(),
        capability().prop_map(|drop| Command::TakePrekeys { drop }).boxed(),
    ]
}

fn blob_commands() -> Vec<BoxedStrategy<Command>> {
    let readers = prop_oneof![hash().prop_map(Readers::One), Just(Readers::All)];
    vec![
        (hash(), vec(hash(), 0..5), shape(), any::<u16>(), option::of(capability()))
            .prop_map(|(write, readers, shape, keep_days, access)| Command::OpenBlob {
                write,
                readers: List::new(readers).unwrap(),
                shape,
                keep_days,
                access,
            })
            .boxed(),
        (capability(), any::<u32>(), bytes(500))
            .prop_map(|(write, index, chunk)| Command::PutChunk { write, index: ChunkIndex(index), chunk })
            .boxed(),
        capability().prop_map(|write| Command::BlobStatus { write }).boxed(),
        capability().prop_map(|write| Command::CommitBlob { write }).boxed(),
        (capability(), readers).prop_map(|(write, readers)| Command::RevokeBlob { write, readers }).boxed(),
        (capability(), any::<u32>())
            .prop_map(|(read, index)| Command::GetChunk { read, index: ChunkIndex(index) })
            .boxed(),
        capability().prop_map(|read| Command::ReleaseBlob { read }).boxed(),
        Just(Command::Ping).boxed(),
    ]
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    let mut all = mailbox_commands();
    all.extend(blob_commands());
    Union::new(all)
}

pub(crate) fn command_id() -> impl Strategy<Value = CommandId> {
    (1..=u32::MAX).prop_map(CommandId)
}

fn refusal() -> impl Strategy<Value = Refusal> {
    let coded: Vec<Refusal> = refusals().into_iter().map(|(_, refusal)| refusal).collect();
    prop_oneof![
        proptest::sample::select(coded),
        any::<u32>().prop_map(|retry_after_ms| Refusal::TooMany { retry_after_ms })
    ]
}

fn deposit_receipt() -> impl Strategy<Value = DepositReceipt> {
    (any::<[u8; 32]>(), hash(), any::<u32>(), any::<u32>()).prop_map(|(envelope, drop, day, expires)| {
        let promise =
            DepositPromise { envelope: Digest::from_bytes(envelope), drop, day: Day(day), expires: Day(expires) };
        promise.sign(&receipt_key())
    })
}

pub(crate) fn reply() -> impl Strategy<Value = Reply> {
    let bundle = (prekey(), option::of(prekey())).prop_map(|(signed, one_time)| PrekeyBundle { signed, one_time });
    let state = prop_oneof![bitmap().prop_map(BlobState::Uploading), Just(BlobState::Committed)];
    prop_oneof![
        refusal().prop_map(Reply::Refused),
        proptest::sample::select(vec![Reply::Created, Reply::Done, Reply::Opened, Reply::Pong]),
        any::<u64>().prop_map(|highest| Reply::Watching { highest_acked: Sequence(highest) }),
        deposit_receipt().prop_map(Reply::Deposited),
        (option::of(any::<u32>()), vec(any::<u32>(), 0..=50)).prop_map(|(day, ids)| Reply::Count {
            signed_not_after: day.map(Day),
            one_time: Stock::of(ids.into_iter().map(PrekeyId)),
        }),
        bundle.prop_map(Reply::Bundle),
        state.prop_map(Reply::Blob),
        bytes(500).prop_map(Reply::Chunk),
    ]
}

fn extensions() -> impl Strategy<Value = Extensions> {
    let extension = (any::<u16>(), bytes(20)).prop_map(|(kind, data)| Extension { kind, data });
    proptest::collection::btree_map(any::<u16>(), extension, 0..4).prop_map(|by_kind| {
        let ascending = by_kind.into_iter().map(|(kind, extension)| Extension { kind, ..extension });
        Extensions::new(ascending.collect()).unwrap()
    })
}

fn limits() -> impl Strategy<Value = RelayLimits> {
    (any::<[u32; 4]>(), any::<u64>(), any::<[u16; 3]>()).prop_map(|(counts, blob_bytes, days)| {
        let (
            [envelope_bytes, chunk_bytes, mailbox_envelopes, doorbell_envelopes],
            [envelope_days, blob_days, mailbox_days],
        ) = (counts, days);
        RelayLimits {
            envelope_bytes,
            chunk_bytes,
            blob_bytes,
            envelope_days,
            blob_days,
            mailbox_days,
            mailbox_envelopes,
            doorbell_envelopes,
        }
    })
}

fn welcome() -> impl Strategy<Value = Welcome> {
    let policy = prop_oneof![Just(Policy::Open), Just(Policy::Access)];
    let words = (text::<NOTICE_BYTES>(), text::<OPERATOR_BYTES>());
    (vec(any::<u16>(), 0..=8), any::<[u8; 32]>(), limits(), policy, any::<u32>(), words, extensions()).prop_map(
        |(versions, receipt_key, limits, policy, day, (notice, operator), extensions)| Welcome {
            versions: List::new(versions).unwrap(),
            receipt_key: ReceiptKey(receipt_key),
            limits,
            policy,
            day: Day(day),
            notice,
            operator,
            extensions,
        },
    )
}

pub(crate) fn push() -> impl Strategy<Value = Push> {
    let delivery =
        (any::<u32>(), any::<u64>(), envelope(), any::<u32>()).prop_map(|(handle, sequence, envelope, day)| Delivery {
            handle: MailboxHandle(handle),
            sequence: Sequence(sequence),
            envelope,
            day: Day(day),
        });
    prop_oneof![
        welcome().prop_map(Push::Welcome),
        delivery.prop_map(Push::Delivery),
        any::<u32>().prop_map(|handle| Push::CaughtUp(MailboxHandle(handle))),
        any::<u32>().prop_map(|handle| Push::Superseded(MailboxHandle(handle))),
    ]
}
