//! A relay that lies: nothing it does is shown as true, and nothing it does stops the next honest message.

mod blobs;
mod envelopes;
mod frames;
mod prekeys;
mod time;
