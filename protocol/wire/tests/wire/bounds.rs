//! Every bound of the language, hit exactly and missed by one.

use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap, ChunkClass},
    capability::right,
    codec::{self, Bytes, DecodeError, Extension, Extensions, List, Text},
    command::Command,
    envelope::Envelope,
    frame::{CommandFrame, RelayFrame},
    id::{ChunkIndex, CommandId},
    limits::{
        BLOB_CHUNKS, BLOB_READERS, CHUNK_BYTES, ENVELOPE_BYTES, EXTENSIONS, ONE_TIME_PREKEYS, SEALED_PREKEY_BYTES,
        WIRE_FRAME_BYTES,
    },
    prekey::{PrekeyId, PrekeyKind, PublishedPrekey, Stock},
    refusal::Refusal,
    reply::Reply,
    suite::SuiteId,
};

use crate::samples::{capability, commands, counted, hash, prekey, pushes, replies};

fn frame(command: Command) -> CommandFrame {
    CommandFrame { id: CommandId(1), command }
}

fn put(chunk_bytes: usize) -> CommandFrame {
    let chunk = Bytes::new(vec![0; chunk_bytes]).unwrap();
    frame(Command::PutChunk { write: capability(0x30), index: ChunkIndex(0), chunk })
}

#[test]
fn the_largest_chunk_fits_a_frame() {
    let largest = put(CHUNK_BYTES).encode();
    assert!(largest.len() <= WIRE_FRAME_BYTES);
    assert!(CommandFrame::decode(&largest).is_ok());
    assert_eq!(Bytes::<CHUNK_BYTES>::new(vec![0; CHUNK_BYTES + 1]).err(), Some(DecodeError::TooLong));
}

#[test]
fn the_largest_publication_fits_a_frame() {
    let full =
        |kind, id| PublishedPrekey { sealed: Bytes::new(vec![0; SEALED_PREKEY_BYTES]).unwrap(), ..prekey(kind, id) };
    let one_time = (1..=50).map(|id| full(PrekeyKind::OneTime, id)).collect();
    let owner = capability(0x10);
    let largest = frame(Command::PublishPrekeys {
        owner,
        signed: full(PrekeyKind::Signed, 0),
        one_time: List::new(one_time).unwrap(),
    });
    assert_eq!(CommandFrame::decode(&largest.encode()), Ok(largest));
}

#[test]
fn a_claimed_length_beyond_its_bound_is_refused_before_it_is_read() {
    let mut bytes = put(0).encode();
    // The length of a chunk is the last field but the chunk: u24.
    let length = bytes.len() - 3;
    let claim = |bytes: &mut Vec<u8>, claimed: usize| {
        bytes.truncate(length);
        bytes.extend_from_slice(&u32::try_from(claimed).unwrap().to_be_bytes()[1..]);
    };
    claim(&mut bytes, CHUNK_BYTES + 1);
    assert_eq!(CommandFrame::decode(&bytes), Err(DecodeError::TooLong));
    claim(&mut bytes, CHUNK_BYTES);
    assert_eq!(CommandFrame::decode(&bytes), Err(DecodeError::Truncated));
}

#[test]
fn a_frame_over_one_mib_and_a_kib_is_not_looked_at() {
    let bytes = vec![0; WIRE_FRAME_BYTES + 1];
    assert_eq!(CommandFrame::decode(&bytes), Err(DecodeError::TooLong));
    assert_eq!(RelayFrame::decode(&bytes), Err(DecodeError::TooLong));
}

#[test]
fn id_zero_is_for_pushes() {
    let bytes = CommandFrame { id: CommandId::PUSH, command: Command::Ping }.encode();
    assert_eq!(CommandFrame::decode(&bytes), Err(DecodeError::Invalid));
}

#[test]
fn every_sample_is_refused_with_one_byte_less_or_more() {
    let commands = commands().into_iter().map(|(_, command)| frame(command).encode());
    for mut bytes in commands {
        bytes.push(0);
        assert_eq!(CommandFrame::decode(&bytes), Err(DecodeError::Trailing));
        bytes.truncate(bytes.len() - 2);
        assert_eq!(CommandFrame::decode(&bytes), Err(DecodeError::Truncated));
    }
    let replies = replies().into_iter().map(|(_, reply)| RelayFrame::Reply(CommandId(1), reply).encode());
    for mut bytes in replies.chain(pushes().into_iter().map(|(_, push)| RelayFrame::Push(push).encode())) {
        bytes.push(0);
        assert_eq!(RelayFrame::decode(&bytes), Err(DecodeError::Trailing));
        bytes.truncate(bytes.len() - 2);
        assert_eq!(RelayFrame::decode(&bytes), Err(DecodeError::Truncated));
    }
}

#[test]
fn an_unknown_verb_is_told_from_a_malformed_one() {
    assert_eq!(CommandFrame::decode(&[0, 0, 0, 1, 99]), Err(DecodeError::Unknown(99)));
    assert_eq!(CommandFrame::decode(&[0, 0, 0, 1, 0]), Err(DecodeError::Unknown(0)));
    assert_eq!(RelayFrame::decode(&[0, 0, 0, 1, 99]), Err(DecodeError::Unknown(99)));
    assert_eq!(RelayFrame::decode(&[0, 0, 0, 0, 99]), Err(DecodeError::Unknown(99)));
    assert_eq!(codec::decode::<SuiteId>(&[2]), Err(DecodeError::Unknown(2)));
}

#[test]
fn lists_hold_what_they_may_and_no_more() {
    let readers = |count: usize| List::<_, BLOB_READERS>::new(vec![hash::<right::Read>(1); count]);
    assert!(readers(BLOB_READERS).is_ok());
    assert_eq!(readers(BLOB_READERS + 1).err(), Some(DecodeError::TooLong));
    let one_time = |count: usize| List::<_, ONE_TIME_PREKEYS>::new(vec![prekey(PrekeyKind::OneTime, 1); count]);
    assert!(one_time(ONE_TIME_PREKEYS).is_ok());
    assert_eq!(one_time(ONE_TIME_PREKEYS + 1).err(), Some(DecodeError::TooLong));
    let claimed = codec::decode::<List<u8, 8>>(&[9, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(claimed.err(), Some(DecodeError::TooLong));
}

#[test]
fn text_is_utf8_within_its_bound() {
    assert!(Text::<4>::new("ééé").is_err());
    assert!(Text::<4>::new("éé").is_ok());
    assert_eq!(codec::decode::<Text<4>>(&[2, 0xc3, 0x28]), Err(DecodeError::Invalid));
}

#[test]
fn an_option_is_absent_or_present_and_nothing_else() {
    assert_eq!(codec::decode::<Option<u8>>(&[0]), Ok(None));
    assert_eq!(codec::decode::<Option<u8>>(&[1, 7]), Ok(Some(7)));
    assert_eq!(codec::decode::<Option<u8>>(&[2, 7]), Err(DecodeError::Invalid));
}

#[test]
fn an_envelope_has_one_size() {
    assert!(Envelope::from_bytes(&counted::<ENVELOPE_BYTES>(0)).is_ok());
    assert_eq!(Envelope::from_bytes(&vec![0; ENVELOPE_BYTES - 1]), Err(DecodeError::Truncated));
    assert_eq!(Envelope::from_bytes(&vec![0; ENVELOPE_BYTES + 1]), Err(DecodeError::Trailing));
}

#[test]
fn a_count_of_prekeys_has_one_size_and_names_what_is_left() {
    let bytes = |left: u32| codec::encode(&Stock::of((1..=left).map(PrekeyId)));
    for left in [0, 1, 49, 50, 51] {
        assert_eq!(bytes(left).len(), 1 + 4 * ONE_TIME_PREKEYS, "{left}");
        let stock: Stock = codec::decode(&bytes(left)).unwrap();
        assert!(stock.ids().eq((1..=left.min(50)).map(PrekeyId)), "{left}");
    }
}

#[test]
fn an_unknown_extension_is_ignored_if_even_and_refused_if_odd() {
    let of = |kind| Extension { kind, data: Bytes::default() };
    assert_eq!(Extensions::new(vec![of(2), of(4)]).unwrap().check_understood(), Ok(()));
    assert_eq!(Extensions::new(vec![of(2), of(5)]).unwrap().check_understood(), Err(DecodeError::Unknown(5)));
    assert_eq!(Extensions::new(vec![of(4), of(2)]), Err(DecodeError::Invalid), "descending");
    assert_eq!(codec::decode::<Extensions>(&[2, 0, 2, 0, 0, 0, 2, 0, 0]), Err(DecodeError::Invalid), "twice");
    let many = |count: usize| (0..count).map(|i| of(u16::try_from(i * 2).unwrap())).collect();
    assert!(Extensions::new(many(EXTENSIONS)).is_ok());
    assert_eq!(Extensions::new(many(EXTENSIONS + 1)), Err(DecodeError::TooLong));
}

#[test]
fn a_bitmap_speaks_of_no_chunk_that_cannot_be() {
    let encoded = |count: u32, bits: &[u8]| {
        let mut bytes = count.to_be_bytes().to_vec();
        bytes.extend_from_slice(&u16::try_from(bits.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(bits);
        codec::decode::<ChunkBitmap>(&bytes)
    };
    assert!(encoded(9, &[0xff, 0x01]).unwrap().is_full());
    assert_eq!(encoded(9, &[0xff, 0x03]), Err(DecodeError::Invalid));
    assert_eq!(encoded(9, &[0xff]), Err(DecodeError::Invalid));
    assert_eq!(encoded(BLOB_CHUNKS + 1, &[0; 8_192]), Err(DecodeError::Invalid));
    assert!(encoded(BLOB_CHUNKS, &[0; 8_192]).is_ok());
}

#[test]
fn a_shape_is_a_class_and_a_padme_number() {
    assert_eq!(BlobShape::new(ChunkClass::Small, 0), Err(DecodeError::Invalid));
    assert_eq!(BlobShape::new(ChunkClass::Small, 17), Err(DecodeError::Invalid));
    assert!(BlobShape::new(ChunkClass::Small, 18).is_ok());
    assert!(BlobShape::new(ChunkClass::Large, BLOB_CHUNKS).is_ok());
    assert_eq!(BlobShape::new(ChunkClass::Large, BLOB_CHUNKS + 1), Err(DecodeError::TooLong));
    assert_eq!(ChunkClass::from_sealed_bytes(65_535), Err(DecodeError::Invalid));
}

#[test]
fn only_a_wait_that_helps_is_named() {
    assert_eq!(Refusal::TooMany { retry_after_ms: 70 }.retry_after_ms(), Some(70));
    assert!(Refusal::Busy.retry_after_ms().is_some());
    for refusal in [Refusal::Malformed, Refusal::Refused, Refusal::QuotaFull, Refusal::TooLarge, Refusal::Internal] {
        assert_eq!(refusal.retry_after_ms(), None);
    }
    assert!(matches!(
        RelayFrame::decode(&[0, 0, 0, 9, 0, 3]),
        Ok(RelayFrame::Reply(CommandId(9), Reply::Refused(Refusal::Refused)))
    ));
}
