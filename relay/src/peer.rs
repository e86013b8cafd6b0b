//! One connection as a machine without sockets: *give it one input, then drain [`Peer::poll`] until it says nothing*.
//!
//! ```text
//! bytes ──▶ decode, rate, admit ──▶ Serve ┄ answered ┄▶ Send(reply)
//! watching ──▶ Load ┄ page ┄▶ Send(delivery)… until the window is full ┄ ack ┄▶ Load …  all pushed: Send(CaughtUp)
//! ```
//!
//! One mailbox is read at a time, the others wait for their turn: whoever watches a thousand and reads slowly costs one
//! window of envelopes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lightproof_wire::{
    capability::{Capability, right},
    codec::DecodeError,
    command::Command,
    frame::{CommandFrame, RelayFrame},
    id::{CommandId, MailboxHandle, Sequence},
    limits::{CHUNK_BYTES, DELIVERY_WINDOW, WATCHED_MAILBOXES, WIRE_FRAME_BYTES},
    refusal::Refusal,
    reply::{Delivery, Push, Reply, Welcome},
    time::Timestamp,
};

use crate::{
    admit::{Admission, Admitted},
    bucket::Rate,
    deliver::WatchId,
    mailbox::{OwnerHash, Page},
};

/// Commands under way on one connection.
const IN_FLIGHT_COUNT: usize = 32;
/// Bytes of chunks under way on one connection: four large ones keep a disk and a line busy.
const IN_FLIGHT_BYTES: usize = 4 * WIRE_FRAME_BYTES;

/// What the edge has to do.
#[derive(Debug)]
pub enum Output {
    /// Serve this, then say [`Peer::answered`].
    Serve(CommandId, Admitted),
    /// Watch this, then say [`Peer::watching`] or [`Peer::answered`].
    Watch(CommandId, Capability<right::Owner>, MailboxHandle),
    /// Ack this, then say [`Peer::acked`].
    Ack(CommandId, MailboxHandle, OwnerHash, Sequence),
    /// Read what lies after a place, then say [`Peer::page`].
    Load(MailboxHandle, WatchId, OwnerHash, Sequence, usize),
    /// Send this frame.
    Send(RelayFrame),
    /// Send what is queued, then close.
    Close,
}

/// One connection.
pub struct Peer {
    rate: Rate,
    watches: BTreeMap<MailboxHandle, Watch>,
    /// Watches asked for and not begun: a handle names one mailbox from the moment it is asked for.
    asked: BTreeMap<MailboxHandle, Asked>,
    /// Mailboxes to be read, each once, in order.
    waiting: VecDeque<MailboxHandle>,
    loading: bool,
    in_flight: BTreeMap<CommandId, usize>,
    in_flight_bytes: usize,
    outputs: VecDeque<Output>,
    closing: bool,
}

struct Asked {
    owner: OwnerHash,
    count: usize,
}

enum Watch {
    Live(Live),
    Superseded,
}

struct Live {
    id: WatchId,
    owner: OwnerHash,
    pushed: Sequence,
    unacked: BTreeSet<Sequence>,
    more: bool,
    announced: bool,
}

impl Live {
    /// How many envelopes to read now.
    fn wanted_count(&self) -> usize {
        if self.more { DELIVERY_WINDOW.saturating_sub(self.unacked.len()) } else { 0 }
    }
}

impl Peer {
    /// A connection that begins with Welcome.
    #[must_use]
    pub fn greet(welcome: Welcome, rate: Rate) -> Self {
        Self {
            rate,
            watches: BTreeMap::new(),
            asked: BTreeMap::new(),
            waiting: VecDeque::new(),
            loading: false,
            in_flight: BTreeMap::new(),
            in_flight_bytes: 0,
            outputs: VecDeque::from([Output::Send(RelayFrame::Push(Push::Welcome(welcome)))]),
            closing: false,
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether another frame may be read now; if not, the socket is left to fill up.
    #[must_use]
    pub fn reads(&self) -> bool {
        !self.closing && self.in_flight.len() < IN_FLIGHT_COUNT && self.in_flight_bytes < IN_FLIGHT_BYTES
    }

    /// One WebSocket message came.
    pub fn receive(&mut self, bytes: &[u8], now: Timestamp, admission: &Admission) {
        if self.closing {
            return;
        }
        let decoded = CommandFrame::decode(bytes);
        // A later version's command is no reason to hang up.
        let is_unknown = matches!(decoded, Err(DecodeError::Unknown(_)));
        // The id, if that much came, so that the client learns which command it was.
        let id = bytes.first_chunk().map(|id| CommandId(u32::from_be_bytes(*id))).filter(|id| *id != CommandId::PUSH);
        let Some(id) = id else { return self.close() };
        if self.in_flight.contains_key(&id) || (decoded.is_err() && !is_unknown) {
            return self.refuse_and_close(id, Refusal::Malformed);
        }
        if let Err(refusal) = self.rate.take(now) {
            return self.reply(id, Reply::Refused(refusal));
        }
        let Ok(CommandFrame { command, .. }) = decoded else {
            return self.reply(id, Reply::Refused(Refusal::Unsupported));
        };
        match command {
            Command::Ping => self.reply(id, Reply::Pong),
            Command::Watch { owner, handle } => self.watch(id, owner, handle),
            Command::Ack { handle, sequence } => self.ack(id, handle, sequence),
            command => {
                let weight = if matches!(command, Command::GetChunk { .. }) { CHUNK_BYTES } else { bytes.len() };
                match admission.admit(command) {
                    Ok(admitted) => self.begin(id, weight, Output::Serve(id, admitted)),
                    Err(Refusal::Malformed) => self.refuse_and_close(id, Refusal::Malformed),
                    Err(refusal) => self.reply(id, Reply::Refused(refusal)),
                }
            }
        }
    }

    /// A command came to this.
    pub fn answered(&mut self, id: CommandId, reply: Reply) {
        if let Some(bytes) = self.in_flight.remove(&id) {
            self.in_flight_bytes = self.in_flight_bytes.saturating_sub(bytes);
        }
        let malformed = reply == Reply::Refused(Refusal::Malformed);
        self.reply(id, reply);
        if malformed {
            self.close();
        }
    }

    /// A watch has begun.
    pub fn watching(
        &mut self,
        id: CommandId,
        handle: MailboxHandle,
        owner: OwnerHash,
        watch: WatchId,
        highest_acked: Sequence,
    ) {
        self.no_longer_asked(handle);
        self.answered(id, Reply::Watching { highest_acked });
        let live =
            Live { id: watch, owner, pushed: Sequence(0), unacked: BTreeSet::new(), more: true, announced: false };
        self.watches.insert(handle, Watch::Live(live));
        self.advance(handle);
    }

    /// A watch was refused.
    pub fn not_watching(&mut self, id: CommandId, handle: MailboxHandle, refusal: Refusal) {
        self.no_longer_asked(handle);
        self.answered(id, Reply::Refused(refusal));
    }

    /// An ack came to this; after Done there is room in the window.
    pub fn acked(&mut self, id: CommandId, handle: MailboxHandle, sequence: Sequence, reply: Reply) {
        let done = reply == Reply::Done;
        self.answered(id, reply);
        if done && let Some(Watch::Live(live)) = self.watches.get_mut(&handle) {
            live.unacked.remove(&sequence);
        }
        self.advance(handle);
    }

    /// Something may be stored.
    pub fn wake(&mut self, handle: MailboxHandle, watch: WatchId) {
        if let Some(live) = self.live(handle, watch) {
            live.more = true;
            self.advance(handle);
        }
    }

    /// Another watch took over.
    pub fn superseded(&mut self, handle: MailboxHandle, watch: WatchId) {
        if self.live(handle, watch).is_some() {
            self.watches.insert(handle, Watch::Superseded);
            self.outputs.push_back(Output::Send(RelayFrame::Push(Push::Superseded(handle))));
        }
    }

    /// What was read from a mailbox.
    pub fn page(&mut self, handle: MailboxHandle, watch: WatchId, page: Page) {
        self.loading = false;
        let Some(live) = self.live(handle, watch) else { return self.load() };
        live.pushed = live.pushed.max(page.end);
        live.more |= !page.complete;
        live.announced &= page.envelopes.is_empty();
        live.unacked.extend(page.envelopes.iter().map(|(sequence, _)| *sequence));
        let caught_up = !live.more && !live.announced;
        live.announced |= caught_up;
        for (sequence, stored) in page.envelopes {
            let delivery = Delivery { handle, sequence, envelope: stored.envelope, day: stored.head.day };
            self.outputs.push_back(Output::Send(RelayFrame::Push(Push::Delivery(delivery))));
        }
        if caught_up {
            self.outputs.push_back(Output::Send(RelayFrame::Push(Push::CaughtUp(handle))));
        }
        self.advance(handle);
    }

    /// Takes nothing more; answers what is under way.
    pub fn close(&mut self) {
        if !self.closing {
            self.closing = true;
            self.outputs.push_back(Output::Close);
        }
    }

    /// Whether commands are still under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The live watches, to be ended with the connection.
    pub fn watched(&self) -> impl Iterator<Item = (OwnerHash, WatchId)> + '_ {
        self.watches.values().filter_map(|watch| match watch {
            Watch::Live(live) => Some((live.owner, live.id)),
            Watch::Superseded => None,
        })
    }

    fn live(&mut self, handle: MailboxHandle, watch: WatchId) -> Option<&mut Live> {
        match self.watches.get_mut(&handle) {
            Some(Watch::Live(live)) if live.id == watch => Some(live),
            _ => None,
        }
    }

    /// Has a mailbox read in its turn, if there is more and there is room in the window.
    fn advance(&mut self, handle: MailboxHandle) {
        if let Some(Watch::Live(live)) = self.watches.get(&handle)
            && live.wanted_count() > 0
            && !self.waiting.contains(&handle)
        {
            self.waiting.push_back(handle);
        }
        self.load();
    }

    /// Asks for the next page, unless one is on its way.
    fn load(&mut self) {
        while !self.loading
            && let Some(handle) = self.waiting.pop_front()
        {
            let Some(Watch::Live(live)) = self.watches.get_mut(&handle) else { continue };
            let count = live.wanted_count();
            if count == 0 {
                continue;
            }
            self.loading = true;
            // A wake-up from here on asks for another look: this one may be too early for it.
            live.more = false;
            self.outputs.push_back(Output::Load(handle, live.id, live.owner, live.pushed, count));
        }
    }

    fn watch(&mut self, id: CommandId, owner: Capability<right::Owner>, handle: MailboxHandle) {
        let hash = owner.hash();
        let watched = match self.watches.get(&handle) {
            Some(Watch::Live(live)) => Some(live.owner),
            Some(Watch::Superseded) | None => None,
        };
        let asked = self.asked.get(&handle).map(|asked| asked.owner);
        if watched.into_iter().chain(asked).any(|owner| owner != hash) {
            return self.reply(id, Reply::Refused(Refusal::Refused));
        }
        let known = asked.is_some() || self.watches.contains_key(&handle);
        let new = self.asked.keys().filter(|handle| !self.watches.contains_key(handle)).count();
        if !known && self.watches.len().saturating_add(new) >= WATCHED_MAILBOXES {
            return self.reply(id, Reply::Refused(Refusal::TooLarge));
        }
        let asked = self.asked.entry(handle).or_insert(Asked { owner: hash, count: 0 });
        asked.count = asked.count.saturating_add(1);
        self.begin(id, 0, Output::Watch(id, owner, handle));
    }

    fn no_longer_asked(&mut self, handle: MailboxHandle) {
        let Some(asked) = self.asked.get_mut(&handle) else { return };
        asked.count = asked.count.saturating_sub(1);
        if asked.count == 0 {
            self.asked.remove(&handle);
        }
    }

    fn ack(&mut self, id: CommandId, handle: MailboxHandle, sequence: Sequence) {
        match self.watches.get(&handle) {
            Some(Watch::Live(live)) => {
                let owner = live.owner;
                self.begin(id, 0, Output::Ack(id, handle, owner, sequence));
            }
            Some(Watch::Superseded) => self.reply(id, Reply::Refused(Refusal::Superseded)),
            None => self.reply(id, Reply::Refused(Refusal::Refused)),
        }
    }

    fn begin(&mut self, id: CommandId, bytes: usize, output: Output) {
        self.in_flight.insert(id, bytes);
        self.in_flight_bytes = self.in_flight_bytes.saturating_add(bytes);
        self.outputs.push_back(output);
    }

    fn reply(&mut self, id: CommandId, reply: Reply) {
        self.outputs.push_back(Output::Send(RelayFrame::Reply(id, reply)));
    }

    fn refuse_and_close(&mut self, id: CommandId, refusal: Refusal) {
        self.reply(id, Reply::Refused(refusal));
        self.close();
    }
}
