//! What a proof proves, in one sentence with what it does not, and the facts that were signed.

use std::fmt::{self, Write as _};

use lightproof_core::e2ee::manifest::Photo;
use lightproof_core::e2ee::proof::Proof;
use lightproof_core::proof::Likeness;
use serde::{Serialize, Serializer};

use super::super::people::{Owner, People};
use super::super::present::{hex, media_type, treatment};
use crate::clock::Utc;
use crate::output::event::Size;
use crate::output::{Page, Report, Style};
use crate::sanitize::Sanitized;
use crate::terminal::Window;

/// A proof that holds.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "proof")]
pub(super) struct Told {
    id: String,
    /// The fingerprint of the key that signed.
    signer: String,
    /// Our name for whoever has that key, in a home that knows them.
    name: Option<String>,
    /// `verified` or `unverified`.
    trust: Option<&'static str>,
    /// The fingerprint of the key it was signed for.
    recipient: String,
    note: Option<String>,
    /// RFC 3339, UTC: what the signer's clock said.
    sent_at: String,
    photos: Vec<ToldPhoto>,
    /// What the file that was named is.
    compared: Vec<Like>,
    /// What all of this proves, and what it does not; fit to be printed.
    says: String,
    #[serde(skip)]
    recipient_name: Option<String>,
    #[serde(skip)]
    compared_file: String,
    #[serde(skip)]
    columns: usize,
}

#[derive(Debug, Serialize)]
struct ToldPhoto {
    treatment: &'static str,
    media_type: &'static str,
    bytes: u64,
    sha256: String,
    width: Option<u32>,
    height: Option<u32>,
    name: String,
    /// SHA-256 of the file it was made from, where its sender says so.
    source_sha256: Option<String>,
    /// Whether it is in the proof.
    enclosed: bool,
    /// Where it was saved, if it was.
    file: Option<String>,
}

/// A file that was named, and what of the message it is.
pub(super) struct Compared {
    pub(super) file: String,
    pub(super) found: Vec<Likeness>,
}

#[derive(Debug)]
struct Like(Likeness);

impl Like {
    const fn parts(&self) -> (usize, &'static str) {
        match self.0 {
            Likeness::Photo(place) => (place.saturating_add(1), "photo"),
            Likeness::Source(place) => (place.saturating_add(1), "source"),
        }
    }
}

impl Serialize for Like {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Parts {
            photo: usize,
            r#as: &'static str,
        }
        let (photo, r#as) = self.parts();
        Parts { photo, r#as }.serialize(serializer)
    }
}

impl ToldPhoto {
    fn of(proof: &Proof, place: usize, photo: &Photo, files: &[(usize, String)]) -> Self {
        let dimensions = photo.dimensions();
        Self {
            treatment: treatment(photo.treatment),
            media_type: media_type(photo.media_type),
            bytes: photo.length_bytes,
            sha256: hex(photo.digest.as_bytes()),
            width: dimensions.map(|(width, _)| width),
            height: dimensions.map(|(_, height)| height),
            name: photo.name.as_str().to_owned(),
            source_sha256: proof.source(place).map(|digest| hex(digest.as_bytes())),
            enclosed: proof.enclosed().any(|enclosed| enclosed == place),
            file: files.iter().find(|(of, _)| *of == place).map(|(_, file)| file.clone()),
        }
    }

    fn write(&self, page: &mut Page, number: usize) -> fmt::Result {
        let size = Size { width: self.width, height: self.height, bytes: self.bytes };
        writeln!(page, "photo {number}: {} {} {size}", self.treatment, self.media_type)?;
        writeln!(page, "  called  {}", Sanitized::line(&self.name))?;
        writeln!(page, "  sha256  {}", self.sha256)?;
        if let Some(source) = &self.source_sha256 {
            writeln!(page, "  source  {source}")?;
        }
        match &self.file {
            Some(file) => writeln!(page, "  saved   {}", Sanitized::line(file)),
            None if self.enclosed => writeln!(page, "  in the proof, unchanged"),
            None => Ok(()),
        }
    }
}

impl Told {
    pub(super) fn of(proof: &Proof, people: &People, files: Vec<(usize, String)>, compared: Option<Compared>) -> Self {
        let frame = proof.frame();
        let signer = people.owner(&frame.sender);
        let note = proof.manifest().map(|manifest| manifest.note.as_str()).filter(|note| !note.is_empty());
        let (compared_file, found) = compared.map(|compared| (compared.file, compared.found)).unwrap_or_default();
        let photos = proof.photos().iter().enumerate();
        Self {
            id: hex(&frame.message_id.0),
            signer: frame.sender.to_string(),
            name: signer.name().map(str::to_owned),
            trust: signer.trust(),
            recipient: frame.recipient.to_string(),
            note: note.map(str::to_owned),
            sent_at: Utc(frame.sent_at).to_string(),
            photos: photos.map(|(place, photo)| ToldPhoto::of(proof, place, photo, &files)).collect(),
            compared: found.into_iter().map(Like).collect(),
            says: sentence(&signer, proof.photos().len()),
            recipient_name: people.owner(&frame.recipient).name().map(str::to_owned),
            compared_file,
            columns: usize::from(Window::of_stdout().columns),
        }
    }

    fn write_compared(&self, page: &mut Page) -> fmt::Result {
        for like in &self.compared {
            let (number, _) = like.parts();
            let is = match like.0 {
                Likeness::Photo(_) => format!("is photo {number}"),
                Likeness::Source(_) => format!("is the file that photo {number} was made from"),
            };
            writeln!(
                page,
                "{} {is}, unchanged since it was signed",
                page.ink().paint(Style::Good, &self.compared_file)
            )?;
        }
        Ok(())
    }
}

/// One sentence: what it proves, and what it does not.
fn sentence(signer: &Owner, photos: usize) -> String {
    let message = match photos {
        0 => "this message".to_owned(),
        1 => "this message with its photo".to_owned(),
        count => format!("this message with its {count} photos"),
    };
    let never = "it does not prove when, nor that what the message says is true";
    let name = Sanitized::line(signer.name().unwrap_or_default());
    match signer {
        Owner::Me => format!("this proves that your own key signed {message} for the recipient below; {never}"),
        Owner::Verified(_) => format!(
            "this proves that {name}, with whom you compared safety numbers, signed {message} for the recipient below; {never}"
        ),
        Owner::Unverified(_) => format!(
            "this proves that the key you have for {name} signed {message} for the recipient below; {never}, and lightproof cannot tell who holds this key, because you have not compared safety numbers"
        ),
        Owner::Unknown => format!(
            "this proves that the key below signed {message} for the recipient below; {never}, and lightproof cannot tell who holds this key"
        ),
    }
}

impl Report for Told {
    fn for_people(&self, page: &mut Page) -> fmt::Result {
        writeln!(page, "{}\n", self.says)?;
        write_key(page, "signed by", &self.signer, self.name.as_deref())?;
        write_key(page, "for      ", &self.recipient, self.recipient_name.as_deref())?;
        writeln!(page, "sent       {}, by its sender's clock", self.sent_at)?;
        if let Some(note) = &self.note {
            writeln!(page, "\n{}\n", Sanitized::note(note, self.columns))?;
        }
        for (number, photo) in (1..).zip(&self.photos) {
            photo.write(page, number)?;
        }
        self.write_compared(page)
    }
}

fn write_key(page: &mut Page, word: &str, key: &str, name: Option<&str>) -> fmt::Result {
    match name {
        Some(name) => writeln!(page, "{word}  {key} ({})", Sanitized::line(name)),
        None => writeln!(page, "{word}  {key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::hostile::assert_shown_as_ink;
    use crate::sanitize::hostile::texts;

    fn told(written: &str) -> Told {
        let photo = ToldPhoto {
            treatment: "exact",
            media_type: "application/octet-stream",
            bytes: 3,
            sha256: "3f2a".repeat(16),
            width: None,
            height: None,
            name: written.to_owned(),
            source_sha256: None,
            enclosed: true,
            file: None,
        };
        Told {
            id: "3f2a".repeat(8),
            signer: "ab".repeat(32),
            name: Some(written.to_owned()),
            trust: Some("unverified"),
            recipient: "cd".repeat(32),
            note: Some(written.to_owned()),
            sent_at: "2026-11-21T02:03:04Z".to_owned(),
            photos: vec![photo],
            compared: Vec::new(),
            says: sentence(&Owner::Unverified(written.to_owned()), 1),
            recipient_name: Some(written.to_owned()),
            compared_file: String::new(),
            columns: 80,
        }
    }

    #[test]
    fn no_note_or_name_in_a_proof_reaches_anybody_as_anything_but_ink() {
        let mut count = 0;
        // What they all become is tested where it is made; here, that everything goes that way.
        for text in texts().step_by(16) {
            let page = assert_shown_as_ink(&told(&text), "note", &text);
            assert!(page.starts_with("this proves that"), "{text:?} stands first: {page:?}");
            count += 1;
        }
        println!("evidence: A25 P16 | {count} hostile notes and names in proofs, shown as ink | -");
    }

    #[test]
    fn one_sentence_says_what_is_not_proved_too() {
        let bob = || "bob".to_owned();
        for owner in [Owner::Me, Owner::Verified(bob()), Owner::Unverified(bob()), Owner::Unknown] {
            let says = sentence(&owner, 2);
            assert!(says.contains("it does not prove when") && !says.contains('.'), "{says}");
            let is_told = says.contains("lightproof cannot tell who holds this key");
            assert_eq!(is_told, matches!(owner, Owner::Unknown | Owner::Unverified(_)), "{says}");
        }
    }
}
