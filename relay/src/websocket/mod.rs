//! The server's end of a WebSocket (RFC 6455, no extensions) over any stream.
//!
//! Its buffers are made for one message and go with it: a connection that rests has none, however much went through it
//! before, and a length that is only claimed costs `FIRST_BYTES`. What a message means is not its concern.

mod frame;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    io::{self, IoSlice},
    mem,
};

use bytes::BufMut as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use frame::{BINARY, CLOSE, Frame, Head, NOT_TEXT, PING, PONG, TEXT, TOO_MANY, check_close, head, is_control, unmask};

/// Room made for a message before its bytes have come: an envelope with its command.
const FIRST_BYTES: usize = 16 * 1_024 + 256;
/// What waits to be written together.
const TOGETHER_BYTES: usize = 16 * 1_024;
/// A message may come in so many frames whatever their size, and in one more for each `FRAME_BYTES`: a frame costs work, and
/// only whole messages are counted by whoever receives them.
const FRAMES_COUNT: usize = 64;
/// The finest that Autobahn cuts large messages.
const FRAME_BYTES: usize = 64;

/// A message of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
}

/// What came.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// Bytes, whole.
    Binary(Vec<u8>),
    /// Text, whole.
    Text(String),
    /// A ping, whose answer is under way, or a pong.
    Alive,
    /// Goodbye, whose answer is under way.
    Close,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Alive => f.write_str("Alive"),
            Self::Close => f.write_str("Close"),
        }
    }
}

/// Why no message comes any more.
#[derive(Debug, thiserror::Error)]
pub enum WebSocketError {
    /// The stream ended or failed.
    #[error("the stream ended: {0}")]
    Ended(#[from] io::Error),
    /// The other side broke a rule; the code to close with, RFC 6455 section 7.4.1.
    #[error("the other side broke a rule of WebSocket ({0})")]
    Misbehaved(u16),
}

/// One connection.
pub struct WebSocket<S> {
    stream: S,
    most_bytes: usize,
    head: Head,
    frame: Option<Frame>,
    control: Vec<u8>,
    message: Vec<u8>,
    /// Of the message under way.
    frames_count: usize,
    /// Of the message under way.
    kind: Option<Kind>,
    /// So much of a text under way is known to be one.
    text_bytes: usize,
    out: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// After the upgrade; messages of at most so many bytes.
    pub const fn server(stream: S, most_bytes: usize) -> Self {
        Self {
            stream,
            most_bytes,
            head: Head::new(),
            frame: None,
            control: Vec::new(),
            message: Vec::new(),
            frames_count: 0,
            kind: None,
            text_bytes: 0,
            out: Vec::new(),
        }
    }

    /// The next message. May be cancelled.
    ///
    /// # Errors
    /// [`WebSocketError`]; nothing comes after one.
    pub async fn receive(&mut self) -> Result<Message, WebSocketError> {
        loop {
            // Answers to pings go before the next is read: a flood of them waits in the socket, not here.
            self.write_out().await?;
            let frame = match self.frame {
                Some(frame) => frame,
                None => self.read_head().await?,
            };
            self.read_payload(frame).await?;
            self.frame = None;
            if let Some(message) = self.finish(frame)? {
                return Ok(message);
            }
        }
    }

    /// Queues a message, writing what does not fit. Must not be cancelled.
    ///
    /// # Errors
    /// The stream's.
    pub async fn send(&mut self, kind: Kind, payload: &[u8]) -> io::Result<()> {
        let opcode = if kind == Kind::Text { TEXT } else { BINARY };
        let (head, length) = head(opcode, payload.len());
        let head = head.get(..length).unwrap_or_default();
        if payload.len() < TOGETHER_BYTES.saturating_sub(self.out.len()).saturating_sub(length) {
            self.out.extend_from_slice(head);
            self.out.extend_from_slice(payload);
            return Ok(());
        }
        self.write_out().await?;
        // In one call, so that both become one TLS record where they fit.
        let written = self.stream.write_vectored(&[IoSlice::new(head), IoSlice::new(payload)]).await?;
        self.stream.write_all(head.get(written..).unwrap_or_default()).await?;
        self.stream.write_all(payload.get(written.saturating_sub(length)..).unwrap_or_default()).await
    }

    /// Writes everything queued. Must not be cancelled.
    ///
    /// # Errors
    /// The stream's.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.write_out().await?;
        self.stream.flush().await
    }

    /// Asks for a sign of life. Must not be cancelled.
    ///
    /// # Errors
    /// The stream's.
    pub async fn ping(&mut self) -> io::Result<()> {
        self.queue_control(PING, &[]);
        self.flush().await
    }

    /// Says goodbye, with a code or without. Must not be cancelled.
    ///
    /// # Errors
    /// The stream's.
    pub async fn close(&mut self, code: Option<u16>) -> io::Result<()> {
        self.queue_control(CLOSE, code.map(u16::to_be_bytes).as_ref().map_or(&[], <[u8; 2]>::as_slice));
        self.flush().await
    }

    /// Ends the stream's own way, so that the other side sees an end and no break.
    ///
    /// # Errors
    /// The stream's.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    fn queue_control(&mut self, opcode: u8, payload: &[u8]) {
        let (head, length) = head(opcode, payload.len());
        self.out.extend_from_slice(head.get(..length).unwrap_or_default());
        self.out.extend_from_slice(payload);
    }

    /// Loses nothing when cancelled: what was written is forgotten at once.
    async fn write_out(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        while !self.out.is_empty() {
            match self.stream.write(&self.out).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => drop(self.out.drain(..written)),
            }
        }
        self.out = Vec::new();
        self.stream.flush().await
    }

    /// Reads no byte beyond the head.
    async fn read_head(&mut self) -> Result<Frame, WebSocketError> {
        loop {
            let missing = self.head.missing(self.kind.is_some())?;
            if missing.is_empty() {
                break;
            }
            match self.stream.read(missing).await? {
                0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                read => self.head.filled(read),
            }
        }
        let frame = self.head.parse(self.message.len(), self.most_bytes)?;
        self.count(frame)?;
        self.head = Head::new();
        self.frame = Some(frame);
        Ok(frame)
    }

    async fn read_payload(&mut self, frame: Frame) -> Result<(), WebSocketError> {
        let payload = if is_control(frame.opcode) { &mut self.control } else { &mut self.message };
        while payload.len() < frame.end {
            let missing = frame.end.saturating_sub(payload.len());
            if payload.len() == payload.capacity() {
                // Room grows with what came, not with what was claimed.
                payload.reserve_exact(missing.min(payload.len().max(FIRST_BYTES)));
            }
            if self.stream.read_buf(&mut payload.limit(missing)).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(())
    }

    /// A frame is here; the message it completes.
    fn finish(&mut self, frame: Frame) -> Result<Option<Message>, WebSocketError> {
        let payload = if is_control(frame.opcode) { &mut self.control } else { &mut self.message };
        unmask(payload.get_mut(frame.begin..).unwrap_or_default(), frame.mask);
        match frame.opcode {
            PING => {
                let payload = mem::take(&mut self.control);
                self.queue_control(PONG, &payload);
                return Ok(Some(Message::Alive));
            }
            PONG => {
                self.control = Vec::new();
                return Ok(Some(Message::Alive));
            }
            CLOSE => {
                let payload = mem::take(&mut self.control);
                check_close(&payload)?;
                self.queue_control(CLOSE, payload.get(..2).unwrap_or_default());
                return Ok(Some(Message::Close));
            }
            TEXT => self.kind = Some(Kind::Text),
            BINARY => self.kind = Some(Kind::Binary),
            _ => {}
        }
        if self.kind == Some(Kind::Text) {
            self.check_text()?;
        }
        if !frame.is_last {
            return Ok(None);
        }
        (self.text_bytes, self.frames_count) = (0, 0);
        let message = mem::take(&mut self.message);
        Ok(match self.kind.take() {
            Some(Kind::Text) => {
                let text = String::from_utf8(message).map_err(|_| WebSocketError::Misbehaved(NOT_TEXT))?;
                Some(Message::Text(text))
            }
            _ => Some(Message::Binary(message)),
        })
    }
}

impl<S> WebSocket<S> {
    const fn count(&mut self, frame: Frame) -> Result<(), WebSocketError> {
        if is_control(frame.opcode) {
            return Ok(());
        }
        self.frames_count = self.frames_count.saturating_add(1);
        if self.frames_count > FRAMES_COUNT.saturating_add(frame.end / FRAME_BYTES) {
            return Err(WebSocketError::Misbehaved(TOO_MANY));
        }
        Ok(())
    }

    /// What is no text is refused with the frame that shows it; a character may end in a later one.
    fn check_text(&mut self) -> Result<(), WebSocketError> {
        let new = self.message.get(self.text_bytes..).unwrap_or_default();
        let valid = match std::str::from_utf8(new) {
            Ok(_) => new.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err(WebSocketError::Misbehaved(NOT_TEXT)),
        };
        self.text_bytes = self.text_bytes.saturating_add(valid);
        Ok(())
    }
}
