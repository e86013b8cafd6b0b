//! `restore`: a home from a file that `backup` wrote; then everybody it had a session with is called.

use std::io::{self, Read};

use lightproof_core::ClientError;
use lightproof_core::backup::{Passphrases, RestoreError, Summary, restore};
use lightproof_core::event::Stage;
use lightproof_core::vault::unlock::{Passphrase, UnlockError};
use serde::Serialize;

use super::init::{must_be_free, passphrase};
use super::verify_proof::{aside, cannot_read, source};
use super::{cut_off, end, interruptible, watch};
use crate::args::{Global, Restore};
use crate::clock::{Utc, now, rng};
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::opened::{Opened, is_set};
use crate::output::{Output, Page, Report};
use crate::plan::{self, Input, PassphraseSource, one_reader_of_stdin};
use crate::progress::Progress;
use crate::sanitize::Sanitized;
use crate::source::PhotoFiles;
use crate::spool::FileSpool;
use crate::staging::Staging;
use crate::store::RedbStore;
use crate::terminal::{self, Purpose};

pub(super) async fn run(typed: &Restore, global: &Global, output: &mut Output) -> Result<Exit, Failure> {
    let of_home = (!typed.no_passphrase).then(|| PassphraseSource::current(global, is_set));
    let of_backup = PassphraseSource::of_backup(typed.backup_passphrase_file.as_ref(), is_set);
    let inputs = of_home.iter().chain([&of_backup]).filter_map(PassphraseSource::input);
    one_reader_of_stdin(inputs.chain([&typed.file]))?;
    let path = plan::home(global, |name| std::env::var_os(name))?;
    must_be_free(&path)?;
    let file = Pieces::of(&typed.file, output).map_err(|error| cannot_read(&typed.file, &error))?;
    let backup = Passphrase::Words(terminal::passphrase(&of_backup, Purpose::UnlockBackup, output)?);
    let passphrase = passphrase(of_home.as_ref(), &path, output)?;

    let home = Home::create(path)?;
    let staging = Staging::begin(&home)?;
    let mut summary = Summary::default();
    let filled = async {
        let passphrases = Passphrases { backup: &backup, home: &passphrase };
        summary = fill(staging.home(), file, passphrases).await.map_err(|error| refused(error, &typed.file))?;
        Ok(Exit::Done)
    };
    interruptible(filled, Err(Failure::failed("interrupted").hint("nothing was restored"))).await?;
    staging.appear()?;

    let opened = Opened::open_with(home, &passphrase, output).await?;
    output.report(&Told::of(&summary))?;
    let result = interruptible(look(&opened, output), cut_off()).await;
    let result = end(result, &opened, output).await;
    opened.leave();
    result
}

/// Everything into a folder that is no home yet.
async fn fill(home: &Home, mut file: Pieces, passphrases: Passphrases<'_>) -> Result<Summary, RestoreError> {
    let (store, spool) = (RedbStore::of(home.clone(), || ())?, FileSpool::of(home)?);
    let filled = restore((store.clone(), &spool), async || file.next().await, passphrases, now(), &mut rng()).await;
    // Before its file gets another name.
    store.close();
    filled
}

/// The first look at the relay takes what waits there and calls everybody; nothing of it is shown yet.
async fn look(opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let _lease = watch::lease(&opened.home, output).await?;
    let looked = opened.client.receive(&PhotoFiles::default(), now(), &mut rng()).await;
    let failed = match looked {
        Ok(received) => received.failed,
        Err(error) => Some(error),
    };
    match failed {
        None => Ok(Exit::Done),
        Some(error) => Err(goes_on(&error)),
    }
}

fn goes_on(error: &ClientError) -> Failure {
    let failure = Failure::from(error);
    if error.is_passing() {
        failure.hint("the home is restored and kept; `lightproof receive` goes on once the relay is there")
    } else {
        failure
    }
}

fn refused(error: RestoreError, input: &Input) -> Failure {
    match error {
        RestoreError::Io(error) => cannot_read(input, &error),
        RestoreError::Newer => {
            Failure::failed(RestoreError::Newer.to_string()).hint("install a newer version of lightproof")
        }
        RestoreError::Unlock(UnlockError::Wrong) => {
            Failure::failed("wrong passphrase for this backup, or its beginning was changed")
                .hint("there is no way into a backup without its passphrase")
        }
        RestoreError::Spool(error) => error.into(),
        RestoreError::Vault(error) => error.into(),
        error @ (RestoreError::Damaged | RestoreError::NotABackup) => Failure::new(Exit::Unverified, error.to_string())
            .hint("nothing was restored; take the file as `lightproof backup` wrote it"),
        error => Failure::failed(error.to_string()),
    }
}

/// The bytes of a backup, read on a thread that nobody waits for: a pipe may be silent for ever.
struct Pieces {
    source: Option<Box<dyn Read + Send>>,
    progress: Progress,
    done_bytes: u64,
    /// Of a pipe it is not known.
    total_bytes: Option<u64>,
}

impl Pieces {
    fn of(input: &Input, output: &Output) -> io::Result<Self> {
        let total_bytes = match input {
            Input::File(path) => Some(path.metadata()?.len()),
            Input::Standard => None,
        };
        let progress = Progress::new(output.verbosity());
        Ok(Self { source: Some(source(input)?), progress, done_bytes: 0, total_bytes })
    }

    async fn next(&mut self) -> io::Result<Vec<u8>> {
        if let Some(total_bytes) = self.total_bytes {
            self.progress.done(Stage::Restoring, self.done_bytes, total_bytes);
        }
        let mut source = self.source.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let read = move || {
            let mut piece = Vec::new();
            source.by_ref().take(PIECE_BYTES).read_to_end(&mut piece)?;
            Ok::<_, io::Error>((source, piece))
        };
        let (source, piece) = aside(read).await?;
        self.source = Some(source);
        self.done_bytes = self.done_bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        Ok(piece)
    }
}

/// Bytes of a backup that are read at once.
const PIECE_BYTES: u64 = 256 << 10;

/// A home that was restored.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "restored")]
struct Told {
    /// When the backup was made, RFC 3339.
    made: String,
    contacts: u32,
    messages: u32,
    photos: u32,
}

impl Told {
    fn of(summary: &Summary) -> Self {
        let Summary { made, contacts, messages, photos } = *summary;
        Self { made: Utc(made).to_string(), contacts, messages, photos }
    }
}

impl Report for Told {
    fn for_people(&self, page: &mut Page) -> std::fmt::Result {
        use std::fmt::Write as _;
        let Self { made, contacts, messages, photos } = self;
        let made = Sanitized::line(made);
        writeln!(page, "restored as it was {made}: contacts {contacts}, messages {messages}, photos {photos}")?;
        writeln!(page, "what came after that is not here; do not go on with the home it was made of")
    }
}
