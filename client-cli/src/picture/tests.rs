//! What is drawn, read back by a terminal of our own: the same picture, and never more than the window holds.

use image::Rgba;
use proptest::prelude::*;

use super::emulator::{Drawn, Way, psnr, read};
use super::*;

const CELL: Cell = Cell { width_px: 9, height_px: 18 };
const WINDOW: Window = Window { columns: 40, rows: 20, cell: Some(CELL) };

const fn canvas(graphics: Graphics) -> Canvas {
    Canvas { graphics, window: WINDOW }
}

/// Smooth colours, hard edges, and a hole where `is_open`.
fn scene(width: u32, height: u32, is_open: bool) -> RgbaImage {
    let byte = |part: u32, whole: u32| u8::try_from(part * 255 / whole.max(1)).unwrap();
    RgbaImage::from_fn(width, height, |x, y| {
        let is_hole = is_open && x < width / 3 && y < height / 2;
        let blue = if (x * 8 / width.max(1) + y * 8 / height.max(1)).is_multiple_of(2) { 40 } else { 200 };
        Rgba([byte(x, width), byte(y, height), blue, if is_hole { 0 } else { 255 }])
    })
}

fn drawn(canvas: Canvas, picture: &RgbaImage) -> Drawn {
    let drawing = canvas.draw(picture);
    assert!(drawing.ends_with('\n'));
    let (mut pictures, text) = read(&drawing);
    assert_eq!((pictures.len(), text.trim()), (1, ""), "{drawing:?}");
    pictures.remove(0)
}

#[test]
fn every_way_of_drawing_shows_the_same_picture() {
    for is_open in [false, true] {
        let picture = scene(300, 200, is_open);
        for (graphics, way, least_db) in [
            (Graphics::Kitty, Way::Kitty, 99.0),
            (Graphics::Iterm2, Way::Iterm2, 99.0),
            (Graphics::Sixel(256), Way::Sixel, 30.0),
            (Graphics::Sixel(16), Way::Sixel, 18.0),
        ] {
            let drawn = drawn(canvas(graphics), &picture);
            assert_eq!(drawn.way, way);
            let quality = psnr(&drawn.pixels, &picture);
            assert!(quality >= least_db, "{graphics:?}: {quality:.1} dB");
            let holes = |picture: &RgbaImage| picture.pixels().filter(|pixel| pixel.0[3] < 128).count();
            assert_eq!(holes(&drawn.pixels), holes(&picture), "{graphics:?}");
        }
        for (depth, least_db) in [(Depth::True, 99.0), (Depth::Palette, 20.0)] {
            let drawn = drawn(canvas(Graphics::Blocks(depth)), &picture);
            // The last row of cells is half empty.
            let shown = imageops::crop_imm(&drawn.pixels, 0, 0, 40, 27).to_image();
            let quality = psnr(&shown, &imageops::thumbnail(&picture, 40, 27));
            assert!(quality >= least_db, "{depth:?}: {quality:.1} dB");
        }
    }
}

#[test]
fn dithered_sixels_are_right_on_average_where_the_palette_is_small() {
    let grey = RgbaImage::from_fn(180, 120, |x, _| {
        let level = u8::try_from(x + 40).unwrap();
        Rgba([level, level, level, 255])
    });
    let drawn = drawn(canvas(Graphics::Sixel(4)), &grey);
    let blurred = |picture: &RgbaImage| imageops::thumbnail(picture, 18, 12);
    let (average, single) = (psnr(&blurred(&drawn.pixels), &blurred(&grey)), psnr(&drawn.pixels, &grey));
    assert!(average > 30.0 && average > single + 6.0, "{average:.1} dB on average, {single:.1} dB for each");
}

#[test]
fn a_picture_without_pixels_or_a_window_without_room_draws_nothing() {
    for graphics in [Graphics::Kitty, Graphics::Iterm2, Graphics::Sixel(256), Graphics::Blocks(Depth::True)] {
        assert_eq!(canvas(graphics).draw(&RgbaImage::new(0, 9)), "");
        let closed = Canvas { graphics, window: Window { columns: 0, ..WINDOW } };
        assert_eq!(closed.draw(&scene(9, 9, false)), "");
    }
}

#[test]
fn kitty_is_told_the_cells_where_pixels_are_not_known() {
    let blind = Canvas { graphics: Graphics::Kitty, window: Window { cell: None, ..WINDOW } };
    let drawn = drawn(blind, &scene(2000, 1000, false));
    let (columns, rows) = drawn.cells.unwrap();
    assert!(columns == 40 && rows == 10, "{columns} x {rows}");
    assert_eq!(canvas(Graphics::Kitty).draw(&scene(8, 8, false)).matches(",c=").count(), 0);
}

#[test]
fn every_line_of_blocks_is_as_wide_as_the_picture() {
    let window = Window { columns: 80, rows: 24, cell: None };
    for depth in [Depth::True, Depth::Palette, Depth::Shades] {
        let drawing = Canvas::of_blocks(window, depth).draw(&scene(300, 200, false));
        let visible = |line: &str| {
            let parts = line.split('\u{1b}').enumerate();
            let text: String =
                parts.map(|(i, part)| if i == 0 { part } else { part.split_once('m').unwrap().1 }).collect();
            text.chars().count()
        };
        assert!(drawing.lines().all(|line| visible(line) == 60), "{depth:?}");
        assert_eq!(drawing.lines().count(), 20);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn what_is_drawn_never_leaves_the_window(
        (columns, rows) in (1_u16..60, 1_u16..30),
        (width, height) in (1_u32..300, 1_u32..300),
        cell in prop_oneof![Just(None), (3_u32..12, 6_u32..24).prop_map(|(width, height)| Cell::of(width, height))],
        graphics in prop_oneof![
            Just(Graphics::Kitty), Just(Graphics::Iterm2), (2_u16..300).prop_map(Graphics::Sixel),
            Just(Graphics::Blocks(Depth::True)), Just(Graphics::Blocks(Depth::Palette)),
        ],
    ) {
        let canvas = Canvas { graphics, window: Window { columns, rows, cell } };
        let drawing = canvas.draw(&scene(width, height, false));
        let (pictures, _) = read(&drawing);
        let [picture] = pictures.as_slice() else { panic!("{} pictures", pictures.len()) };
        let (wide, high) = picture.cells.unwrap_or_else(|| match graphics {
            Graphics::Blocks(_) => (picture.pixels.width(), picture.pixels.height().div_ceil(2)),
            _ => room::cells(picture.pixels.dimensions(), canvas.cell()),
        });
        prop_assert!(wide <= u32::from(columns), "{wide} of {columns} columns");
        prop_assert!(high < u32::from(rows) || rows == 1, "{high} of {rows} rows");
        if picture.way != Way::Blocks {
            prop_assert!(picture.pixels.width() <= width && picture.pixels.height() <= height);
        }
    }
}
