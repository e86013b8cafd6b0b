//! Passphrases of sealed files: what one becomes, and how much work a file may ask for.

use lightproof_e2ee::sealed_file::{Header, PassphraseCost, PassphraseKey, SealedFileError, Unlocked};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    prepare,
    vault::unlock::{LANES, MEMORY_KIB, PASSES, UnlockError, stretch},
};

/// Why a passphrase opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// It asks for more memory or time than any version of ours.
    #[error("it asks for more memory or time than a sealed file may")]
    TooCostly,
    /// Not enough memory for Argon2id.
    #[error("not enough memory to check the passphrase (64 MiB are needed)")]
    Memory,
    /// The file.
    #[error(transparent)]
    File(#[from] SealedFileError),
}

/// Makes the key of a new file from a passphrase.
///
/// # Errors
/// [`PassphraseError::Memory`].
pub fn passphrase_lock(
    words: &Zeroizing<String>,
    rng: &mut impl CryptoRng,
) -> Result<(PassphraseCost, PassphraseKey), PassphraseError> {
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    let cost = PassphraseCost { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt };
    Ok((cost, key(words, &cost)?))
}

/// Unlocks a file that is sealed under a passphrase.
///
/// # Errors
/// [`PassphraseError`].
pub fn unlock_with(header: &Header, words: &Zeroizing<String>) -> Result<Unlocked, PassphraseError> {
    let cost = header.passphrase_cost().ok_or(SealedFileError::NotForUs)?;
    Ok(header.unlock_with(&key(words, &cost)?)?)
}

/// What a file is called inside: the last component of a path, printable, at most 128 bytes.
#[must_use]
pub fn display_name(path: &str) -> String {
    prepare::display_name(path)
}

fn key(words: &Zeroizing<String>, cost: &PassphraseCost) -> Result<PassphraseKey, PassphraseError> {
    let key = stretch(words.as_bytes(), (cost.memory_kib, cost.passes, cost.lanes), &cost.salt);
    key.map(|key| PassphraseKey::from_bytes(&key)).map_err(|error| match error {
        UnlockError::Memory => PassphraseError::Memory,
        _ => PassphraseError::TooCostly,
    })
}

#[cfg(test)]
mod tests {
    use lightproof_e2ee::sealed_file::{FileFacts, LockFor, begin};
    use lightproof_wire::{codec::Text, time::Timestamp};
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    use super::*;

    fn header(cost: PassphraseCost) -> Header {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let file = FileFacts { name: Text::new("a").unwrap(), length_bytes: 1 };
        let to = LockFor::Passphrase(cost, &PassphraseKey::from_bytes(&[1; 32]));
        let sealing = begin(vec![file], &to, None, Timestamp(1), &mut rng).unwrap();
        Header::read(&sealing.beginning).unwrap().0
    }

    #[test]
    fn a_file_that_asks_for_too_much_is_refused_before_any_work() {
        let words = Zeroizing::new("correct horse".to_owned());
        let cost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1, salt: [0; 16] };
        let wrong = PassphraseError::File(SealedFileError::NotForUs);
        assert_eq!(unlock_with(&header(cost), &words).unwrap_err(), wrong);
        for greedy in [
            PassphraseCost { memory_kib: 4 * MEMORY_KIB + 1, ..cost },
            PassphraseCost { passes: 4 * PASSES + 1, ..cost },
            PassphraseCost { lanes: 4 * LANES + 1, ..cost },
            PassphraseCost { memory_kib: 0, ..cost },
            PassphraseCost { passes: 0, ..cost },
        ] {
            assert_eq!(unlock_with(&header(greedy), &words).unwrap_err(), PassphraseError::TooCostly, "{greedy:?}");
        }
    }
}
