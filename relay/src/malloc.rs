//! What glibc's malloc is told: how large a piece of memory is that goes back to the system at once, and how many heaps
//! there may be. It reads both when a process starts, and safe code cannot say it later: the process starts once more.

use std::{env, io, os::unix::process::CommandExt as _, process::Command};

/// Unless told, it takes ever larger pieces from its heaps, and what redb writes with each commit grows with the file:
/// what a smaller one leaves behind fits no larger one, and stays.
const LARGE: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "32768");
/// Unless told, eight for each core, and what one thread left in one of them is of no use to a thread that has another.
const HEAPS: (&str, &str) = ("MALLOC_ARENA_MAX", "1");
/// With these, an operator says it all.
const SAID: [&str; 3] = [LARGE.0, HEAPS.0, "GLIBC_TUNABLES"];

/// Starts this process once more, with its number, its descriptors and its arguments, unless somebody said it already. Before
/// anything else is done.
pub fn settle() {
    if cfg!(not(all(target_os = "linux", target_env = "gnu"))) || SAID.iter().any(|name| env::var_os(name).is_some()) {
        return;
    }
    // Comes back only if it failed: then this one goes on as it is, with a larger heap.
    let _failed = start_again();
}

fn start_again() -> io::Error {
    let program = match env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments).env(LARGE.0, LARGE.1).env(HEAPS.0, HEAPS.1).exec()
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    const NESTED: &str = "LIGHTPROOF_TEST_NESTED";

    #[test]
    fn a_process_starts_once_more_with_its_number_and_its_arguments_unless_malloc_was_told_already() {
        if env::var_os(NESTED).is_some() {
            settle();
            let said = SAID.map(|name| env::var(name).unwrap_or_default()).join("|");
            let arguments: Vec<_> = env::args().skip(1).collect();
            println!("{} {said} {}", std::process::id(), arguments.join(" "));
            return;
        }
        let this = "malloc::tests::a_process_starts_once_more_with_its_number_and_its_arguments_unless_malloc_was_told_already";
        let run = |told: &[(&str, &str)]| {
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--nocapture", "--exact", this]).env_clear().env(NESTED, "1").envs(told.iter().copied());
            let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
            let number = child.id();
            (number, String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
        };
        for (told, said) in [
            (&[][..], "32768|1|"),
            (&[(HEAPS.0, "3")][..], "|3|"),
            (&[("GLIBC_TUNABLES", "glibc.malloc.arena_max=5")][..], "||glibc.malloc.arena_max=5"),
        ] {
            let (number, output) = run(told);
            let line = format!("{number} {said} --nocapture --exact {this}");
            assert!(output.contains(&line), "{line}\n{output}");
        }
    }
}
