//! Send and receive of 100 MiB as they are, against curl and nginx.

use std::{fs, path::Path};

use lightproof_wire::hash::Digest;

use crate::{
    error::BenchError,
    material::noise_file,
    people::Pair,
    report::{Goal, Line, Report, Unit},
    samples::Samples,
    stage::Stage,
    web::{Transfer, Web},
};

/// Seconds of one round.
struct Round {
    send: f64,
    receive: f64,
    save: f64,
}

pub(crate) fn measure(stage: Stage<'_>, rounds: u32, report: &mut Report) -> Result<(), BenchError> {
    let Stage { programs, certificate, folder } = stage;
    if let Some(missing) = Web::missing() {
        report.skipped.push(format!("{WHAT}: {missing}"));
        return Ok(());
    }
    let file = folder.join("noise");
    let digest = noise_file(&file, MEBIBYTES)?;
    let pair = Pair::new(programs, folder)?;
    let web = Web::serve(folder, certificate)?;
    web.round(&file)?;
    round(&pair, &file, &digest, folder)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(web.round(&file)?);
        ours.push(round(&pair, &file, &digest, folder)?);
    }
    let of = |part: fn(&Round) -> f64| ours.iter().map(part).collect::<Samples>();
    let of_web = |part: fn(&Transfer) -> f64| theirs.iter().map(part).collect::<Samples>();
    let limit = of_web(|web| web.upload + web.sync + web.download);
    report.lines.push(Line {
        what: WHAT,
        unit: Unit::Seconds,
        ours: of(|round| round.send + round.receive),
        limit_is: LIMIT,
        limit: limit.clone(),
        goal: Some(Goal::AtMost(2.0)),
        parts: vec![
            ("lightproof send", of(|round| round.send)),
            ("lightproof receive", of(|round| round.receive)),
            ("curl upload", of_web(|web| web.upload)),
            ("sync of the uploaded file", of_web(|web| web.sync)),
            ("curl download", of_web(|web| web.download)),
        ],
    });
    report.lines.push(Line {
        what: "the same, and show --save",
        unit: Unit::Seconds,
        ours: of(|round| round.send + round.receive + round.save),
        limit_is: LIMIT,
        limit,
        goal: None,
        parts: Vec::new(),
    });
    Ok(())
}

fn round(pair: &Pair, file: &Path, digest: &Digest, folder: &Path) -> Result<Round, BenchError> {
    let path = file.display().to_string();
    let send = pair.alice.run(&["send", "bob", &path, "--as", "exact"])?.seconds;
    let received = pair.bob.run(&["--json", "receive"])?;
    let (id, sha256) = message_in(&received.stdout)?;
    let digest: String = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    if sha256 != digest {
        return Err(BenchError::Wrong(format!("sent {digest}, received {sha256}")));
    }
    let saved = folder.join("saved");
    let save = pair.bob.run(&["show", &id, "--no-photo", "--save", &saved.display().to_string()])?.seconds;
    fs::remove_file(&saved).map_err(BenchError::at("the saved file"))?;
    pair.bob.run(&["delete", &id])?;
    Ok(Round { send, receive: received.seconds, save })
}

/// The ID of the first message in what `receive --json` said, and its first photo's SHA-256.
fn message_in(output: &str) -> Result<(String, String), BenchError> {
    let objects = output.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let text = |value: Option<&serde_json::Value>| value.and_then(|value| value.as_str()).map(str::to_owned);
    for object in objects {
        if let (Some("message"), Some("in")) =
            (object.get("event").and_then(|event| event.as_str()), object.get("direction").and_then(|it| it.as_str()))
            && let (Some(id), Some(sha256)) = (text(object.get("id")), text(object.pointer("/photos/0/sha256")))
        {
            return Ok((id, sha256));
        }
    }
    Err(BenchError::Wrong(format!("no photo was received:\n{output}")))
}

const WHAT: &str = "send + receive of 100 MiB, exact";
const LIMIT: &str = "curl to and from nginx, synced";
const MEBIBYTES: u32 = 100;
