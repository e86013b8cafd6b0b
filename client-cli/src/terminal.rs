//! The person at the terminal: passphrases, yes or no, and the size of the window.
//!
//! Questions go to stderr; stdout is for results.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};

use rpassword::ConfigBuilder;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::output::Output;
use crate::plan::{Input, PassphraseSource};
use crate::platform::access;
use crate::platform::terminal::{Stream, size};
use crate::sanitize::Sanitized;

/// What a passphrase is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To protect a home from now on: a person types it twice.
    Choose,
    /// To seal a file: a person types it twice.
    ChooseForFile,
    /// To open a sealed file.
    OpenFile,
    /// To protect a backup: likewise.
    ChooseForBackup,
    /// To open the home.
    Unlock,
    /// To open a backup.
    UnlockBackup,
}

impl Purpose {
    /// Where to have it from where nobody can be asked.
    const fn otherwise(self) -> &'static str {
        match self {
            Self::Choose | Self::Unlock => "set LIGHTPROOF_PASSPHRASE or use --passphrase-file FILE",
            Self::ChooseForBackup | Self::UnlockBackup => {
                "set LIGHTPROOF_BACKUP_PASSPHRASE or use --backup-passphrase-file FILE"
            }
            Self::ChooseForFile | Self::OpenFile => "set LIGHTPROOF_FILE_PASSPHRASE or use --file-passphrase-file FILE",
        }
    }
}

/// Takes the passphrase from where it is to come from.
///
/// # Errors
/// Where it cannot be read, is empty, is typed differently the second time, or nobody is there to ask.
pub(crate) fn passphrase(
    source: &PassphraseSource,
    purpose: Purpose,
    output: &mut Output,
) -> Result<Zeroizing<String>, Failure> {
    let passphrase = match source {
        PassphraseSource::Input(input) => passphrase_from(input, output)?,
        PassphraseSource::Variable(name) => std::env::var(name)
            .map(Zeroizing::new)
            .map_err(|_| Failure::failed(format!("{name} does not hold text")))?,
        PassphraseSource::Prompt => prompted(purpose)?,
    };
    if passphrase.is_empty() {
        return Err(Failure::failed("the passphrase is empty"));
    }
    Ok(passphrase)
}

fn passphrase_from(input: &Input, output: &mut Output) -> Result<Zeroizing<String>, Failure> {
    let Input::File(path) = input else { return first_line(io::stdin().lock()).map_err(unreadable("stdin")) };
    let shown = Sanitized::path(path).to_string();
    let file = File::open(path).map_err(unreadable(&shown))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_file() && access::is_open_to_others(&metadata)) {
        output.warn(format_args!("other people can read {shown}: chmod 600 {shown}"));
    }
    first_line(BufReader::new(file)).map_err(unreadable(&shown))
}

fn unreadable(what: &str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::failed(format!("cannot read the passphrase from {what}: {error}"))
}

fn first_line(reader: impl BufRead) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(MAX_PASSPHRASE_BYTES));
    reader.take(MAX_PASSPHRASE_BYTES as u64).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

fn prompted(purpose: Purpose) -> Result<Zeroizing<String>, Failure> {
    if !io::stderr().is_terminal() {
        return Err(
            Failure::failed("a passphrase is needed, and there is no terminal to ask for it").hint(purpose.otherwise())
        );
    }
    match purpose {
        Purpose::OpenFile => ask_hidden("passphrase of the file: "),
        Purpose::Unlock => ask_hidden("passphrase: "),
        Purpose::UnlockBackup => ask_hidden("passphrase of the backup: "),
        Purpose::Choose => ask_twice("new passphrase: "),
        Purpose::ChooseForBackup => ask_twice("new passphrase, for the backup: "),
        Purpose::ChooseForFile => ask_twice("new passphrase, for the file: "),
    }
}

fn ask_twice(question: &str) -> Result<Zeroizing<String>, Failure> {
    let first = ask_hidden(question)?;
    let second = ask_hidden("the same again: ")?;
    if first == second { Ok(first) } else { Err(Failure::failed("the two passphrases differ")) }
}

fn ask_hidden(question: &str) -> Result<Zeroizing<String>, Failure> {
    let config = ConfigBuilder::new().output_writer(io::stderr()).build();
    rpassword::prompt_password_with_config(question, config)
        .map(Zeroizing::new)
        .map_err(|error| Failure::failed(format!("cannot ask for the passphrase: {error}")))
}

/// Asks a question that only `y` or `yes` answers with yes. Waits on a thread of its own, so that Ctrl-C is heard.
///
/// # Errors
/// Where nobody is there to ask; the hint says how to answer beforehand.
pub(crate) async fn confirm(question: &str, answer_beforehand: &str) -> Result<bool, Failure> {
    if !somebody_answers() {
        return Err(Failure::failed(format!("{question} there is no terminal to ask")).hint(answer_beforehand));
    }
    let cannot_ask = |error: io::Error| Failure::failed(format!("cannot ask: {error}"));
    let mut stderr = io::stderr();
    write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush()).map_err(cannot_ask)?;
    let asking = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().lock().take(MAX_ANSWER_BYTES).read_line(&mut answer).map(|_| answer)
    });
    let answer = asking.await.map_err(io::Error::other).and_then(|answer| answer).map_err(cannot_ask)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Whether a person is there to answer a question.
pub(crate) fn somebody_answers() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The window, in cells, and what is known of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Cells in a row.
    pub(crate) columns: u16,
    /// Rows.
    pub(crate) rows: u16,
    /// In pixels, where the terminal says it.
    pub(crate) cell: Option<Cell>,
}

/// The pixels of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
}

impl Cell {
    /// Of so many pixels. Terminals that do not know theirs say 0; others have said nonsense.
    pub(crate) fn of(width_px: u32, height_px: u32) -> Option<Self> {
        let is_likely = (2..=256).contains(&width_px) && (width_px..=width_px.saturating_mul(4)).contains(&height_px);
        is_likely.then_some(Self { width_px, height_px })
    }

    /// Small enough for most terminals, where nothing is known.
    pub(crate) const fn usual() -> Self {
        Self { width_px: 8, height_px: 16 }
    }
}

impl Window {
    /// That of stdout; what most terminals have where it is none.
    pub(crate) fn of_stdout() -> Self {
        Self::of(Stream::Stdout)
    }

    /// That of a stream, likewise.
    pub(crate) fn of(stream: Stream) -> Self {
        let Some([columns, rows, width_px, height_px]) = size(stream) else { return Self::default() };
        let cell = Cell::of(u32::from(width_px / columns), u32::from(height_px / rows));
        Self { columns, rows, cell }
    }

    /// The height of a cell over its width.
    pub(crate) fn cell_aspect(self) -> f64 {
        self.cell.map_or(2.0, |cell| f64::from(cell.height_px) / f64::from(cell.width_px))
    }
}

impl Default for Window {
    fn default() -> Self {
        Self { columns: 80, rows: 24, cell: None }
    }
}

/// Read into memory that is wiped, so there must be an end to it.
const MAX_PASSPHRASE_BYTES: usize = 4_096;
const MAX_ANSWER_BYTES: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Colour, Reader, Verbosity};

    #[test]
    fn only_the_first_line_is_the_passphrase() {
        for (file, passphrase) in
            [("one\n", "one"), ("one\r\ntwo\n", "one"), ("one", "one"), (" one \n", " one "), ("", "")]
        {
            assert_eq!(first_line(file.as_bytes()).unwrap().as_str(), passphrase);
        }
        assert!(first_line(&b"\xff\n"[..]).is_err());
    }

    #[test]
    fn an_empty_or_missing_passphrase_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        let mut output = Output::standard(Reader::Person, Verbosity::Quiet, Colour::Never);
        let mut read = || passphrase(&PassphraseSource::Input(Input::File(path.clone())), Purpose::Unlock, &mut output);
        assert!(read().unwrap_err().what.starts_with("cannot read the passphrase from"));
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(read().unwrap_err().what, "the passphrase is empty");
        std::fs::write(&path, "correct horse\n").unwrap();
        assert_eq!(read().unwrap().as_str(), "correct horse");
    }
}
