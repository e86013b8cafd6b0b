//! One specimen of everything that comes from others or lies on a disk, and the one who reads it as the product does.
//!
//! Specimens are the frozen examples of `docs/spec/vectors`, or follow from them; so they are the same for ever, and
//! another implementation can make them. Whoever reads holds the secrets of those examples.

pub mod frozen;
pub mod kind;
mod reader;
mod sealed_file;
mod sealer;

pub use kind::Kind;
pub use reader::{Read, Reader};

use frozen::Examples;
use lightproof_core::vault::unlock::{self, Passphrase};
use lightproof_wire::time::{Day, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

/// The day of the examples.
pub const TODAY: Day = Day(20_000);
/// Its beginning.
pub const NOW: Timestamp = TODAY.start();
/// Bytes of the file behind the blob: byte i is i mod 251.
pub const FILE_BYTES: usize = 100_000;

/// `first`, `first + 1`, … mod 256.
#[must_use]
pub fn counted<const N: usize>(first: u8) -> [u8; N] {
    core::array::from_fn(|i| first.wrapping_add(u8::try_from(i % 256).unwrap()))
}

/// The bytes of a kind that are good.
#[must_use]
pub fn good(kind: Kind) -> Vec<u8> {
    let example = |file: &str, name: &str| Examples::of(file).get(name).to_vec();
    match kind {
        Kind::Blob => sealer::chunks().concat(),
        Kind::BlobPlain => sealer::plain(),
        Kind::Body => example("frames.txt", "body.manifest"),
        Kind::Bundle => {
            let keys = Examples::of("prekeys.txt");
            [keys.get("signed.published"), &[1], keys.get("one_time.published")].concat()
        }
        Kind::BundleBare => [example("prekeys.txt", "signed.published"), vec![0]].concat(),
        Kind::Card | Kind::CardFields => {
            let text = example("addresses.txt", "card.text");
            if kind == Kind::Card { text } else { sealer::card_fields(&text) }
        }
        Kind::Chunk => sealer::chunks().swap_remove(1),
        Kind::Command => example("relay.txt", "command.publish_prekeys"),
        Kind::DepositReceipt => example("relay.txt", "receipt.signed"),
        Kind::FrameManifest => example("frames.txt", "frame.manifest"),
        Kind::FrameReceipt => example("frames.txt", "frame.receipt"),
        Kind::FrameRetract => example("frames.txt", "frame.retract"),
        Kind::Header => header(),
        Kind::Hello => example("handshake.txt", "hello"),
        Kind::Link | Kind::LinkCarried => example("relay_links.txt", "link.pinned"),
        Kind::MessageFirst => example("ratchet.txt", "i1"),
        Kind::MessageLate => example("ratchet.txt", "i2"),
        Kind::MessageStep => example("ratchet.txt", "r1"),
        Kind::PrekeyBox => sealer::open_prekey_box(&example("prekeys.txt", "signed.published")),
        Kind::PrekeyRecord => example("prekeys.txt", "signed.record"),
        Kind::Proof => example("proofs.txt", "proof.opened"),
        Kind::Record => sealer::RECORD.to_vec(),
        Kind::Reply => example("relay.txt", "reply.bundle"),
        Kind::Row => sealer::seal_record(sealer::RECORD),
        Kind::SealedFile => sealed_file::seal(),
        Kind::SessionRecord => example("ratchet.txt", "responder.record"),
        Kind::Welcome => example("relay.txt", "push.welcome_extended"),
    }
}

fn header() -> Vec<u8> {
    unlock::lock(&sealer::vault_keys(), &Passphrase::None, &mut ChaCha20Rng::from_seed([4; 32])).unwrap()
}
