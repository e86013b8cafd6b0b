//! Half blocks in 24-bit and 256-colour SGR, read back into half cells.

use image::{Rgba, RgbaImage};

const CLEAR: Rgba<u8> = Rgba([0; 4]);

/// The picture that lines of half blocks make, and all other lines. Two pictures below each other are one.
pub(super) fn read(text: &str) -> (Option<RgbaImage>, String) {
    let (mut rows, mut rest) = (Vec::new(), String::new());
    for line in text.split_inclusive('\n') {
        if is_drawn(line) {
            rows.extend(two_rows(line));
        } else {
            rest.push_str(line);
        }
    }
    let Some(width) = rows.iter().map(Vec::len).max() else { return (None, rest) };
    let picture = RgbaImage::from_fn(u32::try_from(width).unwrap(), u32::try_from(rows.len()).unwrap(), |x, y| {
        rows[y as usize].get(x as usize).copied().unwrap_or(CLEAR)
    });
    (Some(picture), rest)
}

/// Nothing but blocks and blanks, and colours.
fn is_drawn(line: &str) -> bool {
    let parts = line.trim_end().split('\u{1b}').enumerate();
    let mut shown =
        parts.map(|(i, part)| if i == 0 { part } else { part.split_once('m').map_or(part, |(_, rest)| rest) });
    line.contains('\u{1b}') && line.len() > 9 && shown.all(|part| part.chars().all(|c| " ▀▄█".contains(c)))
}

fn two_rows(line: &str) -> [Vec<Rgba<u8>>; 2] {
    let (mut upper, mut lower) = (Vec::new(), Vec::new());
    let (mut letter, mut ground) = (CLEAR, CLEAR);
    let mut rest = line.trim_end_matches(['\r', '\n']);
    while let Some(first) = rest.chars().next() {
        if let Some(sequence) = rest.strip_prefix("\u{1b}[") {
            let (codes, after) = sequence.split_once('m').expect("only colours");
            set(codes, &mut letter, &mut ground);
            rest = after;
            continue;
        }
        let (above, below) = match first {
            '▀' => (letter, ground),
            '▄' => (ground, letter),
            '█' => (letter, letter),
            ' ' => (ground, ground),
            other => panic!("{other:?} is no block"),
        };
        upper.push(above);
        lower.push(below);
        rest = &rest[first.len_utf8()..];
    }
    [upper, lower]
}

fn set(codes: &str, letter: &mut Rgba<u8>, ground: &mut Rgba<u8>) {
    let codes: Vec<u8> = codes.split([';', ':']).map(|code| code.parse().unwrap_or(0)).collect();
    let mut rest = codes.as_slice();
    loop {
        rest = match rest {
            [] => return,
            [0, after @ ..] => {
                (*letter, *ground) = (CLEAR, CLEAR);
                after
            }
            [30, after @ ..] => {
                *letter = Rgba([0, 0, 0, 255]);
                after
            }
            [107, after @ ..] => {
                *ground = Rgba([255; 4]);
                after
            }
            [39, after @ ..] => {
                *letter = CLEAR;
                after
            }
            [49, after @ ..] => {
                *ground = CLEAR;
                after
            }
            [which @ (38 | 48), 2, red, green, blue, after @ ..] => {
                *(if *which == 38 { &mut *letter } else { &mut *ground }) = Rgba([*red, *green, *blue, 255]);
                after
            }
            [which @ (38 | 48), 5, index, after @ ..] => {
                *(if *which == 38 { &mut *letter } else { &mut *ground }) = of_palette(*index);
                after
            }
            other => panic!("what is {other:?}?"),
        };
    }
}

fn of_palette(index: u8) -> Rgba<u8> {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match index {
        16..=231 => {
            let cube = index - 16;
            Rgba([level(cube / 36), level(cube / 6 % 6), level(cube % 6), 255])
        }
        232.. => Rgba([8 + 10 * (index - 232), 8 + 10 * (index - 232), 8 + 10 * (index - 232), 255]),
        _ => panic!("colour {index} is the user's own"),
    }
}
