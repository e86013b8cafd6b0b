//! Refusals as they cross the pipe.

use std::io;

use lightproof_wire::codec::{TlsDeserialize, TlsSerialize, TlsSize};

use super::super::error::{PictureError, PrepareError, Stopped, ViewError};

/// [`PrepareError`], as it is written.
#[derive(Clone, Copy, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub(super) enum Refused {
    #[tls_codec(discriminant = 1)]
    Animated(FormatName),
    #[tls_codec(discriminant = 2)]
    Encoding,
    #[tls_codec(discriminant = 3)]
    NoOriginal(FormatName),
    #[tls_codec(discriminant = 4)]
    NotAnImage,
    #[tls_codec(discriminant = 5)]
    Picture(BadPicture),
    #[tls_codec(discriminant = 6)]
    Read,
    #[tls_codec(discriminant = 7)]
    TooManyBytes,
    #[tls_codec(discriminant = 8)]
    UnsupportedFormat(FormatName),
}

/// [`PictureError`], as it is written.
#[derive(Clone, Copy, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub(super) enum BadPicture {
    #[tls_codec(discriminant = 1)]
    Damaged,
    #[tls_codec(discriminant = 2)]
    TooManyPixels(Pixels),
    #[tls_codec(discriminant = 3)]
    TooMuchMemory,
    #[tls_codec(discriminant = 4)]
    Truncated,
    #[tls_codec(discriminant = 5)]
    Unsupported,
}

/// [`ViewError`], as it is written.
#[derive(Clone, Copy, TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
pub(super) enum NotShown {
    #[tls_codec(discriminant = 1)]
    AnotherFormat,
    #[tls_codec(discriminant = 2)]
    NotDrawn,
    #[tls_codec(discriminant = 3)]
    Picture(BadPicture),
}

/// A size.
#[derive(Clone, Copy, TlsSerialize, TlsDeserialize, TlsSize)]
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
}

/// A name of a format, by its place in [`NAMES`].
#[derive(Clone, Copy, TlsSerialize, TlsDeserialize, TlsSize)]
pub(super) struct FormatName(u8);

impl FormatName {
    fn of(name: &str) -> Self {
        let place = NAMES.iter().position(|known| *known == name).unwrap_or_default();
        Self(u8::try_from(place).unwrap_or_default())
    }

    fn get(self) -> Result<&'static str, Stopped> {
        NAMES.get(usize::from(self.0)).copied().ok_or(Stopped::Broke)
    }
}

impl From<PrepareError> for Refused {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Animated(name) => Self::Animated(FormatName::of(name)),
            PrepareError::Encoding | PrepareError::Stopped(_) => Self::Encoding,
            PrepareError::NoOriginal(name) => Self::NoOriginal(FormatName::of(name)),
            PrepareError::NotAnImage => Self::NotAnImage,
            PrepareError::Picture(error) => Self::Picture(error.into()),
            PrepareError::Read(_) => Self::Read,
            PrepareError::TooManyBytes => Self::TooManyBytes,
            PrepareError::UnsupportedFormat(name) => Self::UnsupportedFormat(FormatName::of(name)),
        }
    }
}

impl From<Refused> for PrepareError {
    fn from(refused: Refused) -> Self {
        let named = |name: FormatName, make: fn(&'static str) -> Self| name.get().map_or_else(Self::Stopped, make);
        match refused {
            Refused::Animated(name) => named(name, Self::Animated),
            Refused::Encoding => Self::Encoding,
            Refused::NoOriginal(name) => named(name, Self::NoOriginal),
            Refused::NotAnImage => Self::NotAnImage,
            Refused::Picture(error) => Self::Picture(error.into()),
            Refused::Read => Self::Read(io::ErrorKind::Other),
            Refused::TooManyBytes => Self::TooManyBytes,
            Refused::UnsupportedFormat(name) => named(name, Self::UnsupportedFormat),
        }
    }
}

impl From<PictureError> for BadPicture {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Damaged => Self::Damaged,
            PictureError::TooManyPixels { width, height } => Self::TooManyPixels(Pixels { width, height }),
            PictureError::TooMuchMemory => Self::TooMuchMemory,
            PictureError::Truncated => Self::Truncated,
            PictureError::Unsupported => Self::Unsupported,
        }
    }
}

impl From<BadPicture> for PictureError {
    fn from(error: BadPicture) -> Self {
        match error {
            BadPicture::Damaged => Self::Damaged,
            BadPicture::TooManyPixels(Pixels { width, height }) => Self::TooManyPixels { width, height },
            BadPicture::TooMuchMemory => Self::TooMuchMemory,
            BadPicture::Truncated => Self::Truncated,
            BadPicture::Unsupported => Self::Unsupported,
        }
    }
}

impl From<ViewError> for NotShown {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::AnotherFormat => Self::AnotherFormat,
            ViewError::NotDrawn | ViewError::Stopped(_) => Self::NotDrawn,
            ViewError::Picture(error) => Self::Picture(error.into()),
        }
    }
}

impl From<NotShown> for ViewError {
    fn from(error: NotShown) -> Self {
        match error {
            NotShown::AnotherFormat => Self::AnotherFormat,
            NotShown::NotDrawn => Self::NotDrawn,
            NotShown::Picture(error) => Self::Picture(error.into()),
        }
    }
}

/// Every name an error has; the first stands for any that is missing here.
pub(super) const NAMES: &[&str] = &[
    "picture of this kind",
    "12-bit JPEG",
    "AVIF",
    "BMP",
    "GIF",
    "HEIC",
    "JPEG",
    "JPEG XL",
    "PNG",
    "TIFF",
    "WebP",
    "CMYK TIFF",
    "arithmetic-coded JPEG",
    "camera raw",
    "floating-point TIFF",
    "lossless JPEG",
    "such JPEG",
];
