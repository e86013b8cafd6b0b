//! Why a file cannot be sent, or a received photo not be drawn.

use std::io;

/// Why [`super::prepare`] refused a file. Nothing was sent and nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// An animation, and `original` would have to drop all frames but the first.
    #[error("the {0} is animated, and only its first frame could be kept")]
    Animated(&'static str),
    /// The encoder refused the picture.
    #[error("the picture cannot be encoded")]
    Encoding,
    /// No picture format that is known here.
    #[error("not an image")]
    NotAnImage,
    /// `original` has no container for this format.
    #[error("a {0} has no cleaned original")]
    NoOriginal(&'static str),
    /// The picture itself.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The file could not be read.
    #[error("the file cannot be read: {0}")]
    Read(io::ErrorKind),
    /// The process that decodes was stopped, or could not begin.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// More bytes than a picture may have.
    #[error("the file is too large to be treated as a picture")]
    TooManyBytes,
    /// A picture format without a decoder here.
    #[error("{0} pictures cannot be decoded")]
    UnsupportedFormat(&'static str),
}

impl PrepareError {
    /// What a sender can do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Encoding => Some("try --as original or --as exact"),
            Self::Read(_) => None,
            Self::Picture(PictureError::Damaged | PictureError::Truncated) => {
                Some("look whether the file is whole; --as exact sends any file as it is, with everything inside it")
            }
            _ => Some("--as exact sends any file as it is, with everything inside it"),
        }
    }
}

/// What is wrong with a picture, whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The bytes contradict the format.
    #[error("the image is damaged")]
    Damaged,
    /// Decoding would need more memory than allowed.
    #[error("the image needs too much memory to decode")]
    TooMuchMemory,
    /// More pixels or a longer side than allowed; found in the header, before decoding.
    #[error("the image is too large: {width} x {height} pixels")]
    TooManyPixels {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// The file ends before the picture does.
    #[error("the image is truncated")]
    Truncated,
    /// A variant of the format that is not decoded here.
    #[error("this variant of the image format cannot be decoded")]
    Unsupported,
}

impl From<image::ImageError> for PictureError {
    fn from(error: image::ImageError) -> Self {
        use image::ImageError as Image;
        match error {
            Image::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::Truncated,
            Image::Limits(_) => Self::TooMuchMemory,
            Image::Unsupported(_) => Self::Unsupported,
            _ => Self::Damaged,
        }
    }
}

/// Why a received photo is not drawn. It can still be saved as a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The bytes are of another kind than the sender said.
    #[error("the photo is not what its sender says it is")]
    AnotherFormat,
    /// Only JPEG, PNG and WebP are decoded on receipt.
    #[error("this kind of file is not drawn")]
    NotDrawn,
    /// The picture itself.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The process that decodes was stopped, or could not begin.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why the process that decodes was stopped, or could not begin. Nothing that it wrote was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stopped {
    /// It ended without a reply that can be: the file's fault, or our mistake.
    #[error("decoding it broke down, and nothing of it was used")]
    Broke,
    /// It wanted more memory than it may have: the file's fault.
    #[error("decoding it takes more memory than it may")]
    Memory,
    /// It took longer than it may: the file's fault.
    #[error("decoding it takes longer than it may")]
    Time,
    /// It could not be started: the system's fault.
    #[error("the process that decodes photos cannot be started")]
    Unavailable,
    /// It could not be confined, and decoded nothing: the system's fault.
    #[error("this system cannot confine the process that decodes photos")]
    Unconfined,
}
