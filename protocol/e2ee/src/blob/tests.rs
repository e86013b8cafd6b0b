#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use lightproof_wire::{
    capability::Capability,
    codec::{Bytes, Text},
    hash::Digest,
};
use proptest::{prelude::*, sample::Index};

use super::*;
use crate::{
    aead,
    manifest::{Contradiction, MediaType, Photo, Treatment},
};

const KIB: usize = 1_024;

fn key() -> FileKey {
    FileKey::from_bytes(&[7; 32])
}

fn file(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

fn photo(file: &[u8]) -> Photo {
    let shape = BlobShape::for_length(file.len() as u64).unwrap();
    Photo {
        treatment: Treatment::Exact,
        media_type: MediaType::Other,
        width: 0,
        height: 0,
        length_bytes: file.len() as u64,
        digest: Digest::of(file),
        source_commitment: Digest::of(b""),
        thumbhash: Bytes::default(),
        name: Text::default(),
        read: Capability::from_bytes([1; 32]),
        file_key: key(),
        chunk_bytes: shape.class().sealed_bytes(),
        chunk_count: shape.count(),
    }
}

fn seal(file_key: &FileKey, file: &[u8]) -> Vec<Vec<u8>> {
    let mut sealer = Sealer::new(file_key, file.len() as u64).unwrap();
    let (mut chunks, mut rest) = (Vec::new(), file);
    while let Some(index) = sealer.next() {
        let (plaintext, after) = rest.split_at(sealer.plaintext_bytes(index));
        let mut buffer = plaintext.to_vec();
        sealer.seal_chunk(index, &mut buffer).unwrap();
        chunks.push(buffer);
        rest = after;
    }
    let sealed = sealer.finish().unwrap();
    assert_eq!((sealed.shape().count() as usize, sealed.length_bytes()), (chunks.len(), file.len() as u64));
    chunks
}

fn open(photo: &Photo, chunks: &[Vec<u8>]) -> Vec<u8> {
    let opener = Opener::new(photo).unwrap();
    let mut verifier = Verifier::new(photo).unwrap();
    let mut file = Vec::new();
    for (index, chunk) in (0..).map(ChunkIndex).zip(chunks) {
        let mut buffer = chunk.clone();
        opener.open_chunk(index, &mut buffer).unwrap();
        verifier.take(index, &buffer).unwrap();
        file.extend_from_slice(&buffer);
    }
    let verified = verifier.finish().unwrap();
    assert_eq!((verified.length_bytes(), verified.digest()), (photo.length_bytes, photo.digest));
    file
}

fn opened(photo: &Photo, index: u32, chunk: &[u8]) -> Result<Vec<u8>, ChunkError> {
    let mut buffer = chunk.to_vec();
    let result = Opener::new(photo).unwrap().open_chunk(ChunkIndex(index), &mut buffer);
    assert!(result.is_ok() || buffer.is_empty(), "nothing is left of what did not open");
    result.map(|()| buffer)
}

#[test]
fn a_file_of_every_class_comes_back() {
    for length in [0, 1, 65_519, 65_520, 65_521, 1_024 * KIB, 1_024 * KIB + 1, 5_000 * KIB, 16_384 * KIB + 1] {
        let file = file(length);
        let (photo, chunks) = (photo(&file), seal(&key(), &file));
        assert!(chunks.iter().all(|chunk| chunk.len() == photo.chunk_bytes as usize));
        assert!(open(&photo, &chunks) == file, "{length} bytes");
    }
}

#[test]
fn chunks_open_in_any_order() {
    let file = file(300_000);
    let (photo, chunks) = (photo(&file), seal(&key(), &file));
    let mut opened: Vec<_> =
        (0_u32..5).zip(&chunks).rev().map(|(i, chunk)| opened(&photo, i, chunk).unwrap()).collect();
    opened.reverse();
    assert!(opened.concat() == file);
}

#[test]
fn a_chunk_opens_at_its_own_place_only() {
    let file = file(1_024 * KIB);
    let (photo, chunks) = (photo(&file), seal(&key(), &file));
    for (at, from) in [(0, 1), (1, 0), (16, 17), (17, 16), (17, 0)] {
        assert_eq!(opened(&photo, at, &chunks[from]), Err(ChunkError::Undecryptable));
    }
    assert_eq!(opened(&photo, 18, &chunks[17]), Err(ChunkError::Beyond));
    assert_eq!(opened(&photo, u32::MAX, &chunks[17]), Err(ChunkError::Beyond));
}

#[test]
fn a_truncated_blob_is_never_whole() {
    let file = file(200_000);
    let chunks = seal(&key(), &file);
    assert_eq!(chunks.len(), 4);
    // Whoever claims that the file ends with the third chunk contradicts the flag and the key.
    let shorter = photo(&file[..3 * 65_520]);
    assert_eq!(opened(&shorter, 2, &chunks[2]), Err(ChunkError::Undecryptable));
    let photo = photo(&file);
    let mut verifier = Verifier::new(&photo).unwrap();
    for i in 0..3 {
        verifier.take(ChunkIndex(i), &opened(&photo, i, &chunks[i as usize]).unwrap()).unwrap();
    }
    assert_eq!(verifier.finish(), Err(VerifyError::Unfinished));
    assert_eq!(opened(&photo, 3, &chunks[3][..65_535]), Err(ChunkError::Undecryptable));
    assert_eq!(opened(&photo, 3, &[]), Err(ChunkError::Undecryptable));
}

#[test]
fn another_key_or_another_shape_opens_nothing() {
    let file = file(100);
    let chunks = seal(&FileKey::from_bytes(&[8; 32]), &file);
    assert_eq!(opened(&photo(&file), 0, &chunks[0]), Err(ChunkError::Undecryptable));
    // One chunk of one shape is not one of another: chunk size and count are in the key.
    let chunks = seal(&key(), &file);
    let longer = photo(&vec![0; 70_000]);
    assert_eq!(opened(&longer, 0, &chunks[0]), Err(ChunkError::Undecryptable));
}

#[test]
fn a_sender_cannot_hide_bytes_behind_the_end() {
    let photo = photo(&file(100));
    let layout = Layout::new(100).unwrap();
    for at in [100, 65_519] {
        let mut chunk = file(100);
        chunk.resize(layout.full_bytes(), 0);
        chunk[at] = 1;
        aead::encrypt(&layout.chunk_key(&key()), &layout.nonce(ChunkIndex(0)), &[], &mut chunk);
        assert_eq!(opened(&photo, 0, &chunk), Err(ChunkError::Surplus));
    }
}

#[test]
fn a_sender_cannot_seal_another_file_than_was_signed() {
    let file = file(100);
    let photo = Photo { digest: Digest::of(b"another"), ..photo(&file) };
    let mut verifier = Verifier::new(&photo).unwrap();
    verifier.take(ChunkIndex(0), &opened(&photo, 0, &seal(&key(), &file)[0]).unwrap()).unwrap();
    assert_eq!(verifier.finish(), Err(VerifyError::Digest));
    let contradicting = Photo { chunk_count: 2, ..photo };
    assert_eq!(Opener::new(&contradicting).err(), Some(Contradiction::Chunks));
    assert_eq!(Verifier::new(&contradicting).err(), Some(Contradiction::Chunks));
}

#[test]
fn chunks_are_sealed_once_and_in_order() {
    let mut sealer = Sealer::new(&key(), 100_000).unwrap();
    let first = || file(65_520);
    assert_eq!(sealer.seal_chunk(ChunkIndex(1), &mut file(34_480)), Err(SealMisuse::Order));
    for wrong in [0, 65_519, 65_521] {
        let mut buffer = file(wrong);
        assert_eq!(sealer.seal_chunk(ChunkIndex(0), &mut buffer), Err(SealMisuse::Length));
        assert!(buffer == file(wrong), "a refusal changes nothing");
    }
    sealer.seal_chunk(ChunkIndex(0), &mut first()).unwrap();
    assert_eq!(sealer.seal_chunk(ChunkIndex(0), &mut first()), Err(SealMisuse::Order));
    assert_eq!(sealer.finish(), Err(SealMisuse::Unfinished));
}

#[test]
fn an_interrupted_blob_goes_on_with_the_same_bytes() {
    let file = file(100_000);
    let whole = seal(&key(), &file);
    let mut sealer = Sealer::resume(&key(), 100_000, ChunkIndex(1)).unwrap();
    let mut buffer = file[65_520..].to_vec();
    sealer.seal_chunk(ChunkIndex(1), &mut buffer).unwrap();
    assert!(buffer == whole[1]);
    assert!(sealer.finish().is_ok());
    assert!(Sealer::resume(&key(), 100_000, ChunkIndex(2)).unwrap().finish().is_ok());
    assert_eq!(Sealer::resume(&key(), 100_000, ChunkIndex(3)).err(), Some(SealMisuse::Order));
}

#[test]
fn a_file_longer_than_any_blob_is_refused_at_once() {
    assert_eq!(Sealer::new(&key(), u64::MAX).err(), Some(SealMisuse::TooLong));
    assert_eq!(Opener::of_length(&key(), u64::MAX).err(), Some(Contradiction::Chunks));
}

#[test]
fn the_verifier_wants_every_chunk_once_and_in_order() {
    let file = file(100_000);
    let mut verifier = Verifier::new(&photo(&file)).unwrap();
    assert_eq!(verifier.take(ChunkIndex(1), &file[65_520..]), Err(VerifyError::Order));
    assert_eq!(verifier.take(ChunkIndex(0), &file[..65_519]), Err(VerifyError::Length));
    verifier.take(ChunkIndex(0), &file[..65_520]).unwrap();
    assert_eq!(verifier.take(ChunkIndex(0), &file[..65_520]), Err(VerifyError::Order));
    verifier.take(ChunkIndex(1), &file[65_520..]).unwrap();
    assert_eq!(verifier.take(ChunkIndex(2), &[]), Err(VerifyError::Order));
    assert!(verifier.finish().is_ok());
}

#[test]
fn debug_shows_no_key() {
    let shown =
        format!("{:?} {:?} {:?}", key(), Sealer::new(&key(), 1).unwrap(), Opener::of_length(&key(), 1).unwrap());
    assert!(!shown.contains('7'), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_file_comes_back(length in 0..400_000_usize) {
        let file = file(length);
        prop_assert!(open(&photo(&file), &seal(&key(), &file)) == file);
    }

    #[test]
    fn no_bit_of_a_chunk_can_be_changed(length in 0..140_000_usize, chunk: Index, at: Index, bit in 0..8_u8) {
        let file = file(length);
        let mut chunks = seal(&key(), &file);
        let i = chunk.index(chunks.len());
        let at = at.index(chunks[i].len());
        chunks[i][at] ^= 1 << bit;
        prop_assert_eq!(opened(&photo(&file), u32::try_from(i).unwrap(), &chunks[i]), Err(ChunkError::Undecryptable));
    }
}
