//! Asks the relay of a folder: the one that runs, or, where none does, the folder itself.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lightproof_wire::time::Timestamp;
use serde::de::DeserializeOwned;

use super::{Access, Answer, ControlError, Request, Stats, work::Work};
use crate::{
    backup::Contents,
    folder::Folder,
    scrub::Report,
    store::{
        disk::{DiskLimits, DiskStore},
        files::Files,
    },
};

/// A relay takes a request at once; the answer to one that reads everything takes as long as it takes.
const REQUEST_DEADLINE: Duration = Duration::from_secs(10);
const LIMITS: DiskLimits = DiskLimits { cache_bytes: 16 * 1_048_576, queue_length: 16 };
const BUFFER_BYTES: usize = 1_048_576;
const ANSWER_BYTES: u64 = 64 * 1_048_576;

/// The relay of a folder.
pub struct Relay(State);

enum State {
    Running(UnixStream),
    Stopped { folder: Folder, store: Arc<DiskStore>, files: Files },
}

impl Relay {
    /// Finds it.
    ///
    /// # Errors
    /// [`ControlError::NoRelay`], [`ControlError::InUse`], or what the folder's disk says.
    pub fn of(root: &Path) -> Result<Self, ControlError> {
        if !root.join("rows.redb").try_exists().map_err(ControlError::Folder)? {
            return Err(ControlError::NoRelay);
        }
        Self::open(root)
    }

    /// Finds it, or makes the folder of one that has never run.
    ///
    /// # Errors
    /// Those of [`of`](Self::of) but the first.
    pub fn of_new(root: &Path) -> Result<Self, ControlError> {
        Self::open(root)
    }

    fn open(root: &Path) -> Result<Self, ControlError> {
        let folder = Folder::open(root).map_err(ControlError::Folder)?;
        if folder.is_half_restored() {
            return Err(ControlError::HalfRestored);
        }
        if let Some(running) = Self::running(&folder)? {
            return Ok(running);
        }
        let store = Arc::new(DiskStore::open(&folder.rows(), LIMITS)?);
        let files = Files::open(&folder.blobs()).map_err(ControlError::Folder)?;
        Ok(Self(State::Stopped { folder, store, files }))
    }

    /// The one that runs on a folder, if one does.
    ///
    /// # Errors
    /// [`ControlError::NoAnswer`].
    pub fn running(folder: &Folder) -> Result<Option<Self>, ControlError> {
        match UnixStream::connect(folder.socket()) {
            Ok(stream) => Ok(Some(Self(State::Running(stream)))),
            // Of one that was killed, or of none; or its path is too long for one.
            Err(error) if is_nobody(&error) => Ok(None),
            Err(error) => Err(ControlError::NoAnswer(error)),
        }
    }

    /// Whether it runs.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        matches!(self.0, State::Running(_))
    }

    /// Counts.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn stats(self) -> Result<Stats, ControlError> {
        self.ask(&Request::Stats)
    }

    /// The link that it serves under, if it runs.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn link(self) -> Result<Option<String>, ControlError> {
        self.ask(&Request::Link)
    }

    /// Looks at everything.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn scrub(self) -> Result<Report, ControlError> {
        self.ask(&Request::Scrub)
    }

    /// Grants a right, as [`Request::AccessNew`] says; its number.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn access_new(self, request: &Request) -> Result<u32, ControlError> {
        self.ask(request)
    }

    /// What was granted, and the number of rows of it that are damaged.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn access_list(self) -> Result<(Vec<Access>, usize), ControlError> {
        #[derive(serde::Deserialize)]
        struct Listed {
            access: Vec<Access>,
            damaged: usize,
        }
        let Listed { access, damaged } = self.ask(&Request::AccessList)?;
        Ok((access, damaged))
    }

    /// Takes a right back.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn access_revoke(self, number: u32) -> Result<(), ControlError> {
        self.ask(&Request::AccessRevoke { number })
    }

    /// Writes a backup to `out`. Whether it is whole, its own checksum says: [`verify`](crate::backup::verify).
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn backup(self, out: &mut impl Write) -> Result<(), ControlError> {
        match self.0 {
            State::Running(stream) => {
                let mut answer = request(&stream, &Request::Backup)?;
                let _null: serde_json::Value = line(&mut answer)?;
                // Of the two ends of this copy, one that fails to write is ours.
                copy(&mut answer, out)
            }
            State::Stopped { folder, store, files } => {
                let work = stopped(&folder, &store, &files);
                Ok(work.backup(out).map(|_: Contents| ())?)
            }
        }
    }

    fn ask<T: DeserializeOwned>(self, what: &Request) -> Result<T, ControlError> {
        match self.0 {
            State::Running(stream) => line(&mut request(&stream, what)?),
            State::Stopped { folder, store, files } => {
                Ok(serde_json::from_value(stopped(&folder, &store, &files).answer(what)?)?)
            }
        }
    }
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::InvalidInput)
}

fn stopped<'a>(folder: &'a Folder, store: &'a Arc<DiskStore>, files: &'a Files) -> Work<'a> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let today = Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)).day();
    Work { store: store.as_ref(), chunks: files, folder, today, running: None, go_on: &|| true }
}

fn request<'a>(stream: &'a UnixStream, what: &Request) -> Result<BufReader<&'a UnixStream>, ControlError> {
    let send = || -> io::Result<()> {
        stream.set_write_timeout(Some(REQUEST_DEADLINE))?;
        let mut stream = stream;
        stream.write_all(&[serde_json::to_vec(what)?.as_slice(), b"\n"].concat())
    };
    send().map_err(ControlError::NoAnswer)?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, stream))
}

fn line<T: DeserializeOwned>(answer: &mut BufReader<&UnixStream>) -> Result<T, ControlError> {
    let mut line = String::new();
    answer.by_ref().take(ANSWER_BYTES).read_line(&mut line).map_err(ControlError::NoAnswer)?;
    if line.is_empty() {
        return Err(ControlError::NoAnswer(io::ErrorKind::UnexpectedEof.into()));
    }
    match serde_json::from_str(&line)? {
        Answer::Ok(value) => Ok(serde_json::from_value(value)?),
        Answer::Error(what) => Err(ControlError::Answered(what)),
    }
}

fn copy(answer: &mut BufReader<&UnixStream>, out: &mut impl Write) -> Result<(), ControlError> {
    loop {
        let piece = answer.fill_buf().map_err(ControlError::NoAnswer)?;
        if piece.is_empty() {
            return Ok(());
        }
        out.write_all(piece).map_err(crate::backup::BackupError::from)?;
        let count = piece.len();
        answer.consume(count);
    }
}
