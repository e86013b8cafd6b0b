#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use lightproof_wire::{
    blob::BlobShape,
    codec::{Bytes, Extension, List},
};
use proptest::{collection::vec, option, prelude::*, sample::Index};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

use super::*;
use crate::{
    blob::FileKey,
    manifest::{MediaType, NAME_BYTES, NOTE_BYTES, PHOTOS, Photo, THUMBHASH_BYTES, Treatment},
    receipt::{NAMED_MESSAGES, ReceiptKind},
};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn alice() -> IdentityKeyPair {
    IdentityKeyPair::from_seeds(&[1; 64])
}

fn bob() -> IdentityKeyPair {
    IdentityKeyPair::from_seeds(&[2; 64])
}

fn text<const MAX: usize>(length: usize) -> Text<MAX> {
    Text::new("x".repeat(length)).unwrap()
}

fn photo(number: u8, length_bytes: u64) -> Photo {
    let shape = BlobShape::for_length(length_bytes).unwrap();
    Photo {
        treatment: Treatment::Compressed,
        media_type: MediaType::Jpeg,
        width: 4_000,
        height: 3_000,
        length_bytes,
        digest: Digest::of(&[number]),
        source_commitment: Digest::of(&[number, 1]),
        thumbhash: Bytes::new(vec![number; 25]).unwrap(),
        name: Text::new("harbour at dawn.jpg").unwrap(),
        read: Capability::from_bytes([number; 32]),
        file_key: FileKey::from_bytes(&[number; 32]),
        chunk_bytes: shape.class().sealed_bytes(),
        chunk_count: shape.count(),
    }
}

fn manifest(photos: Vec<Photo>) -> Manifest {
    Manifest {
        note: Text::new("for you").unwrap(),
        blob_relay: if photos.is_empty() { Text::default() } else { Text::new("wss://relay.example.org/").unwrap() },
        photos: List::new(photos).unwrap(),
        delivered_wanted: true,
        viewed_wanted: false,
        expire_after_view: false,
    }
}

fn frame(content: Content) -> Frame {
    Frame {
        sender: alice().fingerprint(),
        recipient: bob().fingerprint(),
        message_id: MessageId([3; 16]),
        line: LineId([4; 8]),
        index: 1,
        previous: NO_FRAME,
        sent_at: Timestamp(1_795_000_000_000),
        ack: LineAck::default(),
        reply: None,
        card: None,
        content,
        extensions: Extensions::default(),
    }
}

fn message() -> Frame {
    frame(Content::Manifest(manifest(vec![photo(1, 100_000)])))
}

fn encode(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode_to(&mut bytes);
    bytes
}

/// Everything as long as it may be.
fn longest() -> Frame {
    let photos = (1..=16).map(|number| Photo {
        name: text(NAME_BYTES),
        thumbhash: Bytes::new(vec![9; 32]).unwrap(),
        ..photo(number, 1 << 30)
    });
    let manifest =
        Manifest { note: text(NOTE_BYTES), blob_relay: text(RELAY_LINK_BYTES), ..manifest(photos.collect()) };
    Frame {
        reply: Some(Reply { drop: Capability::from_bytes([5; 32]), relay: text(RELAY_LINK_BYTES) }),
        card: Some(DoorbellChange { drop: Capability::from_bytes([6; 32]), relay: text(RELAY_LINK_BYTES) }),
        ..frame(Content::Manifest(manifest))
    }
}

#[test]
fn the_longest_note_with_sixteen_photos_reply_and_card_fits_an_envelope() {
    let body = sign(&longest(), &alice(), &mut rng()).unwrap();
    assert!(body.as_bytes().len() <= BODY_MAX_BYTES);
    let verified = verify(body.as_bytes(), alice().public(), &bob().fingerprint()).unwrap();
    assert_eq!(verified.into_frame(), longest());
}

#[test]
fn one_byte_more_of_any_field_is_refused() {
    assert!(Text::<NOTE_BYTES>::new("x".repeat(NOTE_BYTES + 1)).is_err());
    assert!(Text::<NAME_BYTES>::new("x".repeat(NAME_BYTES + 1)).is_err());
    assert!(Text::<RELAY_LINK_BYTES>::new("x".repeat(RELAY_LINK_BYTES + 1)).is_err());
    assert!(Bytes::<THUMBHASH_BYTES>::new(vec![0; THUMBHASH_BYTES + 1]).is_err());
    assert!(List::<Photo, PHOTOS>::new((0..17).map(|number| photo(number, 1)).collect()).is_err());
    assert!(List::<MessageId, NAMED_MESSAGES>::new(vec![MessageId([0; 16]); NAMED_MESSAGES + 1]).is_err());
}

#[test]
fn extensions_may_fill_the_envelope_to_the_last_byte() {
    let with = |length: usize| {
        let extension = Extension { kind: 2, data: Bytes::new(vec![0; length]).unwrap() };
        Frame { extensions: Extensions::new(vec![extension]).unwrap(), ..longest() }
    };
    let room = FRAME_MAX_BYTES - with(0).length_bytes();
    let full = sign(&with(room), &alice(), &mut rng()).unwrap();
    assert_eq!(full.as_bytes().len(), BODY_MAX_BYTES);
    assert!(verify(full.as_bytes(), alice().public(), &bob().fingerprint()).is_ok());
    assert_eq!(sign(&with(room + 1), &alice(), &mut rng()), Err(FrameTooLarge));
}

#[test]
fn a_length_is_known_before_anything_is_encoded() {
    for frame in [message(), longest(), frame(Content::Receipt(receipt(3))), frame(Content::Retract(retract(2)))] {
        assert_eq!(encode(&frame).len(), frame.length_bytes());
    }
}

fn receipt(count: usize) -> Receipt {
    Receipt { kind: ReceiptKind::Viewed, message_ids: List::new(vec![MessageId([8; 16]); count]).unwrap() }
}

fn retract(count: usize) -> Retract {
    Retract { message_ids: List::new(vec![MessageId([8; 16]); count]).unwrap() }
}

/// What a recipient makes of these bytes, if the sender did sign them.
fn signed_anyway(bytes: &[u8]) -> Result<VerifiedFrame, FrameError> {
    let signature = alice().sign(label::SIGN_MESSAGE, bytes, &mut rng());
    verify(&[bytes, signature.as_bytes()].concat(), alice().public(), &bob().fingerprint())
}

#[test]
fn a_frame_is_read_by_whom_it_names_and_from_whom_it_names() {
    let body = sign(&message(), &alice(), &mut rng()).unwrap();
    let read = |sender: &IdentityKeyPair, me: &IdentityKeyPair| {
        verify(body.as_bytes(), sender.public(), &me.fingerprint()).err()
    };
    assert_eq!(read(&alice(), &bob()), None);
    assert_eq!(read(&alice(), &alice()), Some(FrameError::OtherRecipient));
    assert_eq!(read(&bob(), &bob()), Some(FrameError::Unsigned));
    let in_bobs_name = Frame { sender: bob().fingerprint(), ..message() };
    assert_eq!(signed_anyway(&encode(&in_bobs_name)), Err(FrameError::OtherSender));
}

#[test]
fn no_byte_of_a_body_can_be_changed() {
    let body = sign(&message(), &alice(), &mut rng()).unwrap();
    let frame_bytes = body.as_bytes().len() - SIGNATURE_BYTES;
    // Every byte of the frame, and both halves of the signature.
    for at in (0..frame_bytes).chain([frame_bytes, frame_bytes + 3_308, frame_bytes + 3_309, frame_bytes + 3_372]) {
        let mut changed = body.as_bytes().to_vec();
        *changed.get_mut(at).unwrap() ^= 1;
        assert_eq!(verify(&changed, alice().public(), &bob().fingerprint()), Err(FrameError::Unsigned), "byte {at}");
    }
    for length in [0, 1, SIGNATURE_BYTES - 1, SIGNATURE_BYTES, body.as_bytes().len() - 1] {
        let cut = body.as_bytes().get(..length).unwrap();
        assert_eq!(verify(cut, alice().public(), &bob().fingerprint()), Err(FrameError::Unsigned), "{length} bytes");
    }
}

#[test]
fn a_signature_for_another_purpose_is_none() {
    let bytes = encode(&message());
    let signature = alice().sign(label::SIGN_HELLO, &bytes, &mut rng());
    let body = [bytes.as_slice(), signature.as_bytes()].concat();
    assert_eq!(verify(&body, alice().public(), &bob().fingerprint()), Err(FrameError::Unsigned));
}

#[test]
fn what_a_newer_version_made_is_called_newer() {
    let mut bytes = encode(&message());
    bytes[0] = 2;
    assert_eq!(signed_anyway(&bytes), Err(FrameError::Newer));
    bytes[..2].copy_from_slice(&[1, 4]);
    assert_eq!(signed_anyway(&bytes), Err(FrameError::Newer));
    let with = |kind| Frame {
        extensions: Extensions::new(vec![Extension { kind, data: Bytes::default() }]).unwrap(),
        ..message()
    };
    assert_eq!(signed_anyway(&encode(&with(3))), Err(FrameError::Newer));
    assert_eq!(signed_anyway(&encode(&with(2))).map(VerifiedFrame::into_frame), Ok(with(2)));
}

#[test]
fn signed_nonsense_is_malformed() {
    let mut bytes = encode(&message());
    bytes.push(0);
    assert_eq!(signed_anyway(&bytes), Err(FrameError::Malformed(DecodeError::Trailing)));
    bytes.truncate(bytes.len() - 2);
    assert_eq!(signed_anyway(&bytes), Err(FrameError::Malformed(DecodeError::Truncated)));
    assert_eq!(signed_anyway(&[1]), Err(FrameError::Malformed(DecodeError::Truncated)));
    // The last byte of a manifest holds three wishes; the extensions follow in one byte.
    let mut bytes = encode(&message());
    let wishes = bytes.len() - 2;
    bytes[wishes] = 8;
    assert_eq!(signed_anyway(&bytes), Err(FrameError::Malformed(DecodeError::Invalid)));
}

#[test]
fn facts_that_contradict_each_other_are_misbehaviour() {
    let refused = |frame: &Frame| signed_anyway(&encode(frame)).map(|_| ()).unwrap_err();
    let of = |manifest: Manifest| frame(Content::Manifest(manifest));
    let one = |photo: Photo| of(manifest(vec![photo]));
    let good = photo(1, 100_000);
    for (frame, contradiction) in [
        (one(Photo { chunk_count: 3, ..good.clone() }), Contradiction::Chunks),
        (one(Photo { chunk_bytes: 262_144, ..good.clone() }), Contradiction::Chunks),
        (one(Photo { length_bytes: 65_520, ..good.clone() }), Contradiction::Chunks),
        (one(Photo { length_bytes: u64::MAX, ..good.clone() }), Contradiction::Chunks),
        (one(Photo { width: 0, ..good.clone() }), Contradiction::Dimensions),
        (one(Photo { height: 0, ..good.clone() }), Contradiction::Dimensions),
        (one(Photo { name: Text::new("../.bashrc").unwrap(), ..good.clone() }), Contradiction::Name),
        (one(Photo { name: Text::new("C:\\photo.jpg").unwrap(), ..good.clone() }), Contradiction::Name),
        (one(Photo { name: Text::new("a\u{1b}[2J.jpg").unwrap(), ..good.clone() }), Contradiction::Name),
        (of(manifest(vec![good.clone(), photo(1, 5)])), Contradiction::SharedBlob),
        (of(Manifest { blob_relay: Text::default(), ..manifest(vec![good.clone()]) }), Contradiction::BlobRelay),
        (of(Manifest { blob_relay: text(1), ..manifest(vec![]) }), Contradiction::BlobRelay),
        (frame(Content::Receipt(receipt(0))), Contradiction::NoMessage),
        (frame(Content::Retract(retract(0))), Contradiction::NoMessage),
        (Frame { index: 0, ..message() }, Contradiction::Place),
        (Frame { index: 2, ..message() }, Contradiction::Place),
        (Frame { previous: Digest::of(b"frame 0"), ..message() }, Contradiction::Place),
        (Frame { line: LineId::NONE, ..message() }, Contradiction::Place),
        (Frame { ack: LineAck { line: LineId::NONE, index: 1 }, ..message() }, Contradiction::Place),
    ] {
        assert_eq!(refused(&frame), FrameError::Misbehaved(contradiction));
    }
    let unknown_size = one(Photo { width: 0, height: 0, ..good });
    assert!(signed_anyway(&encode(&unknown_size)).is_ok());
    assert!(signed_anyway(&encode(&of(manifest(vec![])))).is_ok());
}

#[test]
fn the_name_of_a_frame_does_not_depend_on_its_signature() {
    let mut rng = rng();
    let (one, other) = (sign(&message(), &alice(), &mut rng).unwrap(), sign(&message(), &alice(), &mut rng).unwrap());
    assert_ne!(one, other);
    assert_eq!(one.frame_digest(), other.frame_digest());
    assert_eq!(one.frame_digest(), Digest::of(&encode(&message())));
    let verified = verify(other.as_bytes(), alice().public(), &bob().fingerprint()).unwrap();
    assert_eq!(verified.digest(), one.frame_digest());
}

#[test]
fn a_saved_body_is_sealed_again_unchanged() {
    let body = sign(&message(), &alice(), &mut rng()).unwrap();
    let saved = SignedBody::from_saved(Zeroizing::new(body.as_bytes().to_vec())).unwrap();
    assert_eq!(saved, body);
    assert_eq!(SignedBody::from_saved(Zeroizing::new(vec![0; SIGNATURE_BYTES])), Err(DecodeError::Truncated));
    assert_eq!(SignedBody::from_saved(Zeroizing::new(vec![0; BODY_MAX_BYTES + 1])), Err(DecodeError::TooLong));
}

#[test]
fn debug_shows_no_word_and_no_secret() {
    let frame = Frame { reply: Some(Reply { drop: Capability::from_bytes([0xab; 32]), relay: text(3) }), ..message() };
    let shown = format!("{frame:?} {:?}", sign(&frame, &alice(), &mut rng()).unwrap());
    for secret in ["for you", "harbour", "171", "ab, ab", "wss://"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

fn any_photo() -> impl Strategy<Value = Photo> {
    let size = prop_oneof![Just((0, 0)), (1..=u32::MAX, 1..=u32::MAX)];
    let treatment = prop_oneof![Just(Treatment::Compressed), Just(Treatment::Original), Just(Treatment::Exact)];
    (any::<u8>(), 0..(1_u64 << 35), size, treatment, "[^/\\\\\\p{Cc}]{0,20}", vec(any::<u8>(), 0..=32)).prop_map(
        |(number, length_bytes, (width, height), treatment, name, thumbhash)| Photo {
            treatment,
            width,
            height,
            name: Text::new(name).unwrap(),
            thumbhash: Bytes::new(thumbhash).unwrap(),
            ..photo(number, length_bytes)
        },
    )
}

fn any_content() -> impl Strategy<Value = Content> {
    let manifest = (".{0,60}", vec(any_photo(), 0..4), any::<[bool; 3]>()).prop_map(
        |(note, mut photos, [delivered, viewed, expire])| {
            for (number, photo) in (0..).zip(&mut photos) {
                photo.read = Capability::from_bytes([number; 32]);
                photo.file_key = FileKey::from_bytes(&[number; 32]);
            }
            let wishes = Manifest {
                delivered_wanted: delivered,
                viewed_wanted: viewed,
                expire_after_view: expire,
                ..manifest(photos)
            };
            Content::Manifest(Manifest { note: Text::new(note).unwrap(), ..wishes })
        },
    );
    prop_oneof![
        3 => manifest,
        1 => (1..=NAMED_MESSAGES).prop_map(|count| Content::Receipt(receipt(count))),
        1 => (1..=NAMED_MESSAGES).prop_map(|count| Content::Retract(retract(count))),
    ]
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let drop = || (any::<[u8; 32]>(), 0..=200_usize);
    let place = prop_oneof![
        Just((1, NO_FRAME)),
        (2..=u64::MAX, any::<[u8; 31]>()).prop_map(|(index, tail)| {
            let mut previous = [1; 32];
            previous[1..].copy_from_slice(&tail);
            (index, Digest::from_bytes(previous))
        })
    ];
    (any_content(), any::<[u8; 16]>(), place, any::<u64>(), option::of(drop()), option::of(drop()), any::<u64>())
        .prop_map(|(content, message_id, (index, previous), sent_at, reply, card, acked)| Frame {
            message_id: MessageId(message_id),
            index,
            previous,
            sent_at: Timestamp(sent_at),
            ack: LineAck { line: LineId([7; 8]), index: acked },
            reply: reply.map(|(drop, length)| Reply { drop: Capability::from_bytes(drop), relay: text(length) }),
            card: card.map(|(drop, length)| DoorbellChange { drop: Capability::from_bytes(drop), relay: text(length) }),
            ..frame(content)
        })
}

proptest! {
    #[test]
    fn a_frame_comes_back_as_it_was(frame in any_frame()) {
        prop_assert_eq!(Frame::decode(&encode(&frame)), Ok(frame));
    }

    #[test]
    fn a_changed_frame_is_refused_or_is_another(frame in any_frame(), at: Index, mask in 1..=255_u8, cut: bool) {
        let mut bytes = encode(&frame);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= mask;
        }
        if let Ok(frame) = Frame::decode(&bytes) {
            prop_assert_eq!(encode(&frame), bytes);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_are_a_frame(mut bytes in vec(any::<u8>(), 2..600), kind in 1..=3_u8) {
        bytes[..2].copy_from_slice(&[VERSION, kind]);
        if let Ok(frame) = Frame::decode(&bytes) {
            prop_assert_eq!(encode(&frame), bytes);
        }
    }
}
