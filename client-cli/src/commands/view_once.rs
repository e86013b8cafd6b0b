//! The one look at a message that its sender wants to be seen once: all of it is ready, then destroyed, then shown.

use lightproof_core::message::{Message, State};

use super::look::{Seen, canvas};
use super::photo_file::PhotoOf;
use super::present::Names;
use crate::args::Show;
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::Output;
use crate::picture::Canvas;
use crate::sanitize::Sanitized;

pub(super) async fn run(
    typed: &Show,
    message: &Message,
    opened: &Opened,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if typed.save.is_some() || typed.photo.is_some() || typed.no_photo {
        return Err(Failure::usage("this message is for one look: it is shown whole, and not saved")
            .hint("show it without --save, --photo and --no-photo"));
    }
    if message.state == State::Waiting {
        return Err(Failure::new(
            Exit::Nothing,
            "the photos of this message are not all here yet, and it is shown once",
        )
        .hint("run `lightproof receive` first"));
    }
    // So that Ctrl-C is listened for, before the terminal is asked anything.
    tokio::task::yield_now().await;
    let drawings = drawn(typed, message, opened, output).await?;
    // From here on nothing of it is kept: shown once, or, if this process ends right now, never.
    let look = opened.client.look_once(message, now(), &mut rng()).await?;
    let names = Names::of(opened).await?;
    let mut told = names.told(message);
    told.note = (!look.note.is_empty()).then(|| look.note.clone());
    output.report(&told)?;
    output.bytes(drawings.as_bytes())?;
    opened.client.end_look(look).await?;
    output
        .remark(format_args!("{} wanted this to be seen once: it is gone from this home", Sanitized::line(&told.from)));
    Ok(Exit::Done)
}

/// All photos, drawn before anything is destroyed: one that cannot be shown keeps everything as it is.
async fn drawn(typed: &Show, message: &Message, opened: &Opened, output: &Output) -> Result<String, Failure> {
    let photos = message.photos.as_slice().len();
    let mut drawings = String::new();
    if photos == 0 {
        return Ok(drawings);
    }
    let cannot = |why: &str| {
        Failure::failed(format!("this message is for one look, and {why}; nothing was shown, and it is still here"))
    };
    let canvas: Canvas = canvas(typed.graphics, output).ok_or_else(|| {
        cannot("its photos can only be drawn on a terminal")
            .hint("run `lightproof show ID` in a terminal, without --json")
    })?;
    for (place, photo) in message.photos.iter().enumerate() {
        let photo_of = PhotoOf::for_one_look(opened, message, place);
        if !photo_of.is_here() {
            continue;
        }
        let seen = Seen::of(photo_of, photo.facts.media_type, Some(&canvas)).await?.unwrap_or_default();
        let drawing = seen.picture.map(|picture| canvas.draw(&picture)).unwrap_or_default();
        if drawing.is_empty() {
            let why = seen.not_drawn.unwrap_or_else(|| "it is too large".to_owned());
            return Err(cannot(&format!("photo {} cannot be drawn: {why}", place + 1))
                .hint("ask for it to be sent another way"));
        }
        drawings.push_str(&drawing);
    }
    Ok(drawings)
}
