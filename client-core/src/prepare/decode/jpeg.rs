//! JPEG (ITU-T T.81), by whichever of two decoders shows what libjpeg-turbo shows (image's zune-jpeg; jpeg-decoder).
//!
//! zune-jpeg 0.5 is four times as fast. It shows garbage for sequential scans of one component each and for colours
//! sampled more finely than brightness, refuses odd samplings, mixes the padding of the last block into the last row and
//! column of what it samples up, and hands out no inks. All of these go to jpeg-decoder.

use std::{borrow::Cow, io::Cursor, ops::Range};

use image::{DynamicImage, GrayImage, RgbImage, RgbaImage, codecs::jpeg::JpegDecoder, metadata::Orientation};

use super::{
    super::{colour::Colours, error::PictureError},
    Decoded, Limits, check_size, read,
};

pub(super) fn decode(bytes: &[u8], is_non_interleaved: bool, limits: &Limits) -> Result<Decoded, PictureError> {
    let frame = Frame::of(bytes).ok_or(PictureError::Damaged)?;
    check_size(frame.size, limits)?;
    if frame.unsupported_kind().is_some() {
        return Err(PictureError::Unsupported);
    }
    let bytes = &*without_contradiction(bytes, &frame);
    if frame.is_usual() && !is_non_interleaved {
        return read(JpegDecoder::new(Cursor::new(bytes))?, limits);
    }
    decode_carefully(bytes, limits)
}

/// JFIF knows three colours in one way only. libjpeg believes it before Adobe's marker, our decoders the other way round.
fn without_contradiction<'a>(bytes: &'a [u8], frame: &Frame) -> Cow<'a, [u8]> {
    let adobe = frame.adobe.clone().filter(|_| frame.has_jfif && frame.samplings.len() == 3);
    let parts = adobe.and_then(|adobe| Some((bytes.get(..adobe.start)?, bytes.get(adobe.end..)?)));
    parts.map_or(Cow::Borrowed(bytes), |(before, after)| Cow::Owned([before, after].concat()))
}

/// The name of a kind of JPEG that cameras do not write and nothing here decodes.
pub(super) fn unsupported_kind(bytes: &[u8]) -> Option<&'static str> {
    Frame::of(bytes)?.unsupported_kind()
}

/// What the header of the frame says (T.81, B.2.2).
struct Frame {
    marker: u8,
    precision: u8,
    size: (u32, u32),
    /// Horizontal and vertical sampling of each component.
    samplings: Vec<(u8, u8)>,
    has_jfif: bool,
    /// Where Adobe's marker stands.
    adobe: Option<Range<usize>>,
}

impl Frame {
    /// Looks for the first one among the segments before the first scan.
    fn of(bytes: &[u8]) -> Option<Self> {
        let (mut has_jfif, mut adobe) = (false, None);
        let mut rest = bytes.get(2..)?;
        loop {
            let start = bytes.len().checked_sub(rest.len())?;
            let fill = rest.iter().position(|byte| *byte != 0xff)?;
            let (marker, after) = rest.get(fill..)?.split_first()?;
            let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
            let segment = after.get(2..length)?;
            rest = after.get(length..)?;
            match *marker {
                APP0 => has_jfif |= segment.starts_with(b"JFIF\0"),
                APP14 if segment.starts_with(b"Adobe") => adobe = Some(start..bytes.len().checked_sub(rest.len())?),
                SOS => return None,
                DHT | JPG | DAC => {}
                SOF0..=SOF15 => {
                    return Self::of_segment(*marker, segment).map(|frame| Self { has_jfif, adobe, ..frame });
                }
                _ => {}
            }
        }
    }

    fn of_segment(marker: u8, segment: &[u8]) -> Option<Self> {
        let [precision, h1, h0, w1, w0, _, components @ ..] = segment else { return None };
        let edge = |high: &u8, low: &u8| u32::from(u16::from_be_bytes([*high, *low]));
        let samplings = components.as_chunks::<3>().0.iter().map(|[_, sampling, _]| (sampling >> 4, sampling & 15));
        Some(Self {
            marker,
            precision: *precision,
            size: (edge(w1, w0), edge(h1, h0)),
            samplings: samplings.collect(),
            has_jfif: false,
            adobe: None,
        })
    }

    const fn unsupported_kind(&self) -> Option<&'static str> {
        match (self.marker, self.precision) {
            (SOF0..=SOF2, 8) => None,
            (SOF0..=SOF2, 12) => Some("12-bit JPEG"),
            (SOF3, _) => Some("lossless JPEG"),
            (SOF9..=SOF15, _) => Some("arithmetic-coded JPEG"),
            _ => Some("such JPEG"),
        }
    }

    /// Grey, or colours as cameras write them: sampled not at all, or by two in whole blocks.
    fn is_usual(&self) -> bool {
        let (width, height) = self.size;
        let block = |sampling: &u8| u32::from(*sampling).saturating_mul(8);
        match self.samplings.as_slice() {
            [_] | [(1, 1), (1, 1), (1, 1)] => true,
            [(h @ 1..=2, v @ 1..=2), (1, 1), (1, 1)] => {
                width.is_multiple_of(block(h)) && height.is_multiple_of(block(v))
            }
            _ => false,
        }
    }
}

fn decode_carefully(bytes: &[u8], limits: &Limits) -> Result<Decoded, PictureError> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(usize::try_from(limits.decoded_bytes).unwrap_or(usize::MAX));
    decoder.read_info().map_err(of_jpeg)?;
    let info = decoder.info().ok_or(PictureError::Damaged)?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    let icc = decoder.icc_profile();
    let pixels = decoder.decode().map_err(of_jpeg)?;
    let (picture, colours) = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => (GrayImage::from_raw(width, height, pixels).map(DynamicImage::from), None),
        jpeg_decoder::PixelFormat::RGB24 => (RgbImage::from_raw(width, height, pixels).map(DynamicImage::from), None),
        jpeg_decoder::PixelFormat::CMYK32 => {
            (RgbaImage::from_raw(width, height, pixels).map(DynamicImage::from), Some(Colours::Inks(icc.clone())))
        }
        jpeg_decoder::PixelFormat::L16 => return Err(PictureError::Unsupported),
    };
    let colours = colours.unwrap_or_else(|| icc.map_or(Colours::Srgb, Colours::Icc));
    Ok(Decoded { picture: picture.ok_or(PictureError::Damaged)?, orientation, colours })
}

fn of_jpeg(error: jpeg_decoder::Error) -> PictureError {
    match error {
        jpeg_decoder::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => PictureError::Truncated,
        jpeg_decoder::Error::Unsupported(_) => PictureError::Unsupported,
        _ => PictureError::Damaged,
    }
}

const SOF0: u8 = 0xc0;
const SOF2: u8 = 0xc2;
const SOF3: u8 = 0xc3;
const DHT: u8 = 0xc4;
const JPG: u8 = 0xc8;
const SOF9: u8 = 0xc9;
const DAC: u8 = 0xcc;
const SOF15: u8 = 0xcf;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP14: u8 = 0xee;
