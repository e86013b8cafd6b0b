//! What can happen to bytes on their way, as a list that people can read: `flip 17 04`, `truncate 100`, `append 00`.

use std::{fmt, str::FromStr};

use crate::specimen::frozen::{hex, unhex};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Bytes follow the end.
    Append(Vec<u8>),
    /// The byte at a place has these bits turned.
    Flip(usize, u8),
    /// Bytes come in between, before a place.
    Insert(usize, Vec<u8>),
    /// So many bytes from a place on are missing.
    Remove(usize, usize),
    /// Other bytes stand at a place.
    Set(usize, Vec<u8>),
    /// Two stretches of one length have changed places.
    Swap(usize, usize, usize),
    /// Only so many bytes are left.
    Truncate(usize),
}

impl Edit {
    /// Makes the change.
    ///
    /// # Panics
    /// If the bytes are too short for it: then the list is wrong.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Append(more) => bytes.extend_from_slice(more),
            Self::Flip(at, mask) => *bytes.get_mut(*at).unwrap() ^= mask,
            Self::Insert(at, more) => drop(bytes.splice(*at..*at, more.iter().copied())),
            Self::Remove(at, count) => drop(bytes.drain(*at..*at + count)),
            Self::Set(at, other) => bytes.get_mut(*at..*at + other.len()).unwrap().copy_from_slice(other),
            Self::Swap(one, other, count) => {
                let first = bytes.get(*one..*one + count).unwrap().to_vec();
                let second = bytes.get(*other..*other + count).unwrap().to_vec();
                bytes.get_mut(*one..*one + count).unwrap().copy_from_slice(&second);
                bytes.get_mut(*other..*other + count).unwrap().copy_from_slice(&first);
            }
            Self::Truncate(length) => {
                assert!(*length < bytes.len(), "nothing is cut off");
                bytes.truncate(*length);
            }
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(more) => write!(f, "append {}", hex(more)),
            Self::Flip(at, mask) => write!(f, "flip {at} {mask:02x}"),
            Self::Insert(at, more) => write!(f, "insert {at} {}", hex(more)),
            Self::Remove(at, count) => write!(f, "remove {at} {count}"),
            Self::Set(at, other) => write!(f, "set {at} {}", hex(other)),
            Self::Swap(one, other, count) => write!(f, "swap {one} {other} {count}"),
            Self::Truncate(length) => write!(f, "truncate {length}"),
        }
    }
}

impl FromStr for Edit {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse::<usize>().map_err(|_| line.to_owned());
        let bytes = |word: &str| unhex(word).ok_or_else(|| line.to_owned());
        Ok(match words.as_slice() {
            ["append", more] => Self::Append(bytes(more)?),
            ["flip", at, mask] => match bytes(mask)?.as_slice() {
                [mask] => Self::Flip(number(at)?, *mask),
                _ => return Err(line.to_owned()),
            },
            ["insert", at, more] => Self::Insert(number(at)?, bytes(more)?),
            ["remove", at, count] => Self::Remove(number(at)?, number(count)?),
            ["set", at, other] => Self::Set(number(at)?, bytes(other)?),
            ["swap", one, other, count] => Self::Swap(number(one)?, number(other)?, number(count)?),
            ["truncate", length] => Self::Truncate(number(length)?),
            _ => return Err(line.to_owned()),
        })
    }
}
