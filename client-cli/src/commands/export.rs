//! `export`: a message as a file that proves to somebody else who signed it.

use std::io::{self, Write};
use std::path::Path;

use lightproof_core::ClientError;
use lightproof_core::e2ee::proof::Proof;
use lightproof_core::message::{Direction, Message, State};
use lightproof_core::proof::{Part, ProofParts};
use serde::Serialize;

use super::photo_file::{PhotoOf, cannot_write};
use super::present::message;
use crate::args::Export;
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::{Output, Page, Report};
use crate::plan::Input;
use crate::sanitize::Sanitized;
use crate::save::UnfinishedFile;

pub(super) async fn run(typed: &Export, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let message = message(opened, typed.id.as_str()).await?;
    let part = |is_asked| if is_asked { Part::Enclosed } else { Part::LeftOut };
    let parts = ProofParts { photos: part(typed.with_photos), sources: part(typed.open_source) };
    let proof = opened.client.proof(&message, parts).await.map_err(|error| explained(error, &message))?;
    let writing = Writing { proof: &proof, message: &message, opened };
    match &typed.proof {
        Input::Standard => writing.print(output).await?,
        Input::File(path) => {
            writing.save_as(path).await?;
            output.report(&Exported::of(&message, path, &proof))?;
        }
    }
    output.warn("whoever has this proof can read all that the message says: give it to nobody who may not see it");
    Ok(Exit::Done)
}

fn explained(error: ClientError, message: &Message) -> Failure {
    let waits = message.direction == Direction::Out && matches!(message.state, State::Outbox | State::Deposited);
    let failure = Failure::from(error);
    if waits { failure.hint("export it once `lightproof messages` says that it was delivered") } else { failure }
}

/// A proof on its way into a file.
struct Writing<'a> {
    proof: &'a Proof,
    message: &'a Message,
    opened: &'a Opened,
}

impl Writing<'_> {
    async fn save_as(&self, path: &Path) -> Result<(), Failure> {
        let failed = |error| cannot_write(path, &error);
        if path.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = UnfinishedFile::begin(folder).map_err(failed)?;
        self.write(&mut file, failed).await?;
        file.finish_new(path).map_err(failed)
    }

    /// To stdout, once a first pass has verified the photos that go into it.
    async fn print(&self, output: &mut Output) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::failed(format!("cannot write to stdout: {error}"));
        self.write(&mut io::sink(), failed).await?;
        self.write(&mut Stdout(output), failed).await
    }

    async fn write(&self, sink: &mut impl Write, failed: impl Fn(io::Error) -> Failure + Copy) -> Result<(), Failure> {
        sink.write_all(&self.proof.head()).map_err(failed)?;
        for place in self.proof.enclosed() {
            PhotoOf::new(self.opened, self.message, place).stream(sink, failed).await?;
        }
        Ok(())
    }
}

struct Stdout<'a>(&'a mut Output);

impl Write for Stdout<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bytes(bytes).map_err(|failure| io::Error::other(failure.what))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A proof that was written.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "exported")]
struct Exported {
    id: String,
    file: String,
    /// How many photos are in it.
    enclosed: usize,
    /// Of how many photos it says which file they were made from.
    sources: usize,
}

impl Exported {
    fn of(message: &Message, path: &Path, proof: &Proof) -> Self {
        let places = 0..proof.photos().len();
        Self {
            id: message.name(),
            file: path.to_string_lossy().into_owned(),
            enclosed: proof.enclosed().count(),
            sources: places.filter(|place| proof.source(*place).is_some()).count(),
        }
    }
}

impl Report for Exported {
    fn for_people(&self, page: &mut Page) -> std::fmt::Result {
        use std::fmt::Write as _;
        let file = Sanitized::line(&self.file);
        writeln!(page, "{file}: check it with `lightproof verify-proof {}`", Sanitized::file(&self.file))
    }
}
