//! Deposits per second of full envelopes by 64 senders, each waiting for its receipt, beside what other things do.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    forward::Forwarder,
    limits::{Appended, BareRedb, per_second},
    nats::{Nats, Publisher},
    rules::Rules,
    server::Server,
    wire::{Connection, DepositFrame, Mailbox},
};
use crate::{
    error::BenchError,
    report::{Goal, Line, Report, Unit},
    samples::Samples,
    stage::Stage,
};

const SENDERS: usize = 64;
const TIME: Duration = Duration::from_secs(1);

/// Somebody who sends one envelope and waits until it was taken.
pub(crate) trait Sender: Send + 'static {
    /// Once.
    fn once(&mut self) -> impl Future<Output = Result<(), BenchError>> + Send;
}

/// At the relay: deposits at a mailbox of its own.
pub(crate) struct Depositor {
    pub(crate) connection: Connection,
    pub(crate) frame: DepositFrame,
}

impl Depositor {
    /// Connects and makes the mailbox, where it is not there.
    pub(crate) async fn new(server: &Server, number: usize) -> Result<Self, BenchError> {
        let mut connection = Connection::open(&server.target, number).await?;
        let mailbox = Mailbox::numbered(number as u64);
        connection.create(&mailbox).await?;
        Ok(Self { connection, frame: DepositFrame::new(&mailbox.drop, number as u64) })
    }
}

impl Sender for Depositor {
    async fn once(&mut self) -> Result<(), BenchError> {
        self.connection.deposit(&mut self.frame).await
    }
}

/// At the forwarder: somebody else is handed each.
struct Forwarded {
    connection: Connection,
    frame: DepositFrame,
}

impl Forwarded {
    async fn new(forwarder: &Forwarder, number: usize) -> Result<Self, BenchError> {
        let at = || BenchError::at("the forwarder");
        // The forwarder pairs connections in the order they come.
        let connection = Connection::upgraded(&forwarder.target, number).await.map_err(at())?;
        let mut receiver = Connection::upgraded(&forwarder.target, number).await.map_err(at())?;
        tokio::spawn(async move { while receiver.reader.any().await.is_ok() {} });
        Ok(Self { connection, frame: DepositFrame::new(&Mailbox::numbered(0).drop, number as u64) })
    }
}

impl Sender for Forwarded {
    async fn once(&mut self) -> Result<(), BenchError> {
        let at = || BenchError::at("the forwarder");
        self.connection.writer.raw(self.frame.next(1)).await.map_err(at())?;
        self.connection.reader.any().await.map_err(at())?;
        Ok(())
    }
}

impl Sender for Publisher {
    async fn once(&mut self) -> Result<(), BenchError> {
        self.publish().await
    }
}

/// All of them at once for some time; how many a second, and they again.
pub(crate) async fn all_at_once<S: Sender>(senders: Vec<S>, time: Duration) -> Result<(f64, Vec<S>), BenchError> {
    let (mut tasks, start) = (JoinSet::new(), Instant::now());
    for mut sender in senders {
        tasks.spawn(async move {
            let mut count = 0_u32;
            while start.elapsed() < time {
                sender.once().await?;
                count = count.saturating_add(1);
            }
            Ok::<_, BenchError>((count, sender))
        });
    }
    let (mut total, mut back) = (0_u32, Vec::new());
    while let Some(joined) = tasks.join_next().await {
        let (count, sender) = joined.map_err(BenchError::wrong)??;
        total = total.saturating_add(count);
        back.push(sender);
    }
    Ok((f64::from(total) / start.elapsed().as_secs_f64(), back))
}

/// Per second, round by round.
#[derive(Default)]
struct Rates {
    relay: Samples,
    redb: Samples,
    appended: Samples,
    forwarded: Samples,
    nats: Samples,
    rules: Samples,
}

pub(crate) async fn measure(stage: Stage<'_>, rounds: u32, report: &mut Report) -> Result<(), BenchError> {
    let server = Server::start(stage)?;
    let forwarder = Forwarder::start(stage.certificate, stage.folder)?;
    let nats = if Nats::missing().is_none() { Some(Nats::start(stage.certificate, stage.folder).await?) } else { None };
    let (mut depositors, mut forwarded, mut publishers) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..SENDERS {
        depositors.push(Depositor::new(&server, number).await?);
        forwarded.push(Forwarded::new(&forwarder, number).await?);
        if let Some(nats) = &nats {
            publishers.push(Publisher::open(&nats.target, number).await?);
        }
    }
    let (mut redb, mut appended) = (BareRedb::create(stage.folder)?, Appended::create(stage.folder)?);
    let mut rules = Rules::create(stage.folder, SENDERS).await?;
    let (mut rates, mut rate);
    rates = Rates::default();
    for round in 0..=rounds {
        // The first does not count.
        if round == 1 {
            rates = Rates::default();
        }
        (rate, depositors) = all_at_once(depositors, TIME).await?;
        rates.relay.push(rate);
        rates.redb.push(per_second(TIME, SENDERS, |count| redb.commit(count))?);
        let (start, mut count) = (Instant::now(), 0.0);
        while start.elapsed() < TIME / 2 {
            rules.commit(SENDERS).await?;
            count += SENDERS as f64;
        }
        rates.rules.push(count / start.elapsed().as_secs_f64());
        rates.appended.push(per_second(TIME / 2, SENDERS, |count| appended.commit(count))?);
        (rate, forwarded) = all_at_once(forwarded, TIME / 2).await?;
        rates.forwarded.push(rate);
        if !publishers.is_empty() {
            (rate, publishers) = all_at_once(publishers, TIME).await?;
            rates.nats.push(rate);
            // It has not synced: else the disk would still be at that when it is the relay's turn.
            rustix::fs::sync();
        }
    }
    describe(rates, nats.is_some(), report);
    Ok(())
}

fn describe(rates: Rates, has_nats: bool, report: &mut Report) {
    let line = |limit_is, limit, goal| Line {
        what: "deposits of 64 senders, acknowledged once synced",
        unit: Unit::PerSecond,
        ours: rates.relay.clone(),
        limit_is,
        limit,
        goal,
        parts: Vec::new(),
    };
    let mut redb = line("bare redb, two-phase, 64 envelopes a commit", rates.redb, Some(Goal::AtLeast(0.6)));
    redb.parts = vec![("the relay's rules and store alone, 64 a commit", rates.rules)];
    report.lines.push(redb);
    report.lines.push(line("64 envelopes appended, one fdatasync", rates.appended, None));
    report.lines.push(line("TLS WebSockets that forward and keep nothing", rates.forwarded, None));
    if has_nats {
        let limit_is = "NATS JetStream, file storage, TLS, not synced";
        report.lines.push(line(limit_is, rates.nats, Some(Goal::AtLeast(1.0))));
    } else if let Some(missing) = Nats::missing() {
        report.skipped.push(format!("deposits against NATS JetStream: {missing}"));
    }
}
