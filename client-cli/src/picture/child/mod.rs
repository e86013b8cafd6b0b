//! Decoding in a child process: this program again, without keys, files, network or environment, and not for long.
//!
//! ```text
//!  this process                                the child
//!  starts itself with one word ──────────────▶ bounds and confines itself (sandbox), before it reads a byte
//!  the open photo is its stdin ──────────────▶ decodes, encodes, writes its reply into memory that we hold
//!  waits, not for ever; kills what goes on ──▶ ends
//!  checks the reply against what was asked
//! ```

mod buffer;
pub(crate) mod limits;
mod running;
pub(crate) mod sandbox;
mod work;

use std::io::{Seek, SeekFrom};

use lightproof_core::e2ee::manifest::Treatment;
use lightproof_core::prepare::apart::{Asked, Job, LookAt, Looked};
use lightproof_core::prepare::{PrepareError, PreparedPhoto, Stopped};

pub(crate) use buffer::{Buffer, PhotoFile};
pub(crate) use running::Program;
pub(crate) use work::run_if_asked;

use limits::Limits;

/// Prepares an open photo in a child process.
///
/// # Errors
/// What is wrong with the photo, or why the child was stopped. A file that is sent as it is goes without a look inside
/// where the look was stopped.
pub(crate) async fn prepare(
    program: &Program,
    mut photo: PhotoFile,
    asked: &Asked<'_>,
) -> Result<PreparedPhoto<PhotoFile>, PrepareError> {
    let failed = |error: std::io::Error| PrepareError::Read(error.kind());
    let length_bytes = photo.seek(SeekFrom::End(0)).map_err(failed)?;
    photo.rewind().map_err(failed)?;
    match program.run(&Job::from(asked.options), &mut photo, &Limits::of_preparing(length_bytes)).await {
        Ok(reply) => PreparedPhoto::from_reply(reply, photo, asked),
        Err(_) if asked.options.treatment == Treatment::Exact => PreparedPhoto::unseen(photo, asked),
        Err(stopped) => Err(stopped.into()),
    }
}

/// Looks into a received photo, all of which has been verified, in a child process.
///
/// # Errors
/// Why the child was stopped. The photo can still be saved.
pub(crate) async fn look(photo: Buffer, at: &LookAt) -> Result<Looked, Stopped> {
    look_with(&Program::ours()?, photo, at).await
}

pub(crate) async fn look_with(program: &Program, photo: Buffer, at: &LookAt) -> Result<Looked, Stopped> {
    let mut photo = PhotoFile::Buffer(photo);
    photo.rewind().map_err(|_| Stopped::Unavailable)?;
    let reply = program.run(&Job::Look(*at), &mut photo, &Limits::of_looking(at)).await?;
    Looked::from_reply(reply, at)
}
