//! Which JPEG is the smallest that still looks like what it was made of.
//!
//! ```text
//!  picture ─▶ parts ─▶ coefficients ─round at a quality─▶ what decoders show ─measure─▶ score ─▶ the next quality
//!            (all of it, or tiles)   ▲                                                             │
//!                                    └──────────────── a few times, for each sampling ◀────────────┘
//! ```
//!
//! No file is written to find out: what a decoder shows is known from the rounded coefficients. What was found on tiles
//! is checked on the whole picture, and made better where the tiles promised too much.

mod bracket;
mod judge;
#[cfg(test)]
mod tests;
mod tiles;

use super::{
    jpeg::{Colour, Pixels, Quantised, Sampling, Transformed},
    ssimulacra2::{Cuts, Errors},
};
use bracket::{BEST, Bracket, better_by};
use judge::{Judge, cut_out, errors_of};
use tiles::{Tile, tiles_of};

/// Up to here a picture is looked at as a whole.
pub(super) const WHOLE_PIXELS: usize = 2_000_000;
/// What a compressed picture is to score: hard to tell from the original where both are seen side by side.
pub(super) const TARGET: f64 = 80.0;

/// The smallest JPEG that scores [`TARGET`].
pub(super) struct Least {
    pub(super) quality: u8,
    pub(super) sampling: Sampling,
    /// Of the whole picture.
    pub(super) score: f64,
    /// How many tiles the quality was searched on, and how many pixels these have; none if on the whole picture.
    pub(super) tiles: usize,
    pub(super) tile_pixels: usize,
    pub(super) rounded: Quantised,
}

/// The least quality, and of the samplings the one with fewer bytes, at which a picture scores [`TARGET`]; where nothing
/// does, the best there is. `None` for samples that are no picture.
pub(super) fn least(picture: &Pixels<'_>) -> Option<Least> {
    let tiles = tiles_of(picture.width.into(), picture.height.into());
    let parts: Vec<_> = tiles.iter().map(|tile| Part::of(picture, tile)).collect::<Option<_>>()?;
    let Attempt { quality, sampling, score, mut rounded } = best_of_samplings(&parts, picture.colour)?;
    if rounded.len() == 1 {
        let rounded = rounded.pop()?;
        return Some(Least { quality, sampling, score, tiles: 0, tile_pixels: 0, rounded });
    }
    let tile_pixels = tiles.iter().map(Tile::pixels).sum();
    drop((parts, rounded));
    let (quality, score, rounded) = checked(picture, sampling, quality)?;
    Some(Least { quality, sampling, score, tiles: tiles.len(), tile_pixels, rounded })
}

/// What stands for a picture of a size where it is not looked at as a whole: left, top, width, height.
pub(super) fn rectangles(width: u32, height: u32) -> Vec<[u32; 4]> {
    let side = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    let rectangle = |Tile { columns, rows }: Tile| {
        let sides = [columns.start, rows.start, columns.len(), rows.len()];
        // Each is at most the side of the picture.
        sides.map(|length| u32::try_from(length).unwrap_or(u32::MAX))
    };
    tiles_of(side(width), side(height)).into_iter().map(rectangle).collect()
}

fn best_of_samplings(parts: &[Part], colour: Colour) -> Option<Attempt> {
    let thin = Search::new(parts, Sampling::Quarter)?;
    let found = thin.run(guess_for(parts));
    if colour == Colour::Grey {
        return Some(found.unwrap_or_else(|| thin.at(BEST)));
    }
    drop(thin);
    // On most pictures fine colour takes a seventh more bytes at equal looks. A large one is spared the search for it,
    // unless it takes so high a quality that coarse colour must be what is wrong.
    if parts.len() > 1 && found.as_ref().is_some_and(|thin| thin.quality < FULL_FROM) {
        return found;
    }
    // At equal looks fine colour needs a little less quality.
    let guess = found.as_ref().map_or(BEST, |thin| thin.quality.saturating_sub(FULL_NEEDS_LESS));
    let full = Search::new(parts, Sampling::Full)?;
    Some(match (found, full.run(guess)) {
        (Some(thin), Some(full)) if thin.length_bytes() <= full.length_bytes() => thin,
        (Some(thin), None) => thin,
        (_, Some(full)) => full,
        (None, None) => full.at(BEST),
    })
}

/// Where to begin: near what a few of many parts need.
fn guess_for(parts: &[Part]) -> u8 {
    let few: Vec<_> = parts.iter().step_by(ONE_PART_IN).collect();
    let found = if few.len() > 1 { Search::over(few, Sampling::Quarter).and_then(|few| few.run(GUESS)) } else { None };
    found.map_or(GUESS, |few| few.quality)
}

/// The whole picture at a quality, or at a better one if it does not reach the target.
fn checked(picture: &Pixels<'_>, sampling: Sampling, mut quality: u8) -> Option<(u8, f64, Quantised)> {
    let mut checks = 1..=MOST_CHECKS;
    loop {
        let rounded = Transformed::of(picture, sampling)?.quantised(quality);
        let score = errors_of(picture, &rounded.reconstruct()).score();
        checks.next();
        if score >= TARGET || quality == BEST || checks.is_empty() {
            return Some((quality, score, rounded));
        }
        quality = better_by(TARGET - score, quality);
    }
}

/// What is measured of a picture.
struct Part {
    samples: Vec<u8>,
    width: u16,
    height: u16,
    colour: Colour,
    judge: Judge,
}

impl Part {
    fn of(picture: &Pixels<'_>, tile: &Tile) -> Option<Self> {
        let samples = cut_out(picture.samples, (picture.width.into(), picture.colour), tile);
        let cuts = Cuts {
            left: tile.columns.start > 0,
            right: tile.columns.end < picture.width.into(),
            top: tile.rows.start > 0,
            bottom: tile.rows.end < picture.height.into(),
        };
        let (width, height) = (u16::try_from(tile.columns.len()).ok()?, u16::try_from(tile.rows.len()).ok()?);
        let judge = Judge::of(&Pixels { samples: &samples, width, height, colour: picture.colour }, cuts);
        Some(Self { samples, width, height, colour: picture.colour, judge })
    }

    fn pixels(&self) -> Pixels<'_> {
        Pixels { samples: &self.samples, width: self.width, height: self.height, colour: self.colour }
    }
}

/// The parts with one sampling.
struct Search<'a> {
    parts: Vec<&'a Part>,
    sampling: Sampling,
    transformed: Vec<Transformed>,
}

/// The parts at one quality.
struct Attempt {
    quality: u8,
    sampling: Sampling,
    score: f64,
    rounded: Vec<Quantised>,
}

impl<'a> Search<'a> {
    fn new(parts: &'a [Part], sampling: Sampling) -> Option<Self> {
        Self::over(parts.iter().collect(), sampling)
    }

    fn over(parts: Vec<&'a Part>, sampling: Sampling) -> Option<Self> {
        let transformed = parts.iter().map(|part| Transformed::of(&part.pixels(), sampling)).collect::<Option<_>>()?;
        Some(Self { parts, sampling, transformed })
    }

    /// The least quality that reaches the target, as far as [`MOST_TRIES`] tell.
    fn run(&self, guess: u8) -> Option<Attempt> {
        let mut bracket = Bracket::default();
        let mut least = None;
        for _ in 0..MOST_TRIES {
            let Some(quality) = bracket.next(guess, TARGET) else { break };
            let attempt = self.at(quality);
            bracket.learn((quality, attempt.score), TARGET);
            if attempt.score >= TARGET {
                let is_close = attempt.score < TARGET + CLOSE;
                least = Some(attempt);
                if is_close && self.parts.len() > 1 {
                    break;
                }
            }
        }
        least
    }

    fn at(&self, quality: u8) -> Attempt {
        let mut errors = Errors::default();
        let rounded = self.parts.iter().zip(&self.transformed).map(|(part, transformed)| {
            let rounded = transformed.clone().quantised(quality);
            errors.add(&part.judge.errors(&rounded.reconstruct()));
            rounded
        });
        let rounded = rounded.collect();
        Attempt { quality, sampling: self.sampling, score: errors.score(), rounded }
    }
}

impl Attempt {
    fn length_bytes(&self) -> usize {
        self.rounded.iter().map(|part| part.encode().len()).fold(0, usize::saturating_add)
    }
}

const ONE_PART_IN: usize = 4;
/// Where the least quality of most photographs lies.
const GUESS: u8 = 84;
const FULL_NEEDS_LESS: u8 = 4;
const FULL_FROM: u8 = 90;
/// More than it takes, but for pictures whose score hardly depends on the quality.
const MOST_TRIES: u8 = 8;
/// What a step of quality is worth at least: on tiles, which are checked anyway, the step below is not tried then.
const CLOSE: f64 = 0.25;
/// How often a large picture is rounded and measured as a whole. The last time is not made better.
const MOST_CHECKS: u8 = 4;
