//! The frozen sealed files: their parts in clear view, and the whole by its digest.

use lightproof_e2ee::{
    identity::IdentityKeyPair,
    sealed_file::{FileFacts, Files, Header, LockFor, PassphraseCost, PassphraseKey, Sealing, begin},
    sealing_key::SealingSecret,
};
use lightproof_wire::{
    codec::{self, Text},
    hash::Digest,
    id::ChunkIndex,
    time::Timestamp,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

use super::{Examples, alice, bob, counted, file, frozen};

const NAMES: [(&str, usize); 2] = [("a.txt", 10), ("harbour.jpg", 100_000)];

fn bobs() -> SealingSecret {
    codec::decode(&counted::<32>(0x70)).unwrap()
}

fn cost() -> PassphraseCost {
    PassphraseCost { memory_kib: 65_536, passes: 3, lanes: 1, salt: counted(0x50) }
}

fn sealed(name: &str, files: &[(&str, usize)], to: &LockFor<'_>, signer: Option<&IdentityKeyPair>) -> Examples {
    let mut rng = ChaCha20Rng::from_seed([0; 32]);
    let facts =
        |(name, length): &(&str, usize)| FileFacts { name: Text::new(*name).unwrap(), length_bytes: *length as u64 };
    let signing = signer.map(IdentityKeyPair::public);
    let begun = begin(files.iter().map(facts).collect(), to, signing, Timestamp(1_795_219_200_000), &mut rng);
    let Sealing { beginning, mut sealer, closing, .. } = begun.unwrap();
    let content: Vec<u8> = files.iter().flat_map(|(_, length)| file(*length)).collect();
    let (mut whole, mut from) = (beginning.clone(), 0);
    while let Some(index) = sealer.next() {
        let to = from + sealer.plaintext_bytes(index);
        let mut chunk = content[from..to].to_vec();
        sealer.seal_chunk(index, &mut chunk).unwrap();
        whole.extend(chunk);
        from = to;
    }
    let digests: Vec<Digest> = files.iter().map(|(_, length)| Digest::of(&file(*length))).collect();
    let end = closing.finish(sealer.finish().unwrap(), &digests, signer, &mut rng).unwrap();
    whole.extend(&end);
    vec![(format!("{name}.beginning"), beginning), (format!("{name}.end"), end), (format!("{name}.whole"), whole)]
}

pub(crate) fn examples() -> Examples {
    let (alice, to) = (alice(), [(bob().fingerprint(), bobs().public())]);
    let passphrase = PassphraseKey::from_bytes(&counted(0x60));
    let mut examples = vec![
        ("bob.sealing_secret".to_owned(), codec::encode(&bobs())),
        ("bob.sealing_key".to_owned(), bobs().public().as_bytes().to_vec()),
    ];
    examples.extend(sealed("signed", &NAMES, &LockFor::Recipients(&to), Some(&alice)));
    examples.extend(sealed("unsigned", &NAMES, &LockFor::Recipients(&to), None));
    examples.extend(sealed("passphrase", &NAMES[..1], &LockFor::Passphrase(cost(), &passphrase), Some(&alice)));
    examples
}

#[test]
fn a_frozen_sealed_file_is_opened() {
    let part = |name: &str| hex::decode(&frozen("sealed_files.txt")[name]).unwrap();
    let beginning = part("passphrase.beginning");
    let (header, used) = Header::read(&beginning).unwrap();
    assert_eq!(header.passphrase_cost(), Some(cost()));
    let unlocked = header.unlock_with(&PassphraseKey::from_bytes(&counted(0x60))).unwrap();
    let (opening, facts) = unlocked.open(&header, &beginning[used..]).unwrap();
    assert_eq!((used + facts, opening.claimed().signer.as_ref()), (beginning.len(), Some(alice().public())));

    let beginning = part("signed.beginning");
    let (header, used) = Header::read(&beginning).unwrap();
    let (opening, _) =
        header.unlock(&bob().fingerprint(), &[bobs()]).unwrap().open(&header, &beginning[used..]).unwrap();
    let whole = examples().into_iter().find(|(name, _)| name == "signed.whole").unwrap().1;
    let mut files = Files::of(opening.claimed());
    for (index, chunk) in whole[beginning.len()..].chunks_exact(65_536).take(2).enumerate() {
        let mut chunk = chunk.to_vec();
        opening.opener().open_chunk(ChunkIndex(u32::try_from(index).unwrap()), &mut chunk).unwrap();
        files.take(&chunk).unwrap();
    }
    let verified = opening.finish(&part("signed.end"), &files.finish().unwrap()).unwrap();
    assert_eq!(verified.digests(), [Digest::of(&file(10)), Digest::of(&file(100_000))]);
}
