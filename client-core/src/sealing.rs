//! Sealing keys: ours, announced to each contact until they have it; and theirs, kept until they announce another.
//!
//! Ours is made when it is first needed, and another a year later. Those before stay, so that what was sealed for them opens:
//! sealed files have no forward secrecy, and `docs/spec/sealed-files.md` says so.

use lightproof_e2ee::{
    blob::SealedBlob,
    frame::{Frame, LineId},
    identity::{Fingerprint, IdentityKey},
    sealed_file::{Closing, Header, SealFileError, SealedFileError, Unlocked},
    sealing_key::{SealingKey, SealingSecret},
};
use lightproof_wire::{
    codec::{self, Bytes, Extensions, List, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    time::Timestamp,
};
use rand_core::CryptoRng;

use crate::{
    client::{Client, until_undisturbed},
    contact::{Contact, Place},
    error::ClientError,
    profile::Profile,
    send::must_be_accepted,
    spool::Spool,
    transport::Transport,
    vault::{record::Secret, store::Store},
};

/// After this, another sealing key is announced: a stolen one stops opening what is sealed from then on.
const RENEWED_AFTER_MS: u64 = 365 * 86_400_000;

/// Sealing keys that are kept; the oldest goes after as many years.
const KEPT: usize = 32;

/// One of our own.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct OurSealingKey {
    secret: Secret,
    made: Timestamp,
}

/// All of our own, the newest last.
#[derive(Clone, Debug, Default, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct OurSealingKeys(List<OurSealingKey, KEPT>);

/// A contact's.
#[derive(Clone, Debug, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct TheirSealingKey {
    key: Bytes<2048>,
    /// Where they announced it: the newest wins.
    at: Place,
}

/// Since when a contact may know our sealing key: the first frame of our line that announced it.
#[derive(Clone, Copy, Debug, Default, TlsSerialize, TlsDeserialize, TlsSize)]
pub struct Announced {
    made: Timestamp,
    line: LineId,
    index: u64,
}

impl OurSealingKeys {
    /// The newest, made where there is none or a year has passed. To be saved before it is announced.
    pub(crate) fn newest(&mut self, now: Timestamp, rng: &mut impl CryptoRng) -> Result<OurSealingKey, ClientError> {
        let newest = self.0.iter().next_back();
        if let Some(newest) = newest.filter(|newest| now.since_ms(newest.made) < RENEWED_AFTER_MS) {
            return Ok(newest.clone());
        }
        let fresh = OurSealingKey::generate(now, rng);
        let mut kept = self.0.clone().into_vec();
        kept.drain(..kept.len().saturating_sub(KEPT.saturating_sub(1)));
        kept.push(fresh.clone());
        self.0 = List::new(kept).map_err(|_| ClientError::Damaged)?;
        Ok(fresh)
    }

    /// All of them, the newest first.
    fn secrets(&self) -> Result<Vec<SealingSecret>, ClientError> {
        self.0.iter().rev().map(OurSealingKey::secret).collect()
    }
}

impl OurSealingKey {
    fn generate(now: Timestamp, rng: &mut impl CryptoRng) -> Self {
        let secret = zeroize::Zeroizing::new(codec::encode(&SealingSecret::generate(rng)));
        Self { secret: Secret::new(&secret), made: now }
    }

    fn secret(&self) -> Result<SealingSecret, ClientError> {
        codec::decode(self.secret.expose()).map_err(|_| ClientError::Damaged)
    }

    /// As an extension of what we sign.
    pub(crate) fn announcement(&self) -> Result<Extensions, ClientError> {
        Ok(self.secret()?.public().announcement())
    }
}

impl Contact {
    /// The key to seal files for them with, once they have announced one.
    ///
    /// # Errors
    /// [`ClientError::NoSealingKey`], [`ClientError::ContactBlocked`].
    pub fn sealing_key(&self) -> Result<SealingKey, ClientError> {
        must_be_accepted(self)?;
        let known = self.sealing.as_ref().ok_or(ClientError::NoSealingKey)?;
        SealingKey::from_bytes(known.key.as_slice()).map_err(|_| ClientError::Damaged)
    }

    /// Remembers the one that a Hello announces.
    pub(crate) fn note_sealing_key_of_hello(&mut self, extensions: &Extensions) {
        self.note_sealing_key(extensions, Place::HELLO);
    }

    /// Remembers the one that a frame announces, if it comes after the one we know.
    pub(crate) fn note_sealing_key_of(&mut self, frame: &Frame) {
        if self.sealing.as_ref().is_none_or(|known| self.is_before(known.at, frame)) {
            self.note_sealing_key(&frame.extensions, Place::of(frame));
        }
    }

    fn note_sealing_key(&mut self, extensions: &Extensions, at: Place) {
        let Some(announced) = SealingKey::announced(extensions) else { return };
        if let Ok(key) = Bytes::new(announced.as_bytes().to_vec()) {
            self.sealing = Some(TheirSealingKey { key, at });
        }
    }

    /// Whether their ack covers a frame that announced this key of ours.
    pub(crate) fn has_our_sealing_key(&self, ours: &OurSealingKey) -> bool {
        self.is_announced(ours) && self.announced.index <= self.ours.acked
    }

    /// A frame at this place announces it.
    pub(crate) fn note_announced(&mut self, ours: &OurSealingKey, index: u64) {
        if !self.is_announced(ours) {
            self.announced = Announced { made: ours.made, line: self.ours.line, index };
        }
    }

    fn is_announced(&self, ours: &OurSealingKey) -> bool {
        self.announced.index > 0 && self.announced.line == self.ours.line && self.announced.made == ours.made
    }
}

impl<S: Store, P: Spool, T: Transport> Client<S, P, T> {
    /// Our own newest sealing key, to seal for ourselves; saved.
    ///
    /// # Errors
    /// The vault's.
    pub async fn own_sealing_key(
        &self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<(Fingerprint, SealingKey), ClientError> {
        until_undisturbed(async || {
            let mut turn = self.vault.turn();
            let mut profile: Profile = turn.get(Profile::ID).await?.ok_or(ClientError::Damaged)?;
            let newest = profile.sealing.newest(now, rng)?;
            turn.put(&profile, rng);
            turn.commit().await?;
            Ok((self.identity.fingerprint(), newest.secret()?.public()))
        })
        .await
    }

    /// Unlocks a sealed file with any sealing key we ever had.
    ///
    /// # Errors
    /// The vault's; the inner one where none of them opens it.
    pub async fn unlock_file(&self, header: &Header) -> Result<Result<Unlocked, SealedFileError>, ClientError> {
        let secrets = self.profile().await?.sealing.secrets()?;
        Ok(header.unlock(&self.identity.fingerprint(), &secrets))
    }

    /// Who signs what this home seals.
    pub fn identity_key(&self) -> &IdentityKey {
        self.identity.public()
    }

    /// Ends a sealed file with our signature.
    ///
    /// # Errors
    /// [`SealFileError::End`] where it was begun in another name.
    pub fn sign_file(
        &self,
        closing: Closing,
        blob: SealedBlob,
        digests: &[Digest],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealFileError> {
        closing.finish(blob, digests, Some(&self.identity), rng)
    }
}

#[cfg(test)]
mod tests {
    use lightproof_e2ee::identity::IdentityKeyPair;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    use super::*;
    use crate::contact::Standing;

    const NOW: Timestamp = Timestamp(1_795_262_400_000);

    fn public(key: &OurSealingKey) -> SealingKey {
        key.secret().unwrap().public()
    }

    #[test]
    fn a_sealing_key_is_renewed_after_a_year_and_the_old_ones_stay() {
        let (mut keys, mut rng) = (OurSealingKeys::default(), ChaCha20Rng::seed_from_u64(1));
        let first = keys.newest(NOW, &mut rng).unwrap();
        let before = NOW.plus_ms(RENEWED_AFTER_MS - 1);
        assert_eq!(public(&keys.newest(before, &mut rng).unwrap()), public(&first));
        // A clock that fell back makes no new one.
        assert_eq!(public(&keys.newest(Timestamp(1), &mut rng).unwrap()), public(&first));
        let second = keys.newest(NOW.plus_ms(RENEWED_AFTER_MS), &mut rng).unwrap();
        assert_ne!(public(&second), public(&first));
        let publics: Vec<_> = keys.secrets().unwrap().iter().map(SealingSecret::public).collect();
        assert_eq!(publics, [public(&second), public(&first)]);
        for year in 2..40 {
            keys.newest(NOW.plus_ms(RENEWED_AFTER_MS * year), &mut rng).unwrap();
        }
        assert_eq!(keys.secrets().unwrap().len(), KEPT);
    }

    #[test]
    fn it_is_announced_until_an_ack_covers_it_and_anew_in_every_line() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let fingerprint = IdentityKeyPair::generate(&mut rng).fingerprint();
        let mut contact = Contact::new(fingerprint, Standing::Accepted, 1, NOW);
        contact.continue_line(LineId([1; 8]), &mut rng);
        let ours = OurSealingKey::generate(NOW, &mut rng);
        assert!(!contact.has_our_sealing_key(&ours));
        contact.note_announced(&ours, 3);
        contact.note_announced(&ours, 4);
        for (acked, has) in [(0, false), (2, false), (3, true), (9, true)] {
            contact.ours.acked = acked;
            assert_eq!(contact.has_our_sealing_key(&ours), has, "{acked}");
        }
        let newer = OurSealingKey::generate(NOW.plus_ms(1), &mut rng);
        assert!(!contact.has_our_sealing_key(&newer));
        contact.continue_line(LineId([2; 8]), &mut rng);
        contact.ours.acked = 9;
        assert!(!contact.has_our_sealing_key(&ours));
    }
}
