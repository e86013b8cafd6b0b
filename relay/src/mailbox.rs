//! The rules of a mailbox: made once, filled to its quota, watched in order, acked one by one, retired for good.

use lightproof_wire::{
    capability::{CapabilityHash, right},
    codec::{self, TlsDeserialize, TlsSerialize, TlsSize},
    command::MailboxKind,
    deposit_receipt::DepositPromise,
    envelope::Envelope,
    hash::{Digest, Hasher},
    id::Sequence,
    refusal::Refusal,
    time::Day,
};

use crate::{
    access::{self, AccessHash, Amount},
    calendar,
    expire::{self, MailKey, Perishable},
    limits::{Limits, Made, Space},
    prekeys,
    store::{
        Rows, RowsMut, RuleError, Table,
        row::{self, Row},
    },
    tombstone::{self, Cause, Right, Tombstone, TombstoneKey},
};

/// Names a mailbox.
pub type OwnerHash = CapabilityHash<right::Owner>;
/// Names where to deposit.
pub type DropHash = CapabilityHash<right::Drop>;

/// A mailbox at rest.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct MailboxRow {
    /// Where to deposit.
    pub drop: DropHash,
    /// Doorbell or private.
    pub kind: MailboxKind,
    /// The capability that made it, where the relay asked for one.
    pub access: Option<AccessHash>,
    /// It lives on from this day.
    pub last_watch: Day,
    /// The highest sequence ever acked.
    pub highest_acked: Sequence,
    /// The highest sequence ever given.
    pub highest_given: Sequence,
    /// Envelopes stored now.
    pub stored_count: u32,
    /// The day `taken_count` speaks of.
    pub taken_on: Day,
    /// One-time prekeys given away on that day.
    pub taken_count: u16,
}

impl Row for MailboxRow {
    const TABLE: Table = Table::Mailboxes;
    type Key = OwnerHash;
}

/// Which mailbox a drop belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct DropRow {
    /// Its mailbox.
    pub owner: OwnerHash,
}

impl Row for DropRow {
    const TABLE: Table = Table::Drops;
    type Key = DropHash;
}

/// The key of a stored envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct EnvelopeKey {
    /// Its mailbox.
    pub owner: OwnerHash,
    /// Its place there.
    pub sequence: Sequence,
}

/// What is known of a stored envelope without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct EnvelopeHead {
    /// The day it came.
    pub day: Day,
    /// The last day it stays.
    pub expires: Day,
    /// Its name among the deposits.
    pub digest: Digest,
}

/// A stored envelope.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct EnvelopeRow {
    /// What is known of it without reading it.
    pub head: EnvelopeHead,
    /// Itself.
    pub envelope: Envelope,
}

impl Row for EnvelopeRow {
    const TABLE: Table = Table::Envelopes;
    type Key = EnvelopeKey;

    fn is_whole(&self) -> bool {
        self.envelope.digest() == self.head.digest
    }
}

/// The key of a deposit: the same envelope at the same drop is one deposit.
#[derive(Clone, Copy, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct DepositKey {
    /// How the drop hash begins: what was deposited at one drop lies together.
    pub at: [u8; 8],
    /// How one digest of drop and envelope begins: as much of it as nobody finds two deposits for, who would then have a
    /// promise for one that is not kept.
    pub deposit: [u8; 24],
}

impl DepositKey {
    /// That of an envelope at a drop.
    #[must_use]
    pub fn new(drop: &DropHash, envelope: &Digest) -> Self {
        let mut both = Hasher::bare();
        both.update(drop.as_bytes());
        both.update(envelope.as_bytes());
        let [deposit @ .., _, _, _, _, _, _, _, _] = *both.finish().as_bytes();
        Self { at: Self::at(drop), deposit }
    }

    /// How the keys of all deposits at a drop begin.
    #[must_use]
    pub const fn at(drop: &DropHash) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = *drop.as_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

/// A deposit remembered until its promise ends, acked or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct DepositRow {
    /// The day it came.
    pub day: Day,
    /// The last day of the promise.
    pub expires: Day,
}

impl Row for DepositRow {
    const TABLE: Table = Table::Deposits;
    type Key = DepositKey;
}

/// What a client wants to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creation {
    /// Its owner.
    pub owner: OwnerHash,
    /// Where to deposit.
    pub drop: DropHash,
    /// Doorbell or private.
    pub kind: MailboxKind,
    /// Who is charged for it, where the relay asks for a capability.
    pub access: Option<AccessHash>,
}

/// Makes a mailbox; made before with the same arguments is fine, whatever became of the capability that made it.
///
/// # Errors
/// [`Refusal::Refused`] if one of the hashes is or was in use or without the right to create, [`Refusal::QuotaFull`]
/// without room.
pub fn create(rows: &mut dyn RowsMut, creation: Creation, today: Day, limits: &Limits) -> Result<Made, RuleError> {
    let Creation { owner, drop, kind, access } = creation;
    if let Some(existing) = row::load::<MailboxRow>(rows, &owner)? {
        let same = existing.drop == drop && existing.kind == kind;
        return if same { Ok(Made::Before) } else { Err(Refusal::Refused.into()) };
    }
    if row::load::<DropRow>(rows, &drop)?.is_some() {
        return Err(Refusal::Refused.into());
    }
    tombstone::check_none(rows, Right::Owner, owner.as_bytes())?;
    tombstone::check_none(rows, Right::Drop, drop.as_bytes())?;
    if limits.space == Space::None {
        return Err(Refusal::QuotaFull.into());
    }
    access::charge(rows, access, Amount::MAILBOX, today)?;
    let none = Sequence(0);
    let mailbox = MailboxRow {
        drop,
        kind,
        access,
        last_watch: today,
        highest_acked: none,
        highest_given: none,
        stored_count: 0,
        taken_on: today,
        taken_count: 0,
    };
    row::save(rows, &owner, &mailbox)?;
    row::save(rows, &drop, &DropRow { owner })?;
    expire::remember(rows, today.plus(limits.mailbox_days.into()), &Perishable::Mailbox(owner))?;
    Ok(Made::Now)
}

/// Begins a watch: the mailbox lives on from today.
///
/// # Errors
/// [`Refusal::Refused`] without such a mailbox.
pub fn watch(rows: &mut dyn RowsMut, owner: OwnerHash, today: Day) -> Result<Sequence, RuleError> {
    let mut mailbox = owned(rows, &owner)?;
    // Its place in the index of what expires is moved when its old day comes.
    if mailbox.last_watch < today {
        mailbox.last_watch = today;
        row::save(rows, &owner, &mailbox)?;
    }
    Ok(mailbox.highest_acked)
}

/// Stores an envelope at its drop, once.
///
/// # Errors
/// [`Refusal::Refused`] without such a drop, [`Refusal::QuotaFull`].
pub fn deposit(
    rows: &mut dyn RowsMut,
    drop: DropHash,
    envelope: Envelope,
    digest: Digest,
    today: Day,
    limits: &Limits,
) -> Result<(OwnerHash, DepositPromise), RuleError> {
    let DropRow { owner } = row::load(rows, &drop)?.ok_or(Refusal::Refused)?;
    let mut mailbox = owned(rows, &owner)?;
    let key = DepositKey::new(&drop, &digest);
    if let Some(before) = row::load::<DepositRow>(rows, &key)?
        // A clock that leaps makes nothing over: it may come back, and the envelope is still there.
        && (today <= before.expires || calendar::over_before(rows, today)? <= before.expires)
    {
        let DepositRow { day, expires } = before;
        return Ok((owner, DepositPromise { envelope: digest, drop, day, expires }));
    }
    if limits.space < limits.space_for(mailbox.kind) || mailbox.stored_count >= limits.envelopes(mailbox.kind) {
        return Err(Refusal::QuotaFull.into());
    }
    // It goes with its mailbox, and this is signed. One that is over and not swept yet takes it for today.
    let last_day = mailbox.last_watch.plus(limits.mailbox_days.into());
    let expires = today.plus(limits.envelope_days.into()).min(last_day).max(today);
    mailbox.highest_given = Sequence(mailbox.highest_given.0.saturating_add(1));
    mailbox.stored_count = mailbox.stored_count.saturating_add(1);
    let place = EnvelopeKey { owner, sequence: mailbox.highest_given };
    row::save(rows, &place, &EnvelopeRow { head: EnvelopeHead { day: today, expires, digest }, envelope })?;
    row::save(rows, &key, &DepositRow { day: today, expires })?;
    row::save(rows, &owner, &mailbox)?;
    expire::remember_mail(rows, expires, MailKey { drop, owner })?;
    Ok((owner, DepositPromise { envelope: digest, drop, day: today, expires }))
}

/// Forgets one envelope; forgotten before is fine.
///
/// # Errors
/// [`Refusal::Refused`] without such a mailbox or for a sequence it has not given yet.
pub fn ack(rows: &mut dyn RowsMut, owner: OwnerHash, sequence: Sequence) -> Result<(), RuleError> {
    let mut mailbox = owned(rows, &owner)?;
    if sequence == Sequence(0) || sequence > mailbox.highest_given {
        return Err(Refusal::Refused.into());
    }
    let existed = row::remove::<EnvelopeRow>(rows, &EnvelopeKey { owner, sequence })?;
    if existed {
        mailbox.stored_count = mailbox.stored_count.saturating_sub(1);
    }
    if existed || sequence > mailbox.highest_acked {
        mailbox.highest_acked = mailbox.highest_acked.max(sequence);
        row::save(rows, &owner, &mailbox)?;
    }
    Ok(())
}

/// Ends a mailbox for good; ended before by this very command is fine.
///
/// # Errors
/// [`Refusal::Refused`] for one that never was or has expired.
pub fn retire(rows: &mut dyn RowsMut, owner: OwnerHash, today: Day, limits: &Limits) -> Result<(), RuleError> {
    match tombstone::find(rows, Right::Owner, owner.as_bytes())? {
        Some(Tombstone { cause: Cause::Retired, .. }) => return Ok(()),
        Some(_) => return Err(Refusal::Refused.into()),
        None => {}
    }
    let mailbox = owned(rows, &owner)?;
    end(rows, owner, &mailbox, Cause::Retired, today.plus(limits.tombstone_days.into()))
}

/// Removes a mailbox with all that is in it and leaves its tombstones.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn end(
    rows: &mut dyn RowsMut,
    owner: OwnerHash,
    mailbox: &MailboxRow,
    cause: Cause,
    until: Day,
) -> Result<(), RuleError> {
    remove_all(rows, Table::Envelopes, owner.as_bytes())?;
    prekeys::remove_all(rows, owner)?;
    row::remove::<DropRow>(rows, &mailbox.drop)?;
    access::give_back(rows, mailbox.access, Amount::MAILBOX)?;
    row::remove::<MailboxRow>(rows, &owner)?;
    let tombstone = Tombstone { cause, parent: [0; 32], until };
    tombstone::set(rows, TombstoneKey { right: Right::Owner, hash: *owner.as_bytes() }, tombstone)?;
    tombstone::set(rows, TombstoneKey { right: Right::Drop, hash: *mailbox.drop.as_bytes() }, tombstone)?;
    Ok(())
}

/// The mailbox of an owner.
///
/// # Errors
/// [`Refusal::Refused`] without one.
pub fn owned(rows: &dyn Rows, owner: &OwnerHash) -> Result<MailboxRow, RuleError> {
    row::load(rows, owner)?.ok_or(RuleError::Refused(Refusal::Refused))
}

/// What kind of mailbox a drop belongs to.
///
/// # Errors
/// [`Refusal::Refused`] without such a drop.
pub fn kind(rows: &dyn Rows, drop: &DropHash) -> Result<MailboxKind, RuleError> {
    let DropRow { owner } = row::load(rows, drop)?.ok_or(Refusal::Refused)?;
    owned(rows, &owner).map(|mailbox| mailbox.kind)
}

/// Some of what waits in a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In order.
    pub envelopes: Vec<(Sequence, EnvelopeRow)>,
    /// The last place looked at.
    pub end: Sequence,
    /// Whether that was all there is.
    pub complete: bool,
    /// Envelopes that no longer match their hash: skipped, never delivered.
    pub damaged_count: usize,
}

/// Reads what lies after a place, at most `limit` envelopes.
///
/// # Errors
/// [`RuleError::Unavailable`].
pub fn page(rows: &dyn Rows, owner: OwnerHash, after: Sequence, limit: usize) -> Result<Page, RuleError> {
    let from = codec::encode(&EnvelopeKey { owner, sequence: Sequence(after.0.saturating_add(1)) });
    let before = row::after_prefix(owner.as_bytes());
    // One more than asked for tells whether that was all.
    let found = rows.range(Table::Envelopes, &from, &before, limit.saturating_add(1))?;
    let mut page = Page { end: after, complete: found.len() <= limit, ..Page::default() };
    for (key, value) in found.into_iter().take(limit) {
        let Ok(EnvelopeKey { sequence, .. }) = codec::decode(&key) else { continue };
        page.end = sequence;
        match row::open::<EnvelopeRow>(Table::Envelopes, &key, &value) {
            Ok(envelope) => page.envelopes.push((sequence, envelope)),
            Err(RuleError::Damaged) => page.damaged_count = page.damaged_count.saturating_add(1),
            Err(error) => return Err(error),
        }
    }
    Ok(page)
}

/// Removes every row whose key begins with `prefix`, a few at a time.
pub(crate) fn remove_all(rows: &mut dyn RowsMut, table: Table, prefix: &[u8]) -> Result<(), RuleError> {
    const AT_ONCE: usize = 64;
    let end = row::after_prefix(prefix);
    loop {
        let found = rows.heads(table, prefix, &end, AT_ONCE)?;
        if found.is_empty() {
            return Ok(());
        }
        for (key, _) in found {
            rows.remove(table, &key)?;
        }
    }
}
