//! The stock of prekeys: made before they are published, rotated weekly, refilled, destroyed when nobody can need them.

use lightproof_e2ee::prekey::{OneTimePrekeySecret, SignedPrekeySecret};
use lightproof_wire::{
    codec::{List, TlsDeserialize, TlsSerialize, TlsSize},
    command::Command,
    hash::Digest,
    limits::{ONE_TIME_PREKEYS, ONE_TIME_PREKEYS_LOW, PREKEY_DAYS, SIGNED_PREKEY_ROTATION_DAYS},
    prekey::{PrekeyId, PrekeyKind, Stock},
    reply::Reply,
    time::{Day, Timestamp},
};
use rand_core::CryptoRng;

use crate::{
    client::{Client, until_undisturbed},
    connection::{Connection, expect_reply},
    error::ClientError,
    mailboxes::Mailbox,
    profile::Profile,
    spool::Spool,
    transport::Transport,
    vault::{
        record::{Flag, Record, Secret},
        store::{Store, Table},
    },
};

/// Days a prekey secret outlives its last day, so that a Hello that lay at the relay still opens.
const SECRET_MARGIN_DAYS: u32 = 30;

/// The secret half of a prekey.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct StoredPrekey {
    kind: PrekeyKind,
    id: PrekeyId,
    not_after: Day,
    /// Whether the relay has it; a stock that was made and not published is published first.
    published: Flag,
    secret: Secret,
}

impl Record for StoredPrekey {
    const TABLE: Table = Table::Prekeys;

    fn id(&self) -> Vec<u8> {
        Self::record_id(self.kind, self.id)
    }
}

impl StoredPrekey {
    /// The id of a record.
    #[must_use]
    pub fn record_id(kind: PrekeyKind, id: PrekeyId) -> Vec<u8> {
        [&[kind as u8], id.0.to_be_bytes().as_slice()].concat()
    }

    fn signed(prekey: &SignedPrekeySecret) -> Self {
        let secret = Secret::new(&prekey.to_record());
        Self { kind: PrekeyKind::Signed, id: prekey.id(), not_after: prekey.not_after(), published: Flag::No, secret }
    }

    fn one_time(prekey: &OneTimePrekeySecret) -> Self {
        let secret = Secret::new(&prekey.to_record());
        Self { kind: PrekeyKind::OneTime, id: prekey.id(), not_after: prekey.not_after(), published: Flag::No, secret }
    }

    /// The last day it may be used.
    #[must_use]
    pub const fn not_after(&self) -> Day {
        self.not_after
    }

    /// As a signed prekey.
    ///
    /// # Errors
    /// [`ClientError::Damaged`].
    pub fn as_signed(&self) -> Result<SignedPrekeySecret, ClientError> {
        SignedPrekeySecret::from_record(self.secret.expose()).map_err(|_| ClientError::Damaged)
    }

    /// As a one-time prekey.
    ///
    /// # Errors
    /// [`ClientError::Damaged`].
    pub fn as_one_time(&self) -> Result<OneTimePrekeySecret, ClientError> {
        OneTimePrekeySecret::from_record(self.secret.expose()).map_err(|_| ClientError::Damaged)
    }
}

/// A Hello that was answered, kept exactly as long as the secret that could open it again.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct TakenHello {
    /// Its transcript.
    pub t0: Digest,
    /// The last day of the signed prekey it used.
    pub not_after: Day,
}

impl Record for TakenHello {
    const TABLE: Table = Table::Hellos;

    fn id(&self) -> Vec<u8> {
        self.t0.as_bytes().to_vec()
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Asks what is left at the doorbell, and publishes what is due.
    pub(crate) async fn tend_prekeys(
        &self,
        connection: &Connection<T::Pipe>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        let mut profile = self.profile().await?;
        let doorbell: Mailbox = self.vault.get(&profile.doorbell).await?.ok_or(ClientError::Damaged)?;
        let reply = connection.call(Command::CountPrekeys { owner: doorbell.owner.clone() }).await?;
        let (signed, stock) =
            expect_reply!(reply, Reply::Count { signed_not_after, one_time } => (signed_not_after, one_time))?;
        if !self.can_open_all(&stock).await? {
            profile = self.renew_prekeys(rng).await?;
        }
        let left = u16::try_from(stock.ids().count()).unwrap_or(u16::MAX);
        let rotate = profile.signed_prekey_made.is_none_or(|made| made.plus(SIGNED_PREKEY_ROTATION_DAYS) <= now.day());
        if signed.is_some() && !rotate && left > ONE_TIME_PREKEYS_LOW && !profile.replace_prekeys.is_yes() {
            return self.note_prekeys(left, None, now, rng).await;
        }
        // A restored vault lacks the secrets of what lies there: a whole new stock pushes it out.
        let left = if profile.replace_prekeys.is_yes() { 0 } else { left };
        let wanted = ONE_TIME_PREKEYS.saturating_sub(usize::from(left));
        let (signed, one_time) = self.make_prekeys(wanted, now, rng).await?;
        let drop = doorbell.drop.hash();
        let published = one_time.iter().map(|prekey| prekey.publish(&self.identity, &drop, rng)).collect();
        let command = Command::PublishPrekeys {
            owner: doorbell.owner,
            signed: signed.publish(&self.identity, &drop, rng),
            one_time: List::new(published).map_err(|_| ClientError::Damaged)?,
        };
        expect_reply!(connection.call(command).await?, Reply::Done => ())?;
        let left = u16::try_from(ONE_TIME_PREKEYS).unwrap_or(u16::MAX);
        self.note_prekeys(left, Some(now.day()), now, rng).await
    }

    /// Whether the secret of every one-time prekey that may still be given away is here. Where one is not, either the relay is
    /// an old copy and gave it away before, or this vault is, and its newer copy made it.
    async fn can_open_all(&self, stock: &Stock) -> Result<bool, ClientError> {
        for id in stock.ids() {
            if self.vault.get::<StoredPrekey>(&StoredPrekey::record_id(PrekeyKind::OneTime, id)).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn renew_prekeys(&self, rng: &mut impl CryptoRng) -> Result<Profile, ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            profile.renew_prekeys(rng);
            turn.put(&profile, rng);
            turn.commit().await?;
            Ok(profile)
        })
        .await
    }

    /// Makes prekeys and saves their secrets: nothing is published that could not be opened. What an earlier try made and
    /// did not publish comes first.
    async fn make_prekeys(
        &self,
        wanted: usize,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(SignedPrekeySecret, Vec<OneTimePrekeySecret>), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            let not_after = now.day().plus(PREKEY_DAYS);
            let mut left: Vec<StoredPrekey> = turn.scan().await?;
            left.retain(|prekey| !prekey.published.is_yes() && prekey.not_after == not_after);
            let signed = match left.iter().find(|prekey| prekey.kind == PrekeyKind::Signed) {
                Some(prekey) => prekey.as_signed()?,
                None => SignedPrekeySecret::generate(PrekeyId(profile.take_prekey_id()), not_after, rng),
            };
            let of_kind = left.iter().filter(|prekey| prekey.kind == PrekeyKind::OneTime).take(wanted);
            let mut one_time = of_kind.map(StoredPrekey::as_one_time).collect::<Result<Vec<_>, _>>()?;
            while one_time.len() < wanted {
                one_time.push(OneTimePrekeySecret::generate(PrekeyId(profile.take_prekey_id()), not_after, rng));
            }
            turn.put(&StoredPrekey::signed(&signed), rng);
            one_time.iter().for_each(|prekey| turn.put(&StoredPrekey::one_time(prekey), rng));
            turn.put(&profile, rng);
            turn.commit().await?;
            Ok((signed, one_time))
        })
        .await
    }

    async fn note_prekeys(
        &self,
        left: u16,
        signed_made: Option<Day>,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            profile.one_time_left = left;
            profile.prekeys_counted = now;
            profile.signed_prekey_made = signed_made.or(profile.signed_prekey_made);
            if signed_made.is_some() {
                profile.replace_prekeys = Flag::No;
                for prekey in turn.scan::<StoredPrekey>().await?.into_iter().filter(|prekey| !prekey.published.is_yes())
                {
                    turn.put(&StoredPrekey { published: Flag::Yes, ..prekey }, rng);
                }
            }
            turn.put(&profile, rng);
            Ok(turn.commit().await?)
        })
        .await
    }

    /// Destroys prekey secrets that no Hello can need any more. Only after a completed fetch, on a clock that is not doubtful.
    pub(crate) async fn destroy_stale_prekeys(&self, now: Timestamp) -> Result<(), ClientError> {
        let is_stale = |not_after: Day| not_after.plus(SECRET_MARGIN_DAYS) < now.day();
        let mut turn = self.vault.turn();
        let mut any = false;
        for prekey in self.vault.scan::<StoredPrekey>().await?.iter().filter(|prekey| is_stale(prekey.not_after)) {
            turn.delete(prekey);
            any = true;
        }
        for hello in self.vault.scan::<TakenHello>().await?.iter().filter(|hello| is_stale(hello.not_after)) {
            turn.delete(hello);
            any = true;
        }
        if any { Ok(turn.commit().await?) } else { Ok(()) }
    }
}
