//! Photos for these tests, and one way to have them prepared and looked at.

use std::fs::File;
use std::io::{Cursor, Write};
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use lightproof_core::e2ee::manifest::{MediaType, Treatment};
use lightproof_core::prepare::apart::{Asked, LookAt, Looked};
use lightproof_core::prepare::{PrepareError, PrepareOptions, PreparedPhoto, Quality, Stopped};

use crate::child::{Buffer, PhotoFile, Program, look_with, prepare};

/// The program as it is shipped.
pub(crate) fn program() -> Program {
    Program(env!("CARGO_BIN_EXE_lightproof").into())
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

/// A quality that is not searched for, because that is not what these tests are about.
pub(crate) fn options(treatment: Treatment) -> PrepareOptions {
    PrepareOptions { treatment, quality: Quality::Fixed(80), ..PrepareOptions::default() }
}

pub(crate) async fn prepared(path: &Path, treatment: Treatment) -> Result<PreparedPhoto<PhotoFile>, PrepareError> {
    let photo = PhotoFile::Disk(File::open(path).unwrap());
    let asked = Asked { name: "photo", options: &options(treatment), source_salt: [7; 32] };
    prepare(&program(), photo, &asked).await
}

pub(crate) async fn looked(bytes: &[u8], media_type: MediaType) -> Result<Looked, Stopped> {
    let mut buffer = Buffer::new().unwrap();
    buffer.write_all(bytes).unwrap();
    look_with(&program(), buffer, &LookAt { media_type, max_width_px: 80, max_height_px: 60 }).await
}

/// A small picture with something to see.
pub(crate) fn picture(format: ImageFormat) -> Vec<u8> {
    let pixels = RgbImage::from_fn(64, 48, |x, y| Rgb([x, y, x ^ y].map(|part| u8::try_from(part * 4 % 256).unwrap())));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(pixels).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}
