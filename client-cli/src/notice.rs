//! Notices in words.

use lightproof_core::ClientError;
use lightproof_core::e2ee::identity::Fingerprint;
use lightproof_core::event::Notice;
use lightproof_core::wire::relay_link::RelayLink;

use crate::explain::allow_hint;
use crate::opened::Opened;
use crate::sanitize::Sanitized;

impl Opened {
    /// One sentence about what was noticed.
    ///
    /// # Errors
    /// The vault's.
    pub(crate) async fn words(&self, notice: &Notice) -> Result<String, ClientError> {
        Ok(match notice {
            Notice::Forged(Some(contact)) => {
                let name = self.name_of(contact).await?;
                format!("something came in the name of {name} that {name} did not sign for you; it is not shown")
            }
            Notice::Contradicts(contact) => self.contradicts(contact).await?,
            Notice::Forged(None) => "somebody wrote in a name that is not theirs; it is not shown".to_owned(),
            Notice::Missing { contact, count: 1 } => {
                format!("a message of {} is missing before this one", self.name_of(contact).await?)
            }
            Notice::Missing { contact, count } => {
                format!("{count} messages of {} are missing before this one", self.name_of(contact).await?)
            }
            Notice::NewLine(contact) => {
                let name = self.name_of(contact).await?;
                format!("{name} writes from a restored or second copy; ask whether that is so")
            }
            Notice::NewSession(contact) => {
                let name = self.name_of(contact).await?;
                format!("a new session with {name} began, as after a restore or on another device")
            }
            Notice::MailboxEnded(contact) => self.mailbox_ended(contact).await?,
            Notice::NewerVersion => {
                "something was made by a newer version of lightproof; it is kept for after an upgrade".to_owned()
            }
            Notice::OldCopy => {
                "this home is an older copy of one that has received since; messages taken there are not here"
                    .to_owned()
            }
            Notice::Doubtful { contact, count } => self.doubtful(contact, *count).await?,
            Notice::ReceiptKeyChanged(relay) => {
                format!("the relay {} signs its receipts with another key than before", relay.authority())
            }
            Notice::RelayLostState(relay) => {
                format!("the relay {} has lost state; messages to you may be lost with it", relay.authority())
            }
            Notice::RelayNotAllowed(relay) => {
                format!("something waits at the relay {}; {}", relay.authority(), allow_hint(relay))
            }
            Notice::Moved { contact, relay } => self.moved(contact, relay).await?,
            Notice::Retracted(contact) => {
                let name = self.name_of(contact).await?;
                format!("{name} has taken back a message that you had looked at; it stays here until you delete it")
            }
            Notice::Superseded => "another copy of this home receives now; nothing more comes here".to_owned(),
            Notice::Clock(relay) => {
                format!("the clocks of this machine and of the relay {} differ by more than a day", relay.authority())
            }
            Notice::Unopened => {
                "something came that cannot be opened; it is kept aside and tried again (see `lightproof status`)"
                    .to_owned()
            }
            _ => "something was noticed that this version has no words for".to_owned(),
        })
    }

    async fn contradicts(&self, contact: &Fingerprint) -> Result<String, ClientError> {
        let name = self.name_of(contact).await?;
        Ok(format!(
            "{name} signed what contradicts what {name} signed before, as two copies of one home do; it is not shown"
        ))
    }

    async fn doubtful(&self, contact: &Fingerprint, count: u64) -> Result<String, ClientError> {
        let name = self.name_of(contact).await?;
        Ok(format!(
            "of what this copy sent to {name}, {count} may not have arrived: send again what does not become delivered"
        ))
    }

    async fn moved(&self, contact: &Fingerprint, relay: &RelayLink) -> Result<String, ClientError> {
        let (name, authority, hint) = (self.name_of(contact).await?, relay.authority(), allow_hint(relay));
        Ok(format!("{name} is at the relay {authority} now, and is written to at the earlier one until then; {hint}"))
    }

    async fn mailbox_ended(&self, contact: &Fingerprint) -> Result<String, ClientError> {
        let name = self.name_of(contact).await?;
        Ok(format!(
            "the mailbox that {name} gave you is gone, says its relay: {name} may have removed you or lost a home; you ask anew"
        ))
    }

    /// What we call somebody, fit to be printed.
    async fn name_of(&self, contact: &Fingerprint) -> Result<String, ClientError> {
        match self.client.person(contact).await {
            Ok(person) if !person.name.as_str().is_empty() => Ok(Sanitized::line(person.name.as_str()).to_string()),
            Ok(person) => Ok(format!("somebody who says it is {}", Sanitized::line(person.hint.as_str()))),
            Err(ClientError::Unknown(_)) => Ok("somebody".to_owned()),
            Err(error) => Err(error),
        }
    }
}
