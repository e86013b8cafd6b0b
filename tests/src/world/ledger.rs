//! Who sent what, and whether everybody has it: acknowledged means delivered once, whole and in order, or missing by a
//! rule that is published and shown.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use lightproof_core::{
    ClientError, Failure,
    event::Notice,
    message::{Direction, Message, State},
    receive::Reason,
};

use super::{
    founding::World,
    member::{Member, NAMES},
};
use crate::scene::noise;

/// What one person asked for.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Who sent it.
    pub from: usize,
    /// For whom.
    pub to: Vec<usize>,
    /// Its photos: seed and length of each.
    pub photos: Vec<(u64, usize)>,
}

/// What happened that a network cannot do, and what may follow from it.
#[derive(Clone, Debug, Default)]
pub struct Accidents {
    /// People whose disk was replaced by an older copy, with what they had received by then.
    pub went_back: BTreeMap<usize, BTreeSet<[u8; 16]>>,
    /// Of these, one is a home that was restored from a backup.
    pub restored: bool,
    /// A relay's disk was replaced by an older copy.
    pub relay_went_back: bool,
    /// A relay's clock was wrong for a while.
    pub relay_clock: bool,
}

/// All sends of a world, by note, and what nobody should ever be told in it. A clone is the same ledger.
#[derive(Clone, Default)]
pub struct Ledger {
    sendings: Rc<RefCell<BTreeMap<String, Sending>>>,
    suspicions: Rc<RefCell<Vec<String>>>,
    /// What happened.
    pub accidents: Rc<RefCell<Accidents>>,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that were sealed for one recipient.
    pub sealed: u64,
    /// Of these, delivered once, whole, in order.
    pub delivered: u64,
    /// Of these, missing by a published rule, and shown.
    pub accounted: u64,
    /// Photos compared byte for byte.
    pub photos: u64,
}

impl Ledger {
    /// A send is about to be asked for.
    pub fn write(&self, note: &str, sending: Sending) {
        self.sendings.borrow_mut().insert(note.to_owned(), sending);
    }

    /// Somebody's disk is replaced by an older copy, and this is what they had received by then.
    pub fn went_back(&self, who: usize, had: BTreeSet<[u8; 16]>) {
        self.accidents.borrow_mut().went_back.entry(who).or_default().extend(had);
    }

    /// A step failed: nobody lies in this world, so nobody may be accused.
    pub fn failed(&self, who: usize, error: &ClientError) {
        let of_own = matches!(error, ClientError::Vault(_) | ClientError::Damaged);
        if error.failure() == Failure::Verification || of_own {
            self.suspicions.borrow_mut().push(format!("{}: {error:?}", NAMES[who]));
        }
    }

    /// Whether everything is where it belongs.
    ///
    /// # Errors
    /// What is not.
    pub async fn judge(&self, world: &World) -> Result<Tally, String> {
        if let Some(first) = self.suspicions.borrow().first() {
            return Err(format!("a relay or a contact was accused: {first}"));
        }
        let mut tally = Tally::default();
        let mut inboxes = Vec::new();
        for member in &world.members {
            let inbox = member.messages(Direction::In).await;
            self.check_inbox(world, member, &inbox, &mut tally).await?;
            inboxes.push(inbox);
        }
        for sender in &world.members {
            let status = sender.client.status().await.unwrap();
            if (status.drafts, status.outbox) != (0, 0) {
                return Err(format!("{} has {} drafts, {} in the outbox", sender.name(), status.drafts, status.outbox));
            }
            for message in sender.messages(Direction::Out).await {
                tally.sealed += 1;
                self.check_sent(world, sender, &message, &inboxes, &mut tally).await?;
            }
        }
        Ok(tally)
    }

    /// Nothing made up, nothing twice, nothing changed, nothing out of order.
    async fn check_inbox(
        &self,
        world: &World,
        of: &Member,
        inbox: &[Message],
        tally: &mut Tally,
    ) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        let mut places: BTreeMap<_, u64> = BTreeMap::new();
        for message in inbox {
            let note = message.note.as_str();
            let told = |what: &str| Err(format!("{}: {note:?} {what}", of.name()));
            let Some(sending) = self.sendings.borrow().get(note).cloned() else { return told("was never sent") };
            let sender = &world.members[sending.from];
            if message.contact != sender.client.fingerprint() || !sending.to.contains(&of.number) {
                return told("is somebody else's");
            }
            // A copy of an old disk sends what it had begun once more, as another message. A backup holds nothing of it.
            let accidents = self.accidents.borrow().clone();
            let may_repeat = accidents.went_back.contains_key(&sending.from) && !accidents.restored;
            if !seen.insert(note) && !may_repeat {
                return told("is shown twice");
            }
            let last = places.insert((message.contact, message.line), message.index);
            if last.is_some_and(|last| last >= message.index) {
                return told("is out of order");
            }
            self.check_photos(of, message, &sending, tally).await?;
        }
        Ok(())
    }

    async fn check_photos(
        &self,
        of: &Member,
        message: &Message,
        sending: &Sending,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let note = message.note.as_str();
        if message.photos.as_slice().len() != sending.photos.len() {
            return Err(format!("{}: {note:?} has other photos", of.name()));
        }
        let accidents = self.accidents.borrow().clone();
        let spool_lost = accidents.went_back.contains_key(&of.number) && !accidents.restored;
        for (place, (seed, length_bytes)) in
            sending.photos.iter().enumerate().filter(|_| message.state == State::Verified)
        {
            match of.photo(message, place).await {
                Ok(bytes) if bytes == noise(*seed, *length_bytes) => tally.photos += 1,
                Ok(_) => return Err(format!("{}: photo {place} of {note:?} is another", of.name())),
                // The spool lost it with the disk; that a photo was verified is the older disk's word.
                Err(_) if spool_lost => {}
                Err(error) => return Err(format!("{}: photo {place} of {note:?}: {error}", of.name())),
            }
        }
        Ok(())
    }

    async fn check_sent(
        &self,
        world: &World,
        sender: &Member,
        message: &Message,
        inboxes: &[Vec<Message>],
        tally: &mut Tally,
    ) -> Result<(), String> {
        let recipient = world.members.iter().find(|member| member.client.fingerprint() == message.contact);
        let recipient = recipient.ok_or("a message for nobody")?;
        let accidents = self.accidents.borrow().clone();
        let from = sender.client.fingerprint();
        let id = message.message_id;
        let arrived = inboxes[recipient.number].iter().find(|there| there.contact == from && there.message_id == id);
        let lost = format!("{:?} of {} for {}", message.note.as_str(), sender.name(), recipient.name());
        match arrived {
            Some(arrived) if arrived.state == State::Verified => {
                tally.delivered += 1;
                return Ok(());
            }
            Some(arrived) => {
                // Gone from a relay that was an old copy, or whose clock had passed its day; or let go by the recipient
                // whose disk went back since, or of an earlier message that a sender's old disk sends once more.
                let old_disk = accidents.went_back.contains_key(&recipient.number)
                    || accidents.went_back.contains_key(&sender.number);
                let may_be_gone = accidents.relay_went_back || accidents.relay_clock || old_disk;
                if arrived.state != State::Expired || !may_be_gone {
                    return Err(format!("{lost} is {:?}", arrived.state));
                }
            }
            None => {
                let had_it = accidents.went_back.get(&recipient.number).is_some_and(|had| had.contains(&id.0));
                let is_expired = message.state == State::Expired && accidents.relay_clock;
                let is_missing = accidents.relay_went_back && self.is_missing(recipient, sender).await;
                let may_be_told = accidents.went_back.contains_key(&sender.number)
                    && matches!(message.state, State::Outbox | State::Deposited | State::Expired);
                let is_told = may_be_told && self.is_each_told(sender, recipient, inboxes).await;
                if !(had_it || is_expired || is_missing || is_told) {
                    let status = recipient.client.status().await.unwrap();
                    let (aside, missing) = (status.aside, status.missing);
                    return Err(format!("{lost} is lost ({:?}); {missing} missing, aside {aside:?}", message.state));
                }
            }
        }
        tally.accounted += 1;
        Ok(())
    }

    async fn is_missing(&self, recipient: &Member, sender: &Member) -> bool {
        recipient.client.contact(sender.name()).await.unwrap().missing() > 0
    }

    /// Whether there is an envelope that shows on its recipient's side, or a word to its sender, for every message of a sender
    /// who was an old copy that did not arrive: one such accounts for one message, and not for all that follow.
    async fn is_each_told(&self, sender: &Member, recipient: &Member, inboxes: &[Vec<Message>]) -> bool {
        let (from, to) = (sender.client.fingerprint(), recipient.client.fingerprint());
        let accidents = self.accidents.borrow().clone();
        let arrived = |sent: &Message| {
            let had = accidents.went_back.get(&recipient.number).is_some_and(|had| had.contains(&sent.message_id.0));
            let is_it = |there: &Message| there.contact == from && there.message_id == sent.message_id;
            had || inboxes[recipient.number].iter().any(is_it)
        };
        let sent = sender.messages(Direction::Out).await;
        let gone = sent.iter().filter(|sent| sent.contact == to && !arrived(sent)).count();
        // What contradicts is no excuse: its sender is told that it may not have arrived.
        let is_of_old_copy = |reason| matches!(reason, Reason::AlreadyOpened(of) | Reason::OutOfStep(of) if of == from);
        let aside = recipient.client.aside().await.unwrap();
        let aside = aside.iter().filter(|aside| is_of_old_copy(aside.reason)).count();
        let doubtful = |notice: &Notice| match notice {
            Notice::Doubtful { contact, count } if *contact == to => *count,
            _ => 0,
        };
        let told: u64 = sender.notices.borrow().iter().map(doubtful).sum();
        gone as u64 <= aside as u64 + told
    }
}
