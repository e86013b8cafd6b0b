//! The kinds of specimens.

/// What some bytes are meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// All chunks of a sealed photo, one after the other.
    Blob,
    /// What is in them, before it is sealed by a sender who knows how.
    BlobPlain,
    /// A signed body, as carried inside an envelope.
    Body,
    /// What a caller takes from a relay, with a one-time prekey.
    Bundle,
    /// The same without one.
    BundleBare,
    /// A contact card, as text.
    Card,
    /// What is in it, before its checksum is made.
    CardFields,
    /// The last chunk of a sealed photo.
    Chunk,
    /// A client's frame.
    Command,
    /// A relay's signed promise.
    DepositReceipt,
    /// A message, before its sender signs it.
    FrameManifest,
    /// A receipt, before its sender signs it.
    FrameReceipt,
    /// A retract, before its sender signs it.
    FrameRetract,
    /// The header of a vault.
    Header,
    /// The envelope that begins a session.
    Hello,
    /// A relay link, as typed.
    Link,
    /// A relay link, as a field of something signed.
    LinkCarried,
    /// An envelope of the current chain.
    MessageFirst,
    /// An envelope that comes after others of its chain.
    MessageLate,
    /// An envelope that turns the ratchet.
    MessageStep,
    /// What is in a published prekey, before it is sealed.
    PrekeyBox,
    /// The secret half of a prekey, as the vault keeps it.
    PrekeyRecord,
    /// A signed message in a file for somebody else.
    Proof,
    /// A record, before the vault seals it.
    Record,
    /// A relay's answer.
    Reply,
    /// A record at rest.
    Row,
    /// Files in a file, for a contact.
    SealedFile,
    /// A session, as the vault keeps it.
    SessionRecord,
    /// A relay's first words.
    Welcome,
}

impl Kind {
    /// All of them, by the names that testkit files use.
    pub const NAMES: [(&str, Self); 29] = [
        ("blob", Self::Blob),
        ("blob plaintext", Self::BlobPlain),
        ("body", Self::Body),
        ("bundle", Self::Bundle),
        ("bundle without one-time", Self::BundleBare),
        ("card", Self::Card),
        ("card fields", Self::CardFields),
        ("chunk", Self::Chunk),
        ("command", Self::Command),
        ("deposit receipt", Self::DepositReceipt),
        ("manifest frame", Self::FrameManifest),
        ("receipt frame", Self::FrameReceipt),
        ("retract frame", Self::FrameRetract),
        ("vault header", Self::Header),
        ("hello", Self::Hello),
        ("relay link", Self::Link),
        ("carried relay link", Self::LinkCarried),
        ("first message", Self::MessageFirst),
        ("late message", Self::MessageLate),
        ("message with a step", Self::MessageStep),
        ("prekey box", Self::PrekeyBox),
        ("prekey record", Self::PrekeyRecord),
        ("proof", Self::Proof),
        ("vault record", Self::Record),
        ("reply", Self::Reply),
        ("vault row", Self::Row),
        ("sealed file", Self::SealedFile),
        ("session record", Self::SessionRecord),
        ("welcome", Self::Welcome),
    ];

    /// Its name.
    ///
    /// # Panics
    /// If it has none.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).unwrap().0
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(other, _)| *other == name).map(|(_, kind)| *kind)
    }

    /// Whether reading it takes the check of a composite signature, a hundred times the work of a tag.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(
            self,
            Self::Body
                | Self::FrameManifest
                | Self::FrameReceipt
                | Self::FrameRetract
                | Self::PrekeyBox
                | Self::Proof
                | Self::SealedFile
        )
    }
}
