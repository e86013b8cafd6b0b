//! One frame of RFC 6455 as bytes: its head, its mask, what may stand in a goodbye.

use super::WebSocketError;

/// A rule of the protocol was broken.
pub(super) const PROTOCOL: u16 = 1_002;
/// Text that is not UTF-8.
pub(super) const NOT_TEXT: u16 = 1_007;
/// More frames than a message needs.
pub(super) const TOO_MANY: u16 = 1_008;
/// A message beyond the limit.
pub(super) const TOO_BIG: u16 = 1_009;

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// The payload of a control frame, RFC 6455 section 5.5.
const CONTROL_BYTES: usize = 125;
/// The shortest head a client may send: two bytes, and the mask.
const SHORTEST_HEAD_BYTES: usize = 6;
const LONGEST_HEAD_BYTES: usize = 14;

/// A frame whose head has come.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) is_last: bool,
    pub(super) opcode: u8,
    pub(super) mask: [u8; 4],
    /// Where its payload begins in what collects it, and ends.
    pub(super) begin: usize,
    pub(super) end: usize,
}

/// A head that is coming: two bytes and the mask at first, then as many more as the first two ask for.
pub(super) struct Head {
    bytes: [u8; LONGEST_HEAD_BYTES],
    filled: usize,
}

impl Head {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; LONGEST_HEAD_BYTES], filled: 0 }
    }

    /// Room for what is missing, as far as that is known.
    ///
    /// # Errors
    /// The other side's fault, as soon as the first two bytes show it.
    pub(super) fn missing(&mut self, is_within_message: bool) -> Result<&mut [u8], WebSocketError> {
        let wanted = if self.filled < 2 { SHORTEST_HEAD_BYTES } else { self.wanted(is_within_message)? };
        Ok(self.bytes.get_mut(self.filled..wanted).unwrap_or_default())
    }

    /// So many bytes came.
    pub(super) const fn filled(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(count);
    }

    fn wanted(&self, is_within_message: bool) -> Result<usize, WebSocketError> {
        let [first, second, ..] = self.bytes;
        let (is_last, opcode, length) = (first & 0x80 != 0, first & 0x0f, second & 0x7f);
        let fits = match opcode {
            CONTINUATION => is_within_message,
            TEXT | BINARY => !is_within_message,
            CLOSE | PING | PONG => is_last && usize::from(length) <= CONTROL_BYTES,
            _ => false,
        };
        // No extension was agreed on, and whatever a client sends is masked.
        if !fits || first & 0x70 != 0 || second & 0x80 == 0 {
            return Err(WebSocketError::Misbehaved(PROTOCOL));
        }
        Ok(match length {
            126 => SHORTEST_HEAD_BYTES.saturating_add(2),
            127 => LONGEST_HEAD_BYTES,
            _ => SHORTEST_HEAD_BYTES,
        })
    }

    /// The frame of a complete head, behind so many bytes of its message.
    ///
    /// # Errors
    /// A message of more than `most_bytes`, the other side's fault.
    pub(super) fn parse(&self, before: usize, most_bytes: usize) -> Result<Frame, WebSocketError> {
        let [first, second, a, b, c, d, e, f, g, h, i, j, k, l] = self.bytes;
        let (length, mask) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes([a, b])), [c, d, e, f]),
            127 => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), [i, j, k, l]),
            short => (u64::from(short), [a, b, c, d]),
        };
        let opcode = first & 0x0f;
        let begin = if is_control(opcode) { 0 } else { before };
        let end = usize::try_from(length).ok().and_then(|length| begin.checked_add(length));
        let end = end.filter(|end| *end <= most_bytes).ok_or(WebSocketError::Misbehaved(TOO_BIG))?;
        Ok(Frame { is_last: first & 0x80 != 0, opcode, mask, begin, end })
    }
}

pub(super) const fn is_control(opcode: u8) -> bool {
    opcode & 0x08 != 0
}

/// The head of a frame that is whole, and how many bytes of it count: a server masks nothing.
pub(super) const fn head(opcode: u8, payload_bytes: usize) -> ([u8; 10], usize) {
    let first = 0x80 | opcode;
    let [a, b, c, d, e, f, g, h] = (payload_bytes as u64).to_be_bytes();
    match payload_bytes {
        0..=125 => ([first, h, 0, 0, 0, 0, 0, 0, 0, 0], 2),
        126..=0xffff => ([first, 126, g, h, 0, 0, 0, 0, 0, 0], 4),
        _ => ([first, 127, a, b, c, d, e, f, g, h], 10),
    }
}

/// Four bytes at a time: most of the work of a WebSocket.
pub(super) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let word = u32::from_ne_bytes(mask);
    let (words, rest) = payload.as_chunks_mut::<4>();
    for four in words {
        *four = (u32::from_ne_bytes(*four) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

/// No code at all, or one that may be sent, and then a reason in UTF-8.
pub(super) fn check_close(payload: &[u8]) -> Result<(), WebSocketError> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(()) } else { Err(WebSocketError::Misbehaved(PROTOCOL)) };
    };
    if !matches!(u16::from_be_bytes(*code), 1_000..=1_003 | 1_007..=1_014 | 3_000..=4_999) {
        return Err(WebSocketError::Misbehaved(PROTOCOL));
    }
    std::str::from_utf8(reason).map(drop).map_err(|_| WebSocketError::Misbehaved(NOT_TEXT))
}
