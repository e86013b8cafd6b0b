//! Who we are: identity, line, home relay, doorbell, and the counters of this vault.

use lightproof_e2ee::{
    frame::{LineId, Reply},
    identity::IdentityKeyPair,
};
use lightproof_wire::{
    codec::{Text, TlsDeserialize, TlsSerialize, TlsSize},
    limits::RELAY_LINK_BYTES,
    relay_link::RelayLink,
    time::{Day, Timestamp},
};
use rand_core::CryptoRng;

use crate::{
    error::ClientError,
    mailboxes::Mailbox,
    sealing::OurSealingKeys,
    vault::{
        record::{Flag, Record, Secret},
        store::Table,
    },
};

/// The one record about ourselves.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Profile {
    seeds: Secret,
    /// This incarnation of the vault: a restored one takes a new line.
    pub line: LineId,
    /// What we call ourselves on our card.
    pub name: Text<64>,
    /// Our relay.
    pub relay: Text<RELAY_LINK_BYTES>,
    /// Owner hash of the doorbell in use.
    pub doorbell: [u8; 32],
    /// How often the doorbell was replaced; each contact is told once of the last change.
    pub doorbell_changes: u32,
    /// The doorbell that replaced the first one.
    pub new_doorbell: Option<Reply>,
    /// The next local number of a message, an envelope or a request.
    pub next_number: u64,
    /// The next id of a prekey.
    pub next_prekey: u32,
    /// The day the signed prekey in use was made.
    pub signed_prekey_made: Option<Day>,
    /// When the relay was last asked how many prekeys are left.
    pub prekeys_counted: Timestamp,
    /// One-time prekeys left at that time.
    pub one_time_left: u16,
    /// The last completed fetch: every mailbox caught up, all before it saved and acked.
    pub last_complete_fetch: Timestamp,
    /// The prekeys at the doorbell are not ours any more: all are to be replaced.
    pub replace_prekeys: Flag,
    /// The relay knew of newer acks than this vault: it is an old copy, and a new line was begun.
    pub was_old_copy: Flag,
    /// What others seal files for us with.
    pub sealing: OurSealingKeys,
}

impl Record for Profile {
    const TABLE: Table = Table::Profile;

    fn id(&self) -> Vec<u8> {
        Self::ID.to_vec()
    }
}

impl Profile {
    /// The id of the one record.
    pub const ID: &'static [u8] = b"me";

    /// A new person.
    #[must_use]
    pub fn new(
        identity: &IdentityKeyPair,
        line: LineId,
        name: Text<64>,
        relay: &RelayLink,
        doorbell: [u8; 32],
    ) -> Self {
        Self {
            seeds: Secret::new(identity.seeds().as_ref()),
            line,
            name,
            relay: relay.to_text(),
            doorbell,
            doorbell_changes: 0,
            new_doorbell: None,
            next_number: 1,
            next_prekey: 1,
            signed_prekey_made: None,
            prekeys_counted: Timestamp(0),
            one_time_left: 0,
            last_complete_fetch: Timestamp(0),
            replace_prekeys: Flag::No,
            was_old_copy: Flag::No,
            sealing: OurSealingKeys::default(),
        }
    }

    /// Our identity, expanded: keep it, it costs a key generation.
    ///
    /// # Errors
    /// [`ClientError::Damaged`].
    pub fn identity(&self) -> Result<IdentityKeyPair, ClientError> {
        let seeds = self.seeds.expose().try_into().map_err(|_| ClientError::Damaged)?;
        Ok(IdentityKeyPair::from_seeds(seeds))
    }

    /// Our relay.
    ///
    /// # Errors
    /// [`ClientError::Damaged`].
    pub fn relay(&self) -> Result<RelayLink, ClientError> {
        RelayLink::from_text(&self.relay).map_err(|_| ClientError::Damaged)
    }

    /// The time to write beside what is to be destroyed later: a clock that fell back behind the last completed fetch is not
    /// believed, or it would be destroyed as soon as the clock is right again.
    #[must_use]
    pub fn not_fallen_back(&self, now: Timestamp) -> Timestamp {
        now.max(self.last_complete_fetch)
    }

    /// From here on our card names this doorbell: contacts are told, and prekeys are published there.
    pub(crate) fn change_doorbell(&mut self, doorbell: &Mailbox) {
        self.doorbell = doorbell.owner_hash();
        self.new_doorbell = Some(doorbell.reply());
        self.signed_prekey_made = None;
        self.doorbell_changes = self.doorbell_changes.saturating_add(1);
    }

    /// Another incarnation of the vault: a new line, and prekeys whose numbers no earlier one can have given out.
    pub(crate) fn begin_anew(&mut self, rng: &mut impl CryptoRng) {
        self.line = LineId::generate(rng);
        self.renew_prekeys(rng);
    }

    /// All prekeys are to be replaced, under numbers that no other copy of this vault can have given out.
    pub(crate) fn renew_prekeys(&mut self, rng: &mut impl CryptoRng) {
        self.replace_prekeys = Flag::Yes;
        self.next_prekey = rng.next_u32().max(1);
    }

    /// Takes the next local number.
    pub fn take_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number = number.saturating_add(1);
        number
    }

    /// Takes the next prekey id.
    pub fn take_prekey_id(&mut self) -> u32 {
        let id = self.next_prekey;
        self.next_prekey = id.checked_add(1).unwrap_or(1);
        id
    }
}
