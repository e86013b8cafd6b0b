//! The inbox: `lightproof` alone on a terminal.
//!
//! ```text
//! keys, news ─▶ state ─▶ intents ─▶ work (client, photos, disk) ─▶ news
//!                 └────▶ view ─▶ cells ─▶ screen
//! ```
//!
//! `state` and `view` are pure: they know no terminal, no client and no clock, and are tested without them.

mod backend;
mod event;
mod reading;
mod run;
mod screen;
mod state;
mod view;
mod work;

use std::ffi::OsString;

use clap::ValueEnum;

use crate::exit::Failure;
use crate::picture::Asked;

pub(crate) use run::run;
pub(crate) use work::UnderWay;

/// How photos are to be drawn: what `show` reads, too.
///
/// # Errors
/// A usage [`Failure`] where the variable says something else.
pub(crate) fn graphics(variable: impl Fn(&str) -> Option<OsString>) -> Result<Asked, Failure> {
    let Some(way) = variable(GRAPHICS_VARIABLE) else { return Ok(Asked::default()) };
    let asked = way.to_str().and_then(|way| Asked::from_str(way, false).ok());
    asked.ok_or_else(|| {
        Failure::usage(format!("{GRAPHICS_VARIABLE} names no way of drawing")).hint("see `lightproof show --help`")
    })
}

const GRAPHICS_VARIABLE: &str = "LIGHTPROOF_GRAPHICS";
