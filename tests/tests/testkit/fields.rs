//! Where the fields of each specimen lie: name, first byte, byte after the last.

use lightproof_tests::specimen::Kind;

pub(crate) type Field = (&'static str, usize, usize);

const HELLO: &[Field] = &[
    ("the kind", 0, 1),
    ("the signed prekey id", 1, 5),
    ("the one-time flag", 5, 6),
    ("the one-time prekey id", 6, 10),
    ("ct1 of ML-KEM", 10, 1_098),
    ("ct1 of X25519", 1_098, 1_130),
    ("ct2 of ML-KEM", 1_130, 2_218),
    ("ct2 of X25519", 2_218, 2_250),
    ("the sealed offer", 2_250, 15_984),
    ("the tag", 15_984, 16_000),
];

const MESSAGE: &[Field] = &[
    ("the kind", 0, 1),
    ("the nonce", 1, 25),
    ("the sealed header", 25, 2_369),
    ("the tag of the header", 2_369, 2_385),
    ("the salt", 2_385, 2_417),
    ("the commitment", 2_417, 2_449),
    ("the sealed body", 2_449, 15_984),
    ("the tag of the body", 15_984, 16_000),
];

const BUNDLE: &[Field] = &[
    ("the kind", 0, 1),
    ("the id", 1, 5),
    ("the last day", 5, 9),
    ("the length", 9, 11),
    ("the nonce", 11, 35),
    ("the box", 35, 6_608),
    ("the tag", 6_608, 6_624),
];

const PREKEY_BOX: &[Field] = &[
    ("the ML-DSA key", 0, 1_952),
    ("the Ed25519 key", 1_952, 1_984),
    ("the ML-KEM key", 1_984, 3_168),
    ("the X25519 key", 3_168, 3_200),
    ("the ML-DSA signature", 3_200, 6_509),
    ("the Ed25519 signature", 6_509, 6_573),
];

const BODY: &[Field] = &[
    ("the frame", 0, 445),
    ("the ML-DSA challenge", 445, 493),
    ("the ML-DSA response", 493, 3_693),
    ("the ML-DSA hint", 3_693, 3_754),
    ("R of Ed25519", 3_754, 3_786),
    ("s of Ed25519", 3_786, 3_818),
];

const DEPOSIT_RECEIPT: &[Field] = &[
    ("the envelope", 0, 32),
    ("the drop", 32, 64),
    ("the day", 64, 68),
    ("the last day", 68, 72),
    ("R", 72, 104),
    ("s", 104, 136),
];

const HEADER: &[Field] = &[
    ("the version", 0, 1),
    ("the lock", 1, 2),
    ("the nonce", 2, 26),
    ("the length", 26, 27),
    ("the wrapped key", 27, 59),
    ("the tag", 59, 75),
];

const ROW: &[Field] = &[("the nonce", 0, 24), ("the value", 24, 59), ("the tag", 59, 75)];
const CHUNK: &[Field] = &[("the sealed bytes", 0, 65_520), ("the tag", 65_520, 65_536)];
const BLOB: &[Field] = &[
    ("the first chunk", 0, 65_520),
    ("the tag of the first chunk", 65_520, 65_536),
    ("the last chunk", 65_536, 131_056),
    ("the tag of the last chunk", 131_056, 131_072),
];
const CARD: &[Field] = &[("the scheme", 0, 11), ("the text", 11, 200), ("the end", 200, 207)];

const PROOF: &[Field] = &[
    ("the magic", 0, 16),
    ("the version", 16, 17),
    ("the suite", 17, 18),
    ("the ML-DSA key", 18, 1_970),
    ("the Ed25519 key", 1_970, 2_002),
    ("the length of the body", 2_002, 2_004),
    ("the frame", 2_004, 2_449),
    ("the signature of ML-DSA", 2_449, 5_758),
    ("the signature of Ed25519", 5_758, 5_822),
    ("the number of openings", 5_822, 5_823),
    ("the place of the opening", 5_823, 5_824),
    ("the salt", 5_824, 5_856),
    ("the digest of the source", 5_856, 5_888),
    ("the number of photos", 5_888, 5_889),
];

const SEALED_FILE: &[Field] = &[
    ("the magic", 0, 17),
    ("the version", 17, 18),
    ("the suite", 18, 19),
    ("the commitment", 19, 51),
    ("the kind of locks", 51, 52),
    ("the number of locks", 52, 53),
    ("the ciphertext of ML-KEM", 53, 1_141),
    ("the ciphertext of X25519", 1_141, 1_173),
    ("the wrapped key", 1_173, 1_221),
    ("the length of the facts", 1_221, 1_224),
    ("the facts", 1_224, 5_320),
    ("the tag of the facts", 5_320, 5_336),
    ("the chunk", 5_336, 70_856),
    ("the tag of the chunk", 70_856, 70_872),
    ("the digest", 70_872, 70_904),
    ("the signature", 70_904, 74_277),
    ("the tag of the end", 74_277, 74_293),
];

/// Every field of which no bit may be turned.
pub(crate) const fn protected(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Blob => BLOB,
        Kind::Body => BODY,
        Kind::Bundle | Kind::BundleBare => BUNDLE,
        Kind::Card => CARD,
        Kind::Chunk => CHUNK,
        Kind::DepositReceipt => DEPOSIT_RECEIPT,
        Kind::Header => HEADER,
        Kind::Hello => HELLO,
        Kind::MessageFirst | Kind::MessageLate | Kind::MessageStep => MESSAGE,
        Kind::PrekeyBox => PREKEY_BOX,
        Kind::Proof => PROOF,
        Kind::Row => ROW,
        Kind::SealedFile => SEALED_FILE,
        _ => &[],
    }
}
