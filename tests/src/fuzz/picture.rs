//! Files that somebody calls pictures, looked at, taken apart, cleaned and made small.

use std::io::Cursor;

use lightproof_core::{
    e2ee::manifest::{MediaType, Treatment},
    prepare::{Limits, PrepareOptions, decode_for_view, metadata_of, prepare},
};

/// So much that a fuzzer is not kept busy by empty pixels.
const LIMITS: Limits = Limits { pixels: 250_000, edge_px: 4_096, decoded_bytes: 4_000_000 };

pub(super) fn run(bytes: &[u8]) {
    let _any = metadata_of(bytes);
    let viewed = [MediaType::Jpeg, MediaType::Png, MediaType::WebP]
        .into_iter()
        .any(|media_type| decode_for_view(bytes, media_type, &LIMITS).is_ok());
    let treated = |treatment| {
        let options = PrepareOptions { treatment, max_edge: 64, ..PrepareOptions::default() };
        prepare(Cursor::new(bytes), "picture", &options, [7; 32])
    };
    let exact = treated(Treatment::Exact);
    assert!(exact.is_ok_and(|photo| photo.length_bytes() == bytes.len() as u64), "any file can be sent as it is");
    if let Ok(original) = treated(Treatment::Original) {
        assert!(original.length_bytes() > 0);
    }
    if viewed && let Ok(compressed) = treated(Treatment::Compressed) {
        assert!(compressed.dimensions().is_some_and(|(width, height)| width.max(height) <= 64));
    }
}
