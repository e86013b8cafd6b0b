//! Which way of drawing: what was asked for, else what the terminal answers, else what the environment says.

use std::ffi::OsString;

use clap::ValueEnum;

use super::answer::Answers;
use super::ask::{Question, ask};
use super::{Canvas, Graphics};
use crate::output::Colour;
use crate::terminal::Window;

/// How a terminal shows colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// 24 bits.
    True,
    /// The cube and the greys of the 256-colour palette.
    Palette,
    /// None: shades made of blocks.
    Shades,
}

impl Depth {
    /// From the flag and the environment.
    pub(crate) fn choose(colour: Colour, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let holds = |name: &str, words: &[&str]| holds(&variable, name, words);
        match colour {
            Colour::Never => Self::Shades,
            Colour::Allowed if holds("COLORTERM", &["truecolor", "24bit"]) => Self::True,
            Colour::Allowed if holds("TERM", &["-direct", "kitty", "alacritty", "ghostty", "foot"]) => Self::True,
            Colour::Allowed => Self::Palette,
        }
    }
}

/// How pictures are to be drawn, as it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Asked {
    /// The best that the terminal says it can
    #[default]
    Auto,
    /// Kitty's graphics protocol
    Kitty,
    /// iTerm2's inline pictures
    Iterm2,
    /// Sixel graphics
    Sixel,
    /// Blocks of colour, on any terminal
    Blocks,
    /// Not at all
    None,
}

impl Canvas {
    /// How to draw on stdout; `None` where nothing is to be drawn. May ask the terminal, which takes it a moment.
    pub(crate) fn choose(asked: Asked, colour: Colour, variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let window = Window::of_stdout();
        let blocks = Self::of_blocks(window, Depth::choose(colour, &variable));
        let question = match asked {
            Asked::None => return None,
            Asked::Blocks => return Some(blocks),
            // Pictures are colours too.
            Asked::Auto if colour == Colour::Never => return Some(blocks),
            _ => Question::fit_for(&variable),
        };
        let answers = ask(question);
        let window = Window { cell: window.cell.or(answers.as_ref().and_then(|answers| answers.cell)), ..window };
        let colours = answers.as_ref().and_then(|answers| answers.colours).unwrap_or(USUAL_COLOURS);
        let graphics = match asked {
            Asked::Kitty => Some(Graphics::Kitty),
            Asked::Iterm2 => Some(Graphics::Iterm2),
            Asked::Sixel => Some(Graphics::Sixel(colours)),
            _ => match answers {
                Some(answers) => best(&answers, window),
                None => hinted(question, window, variable),
            },
        };
        Some(Self { graphics: graphics.unwrap_or(blocks.graphics), window })
    }
}

/// What the terminal itself says it can.
fn best(answers: &Answers, window: Window) -> Option<Graphics> {
    let is_named = |name: &str| answers.name.as_ref().is_some_and(|answer| answer.starts_with(name));
    if answers.has_kitty {
        Some(Graphics::Kitty)
    } else if is_named("iTerm2") || is_named("WezTerm") {
        Some(Graphics::Iterm2)
    } else if answers.has_sixel && window.cell.is_some() {
        // Without the size of a cell a picture could be larger than the window.
        Some(Graphics::Sixel(answers.colours.unwrap_or(USUAL_COLOURS)))
    } else {
        None
    }
}

/// Where a terminal does not answer, only what it says of itself without doubt.
fn hinted(question: Question, window: Window, variable: impl Fn(&str) -> Option<OsString>) -> Option<Graphics> {
    let holds = |name: &str, words: &[&str]| holds(&variable, name, words);
    if question != Question::Everything {
        // What the environment says is about the terminal around the multiplexer.
        None
    } else if variable("KITTY_WINDOW_ID").is_some() || holds("TERM", &["kitty", "ghostty"]) {
        Some(Graphics::Kitty)
    } else if holds("TERM_PROGRAM", &["iTerm", "WezTerm"]) || holds("LC_TERMINAL", &["iTerm2"]) {
        Some(Graphics::Iterm2)
    } else if holds("TERM", &["mlterm", "foot"]) && window.cell.is_some() {
        Some(Graphics::Sixel(USUAL_COLOURS))
    } else {
        None
    }
}

pub(super) fn holds(variable: impl Fn(&str) -> Option<OsString>, name: &str, words: &[&str]) -> bool {
    variable(name).is_some_and(|value| words.iter().any(|word| value.to_string_lossy().contains(word)))
}

/// What almost every terminal with sixels has.
const USUAL_COLOURS: u16 = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Cell;

    const WINDOW: Window = Window { columns: 80, rows: 24, cell: Some(Cell { width_px: 8, height_px: 16 }) };

    fn environment(name: &'static str, value: &'static str) -> impl Fn(&str) -> Option<OsString> + Copy {
        move |asked: &str| (asked == name).then(|| value.into())
    }

    #[test]
    fn the_depth_of_colour_is_asked_of_the_environment() {
        assert_eq!(Depth::choose(Colour::Allowed, environment("COLORTERM", "truecolor")), Depth::True);
        assert_eq!(Depth::choose(Colour::Allowed, environment("TERM", "xterm-kitty")), Depth::True);
        assert_eq!(Depth::choose(Colour::Allowed, environment("TERM", "xterm-256color")), Depth::Palette);
        assert_eq!(Depth::choose(Colour::Never, environment("COLORTERM", "truecolor")), Depth::Shades);
    }

    #[test]
    fn what_the_terminal_says_decides() {
        let said = |bytes: &str| best(&Answers::of(bytes.as_bytes()).unwrap(), WINDOW);
        assert_eq!(said("\u{1b}_Gi=31;OK\u{1b}\\\u{1b}[?62;4c"), Some(Graphics::Kitty));
        assert_eq!(said("\u{1b}P>|iTerm2 3.5.0\u{1b}\\\u{1b}[?62;4c"), Some(Graphics::Iterm2));
        assert_eq!(said("\u{1b}[?1;0;16S\u{1b}[?63;1;4c"), Some(Graphics::Sixel(16)));
        assert_eq!(said("\u{1b}[?63;1;4c"), Some(Graphics::Sixel(256)));
        assert_eq!(said("\u{1b}_Gi=31;EINVAL: no\u{1b}\\\u{1b}[?63;1;22c"), None);
        let blind = Window { cell: None, ..WINDOW };
        assert_eq!(best(&Answers::of(b"\x1b[?63;1;4c").unwrap(), blind), None);
    }

    #[test]
    fn hints_count_only_where_they_are_about_this_terminal() {
        let hint = |question, name, value| hinted(question, WINDOW, environment(name, value));
        assert_eq!(hint(Question::Everything, "TERM", "xterm-kitty"), Some(Graphics::Kitty));
        assert_eq!(hint(Question::Everything, "KITTY_WINDOW_ID", "1"), Some(Graphics::Kitty));
        assert_eq!(hint(Question::Everything, "LC_TERMINAL", "iTerm2"), Some(Graphics::Iterm2));
        assert_eq!(hint(Question::Everything, "TERM_PROGRAM", "WezTerm"), Some(Graphics::Iterm2));
        assert_eq!(hint(Question::Everything, "TERM", "foot"), Some(Graphics::Sixel(256)));
        assert_eq!(hint(Question::Everything, "TERM", "xterm-256color"), None);
        assert_eq!(hint(Question::ControlSequences, "KITTY_WINDOW_ID", "1"), None);
    }
}
