//! What `status` shows: what is under way, what is in stock, what went wrong.

use lightproof_wire::time::Timestamp;

use crate::{
    backup::RestoredFrom,
    client::Client,
    error::ClientError,
    message::{Direction, State},
    moving::Left,
    receive::Reason,
    relays::Relay,
    spool::Spool,
    transport::Transport,
    vault::store::Store,
};

/// One look at the whole home.
#[derive(Clone, Debug)]
pub struct Status {
    /// Sends that are not enclosed yet.
    pub drafts: usize,
    /// Sealed envelopes that are not deposited yet.
    pub outbox: usize,
    /// Messages of ours that are being taken back, while a part of that waits for a relay.
    pub retracts: usize,
    /// Received messages that nobody has looked at.
    pub unread: usize,
    /// Received messages whose photos are not here yet.
    pub waiting: usize,
    /// Messages of ours that nobody fetched in time, and photos that were gone before we fetched them.
    pub expired: usize,
    /// Received messages that are not what their sender sealed.
    pub failed: usize,
    /// People who wait for an answer.
    pub requests: usize,
    /// Envelopes that would not open, by reason.
    pub aside: Vec<Reason>,
    /// Messages of contacts that are missing before one that came.
    pub missing: u64,
    /// Receipts that are owed.
    pub receipts_due: usize,
    /// One-time prekeys at our doorbell when the relay was last asked.
    pub one_time_prekeys: u16,
    /// Secrets of prekeys kept here.
    pub prekey_secrets: usize,
    /// Whether the first messages to us would lack a one-time prekey.
    pub prekeys_used_up: bool,
    /// When everything was last fetched.
    pub last_complete_fetch: Timestamp,
    /// Whether this home was found to be an older copy.
    pub was_old_copy: bool,
    /// Relays that were left and are still watched.
    pub left: Vec<Left>,
    /// The backup that this home was made from, if it was.
    pub restored_from: Option<RestoredFrom>,
    /// Relays with what they last said of themselves.
    pub relays: Vec<Relay>,
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Looks at the vault; asks no relay.
    ///
    /// # Errors
    /// The vault's.
    pub async fn status(&self) -> Result<Status, ClientError> {
        let profile = self.profile().await?;
        let messages = self.messages().await?;
        let received = |state| {
            messages.iter().filter(|message| message.direction == Direction::In && message.state == state).count()
        };
        let outgoing = self.outgoing().await?;
        Ok(Status {
            drafts: outgoing.iter().filter(|outgoing| !outgoing.is_enclosed()).count(),
            outbox: self.outbox().await?.len(),
            retracts: self.waiting_retracts().await?.len(),
            unread: messages.iter().filter(|message| !message.read.is_yes()).count(),
            waiting: received(State::Waiting),
            expired: messages.iter().filter(|message| message.state == State::Expired).count(),
            failed: received(State::Failed),
            requests: self.requests().await?.len(),
            aside: self.aside().await?.iter().map(|aside| aside.reason).collect(),
            missing: self.contacts().await?.iter().fold(0, |sum, contact| sum.saturating_add(contact.missing())),
            receipts_due: self.vault.scan::<crate::receive::DueReceipt>().await?.len(),
            one_time_prekeys: profile.one_time_left,
            prekey_secrets: self.prekey_secrets().await?,
            prekeys_used_up: profile.signed_prekey_made.is_some() && profile.one_time_left == 0,
            last_complete_fetch: profile.last_complete_fetch,
            was_old_copy: profile.was_old_copy.is_yes(),
            left: self.left_relays().await?,
            restored_from: self.restored_from().await?,
            relays: self.relays().await?,
        })
    }
}
