//! `seal`: files into one sealed file, for contacts or under a passphrase, without a relay.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lightproof_core::contact::Contact;
use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::e2ee::sealed_file::{Closing, FileFacts, LockFor, Sealing, begin};
use lightproof_core::e2ee::sealing_key::SealingKey;
use lightproof_core::sealed_file::passphrase_lock;
use lightproof_core::{ClientError, e2ee::identity::IdentityKey};
use serde::Serialize;

use super::photo_file::cannot_write;
use super::present::contact;
use crate::args::{Global, Seal};
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::opened::{Opened, is_set};
use crate::output::{Output, Page, Report};
use crate::plan::{ContactName, Input, PassphraseSource, Recipients, one_reader_of_stdin};
use crate::progress::Moved;
use crate::sanitize::Sanitized;
use crate::save::UnfinishedFile;
use crate::sealed::{Contents, Keeper, Trouble, seal_chunks};
use crate::terminal::{self, Purpose};

pub(super) async fn run(typed: &Seal, global: &Global, output: &mut Output) -> Result<Exit, Failure> {
    let words = PassphraseSource::of_file(typed.file_passphrase_file.as_ref(), is_set);
    let home = PassphraseSource::current(global, is_set);
    let words_input = words.input().filter(|_| typed.passphrase);
    one_reader_of_stdin(typed.files.iter().chain(words_input).chain(home.input()))?;
    let target = Target::of(typed)?;
    let contents = Contents::open(&typed.files).map_err(told)?;
    let opened = match typed.to {
        None if typed.unsigned || !Home::is_there(global) => None,
        _ => Some(Opened::open(global, output).await?),
    };
    let signer = opened.as_ref().filter(|_| !typed.unsigned);
    let facts = contents.facts().to_vec();
    let key = signer.map(|opened| opened.client.identity_key());
    let (sealing, names) = match (&typed.to, &opened) {
        (Some(to), Some(opened)) => {
            let (names, recipients): (_, Vec<_>) = recipients(to, opened).await?.into_iter().unzip();
            (begun(facts, &LockFor::Recipients(&recipients), key)?, names)
        }
        _ => {
            let words = terminal::passphrase(&words, Purpose::ChooseForFile, output)?;
            let (cost, locking) =
                passphrase_lock(&words, &mut rng()).map_err(|error| Failure::failed(error.to_string()))?;
            (begun(facts, &LockFor::Passphrase(cost, &locking), key)?, Vec::new())
        }
    };
    if signer.is_none() {
        output.remark("nobody signs this: whoever opens it cannot tell who sealed it");
    }
    let sealed = Sealed::of(&sealing, &target, names, signer.is_some());
    write(contents, sealing, &target, signer, output).await?;
    if let Some(opened) = opened {
        opened.leave();
    }
    if matches!(target, Target::File(_)) {
        output.report(&sealed)?;
    }
    Ok(Exit::Done)
}

fn begun(files: Vec<FileFacts>, to: &LockFor<'_>, signer: Option<&IdentityKey>) -> Result<Sealing, Failure> {
    begin(files, to, signer, now(), &mut rng()).map_err(|error| told(error.into()))
}

/// As they were named, and their sealing keys; those that have none yet are named. A name and a fingerprint can mean the same
/// person, who gets one.
async fn recipients(to: &Recipients, opened: &Opened) -> Result<Vec<(String, (Fingerprint, SealingKey))>, Failure> {
    let mut recipients: Vec<(String, (Fingerprint, SealingKey))> = Vec::new();
    for name in to.names().iter().map(ContactName::as_str) {
        let one = if name == "me" {
            opened.client.own_sealing_key(now(), &mut rng()).await?
        } else {
            let person = contact(opened, name).await?;
            (person.fingerprint, sealing_key(&person)?)
        };
        if recipients.iter().all(|(_, other)| other.0 != one.0) {
            recipients.push((name.to_owned(), one));
        }
    }
    Ok(recipients)
}

fn sealing_key(person: &Contact) -> Result<SealingKey, Failure> {
    let (name, word) = (Sanitized::line(person.name.as_str()), Sanitized::word(person.name.as_str()));
    match person.sealing_key() {
        Err(ClientError::NoSealingKey) => Err(Failure::failed(format!("{name} has not announced a sealing key yet"))
            .hint(format!(
                "exchange one message first: `lightproof send {word} -m hello`, and receive what comes back"
            ))),
        key => Ok(key?),
    }
}

/// Where it goes.
enum Target {
    File(PathBuf),
    Standard,
}

impl Target {
    fn of(typed: &Seal) -> Result<Self, Failure> {
        let path = match (&typed.out, typed.files.as_slice()) {
            (Some(Input::Standard), _) => return Ok(Self::Standard),
            (Some(Input::File(path)), _) => path.clone(),
            (None, [Input::File(only)]) => {
                let mut name = only.clone().into_os_string();
                name.push(EXTENSION);
                name.into()
            }
            (None, _) => {
                return Err(Failure::usage("there is no name for the sealed file")
                    .hint("name one with -o FILE.lightproof, or write to stdout with -o -"));
            }
        };
        if path.exists() {
            return Err(cannot_write(&path, &io::ErrorKind::AlreadyExists.into()));
        }
        Ok(Self::File(path))
    }
}

async fn write(
    contents: Contents,
    sealing: Sealing,
    target: &Target,
    signer: Option<&Opened>,
    output: &Output,
) -> Result<(), Failure> {
    let Target::File(path) = target else {
        let (mut sink, end) = chunks(contents, sealing, Box::new(io::stdout()), signer, output).await.map_err(told)?;
        let written = sink.write_all(&end).and_then(|()| sink.flush());
        return written.map_err(|error| Failure::failed(format!("cannot write to stdout: {error}")));
    };
    let failed = |error| cannot_write(path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = UnfinishedFile::begin(folder).map_err(failed)?;
    let sink = Box::new(file.again().map_err(failed)?);
    let written = chunks(contents, sealing, sink, signer, output).await;
    let (_, end) = written.map_err(|trouble| match trouble {
        Trouble::Write(error) => failed(error),
        trouble => told(trouble),
    })?;
    file.write_all(&end).map_err(failed)?;
    file.finish_new(path).map_err(failed)
}

type Sink = Box<dyn Write + Send>;

/// Everything but the end, which is returned: it is signed here, where the identity is.
async fn chunks(
    contents: Contents,
    sealing: Sealing,
    mut sink: Sink,
    signer: Option<&Opened>,
    output: &Output,
) -> Result<(Sink, Vec<u8>), Trouble> {
    let Sealing { beginning, facts, sealer, closing } = sealing;
    // Dropped with this future: the threads end with it, and the hidden file is removed by who began it.
    let keeper = Keeper::default();
    let (kept, moved) = (keeper.kept(), Moved::begin("sealing", sealer.shape().sealed_bytes(), output.verbosity()));
    let sealed = tokio::task::spawn_blocking(move || {
        sink.write_all(&beginning).map_err(Trouble::Write)?;
        let (digests, blob) = seal_chunks(contents, &facts, sealer, &mut sink, (&kept, &moved))?;
        Ok::<_, Trouble>((sink, digests, blob))
    });
    let (sink, digests, blob) = sealed.await.map_err(|_| Trouble::GivenUp)??;
    let end = match signer {
        Some(opened) => opened.client.sign_file(closing, blob, &digests, &mut rng())?,
        None => Closing::finish(closing, blob, &digests, None, &mut rng())?,
    };
    Ok((sink, end))
}

fn told(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Read { what, error } => Failure::failed(format!("cannot read {what}: {error}")),
        Trouble::Write(error) => Failure::failed(format!("cannot write the sealed file: {error}")),
        trouble @ Trouble::Changed(_) => {
            Failure::failed(trouble.to_string()).hint("seal it again once nothing writes to it any more")
        }
        trouble => Failure::failed(trouble.to_string()),
    }
}

/// A file that was sealed.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "sealed")]
struct Sealed {
    file: String,
    /// Whom it is for, as we call them; nobody under a passphrase.
    to: Vec<String>,
    files: usize,
    /// Of all files together.
    bytes: u64,
    signed: bool,
}

impl Sealed {
    fn of(sealing: &Sealing, target: &Target, to: Vec<String>, signed: bool) -> Self {
        let file = match target {
            Target::File(path) => path.to_string_lossy().into_owned(),
            Target::Standard => String::new(),
        };
        let bytes = sealing.facts.length_bytes().unwrap_or_default();
        Self { file, to, files: sealing.facts.files.as_slice().len(), bytes, signed }
    }
}

impl Report for Sealed {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let file = Sanitized::line(&self.file);
        let who = match self.to.as_slice() {
            [] => "whoever has the passphrase opens it".to_owned(),
            [one] => format!("{} opens it", Sanitized::line(one)),
            many => format!("{} open it", Sanitized::line(&many.join(", "))),
        };
        writeln!(page, "{file}: {who} with `lightproof open {}`", Sanitized::file(&self.file))
    }
}

/// Of a sealed file that was given no name.
const EXTENSION: &str = ".lightproof";
