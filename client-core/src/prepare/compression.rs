//! What became of a compressed picture, as its sender is told.

use lightproof_wire::codec::{TlsDeserialize, TlsSerialize, TlsSize};

use super::jpeg::Sampling;

/// How a compressed picture was made small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Compression {
    /// As a JPEG.
    #[tls_codec(discriminant = 1)]
    Jpeg(JpegSettings),
    /// Not at all: nothing was smaller than the picture data of the file, which is sent as it is.
    #[tls_codec(discriminant = 2)]
    Kept,
    /// With every pixel as it was: transparency asked for it, or it was smaller than a JPEG.
    #[tls_codec(discriminant = 3)]
    Lossless,
}

/// What was chosen for a JPEG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct JpegSettings {
    /// 1 to 100, as the Independent JPEG Group counts.
    pub quality: u8,
    /// How finely colours are kept.
    pub chroma: Chroma,
    /// In which order its coefficients stand.
    pub scans: Scans,
    /// What the quality was searched for; `None` where somebody chose it.
    pub measured: Option<Measured>,
}

/// How much a compressed picture is like the one it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Measured {
    /// SSIMULACRA 2 of the whole picture, times 100.
    pub score_hundredths: u16,
    /// On how many tiles the quality was searched; 0 where on the whole picture.
    pub tiles: u16,
    /// How many pixels the tiles have.
    pub tile_pixels: u32,
}

/// How finely a JPEG keeps colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Chroma {
    /// 4:4:4, for each pixel.
    Full = 1,
    /// 4:2:2, for each two pixels of a row.
    Half = 2,
    /// 4:2:0, for each square of four pixels.
    Quarter = 3,
    /// There are none: the picture is grey.
    Grey = 4,
}

/// In which order a JPEG's coefficients stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub enum Scans {
    /// The whole picture at once, better with each scan.
    Progressive = 1,
    /// From top to bottom.
    Sequential = 2,
}

impl Compression {
    /// Whether a process that was not taken over could have said this.
    pub(super) fn is_possible(&self) -> bool {
        let Self::Jpeg(settings) = self else { return true };
        (1..=100).contains(&settings.quality)
            && settings.measured.is_none_or(|measured| measured.score_hundredths <= 10_000)
    }
}

impl Measured {
    /// From 0 to 100; what scores less than nothing counts as nothing.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub(super) fn new(score: f64, tiles: usize, tile_pixels: usize) -> Self {
        Self {
            // Never rounded up: a target is reached or it is not.
            score_hundredths: (score * 100.0).clamp(0.0, 10_000.0) as u16,
            tiles: u16::try_from(tiles).unwrap_or(u16::MAX),
            tile_pixels: u32::try_from(tile_pixels).unwrap_or(u32::MAX),
        }
    }

    /// SSIMULACRA 2 of the whole picture: 100 is equal.
    #[must_use]
    pub fn score(&self) -> f64 {
        f64::from(self.score_hundredths) / 100.0
    }
}

impl From<Sampling> for Chroma {
    fn from(sampling: Sampling) -> Self {
        match sampling {
            Sampling::Full => Self::Full,
            Sampling::Half => Self::Half,
            Sampling::Quarter => Self::Quarter,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_no_encoder_has_are_told_apart() {
        let jpeg = |quality, score_hundredths| {
            let measured = Some(Measured { score_hundredths, tiles: 0, tile_pixels: 0 });
            Compression::Jpeg(JpegSettings { quality, chroma: Chroma::Full, scans: Scans::Sequential, measured })
        };
        for (compression, is_possible) in [
            (jpeg(1, 0), true),
            (jpeg(100, 10_000), true),
            (jpeg(0, 8000), false),
            (jpeg(101, 8000), false),
            (jpeg(80, 10_001), false),
            (Compression::Kept, true),
        ] {
            assert_eq!(compression.is_possible(), is_possible, "{compression:?}");
        }
        assert_eq!(Measured::new(79.999, 0, 0).score_hundredths, 7999, "never rounded up");
        assert_eq!(Measured::new(-60.0, 0, 0).score_hundredths, 0);
    }
}
