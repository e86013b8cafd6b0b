//! Sealed files whole, changed, cut, forwarded, and opened by others.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use lightproof_wire::{codec::DecodeError, id::ChunkIndex};

use super::*;
use crate::{
    blob::ChunkError,
    identity::IdentityKeyPair,
    sealing_key::{SealingKey, SealingSecret},
    testing::rng,
};

const NOW: Timestamp = Timestamp(1_795_219_200_000);

struct People {
    alice: IdentityKeyPair,
    bob: Fingerprint,
    bobs: SealingSecret,
    carol: Fingerprint,
    carols: SealingSecret,
}

fn people() -> People {
    let person = |seed| IdentityKeyPair::generate(&mut rng(seed));
    People {
        alice: person(1),
        bob: person(2).fingerprint(),
        bobs: SealingSecret::generate(&mut rng(3)),
        carol: person(4).fingerprint(),
        carols: SealingSecret::generate(&mut rng(5)),
    }
}

fn file(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn named(files: &[(&str, Vec<u8>)]) -> Vec<FileFacts> {
    let facts = |(name, bytes): &(&str, Vec<u8>)| FileFacts {
        name: Text::new(*name).unwrap(),
        length_bytes: bytes.len() as u64,
    };
    files.iter().map(facts).collect()
}

fn seal(files: &[(&str, Vec<u8>)], to: &LockFor<'_>, signer: Option<&IdentityKeyPair>) -> Vec<u8> {
    let mut rng = rng(9);
    let Sealing { beginning: mut sealed, facts, mut sealer, closing } =
        begin(named(files), to, signer.map(IdentityKeyPair::public), NOW, &mut rng).unwrap();
    let content = files.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>();
    let mut content = content.as_slice();
    let mut split = Files::of(&facts);
    while let Some(index) = sealer.next() {
        let (here, rest) = content.split_at(sealer.plaintext_bytes(index));
        split.take(here).unwrap();
        let mut chunk = here.to_vec();
        sealer.seal_chunk(index, &mut chunk).unwrap();
        sealed.extend_from_slice(&chunk);
        content = rest;
    }
    let end = closing.finish(sealer.finish().unwrap(), &split.finish().unwrap(), signer, &mut rng).unwrap();
    sealed.extend_from_slice(&end);
    sealed
}

fn open_with(
    sealed: &[u8],
    unlock: impl FnOnce(&Header) -> Result<Unlocked, SealedFileError>,
) -> Result<(VerifiedFile, Vec<Vec<u8>>), SealedFileError> {
    let (header, used) = Header::read(sealed)?;
    let rest = &sealed[used..];
    let (opening, used) = unlock(&header)?.open(&header, rest)?;
    let mut rest = &rest[used..];
    let mut split = Files::of(opening.claimed());
    let mut content = Vec::new();
    let shape = opening.opener().shape();
    for index in (0..shape.count()).map(ChunkIndex) {
        let chunk = rest.split_at_checked(shape.class().sealed_bytes() as usize).ok_or(DecodeError::Truncated)?;
        let mut buffer = chunk.0.to_vec();
        opening.opener().open_chunk(index, &mut buffer)?;
        split.take(&buffer).unwrap();
        content.extend(buffer);
        rest = chunk.1;
    }
    let lengths = opening.claimed().files.iter().map(|file| usize::try_from(file.length_bytes).unwrap());
    let files = lengths.map(|length| content.drain(..length).collect()).collect();
    if rest.len() > opening.end_bytes() {
        return Err(DecodeError::Trailing.into());
    }
    Ok((opening.finish(rest, &split.finish().unwrap())?, files))
}

fn open(sealed: &[u8], me: &Fingerprint, secret: &SealingSecret) -> Result<VerifiedFile, SealedFileError> {
    let secret = codec_copy(secret);
    open_with(sealed, |header| header.unlock(me, &[secret])).map(|(verified, _)| verified)
}

fn codec_copy(secret: &SealingSecret) -> SealingSecret {
    lightproof_wire::codec::decode(&lightproof_wire::codec::encode(secret)).unwrap()
}

fn cost() -> PassphraseCost {
    PassphraseCost { memory_kib: 64, passes: 1, lanes: 1, salt: [7; 16] }
}

#[test]
fn every_file_comes_back_for_everybody_it_is_sealed_for_with_who_signed() {
    let people = people();
    let files = [("a.txt", file(10)), ("nothing", Vec::new()), ("long.bin", file(200_000)), ("last", Vec::new())];
    let to = [(people.bob, people.bobs.public()), (people.carol, people.carols.public())];
    let sealed = seal(&files, &LockFor::Recipients(&to), Some(&people.alice));
    for (me, secret) in [(people.bob, &people.bobs), (people.carol, &people.carols)] {
        let secret = codec_copy(secret);
        let (verified, opened) = open_with(&sealed, |header| header.unlock(&me, &[secret])).unwrap();
        assert_eq!(opened, files.clone().map(|(_, bytes)| bytes));
        assert_eq!(verified.facts().signer.as_ref(), Some(people.alice.public()));
        assert_eq!(verified.facts().recipients.as_slice(), [people.bob, people.carol]);
        assert_eq!(verified.facts().files.as_slice(), named(&files));
        assert_eq!(verified.facts().sealed_at, NOW);
        assert_eq!(verified.digests()[0], Digest::of(&files[0].1));
    }
}

#[test]
fn nobody_else_opens_it_and_no_other_passphrase() {
    let people = people();
    let files = [("a.txt", file(10))];
    let sealed = seal(&files, &LockFor::Recipients(&[(people.bob, people.bobs.public())]), Some(&people.alice));
    assert_eq!(open(&sealed, &people.carol, &people.carols), Err(SealedFileError::NotForUs));
    assert_eq!(open(&sealed, &people.carol, &people.bobs), Err(SealedFileError::OtherRecipient));
    let (right, wrong) = (PassphraseKey::from_bytes(&[1; 32]), PassphraseKey::from_bytes(&[2; 32]));
    let sealed = seal(&files, &LockFor::Passphrase(cost(), &right), None);
    assert_eq!(Header::read(&sealed).unwrap().0.passphrase_cost(), Some(cost()));
    assert_eq!(open_with(&sealed, |header| header.unlock_with(&wrong)).unwrap_err(), SealedFileError::NotForUs);
    let (verified, opened) = open_with(&sealed, |header| header.unlock_with(&right)).unwrap();
    assert_eq!((verified.facts().signer.as_ref(), &opened[0]), (None, &files[0].1));
}

#[test]
fn a_sealed_file_cannot_be_passed_on_as_if_it_had_been_sealed_for_somebody_else() {
    // Bob can open what Alice signed for him. He locks the same key again, for Carol.
    let people = people();
    let files = [("a.txt", file(10))];
    let sealed = seal(&files, &LockFor::Recipients(&[(people.bob, people.bobs.public())]), Some(&people.alice));
    let seal_key = Key::generate(&mut rng(9));
    let keys = Keys::of(&seal_key);
    let (header, used) = Header::read(&sealed).unwrap();
    let (opening, facts_bytes) =
        header.unlock(&people.bob, &[codec_copy(&people.bobs)]).unwrap().open(&header, &sealed[used..]).unwrap();
    assert!(keys.commitment == *sealed[19..].first_chunk().unwrap(), "the first that is drawn is the key of the file");
    for honest_about_the_recipient in [true, false] {
        let facts = Facts {
            recipients: List::new(vec![if honest_about_the_recipient { people.bob } else { people.carol }]).unwrap(),
            ..opening.claimed().clone()
        };
        let forwarded = lock::forward(&seal_key, &people.carols.public(), &mut rng(11));
        let mut bytes = forwarded.bytes();
        bytes.extend_from_slice(&Facts::seal(&facts.encode(), &forwarded, &keys).unwrap());
        bytes.extend_from_slice(&sealed[used + facts_bytes..]);
        let expected =
            if honest_about_the_recipient { SealedFileError::OtherRecipient } else { SealedFileError::Forged };
        assert_eq!(open(&bytes, &people.carol, &people.carols), Err(expected));
    }
}

#[test]
fn no_file_opens_under_two_keys() {
    // A header whose lock opens to another key than it commits to, although every tag holds.
    let people = people();
    let files = [("a.txt", file(10))];
    let mut sealed = seal(&files, &LockFor::Recipients(&[(people.bob, people.bobs.public())]), None);
    sealed[19] ^= 1;
    assert_eq!(open(&sealed, &people.bob, &people.bobs), Err(SealedFileError::Undecryptable));
    let (header, _) = Header::read(&sealed).unwrap();
    assert!(header.unlock(&people.bob, &[codec_copy(&people.bobs)]).is_err(), "before anything is decrypted");
}

#[test]
fn every_part_of_it_is_needed_and_nothing_may_follow() {
    let people = people();
    let sealed = seal(
        &[("a.txt", file(100)), ("b", file(70_000))],
        &LockFor::Recipients(&[(people.bob, people.bobs.public())]),
        Some(&people.alice),
    );
    let bob = |bytes: &[u8]| open(bytes, &people.bob, &people.bobs);
    bob(&sealed).unwrap();
    let facts_end = HEADER_MAX_BYTES - 63 * 1_168 + 3 + 4_112;
    let sampled = (0..facts_end).step_by(97).chain((facts_end..sealed.len()).step_by(5_003));
    for place in sampled.chain([sealed.len() - 1, sealed.len() - 16, sealed.len() - SIGNATURE_BYTES]) {
        let mut changed = sealed.clone();
        changed[place] ^= 0x10;
        assert!(bob(&changed).is_err(), "byte {place}");
        assert!(bob(&sealed[..place]).is_err(), "cut at {place}");
    }
    assert_eq!(bob(&[&sealed[..], &[0]].concat()), Err(DecodeError::Trailing.into()));
}

#[test]
fn a_signature_of_another_file_or_in_another_name_does_not_hold() {
    let people = people();
    let to = [(people.bob, people.bobs.public())];
    let files = [("a.txt", file(10))];
    let signed = seal(&files, &LockFor::Recipients(&to), Some(&people.alice));
    // The same key and facts, as the random source is the same; another content, and Alice's end.
    let mut sealing =
        begin(named(&files), &LockFor::Recipients(&to), Some(people.alice.public()), NOW, &mut rng(9)).unwrap();
    let mut other = b"0123456789".to_vec();
    sealing.sealer.seal_chunk(ChunkIndex(0), &mut other).unwrap();
    let end = &signed[signed.len() - Facts::end_bytes(1)..];
    let bytes = [&sealing.beginning, &other, end].concat();
    assert_eq!(open(&bytes, &people.bob, &people.bobs), Err(SealedFileError::Digest));
    // Signed by somebody else than it says.
    let mallory = IdentityKeyPair::generate(&mut rng(20));
    let closing = Closing::for_test(sealing.closing, mallory.public().clone());
    let end = closing
        .finish(sealing.sealer.finish().unwrap(), &[Digest::of(b"0123456789")], Some(&mallory), &mut rng(21))
        .unwrap();
    let bytes = [&sealing.beginning, &other, end.as_slice()].concat();
    assert_eq!(open(&bytes, &people.bob, &people.bobs), Err(SealedFileError::Forged));
}

#[test]
fn a_name_that_is_a_path_is_refused_on_both_sides() {
    let people = people();
    let to = [(people.bob, people.bobs.public())];
    for name in ["../x", "/etc/passwd", "a\\b", "a\nb", "\u{1b}[2J"] {
        let begun = begin(named(&[(name, file(1))]), &LockFor::Recipients(&to), None, NOW, &mut rng(1));
        assert_eq!(begun.err(), Some(SealFileError::Contradiction(Contradiction::Name)), "{name:?}");
        let good = seal(&[("x", file(1))], &LockFor::Recipients(&to), None);
        let (header, used) = Header::read(&good).unwrap();
        let keys = Keys::of(&Key::generate(&mut rng(9)));
        let unlocked = header.unlock(&people.bob, &[codec_copy(&people.bobs)]).unwrap();
        let (opening, _) = unlocked.open(&header, &good[used..]).unwrap();
        let facts = Facts { files: List::new(named(&[(name, file(1))])).unwrap(), ..opening.claimed().clone() };
        let sealed = Facts::seal(&facts.encode(), &header, &keys).unwrap();
        let unlocked = header.unlock(&people.bob, &[codec_copy(&people.bobs)]).unwrap();
        assert_eq!(
            unlocked.open(&header, &sealed).unwrap_err(),
            SealedFileError::Contradiction(Contradiction::Name),
            "{name:?}"
        );
    }
}

#[test]
fn limits_are_what_they_say() {
    let people = people();
    let key: SealingKey = people.bobs.public();
    let none: [(Fingerprint, SealingKey); 0] = [];
    let many = vec![(people.bob, key); LOCKS + 1];
    let one = || named(&[("x", file(1))]);
    for to in [&none[..], &many] {
        let begun = begin(one(), &LockFor::Recipients(to), None, NOW, &mut rng(1));
        assert_eq!(begun.err(), Some(SealFileError::TooMany));
    }
    let most = begin(one(), &LockFor::Recipients(&many[1..]), None, NOW, &mut rng(1)).unwrap();
    assert_eq!(Header::read(&most.beginning).unwrap().1, HEADER_MAX_BYTES);
    // The longest facts fit what a reader takes.
    let long = FileFacts { name: Text::new("n".repeat(NAME_BYTES)).unwrap(), length_bytes: 1 };
    let most = begin(vec![long.clone(); FILES], &LockFor::Recipients(&many[1..]), None, NOW, &mut rng(1)).unwrap();
    assert!(most.beginning.len() < HEADER_MAX_BYTES + FACTS_MAX_BYTES);
    let begun = begin(vec![long.clone(); FILES + 1], &LockFor::Recipients(&many[1..]), None, NOW, &mut rng(1));
    assert_eq!(begun.err(), Some(SealFileError::TooMany));
    assert!(begin(Vec::new(), &LockFor::Recipients(&many[1..]), None, NOW, &mut rng(1)).is_err());
    let huge = FileFacts { length_bytes: 1 << 40, ..long };
    let begun = begin(vec![huge], &LockFor::Recipients(&many[1..]), None, NOW, &mut rng(1));
    assert_eq!(begun.err(), Some(SealFileError::TooLong));
    assert_eq!(SealedFileError::from(ChunkError::Surplus), SealedFileError::Digest);
}

#[test]
fn another_version_is_told_apart_from_another_file() {
    let people = people();
    let sealed = seal(&[("x", file(1))], &LockFor::Recipients(&[(people.bob, people.bobs.public())]), None);
    let read = |bytes: &[u8]| Header::read(bytes).err();
    assert_eq!(read(b"a letter"), Some(SealedFileError::NotASealedFile));
    for place in [17, 18] {
        let mut later = sealed.clone();
        later[place] = 2;
        assert_eq!(read(&later), Some(SealedFileError::Newer));
    }
    assert_eq!(read(&sealed[..100]), Some(DecodeError::Truncated.into()));
}
