//! What people are called here.

use core::fmt;

use lightproof_wire::codec::Text;

use crate::{
    contact::{Contact, NAME_BYTES},
    error::ClientError,
};

/// What somebody who is accepted is called from now on.
#[derive(Clone, Copy)]
pub enum NewName<'a> {
    /// As the user typed it.
    Typed(&'a str),
    /// As they call themselves, or by a number where that is no name or somebody else's.
    Hinted,
    /// By a number.
    Numbered,
}

impl NewName<'_> {
    /// The name itself, where these people are known already.
    pub(crate) fn of(self, request: &Contact, known: &[Contact]) -> Result<Text<NAME_BYTES>, ClientError> {
        // Somebody removed who asks again may have had it before.
        let is_others = |contact: &Contact, name: &Text<NAME_BYTES>| {
            contact.name == *name && contact.fingerprint != request.fingerprint
        };
        let is_free = |name: &Text<NAME_BYTES>| !known.iter().any(|contact| is_others(contact, name));
        let hinted = match self {
            Self::Typed(name) => return check_name(name),
            Self::Hinted => check_name(request.hint.as_str()).ok().filter(is_free),
            Self::Numbered => None,
        };
        // Somebody may have been called like a number, by themselves or by their user.
        let numbered = (1..).map(|time| match time {
            1 => format!("contact-{}", request.number),
            _ => format!("contact-{}-{time}", request.number),
        });
        let mut names = numbered.filter_map(|name| check_name(&name).ok());
        hinted.or_else(|| names.find(is_free)).ok_or(ClientError::BadName)
    }
}

impl fmt::Debug for NewName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Typed(_) => "Typed(…)",
            Self::Hinted => "Hinted",
            Self::Numbered => "Numbered",
        })
    }
}

/// A name that a user may give.
///
/// # Errors
/// [`ClientError::BadName`], [`ClientError::TooLong`].
pub(crate) fn check_name(name: &str) -> Result<Text<NAME_BYTES>, ClientError> {
    let is_fine = |character: char| !character.is_control() && character != ',';
    // Where names are typed, what begins with `-` is the standard input or an option, and `me` is this home.
    if name.trim() != name || ["", "me"].contains(&name) || name.starts_with('-') || !name.chars().all(is_fine) {
        return Err(ClientError::BadName);
    }
    Text::new(name).map_err(|_| ClientError::TooLong { what: "the name", max_bytes: NAME_BYTES })
}

#[cfg(test)]
mod tests {
    use lightproof_e2ee::identity::Fingerprint;
    use lightproof_wire::time::Timestamp;

    use super::*;
    use crate::contact::Standing;

    fn person(name: &str, hint: &str, number: u64) -> Contact {
        let number_byte = u8::try_from(number).unwrap();
        let fingerprint = Fingerprint::from_bytes([number_byte; 32]);
        let contact = Contact::new(fingerprint, Standing::Requested, number, Timestamp(1));
        Contact { name: Text::new(name).unwrap(), hint: Text::new(hint).unwrap(), ..contact }
    }

    #[test]
    fn a_hint_that_is_no_name_or_is_taken_gives_way_to_a_number_that_is_free() {
        let known = [person("alice", "", 1), person("contact-7", "", 2)];
        let named = |name: NewName<'_>, hint, number| name.of(&person("", hint, number), &known).unwrap();
        assert_eq!(named(NewName::Hinted, "carol", 6).as_str(), "carol");
        assert_eq!(named(NewName::Numbered, "carol", 6).as_str(), "contact-6");
        for hint in ["", "-", "--json", "-x", "me", "a,b", " a", "alice", "a\nb"] {
            assert_eq!(named(NewName::Hinted, hint, 6).as_str(), "contact-6", "{hint:?}");
        }
        assert_eq!(named(NewName::Hinted, "contact-7", 7).as_str(), "contact-7-2");
        let again = person("alice", "alice", 1);
        assert_eq!(NewName::Hinted.of(&again, &known).unwrap().as_str(), "alice", "their own, from before");
        assert!(matches!(NewName::Typed("me").of(&person("", "", 6), &known), Err(ClientError::BadName)));
    }
}
