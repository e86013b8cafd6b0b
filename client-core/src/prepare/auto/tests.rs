//! The search itself: what it finds is the least, and tiles that promise too much are found out.

#![expect(clippy::cast_possible_truncation, reason = "tests")]

use image::RgbImage;

use super::*;

struct Noise(u32);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 24) as u8
    }
}

/// Waves of all sizes with a grain.
fn photo(width: u32, height: u32) -> RgbImage {
    let mut noise = Noise(width * 3 + height);
    RgbImage::from_fn(width, height, |x, y| {
        let (fx, fy) = (x as f32, y as f32);
        let wave =
            (fx / 31.0).sin() * 40.0 + (fy / 7.0 + fx / 90.0).cos() * 25.0 + (fx / 2.5).sin() * (fy / 3.1).cos() * 14.0;
        let grain = f32::from(noise.byte() % 9);
        image::Rgb([wave + 120.0, wave * 0.7 + 110.0, 140.0 - wave].map(|level| (level + grain) as u8))
    })
}

fn pixels(picture: &RgbImage) -> Pixels<'_> {
    let (width, height) = (picture.width() as u16, picture.height() as u16);
    Pixels { samples: picture.as_raw(), width, height, colour: Colour::Rgb }
}

fn score_at(picture: &Pixels<'_>, sampling: Sampling, quality: u8) -> f64 {
    let shown = Transformed::of(picture, sampling).unwrap().quantised(quality).reconstruct();
    errors_of(picture, &shown).score()
}

#[test]
fn the_quality_found_is_the_least_that_reaches_the_target() {
    for (width, height) in [(300, 200), (64, 500), (17, 9), (450, 431)] {
        let picture = photo(width, height);
        let least = least(&pixels(&picture)).unwrap();
        let at = |quality| score_at(&pixels(&picture), least.sampling, quality);
        assert!(least.score >= TARGET && (at(least.quality) - least.score).abs() < 1e-9, "{width} x {height}");
        assert!(at(least.quality - 1) < TARGET, "{width} x {height}: quality {} is enough", least.quality - 1);
        assert_eq!((least.tiles, least.tile_pixels), (0, 0));
    }
}

#[test]
fn the_sampling_found_takes_the_fewest_bytes_of_those_that_reach_the_target() {
    // Fine colour of equal brightness is lost without 4:4:4.
    let coloured = RgbImage::from_fn(256, 200, |x, y| {
        image::Rgb(if (x / 2 + y / 2) % 2 == 0 { [200, 60, 60] } else { [40, 120, 200] })
    });
    assert_eq!(least(&pixels(&coloured)).unwrap().sampling, Sampling::Full);
    let smooth = photo(256, 200);
    let least = least(&pixels(&smooth)).unwrap();
    let full = Part::of(&pixels(&smooth), &tiles_of(256, 200)[0]).unwrap();
    let full = Search::new(std::slice::from_ref(&full), Sampling::Full).unwrap().run(GUESS).unwrap();
    assert!(least.rounded.encode().len() <= full.length_bytes());
}

#[test]
fn tiles_that_promise_too_much_are_found_out_on_the_whole_picture() {
    // Coarse where the tiles are, and full of faint lines everywhere else.
    let (width, height) = (2300, 1250);
    let tiles = tiles_of(2300, 1250);
    let is_seen = |x: u32, y: u32| {
        let (x, y) = (x as usize, y as usize);
        tiles.iter().any(|tile| tile.columns.contains(&x) && tile.rows.contains(&y))
    };
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let wave = (x as f32 / 40.0).sin() * 60.0 + (y as f32 / 55.0).cos() * 50.0 + 128.0;
        let line = if is_seen(x, y) || (x + 2 * y) % 5 > 0 { 0.0 } else { 9.0 };
        image::Rgb([wave + line, wave * 0.8 + line, 200.0 - wave * 0.7 + line].map(|level| level as u8))
    });
    let picture = pixels(&picture);
    let parts: Vec<_> = tiles.iter().map(|tile| Part::of(&picture, tile).unwrap()).collect();
    let promised = best_of_samplings(&parts, Colour::Rgb).unwrap();
    let shown = score_at(&picture, promised.sampling, promised.quality);
    assert!(shown < TARGET - 2.0, "quality {} is enough: {shown}", promised.quality);
    let least = least(&picture).unwrap();
    assert_eq!(least.tiles, tiles.len());
    assert!(least.quality > promised.quality && least.score > TARGET - 0.5, "{}: {}", least.quality, least.score);
}

#[test]
fn grey_pictures_are_searched_as_grey() {
    let picture = image::imageops::grayscale(&photo(200, 150));
    let pixels = Pixels { samples: picture.as_raw(), width: 200, height: 150, colour: Colour::Grey };
    let least = least(&pixels).unwrap();
    assert!(least.score >= TARGET);
    assert!(score_at(&pixels, least.sampling, least.quality - 1) < TARGET);
}

#[test]
fn samples_that_are_no_picture_are_not_searched() {
    let pixels = Pixels { samples: &[1, 2, 3], width: 4, height: 4, colour: Colour::Rgb };
    assert!(least(&pixels).is_none());
    assert!(least(&Pixels { samples: &[], width: 0, height: 0, colour: Colour::Grey }).is_none());
}
