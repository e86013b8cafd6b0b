//! Capabilities: how a relay knows a right without knowing a person.
//!
//! A capability is 32 random bytes. Its holder presents it; a relay stores and looks up only its labelled hash.
//! The right is a type, so that a `drop` cannot be handed where an `owner` belongs. Always written `right::Drop`.

use core::marker::PhantomData;
use std::io::{Read, Write};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    codec::{Deserialize, Serialize, Size},
    hash::Digest,
    label::{self, HashLabel},
};

/// The five rights.
pub mod right {
    use super::{HashLabel, label};

    /// One of the five rights; sealed.
    pub trait Right: sealed::Sealed + 'static {
        /// The label its hash is taken under.
        const LABEL: HashLabel;
        /// Its name in the protocol.
        const NAME: &'static str;
    }

    mod sealed {
        pub trait Sealed {}
    }

    macro_rules! right {
        ($(#[doc = $what:literal] $name:ident, $label:ident, $text:literal;)+) => {$(
            #[doc = $what]
            #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
            pub enum $name {}
            impl sealed::Sealed for $name {}
            impl Right for $name {
                const LABEL: HashLabel = label::$label;
                const NAME: &'static str = $text;
            }
        )+};
    }

    right! {
        /// Watch, ack and retire one mailbox; publish prekeys on a doorbell.
        Owner, CAP_OWNER, "owner";
        /// Deposit in one mailbox; on a doorbell also take one prekey bundle.
        Drop, CAP_DROP, "drop";
        /// Put chunks, ask which are there, commit, revoke.
        Write, CAP_WRITE, "write";
        /// Get chunks; release the blob after verification.
        Read, CAP_READ, "read";
        /// Create mailboxes and blobs on one relay.
        Access, CAP_ACCESS, "access";
    }
}

use right::Right;

/// The right `R` to one thing on one relay: 32 random bytes, wiped on drop. A secret.
pub struct Capability<R>(Zeroizing<[u8; 32]>, PhantomData<fn() -> R>);

impl<R: Right> Capability<R> {
    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(bytes.as_mut());
        Self(bytes, PhantomData)
    }

    /// One received or stored as bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes), PhantomData)
    }

    /// Its secret bytes, for sealing.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }

    /// What a relay may keep of it: `H("cap " + kind, capability)`.
    #[must_use]
    pub fn hash(&self) -> CapabilityHash<R> {
        CapabilityHash(Digest::labelled(R::LABEL, &[self.0.as_ref()]), PhantomData)
    }
}

impl Capability<right::Access> {
    /// As an operator hands it out: 43 characters of base64url. A secret.
    #[must_use]
    pub fn print(&self) -> Zeroizing<String> {
        Zeroizing::new(Base64UrlUnpadded::encode_string(self.0.as_ref()))
    }

    /// What [`print`](Self::print) printed.
    ///
    /// # Errors
    /// [`AccessMalformed`] for any other text.
    pub fn parse(text: &str) -> Result<Self, AccessMalformed> {
        let mut bytes = Zeroizing::new([0; 32]);
        match Base64UrlUnpadded::decode(text, bytes.as_mut_slice()) {
            Ok(decoded) if decoded.len() == 32 => Ok(Self(bytes, PhantomData)),
            _ => Err(AccessMalformed),
        }
    }
}

/// The text is no access capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an access capability is one line of 43 characters")]
pub struct AccessMalformed;

impl<R> Clone for Capability<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<R> PartialEq for Capability<R> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_ref()).into()
    }
}

impl<R> Eq for Capability<R> {}

impl<R: Right> core::fmt::Debug for Capability<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Capability<{}>(…)", R::NAME)
    }
}

impl<R> Size for Capability<R> {
    fn tls_serialized_len(&self) -> usize {
        32
    }
}

impl<R> Serialize for Capability<R> {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        self.0.tls_serialize(writer)
    }
}

impl<R> Deserialize for Capability<R> {
    fn tls_deserialize<T: Read>(reader: &mut T) -> Result<Self, tls_codec::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        reader.read_exact(bytes.as_mut())?;
        Ok(Self(bytes, PhantomData))
    }
}

/// The hash of a capability: a name for a thing on a relay, and no right to it.
pub struct CapabilityHash<R>(Digest, PhantomData<fn() -> R>);

impl<R> CapabilityHash<R> {
    /// One received or stored as bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Digest::from_bytes(bytes), PhantomData)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl<R> Clone for CapabilityHash<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for CapabilityHash<R> {}

impl<R> PartialEq for CapabilityHash<R> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl<R> Eq for CapabilityHash<R> {}

impl<R> core::hash::Hash for CapabilityHash<R> {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<R> PartialOrd for CapabilityHash<R> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<R> Ord for CapabilityHash<R> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl<R: Right> core::fmt::Debug for CapabilityHash<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "CapabilityHash<{}>(…)", R::NAME)
    }
}

impl<R> Size for CapabilityHash<R> {
    fn tls_serialized_len(&self) -> usize {
        32
    }
}

impl<R> Serialize for CapabilityHash<R> {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        self.0.tls_serialize(writer)
    }
}

impl<R> Deserialize for CapabilityHash<R> {
    fn tls_deserialize<T: Read>(reader: &mut T) -> Result<Self, tls_codec::Error> {
        Digest::tls_deserialize(reader).map(|digest| Self(digest, PhantomData))
    }
}
