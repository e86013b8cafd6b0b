//! Colours to sRGB (moxcms): what the samples of a picture mean, and the picture as everybody shows it without asking.
//!
//! A profile of primaries and curves is exact whatever the intent. Of a profile of tables the perceptual one is taken,
//! made to fit into smaller spaces; the colorimetric one would need its black point compensated, which moxcms does not do.

mod told;

use std::sync::Arc;

use image::{DynamicImage, ImageBuffer, Pixel};
use moxcms::{CmsError, ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformExecutor, TransformOptions};

pub(super) use told::Gamma;

/// What the samples of a picture mean.
#[derive(Clone, PartialEq)]
pub(super) enum Colours {
    /// ITU-T H.273: primaries, transfer, matrix, range.
    Cicp([u8; 4]),
    /// A curve and primaries by numbers.
    Gamma(Gamma),
    /// A profile as it was found, whatever it is worth.
    Icc(Vec<u8>),
    /// Cyan, magenta, yellow and black in the place of red, green, blue and alpha, zero for none; with a profile or not.
    Inks(Option<Vec<u8>>),
    /// What nothing else was said of.
    Srgb,
}

/// What was made of the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Managed {
    /// They were sRGB, or inks without a profile.
    AsFound,
    /// They are sRGB now.
    Converted,
    /// What described them is damaged, or for another kind of picture: they are taken as if nothing had.
    Unusable,
}

/// The picture in sRGB, in the place of the one it was; 16 bits stay 16 bits.
pub(super) fn to_srgb(picture: DynamicImage, colours: &Colours) -> (DynamicImage, Managed) {
    let profile = match colours {
        Colours::Srgb => return (picture, Managed::AsFound),
        Colours::Inks(icc) => return of_inks(picture, icc.as_deref()),
        Colours::Cicp(codes) => told::of_cicp(*codes),
        Colours::Gamma(gamma) => gamma.profile(),
        Colours::Icc(icc) => parsed(icc),
    };
    let mut picture = match picture {
        DynamicImage::ImageRgb32F(_) => picture.into_rgb16().into(),
        DynamicImage::ImageRgba32F(_) => picture.into_rgba16().into(),
        other => other,
    };
    let converted = profile.and_then(|profile| convert(&mut picture, &profile));
    (picture, if converted.is_some() { Managed::Converted } else { Managed::Unusable })
}

fn parsed(icc: &[u8]) -> Option<ColorProfile> {
    if icc.len() > MAX_PROFILE_BYTES { None } else { ColorProfile::new_from_slice(icc).ok() }
}

/// `None`, and nothing changed, where the profile is not for such a picture.
fn convert(picture: &mut DynamicImage, profile: &ColorProfile) -> Option<()> {
    if profile.color_space == DataColorSpace::Rgb && is_srgb(profile)? {
        return Some(());
    }
    match picture {
        DynamicImage::ImageLuma8(pixels) => grey(pixels, 1, profile),
        DynamicImage::ImageLumaA8(pixels) => grey(pixels, 2, profile),
        DynamicImage::ImageLuma16(pixels) => grey(pixels, 1, profile),
        DynamicImage::ImageLumaA16(pixels) => grey(pixels, 2, profile),
        DynamicImage::ImageRgb8(pixels) => colour(pixels, Layout::Rgb, profile),
        DynamicImage::ImageRgba8(pixels) => colour(pixels, Layout::Rgba, profile),
        DynamicImage::ImageRgb16(pixels) => colour(pixels, Layout::Rgb, profile),
        DynamicImage::ImageRgba16(pixels) => colour(pixels, Layout::Rgba, profile),
        _ => None,
    }
}

/// Whether it would change no colour by more than rounding: then pixels stay as they are.
fn is_srgb(profile: &ColorProfile) -> Option<bool> {
    let steps = || (0..=u8::MAX).step_by(51);
    let before: Vec<u8> =
        steps().flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b]))).collect();
    let mut after = before.clone();
    colour(&mut after, Layout::Rgb, profile)?;
    Some(before.iter().zip(&after).all(|(before, after)| before.abs_diff(*after) <= 1))
}

/// Some thousand pixels at a time: the converter does not work in place, and a second picture would not fit.
fn colour<T: Depth>(samples: &mut [T], layout: Layout, profile: &ColorProfile) -> Option<()> {
    if profile.color_space != DataColorSpace::Rgb {
        return None;
    }
    let transform = transform::<T>(profile, layout, layout)?;
    let mut before = Vec::new();
    for piece in samples.chunks_mut(layout.channels().saturating_mul(PIECE_PIXELS)) {
        before.clear();
        before.extend_from_slice(piece);
        transform.transform(&before, piece).ok()?;
    }
    Some(())
}

/// Grey stays grey: by a table of all its values, of the profile of a grey picture or of one in colours.
fn grey<T: Depth>(samples: &mut [T], channels: usize, profile: &ColorProfile) -> Option<()> {
    let values = (0..=T::MOST.into()).map(T::of);
    let (layout, values): (_, Vec<T>) = match profile.color_space {
        DataColorSpace::Gray => (Layout::Gray, values.collect()),
        DataColorSpace::Rgb => (Layout::Rgb, values.flat_map(|value| [value; 3]).collect()),
        _ => return None,
    };
    let mut colours = vec![T::default(); values.len().checked_div(layout.channels())?.checked_mul(3)?];
    transform::<T>(profile, layout, Layout::Rgb)?.transform(&values, &mut colours).ok()?;
    let table: Vec<T> = colours.as_chunks::<3>().0.iter().map(|[_, green, _]| *green).collect();
    for value in samples.chunks_exact_mut(channels).filter_map(<[T]>::first_mut) {
        *value = *table.get(usize::try_from((*value).into()).ok()?)?;
    }
    Some(())
}

fn of_inks(picture: DynamicImage, icc: Option<&[u8]>) -> (DynamicImage, Managed) {
    let profile = icc.map(|icc| parsed(icc).filter(|profile| profile.color_space == DataColorSpace::Cmyk));
    let (picture, is_managed) = match picture {
        DynamicImage::ImageRgba8(inks) => {
            let transform = profile.flatten().and_then(|profile| transform::<u8>(&profile, Layout::Rgba, Layout::Rgb));
            (printed(inks, transform.as_deref()).map(DynamicImage::ImageRgb8), transform.is_some())
        }
        DynamicImage::ImageRgba16(inks) => {
            let transform = profile.flatten().and_then(|profile| transform::<u16>(&profile, Layout::Rgba, Layout::Rgb));
            (printed(inks, transform.as_deref()).map(DynamicImage::ImageRgb16), transform.is_some())
        }
        other => (Some(other), false),
    };
    let managed = match (icc, is_managed) {
        (None, _) => Managed::AsFound,
        (Some(_), true) => Managed::Converted,
        (Some(_), false) => Managed::Unusable,
    };
    (picture.unwrap_or_default(), managed)
}

/// Three colours for four inks, in the place of the inks.
fn printed<P: Pixel<Subpixel = T>, Q: Pixel<Subpixel = T>, T: Depth>(
    inks: ImageBuffer<P, Vec<T>>,
    transform: Option<&Transform<T>>,
) -> Option<ImageBuffer<Q, Vec<T>>> {
    let (width, height) = inks.dimensions();
    let mut samples = inks.into_raw();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let (mut read, mut written) = (0_usize, 0_usize);
    while read < samples.len() {
        let end = read.saturating_add(PIECE_PIXELS.saturating_mul(4)).min(samples.len());
        before.clear();
        before.extend_from_slice(samples.get(read..end)?);
        after.clear();
        match transform {
            Some(transform) => {
                after.resize(before.len().checked_div(4)?.checked_mul(3)?, T::default());
                transform.transform(&before, &mut after).ok()?;
            }
            None => after.extend(before.as_chunks::<4>().0.iter().flat_map(|inks| light_left(*inks))),
        }
        let place = samples.get_mut(written..written.saturating_add(after.len()))?;
        place.copy_from_slice(&after);
        (read, written) = (end, written.saturating_add(after.len()));
    }
    samples.truncate(written);
    ImageBuffer::from_raw(width, height, samples)
}

/// As every program without colour management mixes inks: each takes away from white.
fn light_left<T: Depth>([cyan, magenta, yellow, black]: [T; 4]) -> [T; 3] {
    let most: u32 = T::MOST.into();
    let left = |ink: T| u64::from(most.saturating_sub(ink.into()));
    [cyan, magenta, yellow].map(|ink| {
        let product = left(ink).saturating_mul(left(black)).saturating_add(u64::from(most / 2));
        let rounded = product.checked_div(u64::from(most)).unwrap_or_default();
        T::of(u32::try_from(rounded).unwrap_or(most))
    })
}

type Transform<T> = dyn TransformExecutor<T> + Send + Sync;

fn transform<T: Depth>(profile: &ColorProfile, from: Layout, to: Layout) -> Option<Arc<Transform<T>>> {
    let options =
        |rendering_intent| TransformOptions { rendering_intent, prefer_fixed_point: false, ..Default::default() };
    // Not every profile has a table for each intent.
    T::transform(profile, from, to, options(RenderingIntent::Perceptual))
        .or_else(|_| T::transform(profile, from, to, options(RenderingIntent::RelativeColorimetric)))
        .ok()
}

/// Samples of 8 or 16 bits.
trait Depth: Copy + Default + std::fmt::Debug + Into<u32> + TryFrom<u32> {
    /// The most that a sample can be.
    const MOST: Self;

    /// A sample, or the most where the number is larger.
    fn of(number: u32) -> Self {
        Self::try_from(number).unwrap_or(Self::MOST)
    }

    fn transform(
        profile: &ColorProfile,
        from: Layout,
        to: Layout,
        options: TransformOptions,
    ) -> Result<Arc<Transform<Self>>, CmsError>;
}

impl Depth for u8 {
    const MOST: Self = Self::MAX;

    fn transform(
        profile: &ColorProfile,
        from: Layout,
        to: Layout,
        options: TransformOptions,
    ) -> Result<Arc<Transform<Self>>, CmsError> {
        profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, options)
    }
}

impl Depth for u16 {
    const MOST: Self = Self::MAX;

    fn transform(
        profile: &ColorProfile,
        from: Layout,
        to: Layout,
        options: TransformOptions,
    ) -> Result<Arc<Transform<Self>>, CmsError> {
        profile.create_transform_16bit(from, &ColorProfile::new_srgb(), to, options)
    }
}

const PIECE_PIXELS: usize = 16 << 10;
/// The tables of presses have some megabytes.
const MAX_PROFILE_BYTES: usize = 8 << 20;
