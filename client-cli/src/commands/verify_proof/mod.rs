//! `verify-proof`: what a file proves about a message, to somebody who may have nothing but the file.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use lightproof_core::e2ee::proof::{Proof, ProofError};
use lightproof_core::proof::{CheckError, ProofReader, likenesses};
use lightproof_core::wire::hash::{Digest, Hasher};

use super::people::People;
use super::photo_file::{cannot_write, make_folder, stem};
use super::present::{extension, hex};
use crate::args::{Global, VerifyProof};
use crate::clock::Date;
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::Output;
use crate::plan::{Input, one_reader_of_stdin};
use crate::sanitize::Sanitized;
use crate::save::{SavedTogether, UnfinishedFile};

use told::{Compared, Told};

mod told;

pub(super) async fn run(typed: &VerifyProof, global: &Global, output: &mut Output) -> Result<Exit, Failure> {
    one_reader_of_stdin([&typed.proof].into_iter().chain(&typed.photo))?;
    let mut photos = Photos::new(typed.save_to.as_deref())?;
    let proof = read(&typed.proof, &mut photos).await?;
    let compared = match &typed.photo {
        Some(photo) => Some(compare(&proof, photo).await?),
        None => None,
    };
    let files = photos.appear(&proof)?;
    // Whose key it is, only a home can say; and nothing is asked for it.
    let people = match Opened::open_unasked(global, output).await {
        Some(opened) => People::of_and_leave(opened).await?,
        None => People::default(),
    };
    output.report(&Told::of(&proof, &people, files, compared))?;
    Ok(Exit::Done)
}

/// Reads all of a proof, and what is in it into files that nobody sees yet.
async fn read(input: &Input, photos: &mut Photos<'_>) -> Result<Proof, Failure> {
    let refused = |error| refused(error, input);
    let source = source(input).map_err(|error| cannot_read(input, &error))?;
    let mut reader = aside(move || ProofReader::begin(source)).await.map_err(refused)?;
    loop {
        let next = move || {
            let piece = reader.next_piece()?.map(|(place, bytes)| (place, bytes.to_vec()));
            Ok::<_, CheckError>((reader, piece))
        };
        let piece;
        (reader, piece) = aside(next).await.map_err(refused)?;
        let Some((place, bytes)) = piece else { break };
        photos.write(place, &bytes)?;
    }
    aside(move || reader.finish()).await.map_err(refused)
}

/// Reads on a thread that nobody waits for: a pipe may be silent for ever, and Ctrl-C is heard all the same.
pub(super) async fn aside<V, E>(work: impl FnOnce() -> Result<V, E> + Send + 'static) -> Result<V, E>
where
    V: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(gone) => Err(io::Error::other(gone).into()),
    }
}

fn refused(error: CheckError, input: &Input) -> Failure {
    let what = match error {
        CheckError::Proof(ProofError::Newer) => {
            return Failure::failed(ProofError::Newer.to_string()).hint("it needs a newer version of lightproof");
        }
        CheckError::Proof(ProofError::NotAProof) => "this is not a proof".to_owned(),
        CheckError::Proof(error) => format!("this proves nothing: {error}"),
        CheckError::Io(error) => return cannot_read(input, &error),
        _ => "this proves nothing".to_owned(),
    };
    Failure::new(Exit::Unverified, what).hint("ask whoever gave it to you for the file as `lightproof export` wrote it")
}

/// Compares a file with what was signed; one that is nothing of it is a failure.
async fn compare(proof: &Proof, input: &Input) -> Result<Compared, Failure> {
    let failed = |error: io::Error| cannot_read(input, &error);
    let source = source(input).map_err(failed)?;
    let digest = aside(move || digest(source)).await.map_err(failed)?;
    let found = likenesses(proof, &digest);
    if found.is_empty() {
        return Err(Failure::new(
            Exit::Unverified,
            format!(
                "{} is not what was signed, or was changed since: it is none of the photos of this proof",
                name(input)
            ),
        ));
    }
    Ok(Compared { file: name(input), found })
}

fn digest(mut source: impl Read) -> io::Result<Digest> {
    let mut hasher = Hasher::bare();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn source(input: &Input) -> io::Result<Box<dyn Read + Send>> {
    Ok(match input {
        Input::File(path) => Box::new(BufReader::new(File::open(path)?)),
        Input::Standard => Box::new(io::stdin()),
    })
}

pub(super) fn cannot_read(input: &Input, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot read {}: {error}", name(input)))
}

/// The name of a file that was typed, fit to be printed.
fn name(input: &Input) -> String {
    match input {
        Input::File(path) => Sanitized::path(path).to_string(),
        Input::Standard => "stdin".to_owned(),
    }
}

/// The photos of a proof on their way into a folder, if there is one.
struct Photos<'a> {
    folder: Option<&'a Path>,
    begun: Vec<(usize, UnfinishedFile)>,
}

impl<'a> Photos<'a> {
    fn new(folder: Option<&'a Path>) -> Result<Self, Failure> {
        folder.map_or(Ok(()), make_folder)?;
        Ok(Self { folder, begun: Vec::new() })
    }

    fn write(&mut self, place: usize, bytes: &[u8]) -> Result<(), Failure> {
        let Some(folder) = self.folder else { return Ok(()) };
        let failed = |error| cannot_write(folder, &error);
        if self.begun.last().is_none_or(|(last, _)| *last != place) {
            self.begun.push((place, UnfinishedFile::begin(folder).map_err(failed)?));
        }
        match self.begun.last_mut() {
            Some((_, file)) => io::Write::write_all(file, bytes).map_err(failed),
            None => Ok(()),
        }
    }

    /// All of the proof has verified: they appear under names of ours, all of them or none.
    fn appear(self, proof: &Proof) -> Result<Vec<(usize, String)>, Failure> {
        let Some(folder) = self.folder else { return Ok(Vec::new()) };
        let (mut together, mut files) = (SavedTogether::default(), Vec::new());
        let signer = hex(proof.identity().fingerprint().as_bytes());
        for (place, file) in self.begun {
            let Some(photo) = proof.photos().get(place) else { continue };
            let day = Date(proof.frame().sent_at.day());
            let stem = stem(day, signer.get(..8).unwrap_or_default(), &hex(photo.digest.as_bytes()));
            let saved = file.finish_beside(&stem, extension(photo.media_type));
            let saved = saved.map_err(|error| cannot_write(folder, &error))?;
            files.push((place, saved.path.to_string_lossy().into_owned()));
            together.add(saved);
        }
        together.keep();
        Ok(files)
    }
}

/// Bytes of a file that are held at once.
const PIECE_BYTES: usize = 64 << 10;
