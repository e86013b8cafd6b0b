//! What a part of a picture scores: cut into cells, so that little memory is worked on at a time.

use std::borrow::Cow;

use super::{
    super::{
        jpeg::{Colour, Pixels},
        ssimulacra2::{Cuts, Errors, Reference},
    },
    tiles::{Tile, cells_of},
};

/// Part of a picture, ready to be compared with what is shown instead of it.
pub(super) struct Judge {
    width: usize,
    colour: Colour,
    cells: Vec<(Tile, Reference)>,
}

impl Judge {
    /// `cuts` says where the part is not at the edge of its picture.
    pub(super) fn of(part: &Pixels<'_>, cuts: Cuts) -> Self {
        let cells = cells_of(part.width.into(), part.height.into()).into_iter();
        let cells = cells.map(|cell| (cell.clone(), reference(part, &cell, cuts))).collect();
        Self { width: part.width.into(), colour: part.colour, cells }
    }

    /// What differs in the samples that are shown.
    pub(super) fn errors(&self, shown: &[u8]) -> Errors {
        let mut errors = Errors::default();
        for (cell, reference) in &self.cells {
            add(&mut errors, reference, shown, (self.width, self.colour), cell);
        }
        errors
    }
}

/// What differs in the samples that are shown for a whole picture. Nothing is kept of it to compare again.
pub(super) fn errors_of(picture: &Pixels<'_>, shown: &[u8]) -> Errors {
    let mut errors = Errors::default();
    for cell in cells_of(picture.width.into(), picture.height.into()) {
        let reference = reference(picture, &cell, Cuts::default());
        add(&mut errors, &reference, shown, (picture.width.into(), picture.colour), &cell);
    }
    errors
}

/// The samples of a rectangle.
pub(super) fn cut_out(samples: &[u8], (width, colour): (usize, Colour), tile: &Tile) -> Vec<u8> {
    let channels = if colour == Colour::Grey { 1 } else { 3 };
    let [start, end] = [tile.columns.start, tile.columns.end].map(|column| column.saturating_mul(channels));
    let rows = samples.chunks_exact(width.saturating_mul(channels).max(1));
    let rows = rows.skip(tile.rows.start).take(tile.rows.len());
    let mut samples = Vec::with_capacity(tile.pixels().saturating_mul(channels));
    rows.filter_map(|row| row.get(start..end)).for_each(|row| samples.extend_from_slice(row));
    samples
}

fn reference(part: &Pixels<'_>, cell: &Tile, cuts: Cuts) -> Reference {
    let samples = cut_out(part.samples, (part.width.into(), part.colour), cell);
    let cuts = Cuts {
        left: cuts.left || cell.columns.start > 0,
        right: cuts.right || cell.columns.end < part.width.into(),
        top: cuts.top || cell.rows.start > 0,
        bottom: cuts.bottom || cell.rows.end < part.height.into(),
    };
    let (samples, width) = large_enough(samples, cell, part.colour);
    Reference::of(&in_colour(&samples, part.colour), width, cuts)
}

fn add(errors: &mut Errors, reference: &Reference, shown: &[u8], layout: (usize, Colour), cell: &Tile) {
    let (samples, width) = large_enough(cut_out(shown, layout, cell), cell, layout.1);
    // Its size is that of the reference, so that there always is something to add.
    if let Some(more) = reference.compare(&in_colour(&samples, layout.1), width) {
        errors.add(&more);
    }
}

/// The measure looks at six sizes, and of a picture too small for them it weighs next to nothing. So such a picture is
/// continued by its mirror images.
fn large_enough(samples: Vec<u8>, cell: &Tile, colour: Colour) -> (Vec<u8>, usize) {
    let (width, height) = (cell.columns.len(), cell.rows.len());
    if width.min(height) >= LEAST_EDGE_PX || samples.is_empty() {
        return (samples, width);
    }
    let channels = if colour == Colour::Grey { 1 } else { 3 };
    let columns = mirrored(width);
    let rows: Vec<_> = samples.chunks_exact(width.saturating_mul(channels).max(1)).collect();
    let row = |row: &[u8]| {
        let pixels: Vec<_> = row.chunks_exact(channels).collect();
        columns.iter().filter_map(|column| pixels.get(*column)).flat_map(|pixel| pixel.to_vec()).collect::<Vec<_>>()
    };
    let samples =
        mirrored(height).into_iter().filter_map(|place| rows.get(place)).flat_map(|pixels| row(pixels)).collect();
    (samples, columns.len())
}

/// The places of a side, forth and back until there are enough.
fn mirrored(length: usize) -> Vec<usize> {
    let there_and_back = (0..length).chain((0..length).rev());
    there_and_back.cycle().take(length.max(LEAST_EDGE_PX)).collect()
}

/// Three bytes a pixel.
fn in_colour(samples: &[u8], colour: Colour) -> Cow<'_, [u8]> {
    match colour {
        Colour::Rgb => Cow::Borrowed(samples),
        Colour::Grey => samples.iter().flat_map(|grey| [*grey; 3]).collect(),
    }
}

/// From here on there are six sizes.
const LEAST_EDGE_PX: usize = 128;
