#![expect(clippy::unwrap_used, reason = "tests")]

use lightproof_wire::codec::Text;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

use super::*;
use crate::{
    blob::FileKey,
    frame::{LineAck, LineId, MessageId, NO_FRAME, sign},
    identity::IdentityKeyPair,
    manifest::{MediaType, Treatment},
    receipt::Retract,
};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn alice() -> IdentityKeyPair {
    IdentityKeyPair::from_seeds(&[1; 64])
}

fn source(number: u8) -> SourceOpening {
    SourceOpening { salt: [number; 32], digest: Digest::of(&[number; 3]) }
}

/// Photo `number` is so many bytes of its number.
fn photo(number: u8) -> Photo {
    let length_bytes = u64::from(number);
    let shape = lightproof_wire::blob::BlobShape::for_length(length_bytes).unwrap();
    Photo {
        treatment: Treatment::Compressed,
        media_type: MediaType::Jpeg,
        width: 8,
        height: 8,
        length_bytes,
        digest: Digest::of(&bytes(number)),
        source_commitment: source(number).commitment(),
        thumbhash: Bytes::default(),
        name: Text::new("a.jpg").unwrap(),
        read: lightproof_wire::capability::Capability::from_bytes([number; 32]),
        file_key: FileKey::from_bytes(&[number; 32]),
        chunk_bytes: shape.class().sealed_bytes(),
        chunk_count: shape.count(),
    }
}

fn bytes(number: u8) -> Vec<u8> {
    vec![number; usize::from(number)]
}

fn frame(content: Content) -> Frame {
    Frame {
        sender: alice().fingerprint(),
        recipient: IdentityKeyPair::from_seeds(&[2; 64]).fingerprint(),
        message_id: MessageId([3; 16]),
        line: LineId([4; 8]),
        index: 1,
        previous: NO_FRAME,
        sent_at: lightproof_wire::time::Timestamp(5),
        ack: LineAck::default(),
        reply: None,
        card: None,
        content,
        extensions: codec::Extensions::default(),
    }
}

/// Signed by Alice: a message with an empty photo and two others.
fn body() -> Vec<u8> {
    let manifest = Manifest {
        note: Text::new("look").unwrap(),
        blob_relay: Text::new("wss://relay.example.org/").unwrap(),
        photos: List::new(vec![photo(0), photo(7), photo(9)]).unwrap(),
        delivered_wanted: false,
        viewed_wanted: false,
        expire_after_view: false,
    };
    sign(&frame(Content::Manifest(manifest)), &alice(), &mut rng()).unwrap().as_bytes().to_vec()
}

fn opened(place: u8, number: u8) -> PlacedOpening {
    PlacedOpening { place, opening: source(number) }
}

fn proof(openings: Vec<PlacedOpening>, enclosed: &[u8]) -> Result<Proof, ProofError> {
    Proof::new(alice().public(), &body(), openings, enclosed.to_vec())
}

/// Takes what follows a head in pieces of this size.
fn take(proof: &Proof, mut rest: &[u8], piece: usize) -> Result<(), ProofError> {
    let mut enclosed = Enclosed::of(proof);
    while let Some((_, left)) = enclosed.due() {
        let count = piece.min(usize::try_from(left).unwrap()).min(rest.len());
        if count == 0 && left > 0 {
            return enclosed.finish();
        }
        let (now, later) = rest.split_at(count);
        enclosed.take(now)?;
        rest = later;
    }
    if rest.is_empty() { enclosed.finish() } else { Err(DecodeError::Trailing.into()) }
}

#[test]
fn what_was_put_together_is_read_again() {
    for (openings, enclosed) in [(vec![], vec![]), (vec![opened(0, 0), opened(2, 9)], vec![0, 1, 2])] {
        let made = proof(openings, &enclosed).unwrap();
        let head = made.head();
        assert!(head.len() <= HEAD_MAX_BYTES);
        let (read, length) = Proof::read(&[head.as_slice(), b"what follows"].concat()).unwrap();
        assert_eq!((&read, length), (&made, head.len()));
        assert_eq!(read.enclosed().collect::<Vec<_>>(), enclosed.into_iter().map(usize::from).collect::<Vec<_>>());
        assert_eq!(read.frame().sender, read.identity().fingerprint());
    }
    let made = proof(vec![opened(2, 9)], &[]).unwrap();
    assert_eq!((made.source(2), made.source(0)), (Some(Digest::of(&[9; 3])), None));
}

#[test]
fn an_opening_of_another_file_or_another_photo_is_refused() {
    assert_eq!(proof(vec![opened(1, 9)], &[]), Err(ProofError::Source));
    let guess = SourceOpening { digest: Digest::of(b"another file"), ..source(7) };
    assert_eq!(proof(vec![PlacedOpening { place: 1, opening: guess }], &[]), Err(ProofError::Source));
}

#[test]
fn places_are_of_photos_and_in_one_order() {
    for openings in [vec![opened(3, 9)], vec![opened(2, 9), opened(1, 7)], vec![opened(1, 7), opened(1, 7)]] {
        assert_eq!(proof(openings, &[]), Err(ProofError::Places));
    }
    for enclosed in [&[3][..], &[255], &[1, 0], &[1, 1]] {
        assert_eq!(proof(vec![], enclosed), Err(ProofError::Places));
    }
}

#[test]
fn another_identity_than_the_signer_is_refused() {
    let mallory = IdentityKeyPair::from_seeds(&[9; 64]);
    let swapped = Proof::new(mallory.public(), &body(), vec![], vec![]);
    assert_eq!(swapped, Err(ProofError::Frame(FrameError::Unsigned)));
    // Signed by Mallory, in Alice's name.
    let framed = frame(Content::Retract(Retract { message_ids: List::new(vec![MessageId([1; 16])]).unwrap() }));
    let body = sign(&framed, &mallory, &mut rng()).unwrap();
    let swapped = Proof::new(mallory.public(), body.as_bytes(), vec![], vec![]);
    assert_eq!(swapped, Err(ProofError::Frame(FrameError::OtherSender)));
}

#[test]
fn what_is_no_message_proves_nothing() {
    let retract = Retract { message_ids: List::new(vec![MessageId([1; 16])]).unwrap() };
    let body = sign(&frame(Content::Retract(retract)), &alice(), &mut rng()).unwrap();
    assert_eq!(Proof::new(alice().public(), body.as_bytes(), vec![], vec![]), Err(ProofError::NotAMessage));
}

#[test]
fn another_version_or_suite_is_newer_and_other_files_are_none() {
    let head = proof(vec![], &[]).unwrap().head();
    for place in [16, 17] {
        let mut newer = head.clone();
        *newer.get_mut(place).unwrap() = 2;
        assert_eq!(Proof::read(&newer), Err(ProofError::Newer));
    }
    assert_eq!(Proof::read(b"\xff\xd8\xff\xe0 a photo"), Err(ProofError::NotAProof));
    assert_eq!(Proof::read(&MAGIC), Err(ProofError::Malformed(DecodeError::Truncated)));
}

#[test]
fn photos_are_those_that_were_signed_in_pieces_of_any_size() {
    let proof = proof(vec![], &[0, 1, 2]).unwrap();
    let whole = [bytes(0), bytes(7), bytes(9)].concat();
    for piece in 1..=whole.len() {
        assert_eq!(take(&proof, &whole, piece), Ok(()), "in pieces of {piece}");
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            *changed.get_mut(place).unwrap() ^= 1;
            assert_eq!(take(&proof, &changed, piece), Err(ProofError::Photo));
        }
    }
    for length in 0..whole.len() {
        let cut = whole.get(..length).unwrap();
        assert_eq!(take(&proof, cut, 4), Err(ProofError::Malformed(DecodeError::Truncated)), "{length} bytes");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert_eq!(take(&proof, &longer, 4), Err(ProofError::Malformed(DecodeError::Trailing)));
}

#[test]
fn no_more_is_taken_than_is_due() {
    let mut enclosed = Enclosed::of(&proof(vec![], &[1]).unwrap());
    assert_eq!(enclosed.take(&[7; 8]), Err(ProofError::Malformed(DecodeError::Trailing)));
    let mut none = Enclosed::of(&proof(vec![], &[]).unwrap());
    assert_eq!(none.take(&[]), Err(ProofError::Malformed(DecodeError::Trailing)));
}
