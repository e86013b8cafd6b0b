//! No core dumps: a process that ends badly must not write what it knows to a disk.

use rustix::process::{Resource, Rlimit, setrlimit};

/// For the first moment of a process. It also keeps other programs of the same user from reading its memory.
pub fn forbid() {
    // Where a system refuses, nothing is worse than it was.
    let _refused = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _refused = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    #[test]
    fn a_process_that_forbids_dumps_leaves_none_and_cannot_be_read() {
        super::forbid();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }
}
