//! A wire frame: one WebSocket message, `id u32 || body`, at most 1 MiB + 1 KiB.

use crate::{
    codec::{self, DecodeError, TlsDeserialize, TlsSerialize, TlsSize},
    command::Command,
    id::CommandId,
    limits::WIRE_FRAME_BYTES,
    reply::{Push, Reply},
};

/// A client's frame.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct CommandFrame {
    /// Chosen by the client, not 0, not in use.
    pub id: CommandId,
    /// What it asks.
    pub command: Command,
}

/// A relay's frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayFrame {
    /// An answer, under the id of its command.
    Reply(CommandId, Reply),
    /// Unasked, under id 0.
    Push(Push),
}

impl CommandFrame {
    /// The bytes of one WebSocket message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads one WebSocket message.
    ///
    /// # Errors
    /// [`DecodeError`], the client's fault; an id of 0 is `Invalid`.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        check_length(bytes)?;
        let frame: Self = codec::decode(bytes)?;
        if frame.id == CommandId::PUSH { Err(DecodeError::Invalid) } else { Ok(frame) }
    }
}

impl RelayFrame {
    /// The bytes of one WebSocket message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Reply(id, reply) => encode_with_id(*id, reply),
            Self::Push(push) => encode_with_id(CommandId::PUSH, push),
        }
    }

    /// Reads one WebSocket message.
    ///
    /// # Errors
    /// [`DecodeError`], the relay's fault.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        check_length(bytes)?;
        let (id, body) = bytes.split_first_chunk::<4>().ok_or(DecodeError::Truncated)?;
        match CommandId(u32::from_be_bytes(*id)) {
            CommandId::PUSH => codec::decode(body).map(Self::Push),
            id => codec::decode(body).map(|reply| Self::Reply(id, reply)),
        }
    }
}

fn encode_with_id(id: CommandId, body: &impl codec::Serialize) -> Vec<u8> {
    let mut bytes = codec::encode(&id);
    codec::append(&mut bytes, body);
    bytes
}

fn check_length(bytes: &[u8]) -> Result<(), DecodeError> {
    if bytes.len() > WIRE_FRAME_BYTES { Err(DecodeError::TooLong) } else { Ok(()) }
}
