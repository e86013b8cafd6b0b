//! Honest people beside a crowd of sockets that begin a TLS handshake and never go on.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
};

use super::{
    server::Server,
    wire::{Connection, DepositFrame, Mailbox, Target, dial},
};
use crate::{
    error::BenchError,
    report::{Goal, Line, Report, Unit},
    samples::Samples,
    stage::Stage,
};

const CROWD: usize = 2_000;
const HONEST: usize = 500;
/// The honest ones come one after the other.
const EVERY: Duration = Duration::from_millis(10);
/// After this long somebody honest gives up.
const PATIENCE: Duration = Duration::from_secs(10);
const MAILBOXES: usize = 20;
/// One of the crowd that was sent away comes again.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) async fn measure(stage: Stage<'_>, rounds: u32, report: &mut Report) -> Result<(), BenchError> {
    let server = Server::start(stage)?;
    let mut maker = Connection::open(&server.target, 0).await?;
    for number in 0..MAILBOXES {
        maker.create(&Mailbox::numbered(number as u64)).await?;
    }
    let (mut alone, mut crowded, mut served) = (Samples::default(), Samples::default(), Samples::default());
    for round in 0..rounds.div_ceil(3) {
        alone.push(honest(&server.target, round).await?.1.percentile(99.0));
        let mut crowd = JoinSet::new();
        for number in 0..CROWD {
            let target = server.target.clone();
            crowd.spawn(async move { loiter(target, 20_000 + number).await });
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (share, seconds) = honest(&server.target, round + 100).await?;
        crowded.push(seconds.percentile(99.0));
        served.push(share);
    }
    let line = |what, unit, ours, limit_is, limit, goal| Line {
        what,
        unit,
        ours,
        limit_is,
        limit,
        goal: Some(goal),
        parts: Vec::new(),
    };
    let everybody = served.map(|_| HONEST as f64);
    let what = "500 people connect and deposit beside 2,000 slow handshakes: served";
    report.lines.push(line(what, Unit::Count, served, "all of them", everybody, Goal::AtLeast(1.0)));
    let what = "the same, from connecting to the receipt, 99 of 100";
    report.lines.push(line(what, Unit::Seconds, crowded, "the same without them", alone, Goal::AtMost(2.0)));
    Ok(())
}

/// Says the beginning of a handshake and no more, again and again.
async fn loiter(target: Target, number: usize) {
    loop {
        if let Ok(mut tcp) = dial(target.address, number).await {
            let _ = tcp.write_all(&[0x16, 0x03, 0x01]).await;
            let _ = tcp.read(&mut [0]).await;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// People who each connect and deposit once: how many could, and how long each took.
async fn honest(target: &Target, round: u32) -> Result<(f64, Samples), BenchError> {
    let mut tasks = JoinSet::new();
    for number in 0..HONEST {
        let target = target.clone();
        tasks.spawn(async move {
            let start = Instant::now();
            let mailbox = Mailbox::numbered((number % MAILBOXES) as u64);
            let mut frame = DepositFrame::new(&mailbox.drop, u64::from(round) << 32 | number as u64);
            let deposit = async {
                let mut connection = Connection::open(&target, number).await?;
                connection.deposit(&mut frame).await
            };
            let done = tokio::time::timeout(PATIENCE, deposit).await;
            done.is_ok_and(|deposited| deposited.is_ok()).then(|| start.elapsed().as_secs_f64())
        });
        tokio::time::sleep(EVERY).await;
    }
    let (mut served, mut seconds) = (0.0, Samples::default());
    while let Some(done) = tasks.join_next().await {
        if let Some(took) = done.map_err(BenchError::wrong)? {
            served += 1.0;
            seconds.push(took);
        }
    }
    Ok((served, seconds))
}
