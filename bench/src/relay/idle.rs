//! What a connection costs in the relay's memory: idle, and after an envelope was delivered to it.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lightproof_wire::{frame::RelayFrame, reply::Push};

use super::{
    server::Server,
    wire::{Connection, DepositFrame, Mailbox, ack},
};
use crate::{
    error::BenchError,
    report::{Goal, Line, Report, Unit},
    samples::Samples,
    stage::Stage,
};

/// Both ends need a descriptor each, in processes of their own.
const RESERVED_DESCRIPTORS: u64 = 300;
/// How many do something at once: nobody comes to all their people in the same second.
const AT_ONCE: usize = 32;
const QUIET: Duration = Duration::from_secs(3);

pub(crate) async fn measure(stage: Stage<'_>, wanted: usize, report: &mut Report) -> Result<(), BenchError> {
    let count = wanted.min(descriptors());
    let server = Server::start(stage)?;
    // The first ones pay for what all share.
    let warm = connect(&server, wanted, AT_ONCE).await?;
    tokio::time::sleep(QUIET).await;
    let before = server.resident_kib()?;
    let connections = connect(&server, 0, count).await?;
    tokio::time::sleep(QUIET).await;
    let idle = (server.resident_kib()? - before) / count as f64;
    let watching = each(connections, |number, mut connection| async move {
        let mailbox = Mailbox::numbered(number as u64);
        connection.create(&mailbox).await?;
        connection.watch(&mailbox).await?;
        Ok(connection)
    });
    let connections = watching.await?;
    tokio::time::sleep(QUIET).await;
    let watching = (server.resident_kib()? - before) / count as f64;
    let connections = each(connections, deliver_to_itself).await?;
    tokio::time::sleep(QUIET).await;
    let delivered = (server.resident_kib()? - before) / count as f64;
    let line = |what, ours, limit_is, limit| Line {
        what,
        unit: Unit::Kibibytes,
        ours: Samples::from_iter([ours]),
        limit_is,
        limit: Samples::from_iter([limit]),
        goal: Some(Goal::AtMost(1.0)),
        parts: Vec::new(),
    };
    if count < wanted {
        report.skipped.push(format!("{wanted} idle connections: descriptors allow {count}"));
    }
    report.lines.push(line("memory of each of 10,000 idle TLS connections", idle, "30 KiB resident", 30.0));
    report.lines.push(line("the same, each watching a mailbox", watching, "30 KiB resident", 30.0));
    report.lines.push(line(
        "the same, after an envelope was deposited and delivered",
        delivered,
        "48 KiB resident",
        48.0,
    ));
    drop((connections, warm));
    Ok(())
}

/// Deposits an envelope, takes it, acks it: everything a connection's buffers grow by.
async fn deliver_to_itself(number: usize, mut connection: Connection) -> Result<Connection, BenchError> {
    let mailbox = Mailbox::numbered(number as u64);
    let mut frame = DepositFrame::new(&mailbox.drop, number as u64);
    let at = || BenchError::at("a delivery");
    connection.writer.raw(frame.next(900)).await.map_err(at())?;
    let mut done = 0;
    while done < 3 {
        match connection.frame().await.map_err(at())? {
            RelayFrame::Push(Push::Delivery(delivery)) => {
                connection.writer.raw(&ack(901, delivery.sequence)).await.map_err(at())?;
                done += 1;
            }
            RelayFrame::Reply(..) => done += 1,
            RelayFrame::Push(_) => {}
        }
    }
    Ok(connection)
}

async fn connect(server: &Server, first: usize, count: usize) -> Result<Vec<Connection>, BenchError> {
    let target = &server.target;
    let connecting = stream::iter((first..).take(count)).map(|number| Connection::open(target, number));
    connecting.buffered(AT_ONCE).try_collect().await
}

async fn each<F: Future<Output = Result<Connection, BenchError>>>(
    connections: Vec<Connection>,
    act: impl Fn(usize, Connection) -> F,
) -> Result<Vec<Connection>, BenchError> {
    stream::iter(connections.into_iter().enumerate())
        .map(|(number, connection)| act(number, connection))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// As many connections as one process may hold.
fn descriptors() -> usize {
    use rustix::process::{Resource, getrlimit};
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(most.saturating_sub(RESERVED_DESCRIPTORS)).unwrap_or(usize::MAX)
}
