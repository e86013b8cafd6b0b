//! How a photo was made small: the object in `--json`, and the line for people.

use std::fmt;

use lightproof_core::prepare::{Chroma, Compression, Measured, Scans};
use serde::Serialize;

/// What was chosen for a compressed photo.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "as", rename_all = "lowercase")]
pub(crate) enum Compressed {
    /// A JPEG.
    Jpeg {
        quality: u8,
        chroma: &'static str,
        scans: &'static str,
        /// What the quality was searched for; nothing where it was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        measured: Option<Score>,
    },
    /// The picture data of the file.
    Kept,
    /// Every pixel as it was.
    Lossless,
}

/// What the picture scored, and where its quality was searched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Score {
    ssimulacra2: f64,
    /// 0 where the whole picture was looked at each time.
    tiles: u16,
    tile_pixels: u32,
}

impl From<Compression> for Compressed {
    fn from(compression: Compression) -> Self {
        match compression {
            Compression::Jpeg(settings) => Self::Jpeg {
                quality: settings.quality,
                chroma: chroma(settings.chroma),
                scans: scans(settings.scans),
                measured: settings.measured.map(Score::from),
            },
            Compression::Kept => Self::Kept,
            Compression::Lossless => Self::Lossless,
        }
    }
}

impl From<Measured> for Score {
    fn from(measured: Measured) -> Self {
        Self { ssimulacra2: measured.score(), tiles: measured.tiles, tile_pixels: measured.tile_pixels }
    }
}

impl fmt::Display for Compressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jpeg { quality, chroma, scans, measured: None } => write!(f, "quality {quality}, {chroma}, {scans}"),
            Self::Jpeg { quality, chroma, scans, measured: Some(score) } => {
                write!(f, "quality {quality} chosen, {chroma}, {scans}: {score}")
            }
            Self::Kept => f.write_str("kept as it was: nothing smaller was found"),
            Self::Lossless => f.write_str("every pixel as it was"),
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SSIMULACRA2 {:.2} of the whole picture", self.ssimulacra2)?;
        if self.tiles == 0 {
            return Ok(());
        }
        let megapixels = f64::from(self.tile_pixels) / 1e6;
        write!(f, ", searched on {} tiles of {megapixels:.1} megapixels", self.tiles)
    }
}

const fn chroma(chroma: Chroma) -> &'static str {
    match chroma {
        Chroma::Full => "4:4:4",
        Chroma::Half => "4:2:2",
        Chroma::Quarter => "4:2:0",
        Chroma::Grey => "grey",
    }
}

const fn scans(scans: Scans) -> &'static str {
    match scans {
        Scans::Progressive => "progressive",
        Scans::Sequential => "sequential",
    }
}

#[cfg(test)]
mod tests {
    use lightproof_core::prepare::JpegSettings;

    use super::*;

    #[test]
    fn what_was_chosen_is_said_in_one_line_and_in_one_object() {
        let settings = JpegSettings { quality: 78, chroma: Chroma::Quarter, scans: Scans::Progressive, measured: None };
        let measured = |tiles, tile_pixels| Some(Measured { score_hundredths: 8041, tiles, tile_pixels });
        let jpeg = |measured| Compressed::from(Compression::Jpeg(JpegSettings { measured, ..settings }));
        let said = [
            (jpeg(None), "quality 78, 4:2:0, progressive"),
            (jpeg(measured(0, 0)), "quality 78 chosen, 4:2:0, progressive: SSIMULACRA2 80.41 of the whole picture"),
            (
                jpeg(measured(12, 2_076_672)),
                "quality 78 chosen, 4:2:0, progressive: SSIMULACRA2 80.41 of the whole picture, searched on 12 tiles of \
                 2.1 megapixels",
            ),
            (Compression::Kept.into(), "kept as it was: nothing smaller was found"),
            (Compression::Lossless.into(), "every pixel as it was"),
        ];
        for (compressed, line) in said {
            assert_eq!(compressed.to_string(), line);
        }
        assert_eq!(serde_json::to_string(&Compressed::Lossless).unwrap(), r#"{"as":"lossless"}"#);
        assert_eq!(
            serde_json::to_string(&jpeg(measured(12, 2_076_672))).unwrap(),
            r#"{"as":"jpeg","quality":78,"chroma":"4:2:0","scans":"progressive","measured":{"ssimulacra2":80.41,"tiles":12,"tile_pixels":2076672}}"#
        );
    }
}
