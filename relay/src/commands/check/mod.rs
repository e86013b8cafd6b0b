//! `check`: looks at what usually goes wrong, and says what to fix. It changes nothing.

mod certificate;
mod folder;
mod sockets;

use std::{
    fs, io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use lightproof_relay::{config::Config, control::Relay, folder::Folder};
use rustix::fs::{StatVfsMountFlags, statvfs};

use super::{Failure, options::Options, stats};

/// 2026-01-01: a clock before this was never set.
const EARLIEST_SECONDS: u64 = 1_767_225_600;
/// File systems and other machines round their times; days are what a relay counts in.
const DAY_SECONDS: u64 = 86_400;

/// `Ok`: what is fine. `Err`: what is wrong, and what to do.
type Finding = Result<String, (String, &'static str)>;

/// What there is to look at.
struct Subject {
    config: Config,
    /// The data folder, if there is one yet.
    folder: Option<Folder>,
    now_seconds: u64,
}

impl Subject {
    fn of(config: Config) -> io::Result<Self> {
        let folder = Folder::found(&config.data)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(Self { config, folder, now_seconds: since.map_or(0, |since| since.as_secs()) })
    }

    /// Whether a relay runs on this folder: then its port is taken, by it.
    fn is_running(&self) -> bool {
        self.folder.as_ref().is_some_and(|folder| UnixStream::connect(folder.socket()).is_ok())
    }

    /// The data folder, or the folder that it will be made in.
    fn nearest(&self) -> PathBuf {
        let all = self.config.data.ancestors().map(|it| if it.as_os_str().is_empty() { Path::new(".") } else { it });
        all.into_iter().find(|it| it.exists()).unwrap_or(Path::new("/")).to_owned()
    }
}

pub(crate) fn check(options: &Options) -> Result<(), Failure> {
    let config = options.config()?;
    let hint = "choose a folder this user owns with --data";
    let subject = Subject::of(config).map_err(|error| Failure::failed(format!("the data folder: {error}"), hint))?;
    let findings = [
        ("folder", folder::look(&subject)),
        ("disk", disk(&subject)),
        ("certificate", certificate::look(&subject)),
        ("port", sockets::port(&subject)),
        ("metrics", sockets::metrics(&subject)),
        ("proxy", sockets::proxy(&subject)),
        ("clock", clock(&subject)),
    ];
    let mut wrong = 0_u32;
    for (name, finding) in findings {
        match finding {
            Ok(fine) => println!("ok    {name}: {fine}"),
            Err((what, fix)) => {
                wrong = wrong.saturating_add(1);
                println!("fix   {name}: {what}\n      {fix}");
            }
        }
    }
    if wrong == 0 {
        return Ok(());
    }
    Err(Failure::failed(format!("{wrong} of the checks found something"), "do what stands under each `fix`"))
}

fn disk(subject: &Subject) -> Finding {
    let fix = "free some space, or lower free_space_mib";
    // Blobs may lie on a disk of their own.
    let blobs = Some(subject.config.data.join("blobs")).filter(|it| it.exists());
    let mut free = u64::MAX;
    for place in [subject.nearest()].into_iter().chain(blobs) {
        let volume = statvfs(place).map_err(|error| (error.to_string(), fix))?;
        if volume.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Err((
                "it can only be read".to_owned(),
                "mount it for writing; see the system's log for why it is not",
            ));
        }
        // Some file systems make room for files as they come, and say that they have none.
        if volume.f_files > 0 && volume.f_favail < 1_000 {
            return Err((
                format!("room for only {} more files", volume.f_favail),
                "remove files, or choose another disk",
            ));
        }
        free = free.min(volume.f_bavail.saturating_mul(volume.f_frsize));
    }
    let (free_mib, reserve) = (free / 1_048_576, subject.config.free_space_bytes);
    if free < reserve {
        return Err((format!("only {free_mib} MiB are free: nothing new is taken"), fix));
    }
    if free < reserve.saturating_mul(2) {
        return Err((format!("only {free_mib} MiB are free: no mail of strangers is taken"), fix));
    }
    Ok(format!("{free_mib} MiB free"))
}

/// By what else knows a time: this program, and files that were written in the past.
fn clock(subject: &Subject) -> Finding {
    let fix = "set it, and keep it set with NTP";
    if subject.now_seconds < EARLIEST_SECONDS {
        return Err(("the clock is years behind".to_owned(), fix));
    }
    let off_days = subject.folder.as_ref().map_or(0, doubted_days);
    if off_days != 0 {
        let fix = "set it if it is wrong; a clock that is right is believed after two days, and what is over goes then";
        return Err((format!("the relay doubts it: it is {}", stats::off(off_days)), fix));
    }
    let Some(newest) = subject.folder.as_ref().and_then(newest_seconds) else { return Ok("set".to_owned()) };
    let ahead = newest.saturating_sub(subject.now_seconds) / DAY_SECONDS;
    if ahead > 0 {
        return Err((format!("files in the data folder were written {ahead} days from now"), fix));
    }
    Ok("set, and after everything in the data folder".to_owned())
}

/// What the relay that runs there says of its clock.
fn doubted_days(folder: &Folder) -> i64 {
    let running = Relay::running(folder).ok().flatten();
    running.and_then(|relay| relay.stats().ok()).map_or(0, |stats| stats.clock_off_days)
}

/// When the last of the files in the folder itself was written.
fn newest_seconds(folder: &Folder) -> Option<u64> {
    let entries = fs::read_dir(folder.root()).ok()?.flatten();
    let written = entries.filter_map(|entry| entry.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    written.map(|since| since.as_secs()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_found_and_one_that_is_set_is_fine() {
        let at = |now_seconds| {
            let config = Config::local("/nowhere".into(), ([127, 0, 0, 1], 0).into()).unwrap();
            clock(&Subject { config, folder: None, now_seconds })
        };
        assert_eq!(at(0).unwrap_err().0, "the clock is years behind");
        assert!(at(EARLIEST_SECONDS).is_ok());
    }
}
