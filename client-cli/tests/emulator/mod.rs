//! A small terminal that turns what a program draws back into pixels: kitty's protocol, iTerm2's inline pictures,
//! sixels, and half blocks; independent of the code that draws.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use image::{Rgba, RgbaImage};

mod blocks;
mod sixel;

/// How a picture was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Blocks,
    Iterm2,
    Kitty,
    Sixel,
}

/// A picture that was drawn, in pixels (half cells, for blocks), with the size in cells if it was told.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) way: Way,
    pub(crate) pixels: RgbaImage,
    pub(crate) cells: Option<(u32, u32)>,
}

/// Everything a program wrote, read as a terminal reads it: the pictures, and the text around them.
pub(crate) fn read(output: &str) -> (Vec<Drawn>, String) {
    let (mut pictures, mut text, mut rest) = (Vec::new(), String::new(), output);
    let mut kitty = String::new();
    while let Some(at) = rest.find('\u{1b}') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(command) = rest.strip_prefix('_') {
            let (body, after) = command.split_once("\u{1b}\\").expect("a string ends");
            pictures.extend(of_kitty(body, &mut kitty));
            rest = after;
        } else if let Some(command) = rest.strip_prefix("]1337;File=") {
            let (body, after) = command.split_once('\u{7}').expect("a string ends");
            pictures.push(of_iterm2(body));
            rest = after;
        } else if let Some(command) = rest.strip_prefix('P') {
            let (body, after) = command.split_once("\u{1b}\\").expect("a string ends");
            pictures.push(Drawn { way: Way::Sixel, pixels: sixel::read(body), cells: None });
            rest = after;
        } else {
            text.push('\u{1b}');
        }
    }
    text.push_str(rest);
    assert!(kitty.is_empty(), "the last piece of a picture never came");
    let (drawn, text) = blocks::read(&text);
    pictures.extend(drawn.map(|pixels| Drawn { way: Way::Blocks, pixels, cells: None }));
    (pictures, text)
}

fn keys(text: &str) -> BTreeMap<&str, &str> {
    text.split([',', ';']).filter_map(|pair| pair.split_once('=')).collect()
}

/// One piece; the picture, once its last piece has come.
fn of_kitty(body: &str, whole: &mut String) -> Option<Drawn> {
    let (control, piece) = body.split_once(';').expect("keys and data");
    let keys = keys(control.strip_prefix('G').expect("graphics"));
    assert!(piece.len() <= 4096 && piece.len() % 4 == 0, "a piece of {} bytes", piece.len());
    assert_eq!(keys["q"], "2", "an answer would stand at the prompt");
    if whole.is_empty() {
        assert_eq!((keys["a"], keys["f"]), ("T", "100"));
    } else {
        assert!(!keys.contains_key("a"), "only the first piece has keys");
    }
    whole.push_str(piece);
    let is_last = keys["m"] == "0";
    let cells = keys.get("c").map(|columns| (columns.parse().unwrap(), keys["r"].parse().unwrap()));
    is_last.then(|| Drawn { way: Way::Kitty, pixels: of_png(&std::mem::take(whole)), cells })
}

fn of_iterm2(body: &str) -> Drawn {
    let (control, data) = body.split_once(':').expect("keys and data");
    let keys = keys(control);
    assert_eq!((keys["inline"], keys["preserveAspectRatio"]), ("1", "1"));
    assert_eq!(keys["size"].parse::<usize>().unwrap(), Base64::decode_vec(data).unwrap().len());
    let cells = (keys["width"].parse().unwrap(), keys["height"].parse().unwrap());
    Drawn { way: Way::Iterm2, pixels: of_png(data), cells: Some(cells) }
}

fn of_png(base64: &str) -> RgbaImage {
    let bytes = Base64::decode_vec(base64).unwrap();
    image::load_from_memory_with_format(&bytes, image::ImageFormat::Png).unwrap().to_rgba8()
}

/// Peak signal-to-noise ratio in dB over what is opaque in both.
pub(crate) fn psnr(one: &RgbaImage, other: &RgbaImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let both = one.pixels().zip(other.pixels()).filter(|(a, b)| a.0[3] > 127 && b.0[3] > 127);
    let (mut squares, mut count) = (0.0, 0.0);
    for (Rgba(a), Rgba(b)) in both {
        squares += a.iter().zip(b).take(3).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
        count += 3.0;
    }
    assert!(count > 0.0, "nothing is drawn");
    10.0 * (255.0_f64.powi(2) * count / squares.max(1e-9)).log10()
}
