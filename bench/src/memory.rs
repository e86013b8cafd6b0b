//! Memory while 1 GiB goes through: of the client, and how much more the relay takes than before.

use crate::{
    error::BenchError,
    material::noise_file,
    people::Pair,
    programs::peak_of,
    report::{Goal, Line, Report, Unit},
    samples::Samples,
    stage::Stage,
};

pub(crate) fn measure(Stage { programs, folder, .. }: Stage<'_>, report: &mut Report) -> Result<(), BenchError> {
    let file = folder.join("noise");
    noise_file(&file, MEBIBYTES)?;
    let pair = Pair::new(programs, folder)?;
    let before = pair.relay.memory("VmRSS")?;
    let send = peak_of(pair.alice.command(&["send", "bob", &file.display().to_string(), "--as", "exact"]))?;
    let while_sending = pair.relay.memory("VmHWM")? - before;
    let receive = peak_of(pair.bob.command(&["receive"]))?;
    let in_all = pair.relay.memory("VmHWM")? - before;
    let line = |what, ours: f64, limit_is, limit: f64| Line {
        what,
        unit: Unit::Mebibytes,
        ours: Samples::from_iter([ours]),
        limit_is,
        limit: Samples::from_iter([limit]),
        goal: Some(Goal::AtMost(1.0)),
        parts: Vec::new(),
    };
    report.lines.extend([
        line("peak of send, 1 GiB exact", send, "96 MiB resident", 96.0),
        line("peak of receive, 1 GiB exact", receive, "96 MiB resident", 96.0),
        line("growth of the relay, sending", while_sending, "64 MiB resident", 64.0),
        line("growth of the relay, both", in_all, "64 MiB resident", 64.0),
    ]);
    Ok(())
}

const MEBIBYTES: u32 = 1024;
