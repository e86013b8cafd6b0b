//! Who sealed a file and for whom, in one sentence with what nobody can tell, and what was in it.

use std::fmt::{self, Write as _};

use lightproof_core::e2ee::sealed_file::VerifiedFile;
use serde::Serialize;

use super::super::people::{Owner, People};
use super::super::present::hex;
use crate::clock::Utc;
use crate::output::{Page, Report, Style};
use crate::sanitize::Sanitized;

/// A sealed file that was verified, and where what was in it is.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "opened")]
pub(super) struct Told {
    /// The fingerprint of the key that signed, if one did.
    signer: Option<String>,
    /// Our name for whoever has that key.
    name: Option<String>,
    /// `verified` or `unverified`.
    trust: Option<&'static str>,
    /// The fingerprints of those it was sealed for; none, where it was for a passphrase.
    recipients: Vec<String>,
    /// RFC 3339, UTC: what the sealer's clock said.
    sealed_at: String,
    files: Vec<ToldFile>,
    /// What the signature proves, and what nobody can tell; fit to be printed.
    says: String,
    #[serde(skip)]
    style: Style,
    #[serde(skip)]
    recipient_names: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ToldFile {
    name: String,
    bytes: u64,
    sha256: String,
    /// Where it was saved.
    file: Option<String>,
}

impl Told {
    pub(super) fn of(verified: &VerifiedFile, people: &People, saved: Vec<String>) -> Self {
        let facts = verified.facts();
        let signer = facts.signer.as_ref().map(|key| key.fingerprint());
        let owner = signer.as_ref().map(|signer| people.owner(signer));
        let mut saved = saved.into_iter();
        let file = |(file, digest): (&lightproof_core::e2ee::sealed_file::FileFacts, &_)| ToldFile {
            name: file.name.as_str().to_owned(),
            bytes: file.length_bytes,
            sha256: hex(lightproof_core::wire::hash::Digest::as_bytes(digest)),
            file: saved.next(),
        };
        let files = facts.files.iter().zip(verified.digests()).map(file).collect();
        let name_of = |key: &_| people.owner(key).name().map_or_else(|| key.to_string(), str::to_owned);
        let (says, style) = sentence(owner.as_ref());
        Self {
            signer: signer.map(|signer| signer.to_string()),
            name: owner.as_ref().and_then(Owner::name).map(str::to_owned),
            trust: owner.as_ref().and_then(Owner::trust),
            recipients: facts.recipients.iter().map(ToString::to_string).collect(),
            sealed_at: Utc(facts.sealed_at).to_string(),
            files,
            says,
            style,
            recipient_names: facts.recipients.iter().map(name_of).collect(),
        }
    }

    /// Who sealed it, in one sentence.
    pub(super) fn says(&self) -> &str {
        &self.says
    }
}

/// What is known of who sealed it, and what is not.
fn sentence(signer: Option<&Owner>) -> (String, Style) {
    match signer {
        None => ("nobody signed this: whoever could seal it for you may have made it".to_owned(), Style::Caution),
        Some(Owner::Me) => ("unchanged since you sealed it".to_owned(), Style::Good),
        Some(Owner::Verified(name)) => (format!("unchanged since {} sealed it", Sanitized::line(name)), Style::Good),
        Some(Owner::Unverified(name)) => (
            format!(
                "unchanged since the key you know as {} sealed it; you have not compared safety numbers, and lightproof \
                 cannot tell who holds this key",
                Sanitized::line(name)
            ),
            Style::Caution,
        ),
        Some(Owner::Unknown) => (
            "unchanged since a key nobody here knows sealed it: lightproof cannot tell who holds this key".to_owned(),
            Style::Caution,
        ),
    }
}

impl Report for Told {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        let says = page.ink().paint(self.style, &self.says);
        writeln!(page, "{says}")?;
        if let Some(signer) = &self.signer {
            writeln!(page, "signed by  {signer}")?;
        }
        if !self.recipient_names.is_empty() {
            writeln!(page, "for        {}", Sanitized::line(&self.recipient_names.join(", ")))?;
        }
        writeln!(page, "sealed     {}, by its sealer's clock", self.sealed_at)?;
        for file in &self.files {
            match &file.file {
                Some(saved) => writeln!(page, "{}  {} bytes", Sanitized::line(saved), file.bytes)?,
                None => writeln!(page, "{}  {} bytes", Sanitized::line(&file.name), file.bytes)?,
            }
            writeln!(page, "  sha256  {}", file.sha256)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::hostile::assert_shown_as_ink;
    use crate::sanitize::hostile::texts;

    #[test]
    fn no_name_in_a_sealed_file_reaches_anybody_as_anything_but_ink() {
        let mut count = 0;
        // What they all become is tested where it is made; here, that everything goes that way.
        for text in texts().step_by(16) {
            let (says, style) = sentence(Some(&Owner::Unverified(text.clone())));
            let told = Told {
                signer: Some("ab".repeat(32)),
                name: Some(text.clone()),
                trust: Some("unverified"),
                recipients: Vec::new(),
                sealed_at: "2026-11-21T02:03:04Z".to_owned(),
                files: vec![ToldFile { name: text.clone(), bytes: 3, sha256: "3f2a".repeat(16), file: None }],
                says,
                style,
                recipient_names: vec![text.clone()],
            };
            assert_shown_as_ink(&told, "name", &text);
            count += 1;
        }
        println!("evidence: A25 P16 | {count} hostile names in sealed files, shown as ink | -");
    }

    #[test]
    fn of_an_unverified_key_it_is_said_that_nobody_can_tell_whose_it_is() {
        let bob = || "bob".to_owned();
        for owner in [Owner::Me, Owner::Verified(bob()), Owner::Unverified(bob()), Owner::Unknown] {
            let (says, _) = sentence(Some(&owner));
            let is_told = says.contains("lightproof cannot tell who holds this key");
            assert_eq!(is_told, matches!(owner, Owner::Unknown | Owner::Unverified(_)), "{says}");
        }
        assert!(sentence(None).0.starts_with("nobody signed this"));
    }
}
