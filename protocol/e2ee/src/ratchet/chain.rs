//! Chain keys: `message_key = HMAC(chain, 0x01)`, `chain = HMAC(chain, 0x02)`; a chain never goes back.

use lightproof_wire::{
    codec::{TlsDeserialize, TlsSerialize, TlsSize},
    time::Day,
};

use super::{
    Announcement, Header, Refused, SKIPPED_PER_ENVELOPE, ToSeal,
    skipped::{OldChain, Skipped},
};
use crate::{
    error::EncloseError,
    kdf,
    secret::{Key, purpose},
};

const MESSAGE_KEY: u8 = 0x01;
const NEXT_CHAIN: u8 = 0x02;

fn step(chain: &Key<purpose::Chain>) -> (Key<purpose::Chain>, Key<purpose::Message>) {
    (kdf::step(chain, NEXT_CHAIN), kdf::step(chain, MESSAGE_KEY))
}

/// The chain we send on.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct SendingChain {
    chain: Key<purpose::Chain>,
    header: Key<purpose::Header>,
    announcement: Announcement,
    n: u32,
    pn: u32,
}

impl SendingChain {
    pub(crate) const fn new(
        chain: Key<purpose::Chain>,
        header: Key<purpose::Header>,
        announcement: Announcement,
        pn: u32,
    ) -> Self {
        Self { chain, header, announcement, n: 0, pn }
    }

    pub(crate) const fn n(&self) -> u32 {
        self.n
    }

    #[cfg(test)]
    pub(crate) const fn wind_to(&mut self, n: u32) {
        self.n = n;
    }

    /// The keys of the next message.
    pub(crate) fn advance(self) -> Result<(Self, ToSeal), EncloseError> {
        let next_n = self.n.checked_add(1).ok_or(EncloseError::ChainExhausted)?;
        let (chain, message_key) = step(&self.chain);
        let header = Header { announcement: self.announcement.clone(), n: self.n, pn: self.pn };
        let to_seal = ToSeal { header_key: self.header.duplicate(), header, message_key };
        Ok((Self { chain, n: next_n, ..self }, to_seal))
    }
}

/// The chain the other side sends on.
#[derive(TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct ReceivingChain {
    chain: Key<purpose::Chain>,
    header: Key<purpose::Header>,
    n: u32,
    skipped: Skipped,
}

impl ReceivingChain {
    pub(crate) fn new(chain: Key<purpose::Chain>, header: Key<purpose::Header>) -> Self {
        Self { chain, header, n: 0, skipped: Skipped::default() }
    }

    pub(crate) const fn n(&self) -> u32 {
        self.n
    }

    pub(crate) const fn header(&self) -> &Key<purpose::Header> {
        &self.header
    }

    pub(crate) const fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    pub(crate) const fn skipped_mut(&mut self) -> &mut Skipped {
        &mut self.skipped
    }

    /// The key of message `n`; the keys of those before it are stored.
    pub(crate) fn message_key(&mut self, n: u32, today: Day) -> Result<Key<purpose::Message>, Refused> {
        let Some(missing) = n.checked_sub(self.n) else {
            return self.skipped.take(n).ok_or(Refused::AlreadyOpened);
        };
        if missing > SKIPPED_PER_ENVELOPE {
            return Err(Refused::TooManySkipped);
        }
        let after = n.checked_add(1).ok_or(Refused::Undecryptable)?;
        self.skip_to(n, today);
        let (chain, key) = step(&self.chain);
        (self.chain, self.n) = (chain, after);
        Ok(key)
    }

    /// The end of the chain, as the other side counts it: only skipped messages are left to come.
    pub(crate) fn finish(mut self, length: u32, today: Day) -> OldChain {
        self.skip_to(length, today);
        OldChain::new(self.header, self.skipped)
    }

    fn skip_to(&mut self, n: u32, today: Day) {
        for skipped in self.n..n {
            let (chain, key) = step(&self.chain);
            self.chain = chain;
            self.skipped.store(skipped, key, today);
        }
        self.n = self.n.max(n);
    }
}
