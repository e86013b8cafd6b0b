//! TIFF 6.0, its first page. Palettes and inks are mapped here: image knows no palette and mixes inks without a profile.

use std::io::Cursor;

use image::{DynamicImage, RgbImage, codecs::tiff::TiffDecoder};

use super::{
    super::{colour::Colours, error::PictureError},
    Decoded, Limits, divide_by_alpha, read,
};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, PictureError> {
    let page = Page::of(bytes);
    let icc = page.as_ref().and_then(Page::profile);
    let mut decoded = decode_page(bytes, page, limits)?;
    decoded.colours = match (decoded.colours, icc) {
        (Colours::Inks(None), icc) => Colours::Inks(icc),
        (Colours::Srgb, Some(icc)) => Colours::Icc(icc),
        (colours, _) => colours,
    };
    Ok(decoded)
}

fn decode_page(bytes: &[u8], page: Option<Page<'_>>, limits: &Limits) -> Result<Decoded, PictureError> {
    let photometric = page.as_ref().and_then(|page| page.number(PHOTOMETRIC));
    match (page, photometric) {
        (Some(page), Some(PALETTE)) => {
            let Decoded { picture, orientation, colours } = page.decode_as(GREY, limits)?;
            Ok(Decoded { picture: page.coloured(&picture).ok_or(PictureError::Damaged)?, orientation, colours })
        }
        (Some(page), Some(SEPARATED)) => {
            if page.number(INK_SET).is_some_and(|inks| inks != CMYK) {
                return Err(PictureError::Unsupported);
            }
            let decoded = page.decode_as(RGB, limits)?;
            if !matches!(decoded.picture, DynamicImage::ImageRgba8(_) | DynamicImage::ImageRgba16(_)) {
                return Err(PictureError::Unsupported);
            }
            let icc = if let Colours::Icc(icc) = decoded.colours { Some(icc) } else { None };
            Ok(Decoded { colours: Colours::Inks(icc), ..decoded })
        }
        (page, _) => {
            let mut decoded = read(TiffDecoder::new(Cursor::new(bytes))?, limits)?;
            if page.and_then(|page| page.number(EXTRA_SAMPLES)) == Some(ASSOCIATED_ALPHA) {
                divide_by_alpha(&mut decoded.picture);
            }
            Ok(decoded)
        }
    }
}

/// The first directory of a TIFF whose offsets have 32 bits.
struct Page<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
    entries: &'a [[u8; 12]],
    /// Where the entries begin.
    start: usize,
}

impl<'a> Page<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let is_big_endian = match bytes.first_chunk()? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        let page = Self { bytes, is_big_endian, entries: &[], start: 0 };
        let directory = usize::try_from(page.long(bytes.get(4..)?)?).ok()?;
        let count = usize::from(page.short(bytes.get(directory..)?)?);
        let start = directory.checked_add(2)?;
        let entries = bytes.get(start..)?.as_chunks::<12>().0.get(..count)?;
        Some(Self { entries, start, ..page })
    }

    /// Decodes the page as if its samples were of another kind.
    fn decode_as(&self, photometric: u16, limits: &Limits) -> Result<Decoded, PictureError> {
        let mut bytes = self.bytes.to_vec();
        let entry = self.position(PHOTOMETRIC).ok_or(PictureError::Damaged)?;
        let value = if self.is_big_endian { photometric.to_be_bytes() } else { photometric.to_le_bytes() };
        let place = entry.checked_mul(12).and_then(|at| at.checked_add(self.start)?.checked_add(8));
        let place = place.and_then(|at| bytes.get_mut(at..)?.first_chunk_mut::<2>());
        *place.ok_or(PictureError::Damaged)? = value;
        read(TiffDecoder::new(Cursor::new(bytes))?, limits)
    }

    /// image reads no profile that is of type UNDEFINED, as the standard asks.
    fn profile(&self) -> Option<Vec<u8>> {
        let (_, entry) = self.entry(ICC_PROFILE)?;
        let count = usize::try_from(self.long(entry.get(4..)?)?).ok()?;
        let start = usize::try_from(self.long(entry.get(8..)?)?).ok()?;
        self.bytes.get(start..)?.get(..count).map(<[u8]>::to_vec)
    }

    /// Colours by number: one, or eight bits of it.
    fn coloured(&self, picture: &DynamicImage) -> Option<DynamicImage> {
        let DynamicImage::ImageLuma8(numbers) = picture else { return None };
        let bits = self.number(BITS_PER_SAMPLE)?;
        let map = self.colour_map(1_usize.checked_shl(bits.into())?)?;
        let mut colours = Vec::with_capacity(numbers.as_raw().len().saturating_mul(3));
        for number in numbers.as_raw() {
            // One bit is already spread to black and white.
            let number = if bits == 1 { number & 1 } else { *number };
            colours.extend(map.get(usize::from(number))?);
        }
        RgbImage::from_raw(numbers.width(), numbers.height(), colours).map(DynamicImage::from)
    }

    fn colour_map(&self, count: usize) -> Option<Vec<[u8; 3]>> {
        let (_, entry) = self.entry(COLOUR_MAP)?;
        let start = usize::try_from(self.long(entry.get(8..)?)?).ok()?;
        let shorts = self.bytes.get(start..)?.get(..count.checked_mul(6)?)?.as_chunks::<2>().0;
        let all: Vec<u16> = shorts.iter().filter_map(|short| self.short(short)).collect();
        // Some writers fill only the low bytes.
        let shift = if all.iter().all(|value| *value < 256) { 0 } else { 8 };
        let (reds, rest) = all.split_at_checked(count)?;
        let (greens, blues) = rest.split_at_checked(count)?;
        let byte = |value: &u16| u8::try_from(value >> shift).unwrap_or(u8::MAX);
        Some(reds.iter().zip(greens).zip(blues).map(|((r, g), b)| [byte(r), byte(g), byte(b)]).collect())
    }

    /// A field of type SHORT, its first value.
    fn number(&self, tag: u16) -> Option<u16> {
        let (kind, entry) = self.entry(tag)?;
        let count = self.long(entry.get(4..)?)?;
        if kind != SHORT {
            return None;
        }
        if count <= 2 {
            return self.short(entry.get(8..)?);
        }
        self.short(self.bytes.get(usize::try_from(self.long(entry.get(8..)?)?).ok()?..)?)
    }

    fn entry(&self, tag: u16) -> Option<(u16, &'a [u8; 12])> {
        let entry = self.entries.get(self.position(tag)?)?;
        Some((self.short(entry.get(2..)?)?, entry))
    }

    fn position(&self, tag: u16) -> Option<usize> {
        self.entries.iter().position(|entry| self.short(entry) == Some(tag))
    }

    fn short(&self, bytes: &[u8]) -> Option<u16> {
        let value = *bytes.first_chunk()?;
        Some(if self.is_big_endian { u16::from_be_bytes(value) } else { u16::from_le_bytes(value) })
    }

    fn long(&self, bytes: &[u8]) -> Option<u32> {
        let value = *bytes.first_chunk()?;
        Some(if self.is_big_endian { u32::from_be_bytes(value) } else { u32::from_le_bytes(value) })
    }
}

const BITS_PER_SAMPLE: u16 = 0x0102;
const PHOTOMETRIC: u16 = 0x0106;
const COLOUR_MAP: u16 = 0x0140;
const INK_SET: u16 = 0x014c;
const EXTRA_SAMPLES: u16 = 0x0152;
const ICC_PROFILE: u16 = 0x8773;
const SHORT: u16 = 3;
const GREY: u16 = 1;
const RGB: u16 = 2;
const PALETTE: u16 = 3;
const SEPARATED: u16 = 5;
const CMYK: u16 = 1;
const ASSOCIATED_ALPHA: u16 = 1;
