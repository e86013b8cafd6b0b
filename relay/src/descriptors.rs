//! Descriptors of this process: every connection needs one, and so does the file of every chunk.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Kept for files, the listener and the runtime: connections alone must not use up all there are.
const RESERVE: u64 = 128;
/// Of what is left where descriptors are few, this part is for connections that are not established yet.
const HANDSHAKES_PART: u64 = 4;

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

/// As many of the wanted connections and handshakes as there are descriptors for.
#[must_use]
pub fn shared_out(connections: usize, handshakes: usize) -> (usize, usize) {
    let most = within(connections, handshakes, getrlimit(Resource::Nofile).current);
    if most != (connections, handshakes) {
        let (wanted, most) = (connections, most.0);
        tracing::warn!(wanted, most, "fewer connections than set: the system allows too few open files");
    }
    most
}

fn within(connections: usize, handshakes: usize, descriptors: Option<u64>) -> (usize, usize) {
    let Some(descriptors) = descriptors else { return (connections, handshakes) };
    let free = descriptors.saturating_sub(RESERVE.min(descriptors / 2));
    let count = |descriptors: u64| usize::try_from(descriptors).unwrap_or(usize::MAX).max(1);
    if connections.saturating_add(handshakes) <= count(free) {
        return (connections, handshakes);
    }
    let handshakes = handshakes.min(count(free / HANDSHAKES_PART));
    (connections.min(count(free).saturating_sub(handshakes).max(1)), handshakes)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn connections_leave_descriptors_for_files() {
        assert_eq!(within(4_096, 1_024, None), (4_096, 1_024));
        assert_eq!(within(4_096, 1_024, Some(1_048_576)), (4_096, 1_024));
        assert_eq!(within(4_096, 1_024, Some(1_024)), (672, 224));
        assert_eq!(within(4_096, 10, Some(1_024)), (886, 10));
        assert_eq!(within(4_096, 1_024, Some(64)), (24, 8), "half of few");
        assert_eq!(within(4_096, 1_024, Some(2)), (1, 1));
    }
}
