//! A frame as bytes: its fields in order, and what must hold between them.

use lightproof_wire::{
    codec::{self, DecodeError, Deserialize as _, Extensions, Size as _},
    hash::Digest,
    limits::RELAY_LINK_BYTES,
    time::Timestamp,
};

use super::{Content, FRAME_MAX_BYTES, Frame, FrameError, LineAck, LineId, MessageId, NO_FRAME, VERSION};
use crate::{
    identity::Fingerprint,
    manifest::{Contradiction, Manifest, NAME_BYTES, NOTE_BYTES, PHOTOS, THUMBHASH_BYTES},
    receipt::{Receipt, Retract},
};

const MANIFEST: u8 = 1;
const RECEIPT: u8 = 2;
const RETRACT: u8 = 3;
const KINDS: [u8; 3] = [MANIFEST, RECEIPT, RETRACT];

// version, type, sender, recipient, message_id, line, index, previous, sent_at, ack
const FIXED_BYTES: usize = 1 + 1 + 32 + 32 + 16 + 8 + 8 + 32 + 8 + (8 + 8);

// A manifest within its bounds fits beside the longest reply and card: nobody seals photos that cannot be sent.
const _: () = {
    let link = 1 + RELAY_LINK_BYTES;
    let photo = 1 + 1 + 4 + 4 + 8 + 32 + 32 + (1 + THUMBHASH_BYTES) + (1 + NAME_BYTES) + 32 + 32 + 4 + 4;
    let manifest = (2 + NOTE_BYTES) + link + (1 + PHOTOS * photo) + 1;
    let no_extensions = 1;
    assert!(FIXED_BYTES + 2 * (1 + 32 + link) + manifest + no_extensions <= FRAME_MAX_BYTES);
};

impl Frame {
    /// Bytes of the frame, without its signature.
    #[must_use]
    pub fn length_bytes(&self) -> usize {
        let content = match &self.content {
            Content::Manifest(manifest) => manifest.tls_serialized_len(),
            Content::Receipt(receipt) => receipt.tls_serialized_len(),
            Content::Retract(retract) => retract.tls_serialized_len(),
        };
        let lengths = [
            self.reply.tls_serialized_len(),
            self.card.tls_serialized_len(),
            content,
            self.extensions.tls_serialized_len(),
        ];
        lengths.into_iter().fold(FIXED_BYTES, usize::saturating_add)
    }

    pub(super) fn encode_to(&self, bytes: &mut Vec<u8>) {
        bytes.push(VERSION);
        bytes.push(self.content.kind());
        codec::append(bytes, &self.sender);
        codec::append(bytes, &self.recipient);
        codec::append(bytes, &self.message_id);
        codec::append(bytes, &self.line);
        codec::append(bytes, &self.index);
        codec::append(bytes, &self.previous);
        codec::append(bytes, &self.sent_at);
        codec::append(bytes, &self.ack);
        codec::append(bytes, &self.reply);
        codec::append(bytes, &self.card);
        match &self.content {
            Content::Manifest(manifest) => codec::append(bytes, manifest),
            Content::Receipt(receipt) => codec::append(bytes, receipt),
            Content::Retract(retract) => codec::append(bytes, retract),
        }
        codec::append(bytes, &self.extensions);
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let (&[version, kind], mut rest) = bytes.split_first_chunk::<2>().ok_or(DecodeError::Truncated)?;
        if version != VERSION || !KINDS.contains(&kind) {
            return Err(FrameError::Newer);
        }
        let frame = Self::decode_fields(kind, &mut rest).map_err(DecodeError::from)?;
        if !rest.is_empty() {
            return Err(DecodeError::Trailing.into());
        }
        frame.extensions.check_understood().map_err(|_| FrameError::Newer)?;
        frame.check()?;
        Ok(frame)
    }

    fn decode_fields(kind: u8, reader: &mut &[u8]) -> Result<Self, tls_codec::Error> {
        Ok(Self {
            sender: Fingerprint::tls_deserialize(reader)?,
            recipient: Fingerprint::tls_deserialize(reader)?,
            message_id: MessageId::tls_deserialize(reader)?,
            line: LineId::tls_deserialize(reader)?,
            index: u64::tls_deserialize(reader)?,
            previous: Digest::tls_deserialize(reader)?,
            sent_at: Timestamp::tls_deserialize(reader)?,
            ack: LineAck::tls_deserialize(reader)?,
            reply: Option::tls_deserialize(reader)?,
            card: Option::tls_deserialize(reader)?,
            content: match kind {
                MANIFEST => Content::Manifest(Manifest::tls_deserialize(reader)?),
                RECEIPT => Content::Receipt(Receipt::tls_deserialize(reader)?),
                _ => Content::Retract(Retract::tls_deserialize(reader)?),
            },
            extensions: Extensions::tls_deserialize(reader)?,
        })
    }

    fn check(&self) -> Result<(), Contradiction> {
        let first = self.previous == NO_FRAME;
        let ack_is_possible = self.ack.line != LineId::NONE || self.ack.index == 0;
        if self.index == 0 || self.line == LineId::NONE || (self.index == 1) != first || !ack_is_possible {
            return Err(Contradiction::Place);
        }
        match &self.content {
            Content::Manifest(manifest) => manifest.check(),
            Content::Receipt(receipt) => receipt.check(),
            Content::Retract(retract) => retract.check(),
        }
    }
}

impl Content {
    const fn kind(&self) -> u8 {
        match self {
            Self::Manifest(_) => MANIFEST,
            Self::Receipt(_) => RECEIPT,
            Self::Retract(_) => RETRACT,
        }
    }
}
