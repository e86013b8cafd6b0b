//! Sealing: one thread reads and hashes, one seals, one writes.

use std::io::Write;

use lightproof_core::e2ee::blob::{SealedBlob, Sealer};
use lightproof_core::e2ee::sealed_file::Facts;
use lightproof_core::wire::hash::Digest;
use lightproof_core::wire::id::ChunkIndex;

use super::{Contents, Kept, Trouble, line::carry};
use crate::progress::Moved;

/// Seals all chunks into `sink`; returns the digest of each file.
///
/// # Errors
/// [`Trouble`]; what was written is of no use then.
pub(crate) fn seal_chunks(
    contents: Contents,
    facts: &Facts,
    mut sealer: Sealer,
    mut sink: impl Write,
    (kept, moved): (&Kept, &Moved),
) -> Result<(Vec<Digest>, SealedBlob), Trouble> {
    let mut reading = contents.reading(facts);
    let shape = sealer.shape();
    let room_bytes = usize::try_from(shape.class().plain_bytes()).unwrap_or(usize::MAX);
    let mut indices = (0..shape.count()).map(ChunkIndex);
    carry(
        |mut buffer| {
            kept.check()?;
            let Some(index) = indices.next() else { return Ok(None) };
            reading.fill(&mut buffer, room_bytes)?;
            Ok(Some((index, buffer)))
        },
        |(index, mut buffer)| {
            sealer.seal_chunk(index, &mut buffer).map_err(|_| Trouble::GivenUp)?;
            Ok(buffer)
        },
        |buffer| {
            sink.write_all(&buffer).map_err(Trouble::Write)?;
            moved.add(buffer.len());
            Ok(buffer)
        },
    )?;
    let blob = sealer.finish().map_err(|_| Trouble::GivenUp)?;
    Ok((reading.finish()?, blob))
}
