//! ML-KEM-768 over many random cases, compared by one hash: the accumulated vectors of C2SP/CCTV for FIPS 203.
//!
//! A stream of SHAKE-128 over nothing gives, for each case, a seed, the randomness of an encapsulation and a random
//! ciphertext. Public key, ciphertext, shared secret, and the secret that the random ciphertext is implicitly rejected
//! with, go into another SHAKE-128.

use lightproof_tests::effort::times;
use ml_kem::{B32, Decapsulate as _, DecapsulationKey768, KeyExport as _, Seed, ml_kem_768::Ciphertext};
use shake::{ExtendableOutput as _, Shake128, Update as _, XofReader as _};

fn accumulated(cases: u64) -> [u8; 32] {
    let mut random = Shake128::default().finalize_xof();
    let mut all = Shake128::default();
    for _ in 0..cases {
        let (mut seed, mut m, mut ciphertext) = (Seed::default(), B32::default(), Ciphertext::default());
        random.read(&mut seed);
        random.read(&mut m);
        random.read(&mut ciphertext);
        let key = DecapsulationKey768::from_seed(seed);
        let (sent, shared) = key.encapsulation_key().encapsulate_deterministic(&m);
        assert_eq!(key.decapsulate(&sent), shared);
        all.update(&key.encapsulation_key().to_bytes());
        all.update(&sent);
        all.update(&shared);
        all.update(&key.decapsulate(&ciphertext));
    }
    let mut digest = [0; 32];
    all.finalize_xof_into(&mut digest);
    digest
}

#[test]
fn ml_kem_agrees_with_the_accumulated_vectors() {
    let published = [
        (1, 100, "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415"),
        (2, 10_000, "8a518cc63da366322a8e7a818c7a0d63483cb3528d34a4cf42f35d5ad73f22fc"),
        (100, 1_000_000, "424bf8f0e8ae99b78d788a6e2e8e9cdaf9773fc0c08a6f433507cb559edfd0f0"),
    ];
    for (effort, cases, digest) in published.into_iter().filter(|(effort, ..)| *effort <= times(1)) {
        assert_eq!(hex::encode(accumulated(cases)), digest, "{cases} cases, at effort {effort} and above");
        println!("evidence: P1 P2 P7 | {cases} accumulated cases of ML-KEM-768 | -");
    }
}

#[test]
fn one_case_less_gives_another_hash() {
    assert_ne!(accumulated(99), accumulated(100));
}
