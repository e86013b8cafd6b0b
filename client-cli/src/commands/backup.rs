//! `backup`: all of this home in one file, sealed under a passphrase of its own.

use std::io::{self, Write};
use std::path::Path;

use lightproof_core::backup::{BackupChunks, Photos};
use lightproof_core::event::Stage;
use lightproof_core::vault::unlock::Passphrase;
use serde::Serialize;

use super::photo_file::cannot_write;
use crate::args::{Backup, Global};
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::opened::{Opened, is_set};
use crate::output::{Output, Page, Report};
use crate::plan::{Input, PassphraseSource, one_reader_of_stdin};
use crate::progress::Progress;
use crate::sanitize::Sanitized;
use crate::save::UnfinishedFile;
use crate::spool::FileSpool;
use crate::terminal::{self, Purpose};

/// Where the backup's passphrase comes from.
///
/// # Errors
/// Where both passphrases are to be read from stdin.
pub(super) fn plan(typed: &Backup, global: &Global) -> Result<PassphraseSource, Failure> {
    let home = PassphraseSource::current(global, is_set);
    let backup = PassphraseSource::of_backup(typed.backup_passphrase_file.as_ref(), is_set);
    one_reader_of_stdin(home.input().into_iter().chain(backup.input()))?;
    Ok(backup)
}

/// How an interrupted run ends.
pub(super) fn interrupted() -> Result<Exit, Failure> {
    Err(Failure::failed("interrupted").hint("no backup was written"))
}

pub(super) async fn run(
    typed: &Backup,
    passphrase: &PassphraseSource,
    opened: &Opened,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if let Input::File(path) = &typed.file
        && path.exists()
    {
        return Err(cannot_write(path, &io::ErrorKind::AlreadyExists.into()));
    }
    let words = terminal::passphrase(passphrase, Purpose::ChooseForBackup, output)?;
    let photos = if typed.no_photos { Photos::LeftOut } else { Photos::Enclosed };
    let mut chunks = opened.client.backup(photos, &Passphrase::Words(words), now(), &mut rng()).await?;
    let mut progress = Progress::new(output.verbosity());
    match &typed.file {
        Input::Standard => {
            while let Some(bytes) = next(&mut chunks, &mut progress, 0).await? {
                output.bytes(&bytes)?;
            }
        }
        Input::File(path) => {
            save_as(path, &mut chunks, &mut progress).await?;
            output.report(&BackedUp::of(path, &chunks))?;
        }
    }
    if chunks.sends_left_out() > 0 {
        output.warn(format_args!("{} that wait to be sealed are not in it", sends(chunks.sends_left_out())));
    }
    if photos == Photos::Enclosed && chunks.photos_left_out() > 0 {
        output.warn(format_args!("{} received photos are not on this disk any more", chunks.photos_left_out()));
    }
    output.remark("whoever has it and its passphrase can be you: keep the two apart");
    Ok(Exit::Done)
}

fn sends(count: u32) -> String {
    if count == 1 { "one send".to_owned() } else { format!("{count} sends") }
}

async fn save_as(
    path: &Path,
    chunks: &mut BackupChunks<'_, FileSpool>,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let failed = |error| cannot_write(path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = UnfinishedFile::begin(folder).map_err(failed)?;
    let mut done_bytes = 0_u64;
    while let Some(bytes) = next(chunks, progress, done_bytes).await? {
        file.write_all(&bytes).map_err(failed)?;
        done_bytes = done_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }
    file.finish_new(path).map_err(failed)
}

async fn next(
    chunks: &mut BackupChunks<'_, FileSpool>,
    progress: &mut Progress,
    done_bytes: u64,
) -> Result<Option<Vec<u8>>, Failure> {
    progress.done(Stage::BackingUp, done_bytes, chunks.sealed_bytes());
    Ok(chunks.next().await?)
}

/// A backup that was written.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "backup")]
struct BackedUp {
    file: String,
    contacts: u32,
    messages: u32,
    /// Received photos in it.
    photos: u32,
    /// Received photos that are not in it.
    photos_left_out: u32,
}

impl BackedUp {
    fn of(path: &Path, chunks: &BackupChunks<'_, FileSpool>) -> Self {
        let summary = chunks.summary();
        Self {
            file: path.to_string_lossy().into_owned(),
            contacts: summary.contacts,
            messages: summary.messages,
            photos: summary.photos,
            photos_left_out: chunks.photos_left_out(),
        }
    }
}

impl Report for BackedUp {
    fn for_people(&self, page: &mut Page) -> std::fmt::Result {
        use std::fmt::Write as _;
        let Self { contacts, messages, photos, .. } = self;
        writeln!(page, "{}: contacts {contacts}, messages {messages}, photos {photos}", Sanitized::line(&self.file))
    }
}
