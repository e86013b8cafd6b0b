//! A received photo looked at elsewhere: what is hidden in it, and its pixels, no more of them than can be shown.

use std::io::{self, Read, Seek, Write};

use lightproof_wire::codec::{List, TlsDeserialize, TlsSerialize, TlsSize};

use super::{
    super::{
        Limits, Picture,
        error::{Stopped, ViewError},
        format::Format,
        report::{Fate, MAX_ENTRIES, Removed},
        treat::with_fates,
        view::{decode_to_fit, found_in},
    },
    LookAt,
    error::{NotShown, Pixels},
    wire::{Entry, read_head, write_head},
};

/// What is known of a received photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// What it holds beside its picture.
    pub found: Vec<Removed>,
    /// The picture, upright and no larger than it was asked for; `None` where it was not asked for.
    pub picture: Option<Result<Picture, ViewError>>,
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
struct Head {
    found: List<Entry, MAX_ENTRIES>,
    drawn: DrawnHead,
}

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
#[repr(u8)]
enum DrawnHead {
    #[tls_codec(discriminant = 1)]
    NotAsked,
    /// Four bytes a pixel stand behind the head.
    #[tls_codec(discriminant = 2)]
    Pixels(Pixels),
    #[tls_codec(discriminant = 3)]
    Failed(NotShown),
}

/// Looks at what it is given, and writes what it saw.
pub(super) fn reply(at: &LookAt, input: &mut (impl Read + Seek), output: &mut impl Write) -> io::Result<()> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let found = with_fates(found_in(&bytes, Format::of(&bytes)), |_| true);
    let size = (at.max_width_px, at.max_height_px);
    let picture = at.is_drawn().then(|| decode_to_fit(bytes, at.media_type, size, &Limits::default()));
    let drawn = match &picture {
        None => DrawnHead::NotAsked,
        Some(Ok(picture)) => DrawnHead::Pixels(Pixels { width: picture.width(), height: picture.height() }),
        Some(Err(error)) => DrawnHead::Failed((*error).into()),
    };
    let found = List::new(found.iter().map(Entry::from).collect()).unwrap_or_default();
    write_head(output, &Head { found, drawn })?;
    match picture {
        Some(Ok(picture)) => output.write_all(picture.rgba()),
        _ => Ok(()),
    }
}

impl Looked {
    /// Takes the reply of a process that looked.
    ///
    /// # Errors
    /// [`Stopped::Broke`] for a reply that cannot be.
    pub fn from_reply(mut reply: impl Read, at: &LookAt) -> Result<Self, Stopped> {
        let (Head { found, drawn }, _) = read_head(&mut reply)?;
        // Whatever was written, nothing was removed from what was received.
        let found = found.iter().map(|entry| Removed { fate: Fate::Kept, ..Removed::from(entry) }).collect();
        let picture = match drawn {
            DrawnHead::NotAsked if !at.is_drawn() => None,
            DrawnHead::Pixels(size) if at.is_drawn() => Some(Ok(pixels(size, &mut reply, at)?)),
            DrawnHead::Failed(error) if at.is_drawn() => Some(Err(error.into())),
            _ => return Err(Stopped::Broke),
        };
        match reply.read(&mut [0]) {
            Ok(0) => Ok(Self { found, picture }),
            _ => Err(Stopped::Broke),
        }
    }
}

fn pixels(Pixels { width, height }: Pixels, reply: &mut impl Read, at: &LookAt) -> Result<Picture, Stopped> {
    if width == 0 || height == 0 || width > at.max_width_px || height > at.max_height_px {
        return Err(Stopped::Broke);
    }
    let length_bytes = u64::from(width).saturating_mul(u64::from(height)).saturating_mul(4);
    let mut bytes = Vec::new();
    reply.take(length_bytes).read_to_end(&mut bytes).map_err(|_| Stopped::Broke)?;
    Picture::from_rgba(width, height, bytes).ok_or(Stopped::Broke)
}
