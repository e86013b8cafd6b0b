//! How a length becomes chunks, and how little that tells.

use lightproof_wire::{
    blob::{BlobShape, ChunkBitmap, ChunkClass},
    id::ChunkIndex,
    limits::BLOB_CHUNKS,
};
use proptest::prelude::*;

fn shape(length_bytes: u64) -> (ChunkClass, u32) {
    let shape = BlobShape::for_length(length_bytes).unwrap();
    (shape.class(), shape.count())
}

const MIB: u64 = 1 << 20;
const LONGEST: u64 = BLOB_CHUNKS as u64 * (MIB - 16);

#[test]
fn classes_and_counts_change_where_the_spec_says() {
    use ChunkClass::{Large, Medium, Small};
    assert_eq!(shape(0), (Small, 1));
    assert_eq!(shape(1), (Small, 1));
    assert_eq!(shape(65_520), (Small, 1));
    assert_eq!(shape(65_521), (Small, 2));
    assert_eq!(shape(MIB), (Small, 18));
    assert_eq!(shape(MIB + 1), (Medium, 5));
    assert_eq!(shape(16 * MIB), (Medium, 72));
    assert_eq!(shape(16 * MIB + 1), (Large, 18));
    assert_eq!(shape(100 * MIB), (Large, 104));
    assert_eq!(shape(1024 * MIB), (Large, 1_088));
    assert_eq!(shape(LONGEST), (Large, BLOB_CHUNKS));
    assert!(BlobShape::for_length(LONGEST + 1).is_err());
    assert!(BlobShape::for_length(u64::MAX).is_err());
}

#[test]
fn an_offset_lies_inside_the_blob() {
    let shape = BlobShape::for_length(MIB).unwrap();
    assert_eq!(shape.offset(ChunkIndex(17)), Some(17 * 65_536));
    assert_eq!(shape.offset(ChunkIndex(18)), None);
    assert_eq!(shape.sealed_bytes(), 18 * 65_536);
}

proptest! {
    #[test]
    fn padding_holds_the_photo_and_costs_at_most_an_eighth(length in prop_oneof![0..(32 * MIB), 0..LONGEST]) {
        let shape = BlobShape::for_length(length).unwrap();
        let plain = u64::from(shape.class().plain_bytes());
        let needed = length.div_ceil(plain).max(1);
        let count = u64::from(shape.count());
        prop_assert!(count >= needed);
        prop_assert!(count * 100 <= needed * 112 + 100, "{} for {}", count, needed);
        prop_assert_eq!(BlobShape::new(shape.class(), shape.count()), Ok(shape));
    }

    #[test]
    fn a_bitmap_knows_what_is_missing(count in 0..300_u32, there in proptest::collection::btree_set(0..300_u32, 0..100)) {
        let mut bitmap = ChunkBitmap::empty(count);
        there.iter().for_each(|index| bitmap.insert(ChunkIndex(*index)));
        let missing: Vec<u32> = bitmap.missing().map(|index| index.0).collect();
        let expected: Vec<u32> = (0..count).filter(|index| !there.contains(index)).collect();
        prop_assert_eq!(bitmap.is_full(), expected.is_empty());
        prop_assert_eq!(missing, expected);
    }
}
