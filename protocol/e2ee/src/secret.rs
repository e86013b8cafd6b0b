//! `Key<P>`: 32 secret bytes that know their purpose.
//!
//! The purpose is a type, so that a chain key cannot be handed where a file key belongs. A key is boxed, so that moving
//! it leaves no copy behind, and wiped on drop. It is compared in constant time and never printed.

use core::marker::PhantomData;
use std::io::{Read, Write};

use lightproof_wire::codec::{Deserialize, Serialize, Size};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What keys are for.
pub mod purpose {
    /// The use of a key.
    pub trait Purpose: 'static {
        /// How `Debug` names it; the only thing it shows.
        const NAME: &'static str;
    }

    macro_rules! purpose {
        ($(#[doc = $what:literal] $name:ident, $text:literal;)+) => {$(
            #[doc = $what]
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}
            impl Purpose for $name {
                const NAME: &'static str = $text;
            }
        )+};
    }

    purpose! {
        /// Seals published prekeys towards holders of the card.
        Bundle, "bundle";
        /// Derives the next chain key and one message key.
        Chain, "chain";
        /// Seals the chunks of one blob.
        Chunks, "chunks";
        /// Derives the key of a blob's chunks; travels in a manifest.
        File, "file";
        /// Seals the headers of one chain.
        Header, "header";
        /// Seals an initiator's offer.
        Hello, "hello";
        /// The seed of an X-Wing key pair.
        Kem, "kem seed";
        /// Opens one lock of a sealed file.
        Lock, "lock";
        /// Derives the key of one message body.
        Message, "message";
        /// Seals one message body.
        MessageBody, "message body";
        /// What a passphrase becomes.
        Passphrase, "passphrase";
        /// Derives the next root, chain and header keys.
        Root, "root";
        /// Derives all keys of one sealed file.
        Seal, "sealed file";
        /// Seals what a sealed file says besides the files in it.
        SealedFacts, "sealed file facts";
        /// What one encapsulation agreed on.
        Shared, "shared secret";
    }
}

use purpose::Purpose;

/// A secret of 32 bytes for the purpose `P`.
pub struct Key<P>(Box<Zeroizing<[u8; 32]>>, PhantomData<fn() -> P>);

impl<P: Purpose> Key<P> {
    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        rng.fill_bytes(bytes.as_mut_slice());
        Self(bytes, PhantomData)
    }

    /// One derived, received or stored as bytes. The caller wipes its own copy.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Box::new(Zeroizing::new(*bytes)), PhantomData)
    }

    /// Its secret bytes, for a primitive or for sealing.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }

    /// A second copy. Each copy is one more place to wipe, so there is no `Clone`.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::from_bytes(self.expose_secret())
    }
}

impl<P> PartialEq for Key<P> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_slice()).into()
    }
}

impl<P> Eq for Key<P> {}

impl<P: Purpose> core::fmt::Debug for Key<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Key<{}>(…)", P::NAME)
    }
}

impl<P> Size for Key<P> {
    fn tls_serialized_len(&self) -> usize {
        32
    }
}

impl<P> Serialize for Key<P> {
    fn tls_serialize<W: Write>(&self, writer: &mut W) -> Result<usize, tls_codec::Error> {
        writer.write_all(self.0.as_slice())?;
        Ok(32)
    }
}

impl<P> Deserialize for Key<P> {
    fn tls_deserialize<R: Read>(reader: &mut R) -> Result<Self, tls_codec::Error> {
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        reader.read_exact(bytes.as_mut_slice())?;
        Ok(Self(bytes, PhantomData))
    }
}
