//! Sealing: one thread reads, one hashes, one seals, one writes.

use std::io::Write;

use lightproof_core::e2ee::blob::{SealedBlob, Sealer};
use lightproof_core::e2ee::sealed_file::{Facts, Files};
use lightproof_core::wire::hash::Digest;

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
    let mut reading = contents.reading();
    let (shape, mut files) = (sealer.shape(), Files::of(facts));
    let room_bytes = usize::try_from(shape.class().plain_bytes()).unwrap_or(usize::MAX);
    let mut due = 0..shape.count();
    carry(
        usize::try_from(shape.class().sealed_bytes()).unwrap_or(usize::MAX),
        |buffer| {
            kept.check()?;
            let is_due = due.next().is_some();
            if is_due {
                reading.fill(buffer, room_bytes)?;
            }
            Ok(is_due)
        },
        [
            Box::new(|buffer| Ok(files.take(buffer)?)),
            Box::new(|buffer| {
                let index = sealer.next().ok_or(Trouble::GivenUp)?;
                sealer.seal_chunk(index, buffer).map_err(|_| Trouble::GivenUp)
            }),
        ],
        |buffer| {
            sink.write_all(buffer).map_err(Trouble::Write)?;
            moved.add(buffer.len());
            Ok(())
        },
    )?;
    sink.flush().map_err(Trouble::Write)?;
    reading.finish()?;
    let blob = sealer.finish().map_err(|_| Trouble::GivenUp)?;
    Ok((files.finish()?, blob))
}
