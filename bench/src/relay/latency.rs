//! How long one deposit takes: to its receipt, and to its recipient.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use lightproof_wire::{
    frame::RelayFrame,
    reply::{Push, Reply},
};
use tokio::{task::JoinSet, time::sleep_until};

use super::{
    deposits::{Depositor, Sender as _},
    limits::{Appended, BareRedb},
    server::Server,
    wire::{Connection, DepositFrame, Mailbox, Reader, Target, Writer, ack},
};
use crate::{
    error::BenchError,
    report::{Goal, Line, Report, Unit},
    samples::Samples,
    stage::Stage,
};

/// Deposits of one sender in a round.
const ONE_BY_ONE: usize = 100;
/// Pairs of sender and recipient, and how long each sender waits between two deposits: 500 a second together.
const PAIRS: usize = 25;
const PAUSE: Duration = Duration::from_millis(50);
const LOAD: Duration = Duration::from_secs(2);
/// What the network, TLS and the receipt's signature may cost.
const BESIDE_THE_DISK: f64 = 0.3e-3;

pub(crate) async fn measure(stage: Stage<'_>, rounds: u32, report: &mut Report) -> Result<(), BenchError> {
    let server = Server::start(stage)?;
    let (mut redb, mut appended) = (BareRedb::create(stage.folder)?, Appended::create(stage.folder)?);
    let mut alone = Depositor::new(&server, 0).await?;
    let (mut receipts, mut commits) = (Samples::default(), Samples::default());
    let (mut pushes, mut syncs) = (Samples::default(), Samples::default());
    for round in 0..=rounds {
        let (mut ours, mut bare) = (Samples::default(), Samples::default());
        for _ in 0..ONE_BY_ONE {
            let start = Instant::now();
            alone.once().await?;
            ours.push(start.elapsed().as_secs_f64());
            bare.push(redb.commit(1)?);
        }
        let pushed = under_load(&server.target, PAIRS, PAUSE, LOAD).await?;
        let synced = at_a_pace(&mut appended, LOAD)?;
        // The first round does not count.
        if round > 0 {
            receipts.push(ours.median());
            commits.push(1.5f64.mul_add(bare.median(), BESIDE_THE_DISK));
            pushes.push(pushed.percentile(99.0));
            syncs.push(10.0 * synced.percentile(99.0));
        }
    }
    let line = |what, ours, limit_is, limit| Line {
        what,
        unit: Unit::Seconds,
        ours,
        limit_is,
        limit,
        goal: Some(Goal::AtMost(1.0)),
        parts: Vec::new(),
    };
    let limit_is = "1.5 × one bare two-phase commit + 0.3 ms";
    report.lines.push(line("one sender, deposit to receipt, median", receipts, limit_is, commits));
    let limit_is = "10 × append and fdatasync of one, 99 of 100";
    report.lines.push(line("500 deposits/s, deposit to push, 99 of 100", pushes, limit_is, syncs));
    Ok(())
}

/// Appends and syncs an envelope as often as the relay gets one.
fn at_a_pace(appended: &mut Appended, time: Duration) -> Result<Samples, BenchError> {
    let every = PAUSE / u32::try_from(PAIRS).map_err(BenchError::wrong)?;
    let (start, mut due, mut samples) = (Instant::now(), Instant::now(), Samples::default());
    while start.elapsed() < time {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        due += every;
        samples.push(appended.commit(1)?);
    }
    Ok(samples)
}

/// Pairs of people: each sender deposits once per pause, whatever became of the one before. Seconds from the moment a
/// deposit was due to its arrival at the recipient, who acks it.
pub(crate) async fn under_load(
    target: &Target,
    pairs: usize,
    pause: Duration,
    time: Duration,
) -> Result<Samples, BenchError> {
    let mut tasks = JoinSet::new();
    let mut connected = Vec::new();
    for number in 0..pairs {
        let mailbox = Mailbox::numbered(1_000_000 + number as u64);
        let mut recipient = Connection::open(target, number).await?;
        recipient.create(&mailbox).await?;
        recipient.watch_whatever_waits(&mailbox).await?;
        let sender = Connection::open(target, number).await?;
        connected.push((sender, recipient, DepositFrame::new(&mailbox.drop, unique())));
    }
    let start = tokio::time::Instant::now();
    for (number, (sender, recipient, frame)) in connected.into_iter().enumerate() {
        let due: Due = Arc::default();
        let first = start + pause * u32::try_from(number).unwrap_or(0) / u32::try_from(pairs).unwrap_or(1);
        let count = time.as_millis() / pause.as_millis().max(1);
        let Connection { reader, writer, .. } = sender;
        tokio::spawn(receipts(reader));
        tasks.spawn(arrivals(recipient, Arc::clone(&due), count));
        tokio::spawn(depart(writer, frame, due, (first, pause, count)));
    }
    let mut samples = Samples::default();
    while let Some(arrived) = tasks.join_next().await {
        arrived.map_err(BenchError::wrong)??.into_iter().for_each(|seconds| samples.push(seconds));
    }
    Ok(samples)
}

/// Deposits under way of one pair, in order.
type Due = Arc<Mutex<VecDeque<tokio::time::Instant>>>;

async fn depart(
    mut writer: Writer,
    mut frame: DepositFrame,
    due: Due,
    (first, pause, count): (tokio::time::Instant, Duration, u128),
) -> std::io::Result<()> {
    let mut at = first;
    for id in (1..).take(usize::try_from(count).unwrap_or(0)) {
        sleep_until(at).await;
        due.lock().unwrap_or_else(PoisonError::into_inner).push_back(at);
        writer.raw(frame.next(id)).await?;
        at += pause;
    }
    // The connection stays until what was sent has arrived.
    sleep_until(at + Duration::from_secs(10)).await;
    Ok(())
}

async fn receipts(mut reader: Reader) -> Result<(), BenchError> {
    loop {
        let message = reader.message().await.map_err(BenchError::at("a receipt"))?;
        if let Some(RelayFrame::Reply(_, Reply::Refused(refusal))) = message {
            return Err(BenchError::Wrong(format!("refused: {refusal}")));
        }
    }
}

async fn arrivals(mut recipient: Connection, due: Due, count: u128) -> Result<Vec<f64>, BenchError> {
    let mut seconds = Vec::new();
    let mut id = 1_000;
    while (seconds.len() as u128) < count {
        let within = tokio::time::timeout(Duration::from_secs(20), recipient.frame()).await;
        let frame = within.map_err(|_| BenchError::Wrong("a deposit never arrived".to_owned()))?;
        let RelayFrame::Push(Push::Delivery(delivery)) = frame.map_err(BenchError::at("a push"))? else { continue };
        let sent = due.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        seconds.extend(sent.map(|sent| sent.elapsed().as_secs_f64()));
        id += 1;
        recipient.writer.raw(&ack(id, delivery.sequence)).await.map_err(BenchError::at("an ack"))?;
    }
    Ok(seconds)
}

/// A number that no envelope of this run bears yet.
fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
