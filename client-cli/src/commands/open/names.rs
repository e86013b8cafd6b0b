//! What the files of a sealed file are called here: names of ours, in which the sender's is only the last part.

use lightproof_core::e2ee::sealed_file::Facts;

use super::super::people::People;
use super::super::photo_file::stem;
use super::super::present::hex;
use crate::clock::Date;

/// The name without its ending, and the ending: the day, who sealed it, and what they call it.
pub(super) fn ours(facts: &Facts, called: &str, people: &People) -> (String, String) {
    let signer = facts.signer.as_ref().map(|key| key.fingerprint());
    let sealer = match &signer {
        None => "unsigned".to_owned(),
        Some(signer) => match people.owner(signer).name() {
            Some(name) => name.to_owned(),
            None => hex(signer.as_bytes()).get(..8).unwrap_or_default().to_owned(),
        },
    };
    let (called, ending) = apart(called);
    (stem(Date(facts.sealed_at.day()), &sealer, "") + &file_name(called), ending)
}

/// A name and its ending; `bin` where it has none that every system takes.
fn apart(called: &str) -> (&str, String) {
    match called.rsplit_once('.') {
        Some((name, ending)) if is_ending(ending) && !name.is_empty() => (name, ending.to_owned()),
        _ => (called, "bin".to_owned()),
    }
}

fn is_ending(ending: &str) -> bool {
    (1..=ENDING_CHARS).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// As a part of a file name on any system.
fn file_name(called: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | ' ' | '.');
    called.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

const ENDING_CHARS: usize = 10;

#[cfg(test)]
mod tests {
    use lightproof_core::wire::{codec::List, time::Timestamp};

    use super::*;

    #[test]
    fn no_name_of_a_sender_is_a_path_or_a_name_of_its_own() {
        let facts = Facts {
            sealed_at: Timestamp(1_795_262_400_000),
            signer: None,
            recipients: List::default(),
            files: List::default(),
        };
        for (called, name) in [
            ("tax return.pdf", "tax return.pdf"),
            ("backup.tar.gz", "backup.tar.gz"),
            ("../../.ssh/authorized_keys", ".._.._.ssh_authorized_keys.bin"),
            (".bashrc", ".bashrc.bin"),
            ("Makefile", "Makefile.bin"),
            ("con:.e/xe", "con_.e_xe.bin"),
            ("a\u{202e}gpj.exe", "a_gpj.exe"),
            ("", ".bin"),
        ] {
            let (stem, ending) = ours(&facts, called, &People::default());
            assert_eq!(format!("{stem}.{ending}"), format!("2026-11-21 unsigned {name}"), "{called:?}");
        }
    }
}
