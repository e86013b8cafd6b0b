//! Descriptors of this process: every connection needs one, and so does the file of every chunk.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Kept for files, the listener and the runtime: connections alone must not use up all there are.
const RESERVE: u64 = 128;

/// Asks for as many as the system allows this process.
pub fn raise() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the number of open files could not be raised");
    }
}

/// As many of `wanted` connections as there are descriptors for.
#[must_use]
pub fn connections(wanted: usize) -> usize {
    let most = within(wanted, getrlimit(Resource::Nofile).current);
    if most < wanted {
        tracing::warn!(wanted, most, "fewer connections than set: the system allows too few open files");
    }
    most
}

fn within(wanted: usize, descriptors: Option<u64>) -> usize {
    let Some(descriptors) = descriptors else { return wanted };
    let most = usize::try_from(descriptors.saturating_sub(RESERVE)).unwrap_or(usize::MAX);
    wanted.min(most.max(1))
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn connections_leave_descriptors_for_files() {
        assert_eq!(within(4_096, None), 4_096);
        assert_eq!(within(4_096, Some(1_048_576)), 4_096);
        assert_eq!(within(4_096, Some(1_024)), 896);
        assert_eq!(within(4_096, Some(100)), 1);
    }
}
