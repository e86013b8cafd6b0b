//! A conversation with one relay over one pipe: commands out, replies by id, pushes in.

use core::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use lightproof_wire::{
    command::Command,
    frame::{CommandFrame, RelayFrame},
    id::CommandId,
    limits::PROTOCOL_VERSION,
    refusal::Refusal,
    relay_link::RelayLink,
    reply::{Push, Reply, Welcome},
};

use crate::{
    error::ClientError,
    transport::{Pipe, TransportError},
};

/// A relay that has not answered one command by then is taken for lost. A chunk of 1 MiB makes it at 10 kB/s.
const REPLY_WITHIN_MS: u32 = 120_000;
/// The first frame of a connection.
const WELCOME_WITHIN_MS: u32 = 20_000;
/// A busy relay is asked again this often, waiting as long as it says.
const BUSY_TRIES: u32 = 8;
const BUSY_WAIT_MAX_MS: u32 = 10_000;
/// Pushes kept while a reply is awaited: the windows of the mailboxes watched at a time, and some words beside.
const PUSHES_MAX: usize = 2_048;

/// One conversation.
pub(crate) struct Connection<P> {
    pipe: P,
    relay: RelayLink,
    welcome: Welcome,
    last_id: Cell<u32>,
    broken: Cell<bool>,
    inbox: RefCell<Inbox>,
}

#[derive(Default)]
struct Inbox {
    /// Commands under way, with the reply once it came.
    replies: BTreeMap<CommandId, Option<Reply>>,
    pushes: VecDeque<Push>,
}

impl<P: Pipe> Connection<P> {
    /// Takes the relay's `Welcome`.
    ///
    /// # Errors
    /// [`ClientError::Transport`], or [`ClientError::RelayMisbehaved`] for anything but a `Welcome` of this version.
    pub(crate) async fn open(pipe: P, relay: RelayLink) -> Result<Self, ClientError> {
        let failed = |error| ClientError::Transport { relay: Box::new(relay.clone()), error };
        let first = pipe.receive(Some(WELCOME_WITHIN_MS)).await.map_err(failed)?;
        let Ok(RelayFrame::Push(Push::Welcome(welcome))) = RelayFrame::decode(&first) else {
            return Err(failed(TransportError::Misbehaved));
        };
        if !welcome.versions.iter().any(|version| *version == PROTOCOL_VERSION) {
            return Err(ClientError::NotNow("the relay speaks another version of the protocol"));
        }
        Ok(Self { pipe, relay, welcome, last_id: Cell::new(0), broken: Cell::new(false), inbox: RefCell::default() })
    }

    /// What the relay says of itself.
    #[must_use]
    pub(crate) const fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Which relay.
    #[must_use]
    pub(crate) const fn relay(&self) -> &RelayLink {
        &self.relay
    }

    /// Sends a command without waiting for its reply, which [`finish`](Self::finish) takes.
    ///
    /// # Errors
    /// [`ClientError::Transport`].
    pub(crate) async fn start(&self, command: Command) -> Result<CommandId, ClientError> {
        // 0 is for pushes; after 2^32 commands on one connection the oldest id has long been answered.
        let id = CommandId(self.last_id.get().checked_add(1).unwrap_or(1));
        self.last_id.set(id.0);
        self.inbox.borrow_mut().replies.insert(id, None);
        let frame = CommandFrame { id, command }.encode();
        self.pipe.send(frame).await.map_err(|error| self.failed(error))?;
        Ok(id)
    }

    /// The reply to a command; a refusal is an error.
    ///
    /// # Errors
    /// [`ClientError::Refused`], [`ClientError::Transport`], [`ClientError::RelayMisbehaved`].
    pub(crate) async fn finish(&self, id: CommandId) -> Result<Reply, ClientError> {
        loop {
            let reply = self.inbox.borrow_mut().replies.get_mut(&id).and_then(Option::take);
            if reply.is_some() {
                self.inbox.borrow_mut().replies.remove(&id);
            }
            match reply {
                Some(Reply::Refused(refusal)) => return Err(ClientError::Refused(refusal)),
                Some(reply) => return Ok(reply),
                None => self.take_frame(Some(REPLY_WITHIN_MS)).await.inspect_err(|_| self.broken.set(true))?,
            }
        }
    }

    /// One command and its reply. Asks a busy relay again, as long as that makes sense.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub(crate) async fn call(&self, command: Command) -> Result<Reply, ClientError> {
        for _ in 1..BUSY_TRIES {
            let id = self.start(command.clone()).await?;
            match self.finish(id).await {
                Err(ClientError::Refused(refusal)) if refusal.retry_after_ms().is_some() => self.wait(refusal).await?,
                answer => return answer,
            }
        }
        let id = self.start(command).await?;
        self.finish(id).await
    }

    /// The next push; `None` if none came by then.
    ///
    /// # Errors
    /// [`ClientError::Transport`], [`ClientError::RelayMisbehaved`].
    pub(crate) async fn push(&self, within_ms: Option<u32>) -> Result<Option<Push>, ClientError> {
        loop {
            if let Some(push) = self.inbox.borrow_mut().pushes.pop_front() {
                return Ok(Some(push));
            }
            match self.take_frame(within_ms).await {
                Err(ClientError::Transport { error: TransportError::Deadline, .. }) => return Ok(None),
                taken => taken?,
            }
        }
    }

    /// Waits as long as a busy relay asks; what comes meanwhile is kept.
    pub(crate) async fn wait(&self, refusal: Refusal) -> Result<(), ClientError> {
        let wait_ms = refusal.retry_after_ms().unwrap_or_default().min(BUSY_WAIT_MAX_MS);
        match self.take_frame(Some(wait_ms)).await {
            Err(ClientError::Transport { error: TransportError::Deadline, .. }) => Ok(()),
            taken => taken,
        }
    }

    async fn take_frame(&self, within_ms: Option<u32>) -> Result<(), ClientError> {
        let frame = self.pipe.receive(within_ms).await.map_err(|error| self.failed(error))?;
        let mut inbox = self.inbox.borrow_mut();
        match RelayFrame::decode(&frame) {
            Ok(RelayFrame::Reply(id, reply)) => match inbox.replies.get_mut(&id) {
                Some(slot @ None) => *slot = Some(reply),
                _ => return Err(self.misbehaved("it answered what nobody asked")),
            },
            Ok(RelayFrame::Push(_)) if inbox.pushes.len() >= PUSHES_MAX => {
                return Err(self.misbehaved("it pushes more than was asked for"));
            }
            Ok(RelayFrame::Push(push)) => inbox.pushes.push_back(push),
            Err(_) => return Err(self.misbehaved("it sent a frame that is none")),
        }
        Ok(())
    }

    /// Whether nothing more is to be expected of it.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// It owes us something and says nothing: lost, as far as anybody can tell.
    pub(crate) fn fell_silent(&self) -> ClientError {
        self.broken.set(true);
        self.failed(TransportError::Deadline)
    }

    fn misbehaved(&self, what: &'static str) -> ClientError {
        self.broken.set(true);
        ClientError::RelayMisbehaved(what)
    }

    fn failed(&self, error: TransportError) -> ClientError {
        // A pipe that is only silent stays usable; the caller decides.
        self.broken.set(self.broken.get() || error != TransportError::Deadline);
        ClientError::Transport { relay: Box::new(self.relay.clone()), error }
    }
}

/// The reply that a command must have, or the relay misbehaved.
macro_rules! expect_reply {
    ($reply:expr, $pattern:pat => $value:expr) => {
        match $reply {
            $pattern => Ok($value),
            _ => Err($crate::error::ClientError::RelayMisbehaved("it answered another question")),
        }
    };
}
pub(crate) use expect_reply;
