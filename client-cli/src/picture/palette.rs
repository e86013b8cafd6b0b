//! A palette for one picture, and the picture in its colours: median cut (Heckbert 1982), then Floyd and Steinberg's
//! error diffusion.

use image::{Rgba, RgbaImage};

use super::half_block::{Colour, opaque};

/// The picture as numbers of colours; `None` where it is transparent.
pub(super) struct Indexed {
    pub(super) palette: Vec<Colour>,
    pub(super) width: usize,
    pub(super) pixels: Vec<Option<u8>>,
}

/// At most `most_colours` (and 256) colours, chosen for this picture.
pub(super) fn indexed(picture: &RgbaImage, most_colours: u16) -> Indexed {
    let width = usize::try_from(picture.width()).unwrap_or(0);
    let palette = palette(picture, usize::from(most_colours).clamp(2, 256));
    let pixels = if palette.is_empty() { vec![None; picture.pixels().len()] } else { diffused(picture, &palette) };
    Indexed { palette, width, pixels }
}

/// Pixels whose highest five bits are the same, together.
#[derive(Clone, Copy, Default)]
struct Bin {
    count: u64,
    sum: [u64; 3],
}

impl Bin {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.iter_mut().zip(other.sum).for_each(|(sum, more)| *sum += more);
    }

    fn mean(&self) -> Colour {
        self.sum.map(|sum| u8::try_from(sum.checked_div(self.count).unwrap_or(0)).unwrap_or(u8::MAX))
    }
}

fn palette(picture: &RgbaImage, most_colours: usize) -> Vec<Colour> {
    let mut bins = vec![Bin::default(); 1 << 15];
    for colour in picture.pixels().filter_map(opaque) {
        if let Some(bin) = bins.get_mut(bin_of(colour)) {
            bin.add(&Bin { count: 1, sum: colour.map(u64::from) });
        }
    }
    bins.retain(|bin| bin.count > 0);
    if bins.is_empty() {
        return Vec::new();
    }
    let mut boxes = vec![Cut::of(bins)];
    while boxes.len() < most_colours {
        let worst = boxes.iter().enumerate().max_by(|a, b| a.1.error.total_cmp(&b.1.error)).map(|(place, _)| place);
        match worst.filter(|place| boxes.get(*place).is_some_and(|worst| worst.error > 0.0)) {
            Some(place) => {
                let (one, other) = boxes.swap_remove(place).halves();
                boxes.extend([one, other]);
            }
            None => break,
        }
    }
    boxes.iter().map(|cut| cut.whole.mean()).collect()
}

fn bin_of([red, green, blue]: Colour) -> usize {
    usize::from(red >> 3) << 10 | usize::from(green >> 3) << 5 | usize::from(blue >> 3)
}

/// Colours that will be one.
struct Cut {
    bins: Vec<Bin>,
    whole: Bin,
    /// How far its pixels lie apart in all, along the axis that is worst.
    error: f64,
    axis: usize,
}

impl Cut {
    fn of(bins: Vec<Bin>) -> Self {
        let mut whole = Bin::default();
        bins.iter().for_each(|bin| whole.add(bin));
        let (axis, error) = (0..3)
            .map(|axis| (axis, spread(&bins, &whole, axis)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or_default();
        let error = if bins.len() > 1 { error } else { 0.0 };
        Self { bins, whole, error, axis }
    }

    /// Cut where half of the pixels are on either side.
    fn halves(mut self) -> (Self, Self) {
        let axis = self.axis;
        self.bins.sort_unstable_by_key(|bin| bin.mean().get(axis).copied());
        let mut before = 0;
        let cut = self.bins.iter().position(|bin| {
            before += bin.count;
            before * 2 >= self.whole.count
        });
        let cut = cut.map_or(1, |place| place + 1).clamp(1, self.bins.len().saturating_sub(1).max(1));
        let other = self.bins.split_off(cut);
        (Self::of(self.bins), Self::of(other))
    }
}

/// The sum of squared distances from the mean along one axis, weighted as the eye does.
fn spread(bins: &[Bin], whole: &Bin, axis: usize) -> f64 {
    let at = |bin: &Bin| f64::from(bin.mean().get(axis).copied().unwrap_or_default());
    #[expect(clippy::cast_precision_loss, reason = "a window has fewer than 2^52 pixels")]
    let weight = |bin: &Bin| bin.count as f64;
    let mean = at(whole);
    let sum: f64 = bins.iter().map(|bin| (at(bin) - mean).powi(2) * weight(bin)).sum();
    // Rec. 709, less extreme: dithering hides errors of hue.
    sum * [0.8, 1.2, 0.5].get(axis).copied().unwrap_or(1.0)
}

/// Each pixel in the nearest colour of the palette; what that is off by goes to its neighbours.
fn diffused(picture: &RgbaImage, palette: &[Colour]) -> Vec<Option<u8>> {
    let width = usize::try_from(picture.width()).unwrap_or(0);
    let mut nearest = Nearest::of(palette);
    let mut pixels = Vec::with_capacity(picture.pixels().len());
    // One more on either side, so that nothing has to be asked about edges. In sixteenths.
    let (mut this, mut next) = (vec![[0_i32; 3]; width + 2], vec![[0_i32; 3]; width + 2]);
    for row in picture.rows() {
        for (x, pixel) in row.enumerate() {
            let Some(wanted) = wanted(pixel, this.get(x + 1).copied().unwrap_or_default()) else {
                pixels.push(None);
                continue;
            };
            let (index, colour) = nearest.to(wanted);
            pixels.push(Some(index));
            for (part, (wanted, got)) in wanted.into_iter().zip(colour).enumerate() {
                let off = i32::from(wanted) - i32::from(got);
                for (row, place, share) in [(0, x + 2, 7), (1, x, 3), (1, x + 1, 5), (1, x + 2, 1)] {
                    let row = if row == 0 { &mut this } else { &mut next };
                    if let Some(error) = row.get_mut(place).and_then(|error| error.get_mut(part)) {
                        *error += off * share;
                    }
                }
            }
        }
        std::mem::swap(&mut this, &mut next);
        next.fill([0; 3]);
    }
    pixels
}

/// The colour with the errors of those before.
fn wanted(pixel: &Rgba<u8>, error: [i32; 3]) -> Option<Colour> {
    let [red, green, blue] = opaque(pixel)?;
    let [off_red, off_green, off_blue] = error;
    let with = |part: u8, off: i32| u8::try_from((i32::from(part) + off / 16).clamp(0, 255)).unwrap_or(part);
    Some([with(red, off_red), with(green, off_green), with(blue, off_blue)])
}

/// Finds nearest colours, and remembers them by their highest six bits.
struct Nearest<'a> {
    palette: &'a [Colour],
    known: Vec<Option<u8>>,
}

impl<'a> Nearest<'a> {
    fn of(palette: &'a [Colour]) -> Self {
        Self { palette, known: vec![None; 1 << 18] }
    }

    fn to(&mut self, wanted: Colour) -> (u8, Colour) {
        let [red, green, blue] = wanted.map(|part| usize::from(part >> 2));
        let place = red << 12 | green << 6 | blue;
        let known = self.known.get(place).copied().flatten();
        let index = known.unwrap_or_else(|| {
            let distance = |colour: &Colour| {
                let squares = colour.iter().zip(wanted).map(|(one, other)| u32::from(one.abs_diff(other)).pow(2));
                squares.zip([4, 6, 3]).map(|(square, weight)| square * weight).sum::<u32>()
            };
            let near = self.palette.iter().enumerate().min_by_key(|(_, colour)| distance(colour));
            near.and_then(|(index, _)| u8::try_from(index).ok()).unwrap_or_default()
        });
        if let Some(slot) = self.known.get_mut(place) {
            *slot = Some(index);
        }
        (index, self.palette.get(usize::from(index)).copied().unwrap_or_default())
    }
}
