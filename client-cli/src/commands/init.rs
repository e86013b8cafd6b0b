//! `init`: an identity, a vault, and a mailbox on a relay.

use std::path::Path;

use lightproof_core::NewHome;
use lightproof_core::error::Failure as Kind;
use lightproof_core::vault::unlock::Passphrase;
use lightproof_core::wire::capability::{Capability, right};
use zeroize::Zeroizing;

use super::card::Card;
use super::{cut_off, end, interruptible};
use crate::args::{Global, Init};
use crate::clock::{now, rng};
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::opened::{Opened, is_set};
use crate::output::Output;
use crate::plan::{self, ACCESS_VARIABLE, Input, PassphraseSource, one_reader_of_stdin};
use crate::sanitize::Sanitized;
use crate::source::read_text;
use crate::staging::Staging;
use crate::terminal::{self, Purpose};

pub(super) async fn run(typed: Init, global: &Global, output: &mut Output) -> Result<Exit, Failure> {
    let source = PassphraseSource::current(global, is_set);
    let passphrase_input = if typed.no_passphrase { None } else { source.input() };
    one_reader_of_stdin(typed.access_file.iter().chain(passphrase_input))?;
    let path = plan::home(global, |name| std::env::var_os(name))?;
    must_be_free(&path)?;
    let access = access(typed.access_file.as_ref())?;
    let passphrase = passphrase((!typed.no_passphrase).then_some(&source), &path, output)?;
    let name = typed.name.map(|name| name.as_str().to_owned()).unwrap_or_default();
    let new = NewHome { name, relay: typed.relay, access };
    let home = Home::create(path)?;
    Staging::clear(&home)?;
    let opened = Opened::create(home, new, &passphrase, output).await?;
    let result = interruptible(register(&opened, output), cut_off()).await;
    end(result, &opened, output).await
}

/// Whether a home can be made in a folder.
///
/// # Errors
/// Where there is one.
pub(super) fn must_be_free(path: &Path) -> Result<(), Failure> {
    if Home::open(path.to_owned()).is_err() {
        return Ok(());
    }
    Err(Failure::failed(format!("there is a home in {} already", Sanitized::path(path)))
        .hint("name another folder with --home DIR"))
}

/// What is to protect a new home.
///
/// # Errors
/// Where it cannot be read, or nobody is there to ask.
pub(super) fn passphrase(
    source: Option<&PassphraseSource>,
    path: &Path,
    output: &mut Output,
) -> Result<Passphrase, Failure> {
    let Some(source) = source else {
        output.warn(format_args!("whoever can read {} can read every message in it", Sanitized::path(path)));
        return Ok(Passphrase::None);
    };
    Ok(Passphrase::Words(terminal::passphrase(source, Purpose::Choose, output)?))
}

async fn register(opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    match opened.client.register(now(), &mut rng()).await {
        Ok(()) => {
            output.report(&Card::of(&opened.client.card().await?))?;
            Ok(Exit::Done)
        }
        Err(error) if error.failure() == Kind::Unreachable => {
            output.report(&Card::of(&opened.client.card().await?))?;
            Err(Failure::from(error)
                .hint("the home is made and kept; `lightproof receive` goes on once the relay is there"))
        }
        Err(error) => {
            // Nobody has the card yet: a home that no relay takes would only be in the way of the next try.
            opened.home.discard()?;
            Err(error.into())
        }
    }
}

/// The right to create on a relay that asks for one.
pub(super) fn access(file: Option<&Input>) -> Result<Option<Capability<right::Access>>, Failure> {
    let text = match file {
        Some(input) => read_text(input, "the access capability", MAX_ACCESS_BYTES)?,
        None => match std::env::var(ACCESS_VARIABLE) {
            Ok(text) => Zeroizing::new(text),
            Err(std::env::VarError::NotPresent) => return Ok(None),
            Err(_) => return Err(Failure::failed(format!("{ACCESS_VARIABLE} does not hold text"))),
        },
    };
    let capability = Capability::parse(text.trim()).map_err(|_| {
        Failure::failed("this is not an access capability")
            .hint("it is one line of 43 characters, as `lightproof-relay access new` prints it")
    })?;
    Ok(Some(capability))
}

/// A capability has 43 characters; an editor may have added a line break or two.
const MAX_ACCESS_BYTES: usize = 64;
