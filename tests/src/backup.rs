//! Backups of homes in memory.

use std::io;

use lightproof_core::{
    Client, ClientError,
    backup::{Passphrases, Photos, RestoreError, Summary, restore},
    transport::Transport,
    vault::unlock::Passphrase,
};
use lightproof_wire::time::Timestamp;
use rand_core::CryptoRng;

use crate::disk::{TestSpool, TestStore};

/// What opens every backup here.
#[must_use]
pub fn words() -> Passphrase {
    Passphrase::Words("correct horse battery staple".to_owned().into())
}

/// A backup, and what it left out: sends, photos.
#[derive(Clone, Debug)]
pub struct Written {
    /// The file.
    pub bytes: Vec<u8>,
    /// Sends of which nothing was sealed.
    pub sends_left_out: u32,
    /// Received photos.
    pub photos_left_out: u32,
}

/// Writes the backup of a home.
///
/// # Errors
/// The client's.
pub async fn written<T: Transport>(
    client: &Client<TestStore, TestSpool, T>,
    photos: Photos,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Written, ClientError> {
    let mut chunks = client.backup(photos, &words(), now, rng).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = chunks.next().await? {
        bytes.extend(piece);
    }
    Ok(Written { bytes, sends_left_out: chunks.sends_left_out(), photos_left_out: chunks.photos_left_out() })
}

/// Makes a home without a passphrase from a backup.
///
/// # Errors
/// [`RestoreError`].
pub async fn read(
    backup: &[u8],
    (rows, spool): (TestStore, &TestSpool),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Summary, RestoreError> {
    let mut pieces = backup.chunks(100_003);
    let next = async move || Ok::<_, io::Error>(pieces.next().unwrap_or_default().to_vec());
    let passphrases = Passphrases { backup: &words(), home: &Passphrase::None };
    restore((rows, spool), next, passphrases, now, rng).await
}
