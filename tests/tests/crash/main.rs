//! A process that ends at any moment: the same command again, and nothing is lost, and nothing is twice.

mod recipient;
mod sender;
