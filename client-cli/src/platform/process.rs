//! Processes: what others may learn of this one, how a person ends it, and a child that is not in the way of that.

use std::fs::File;
use std::io;
use std::process::{Child, Command, ExitStatus};

/// No core dump, and no other program of the same user reads its memory. Where a system refuses, nothing is worse than it was.
pub(crate) fn keep_to_ourselves() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _refused = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    let _refused = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Ctrl-C, and where there is such a thing, the system's request to end.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    both: (tokio::signal::unix::Signal, tokio::signal::unix::Signal),
    #[cfg(not(unix))]
    ctrl_c: tokio::signal::windows::CtrlC,
}

impl Interrupts {
    /// Listens from now on; `None` where that cannot be: then the system's own behaviour stays, and the process ends.
    pub(crate) fn listen() -> Option<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Some(Self { both: (signal(SignalKind::interrupt()).ok()?, signal(SignalKind::terminate()).ok()?) })
        }
        #[cfg(not(unix))]
        {
            Some(Self { ctrl_c: tokio::signal::windows::ctrl_c().ok()? })
        }
    }

    /// Returns when either comes.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        {
            let (interrupt, terminate) = &mut self.both;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        {
            let _ended = self.ctrl_c.recv().await;
        }
    }
}

/// Ctrl-C is for whoever waits for this child, not for the child.
pub(crate) fn set_apart(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(command, "lightproof").current_dir("/");
    begin_group(command);
}

/// A child begins a group of its own, with all that it starts.
pub(crate) fn begin_group(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(command, CREATE_NEW_PROCESS_GROUP);
}

/// Ends a child and, where groups can be ended, all that it has started.
pub(crate) fn end_group(child: &mut Child) {
    #[cfg(unix)]
    let _gone =
        rustix::process::kill_process_group(rustix::process::Pid::from_child(child), rustix::process::Signal::KILL);
    #[cfg(not(unix))]
    let _gone = child.kill();
}

/// As if a person had pressed Ctrl-C.
pub(crate) fn interrupt_ourselves() {
    #[cfg(unix)]
    let _heard = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT);
}

/// Puts this process into the background of its shell; where there is no such thing, nothing.
pub(crate) fn sleep_until_woken() {
    #[cfg(unix)]
    let _woken = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
}

/// stdin and stdout as files of their own.
///
/// # Errors
/// The system's.
pub(crate) fn standard_files() -> io::Result<(File, File)> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        let (input, output) = (io::stdin(), io::stdout());
        Ok((input.as_fd().try_clone_to_owned()?.into(), output.as_fd().try_clone_to_owned()?.into()))
    }
    #[cfg(windows)]
    {
        use std::os::windows::io::AsHandle as _;
        let (input, output) = (io::stdin(), io::stdout());
        Ok((input.as_handle().try_clone_to_owned()?.into(), output.as_handle().try_clone_to_owned()?.into()))
    }
}

/// What ended a child that did not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "without signals nobody can tell"))]
pub(crate) enum End {
    /// It, or the system, ran out of memory.
    Memory,
    /// It took too long.
    Time,
    /// Anything else.
    Other,
}

/// How a child ended.
pub(crate) fn end_of(status: ExitStatus) -> End {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;

        use rustix::process::Signal;
        match status.signal().and_then(Signal::from_named_raw) {
            // An allocation that fails aborts; a system without memory kills.
            Some(Signal::ABORT | Signal::KILL) => End::Memory,
            Some(Signal::XCPU) => End::Time,
            _ => End::Other,
        }
    }
    #[cfg(not(unix))]
    {
        let _says_no_more = status;
        End::Other
    }
}

#[cfg(windows)]
const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
