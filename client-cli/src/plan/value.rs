//! Single values of the command line, valid by their type.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use crate::sanitize::is_visible_or_space;

/// Why a value of the command line is not one; clap names the argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ValueError {
    #[error("it holds a comma, and commas separate contacts")]
    Comma,
    #[error("it begins with -, as options do")]
    Dash,
    #[error("it holds a character that is not visible")]
    Invisible,
    #[error("it is empty")]
    NothingThere,
    #[error("it is neither a number of `lightproof requests` nor 8 or more hexadecimal digits of a fingerprint")]
    NotARequest,
    #[error("it is not 4 to 32 hexadecimal digits, as `lightproof messages` prints them")]
    NotAnId,
    #[error("it is not a number of pixels between 16 and 65535")]
    NotAnEdge,
    #[error("it is neither a number between 1 and 100 nor auto")]
    NotAQuality,
    #[error("it begins or ends with a space")]
    SpaceAround,
    #[error("it is longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
}

/// What I call a contact: visible, without comma, at most 64 bytes, and no option of a command where it is typed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ContactName(String);

impl ContactName {
    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContactName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.contains(',') {
            return Err(ValueError::Comma);
        }
        if text.starts_with('-') {
            return Err(ValueError::Dash);
        }
        text.parse::<DisplayName>().map(|name| Self(name.0))
    }
}

impl Display for ContactName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How I call myself: visible, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DisplayName(String);

impl DisplayName {
    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DisplayName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "" => Err(ValueError::NothingThere),
            _ if text.len() > MAX_NAME_BYTES => Err(ValueError::TooLong),
            _ if text.trim() != text => Err(ValueError::SpaceAround),
            _ if !text.chars().all(is_visible_or_space) => Err(ValueError::Invisible),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

/// `bob,carol`: at least one contact, each once, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipients(Vec<ContactName>);

impl Recipients {
    /// The names.
    pub(crate) fn names(&self) -> &[ContactName] {
        &self.0
    }
}

impl FromStr for Recipients {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut names = Vec::new();
        for name in text.split(',') {
            let name = name.trim().parse()?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(Self(names))
    }
}

/// The ID of a message or its beginning, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdPrefix(String);

impl IdPrefix {
    /// The digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdPrefix {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let id = text.to_ascii_lowercase();
        let fits = (4..=32).contains(&id.len()) && id.bytes().all(|digit| digit.is_ascii_hexdigit());
        if fits { Ok(Self(id)) } else { Err(ValueError::NotAnId) }
    }
}

/// A request of somebody who wrote for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestChoice {
    /// Its number, which stays the same whatever else comes and goes.
    Number(u32),
    /// The beginning of its fingerprint, in lower-case hexadecimal.
    Fingerprint(String),
}

impl FromStr for RequestChoice {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        // Shorter than any fingerprint, and decimal: a number.
        match text.parse::<u32>() {
            Ok(number) if number > 0 && text.len() < FINGERPRINT_DIGITS => return Ok(Self::Number(number)),
            _ => {}
        }
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        let fits =
            (FINGERPRINT_DIGITS..=64).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if fits { Ok(Self::Fingerprint(digits)) } else { Err(ValueError::NotARequest) }
    }
}

/// JPEG quality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Quality {
    /// Chosen for the picture.
    #[default]
    Auto,
    /// 1 to 100.
    Fixed(u8),
}

impl FromStr for Quality {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.parse::<u8>() {
            Ok(quality @ 1..=100) => Ok(Self::Fixed(quality)),
            Err(_) if text == "auto" => Ok(Self::Auto),
            _ => Err(ValueError::NotAQuality),
        }
    }
}

/// The longest edge of a compressed photo, 16 to 65,535 pixels (what a JPEG can hold).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxEdge(u16);

impl MaxEdge {
    /// In pixels.
    pub(crate) const fn pixels(self) -> u16 {
        self.0
    }
}

impl FromStr for MaxEdge {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        text.parse().ok().filter(|&pixels| pixels >= 16).map(Self).ok_or(ValueError::NotAnEdge)
    }
}

/// Also the length of a name hint on a contact card.
const MAX_NAME_BYTES: usize = 64;
/// Fewer digits of a fingerprint would be a guess.
const FINGERPRINT_DIGITS: usize = 8;
