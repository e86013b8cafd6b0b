//! `link`: the one line that people paste, and its QR code.

use lightproof_relay::{address, certificate, control::Relay, open_folder};
use qrcode::{EcLevel, QrCode, render::unicode};

use super::{Failure, options::Options};

pub(crate) fn link(options: &Options, qr: bool) -> Result<(), Failure> {
    let config = options.config()?;
    let folder = open_folder(&config)?;
    // One that runs was perhaps told otherwise than this command: people reach it where it is.
    let running = Relay::running(&folder)?.map(Relay::link).transpose()?.flatten();
    let link = match running {
        Some(link) => link,
        None => address::link(&config, config.listen, certificate(&config, &folder)?.as_ref())?.to_string(),
    };
    println!("{link}");
    if qr {
        println!("{}", draw(&link)?);
    }
    Ok(())
}

/// A QR code in half blocks, dark on light as scanners like it.
pub(crate) fn draw(text: &str) -> Result<String, Failure> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L)
        .map_err(|error| Failure::failed(error, "copy the link as text"))?;
    let (dark, light) = (unicode::Dense1x2::Light, unicode::Dense1x2::Dark);
    Ok(code.render::<unicode::Dense1x2>().dark_color(dark).light_color(light).build())
}
