//! Capabilities and deposit receipts: what is kept of a right, and what a relay can be held to.

use ed25519_dalek::SigningKey;
use lightproof_wire::{
    capability::{AccessMalformed, Capability, right},
    codec,
    deposit_receipt::{DepositReceipt, ReceiptKey, ReceiptMisbehaved},
    hash::Digest,
};

use crate::samples::{counted, deposit_receipt, envelope, hash, receipt_key};

#[test]
fn the_same_bytes_name_five_different_things() {
    let bytes = counted(0);
    let hashes = [
        *Capability::<right::Owner>::from_bytes(bytes).hash().as_bytes(),
        *Capability::<right::Drop>::from_bytes(bytes).hash().as_bytes(),
        *Capability::<right::Write>::from_bytes(bytes).hash().as_bytes(),
        *Capability::<right::Read>::from_bytes(bytes).hash().as_bytes(),
        *Capability::<right::Access>::from_bytes(bytes).hash().as_bytes(),
    ];
    for (i, one) in hashes.iter().enumerate() {
        assert!(hashes.iter().skip(i + 1).all(|other| other != one));
    }
}

#[test]
fn a_capability_hash_is_what_the_spec_says() {
    let by_hand = Digest::of(&[&[18][..], b"lightproof v1 cap drop".as_slice(), &counted::<32>(0)].concat());
    assert_ne!(
        Capability::<right::Drop>::from_bytes(counted(0)).hash().as_bytes(),
        by_hand.as_bytes(),
        "the length is that of the whole label"
    );
    let by_hand = Digest::of(&[&[22][..], b"lightproof v1 cap drop".as_slice(), &counted::<32>(0)].concat());
    assert_eq!(Capability::<right::Drop>::from_bytes(counted(0)).hash().as_bytes(), by_hand.as_bytes());
}

#[test]
fn an_access_capability_is_read_as_it_was_handed_out_and_in_no_other_way() {
    let access = Capability::<right::Access>::from_bytes(counted(0));
    let text = access.print();
    assert_eq!(text.as_str(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    assert_eq!(Capability::parse(&text), Ok(access));
    let more = format!("{}A", text.as_str());
    let unused_bits = format!("{}9", &text[..42]);
    for wrong in ["", &text[..42], &more, &unused_bits, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh/"] {
        assert_eq!(Capability::parse(wrong), Err(AccessMalformed), "{wrong}");
    }
}

#[test]
fn a_capability_is_never_printed() {
    let secret = Capability::<right::Owner>::from_bytes([0xab; 32]);
    assert_eq!(format!("{secret:?}"), "Capability<owner>(…)");
    assert_eq!(format!("{:?}", secret.hash()), "CapabilityHash<owner>(…)");
}

#[test]
fn a_receipt_holds_for_this_envelope_this_drop_and_this_relay() {
    let key = ReceiptKey(receipt_key().verifying_key().to_bytes());
    let other = ReceiptKey(SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes());
    let (receipt, digest) = (deposit_receipt(), envelope().digest());
    assert_eq!(receipt.verify(&key, &digest, &hash(0x20)), Ok(()));
    assert_eq!(receipt.verify(&other, &digest, &hash(0x20)), Err(ReceiptMisbehaved));
    assert_eq!(receipt.verify(&key, &Digest::of(b"another"), &hash(0x20)), Err(ReceiptMisbehaved));
    assert_eq!(receipt.verify(&key, &digest, &hash(0x21)), Err(ReceiptMisbehaved));
    assert_eq!(receipt.verify(&ReceiptKey([0xff; 32]), &digest, &hash(0x20)), Err(ReceiptMisbehaved));
}

#[test]
fn no_bit_of_a_receipt_can_be_changed() {
    let key = ReceiptKey(receipt_key().verifying_key().to_bytes());
    let bytes = codec::encode(&deposit_receipt());
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        if let Some(byte) = changed.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        let receipt: DepositReceipt = codec::decode(&changed).unwrap();
        assert_eq!(receipt.verify(&key, &envelope().digest(), &hash(0x20)), Err(ReceiptMisbehaved), "bit {bit}");
    }
}

#[test]
fn a_key_of_small_order_promises_nothing() {
    // The neutral element: plain Ed25519 verification would accept a zero signature for any message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut bytes = codec::encode(&deposit_receipt());
    let start = bytes.len() - 64;
    bytes.truncate(start);
    bytes.extend_from_slice(&neutral);
    bytes.extend_from_slice(&[0; 32]);
    let receipt: DepositReceipt = codec::decode(&bytes).unwrap();
    assert_eq!(receipt.verify(&ReceiptKey(neutral), &envelope().digest(), &hash(0x20)), Err(ReceiptMisbehaved));
}
