//! Who watches what. A wake-up is a hint; the store is the truth, and a watcher reads it again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lightproof_wire::id::MailboxHandle;
use tokio::sync::Notify;

use crate::mailbox::OwnerHash;

/// Tells watches of one mailbox apart, over the whole life of a relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchId(u64);

/// All watches of a relay: at most one per mailbox.
#[derive(Default)]
pub struct Watches {
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    by_owner: HashMap<OwnerHash, Watch>,
    last: u64,
}

struct Watch {
    id: WatchId,
    handle: MailboxHandle,
    inbox: Arc<Inbox>,
}

/// What one connection should look at. Bounded by the mailboxes it watches.
#[derive(Default)]
pub struct Inbox {
    notify: Notify,
    hints: Mutex<Hints>,
}

/// What came up since the last look.
#[derive(Default)]
pub struct Hints {
    /// Something new may be stored.
    pub woken: BTreeSet<(MailboxHandle, WatchId)>,
    /// Another watch took over.
    pub superseded: BTreeSet<(MailboxHandle, WatchId)>,
}

impl Watches {
    /// Makes `inbox` the watcher of a mailbox; the watch before it learns that it is over.
    pub fn begin(&self, owner: OwnerHash, handle: MailboxHandle, inbox: &Arc<Inbox>) -> WatchId {
        let mut all = lock(&self.all);
        all.last = all.last.saturating_add(1);
        let id = WatchId(all.last);
        let before = all.by_owner.insert(owner, Watch { id, handle, inbox: Arc::clone(inbox) });
        drop(all);
        if let Some(before) = before {
            let repeated = Arc::ptr_eq(&before.inbox, inbox) && before.handle == handle;
            if !repeated {
                before.inbox.hint(|hints| hints.superseded.insert((before.handle, before.id)));
            }
        }
        id
    }

    /// Tells the watcher of a mailbox, if there is one, that something was stored.
    pub fn wake(&self, owner: &OwnerHash) {
        if let Some(watch) = lock(&self.all).by_owner.get(owner) {
            watch.inbox.hint(|hints| hints.woken.insert((watch.handle, watch.id)));
        }
    }

    /// Ends one watch, unless another has taken over.
    pub fn end(&self, owner: &OwnerHash, id: WatchId) {
        let mut all = lock(&self.all);
        if all.by_owner.get(owner).is_some_and(|watch| watch.id == id) {
            all.by_owner.remove(owner);
        }
    }
}

impl Inbox {
    /// Waits until there is something to look at.
    pub async fn changed(&self) {
        self.notify.notified().await;
    }

    /// Takes what there is.
    pub fn take(&self) -> Hints {
        std::mem::take(&mut *lock(&self.hints))
    }

    fn hint(&self, add: impl FnOnce(&mut Hints) -> bool) {
        add(&mut lock(&self.hints));
        self.notify.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
