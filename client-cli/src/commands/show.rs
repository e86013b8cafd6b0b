//! `show`: one message, its proof, and its photos.

use std::fmt::{self, Write as _};
use std::path::Path;

use lightproof_core::message::{Message, PhotoState, State, StoredPhoto};
use serde::Serialize;

use super::look::{Seen, canvas, depth, preview};
use super::photo_file::{PhotoOf, make_folder};
use super::present::{Names, message};
use super::{retract, view_once};
use crate::args::Show;
use crate::clock::{Date, now, rng};
use crate::exit::{Exit, Failure};
use crate::opened::Opened;
use crate::output::event::{self, Size};
use crate::output::{Output, Page, Report, Style};
use crate::picture::{Asked, Canvas};
use crate::sanitize::Sanitized;
use crate::terminal::Window;

pub(super) async fn run(typed: &Show, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let message = message(opened, typed.id.as_str()).await?;
    let wanted = wanted(typed, &message)?;
    let names = Names::of(opened).await?;
    let mut told = names.told(&message);
    if message.state == State::Failed {
        output.report(&told)?;
        let from = Sanitized::line(&told.from);
        return Err(Failure::new(Exit::Unverified, format!("a photo is not what {from} sealed; nothing is shown"))
            .hint(format!("ask {from} to send it again")));
    }
    if message.is_for_one_look() {
        return view_once::run(typed, &message, opened, output).await;
    }
    if typed.save.as_deref() == Some(Path::new("-")) {
        let [place] = wanted.as_slice() else {
            return Err(Failure::usage("stdout takes one photo").hint("choose it with --photo N"));
        };
        PhotoOf::shown(opened, &message, *place).print(output).await?;
        return Ok(Exit::Done);
    }
    if let Some(target) = &typed.save {
        save(target, &message, &wanted, &mut told, opened).await?;
    }
    let mut shown = Shown::of(told, &message, &names);
    let mut drawings = String::new();
    let is_drawn = |place: &usize| PhotoOf::new(opened, &message, *place).is_here();
    let graphics = if typed.no_photo || !wanted.iter().any(is_drawn) { Asked::None } else { typed.graphics };
    // So that Ctrl-C is listened for, before the terminal is asked anything.
    tokio::task::yield_now().await;
    let canvas = canvas(graphics, output);
    for &place in &wanted {
        let Some(stored) = message.photos.as_slice().get(place) else { continue };
        let photo = PhotoOf::new(opened, &message, place);
        drawings.push_str(&look_inside(photo, stored, &mut shown, canvas.as_ref(), output).await?);
    }
    // Before it is shown: what is seen is theirs who saw it, and a message that was taken back meanwhile is not shown. Should
    // this process end right now it counts as seen, and is still there to be shown again.
    opened.client.viewed(&message, now(), &mut rng()).await?;
    output.report(&shown)?;
    output.bytes(drawings.as_bytes())?;
    Ok(if message.state == State::Waiting { Exit::Nothing } else { Exit::Done })
}

/// The places of the photos that were asked for.
fn wanted(typed: &Show, message: &Message) -> Result<Vec<usize>, Failure> {
    let count = message.photos.as_slice().len();
    match typed.photo {
        None => Ok((0..count).collect()),
        Some(number) => match usize::from(number).checked_sub(1).filter(|place| *place < count) {
            Some(place) => Ok(vec![place]),
            None => Err(Failure::failed(format!("this message has no photo {number}: it has {count}"))),
        },
    }
}

async fn save(
    target: &Path,
    message: &Message,
    wanted: &[usize],
    told: &mut event::Message,
    opened: &Opened,
) -> Result<(), Failure> {
    let is_folder = target.is_dir() || target.as_os_str().to_string_lossy().ends_with('/');
    if is_folder {
        make_folder(target)?;
    } else if wanted.len() != 1 {
        return Err(Failure::usage(format!("one file holds one photo, and these are {}", wanted.len()))
            .hint("name a folder that exists or ends with /, or choose one with --photo N"));
    }
    for &place in wanted {
        let photo = PhotoOf::shown(opened, message, place);
        let path = if is_folder {
            photo.save_in(target, &told.from).await?.path
        } else {
            photo.save_as(target).await?;
            target.to_owned()
        };
        if let Some(photo) = told.photos.get_mut(place) {
            photo.file = Some(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// Says what is hidden in a photo, and draws it where somebody looks: the blur that came with the message in the place of
/// a photo that is not here or not to be drawn.
async fn look_inside(
    photo: PhotoOf<'_>,
    stored: &StoredPhoto,
    shown: &mut Shown,
    canvas: Option<&Canvas>,
    output: &Output,
) -> Result<String, Failure> {
    let seen = Seen::of(photo, stored.facts.media_type, canvas).await?;
    if let (Some(seen), Some(about)) = (&seen, shown.photos.get_mut(photo.place())) {
        about.not_drawn.clone_from(&seen.not_drawn);
    }
    if let (Some(seen), Some(told)) = (&seen, shown.message.photos.get_mut(photo.place())) {
        told.holds.clone_from(&seen.holds);
    }
    let picture = seen.and_then(|seen| seen.picture).zip(canvas);
    let drawing = picture.map(|(picture, canvas)| canvas.draw(&picture)).filter(|drawing| !drawing.is_empty());
    let blur = || preview(stored, output).map(|blur| blur.draw(Window::of_stdout(), depth(output)));
    Ok(drawing.or_else(blur).unwrap_or_default())
}

/// One message in full; for programs, the same object as everywhere.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown {
    message: event::Message,
    #[serde(skip)]
    is_verified: bool,
    #[serde(skip)]
    promise: Option<String>,
    #[serde(skip)]
    retracted: Option<String>,
    #[serde(skip)]
    photos: Vec<ShownPhoto>,
}

#[derive(Debug)]
struct ShownPhoto {
    name: String,
    state: PhotoState,
    not_drawn: Option<String>,
}

impl ShownPhoto {
    fn of(photo: &StoredPhoto) -> Self {
        let name = photo.facts.name.as_str().to_owned();
        Self { name, state: photo.state, not_drawn: None }
    }
}

impl Shown {
    fn of(told: event::Message, message: &Message, names: &Names) -> Self {
        let promise = message.receipt.as_ref().map(|receipt| Date(receipt.promise.expires).to_string());
        Self {
            message: told,
            retracted: retract::words(message, names),
            is_verified: names.is_verified(&message.contact),
            promise,
            photos: message.photos.iter().map(ShownPhoto::of).collect(),
        }
    }

    fn write_who(&self, page: &mut Page) -> fmt::Result {
        let (word, who) = match self.message.direction {
            event::Direction::In => ("from", &self.message.from),
            event::Direction::Out => ("to", &self.message.to),
        };
        let name = page.ink().paint(Style::Strong, Sanitized::line(who));
        if self.is_verified {
            let verified = page.ink().paint(Style::Good, "verified");
            return writeln!(page, "{word} {name} ({verified})");
        }
        let unverified = page.ink().paint(Style::Caution, "unverified");
        let who = Sanitized::word(who);
        writeln!(page, "{word} {name} ({unverified}: compare safety numbers with `lightproof contact verify {who}`)")
    }

    fn write_state(&self, page: &mut Page) -> fmt::Result {
        let words = match (self.message.state, &self.retracted) {
            (event::State::Retracted, Some(words)) => words.clone(),
            _ => self.message.meaning(self.promise.as_deref()),
        };
        let state = page.ink().paint(self.message.state.style(), self.message.state.word());
        writeln!(page, "{state}: {words}")?;
        match &self.retracted {
            Some(words) if self.message.direction == event::Direction::In => writeln!(page, "{words}"),
            _ => Ok(()),
        }
    }

    fn write_photo(page: &mut Page, number: usize, photo: &event::MessagePhoto, about: &ShownPhoto) -> fmt::Result {
        let size = Size { width: photo.width, height: photo.height, bytes: photo.bytes };
        writeln!(page, "photo {number}: {} {} {size}", photo.treatment, photo.media_type)?;
        match about.state {
            PhotoState::Waiting => writeln!(page, "  not fetched yet")?,
            PhotoState::Expired => writeln!(page, "  gone from its relay before it was fetched")?,
            PhotoState::LeftOut => writeln!(page, "  left out of the backup that was restored")?,
            _ => {}
        }
        writeln!(page, "  called  {}", Sanitized::line(&about.name))?;
        writeln!(page, "  sha256  {}", photo.sha256)?;
        if let Some(file) = &photo.file {
            writeln!(page, "  saved   {}", Sanitized::line(file))?;
        }
        for holds in photo.holds.iter().flatten() {
            let warning = page.ink().paint(Style::Caution, "holds");
            writeln!(page, "  {warning}   {}", Sanitized::line(holds))?;
        }
        match &about.not_drawn {
            Some(reason) => writeln!(page, "  not drawn: {reason}"),
            None => Ok(()),
        }
    }
}

impl Report for Shown {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        self.write_who(page)?;
        writeln!(page, "sent {}", self.message.sent_at)?;
        self.write_state(page)?;
        if let Some(note) = &self.message.note {
            writeln!(page, "\n{}\n", Sanitized::note(note, self.message.columns))?;
        }
        for (number, (photo, about)) in (1..).zip(self.message.photos.iter().zip(&self.photos)) {
            Self::write_photo(page, number, photo, about)?;
        }
        Ok(())
    }
}
