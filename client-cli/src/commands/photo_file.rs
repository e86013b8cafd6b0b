//! From the spool to where a person wants it: a file that appears whole, under a name of ours, or stdout.
//!
//! Nothing of a photo leaves before all of it has verified.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use lightproof_core::ClientError;
use lightproof_core::message::{Direction, Message, PhotoState};

use super::present::{extension, hex};
use crate::clock::{Date, now, rng};
use crate::exit::Failure;
use crate::opened::Opened;
use crate::output::Output;
use crate::picture::child::Buffer;
use crate::sanitize::Sanitized;
use crate::save::{Saved, UnfinishedFile};

/// One photo of one message.
#[derive(Clone, Copy)]
pub(crate) struct PhotoOf<'a> {
    opened: &'a Opened,
    message: &'a Message,
    /// Counted from 0.
    place: usize,
    look: Look,
}

/// What a photo is opened for.
#[derive(Clone, Copy)]
enum Look {
    /// To be kept, or got ready: nobody looks at it by that.
    Any,
    /// To be looked at as often as one likes.
    Shown,
    /// For the one look that there is.
    Once,
}

impl<'a> PhotoOf<'a> {
    /// The `place`-th photo of a message, counted from 0.
    pub(crate) const fn new(opened: &'a Opened, message: &'a Message, place: usize) -> Self {
        Self { opened, message, place, look: Look::Any }
    }

    /// The same, for somebody who looks: that is saved once all of it has verified, and before any of it leaves.
    pub(super) const fn shown(opened: &'a Opened, message: &'a Message, place: usize) -> Self {
        Self { opened, message, place, look: Look::Shown }
    }

    /// The same, of a message that is shown once.
    pub(super) const fn for_one_look(opened: &'a Opened, message: &'a Message, place: usize) -> Self {
        Self { opened, message, place, look: Look::Once }
    }

    /// Its place, counted from 0.
    pub(crate) const fn place(self) -> usize {
        self.place
    }

    /// Whether all of it is here and verified.
    pub(crate) fn is_here(self) -> bool {
        let photo = self.message.photos.as_slice().get(self.place);
        self.message.direction == Direction::In
            && photo.is_some_and(|photo| matches!(photo.state, PhotoState::Verified | PhotoState::Released))
    }

    /// The whole photo, for a process that decodes, where it is no longer than the limit.
    ///
    /// # Errors
    /// Where it does not verify.
    pub(crate) async fn held(self, limit_bytes: u64) -> Result<Option<Buffer>, Failure> {
        let photo = self.message.photos.as_slice().get(self.place);
        if photo.is_none_or(|photo| photo.facts.length_bytes > limit_bytes) {
            return Ok(None);
        }
        let failed = |error| Failure::failed(format!("cannot hold the photo in memory: {error}"));
        let mut buffer = Buffer::new().map_err(failed)?;
        self.stream(&mut buffer, failed).await?;
        Ok(Some(buffer))
    }

    /// Saves it in a folder under a name of ours: the day, who sent it, the beginning of its digest.
    ///
    /// # Errors
    /// Where it does not verify, or the disk fails. Nothing is overwritten.
    pub(crate) async fn save_in(self, folder: &Path, sender: &str) -> Result<Saved, Failure> {
        let photo = self.message.photos.as_slice().get(self.place).ok_or(ClientError::Damaged)?;
        let stem = stem(Date(self.message.sent_at.day()), sender, &hex(photo.facts.digest.as_bytes()));
        let failed = |error| cannot_write(folder, &error);
        let mut file = UnfinishedFile::begin(folder).map_err(failed)?;
        self.stream(&mut file, failed).await?;
        self.leaves().await?;
        file.finish_beside(&stem, extension(photo.facts.media_type)).map_err(failed)
    }

    /// Saves it under the name that was typed.
    ///
    /// # Errors
    /// As [`save_in`](Self::save_in).
    pub(crate) async fn save_as(self, path: &Path) -> Result<(), Failure> {
        let failed = |error| cannot_write(path, &error);
        if path.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = UnfinishedFile::begin(folder).map_err(failed)?;
        self.stream(&mut file, failed).await?;
        self.leaves().await?;
        file.finish_new(path).map_err(failed)
    }

    /// Writes it to stdout, once a first pass has verified all of it.
    ///
    /// # Errors
    /// Where it does not verify.
    pub(crate) async fn print(self, output: &mut Output) -> Result<(), Failure> {
        self.stream(&mut io::sink(), |error| Failure::failed(error.to_string())).await?;
        self.leaves().await?;
        let mut chunks = self.opened.client.open_photo(self.message, self.place)?;
        while let Some(bytes) = chunks.next().await? {
            output.bytes(&bytes)?;
        }
        Ok(chunks.finish()?)
    }

    async fn leaves(self) -> Result<(), Failure> {
        match self.look {
            Look::Shown => Ok(self.opened.client.viewed(self.message, now(), &mut rng()).await?),
            Look::Any | Look::Once => Ok(()),
        }
    }

    /// Writes it somewhere. What was written may be used once this has ended well, not before.
    ///
    /// # Errors
    /// Where it does not verify.
    pub(crate) async fn stream(
        self,
        sink: &mut impl Write,
        failed: impl Fn(io::Error) -> Failure,
    ) -> Result<(), Failure> {
        let client = &self.opened.client;
        let mut chunks = match self.look {
            Look::Any | Look::Shown => client.open_photo(self.message, self.place)?,
            Look::Once => client.open_photo_for_one_look(self.message, self.place)?,
        };
        while let Some(bytes) = chunks.next().await? {
            sink.write_all(&bytes).map_err(&failed)?;
        }
        Ok(chunks.finish()?)
    }
}

/// Makes the folder that photos are to be saved in.
///
/// # Errors
/// Where that cannot be done.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| cannot_write(path, &error))
}

/// Why something was not written.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::failed(format!("cannot write {}: {error}", Sanitized::path(path)));
    match error.kind() {
        io::ErrorKind::AlreadyExists => failure.hint("nothing is overwritten: choose another name, or a folder"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            failure.hint("make room on the disk, then try again")
        }
        _ => failure,
    }
}

/// The name of a saved photo without its ending.
pub(crate) fn stem(day: Date, sender: &str, digest: &str) -> String {
    format!("{day} {} {}", file_name(sender), digest.get(..8).unwrap_or(digest))
}

/// Our name for somebody, as a part of a file name on any system.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | ' ') { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::symlink;

    use lightproof_core::wire::time::Day;

    use super::*;
    use crate::sanitize::hostile;

    const NAMES: u64 = 2_000;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        assert_eq!(file_name("Zoë B-2"), "Zoë B-2");
        assert_eq!(file_name("../../etc/passwd"), "______etc_passwd");
        assert_eq!(file_name("a\\b:c|d"), "a_b_c_d");
    }

    /// Something in the place where a photo is to appear.
    fn plant(path: &Path, outside: &Path, number: u64) {
        match number % 5 {
            0 => symlink(outside.join("victim"), path),
            1 => symlink(outside.join(format!("new-{number}")), path),
            2 => fs::create_dir(path),
            3 => fs::write(path, "what was there"),
            _ => return,
        }
        .unwrap();
    }

    fn names(folder: &Path) -> BTreeSet<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn no_hostile_name_writes_outside_the_folder_or_over_what_is_there() {
        let place = tempfile::tempdir().unwrap();
        let (outside, folder) = (place.path().join("outside"), place.path().join("folder"));
        fs::create_dir(&outside).unwrap();
        fs::create_dir(&folder).unwrap();
        fs::write(outside.join("victim"), "untouched").unwrap();
        let (mut saved, mut refused) = (0, 0);
        for number in 0..NAMES {
            let sender = hostile::file_name(number);
            let stem = stem(Date(Day(20_000)), &sender, &format!("{number:08x}"));
            assert!(
                !stem.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '.')),
                "{sender:?}: {stem:?}"
            );
            assert!(stem.starts_with("2024-10-04 "), "{stem:?} could be a device or an option");
            let first = folder.join(format!("{stem}.jpg"));
            // With the number that it gets where its first name is taken.
            let fits = stem.len() + "-2.jpg".len() <= 255;
            if fits {
                plant(&first, &outside, number);
            }
            let before = names(&folder);
            let mut file = UnfinishedFile::begin(&folder).unwrap();
            write!(file, "photo {number}").unwrap();
            let Ok(Saved { path, .. }) = file.finish_beside(&stem, "jpg") else {
                assert!(!fits, "{sender:?} was not saved");
                assert_eq!(names(&folder), before, "{sender:?} left something behind");
                refused += 1;
                continue;
            };
            saved += 1;
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            assert_eq!(path.parent(), Some(folder.as_path()), "{sender:?}");
            assert!(fs::symlink_metadata(&path).unwrap().is_file(), "{sender:?} is no file");
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("photo {number}"));
            assert!(!before.contains(&name), "{sender:?} took the place of another");
            assert_eq!(names(&folder).difference(&before).collect::<Vec<_>>(), [&name]);
            if number % 5 == 3 && fits {
                assert_eq!(fs::read_to_string(&first).unwrap(), "what was there");
            }
            // So that a look at the folder stays quick.
            let _gone = fs::remove_file(&first).or_else(|_| fs::remove_dir(&first));
            let _gone = fs::remove_file(&path);
        }
        assert_eq!(names(&outside).into_iter().collect::<Vec<_>>(), ["victim"], "something was written outside");
        assert_eq!(fs::read_to_string(outside.join("victim")).unwrap(), "untouched");
        assert!(saved > 1_000 && saved + refused == NAMES, "{saved} saved, {refused} refused");
        println!(
            "evidence: A26 | {saved} hostile file names saved inside their folder, {refused} refused for their length | -"
        );
    }
}
