//! Shuts the calling process in: bounded everywhere, and on Linux without any system call that decoding does not need.
//!
//! On Linux a process that cannot be shut in must not go on. Landlock is a second wall behind seccomp, where the kernel
//! has it: what seccomp lets through opens no file and no socket anyway.

use std::fs::File;

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, setrlimit};

use super::limits::Limits;

#[cfg(target_os = "linux")]
#[path = "sandbox_linux.rs"]
pub(crate) mod linux;

/// The process could not be shut in.
#[derive(Debug)]
pub(crate) struct Unconfined;

/// From here on this process reads `input`, writes `output` and computes, within its limits, and nothing else.
///
/// # Errors
/// [`Unconfined`]: the process must end.
pub(crate) fn enter(input: &File, output: &File, limits: &Limits) -> Result<(), Unconfined> {
    bound(limits)?;
    #[cfg(target_os = "linux")]
    {
        linux::restrict_files();
        no_more_files()?;
        linux::restrict_calls(input, output)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _both = (input, output);
        no_more_files()
    }
}

#[cfg(unix)]
fn bound(limits: &Limits) -> Result<(), Unconfined> {
    #[cfg(target_os = "linux")]
    linux::end_with_parent();
    set(Resource::Core, 0)?;
    set(Resource::As, limits.memory_bytes)?;
    set(Resource::Fsize, limits.reply_bytes)?;
    // A second more before the signal that nobody can tell from others.
    let seconds = Rlimit { current: Some(limits.seconds), maximum: Some(limits.seconds.saturating_add(1)) };
    setrlimit(Resource::Cpu, seconds).map_err(|_| Unconfined)
}

/// Whoever waits ends it when its time is up; there is no other bound without unsafe code.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
const fn bound(_: &Limits) -> Result<(), Unconfined> {
    Ok(())
}

/// None beside those that are open.
#[cfg(unix)]
fn no_more_files() -> Result<(), Unconfined> {
    set(Resource::Nofile, 0)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
const fn no_more_files() -> Result<(), Unconfined> {
    Ok(())
}

#[cfg(unix)]
fn set(what: Resource, limit: u64) -> Result<(), Unconfined> {
    setrlimit(what, Rlimit { current: Some(limit), maximum: Some(limit) }).map_err(|_| Unconfined)
}
