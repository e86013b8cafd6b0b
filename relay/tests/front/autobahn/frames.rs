//! Frames of WebSocket as text, short enough to keep: what a case sends, and what has to come back.
//!
//! A line is `case > frames < answers`. A frame is its first byte, `m` if masked, how its length is written (7, 16 or
//! 64 bits) and its content in hex; `~n` after it repeats the content to n bytes, `=n` goes on with the last one that
//! was repeated, `*n` after all repeats the frame. `+` is what follows the last whole frame. An answer is `t` or `b`
//! with a message, `p` with a pong, `c` with the code of a close.

use std::fmt::Write as _;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// Contents that repeat a shorter beginning than this are written short.
const PERIOD: usize = 16;

/// What a peer sent, frame by frame, and what follows the last whole one.
pub(super) struct Frames<'a> {
    rest: &'a [u8],
}

pub(super) struct Frame {
    first: u8,
    is_masked: bool,
    length_bits: u8,
    content: Vec<u8>,
}

impl<'a> Frames<'a> {
    pub(super) const fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl Iterator for Frames<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let [first, second, ..] = *self.rest else { return None };
        let (length_bits, extended) = match second & 0x7f {
            126 => (16, 2),
            127 => (64, 8),
            _ => (7, 0),
        };
        let is_masked = second & 0x80 != 0;
        let begin = 2 + extended + if is_masked { 4 } else { 0 };
        let length =
            self.rest.get(2..2 + extended)?.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let length = if extended == 0 { usize::from(second & 0x7f) } else { length };
        let mut content = self.rest.get(begin..begin.checked_add(length)?)?.to_vec();
        if is_masked {
            mask(&mut content, self.rest[begin - 4..begin].try_into().unwrap());
        }
        self.rest = &self.rest[begin + length..];
        Some(Frame { first, is_masked, length_bits, content })
    }
}

/// What a case sends, as text.
pub(super) fn describe(bytes: &[u8]) -> String {
    let mut frames = Frames::of(bytes);
    let mut repeated = Repeated::default();
    let mut tokens: Vec<(String, usize)> = Vec::new();
    for frame in frames.by_ref() {
        let mask = if frame.is_masked { "m" } else { "" };
        let token = format!("{:02x}{mask}{}:{}", frame.first, frame.length_bits, repeated.describe(&frame.content));
        match tokens.last_mut() {
            Some((last, count)) if *last == token => *count += 1,
            _ => tokens.push((token, 1)),
        }
    }
    let mut text = String::new();
    for (token, count) in tokens {
        let times = if count == 1 { String::new() } else { format!("*{count}") };
        write!(text, " {token}{times}").unwrap();
    }
    if !frames.rest.is_empty() {
        write!(text, " +{}", hex::encode(frames.rest)).unwrap();
    }
    text
}

/// The bytes of what [`describe`] wrote, masked anew.
pub(super) fn bytes_of(text: &str) -> Vec<u8> {
    let mut repeated = Repeated::default();
    let mut bytes = Vec::new();
    for token in text.split_whitespace() {
        if let Some(rest) = token.strip_prefix('+') {
            bytes.extend(hex::decode(rest).unwrap());
            continue;
        }
        let (frame, count) = token.split_once('*').map_or((token, 1), |(frame, count)| (frame, count.parse().unwrap()));
        let (head, content) = frame.split_once(':').unwrap();
        let first = u8::from_str_radix(&head[..2], 16).unwrap();
        let (is_masked, length_bits) = head[2..].strip_prefix('m').map_or((false, &head[2..]), |bits| (true, bits));
        for _ in 0..count {
            let content = repeated.read(content);
            put(&mut bytes, &Frame { first, is_masked, length_bits: length_bits.parse().unwrap(), content });
        }
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, frame: &Frame) {
    let masked = if frame.is_masked { 0x80 } else { 0 };
    let length = frame.content.len();
    bytes.push(frame.first);
    match frame.length_bits {
        7 => bytes.push(masked | u8::try_from(length).unwrap()),
        16 => {
            bytes.push(masked | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    if frame.is_masked {
        bytes.extend(MASK);
    }
    let begin = bytes.len();
    bytes.extend_from_slice(&frame.content);
    if frame.is_masked {
        mask(&mut bytes[begin..], MASK);
    }
}

/// Sixteen bytes at a time: the large cases are 150 MiB each way, and nothing here is optimised.
fn mask(content: &mut [u8], mask: [u8; 4]) {
    let sixteen = u128::from_ne_bytes([mask; 4].concat().try_into().unwrap());
    let (words, rest) = content.as_chunks_mut::<16>();
    for word in words {
        *word = (u128::from_ne_bytes(*word) ^ sixteen).to_ne_bytes();
    }
    rest.iter_mut().zip(mask.into_iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
}

/// The content that was repeated last, and how far it got.
#[derive(Default)]
struct Repeated {
    beginning: Vec<u8>,
    taken: usize,
}

impl Repeated {
    fn describe(&mut self, content: &[u8]) -> String {
        let goes_on = !self.beginning.is_empty() && content.len() > PERIOD && self.next(content.len()) == content;
        if goes_on {
            self.taken += content.len();
            return format!("={}", content.len());
        }
        if let Some(period) = (1..PERIOD)
            .find(|period| content.len() > 2 * PERIOD && content[*period..] == content[..content.len() - period])
        {
            (self.beginning, self.taken) = (content[..period].to_vec(), content.len());
            return format!("{}~{}", hex::encode(&self.beginning), content.len());
        }
        hex::encode(content)
    }

    fn read(&mut self, text: &str) -> Vec<u8> {
        let length = match (text.strip_prefix('='), text.split_once('~')) {
            (Some(length), _) => length,
            (None, Some((beginning, length))) => {
                (self.beginning, self.taken) = (hex::decode(beginning).unwrap(), 0);
                length
            }
            (None, None) => return hex::decode(text).unwrap(),
        };
        let content = self.next(length.parse().unwrap());
        self.taken += content.len();
        content
    }

    fn next(&self, length: usize) -> Vec<u8> {
        let period = self.beginning.len();
        let once = self.beginning.iter().cycle().skip(self.taken % period).take(period.min(length));
        let mut content = Vec::with_capacity(length);
        content.extend(once);
        while content.len() < length {
            content.extend_from_within(..content.len().min(length - content.len()));
        }
        content
    }
}

/// What an end answered: messages whole, pongs, the code of a close; the same several times as one with `*n`.
pub(super) fn answers(bytes: &[u8]) -> Vec<String> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for answer in each_answer(bytes) {
        match counted.last_mut() {
            Some((last, count)) if *last == answer => *count += 1,
            _ => counted.push((answer, 1)),
        }
    }
    let text = |(answer, count)| if count == 1 { answer } else { format!("{answer}*{count}") };
    counted.into_iter().map(text).collect()
}

fn each_answer(bytes: &[u8]) -> Vec<String> {
    let mut repeated = Repeated::default();
    let mut answers = Vec::new();
    let (mut kind, mut message) = ('?', Vec::new());
    for frame in Frames::of(bytes) {
        let opcode = frame.first & 0x0f;
        match opcode {
            0..=2 => {
                kind = [kind, 't', 'b'][usize::from(opcode)];
                message.extend(frame.content);
                if frame.first & 0x80 != 0 {
                    answers.push(format!("{kind}{}", repeated.describe(&std::mem::take(&mut message))));
                }
            }
            8 => answers.push(format!("c{}", hex::encode(frame.content.get(..2).unwrap_or_default()))),
            _ => answers.push(format!("{}{}", if opcode == 10 { 'p' } else { '?' }, hex::encode(frame.content))),
        }
    }
    answers
}

#[test]
fn frames_come_out_of_their_text_as_they_went_in() {
    let content = |first, content: Vec<u8>, length_bits| Frame { first, is_masked: true, length_bits, content };
    let long: Vec<u8> = b"BAsd7&jh23".iter().copied().cycle().take(200_000).collect();
    let mut frames =
        vec![content(0x81, b"Hello".to_vec(), 7), content(0x89, Vec::new(), 16), content(0x82, long.clone(), 64)];
    frames.extend(long.chunks(64).map(|part| content(0, part.to_vec(), 7)));
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| put(&mut bytes, frame));
    bytes.extend([0x88, 0xff, 1]);
    let text = describe(&bytes);
    assert!(text.len() < 250, "{text}");
    assert!(bytes_of(&text) == bytes);
}
