//! GIFs: interlaced, transparent, smaller than their screen, animated.

use image::{DynamicImage, RgbaImage};

use super::{SIZE, Specimen, numbered, packed::lzw_of_gif};

struct Frame<'a> {
    left: u16,
    top: u16,
    numbers: &'a [u8],
    is_interlaced: bool,
    transparent: Option<u8>,
    has_own_colours: bool,
}

pub(super) fn all() -> Vec<Specimen> {
    let (numbers, palette, shows) = numbered(256);
    let plain =
        Frame { left: 0, top: 0, numbers: &numbers, is_interlaced: false, transparent: None, has_own_colours: false };
    let screen = (SIZE.0 as u16, SIZE.1 as u16);
    let mut rgba = DynamicImage::from(shows.clone()).into_rgba8();
    for (pixel, number) in rgba.pixels_mut().zip(&numbers) {
        // What is transparent has no colour.
        if *number == numbers[0] {
            pixel.0 = [0; 4];
        }
    }
    let mut within = RgbaImage::new(SIZE.0 + 20, SIZE.1 + 10);
    image::imageops::overlay(&mut within, &DynamicImage::from(shows.clone()).into_rgba8(), 13, 7);
    let large = (screen.0 + 20, screen.1 + 10);
    let reversed: Vec<u8> = numbers.iter().rev().copied().collect();
    vec![
        Specimen::of("GIF", gif(screen, &palette, &[Frame { ..plain }]), shows.clone()),
        Specimen::of("GIF interlaced", gif(screen, &palette, &[Frame { is_interlaced: true, ..plain }]), shows.clone()),
        Specimen::of(
            "GIF with colours of the frame",
            gif(screen, &palette, &[Frame { has_own_colours: true, ..plain }]),
            shows.clone(),
        ),
        Specimen::of(
            "GIF transparent",
            gif(screen, &palette, &[Frame { transparent: Some(numbers[0]), ..plain }]),
            rgba,
        ),
        Specimen::of("GIF within its screen", gif(large, &palette, &[Frame { left: 13, top: 7, ..plain }]), within),
        Specimen::of(
            "GIF animated",
            gif(screen, &palette, &[Frame { ..plain }, Frame { numbers: &reversed, ..plain }]),
            shows,
        ),
    ]
}

fn gif(screen: (u16, u16), palette: &[[u8; 3]], frames: &[Frame<'_>]) -> Vec<u8> {
    let mut file = b"GIF89a".to_vec();
    file.extend([screen.0.to_le_bytes(), screen.1.to_le_bytes()].concat());
    file.extend([0xf7, 0, 0]);
    file.extend(palette.concat());
    for frame in frames {
        if let Some(number) = frame.transparent {
            file.extend([b'!', 0xf9, 4, 1, 0, 0, number, 0]);
        }
        file.push(b',');
        let place = [frame.left, frame.top, SIZE.0 as u16, SIZE.1 as u16];
        file.extend(place.into_iter().flat_map(u16::to_le_bytes));
        let own = if frame.has_own_colours { 0x87 } else { 0 };
        file.push(own | if frame.is_interlaced { 0x40 } else { 0 });
        if frame.has_own_colours {
            file.extend(palette.concat());
        }
        file.push(8);
        for piece in lzw_of_gif(&in_order(frame)).chunks(255) {
            file.push(piece.len() as u8);
            file.extend(piece);
        }
        file.push(0);
    }
    file.push(b';');
    file
}

/// Appendix E: every eighth row, the eighths between, the quarters, the halves.
fn in_order(frame: &Frame<'_>) -> Vec<u8> {
    if !frame.is_interlaced {
        return frame.numbers.to_vec();
    }
    let rows: Vec<&[u8]> = frame.numbers.chunks(SIZE.0 as usize).collect();
    [(0, 8), (4, 8), (2, 4), (1, 2)]
        .into_iter()
        .flat_map(|(first, step)| rows.iter().skip(first).step_by(step).copied())
        .flatten()
        .copied()
        .collect()
}
