//! What is meant: what arguments say together, and the settings of a run; single values are in `value.rs`.
//!
//! Nothing is opened, asked or sent here.

use std::ffi::OsString;
use std::fmt::{self, Formatter};
use std::path::{Path, PathBuf};

use lightproof_core::send::Looks;

use crate::args::{self, Global, TreatmentName, Wait};
use crate::exit::Failure;

pub(crate) use value::{ContactName, DisplayName, IdPrefix, MaxEdge, Quality, Recipients, RequestChoice};

mod value;

/// Where bytes come from (or, for a PNG, go to): a file, or `-` for the standard stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A file.
    File(PathBuf),
    /// stdin, or stdout.
    Standard,
}

impl From<OsString> for Input {
    fn from(text: OsString) -> Self {
        if text == "-" { Self::Standard } else { Self::File(text.into()) }
    }
}

/// Where a contact card comes from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum CardSource {
    /// The card was typed.
    Text(String),
    /// It is read from there.
    Input(Input),
}

impl From<OsString> for CardSource {
    fn from(text: OsString) -> Self {
        match text.to_str() {
            Some(card)
                if card
                    .trim_start()
                    .get(..CARD_SCHEME.len())
                    .is_some_and(|it| it.eq_ignore_ascii_case(CARD_SCHEME)) =>
            {
                Self::Text(card.trim().to_owned())
            }
            _ => Self::Input(text.into()),
        }
    }
}

// A card holds the right to deposit in a doorbell.
impl fmt::Debug for CardSource {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text"),
            Self::Input(input) => input.fmt(f),
        }
    }
}

/// What is done to a photo before it is sealed; only what compresses has a quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// Small and visually faithful.
    Compressed { quality: Quality, max_edge: Option<MaxEdge>, keep_metadata: bool },
    /// The very file.
    Exact,
    /// The same picture data.
    Original { keep_metadata: bool },
}

/// Where the note comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// There is none.
    Absent,
    /// It is read from there.
    Input(Input),
    /// It was typed.
    Text(String),
}

/// How far `send` goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Until the report of what would be sent.
    DryRun,
    /// Until the relay, or the recipient, has it.
    Wait(Wait),
}

/// `send`, as it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    /// To whom.
    pub(crate) to: Recipients,
    /// At most 16.
    pub(crate) photos: Vec<Input>,
    /// The note.
    pub(crate) note: Note,
    /// For every photo.
    pub(crate) treatment: Treatment,
    /// How often its recipients are to see it.
    pub(crate) looks: Looks,
    /// How far.
    pub(crate) until: Until,
}

impl Sending {
    /// Checks what arguments mean together.
    ///
    /// # Errors
    /// A usage [`Failure`] that says what does not go together.
    pub(crate) fn plan(typed: args::Send, passphrase: &PassphraseSource) -> Result<Self, Failure> {
        let treatment = treatment(&typed)?;
        let note = match (typed.note, typed.note_file) {
            (Some(text), _) => Note::Text(text),
            (None, Some(input)) => Note::Input(input),
            (None, None) => Note::Absent,
        };
        if typed.photos.is_empty() && note == Note::Absent {
            return Err(Failure::usage("there is neither a photo nor a note to send")
                .hint("name a photo, or write a note with -m"));
        }
        if typed.photos.len() > MAX_PHOTOS {
            return Err(Failure::usage(format!("a message holds at most {MAX_PHOTOS} photos"))
                .hint("send the rest in another message"));
        }
        let note_input = if let Note::Input(input) = &note { Some(input) } else { None };
        one_reader_of_stdin(typed.photos.iter().chain(note_input).chain(passphrase.input()))?;
        let until = if typed.dry_run { Until::DryRun } else { Until::Wait(typed.wait) };
        let looks = if typed.view_once { Looks::Once } else { Looks::Any };
        Ok(Self { to: typed.to, photos: typed.photos, note, treatment, looks, until })
    }
}

fn treatment(typed: &args::Send) -> Result<Treatment, Failure> {
    let keep_metadata = typed.keep_metadata;
    let treatment = match typed.treatment {
        TreatmentName::Compressed => {
            let quality = typed.quality.unwrap_or_default();
            return Ok(Treatment::Compressed { quality, max_edge: typed.max_edge, keep_metadata });
        }
        TreatmentName::Exact => Treatment::Exact,
        TreatmentName::Original => Treatment::Original { keep_metadata },
    };
    if typed.quality.is_some() || typed.max_edge.is_some() {
        return Err(Failure::usage("--quality and --max-edge are for compressed photos")
            .hint("leave them out, or send --as compressed"));
    }
    Ok(treatment)
}

/// stdin can be read once.
///
/// # Errors
/// A usage [`Failure`] where two inputs ask for it.
pub(crate) fn one_reader_of_stdin<'a>(inputs: impl IntoIterator<Item = &'a Input>) -> Result<(), Failure> {
    match inputs.into_iter().filter(|&input| *input == Input::Standard).count() {
        0 | 1 => Ok(()),
        _ => {
            Err(Failure::usage("stdin can be read only once").hint("use - for one argument, and files for the others"))
        }
    }
}

/// Where the passphrase comes from, in this order.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PassphraseSource {
    /// `--passphrase-file`, or what stands for it.
    Input(Input),
    /// The variable of this name, which is set.
    Variable(&'static str),
    /// A question on the terminal.
    Prompt,
}

impl PassphraseSource {
    /// The file or stdin, if it is one.
    pub(crate) fn input(&self) -> Option<&Input> {
        if let Self::Input(input) = self { Some(input) } else { None }
    }

    /// Whether a person has to give it now, or stdin.
    pub(crate) const fn is_asking(&self) -> bool {
        matches!(self, Self::Prompt | Self::Input(Input::Standard))
    }

    /// The passphrase to unlock the home with.
    pub(crate) fn current(global: &Global, is_set: impl Fn(&str) -> bool) -> Self {
        Self::choose(global.passphrase_file.as_ref(), PASSPHRASE_VARIABLE, is_set)
    }

    /// The passphrase of a sealed file.
    pub(crate) fn of_file(input: Option<&Input>, is_set: impl Fn(&str) -> bool) -> Self {
        Self::choose(input, FILE_PASSPHRASE_VARIABLE, is_set)
    }

    /// The passphrase to change to.
    pub(crate) fn new_one(typed: &args::Passphrase, is_set: impl Fn(&str) -> bool) -> Self {
        Self::choose(typed.new_passphrase_file.as_ref(), NEW_PASSPHRASE_VARIABLE, is_set)
    }

    /// The passphrase of a backup.
    pub(crate) fn of_backup(input: Option<&Input>, is_set: impl Fn(&str) -> bool) -> Self {
        Self::choose(input, BACKUP_PASSPHRASE_VARIABLE, is_set)
    }

    fn choose(input: Option<&Input>, variable: &'static str, is_set: impl Fn(&str) -> bool) -> Self {
        match input {
            Some(input) => Self::Input(input.clone()),
            None if is_set(variable) => Self::Variable(variable),
            None => Self::Prompt,
        }
    }
}

/// The folder of this run: `--home` or `LIGHTPROOF_HOME`, else the platform's data folder.
///
/// # Errors
/// A usage [`Failure`] where the platform names none.
pub(crate) fn home(global: &Global, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, Failure> {
    if let Some(home) = &global.home {
        return Ok(home.clone());
    }
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let user = || absolute("HOME");
    let data = match std::env::consts::OS {
        "macos" => user().map(|user| user.join("Library").join("Application Support")),
        "windows" => absolute("LOCALAPPDATA"),
        // The XDG base directory specification: a relative path is to be ignored.
        _ => absolute("XDG_DATA_HOME").or_else(|| user().map(|user| Path::new(&user).join(".local").join("share"))),
    };
    data.map(|data| data.join("lightproof"))
        .ok_or_else(|| Failure::usage("there is no folder for this home").hint("name one with --home DIR"))
}

const MAX_PHOTOS: usize = 16;
const CARD_SCHEME: &str = "lightproof:";
/// Holds the passphrase of the home.
pub(crate) const PASSPHRASE_VARIABLE: &str = "LIGHTPROOF_PASSPHRASE";
/// Holds the passphrase to change to.
pub(crate) const NEW_PASSPHRASE_VARIABLE: &str = "LIGHTPROOF_NEW_PASSPHRASE";
/// Holds the passphrase of a sealed file.
pub(crate) const FILE_PASSPHRASE_VARIABLE: &str = "LIGHTPROOF_FILE_PASSPHRASE";
/// Holds the passphrase of a backup.
pub(crate) const BACKUP_PASSPHRASE_VARIABLE: &str = "LIGHTPROOF_BACKUP_PASSPHRASE";
/// Holds the relay's access capability.
pub(crate) const ACCESS_VARIABLE: &str = "LIGHTPROOF_ACCESS";

#[cfg(test)]
mod tests;
