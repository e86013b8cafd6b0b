//! A home that is open: its client with the edges of this machine, and what it says while it works.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::rc::Rc;

use lightproof_core::event::{Event, Notice};
use lightproof_core::vault::unlock::Passphrase;
use lightproof_core::vault::wants_passphrase;
use lightproof_core::{Client, ClientError, NewHome};

use crate::args::Global;
use crate::clock::rng;
use crate::exit::Failure;
use crate::home::Home;
use crate::memory::wipe_stack;
use crate::output::{Output, Verbosity};
use crate::plan::{self, PassphraseSource};
use crate::progress::{Place, Progress};
use crate::sanitize::Sanitized;
use crate::spool::FileSpool;
use crate::store::RedbStore;
use crate::terminal::{self, Purpose};
use crate::transport::WebSocketTransport;

/// The edges of this machine.
type Edges = (RedbStore, FileSpool, WebSocketTransport);

/// An open home.
pub(crate) struct Opened {
    /// The client.
    pub(crate) client: Client<RedbStore, FileSpool, WebSocketTransport>,
    /// Its folder.
    pub(crate) home: Home,
    store: RedbStore,
    heard: Rc<Heard>,
}

impl Opened {
    /// Opens the home of this run; asks for its passphrase if it has one.
    ///
    /// # Errors
    /// Where there is none, the passphrase is wrong, or the disk fails.
    pub(crate) async fn open(global: &Global, output: &mut Output) -> Result<Self, Failure> {
        let home = Home::open(plan::home(global, |name| std::env::var_os(name))?)?;
        output.step(format_args!("home {}", Sanitized::path(home.path())));
        let edges = edges(&home, output.verbosity())?;
        let passphrase = if wants_passphrase(&edges.0).await? {
            let source = PassphraseSource::current(global, is_set);
            Passphrase::Words(terminal::passphrase(&source, Purpose::Unlock, output)?)
        } else {
            Passphrase::None
        };
        let store = edges.0.clone();
        let client = opened(Client::open(edges, &passphrase)).await?;
        Ok(Self::assemble(client, home, store, output.verbosity()))
    }

    /// Opens a home whose passphrase is known.
    ///
    /// # Errors
    /// Those of the disk.
    pub(crate) async fn open_with(home: Home, passphrase: &Passphrase, output: &Output) -> Result<Self, Failure> {
        let edges = edges(&home, output.verbosity())?;
        let store = edges.0.clone();
        let client = opened(Client::open(edges, passphrase)).await?;
        Ok(Self::assemble(client, home, store, output.verbosity()))
    }

    /// Opens the home of this run where nobody has to be asked for it; `None` where there is none, or it does not open.
    pub(crate) async fn open_unasked(global: &Global, output: &mut Output) -> Option<Self> {
        let home = Home::open(plan::home(global, |name| std::env::var_os(name)).ok()?).ok()?;
        let edges = edges(&home, output.verbosity()).ok()?;
        let passphrase = if wants_passphrase(&edges.0).await.ok()? {
            let source = PassphraseSource::current(global, is_set);
            if source.is_asking() {
                return None;
            }
            Passphrase::Words(terminal::passphrase(&source, Purpose::Unlock, output).ok()?)
        } else {
            Passphrase::None
        };
        let store = edges.0.clone();
        let client = opened(Client::open(edges, &passphrase)).await.ok()?;
        Some(Self::assemble(client, home, store, output.verbosity()))
    }

    /// Makes a home in a folder that has none. Nothing is sent.
    ///
    /// # Errors
    /// Where there is one already, or the disk fails.
    pub(crate) async fn create(
        home: Home,
        new: NewHome,
        passphrase: &Passphrase,
        output: &Output,
    ) -> Result<Self, Failure> {
        let edges = edges(&home, output.verbosity())?;
        let store = edges.0.clone();
        let client = Client::create(edges, new, passphrase, &mut rng()).await?;
        Ok(Self::assemble(client, home, store, output.verbosity()))
    }

    /// The same home once more in this process: what one of the two waits for does not hold up the other. What is noticed
    /// is noticed for both.
    ///
    /// # Errors
    /// Where the spool or TLS cannot be set up.
    pub(crate) fn beside(&self) -> Result<Self, Failure> {
        let (_, spool, transport) = edges(&self.home, Verbosity::Quiet)?;
        let hearing = Rc::clone(&self.heard);
        let client = self.client.beside((self.store.clone(), spool, transport));
        Ok(Self {
            client: client.with_events(move |event| hearing.hear(event)),
            home: self.home.clone(),
            store: self.store.clone(),
            heard: Rc::clone(&self.heard),
        })
    }

    /// Somebody else hears, too, what the client says while it works.
    pub(crate) fn listen(&self, ear: impl Fn(&Event) + 'static) {
        *self.heard.ear.borrow_mut() = Box::new(ear);
    }

    /// What was noticed since the last time, to be told in another way.
    pub(crate) fn take_notices(&self) -> Vec<Notice> {
        self.heard.notices.take()
    }

    fn assemble(
        client: Client<RedbStore, FileSpool, WebSocketTransport>,
        home: Home,
        store: RedbStore,
        verbosity: Verbosity,
    ) -> Self {
        let heard = Rc::new(Heard::new(verbosity));
        let hearing = Rc::clone(&heard);
        Self { client: client.with_events(move |event| hearing.hear(event)), home, store, heard }
    }

    /// Says what was noticed since the last time, as warnings.
    ///
    /// # Errors
    /// The vault's.
    pub(crate) async fn tell_notices(&self, output: &mut Output) -> Result<(), ClientError> {
        self.heard.rest();
        for notice in self.heard.notices.take() {
            output.warn(self.words(&notice).await?);
        }
        Ok(())
    }

    /// Something in this run did not verify: whatever else happens, that is how the run ends.
    pub(crate) fn raise_alarm(&self) {
        self.heard.is_alarmed.set(true);
    }

    /// Whether anything in this run was forged, would not open, or did not verify.
    pub(crate) fn is_alarmed(&self) -> bool {
        self.heard.is_alarmed.get()
    }

    /// Whether another copy of this home has taken over during this run.
    pub(crate) fn is_superseded(&self) -> bool {
        self.heard.is_superseded.get()
    }

    /// For the very end of a run.
    pub(crate) fn leave(self) {
        self.store.leave();
    }
}

/// Whether a variable of the environment is set.
pub(crate) fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

fn edges(home: &Home, verbosity: Verbosity) -> Result<Edges, Failure> {
    let say_waiting = move || {
        if verbosity > Verbosity::Quiet {
            // Where stderr is gone there is nobody to tell.
            let _unheard = writeln!(io::stderr(), "waiting: another lightproof command holds this home");
        }
    };
    let transport =
        WebSocketTransport::new().map_err(|error| Failure::failed(format!("cannot set up TLS: {error}")))?;
    Ok((RedbStore::of(home.clone(), say_waiting)?, FileSpool::of(home)?, transport))
}

/// Opens a vault, and leaves no key where it was opened: what a future has moved out of stays where the future lies, which
/// is the heap here, and what its calls leave on the stack would stay in the gaps of later ones.
async fn opened<C>(opening: impl Future<Output = Result<C, ClientError>>) -> Result<C, ClientError> {
    let client = Box::pin(opening).await;
    wipe_stack();
    client
}

/// Somebody else who hears what the client says.
type Ear = Box<dyn Fn(&Event)>;

/// What the client says while it works: progress is drawn at once, notices wait until nothing else is on the line.
struct Heard {
    ear: RefCell<Ear>,
    progress: RefCell<Progress>,
    notices: RefCell<Vec<Notice>>,
    /// Of the whole run: told or not, an alarm is not forgotten.
    is_alarmed: Cell<bool>,
    is_superseded: Cell<bool>,
}

impl Heard {
    fn new(verbosity: Verbosity) -> Self {
        Self {
            ear: RefCell::new(Box::new(|_| {})),
            progress: RefCell::new(Progress::new(verbosity)),
            notices: RefCell::default(),
            is_alarmed: Cell::default(),
            is_superseded: Cell::default(),
        }
    }

    fn hear(&self, event: Event) {
        self.ear.borrow()(&event);
        match event {
            Event::Photo { stage, number, count, before_bytes, total_bytes } => {
                self.progress.borrow_mut().photo(stage, Place { number, count, before_bytes, total_bytes });
            }
            Event::Progress { stage, done_bytes, total_bytes } => {
                self.progress.borrow_mut().done(stage, done_bytes, total_bytes);
            }
            Event::Notice(notice) => {
                self.is_alarmed.set(self.is_alarmed.get() || notice.is_alarm());
                self.is_superseded.set(self.is_superseded.get() || notice == Notice::Superseded);
                let mut notices = self.notices.borrow_mut();
                if !notices.contains(&notice) {
                    notices.push(notice);
                }
            }
            _ => {}
        }
    }

    fn rest(&self) {
        self.progress.borrow_mut().rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_remembered_after_it_was_told() {
        let heard = Heard::new(Verbosity::Quiet);
        heard.hear(Event::Notice(Notice::NewerVersion));
        assert!(!heard.is_alarmed.get() && !heard.is_superseded.get());
        heard.hear(Event::Notice(Notice::Unopened));
        heard.hear(Event::Notice(Notice::Superseded));
        heard.hear(Event::Notice(Notice::NewerVersion));
        assert_eq!(heard.notices.take().len(), 3);
        assert!(heard.is_alarmed.get() && heard.is_superseded.get());
    }
}
