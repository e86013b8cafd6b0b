//! Keys of messages that have not come yet, by chain: few, and not for ever.
//!
//! Each is a hole in forward secrecy, so their number and their age are bounded; the oldest goes first.

use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    time::Day,
};

use super::{OLD_HEADER_KEYS, SKIPPED_PER_ENVELOPE, SKIPPED_STORED};
use crate::{
    record::Rows,
    secret::{Key, purpose},
};

// One envelope may take the stock over its bound before the oldest goes.
const ROWS: usize = SKIPPED_STORED + SKIPPED_PER_ENVELOPE as usize;

#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
struct SkippedKey {
    n: u32,
    since: Day,
    key: Key<purpose::Message>,
}

/// The stored keys of one chain, in the order of their messages and so of their age.
#[derive(Default, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct Skipped(Rows<SkippedKey, ROWS>);

impl Skipped {
    pub(crate) fn store(&mut self, n: u32, key: Key<purpose::Message>, since: Day) {
        self.0.0.push(SkippedKey { n, since, key });
    }

    /// Takes a key out: it opens one message, once.
    pub(crate) fn take(&mut self, n: u32) -> Option<Key<purpose::Message>> {
        let at = self.0.0.iter().position(|skipped| skipped.n == n)?;
        Some(self.0.0.remove(at).key)
    }

    pub(crate) const fn count(&self) -> usize {
        self.0.0.len()
    }

    /// Forgets at most `count` keys; says how many more would have gone.
    pub(crate) fn forget_oldest(&mut self, count: usize) -> usize {
        let gone = count.min(self.count());
        self.0.0.drain(..gone);
        count.saturating_sub(gone)
    }

    pub(crate) fn forget_before(&mut self, day: Day) {
        self.0.0.retain(|skipped| skipped.since >= day);
    }
}

/// A chain the other side has left, of which messages are missing.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct OldChain {
    header: Key<purpose::Header>,
    skipped: Skipped,
}

impl OldChain {
    pub(crate) const fn new(header: Key<purpose::Header>, skipped: Skipped) -> Self {
        Self { header, skipped }
    }
}

/// The chains left, oldest first; one without missing messages is not kept.
#[derive(Default, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct OldChains(Rows<OldChain, OLD_HEADER_KEYS>);

impl OldChains {
    pub(crate) fn push(&mut self, chain: OldChain) {
        self.0.0.push(chain);
        self.forget_empty();
        let excess = self.0.0.len().saturating_sub(OLD_HEADER_KEYS);
        self.0.0.drain(..excess);
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = &Key<purpose::Header>> {
        self.0.0.iter().map(|chain| &chain.header)
    }

    pub(crate) fn take(&mut self, chain: usize, n: u32) -> Option<Key<purpose::Message>> {
        let key = self.0.0.get_mut(chain)?.skipped.take(n);
        self.forget_empty();
        key
    }

    pub(crate) fn count(&self) -> usize {
        self.0.0.iter().fold(0, |sum, chain| sum.saturating_add(chain.skipped.count()))
    }

    /// Forgets at most `count` keys; says how many more would have gone.
    pub(crate) fn forget_oldest(&mut self, count: usize) -> usize {
        let left = self.0.0.iter_mut().fold(count, |left, chain| chain.skipped.forget_oldest(left));
        self.forget_empty();
        left
    }

    pub(crate) fn forget_before(&mut self, day: Day) {
        for chain in &mut self.0.0 {
            chain.skipped.forget_before(day);
        }
        self.forget_empty();
    }

    fn forget_empty(&mut self) {
        self.0.0.retain(|chain| chain.skipped.count() > 0);
    }
}
