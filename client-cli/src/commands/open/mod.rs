//! `open`: what is in a sealed file, and who sealed it.

use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::path::Path;

use lightproof_core::e2ee::sealed_file::{SealedFileError, Unlocked, VerifiedFile};
use lightproof_core::sealed_file::{PassphraseError, unlock_with};
use lightproof_core::wire::codec::DecodeError;

use super::people::People;
use super::photo_file::{cannot_write, make_folder};
use crate::args::{Global, Open};
use crate::exit::{Exit, Failure};
use crate::opened::{Opened, is_set};
use crate::output::{Output, Verbosity};
use crate::plan::{Input, PassphraseSource, one_reader_of_stdin};
use crate::progress::Moved;
use crate::sanitize::Sanitized;
use crate::save::{SavedTogether, UnfinishedFile};
use crate::sealed::{Beginning, Begun, Keeper, Piped, Trouble, open_chunks, read_beginning};
use crate::terminal::{self, Purpose};

use told::Told;

mod names;
mod told;

pub(super) async fn run(typed: &Open, global: &Global, output: &mut Output) -> Result<Exit, Failure> {
    let words = PassphraseSource::of_file(typed.file_passphrase_file.as_ref(), is_set);
    let home = PassphraseSource::current(global, is_set);
    one_reader_of_stdin([&typed.file].into_iter().chain(words.input()).chain(home.input()))?;
    let target = Target::of(typed)?;
    let (beginning, same) = beginning(&typed.file).await?;
    let (unlocked, people) = unlock(&beginning, &words, global, output).await?;
    let again = unlocked.duplicate();
    let (begun, verbosity) = (beginning.open(unlocked).map_err(told)?, output.verbosity());
    let (verified, files) = match target {
        Target::Folder(folder) => into_folder(begun, folder, &people, verbosity).await?,
        Target::File(path) => (into_file(begun, path, verbosity).await?, vec![path.to_string_lossy().into_owned()]),
        Target::Standard => {
            // Everything is verified before the first byte leaves, and once more on its way.
            must_hold_one(&begun)?;
            let verified = chunks(begun, vec![io::sink()], verbosity).await.map_err(told)?;
            let begun = from_its_start(same, &typed.file)?.open(again).map_err(told)?;
            chunks(begun, vec![io::stdout()], verbosity).await.map_err(told)?;
            output.remark(Told::of(&verified, &people, Vec::new()).says());
            return Ok(Exit::Done);
        }
    };
    output.report(&Told::of(&verified, &people, files))?;
    Ok(Exit::Done)
}

/// Where what is in it goes.
enum Target<'a> {
    File(&'a Path),
    Folder(&'a Path),
    /// To stdout, from a file: it is read twice.
    Standard,
}

impl<'a> Target<'a> {
    fn of(typed: &'a Open) -> Result<Self, Failure> {
        match (&typed.out, &typed.file) {
            (None, _) => Ok(Self::Folder(typed.save_to.as_deref().unwrap_or(Path::new(".")))),
            (Some(Input::File(path)), _) if path.exists() => {
                Err(cannot_write(path, &io::ErrorKind::AlreadyExists.into()))
            }
            (Some(Input::File(path)), _) => Ok(Self::File(path)),
            (Some(Input::Standard), Input::File(_)) => Ok(Self::Standard),
            (Some(Input::Standard), Input::Standard) => {
                Err(Failure::usage("nothing goes from stdin to stdout before all of it is verified")
                    .hint("save the sealed file, and name it"))
            }
        }
    }
}

fn name_of(input: &Input) -> String {
    match input {
        Input::File(path) => Sanitized::path(path).to_string(),
        Input::Standard => "stdin".to_owned(),
    }
}

/// The beginning, and the open file once more: whatever its name names later, what is read twice is the same.
async fn beginning(input: &Input) -> Result<(Beginning, Option<File>), Failure> {
    let what = name_of(input);
    let path = match input {
        Input::File(path) => Some(path.clone()),
        Input::Standard => None,
    };
    let failed = |error| Failure::failed(format!("cannot read {what}: {error}"));
    let named = what.clone();
    // On a thread that nobody waits for: a pipe may be silent for ever, and Ctrl-C is heard all the same.
    let reading = tokio::task::spawn_blocking(move || {
        let unread = |error| Trouble::Read { what: named.clone(), error };
        let (source, same): (Piped, _) = match path {
            Some(path) => {
                let file = File::open(path).map_err(unread)?;
                let same = file.try_clone().map_err(unread)?;
                (Box::new(file), Some(same))
            }
            None => (Box::new(io::stdin()), None),
        };
        Ok((read_beginning(source, named)?, same))
    });
    reading.await.map_err(|gone| failed(io::Error::other(gone)))?.map_err(told)
}

/// The beginning of a file that was read before.
fn from_its_start(same: Option<File>, input: &Input) -> Result<Beginning, Failure> {
    let what = name_of(input);
    let mut file = same.ok_or(Trouble::GivenUp).map_err(told)?;
    file.rewind().map_err(|error| told(Trouble::Read { what: what.clone(), error }))?;
    read_beginning(Box::new(file), what).map_err(told)
}

/// Asks for the passphrase of the file, or of the home, whichever has the key.
async fn unlock(
    beginning: &Beginning,
    words: &PassphraseSource,
    global: &Global,
    output: &mut Output,
) -> Result<(Unlocked, People), Failure> {
    let header = &beginning.header;
    if header.passphrase_cost().is_some() {
        let words = terminal::passphrase(words, Purpose::OpenFile, output)?;
        let unlocked = unlock_with(header, &words).map_err(locked)?;
        // Whose key signed it, only a home can say; and nothing is asked for it.
        let people = match Opened::open_unasked(global, output).await {
            Some(opened) => People::of_and_leave(opened).await?,
            None => People::default(),
        };
        return Ok((unlocked, people));
    }
    let opened = Opened::open(global, output).await?;
    let unlocked = opened.client.unlock_file(header).await?.map_err(|error| told(error.into()))?;
    Ok((unlocked, People::of_and_leave(opened).await?))
}

fn locked(error: PassphraseError) -> Failure {
    match error {
        PassphraseError::File(SealedFileError::NotForUs) => {
            Failure::new(Exit::Unverified, "wrong passphrase, or the file was changed")
                .hint("there is no way into a sealed file without its passphrase")
        }
        PassphraseError::File(error) => told(error.into()),
        error => Failure::failed(error.to_string()),
    }
}

/// Into hidden files, which appear under names of ours once everything is verified: all of them or none.
async fn into_folder(
    begun: Begun,
    folder: &Path,
    people: &People,
    verbosity: Verbosity,
) -> Result<(VerifiedFile, Vec<String>), Failure> {
    let failed = |error| cannot_write(folder, &error);
    make_folder(folder)?;
    let count = begun.opening.claimed().files.as_slice().len();
    let hidden: Vec<UnfinishedFile> =
        (0..count).map(|_| UnfinishedFile::begin(folder)).collect::<io::Result<_>>().map_err(failed)?;
    let sinks = hidden.iter().map(UnfinishedFile::again).collect::<io::Result<_>>().map_err(failed)?;
    let verified = chunks(begun, sinks, verbosity).await.map_err(|trouble| written(trouble, folder))?;
    let (mut together, mut files) = (SavedTogether::default(), Vec::new());
    for (file, facts) in hidden.into_iter().zip(verified.facts().files.iter()) {
        let (stem, extension) = names::ours(verified.facts(), facts.name.as_str(), people);
        let saved = file.finish_beside(&stem, &extension).map_err(failed)?;
        files.push(saved.path.to_string_lossy().into_owned());
        together.add(saved);
    }
    together.keep();
    Ok((verified, files))
}

async fn into_file(begun: Begun, path: &Path, verbosity: Verbosity) -> Result<VerifiedFile, Failure> {
    must_hold_one(&begun)?;
    let failed = |error| cannot_write(path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = UnfinishedFile::begin(folder).map_err(failed)?;
    let sinks = vec![file.again().map_err(failed)?];
    let verified = chunks(begun, sinks, verbosity).await.map_err(|trouble| written(trouble, path))?;
    file.finish_new(path).map_err(failed)?;
    Ok(verified)
}

fn must_hold_one(begun: &Begun) -> Result<(), Failure> {
    match begun.opening.claimed().files.as_slice().len() {
        1 => Ok(()),
        _ => Err(Failure::failed("there are several files in it").hint("save them to a folder with --save-to DIR")),
    }
}

async fn chunks<W: Write + Send + 'static>(
    begun: Begun,
    sinks: Vec<W>,
    verbosity: Verbosity,
) -> Result<VerifiedFile, Trouble> {
    // Dropped with this future: the threads end with it, and hidden files are removed by who began them.
    let keeper = Keeper::default();
    let kept = keeper.kept();
    let moved = Moved::begin("opening", begun.opening.claimed().length_bytes().unwrap_or_default(), verbosity);
    let opening = tokio::task::spawn_blocking(move || open_chunks(begun, sinks, &kept, &moved));
    opening.await.map_err(|_| Trouble::GivenUp)?
}

fn written(trouble: Trouble, path: &Path) -> Failure {
    match trouble {
        Trouble::Write(error) => cannot_write(path, &error),
        trouble => told(trouble),
    }
}

fn told(trouble: Trouble) -> Failure {
    let unverified = |what: String| Failure::new(Exit::Unverified, what);
    match trouble {
        Trouble::Read { what, error } => Failure::failed(format!("cannot read {what}: {error}")),
        Trouble::Write(error) => Failure::failed(format!("cannot write: {error}")),
        Trouble::File(SealedFileError::Newer) => {
            Failure::failed("it was sealed by a newer version").hint("it needs a newer version of lightproof")
        }
        Trouble::File(SealedFileError::NotASealedFile) => unverified("this is not a sealed file".to_owned()),
        Trouble::File(SealedFileError::NotForUs) => {
            unverified("this home has no key that opens it: it was sealed for others, or changed".to_owned())
                .hint("ask its sender to seal it for you: `lightproof seal --to` and their name for you")
        }
        Trouble::File(SealedFileError::Malformed(DecodeError::Truncated)) => {
            unverified("the sealed file is not whole: its end is missing".to_owned()).hint(FETCH_AGAIN)
        }
        Trouble::File(error) => unverified(format!("nothing of it is shown: {error}")).hint(FETCH_AGAIN),
        trouble => Failure::failed(trouble.to_string()),
    }
}

const FETCH_AGAIN: &str = "get the file again; if it stays like this, tell its sender";
