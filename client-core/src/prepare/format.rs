//! What kind of file this is, told by its first bytes and never by its name.

use lightproof_e2ee::manifest::MediaType;

/// A kind of file that is recognised, whether or not it can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Avif,
    Bmp,
    Gif,
    Heic,
    Jpeg,
    JpegXl,
    Png,
    Tiff,
    WebP,
}

/// How many first bytes [`Format::of`] wants to see.
pub(super) const HEAD_BYTES: usize = 64;

impl Format {
    /// The format whose signature `head` begins with.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        if let Some(found) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
            return Some(found.1);
        }
        if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            return Some(Self::WebP);
        }
        // "BM" alone begins too many texts: the size of the second header tells.
        if head.starts_with(b"BM")
            && matches!(head.get(14..18), Some([12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
        {
            return Some(Self::Bmp);
        }
        if head.get(4..8) == Some(b"ftyp") { Self::of_brands(head.get(8..)?) } else { None }
    }

    /// ISO 14496-12: the major brand, a version, then the compatible brands.
    fn of_brands(brands: &[u8]) -> Option<Self> {
        brands.chunks_exact(4).find_map(|brand| match brand {
            b"avif" | b"avis" => Some(Self::Avif),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => Some(Self::Heic),
            _ => None,
        })
    }

    /// The name people know it by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Avif => "AVIF",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
            Self::Heic => "HEIC",
            Self::Jpeg => "JPEG",
            Self::JpegXl => "JPEG XL",
            Self::Png => "PNG",
            Self::Tiff => "TIFF",
            Self::WebP => "WebP",
        }
    }

    /// What a manifest calls it.
    pub(super) const fn media_type(self) -> MediaType {
        match self {
            Self::Avif | Self::Heic => MediaType::Other,
            Self::Bmp => MediaType::Bmp,
            Self::Gif => MediaType::Gif,
            Self::Jpeg => MediaType::Jpeg,
            Self::JpegXl => MediaType::JpegXl,
            Self::Png => MediaType::Png,
            Self::Tiff => MediaType::Tiff,
            Self::WebP => MediaType::WebP,
        }
    }

    /// Whether there is a decoder for it here.
    pub(super) const fn is_decodable(self) -> bool {
        !matches!(self, Self::Avif | Self::Heic)
    }
}

const SIGNATURES: &[(&[u8], Format)] = &[
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"GIF87a", Format::Gif),
    (b"GIF89a", Format::Gif),
    (b"II*\0", Format::Tiff),
    (b"MM\0*", Format::Tiff),
    (b"II+\0", Format::Tiff),
    (b"MM\0+", Format::Tiff),
    (b"\xff\x0a", Format::JpegXl),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Format::JpegXl),
];
