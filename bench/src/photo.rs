//! `send` of one photo of 24 megapixels, against the bare work of its pixels and what its promises cost.

use std::{fs, path::Path};

use crate::{
    error::BenchError,
    material::large_photo,
    people::Pair,
    prepare::{Bare, QUALITY},
    report::{Goal, Line, Report, Unit},
    samples::Samples,
    stage::Stage,
    unit_costs::{Echo, sync_seconds},
};

/// Seconds of one round.
struct Round {
    send: f64,
    bare: Bare,
    round_trip: f64,
    sync: f64,
}

impl Round {
    fn limit(&self) -> f64 {
        1.5 * self.bare.seconds() + 10.0 * self.round_trip + 16.0 * self.sync
    }
}

pub(crate) fn measure(stage: Stage<'_>, rounds: u32, report: &mut Report) -> Result<(), BenchError> {
    let Stage { programs, certificate, folder } = stage;
    let photo = large_photo()?;
    let file = folder.join("photo.jpg");
    fs::write(&file, &photo).map_err(BenchError::at("photo.jpg"))?;
    let pair = Pair::new(programs, folder)?;
    let mut echo = Echo::open(certificate)?;
    round(&pair, &file, &photo, &mut echo)?;
    let mut taken = Vec::new();
    for _ in 0..rounds {
        taken.push(round(&pair, &file, &photo, &mut echo)?);
    }
    let of = |part: fn(&Round) -> f64| taken.iter().map(part).collect::<Samples>();
    report.lines.push(Line {
        what: "send of a 24-megapixel JPEG, quality 85",
        unit: Unit::Seconds,
        ours: of(|round| round.send),
        limit_is: "1.5 × (decode + resize + encode) + 10 round trips + 16 syncs",
        limit: of(Round::limit),
        goal: Some(Goal::AtMost(1.0)),
        parts: vec![
            ("decode", of(|round| round.bare.decode)),
            ("resize", of(|round| round.bare.resize)),
            ("encode", of(|round| round.bare.encode)),
            ("one round trip over TLS", of(|round| round.round_trip)),
            ("one append and sync", of(|round| round.sync)),
        ],
    });
    Ok(())
}

fn round(pair: &Pair, file: &Path, photo: &[u8], echo: &mut Echo) -> Result<Round, BenchError> {
    let (round_trip, sync) = (echo.seconds()?, sync_seconds(pair.alice.home())?);
    let bare = Bare::of(photo)?;
    let path = file.display().to_string();
    let send = pair.alice.run(&["send", "bob", &path, "--quality", &QUALITY.to_string()])?.seconds;
    Ok(Round { send, bare, round_trip, sync })
}
