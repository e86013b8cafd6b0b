//! What the child does: bounds and confines itself, then reads, decodes and replies. It holds no key and no name.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Cursor, Read, Seek, SeekFrom, Write};
use std::{panic, process};

use lightproof_core::prepare::apart::{Job, work};

use super::limits::Limits;
use super::sandbox;
use crate::platform::process::standard_files;

/// The word that makes this program a child; no command has it.
pub(super) const WORD: &str = "decode-for-parent";
/// The exit code of a child that could not be confined, and read nothing.
pub(super) const UNCONFINED: i32 = 77;
/// The exit code of a child that was started wrongly, or could not reply.
const FAILED: i32 = 70;

/// Does a child's work if that is what this process was started for, and ends with it.
pub(crate) fn run_if_asked(mut words: impl Iterator<Item = OsString>) {
    if words.nth(1).is_some_and(|word| word == WORD) {
        let words: Vec<String> = words.map_while(|word| word.into_string().ok()).collect();
        process::exit(run(&words));
    }
}

fn run(words: &[String]) -> i32 {
    // What goes wrong is told by the way this process ends, and by nothing else.
    panic::set_hook(Box::new(|_| {}));
    let [job, memory_bytes, seconds, reply_bytes] = words else { return FAILED };
    let limits = Limits::from_words([memory_bytes, seconds, reply_bytes]);
    let (Some(job), Some(limits)) = (Job::from_text(job), limits) else { return FAILED };
    let Ok((input, output)) = standard_files() else { return FAILED };
    if sandbox::enter(&input, &output, &limits).is_err() {
        return UNCONFINED;
    }
    match reply(&job, input, output) {
        Ok(()) => 0,
        Err(_) => FAILED,
    }
}

fn reply(job: &Job, input: File, output: File) -> io::Result<()> {
    let mut input = Plain(input);
    let mut output = BufWriter::with_capacity(REPLY_BUFFER_BYTES, Plain(output));
    if input.rewind().is_ok() {
        work(job, input, &mut output)?;
    } else {
        // A pipe: it can be read once.
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        work(job, Cursor::new(bytes), &mut output)?;
    }
    output.flush()
}

/// A file of which nothing is asked but to read, to write and to seek: what else the library would ask for, such as its
/// size, is forbidden here.
struct Plain(File);

impl Read for Plain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Plain {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.0.seek(position)
    }
}

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const REPLY_BUFFER_BYTES: usize = 64 << 10;
