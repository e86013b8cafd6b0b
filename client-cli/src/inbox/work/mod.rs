//! What the inbox has done outside: four things side by side, on one thread, each with the client of its own or none.
//!
//! ```text
//! receiving   watches the mailboxes, as `receive --follow` does; answers requests in between     a client of its own
//! sending     saves each draft, and sends one after the other                                     ⎫
//! at hand     what needs no relay: load, look, save, compare                                      ⎬ one client
//! outline     looks at the whole home after something changed                                     ⎭
//! ```
//!
//! Of each client only one thing at a time waits for a relay: two that waited on one connection could take each other's replies.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lightproof_core::ClientError;
use lightproof_core::event::{Event as Heard, Stage};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::event::{Event, Intent, Progress, Said};
use crate::exit::Failure;
use crate::opened::Opened;
use crate::picture::{Canvas, Depth};
use crate::progress::{Place, words};

mod hand;
mod outline;
mod receiving;
mod sending;

pub(crate) use sending::UnderWay;

/// Tells the inbox.
#[derive(Clone)]
pub(super) struct Tell(UnboundedSender<Event>);

impl Tell {
    /// Where nobody listens any more, nothing is to be told.
    fn event(&self, event: Event) {
        drop(self.0.send(event));
    }

    fn failure(&self, failure: &Failure) {
        self.event(Event::Said(Said::failure(failure)));
    }
}

/// Where intents go.
pub(super) struct Errands {
    at_hand: UnboundedSender<Intent>,
    receiving: UnboundedSender<Intent>,
    sending: UnboundedSender<Intent>,
}

impl Errands {
    /// To whoever does such things.
    pub(super) fn take(&self, intent: Intent) {
        let to = match intent {
            Intent::Accept { .. } | Intent::AllowRelay(_) => &self.receiving,
            Intent::Send(_) => &self.sending,
            _ => &self.at_hand,
        };
        // Whoever it was for has ended with the inbox.
        drop(to.send(intent));
    }
}

/// How pictures are drawn here.
#[derive(Clone, Copy)]
pub(super) struct Drawn {
    pub(super) canvas: Option<Canvas>,
    pub(super) depth: Depth,
}

/// Everything at work; nothing is done before it runs.
pub(super) struct Work<'a> {
    hand: &'a Opened,
    watcher: Opened,
    drawn: Drawn,
    under_way: &'a UnderWay,
    tell: Tell,
    changed: Notify,
    /// There is a mailbox to watch that was not there before.
    has_mailbox: Notify,
    at_hand: UnboundedReceiver<Intent>,
    receiving: UnboundedReceiver<Intent>,
    sending: UnboundedReceiver<Intent>,
}

impl<'a> Work<'a> {
    /// Puts it together: the work, where intents go, and what comes back.
    ///
    /// # Errors
    /// Where a second client of this home cannot be made.
    pub(super) fn of(
        opened: &'a Opened,
        drawn: Drawn,
        under_way: &'a UnderWay,
    ) -> Result<(Self, Errands, UnboundedReceiver<Event>), Failure> {
        let (tell, told) = unbounded_channel();
        let tell = Tell(tell);
        let (to_hand, at_hand) = unbounded_channel();
        let (to_receiving, receiving) = unbounded_channel();
        let (to_sending, sending) = unbounded_channel();
        let errands = Errands { at_hand: to_hand, receiving: to_receiving, sending: to_sending };
        let steps = Steps::default();
        let listening = tell.clone();
        opened.listen(move |heard| steps.hear(heard).into_iter().for_each(|event| listening.event(event)));
        let watcher = opened.beside()?;
        let work = Self {
            hand: opened,
            watcher,
            drawn,
            under_way,
            tell,
            changed: Notify::new(),
            has_mailbox: Notify::new(),
            at_hand,
            receiving,
            sending,
        };
        Ok((work, errands, told))
    }

    /// Works until it is dropped. What is dropped is as after a crash: nothing is half done.
    pub(super) async fn run(self) {
        let Self { hand, watcher, drawn, under_way, tell, changed, has_mailbox, at_hand, receiving, sending } = self;
        let hand = hand::Hand::new(hand, drawn, &tell, &changed);
        changed.notify_one();
        tokio::join!(
            receiving::run(receiving::Receiving::of(&watcher, &tell, &changed, &has_mailbox), receiving),
            sending::run(&hand, sending, under_way, &has_mailbox),
            side_by_side(&hand, at_hand),
            outlines(&hand, &changed),
        );
    }
}

/// None of these waits for another.
async fn side_by_side(hand: &hand::Hand<'_>, mut asked: UnboundedReceiver<Intent>) {
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(intent) = asked.recv() => under_way.push(hand.does(intent)),
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
            else => return,
        }
    }
}

/// One look at a time, so that an older one never comes after a newer one.
async fn outlines(hand: &hand::Hand<'_>, changed: &Notify) {
    loop {
        changed.notified().await;
        match outline::of(hand.opened).await {
            Ok(home) => hand.tell.event(Event::Home(home)),
            Err(error) => hand.tell.failure(&error.into()),
        }
    }
}

/// Notices, in words, to the inbox.
async fn tell_notices(opened: &Opened, tell: &Tell) -> Result<(), ClientError> {
    for notice in opened.take_notices() {
        tell.event(Event::Said(Said::warning(opened.words(&notice).await?)));
    }
    Ok(())
}

/// How far the long steps are.
#[derive(Default)]
struct Steps(RefCell<BTreeMap<u8, Place>>);

impl Steps {
    fn hear(&self, heard: &Heard) -> Option<Event> {
        let mut places = self.0.borrow_mut();
        match *heard {
            Heard::Photo { stage, number, count, before_bytes, total_bytes } => {
                places.insert(stage as u8, Place { number, count, before_bytes, total_bytes });
                Some(Event::Progress(stage, progress(stage, Place { number, count, before_bytes, total_bytes }, 0)))
            }
            Heard::Progress { stage, done_bytes, total_bytes } => {
                let alone = Place { number: 1, count: 1, before_bytes: 0, total_bytes };
                let place = places.get(&(stage as u8)).copied().unwrap_or(alone);
                Some(Event::Progress(stage, progress(stage, place, done_bytes)))
            }
            _ => None,
        }
    }
}

/// `None` once nothing is left to do.
fn progress(stage: Stage, place: Place, done_bytes: u64) -> Option<Progress> {
    let done_bytes = place.before_bytes.saturating_add(done_bytes).min(place.total_bytes);
    let progress = Progress { what: words(stage, place), done_bytes, total_bytes: place.total_bytes };
    (done_bytes < place.total_bytes).then_some(progress)
}
