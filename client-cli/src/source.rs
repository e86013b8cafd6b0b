//! What is read from files and from stdin: photos to be sent, and short texts.

use std::cell::RefCell;
use std::fs::{File, Metadata};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, absolute};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use lightproof_core::ClientError;
use lightproof_core::send::{Source, Sources};
use lightproof_core::wire::codec::Text;
use lightproof_core::wire::hash::Digest;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::plan::Input;
use crate::sanitize::Sanitized;

/// The photos of this run: files by their path, and stdin, which is read once and kept in memory.
#[derive(Default)]
pub(crate) struct PhotoFiles {
    stdin: Option<(Source, Arc<[u8]>)>,
    last: RefCell<Option<String>>,
}

impl PhotoFiles {
    /// Looks at a photo: where it is, how long, and how old.
    ///
    /// # Errors
    /// Where it cannot be read, is no file, or has no path that is text.
    pub(crate) fn look_at(&mut self, input: &Input) -> Result<Source, Failure> {
        match input {
            Input::File(path) => file_source(path),
            Input::Standard => {
                let source = self.read_stdin()?;
                Ok(source)
            }
        }
    }

    /// The file that was opened last, fit to be printed: the one that an error is about.
    pub(crate) fn last_opened(&self) -> Option<String> {
        self.last.borrow().clone()
    }

    fn read_stdin(&mut self) -> Result<Source, Failure> {
        let mut bytes = Vec::new();
        let failed = |error| Failure::failed(format!("cannot read the photo from stdin: {error}"));
        io::stdin().lock().take(MAX_STDIN_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        let length_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length_bytes > MAX_STDIN_BYTES {
            return Err(Failure::failed("stdin holds more than 512 MiB").hint("save it as a file, and name that"));
        }
        // In the place of a time: the same bytes, piped in again after an interruption, are the same source.
        let [a, b, c, d, e, f, g, h, ..] = *Digest::of(&bytes).as_bytes();
        let modified_ms = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let source = Source { path: Text::new("stdin").unwrap_or_default(), length_bytes, modified_ms };
        self.stdin = Some((source.clone(), bytes.into()));
        Ok(source)
    }
}

impl Sources for PhotoFiles {
    type File = PhotoFile;

    fn open(&self, source: &Source) -> Result<PhotoFile, ClientError> {
        let path = Path::new(source.path.as_str());
        *self.last.borrow_mut() = path.file_name().map(|name| Sanitized::path(Path::new(name)).to_string());
        if let Some((_, bytes)) = self.stdin.as_ref().filter(|(stdin, _)| stdin == source) {
            return Ok(PhotoFile::Memory(Cursor::new(Arc::clone(bytes))));
        }
        let file = File::open(path).map_err(|_| ClientError::SourceMissing)?;
        let metadata = file.metadata().map_err(|_| ClientError::SourceMissing)?;
        let same = metadata.is_file()
            && metadata.len() == source.length_bytes
            && modified_ms(&metadata).is_ok_and(|modified| modified == source.modified_ms);
        if same { Ok(PhotoFile::Disk(file)) } else { Err(ClientError::SourceChanged) }
    }
}

fn file_source(path: &Path) -> Result<Source, Failure> {
    let shown = Sanitized::path(path);
    let failed = |error: io::Error| Failure::failed(format!("cannot read {shown}: {error}"));
    let metadata = File::open(path).and_then(|file| file.metadata()).map_err(failed)?;
    if !metadata.is_file() {
        return Err(
            Failure::failed(format!("{shown} is not a file")).hint("name photos one by one, or pipe one into -")
        );
    }
    let modified_ms = modified_ms(&metadata).map_err(failed)?;
    let whole = absolute(path).map_err(failed)?;
    let path = whole.to_str().and_then(|text| Text::new(text).ok()).ok_or_else(|| {
        Failure::failed(format!("the path of {shown} is not UTF-8, or longer than 4,096 bytes"))
            .hint("pipe the photo into -")
    })?;
    Ok(Source { path, length_bytes: metadata.len(), modified_ms })
}

fn modified_ms(metadata: &Metadata) -> io::Result<u64> {
    let since = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// An open photo.
pub(crate) enum PhotoFile {
    /// On the disk.
    Disk(File),
    /// From stdin.
    Memory(Cursor<Arc<[u8]>>),
}

impl Read for PhotoFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Disk(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for PhotoFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Disk(file) => file.seek(position),
            Self::Memory(bytes) => bytes.seek(position),
        }
    }
}

/// Reads a short text; `what` names it in an error.
///
/// # Errors
/// Where it cannot be read, is not UTF-8, or is longer than the limit.
pub(crate) fn read_text(input: &Input, what: &str, limit_bytes: usize) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let limit = u64::try_from(limit_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let read = match input {
        Input::File(path) => File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text)),
        Input::Standard => io::stdin().lock().take(limit).read_to_string(&mut text),
    };
    read.map_err(|error| {
        let place = match input {
            Input::File(path) => Sanitized::path(path).to_string(),
            Input::Standard => "stdin".to_owned(),
        };
        Failure::failed(format!("cannot read {what} from {place}: {error}"))
    })?;
    if text.len() > limit_bytes {
        return Err(Failure::failed(format!("{what} is too long: at most {limit_bytes} bytes")));
    }
    Ok(text)
}

/// As much as a file that is treated as a picture may have.
const MAX_STDIN_BYTES: u64 = 512 << 20;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_changed_or_went_is_not_the_one_that_was_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.jpg");
        fs::write(&path, "one").unwrap();
        let mut files = PhotoFiles::default();
        let source = files.look_at(&Input::File(path.clone())).unwrap();
        assert!(Path::new(source.path.as_str()).is_absolute());
        let mut text = String::new();
        files.open(&source).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), files.last_opened().as_deref()), ("one", Some("photo.jpg")));
        fs::write(&path, "four").unwrap();
        assert!(matches!(files.open(&source), Err(ClientError::SourceChanged)));
        fs::remove_file(&path).unwrap();
        assert!(matches!(files.open(&source), Err(ClientError::SourceMissing)));
        assert!(files.look_at(&Input::File(path)).is_err());
        assert!(files.look_at(&Input::File(folder.path().into())).unwrap_err().what.ends_with("is not a file"));
    }

    #[test]
    fn a_text_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note");
        fs::write(&path, "12345").unwrap();
        let input = Input::File(path);
        assert_eq!(read_text(&input, "the note", 5).unwrap().as_str(), "12345");
        assert_eq!(read_text(&input, "the note", 4).unwrap_err().what, "the note is too long: at most 4 bytes");
    }
}
