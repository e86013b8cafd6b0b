//! Everything a peer could write to harm a terminal, and how to see that it did not.

/// Every Unicode scalar value, some at a time, and 5,000 escape sequences.
pub(crate) fn texts() -> impl Iterator<Item = String> {
    let scalars: Vec<char> = ('\0'..=char::MAX).collect();
    assert_eq!(scalars.len(), SCALARS);
    let scalars: Vec<String> = scalars.chunks(256).map(|some| some.iter().collect()).collect();
    scalars.into_iter().chain((0..SEQUENCES as u64).map(escape_sequence))
}

pub(crate) const SCALARS: usize = 1_112_064;
pub(crate) const SEQUENCES: usize = 5_000;

/// One text with escape sequences, the same for the same seed.
pub(crate) fn escape_sequence(seed: u64) -> String {
    let mut draw = Draw(seed);
    (0..=draw.below(3)).map(|_| one(&mut draw)).collect::<Vec<_>>().join(draw.of(&["", "x", " ", "\r", "\n", "\u{8}"]))
}

fn one(draw: &mut Draw) -> String {
    let introducer = draw.of(&[
        "\u{1b}[", "\u{9b}", "\u{1b}]", "\u{9d}", "\u{1b}P", "\u{90}", "\u{1b}_", "\u{9f}", "\u{1b}^", "\u{9e}",
        "\u{1b}X", "\u{98}", "\u{1b}", "\u{1b}#", "\u{1b}(", "\u{1b}%",
    ]);
    let private = draw.of(&["", "", "?", ">", "=", "!"]);
    let numbers: Vec<String> = (0..draw.below(5)).map(|_| draw.below(2_100).to_string()).collect();
    let body =
        draw.of(&["", "", ";aGVsbG8=", ";http://example.org", "q#0~", "+q544e", "\u{202e}", "\u{200d}", "\u{feff}"]);
    let end = draw.of(&[
        "m", "J", "H", "K", "h", "l", "n", "c", "t", "\u{7}", "\u{1b}\\", "\u{9c}", "\u{18}", "\u{1a}", "\u{0}", "",
    ]);
    format!("{introducer}{private}{}{body}{end}", numbers.join(";"))
}

/// Names of files that lead elsewhere, mean something to a system, or are too long, the same for the same seed.
pub(crate) fn file_name(seed: u64) -> String {
    let mut draw = Draw(seed);
    let piece = |draw: &mut Draw| match draw.below(4) {
        0 => escape_sequence(draw.next()),
        1 => char::from_u32(draw.below(0x11_0000)).unwrap_or('.').to_string().repeat(draw.below(90) as usize),
        _ => draw
            .of(&[
                "..",
                "/",
                "../",
                "..\\",
                "\\",
                "/etc/passwd",
                "C:",
                "CON",
                "nul.jpg",
                "COM1",
                "aux",
                ".",
                "...",
                " ",
                "~",
                "-rf",
                "$(id)",
                "`id`",
                "|",
                "*",
                "?",
                "\u{202e}gpj.",
                "\u{2044}",
                "\u{ff0f}",
                "\0",
                "\n",
                "a",
                "Zoë",
                "שלום",
                "%2f",
                ".part",
                ".lightproof-",
                "\u{301}",
            ])
            .to_owned(),
    };
    (0..=draw.below(6)).map(|_| piece(&mut draw)).collect()
}

/// Nothing but ink, and isolates of ours that begin and end on their line.
pub(crate) fn assert_ink(printed: &str, written: &str) {
    for line in printed.split('\n') {
        let mut depth = 0_u32;
        for c in line.chars() {
            match c {
                '\u{2068}' => depth += 1,
                '\u{2069}' => depth = depth.checked_sub(1).unwrap_or_else(|| panic!("{written:?} became {line:?}")),
                _ => assert!(!is_harmful(c), "{written:?} became {line:?}"),
            }
        }
        assert_eq!(depth, 0, "{written:?} became {line:?}");
    }
}

/// What must never reach a terminal from a peer.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Numbers that look random and are always the same.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound)).unwrap()
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        let place = usize::try_from(self.next()).unwrap() % all.len();
        all.get(place).copied().unwrap()
    }
}
