//! What is read from files and from stdin: photos to be sent, and short texts.

use std::cell::RefCell;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, absolute};
use std::time::UNIX_EPOCH;

use lightproof_core::ClientError;
use lightproof_core::prepare::apart::Asked;
use lightproof_core::prepare::{PrepareError, PrepareOptions, PreparedPhoto};
use lightproof_core::send::{Source, Sources};
use lightproof_core::wire::codec::Text;
use lightproof_core::wire::hash::Hasher;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::picture::child::{self, Buffer, PhotoFile, Program};
use crate::plan::Input;
use crate::sanitize::Sanitized;

/// The photos of this run: files by their path, and stdin, which is read once and kept outside of our memory.
#[derive(Default)]
pub(crate) struct PhotoFiles {
    stdin: Option<(Source, Buffer)>,
    failed: RefCell<Option<String>>,
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

    /// The file that could not be prepared, fit to be printed: the one that an error is about.
    pub(crate) fn failed(&self) -> Option<String> {
        self.failed.borrow().clone()
    }

    async fn prepare_in_child(
        &self,
        source: &Source,
        asked: &Asked<'_>,
    ) -> Result<PreparedPhoto<PhotoFile>, ClientError> {
        let photo = self.open(source)?;
        let again = if let PhotoFile::Disk(file) = &photo { file.try_clone().ok() } else { None };
        let program = Program::ours().map_err(PrepareError::from)?;
        let prepared = child::prepare(&program, photo, asked).await?;
        // What was hashed and what was decoded are two passes over one file.
        match again {
            Some(file) if !is_unchanged(&file, source) => Err(ClientError::SourceChanged),
            _ => Ok(prepared),
        }
    }

    fn read_stdin(&mut self) -> Result<Source, Failure> {
        let failed = |error| Failure::failed(format!("cannot read the photo from stdin: {error}"));
        let mut hashed = Hashed { buffer: Buffer::new().map_err(failed)?, hasher: Hasher::bare() };
        let length_bytes = io::copy(&mut io::stdin().lock().take(MAX_STDIN_BYTES + 1), &mut hashed).map_err(failed)?;
        if length_bytes > MAX_STDIN_BYTES {
            return Err(Failure::failed("stdin holds more than 512 MiB").hint("save it as a file, and name that"));
        }
        // In the place of a time: the same bytes, piped in again after an interruption, are the same source.
        let [a, b, c, d, e, f, g, h, ..] = *hashed.hasher.finish().as_bytes();
        let modified_ms = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let source = Source { path: Text::new("stdin").unwrap_or_default(), length_bytes, modified_ms };
        self.stdin = Some((source.clone(), hashed.buffer));
        Ok(source)
    }

    fn open(&self, source: &Source) -> Result<PhotoFile, ClientError> {
        let path = Path::new(source.path.as_str());
        if let Some((_, buffer)) = self.stdin.as_ref().filter(|(stdin, _)| stdin == source) {
            return buffer.again().map(PhotoFile::Buffer).map_err(|_| ClientError::SourceMissing);
        }
        let file = File::open(path).map_err(|_| ClientError::SourceMissing)?;
        if is_unchanged(&file, source) { Ok(PhotoFile::Disk(file)) } else { Err(ClientError::SourceChanged) }
    }
}

fn is_unchanged(file: &File, source: &Source) -> bool {
    file.metadata().is_ok_and(|metadata| {
        metadata.is_file()
            && metadata.len() == source.length_bytes
            && modified_ms(&metadata).is_ok_and(|modified| modified == source.modified_ms)
    })
}

/// Bytes hashed on their way.
struct Hashed {
    buffer: Buffer,
    hasher: Hasher,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.buffer.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.buffer.flush()
    }
}

impl Sources for PhotoFiles {
    type File = PhotoFile;

    async fn prepare(
        &self,
        source: &Source,
        options: &PrepareOptions,
        source_salt: [u8; 32],
    ) -> Result<PreparedPhoto<PhotoFile>, ClientError> {
        let prepared = self.prepare_in_child(source, &Asked { name: source.path.as_str(), options, source_salt }).await;
        if prepared.is_err() {
            let name = Path::new(source.path.as_str()).file_name();
            *self.failed.borrow_mut() = name.map(|name| Sanitized::path(Path::new(name)).to_string());
        }
        prepared
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
        assert_eq!(text, "one");
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
