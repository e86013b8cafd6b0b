//! Every label of the protocol in one table, by what it goes into: a name for each use of a primitive.
//!
//! Three types keep the uses apart; uniqueness, prefix and length are checked when this compiles.

/// A label of the labelled hash `H`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashLabel(&'static str);

/// A label in the `info` of HKDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InfoLabel(&'static str);

/// The `ctx` of a composite signature: what is being signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureLabel(&'static str);

macro_rules! table {
    ($kind:ident, $all:ident: $($name:ident = $text:literal, $what:literal;)+) => {
        $(#[doc = $what] pub const $name: $kind = $kind(concat!("lightproof v1 ", $text));)+
        const $all: &[&str] = &[$($name.0),+];
        const _: () = check($all);
        impl $kind {
            /// The label as it enters the primitive.
            #[must_use]
            pub const fn as_bytes(self) -> &'static [u8] {
                self.0.as_bytes()
            }
        }
    };
}

table! { HashLabel, HASH_LABELS:
    CAP_OWNER = "cap owner", "The hash a relay keeps of an `owner` capability.";
    CAP_DROP = "cap drop", "The hash a relay keeps of a `drop` capability.";
    CAP_WRITE = "cap write", "The hash a relay keeps of a `write` capability.";
    CAP_READ = "cap read", "The hash a relay keeps of a `read` capability.";
    CAP_ACCESS = "cap access", "The hash a relay keeps of an `access` capability.";
    CARD = "card", "The checksum of a contact card.";
    DEPOSIT = "deposit", "What a relay signs in a deposit receipt.";
    HELLO_TRANSCRIPT = "hello", "t0: which keys a handshake is made with.";
    HELLO_OFFER = "hello offer", "t1: the handshake with the initiator's offer.";
    IDENTITY = "identity", "The fingerprint of an identity.";
    RATCHET_STEP = "ratchet step", "What one step of the ratchet agreed on.";
    SOURCE = "source", "The salted commitment to the file a photo was made from.";
}

table! { InfoLabel, INFO_LABELS:
    BUNDLE_KEY = "bundle key", "Seals published prekeys towards holders of the card.";
    CHUNKS = "chunks", "The key of a blob's chunks.";
    HELLO_KEY = "hello key", "Hides who is calling.";
    MESSAGE = "message", "The key and the commitment of one message body.";
    RATCHET = "ratchet", "Root, chain and next header key after a ratchet step.";
    ROOT = "root", "All first keys of a session.";
    SEALED_FILE = "sealed file", "Commitment and keys of one sealed file.";
    SEALED_FILE_LOCK = "sealed file lock", "The key that one recipient, or a passphrase, has to a sealed file.";
    VAULT_RECORDS = "vault records", "The key that seals the records of a vault.";
    VAULT_ROWS = "vault rows", "The key that hides the row names of a vault.";
}

table! { SignatureLabel, SIGNATURE_LABELS:
    SIGN_HELLO = "hello", "An initiator signs t1.";
    SIGN_MESSAGE = "message", "A sender signs a frame.";
    SIGN_PREKEY = "prekey", "An owner signs a prekey.";
    SIGN_SEALED_FILE = "sealed file", "A sender signs a sealed file.";
}

/// Stands before the two fingerprints in a safety number.
pub const SAFETY_NUMBER: &[u8] = b"lightproof v1 safety number";

const fn check(labels: &[&str]) {
    if let Some((label, others)) = labels.split_first() {
        assert!(label.len() <= 255, "a label's length fits one byte");
        check_differs(label, others);
        check(others);
    }
}

const fn check_differs(label: &str, others: &[&str]) {
    if let Some((other, rest)) = others.split_first() {
        assert!(!same(label.as_bytes(), other.as_bytes()), "labels of one kind are unique");
        check_differs(label, rest);
    }
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    match (a.split_first(), b.split_first()) {
        (None, None) => true,
        (Some((x, a)), Some((y, b))) => *x == *y && same(a, b),
        _ => false,
    }
}
