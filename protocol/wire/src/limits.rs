//! Every number of the protocol, with its unit in its name and its reason beside it.

/// Version of the language between a relay and its clients.
pub const PROTOCOL_VERSION: u16 = 1;

// Envelopes

/// An envelope, always. With its command header it fits one TLS record, and its row one 16 KiB extent of the relay's store.
pub const ENVELOPE_BYTES: usize = 16_000;
/// Days a relay keeps an envelope, unless its operator chose otherwise.
pub const ENVELOPE_DAYS: u16 = 30;
/// Days a mailbox lives after its last Watch.
pub const MAILBOX_DAYS: u16 = 400;
/// Days a relay remembers what was retired, so that it cannot be created again.
pub const TOMBSTONE_DAYS: u16 = 400;
/// Envelopes a private mailbox holds: 32 MB of one contact's mail.
pub const MAILBOX_ENVELOPES: u32 = 2_000;
/// Envelopes a doorbell holds: strangers ring, they do not move in.
pub const DOORBELL_ENVELOPES: u32 = 128;
/// Deliveries on their way that a watcher has not acked yet: 512 kB at most per mailbox.
pub const DELIVERY_WINDOW: usize = 32;
/// Mailboxes one connection may watch.
pub const WATCHED_MAILBOXES: usize = 1_024;

// Blobs

/// Added to each chunk by its Poly1305 tag.
pub const TAG_BYTES: u32 = 16;
/// The largest chunk, tag included.
pub const CHUNK_BYTES: usize = 1_048_576;
/// Chunks in one blob: 64 GiB of the largest class, and a bitmap of 8 KiB.
pub const BLOB_CHUNKS: u32 = 65_536;
/// Recipients of one blob.
pub const BLOB_READERS: usize = 64;
/// Days a relay keeps a blob, unless its operator chose otherwise: half again as long as an envelope that names it.
pub const BLOB_DAYS: u16 = 45;
/// Days a blob outlives the newest envelope that names it.
pub const BLOB_MARGIN_DAYS: u16 = 7;
/// Days after which an upload nobody touched is removed, without a tombstone.
pub const UPLOAD_IDLE_DAYS: u16 = 3;

// Prekeys

/// One-time prekeys published at a doorbell.
pub const ONE_TIME_PREKEYS: usize = 50;
/// Stock at which they are refilled.
pub const ONE_TIME_PREKEYS_LOW: u16 = 20;
/// One-time prekeys a relay gives away per doorbell and day; beyond, bundles come without one.
pub const ONE_TIME_PREKEYS_A_DAY: u16 = 20;
/// Days a prekey is valid.
pub const PREKEY_DAYS: u32 = 30;
/// Days after which the signed prekey is replaced.
pub const SIGNED_PREKEY_ROTATION_DAYS: u32 = 7;
/// Days of grace for an expired prekey: clocks differ.
pub const PREKEY_GRACE_DAYS: u32 = 1;
/// A published prekey, sealed: nonce 24, identity key 1,984, prekey 1,216, signature 3,373, tag 16; and some room.
pub const SEALED_PREKEY_BYTES: usize = 6_800;

// Wire frames

/// The largest command or reply: one chunk with its header. A refill of prekeys is 230 kB.
pub const WIRE_FRAME_BYTES: usize = CHUNK_BYTES + 1_024;
/// A relay's notice to its users.
pub const NOTICE_BYTES: usize = 512;
/// Who runs a relay and how to reach them.
pub const OPERATOR_BYTES: usize = 256;
/// A relay link as text, wherever it stands.
pub const RELAY_LINK_BYTES: usize = 200;
/// Extensions of one structure.
pub const EXTENSIONS: usize = 16;

// People

/// Days by which a relay's clock and ours may differ before nothing is destroyed and nobody new contacted.
pub const CLOCK_TOLERANCE_DAYS: u32 = 1;
