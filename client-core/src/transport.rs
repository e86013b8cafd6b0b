//! The seam to the network: pipes of whole frames, one per relay and purpose.
//!
//! An implementation moves bytes, keeps deadlines and says what went wrong; it decides nothing. Sending may return as
//! soon as the frame is queued, in a queue of a few frames, so that sealing and the network overlap.

pub use lightproof_wire::{limits::WIRE_FRAME_BYTES, relay_link::RelayLink};

/// Why a relay was not reached, or was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The relay showed a TLS key that is not pinned, or a certificate that does not hold.
    #[error("the relay showed a certificate that is not the expected one")]
    Certificate,
    /// The connection ended.
    #[error("the connection to the relay ended")]
    Closed,
    /// Nothing came within the time given. Of a connection: it is not tried again in the same look.
    #[error("the relay did not answer in time")]
    Deadline,
    /// The address is loopback, private or link-local, and the user did not type it.
    #[error("the relay has a private address that you did not type yourself")]
    Forbidden,
    /// The relay does not speak the protocol.
    #[error("what answers at this address is not a lightproof relay")]
    Misbehaved,
    /// No connection could be made.
    #[error("the relay cannot be reached")]
    Unreachable,
}

/// Who named the address of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The user typed it: any address will do.
    User,
    /// A peer named it: never loopback, private or link-local, checked after resolution.
    Peer,
}

/// Reaches relays.
pub trait Transport {
    /// One pipe.
    type Pipe: Pipe;

    /// Opens a pipe to the relay's `/v1`.
    ///
    /// # Errors
    /// [`TransportError`]; the world's or the relay's fault.
    fn connect(&self, link: &RelayLink, named_by: NamedBy) -> impl Future<Output = Result<Self::Pipe, TransportError>>;
}

/// A pipe of whole frames, in order, both ways. Both calls may be dropped before they end without losing a frame.
pub trait Pipe {
    /// Hands over one frame; waits only while the queue is full.
    ///
    /// # Errors
    /// [`TransportError::Closed`] once the pipe is broken.
    fn send(&self, frame: Vec<u8>) -> impl Future<Output = Result<(), TransportError>>;

    /// The next frame; with `within_ms`, [`TransportError::Deadline`] if none came by then (the pipe stays usable).
    ///
    /// # Errors
    /// [`TransportError::Closed`] once the pipe is broken and all that came was taken.
    fn receive(&self, within_ms: Option<u32>) -> impl Future<Output = Result<Vec<u8>, TransportError>>;
}
