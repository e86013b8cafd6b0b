//! Operations that decoding never needs, as a decoder that was taken over might try them: all harmless where they work.

use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{FileExt, PermissionsExt, chown, chroot, fchown, lchown, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, SystemTime};
use std::{env, thread};

use rustix::fs::{
    self as sys, Access, Advice, AtFlags, CWD, FallocateFlags, FileType, MemfdFlags, Mode, OFlags, ResolveFlags,
    XattrFlags, inotify,
};
use rustix::process::{self as proc, Pid, PidfdFlags, Resource, Rlimit, WaitOptions};

/// What a process has open before it is shut in.
pub(crate) struct Outside {
    /// What it may read.
    pub(crate) input: File,
    /// What it may write.
    pub(crate) output: File,
    /// A descriptor that was inherited by mistake.
    inherited: File,
}

impl Outside {
    pub(crate) fn open() -> Self {
        let mut input = tempfile::tempfile().unwrap();
        input.write_all(b"some bytes to be read").unwrap();
        let inherited = tempfile::tempfile().unwrap();
        Self { input, output: tempfile::tempfile().unwrap(), inherited }
    }
}

type Operation = fn(&mut Outside) -> io::Result<()>;

fn nowhere() -> std::path::PathBuf {
    env::temp_dir().join("lightproof-nowhere").join("nothing")
}

fn told<T>(result: rustix::io::Result<T>) -> io::Result<()> {
    result.map(drop).map_err(Into::into)
}

fn done<T>(result: io::Result<T>) -> io::Result<()> {
    result.map(drop)
}

/// By name.
pub(crate) const OPERATIONS: &[(&str, Operation)] = &[
    // files by their names
    ("open to read", |_| done(File::open("/etc/passwd"))),
    ("open to write", |_| done(OpenOptions::new().append(true).open(nowhere()))),
    ("open what the process is", |_| done(fs::read("/proc/self/maps"))),
    ("open what the parent remembers", |_| {
        done(File::open(format!("/proc/{}/mem", proc::getppid().map_or(1, |parent| parent.as_raw_nonzero().get()))))
    }),
    ("open a device", |_| done(File::open("/dev/null"))),
    ("open beneath", |_| told(sys::openat2(CWD, "etc", OFlags::PATH, Mode::empty(), ResolveFlags::BENEATH))),
    ("create", |_| done(File::create(nowhere()))),
    ("stat", |_| done(fs::metadata("/etc/passwd"))),
    ("stat a link", |_| done(fs::symlink_metadata("/proc/self/exe"))),
    ("access", |_| told(sys::accessat(CWD, "/etc/shadow", Access::READ_OK, AtFlags::empty()))),
    ("read a folder", |_| done(fs::read_dir("/"))),
    ("unlink", |_| fs::remove_file(nowhere())),
    ("rename", |_| fs::rename(nowhere(), nowhere().join("more"))),
    ("link", |_| fs::hard_link(nowhere(), nowhere().join("more"))),
    ("symlink", |_| symlink("/etc/passwd", nowhere())),
    ("read a link", |_| done(fs::read_link("/proc/self/exe"))),
    ("resolve a path", |_| done(fs::canonicalize("/proc/self/cwd"))),
    ("make a folder", |_| fs::create_dir(nowhere())),
    ("remove a folder", |_| fs::remove_dir(nowhere())),
    ("change a mode", |_| fs::set_permissions(nowhere(), Permissions::from_mode(0o777))),
    ("change an owner", |_| chown(nowhere(), Some(0), Some(0))),
    ("change the owner of a link", |_| lchown(nowhere(), Some(0), Some(0))),
    ("make a node", |_| told(sys::mknodat(CWD, nowhere(), FileType::Fifo, Mode::RUSR, 0))),
    ("statfs", |_| told(sys::statfs("/"))),
    ("read an attribute", |_| told(sys::getxattr("/etc/passwd", "user.x", &mut [0_u8; 8][..]))),
    ("write an attribute", |_| told(sys::setxattr(nowhere(), "user.x", b"x", XattrFlags::empty()))),
    ("list attributes", |_| told(sys::listxattr("/etc/passwd", &mut [0_u8; 8][..]))),
    ("change folder", |_| env::set_current_dir("/")),
    ("ask for the folder", |_| done(env::current_dir())),
    ("change root", |_| chroot(nowhere())),
    ("watch files", |_| told(inotify::init(inotify::CreateFlags::empty()))),
    // what is open already
    ("stat the input", |outside| done(outside.input.metadata())),
    ("shorten the input", |outside| outside.input.set_len(1)),
    ("write the input", |outside| outside.input.write_all(b"x")),
    ("read the output", |outside| done(outside.output.read(&mut [0]))),
    ("seek in the output", |outside| outside.output.rewind()),
    ("read at a place", |outside| done(outside.input.read_at(&mut [0], 1))),
    ("write at a place", |outside| done(outside.output.write_at(b"x", 1))),
    ("read into several", |outside| {
        done(outside.input.read_vectored(&mut [IoSliceMut::new(&mut [0]), IoSliceMut::new(&mut [0])]))
    }),
    ("write from several", |outside| done(outside.output.write_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"b")]))),
    ("sync", |outside| outside.output.sync_all()),
    ("lock", |outside| outside.output.lock()),
    ("change a time", |outside| outside.output.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH))),
    ("change the mode of the output", |outside| outside.output.set_permissions(Permissions::from_mode(0o777))),
    ("change the owner of the output", |outside| fchown(&outside.output, Some(0), Some(0))),
    ("allocate", |outside| told(sys::fallocate(&outside.output, FallocateFlags::empty(), 0, 1))),
    ("advise", |outside| told(sys::fadvise(&outside.input, 0, None, Advice::Random))),
    ("duplicate", |outside| done(outside.input.try_clone())),
    ("ask for flags", |outside| told(sys::fcntl_getfl(&outside.input))),
    ("ask the terminal", |outside| told(rustix::termios::tcgetattr(&outside.input))),
    ("copy in the kernel", |outside| done(io::copy(&mut outside.input, &mut outside.output))),
    ("read what was inherited", |outside| done(outside.inherited.read(&mut [0]))),
    ("write what was inherited", |outside| outside.inherited.write_all(b"x")),
    ("seek in what was inherited", |outside| outside.inherited.rewind()),
    // the network
    ("listen on TCP", |_| done(TcpListener::bind("127.0.0.1:0"))),
    ("connect over TCP", |_| done(TcpStream::connect("127.0.0.1:1"))),
    ("connect over TCP and IPv6", |_| done(TcpStream::connect("[::1]:1"))),
    ("send over UDP", |_| done(UdpSocket::bind("127.0.0.1:0"))),
    ("listen on a local socket", |_| done(UnixListener::bind(nowhere()))),
    ("connect to a local socket", |_| done(UnixStream::connect(nowhere()))),
    ("make a local socket", |_| done(UnixDatagram::unbound())),
    ("make a pair of sockets", |_| done(UnixStream::pair())),
    ("make a pipe", |_| done(io::pipe())),
    // processes
    ("start a program", |_| done(Command::new("/bin/true").status())),
    ("become a program", |_| Err(Command::new("/nowhere/nothing").exec())),
    ("signal the parent", |_| told(proc::getppid().map_or(Ok(()), proc::test_kill_process))),
    ("signal init", |_| told(proc::test_kill_process(Pid::INIT))),
    ("hold a process", |_| told(proc::pidfd_open(Pid::INIT, PidfdFlags::empty()))),
    ("wait for a child", |_| told(proc::waitpid(None, WaitOptions::NOHANG))),
    ("begin a session", |_| told(proc::setsid())),
    ("raise a limit", |_| told(proc::setrlimit(Resource::Nofile, Rlimit { current: Some(16), maximum: Some(16) }))),
    ("ask for a limit", |_| {
        let _limit = proc::getrlimit(Resource::Nofile);
        Ok(())
    }),
    ("be dumped", |_| told(proc::set_dumpable_behavior(proc::DumpableBehavior::Dumpable))),
    ("outlive the parent", |_| told(proc::set_parent_process_death_signal(None))),
    ("change the mask", |_| {
        let _mask = proc::umask(Mode::empty());
        Ok(())
    }),
    ("ask for groups", |_| told(proc::getgroups())),
    ("ask for the parent", |_| {
        let _parent = proc::getppid();
        Ok(())
    }),
    ("make a file in memory", |_| told(sys::memfd_create("x", MemfdFlags::CLOEXEC))),
    ("wait for events", |_| done(tokio::runtime::Builder::new_current_thread().enable_io().build())),
    ("sleep", |_| {
        thread::sleep(Duration::from_millis(1));
        Ok(())
    }),
];
