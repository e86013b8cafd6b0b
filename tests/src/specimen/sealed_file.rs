//! A sealed file of one small file, and who reads it: its recipient.

use lightproof_core::e2ee::{
    blob::ChunkError,
    identity::{Fingerprint, IdentityKeyPair},
    sealed_file::{FileFacts, Files, Header, LockFor, SealedFileError, Sealing, begin},
    sealing_key::SealingSecret,
};
use lightproof_wire::{
    codec::{DecodeError, Text, decode},
    hash::Digest,
    id::ChunkIndex,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::{NOW, counted, frozen::Examples, reader::named};

/// `counted(70)`, as in `sealed_files.txt`.
fn secret() -> SealingSecret {
    decode(&counted::<32>(0x70)).unwrap()
}

/// The bytes in it.
fn content() -> Vec<u8> {
    counted::<100>(0).to_vec()
}

/// Signed by the sender of `frames.txt`, for its recipient.
pub(super) fn seal() -> Vec<u8> {
    let (frames, mut rng) = (Examples::of("frames.txt"), ChaCha20Rng::from_seed([0; 32]));
    let author = IdentityKeyPair::from_seeds(&frames.fixed("sender.seeds"));
    let reader = IdentityKeyPair::from_seeds(&frames.fixed("recipient.seeds")).fingerprint();
    let file = FileFacts { name: Text::new("a.txt").unwrap(), length_bytes: 100 };
    let to = [(reader, secret().public())];
    let sealing = begin(vec![file], &LockFor::Recipients(&to), Some(author.public()), NOW, &mut rng).unwrap();
    let Sealing { beginning, mut sealer, closing, .. } = sealing;
    let mut chunk = content();
    sealer.seal_chunk(ChunkIndex(0), &mut chunk).unwrap();
    let blob = sealer.finish().unwrap();
    let end = closing.finish(blob, &[Digest::of(&content())], Some(&author), &mut rng).unwrap();
    [beginning, chunk, end].concat()
}

/// What is in it; or the name of the error.
pub(super) fn open(bytes: &[u8], me: &Fingerprint) -> Result<Vec<u8>, String> {
    read(bytes, me).map_err(named)
}

fn read(bytes: &[u8], me: &Fingerprint) -> Result<Vec<u8>, SealedFileError> {
    let (header, used) = Header::read(bytes)?;
    let rest = bytes.get(used..).unwrap_or_default();
    let (opening, used) = header.unlock(me, &[secret()])?.open(&header, rest)?;
    let (mut rest, mut files) = (rest.get(used..).unwrap_or_default(), Files::of(opening.claimed()));
    let (shape, mut content) = (opening.opener().shape(), Vec::new());
    for index in (0..shape.count()).map(ChunkIndex) {
        let bytes = shape.class().sealed_bytes() as usize;
        let (chunk, after) = rest.split_at_checked(bytes).ok_or(DecodeError::Truncated)?;
        let mut buffer = chunk.to_vec();
        opening.opener().open_chunk(index, &mut buffer)?;
        files.take(&buffer).map_err(|_| ChunkError::Surplus)?;
        content.extend(buffer);
        rest = after;
    }
    if rest.len() > opening.end_bytes() {
        return Err(DecodeError::Trailing.into());
    }
    opening.finish(rest, &files.finish().map_err(|_| ChunkError::Surplus)?).map(|_| content)
}
