//! Carries one connection: frames to its machine, what the machine wants to the service, and back. It decides nothing.

use std::{net::IpAddr, sync::Arc, time::Duration};

use lightproof_wire::{
    id::{CommandId, MailboxHandle, Sequence},
    refusal::Refusal,
    reply::Reply,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    bucket::Rate,
    chunk_memory::{Place, Turns},
    deliver::{Inbox, WatchId},
    mailbox::{OwnerHash, Page},
    peer::{Output, Peer},
    serve::{Served, Service},
    shutdown,
    socket::{Frames, Received, SocketEnded},
    store::RuleError,
};

/// After this long without a message the relay asks for a sign of life.
const QUIET: Duration = Duration::from_secs(60);
/// After this long without any the connection is closed.
const SILENT: Duration = Duration::from_secs(150);

/// How fast one connection may ask.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Commands a second.
    pub commands_per_second: u32,
    /// Commands at once.
    pub command_burst: u32,
}

enum Event {
    Acked(CommandId, MailboxHandle, Sequence, Reply),
    Page(MailboxHandle, WatchId, Result<Page, RuleError>),
    Served(CommandId, Served),
    Watching(CommandId, MailboxHandle, OwnerHash, Result<Sequence, Refusal>),
}

struct Connection<S> {
    frames: Frames<S>,
    peer: Peer,
    service: Arc<Service>,
    address: Option<IpAddr>,
    inbox: Arc<Inbox>,
    events: JoinSet<Event>,
    turns: Arc<Turns>,
    /// Of what was queued and has not left.
    places: Vec<Place>,
    heard: Instant,
    asked: bool,
    /// Messages of any kind: floods of pings and empty frames count too.
    messages: Rate,
}

/// Serves one connection until it ends or `stop` asks for it.
pub async fn drive<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    service: Arc<Service>,
    address: Option<IpAddr>,
    pace: Pace,
    stop: CancellationToken,
) {
    let now = (service.clock)();
    let mut connection = Connection {
        frames: Frames::server(stream),
        peer: Peer::greet(service.welcome(), Rate::new(pace.commands_per_second, pace.command_burst, now)),
        address,
        inbox: Arc::default(),
        events: JoinSet::new(),
        turns: Arc::default(),
        places: Vec::new(),
        heard: Instant::now(),
        asked: false,
        messages: Rate::new(pace.commands_per_second.saturating_mul(2), pace.command_burst.saturating_mul(2), now),
        service,
    };
    let ended = tokio::select! {
        ended = connection.run(&stop) => ended,
        // Whatever it waits for: a peer that takes nothing must not hold up the end.
        () = shutdown::is_late(&stop) => Err(SocketEnded::Stalled),
    };
    for (owner, watch) in connection.peer.watched() {
        connection.service.watches.end(&owner, watch);
    }
    match ended {
        // The machine asked for it: what was sent must arrive.
        Ok(()) | Err(SocketEnded::Misbehaved) => connection.frames.close().await,
        Err(SocketEnded::Closed) => connection.frames.part().await,
        Err(SocketEnded::Stalled) => {}
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn run(&mut self, stop: &CancellationToken) -> Result<(), SocketEnded> {
        let mut closing = false;
        loop {
            closing |= self.drain().await?;
            if closing && self.peer.is_idle() {
                return Ok(());
            }
            let deadline = self.heard + if self.asked { SILENT } else { QUIET };
            tokio::select! {
                received = self.frames.receive(), if self.peer.reads() => self.received(received?)?,
                Some(event) = self.events.join_next() => match event {
                    Ok(event) => self.happened(event)?,
                    Err(_) => {
                        self.service.metrics.panics.inc();
                        tracing::error!("a handler panicked; its connection is closed");
                        return Err(SocketEnded::Misbehaved);
                    }
                },
                () = self.inbox.changed() => self.look_at_hints(),
                () = stop.cancelled(), if !closing => self.peer.close(),
                () = sleep_until(deadline) => self.silent().await?,
            }
        }
    }

    /// Does what the machine wants; whether it wants to close.
    async fn drain(&mut self) -> Result<bool, SocketEnded> {
        let (mut sent, mut closing) = (false, false);
        while let Some(output) = self.peer.poll() {
            let service = Arc::clone(&self.service);
            let address = self.address;
            match output {
                Output::Send(frame) => {
                    self.service.metrics.told(&frame);
                    self.frames.send(&frame.encode()).await?;
                    sent = true;
                }
                Output::Close => closing = true,
                Output::Serve(id, command) => {
                    let turns = Arc::clone(&self.turns);
                    self.events.spawn(async move { Event::Served(id, service.serve(command, address, &turns).await) });
                }
                Output::Watch(id, owner, handle) => {
                    let owner = owner.hash();
                    self.events
                        .spawn(async move { Event::Watching(id, handle, owner, service.watch(owner, address).await) });
                }
                Output::Ack(id, handle, owner, sequence) => {
                    self.events.spawn(async move {
                        Event::Acked(id, handle, sequence, service.ack(owner, sequence, address).await)
                    });
                }
                Output::Load(handle, watch, owner, after, limit) => {
                    self.events
                        .spawn(async move { Event::Page(handle, watch, service.page(owner, after, limit).await) });
                }
            }
        }
        if sent {
            self.frames.flush().await?;
            self.places.clear();
        }
        Ok(closing)
    }

    fn received(&mut self, received: Received) -> Result<(), SocketEnded> {
        self.heard = Instant::now();
        self.asked = false;
        let now = (self.service.clock)();
        self.messages.take(now).map_err(|_| SocketEnded::Misbehaved)?;
        if let Received::Frame(bytes) = received {
            self.peer.receive(&bytes, now, &self.service.admission);
        }
        Ok(())
    }

    fn happened(&mut self, event: Event) -> Result<(), SocketEnded> {
        match event {
            Event::Acked(id, handle, sequence, reply) => self.peer.acked(id, handle, sequence, reply),
            Event::Page(handle, watch, Ok(page)) => self.peer.page(handle, watch, page),
            // The client comes again and asks anew.
            Event::Page(_, _, Err(error)) => {
                self.service.refusal(error);
                return Err(SocketEnded::Misbehaved);
            }
            Event::Served(id, Served { reply, place }) => {
                self.places.extend(place);
                self.peer.answered(id, reply);
            }
            Event::Watching(id, handle, owner, Ok(highest_acked)) => {
                // Before the first look into the store, so that nothing stored after it goes unnoticed.
                let watch = self.service.watches.begin(owner, handle, &self.inbox);
                self.peer.watching(id, handle, owner, watch, highest_acked);
            }
            Event::Watching(id, handle, _, Err(refusal)) => self.peer.not_watching(id, handle, refusal),
        }
        Ok(())
    }

    fn look_at_hints(&mut self) {
        let hints = self.inbox.take();
        for (handle, watch) in hints.superseded {
            self.peer.superseded(handle, watch);
        }
        for (handle, watch) in hints.woken {
            self.peer.wake(handle, watch);
        }
    }

    async fn silent(&mut self) -> Result<(), SocketEnded> {
        if self.asked {
            return Err(SocketEnded::Stalled);
        }
        self.asked = true;
        self.frames.ping().await
    }
}
