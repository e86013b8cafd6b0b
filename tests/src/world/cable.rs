//! One connection as TCP gives it: bytes in order or not at all, late, in pieces cut anywhere, until it breaks.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// Bytes a sender may have on their way: then it has to wait.
const WINDOW_BYTES: usize = 256 << 10;
/// No two directions of a world deliver in the same millisecond: what happens then has one order.
const SLOTS: u64 = 64;

/// What becomes of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It carries everything.
    Whole,
    /// After so many bytes both directions break.
    Reset(u64),
    /// After so many bytes it carries nothing more, and nobody is told.
    Silent(u64),
}

/// How a connection treats what it carries.
#[derive(Clone, Debug)]
pub struct Weather {
    /// What becomes of each direction.
    pub fates: [Fate; 2],
    /// Where its randomness begins.
    pub seed: [u8; 32],
    /// Its two milliseconds.
    pub slots: [u64; 2],
    /// Neither late nor cut.
    pub calm: bool,
}

enum Piece {
    Bytes(Vec<u8>),
    End,
    Reset,
}

struct Direction {
    fate: Fate,
    slot: u64,
    rng: ChaCha20Rng,
    carried: u64,
    in_flight: usize,
    pieces: VecDeque<(u64, Piece)>,
    last_ms: u64,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Both directions.
pub(super) struct Cable {
    zero: Instant,
    calm: bool,
    broken: bool,
    directions: [Direction; 2],
    told: Rc<dyn Fn(u64, usize)>,
}

impl Cable {
    /// Two ends; `told` hears when a piece arrives, and how long it is.
    pub(super) fn lay(zero: Instant, weather: &Weather, told: Rc<dyn Fn(u64, usize)>) -> (Rc<RefCell<Self>>, [End; 2]) {
        let direction = |side: usize| {
            let mut seed = weather.seed;
            seed[31] ^= u8::from(side == 1);
            Direction {
                fate: weather.fates[side],
                slot: weather.slots[side] % SLOTS,
                rng: ChaCha20Rng::from_seed(seed),
                carried: 0,
                in_flight: 0,
                pieces: VecDeque::new(),
                last_ms: 0,
                reader: None,
                writer: None,
            }
        };
        let directions = [direction(0), direction(1)];
        let cable = Rc::new(RefCell::new(Self { zero, calm: weather.calm, broken: false, directions, told }));
        let end = |side| End { cable: Rc::clone(&cable), side, sleep: Box::pin(sleep_until(zero)) };
        (Rc::clone(&cable), [end(0), end(1)])
    }

    /// Breaks, and both ends hear of it.
    pub(super) fn reset(&mut self) {
        self.broken = true;
        for direction in &mut self.directions {
            direction.pieces.clear();
            direction.reader.take().into_iter().chain(direction.writer.take()).for_each(Waker::wake);
        }
    }

    /// Carries nothing more, and nobody is told.
    pub(super) fn fall_silent(&mut self) {
        for direction in &mut self.directions {
            direction.fate = Fate::Silent(direction.carried);
            direction.pieces.clear();
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Direction {
    fn write(&mut self, bytes: &[u8], now_ms: u64, calm: bool) {
        let before = self.carried;
        self.carried += bytes.len() as u64;
        let (Fate::Reset(after) | Fate::Silent(after)) = self.fate else {
            return self.cut(bytes, now_ms, calm);
        };
        let kept = usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX).min(bytes.len());
        if kept > 0 {
            self.cut(&bytes[..kept], now_ms, calm);
        }
        if kept < bytes.len() {
            // What vanishes stays in the sender's window for ever.
            self.in_flight += bytes.len() - kept;
            if matches!(self.fate, Fate::Reset(_)) {
                self.put(Piece::Reset, now_ms, calm);
            }
        }
    }

    fn cut(&mut self, bytes: &[u8], now_ms: u64, calm: bool) {
        self.in_flight += bytes.len();
        let mut rest = bytes;
        while !calm && rest.len() > 1 && self.below(4) == 0 {
            let at = 1 + usize::try_from(self.below(rest.len() as u64 - 1)).unwrap();
            self.put(Piece::Bytes(rest[..at].to_vec()), now_ms, calm);
            rest = &rest[at..];
        }
        self.put(Piece::Bytes(rest.to_vec()), now_ms, calm);
    }

    fn put(&mut self, piece: Piece, now_ms: u64, calm: bool) {
        let late_ms = match calm {
            true => 1,
            false if self.below(24) == 0 => self.below(9_000),
            false => 1 + self.below(90),
        };
        let earliest = (now_ms + late_ms).max(self.last_ms + 1);
        let at = earliest - earliest % SLOTS + self.slot;
        let at = if at < earliest { at + SLOTS } else { at };
        self.last_ms = at;
        self.pieces.push_back((at, piece));
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }
}

/// One end of a connection. Dropped, it closes.
pub struct End {
    cable: Rc<RefCell<Cable>>,
    side: usize,
    sleep: Pin<Box<Sleep>>,
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let due = {
                let mut cable = self.cable.borrow_mut();
                let now_ms = cable.now_ms();
                if cable.broken {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
                let told = Rc::clone(&cable.told);
                let direction = &mut cable.directions[1 - self.side];
                direction.reader = Some(context.waker().clone());
                match direction.pieces.front_mut() {
                    None => return Poll::Pending,
                    Some((at, _)) if *at > now_ms => *at,
                    Some((_, Piece::End)) => return Poll::Ready(Ok(())),
                    Some((_, Piece::Reset)) => {
                        cable.reset();
                        continue;
                    }
                    Some((at, Piece::Bytes(bytes))) => {
                        let taken = bytes.len().min(buffer.remaining());
                        buffer.put_slice(&bytes[..taken]);
                        told(*at, taken);
                        bytes.drain(..taken);
                        if bytes.is_empty() {
                            direction.pieces.pop_front();
                        }
                        direction.in_flight -= taken;
                        direction.writer.take().into_iter().for_each(Waker::wake);
                        return Poll::Ready(Ok(()));
                    }
                }
            };
            let at = self.cable.borrow().zero + Duration::from_millis(due);
            self.sleep.as_mut().reset(at);
            if self.sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut cable = self.cable.borrow_mut();
        let (now_ms, calm) = (cable.now_ms(), cable.calm);
        if cable.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let direction = &mut cable.directions[self.side];
        if direction.in_flight >= WINDOW_BYTES {
            direction.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        direction.write(bytes, now_ms, calm);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.hang_up();
        Poll::Ready(Ok(()))
    }
}

impl End {
    fn hang_up(&self) {
        let mut cable = self.cable.borrow_mut();
        let (now_ms, calm) = (cable.now_ms(), cable.calm);
        let direction = &mut cable.directions[self.side];
        let silent = matches!(direction.fate, Fate::Silent(after) if direction.carried >= after);
        if !silent && !matches!(direction.pieces.back(), Some((_, Piece::End | Piece::Reset))) {
            direction.put(Piece::End, now_ms, calm);
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.hang_up();
    }
}
