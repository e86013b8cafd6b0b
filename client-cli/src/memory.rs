//! What this process knows stays in it, and no longer than it is needed.
//!
//! Freed memory is wiped, whatever library freed it: texts, pictures and frames on their way are no keys, and wipe
//! nothing themselves. Keys do, beside this. What the network libraries still hold, and the variables of whoever called
//! us, is not ours to wipe.

use std::alloc::System;

use zeroize::Zeroize;
use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static HEAP: ZeroAlloc<System> = ZeroAlloc(System);

/// More than any call of ours needs.
const STACK_BYTES: usize = 512 << 10;

/// Wipes what calls that have returned left on the stack: values are moved, and what moves leaves a copy behind.
#[inline(never)]
pub(crate) fn wipe_stack() {
    let mut left = [0_u8; STACK_BYTES];
    left.zeroize();
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    #[test]
    fn a_process_that_keeps_to_itself_leaves_no_dump_and_cannot_be_read() {
        crate::platform::process::keep_to_ourselves();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }
}
