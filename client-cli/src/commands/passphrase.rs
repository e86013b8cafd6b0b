//! `passphrase`: the same vault, opened by other words.

use lightproof_core::vault::unlock;

use crate::args::{Global, Passphrase};
use crate::clock::rng;
use crate::exit::{Exit, Failure};
use crate::opened::{Opened, is_set};
use crate::output::Output;
use crate::plan::{PassphraseSource, one_reader_of_stdin};
use crate::terminal::{self, Purpose};

/// Where the new passphrase comes from.
///
/// # Errors
/// Where both are to be read from stdin.
pub(super) fn plan(typed: &Passphrase, global: &Global) -> Result<PassphraseSource, Failure> {
    let (old, new) = (PassphraseSource::current(global, is_set), PassphraseSource::new_one(typed, is_set));
    one_reader_of_stdin(old.input().into_iter().chain(new.input()))?;
    Ok(new)
}

pub(super) async fn run(new: &PassphraseSource, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let words = terminal::passphrase(new, Purpose::Choose, output)?;
    opened.client.change_passphrase(&unlock::Passphrase::Words(words), &mut rng()).await?;
    output.remark("the passphrase is changed; copies of this home made before still open with the old one");
    Ok(Exit::Done)
}
