//! A look inside a received photo, in a process apart: what it holds beside its picture, and the picture drawn.

use lightproof_core::e2ee::manifest::{MediaType, Treatment};
use lightproof_core::message::StoredPhoto;
use lightproof_core::prepare::Fate;
use lightproof_core::prepare::apart::LookAt;

use super::found::in_words;
use super::photo_file::PhotoOf;
use crate::exit::Failure;
use crate::output::{Colour, Ink, Output};
use crate::picture::child::look;
use crate::picture::{Asked, Canvas, Depth, Pixels, Preview};
use crate::sanitize::Sanitized;

/// What was seen in a photo.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What it holds beside its picture, in words; `None` where the look was stopped.
    pub(crate) holds: Option<Vec<String>>,
    /// The picture, no larger than it can be drawn; `None` where it was not asked for.
    pub(crate) picture: Option<Pixels>,
    /// Why the look was stopped, or why it is not drawn though it was asked for.
    pub(crate) not_drawn: Option<String>,
}

impl Seen {
    /// Looks into a photo that is here and verified, and at its picture where there is a canvas; `None` for a photo that is not
    /// here, or too large to look into.
    ///
    /// # Errors
    /// Where it does not verify, or there is no room for it. That nothing is seen is no error: the photo can be saved.
    pub(crate) async fn of(
        photo: PhotoOf<'_>,
        media_type: MediaType,
        canvas: Option<&Canvas>,
    ) -> Result<Option<Self>, Failure> {
        if !photo.is_here() {
            return Ok(None);
        }
        let Some(held) = photo.held(LOOKED_INTO_BYTES).await? else { return Ok(None) };
        let (max_width_px, max_height_px) = canvas.map_or((0, 0), Canvas::most_pixels);
        let mut seen = Self::default();
        match look(held, &LookAt { media_type, max_width_px, max_height_px }).await {
            Ok(looked) => {
                seen.holds = Some(in_words(&looked.found, Fate::Kept));
                match looked.picture {
                    Some(Ok(picture)) => seen.picture = Some(picture.into_pixels()),
                    Some(Err(error)) => seen.not_drawn = Some(error.to_string()),
                    None => {}
                }
            }
            Err(stopped) => seen.not_drawn = Some(stopped.to_string()),
        }
        Ok(Some(seen))
    }
}

/// Warns of what a received photo still holds, since whoever passes it on passes that on too. Of a file that was sent as
/// it is, it was to be expected.
pub(crate) fn warn_of(holds: &[String], photo: &str, treatment: Treatment, output: &mut Output) {
    for line in holds {
        let line = Sanitized::line(line);
        if treatment == Treatment::Exact {
            output.remark(format_args!("{photo} was sent as it is, and holds {line}"));
        } else {
            output.warn(format_args!("{photo} still holds {line}"));
        }
    }
}

/// How photos are drawn on stdout; `None` where nobody looks.
pub(crate) fn canvas(asked: Asked, output: &Output) -> Option<Canvas> {
    let is_watched = output.is_watched();
    is_watched.then(|| Canvas::choose(asked, colour(output), |name| std::env::var_os(name))).flatten()
}

/// What the terminal can show.
pub(crate) fn depth(output: &Output) -> Depth {
    Depth::choose(colour(output), |name| std::env::var_os(name))
}

/// The blur of a photo, where somebody looks who sees colours.
pub(crate) fn preview(photo: &StoredPhoto, output: &Output) -> Option<Preview> {
    let is_seen = output.is_watched() && depth(output) != Depth::Shades;
    is_seen.then(|| Preview::of(photo.facts.thumbhash.as_slice(), photo.facts.dimensions())).flatten()
}

fn colour(output: &Output) -> Colour {
    if output.ink() == Ink::Coloured { Colour::Allowed } else { Colour::Never }
}

/// Larger photos are saved without a look inside.
const LOOKED_INTO_BYTES: u64 = 64 << 20;
