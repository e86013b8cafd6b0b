//! How much the child may take; docs/photos.md has the same numbers.

use std::time::Duration;

use lightproof_core::prepare::apart::LookAt;

/// What one child may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Its address space.
    pub(crate) memory_bytes: u64,
    /// Of the processor, and on the clock.
    pub(crate) seconds: u64,
    /// Its reply.
    pub(crate) reply_bytes: u64,
}

impl Limits {
    /// For a photo of this length that is prepared to be sent.
    pub(crate) const fn of_preparing(length_bytes: u64) -> Self {
        // A bomb is a small file: only a large one gets long.
        let seconds = PREPARING_SECONDS + SECONDS_PER_MIB * (length_bytes >> 20);
        let seconds = if seconds > MOST_SECONDS { MOST_SECONDS } else { seconds };
        Self { memory_bytes: PREPARING_BYTES, seconds, reply_bytes: HEAD_BYTES + MADE_BYTES }
    }

    /// For a received photo that is looked at.
    pub(crate) const fn of_looking(at: &LookAt) -> Self {
        let pixels = at.max_width_px as u64 * at.max_height_px as u64;
        Self { memory_bytes: LOOKING_BYTES, seconds: LOOKING_SECONDS, reply_bytes: HEAD_BYTES + 4 * pixels }
    }

    /// As the words of a command.
    pub(super) fn to_words(self) -> [String; 3] {
        [self.memory_bytes, self.seconds, self.reply_bytes].map(|number| number.to_string())
    }

    /// From [`to_words`](Self::to_words).
    pub(super) fn from_words(words: [&str; 3]) -> Option<Self> {
        let [Ok(memory_bytes), Ok(seconds), Ok(reply_bytes)] = words.map(str::parse) else { return None };
        Some(Self { memory_bytes, seconds, reply_bytes })
    }

    /// How long we wait.
    pub(super) const fn wait(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// 120 megapixels, decoded with 32 bits each, encoded again without being made smaller, and the file itself.
const PREPARING_BYTES: u64 = 3 << 30;
const PREPARING_SECONDS: u64 = 60;
const SECONDS_PER_MIB: u64 = 2;
const MOST_SECONDS: u64 = 600;
const LOOKING_BYTES: u64 = 512 << 20;
const LOOKING_SECONDS: u64 = 10;
const HEAD_BYTES: u64 = 5 << 20;
/// As much as the largest file that is treated as a picture.
const MADE_BYTES: u64 = 512 << 20;
