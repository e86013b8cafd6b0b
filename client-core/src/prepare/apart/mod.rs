//! Decoding in a process apart from the one that holds keys: what is asked, what is answered, and what of the answer
//! is believed.
//!
//! ```text
//!  process with keys                       process that decodes
//!  Job ── one argument, in hexadecimal ──▶ Job
//!  open file, or the received bytes ─────▶ input ─▶ work
//!  PreparedPhoto, Looked ◀─ check ─ decode ◀─ reply: length || head || bytes
//! ```
//!
//! The process that decodes meets bytes that somebody may have made to take it over. Its reply is bounded, decoded whole
//! or refused, and checked against what was asked. How the process is started and confined is the edge's concern.

mod error;
mod looked;
mod prepared;
mod wire;

use std::io::{self, Read, Seek, Write};

use lightproof_e2ee::manifest::{MediaType, Treatment};
use lightproof_wire::codec::{self, TlsDeserialize, TlsSerialize, TlsSize};

pub use looked::Looked;
pub use prepared::Asked;

use super::{PrepareOptions, Quality};
use crate::vault::record::Flag;

/// What the process that decodes is to do with its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Job {
    /// Prepare it to be sent.
    #[tls_codec(discriminant = 1)]
    Prepare(Treated),
    /// Look into a received photo, and draw it.
    #[tls_codec(discriminant = 2)]
    Look(LookAt),
}

/// [`PrepareOptions`], as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Treated {
    treatment: Treatment,
    /// 0 is `auto`.
    quality: u8,
    max_edge: u32,
    keep_metadata: Flag,
}

/// How a received photo is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct LookAt {
    /// What its sender said it is.
    pub media_type: MediaType,
    /// The most pixels there are from left to right; 0 to look for metadata alone.
    pub max_width_px: u32,
    /// The most pixels there are from top to bottom; 0 to look for metadata alone.
    pub max_height_px: u32,
}

impl LookAt {
    /// Whether there is room to draw anything.
    const fn is_drawn(&self) -> bool {
        self.max_width_px > 0 && self.max_height_px > 0
    }
}

impl From<&PrepareOptions> for Job {
    fn from(options: &PrepareOptions) -> Self {
        Self::Prepare(Treated {
            treatment: options.treatment,
            quality: match options.quality {
                Quality::Auto => 0,
                Quality::Fixed(number) => number.clamp(1, 100),
            },
            max_edge: options.max_edge,
            keep_metadata: options.keep_metadata.into(),
        })
    }
}

impl Treated {
    fn options(self) -> PrepareOptions {
        PrepareOptions {
            treatment: self.treatment,
            quality: if self.quality == 0 { Quality::Auto } else { Quality::Fixed(self.quality) },
            max_edge: self.max_edge,
            keep_metadata: self.keep_metadata.is_yes(),
        }
    }
}

impl Job {
    /// As one argument of a command.
    #[must_use]
    pub fn to_text(&self) -> String {
        codec::encode(self).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From [`to_text`](Self::to_text); `None` for anything else.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
        let bytes = pairs.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
        let job: Self = codec::decode(&bytes.collect::<Option<Vec<u8>>>()?).ok()?;
        (job.to_text() == text).then_some(job)
    }
}

/// What the process that decodes does: reads its input, and writes its reply.
///
/// # Errors
/// Where the reply cannot be written. What is wrong with the input is part of the reply.
pub fn work(job: &Job, mut input: impl Read + Seek, mut output: impl Write) -> io::Result<()> {
    match job {
        Job::Prepare(treated) => prepared::reply(&treated.options(), &mut input, &mut output),
        Job::Look(at) => looked::reply(at, &mut input, &mut output),
    }
}

#[cfg(test)]
mod tests;
