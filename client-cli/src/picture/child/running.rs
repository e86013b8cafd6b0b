//! The child as its parent sees it: started with nothing of ours, waited for, killed when its time is up.

use std::io::{self, Seek};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use lightproof_core::prepare::Stopped;
use lightproof_core::prepare::apart::Job;

use super::buffer::{Buffer, PhotoFile};
use super::limits::Limits;
use super::work::{UNCONFINED, WORD};
use crate::platform::process::{End, end_of, set_apart};

/// The program that decodes: this one.
#[derive(Clone, Debug)]
pub(crate) struct Program(pub(crate) PathBuf);

impl Program {
    /// The file that this process runs, even where another has taken its place since.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub(crate) fn ours() -> Result<Self, Stopped> {
        if cfg!(target_os = "linux") {
            return Ok(Self("/proc/self/exe".into()));
        }
        std::env::current_exe().map(Self).map_err(|_| Stopped::Unavailable)
    }

    /// Does a job in a child, and hands back its reply.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn run(&self, job: &Job, photo: &mut PhotoFile, limits: &Limits) -> Result<PhotoFile, Stopped> {
        let mut command = Command::new(&self.0);
        command.arg(WORD).arg(job.to_text()).args(limits.to_words());
        // One heap for all of its threads: glibc's further ones reserve 64 MiB each.
        command.env_clear().env("MALLOC_ARENA_MAX", "1").stderr(Stdio::null());
        // Ctrl-C ends whoever waits, and the child with it; it is not taken for a photo that broke the child.
        set_apart(&mut command);
        let streams = Streams::begin(&mut command, photo).map_err(|_| Stopped::Unavailable)?;
        let mut running = Running(command.spawn().map_err(|_| Stopped::Unavailable)?);
        drop(command);
        let streams = streams.connect(&mut running.0, photo, limits).map_err(|_| Stopped::Unavailable)?;
        let status = running.end(limits.wait()).await?;
        match status.code() {
            Some(0) => {}
            Some(UNCONFINED) => return Err(Stopped::Unconfined),
            _ => return Err(why(status)),
        }
        let mut reply = streams.reply().map_err(|_| Stopped::Broke)?;
        reply.rewind().map_err(|_| Stopped::Broke)?;
        Ok(PhotoFile::Buffer(reply))
    }
}

/// Why a child ended that did not end by itself.
fn why(status: ExitStatus) -> Stopped {
    match end_of(status) {
        End::Memory => Stopped::Memory,
        End::Time => Stopped::Time,
        End::Other => Stopped::Broke,
    }
}

/// A child that does not outlive whoever waits for it.
struct Running(Child);

impl Running {
    async fn end(&mut self, within: Duration) -> Result<ExitStatus, Stopped> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().map_err(|_| Stopped::Unavailable)? {
                return Ok(status);
            }
            if begun.elapsed() >= within {
                return Err(Stopped::Time);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended by itself is not there any more.
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// The photo and the reply as files of their own: the child seeks in one and writes the other, and we hold neither.
#[cfg(target_os = "linux")]
struct Streams(Buffer);

#[cfg(target_os = "linux")]
impl Streams {
    fn begin(command: &mut Command, photo: &PhotoFile) -> io::Result<Self> {
        let reply = Buffer::new()?;
        command.stdin(match photo {
            PhotoFile::Disk(file) => file.try_clone()?,
            PhotoFile::Buffer(buffer) => buffer.file()?,
        });
        command.stdout(reply.file()?);
        Ok(Self(reply))
    }

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    const fn connect(self, _: &mut Child, _: &mut PhotoFile, _: &Limits) -> io::Result<Self> {
        Ok(self)
    }

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    fn reply(self) -> io::Result<Buffer> {
        Ok(self.0)
    }
}

/// The photo and the reply through pipes.
#[cfg(not(target_os = "linux"))]
struct Streams(Option<std::thread::JoinHandle<io::Result<Vec<u8>>>>);

#[cfg(not(target_os = "linux"))]
impl Streams {
    fn begin(command: &mut Command, photo: &PhotoFile) -> io::Result<Self> {
        match photo {
            PhotoFile::Disk(file) => command.stdin(file.try_clone()?),
            PhotoFile::Buffer(_) => command.stdin(Stdio::piped()),
        };
        command.stdout(Stdio::piped());
        Ok(Self(None))
    }

    fn connect(self, child: &mut Child, photo: &mut PhotoFile, limits: &Limits) -> io::Result<Self> {
        use std::io::{Read as _, Write as _};
        if let Some(mut stdin) = child.stdin.take() {
            let mut bytes = Vec::new();
            photo.read_to_end(&mut bytes)?;
            // A child that ends early hears no more.
            std::thread::spawn(move || stdin.write_all(&bytes));
        }
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let most = limits.reply_bytes.saturating_add(1);
        Ok(Self(Some(std::thread::spawn(move || {
            let mut reply = Vec::new();
            stdout.take(most).read_to_end(&mut reply)?;
            Ok(reply)
        }))))
    }

    fn reply(self) -> io::Result<Buffer> {
        let reader = self.0.ok_or(io::ErrorKind::BrokenPipe)?;
        let reply = reader.join().map_err(|_| io::ErrorKind::BrokenPipe)??;
        Ok(Buffer::of(reply))
    }
}

/// Short beside the time that decoding takes.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
