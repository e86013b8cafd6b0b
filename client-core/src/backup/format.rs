//! The bytes of a backup: what stands before the blob, and the records inside it.

use lightproof_e2ee::blob::FileKey;
use lightproof_wire::{
    blob::BlobShape,
    codec::{self, DecodeError, Deserialize as _},
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::RestoreError;
use crate::{
    spool::SpoolName,
    vault::{
        record::{self, Record},
        unlock::{self, Passphrase, UnlockError},
    },
};

/// What every backup of a home begins with.
const MAGIC: [u8; 22] = *b"lightproof home backup";
/// The version of the format.
const VERSION: u8 = 1;
/// Bytes that say how long the head is.
pub(super) const PREFIX_BYTES: usize = MAGIC.len() + 2;
/// The longest value of one row in bytes: a signed body may have a megabyte.
const ROW_BYTES_MAX: usize = 2 << 20;

const ROW: u8 = 1;
const PHOTO: u8 = 2;
const END: u8 = 3;

/// What the passphrase protects: the key of the blob, and how long its content is.
pub(super) struct Opening {
    pub(super) key: FileKey,
    pub(super) length_bytes: u64,
}

impl Opening {
    /// The head of a backup.
    ///
    /// # Errors
    /// [`UnlockError::Missing`]: a backup leaves the machine, and has a passphrase; [`UnlockError::Memory`].
    pub(super) fn seal(&self, passphrase: &Passphrase, rng: &mut impl CryptoRng) -> Result<Vec<u8>, UnlockError> {
        if matches!(passphrase, Passphrase::None) {
            return Err(UnlockError::Missing);
        }
        let mut secret = Zeroizing::new([0; 40]);
        let (key, length) = secret.split_at_mut(32);
        key.copy_from_slice(self.key.expose_secret());
        length.copy_from_slice(&self.length_bytes.to_be_bytes());
        let header = unlock::wrap(&bound(), secret.as_slice(), passphrase, rng)?;
        let length = u8::try_from(header.len()).map_err(|_| UnlockError::Damaged)?;
        Ok([bound().as_slice(), &[length], header.as_slice()].concat())
    }

    /// Opens what follows the prefix.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub(super) fn open(header: &[u8], passphrase: &Passphrase) -> Result<Self, RestoreError> {
        // Whoever writes a header that asks for no passphrase has none to know, and could plant a home of theirs.
        if !unlock::wants_passphrase(header)? {
            return Err(RestoreError::Damaged);
        }
        let secret = unlock::unwrapped(&bound(), header, passphrase)?;
        let (key, length) = secret.split_first_chunk::<32>().ok_or(RestoreError::Damaged)?;
        let length = length.try_into().map_err(|_| RestoreError::Damaged)?;
        Ok(Self { key: FileKey::from_bytes(key), length_bytes: u64::from_be_bytes(length) })
    }
}

/// The header is sealed for this format and no other: it opens no vault.
fn bound() -> Vec<u8> {
    [MAGIC.as_slice(), &[VERSION]].concat()
}

/// How many bytes of head follow its prefix.
///
/// # Errors
/// [`RestoreError::NotABackup`] or [`RestoreError::Newer`].
pub(super) fn header_bytes(prefix: &[u8]) -> Result<usize, RestoreError> {
    match prefix.strip_prefix(&MAGIC) {
        Some([VERSION, length]) => Ok(usize::from(*length)),
        Some([version, _]) if *version > VERSION => Err(RestoreError::Newer),
        Some(_) => Err(RestoreError::Damaged),
        None => Err(RestoreError::NotABackup),
    }
}

/// Writes a row.
pub(super) fn append_row<T: Record>(to: &mut Vec<u8>, record: &T) {
    let [_, length @ ..] = u32::try_from(record::value_bytes(record)).unwrap_or(u32::MAX).to_be_bytes();
    to.reserve(record::value_bytes(record).saturating_add(5));
    to.extend_from_slice(&[ROW, T::TABLE as u8]);
    to.extend_from_slice(&length);
    record::append_value(to, record);
}

/// What stands before the sealed chunks of a photo.
pub(super) fn photo_head(name: SpoolName, shape: BlobShape) -> Vec<u8> {
    let mut head = vec![PHOTO];
    codec::append(&mut head, &name);
    codec::append(&mut head, &shape);
    head
}

/// The last record: how many there were.
pub(super) fn end(rows: u32, photos: u32) -> Vec<u8> {
    [[END].as_slice(), &rows.to_be_bytes(), &photos.to_be_bytes()].concat()
}

/// A piece of the content.
pub(super) enum Piece<'a> {
    /// A row of this table, in clear.
    Row(u8, &'a [u8]),
    /// The sealed chunks of a photo follow.
    Photo(SpoolName, BlobShape),
    /// The end.
    End {
        /// Rows before it.
        rows: u32,
        /// Photos before it.
        photos: u32,
    },
}

/// The first piece of `bytes` and how long it is, or `None` where more bytes are needed to say it.
///
/// # Errors
/// [`RestoreError`].
pub(super) fn first(bytes: &[u8]) -> Result<Option<(Piece<'_>, usize)>, RestoreError> {
    let Some((tag, mut rest)) = bytes.split_first() else { return Ok(None) };
    let record = match *tag {
        ROW => {
            let Some(([table, a, b, c], value)) = rest.split_first_chunk::<4>() else { return Ok(None) };
            let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).map_err(|_| RestoreError::Damaged)?;
            if length > ROW_BYTES_MAX {
                return Err(RestoreError::Damaged);
            }
            let Some((value, after)) = value.split_at_checked(length) else { return Ok(None) };
            rest = after;
            Piece::Row(*table, value)
        }
        PHOTO => {
            let head = SpoolName::tls_deserialize(&mut rest)
                .and_then(|name| BlobShape::tls_deserialize(&mut rest).map(|shape| (name, shape)));
            match head.map_err(DecodeError::from) {
                Ok((name, shape)) => Piece::Photo(name, shape),
                Err(DecodeError::Truncated) => return Ok(None),
                Err(_) => return Err(RestoreError::Damaged),
            }
        }
        END => {
            let Some(([a, b, c, d, e, f, g, h], after)) = rest.split_first_chunk::<8>() else { return Ok(None) };
            rest = after;
            Piece::End { rows: u32::from_be_bytes([*a, *b, *c, *d]), photos: u32::from_be_bytes([*e, *f, *g, *h]) }
        }
        _ => return Err(RestoreError::Newer),
    };
    Ok(Some((record, bytes.len().saturating_sub(rest.len()))))
}
