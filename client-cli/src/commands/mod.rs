//! One command of the contract, one file.

use std::future::Future;

use tokio::runtime::Builder;

use crate::args::{Command, CommandLine, Global};
use crate::exit::{Exit, Failure};
use crate::inbox;
use crate::opened::Opened;
use crate::output::Output;
use crate::platform::process::Interrupts;

pub(crate) mod accept;
mod backup;
mod card;
mod completions;
pub(crate) mod contact;
mod decline;
mod delete;
#[cfg(feature = "demo")]
mod demo;
mod erase;
mod export;
mod found;
mod init;
pub(crate) mod look;
mod man;
mod messages;
mod moving;
mod open;
mod outbox;
mod passphrase;
mod people;
pub(crate) mod photo_file;
pub(crate) mod present;
mod receive;
mod relay;
mod requests;
mod restore;
mod retract;
mod seal;
pub(crate) mod send;
mod show;
mod status;
mod verify_proof;
mod view_once;
pub(crate) mod watch;

/// Runs what was typed.
///
/// # Errors
/// The [`Failure`] to tell.
pub(crate) fn run(line: CommandLine, output: &mut Output) -> Result<Exit, Failure> {
    match line.command {
        Some(Command::Completions(typed)) => completions::run(&typed, output),
        Some(Command::Man(typed)) => man::run(&typed),
        command => {
            let runtime = Builder::new_multi_thread()
                .worker_threads(WORKERS)
                .enable_all()
                .build()
                .map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
            let result = runtime.block_on(async {
                match command {
                    Some(command) => run_command(command, &line.global, output).await,
                    None => show_inbox(&line.global, output).await,
                }
            });
            // Whatever a thread still waits for (an answer of a person, the disk) holds nothing up.
            runtime.shutdown_background();
            result
        }
    }
}

async fn run_command(command: Command, global: &Global, output: &mut Output) -> Result<Exit, Failure> {
    match command {
        Command::Completions(typed) => completions::run(&typed, output),
        Command::Man(typed) => man::run(&typed),
        Command::Init(typed) => init::run(typed, global, output).await,
        #[cfg(feature = "demo")]
        Command::Demo(typed) => interruptible(demo::run(&typed, output), cut_off()).await,
        Command::Send(typed) => {
            let plan = send::plan(typed, global)?;
            with_home(global, output, cut_off(), async |opened, output| send::run(plan, opened, output).await).await
        }
        Command::Erase(typed) => interruptible(erase::run(&typed, global, output), cut_off()).await,
        Command::Seal(typed) => interruptible(seal::run(&typed, global, output), cut_off()).await,
        Command::Open(typed) => interruptible(open::run(&typed, global, output), cut_off()).await,
        Command::VerifyProof(typed) => interruptible(verify_proof::run(&typed, global, output), cut_off()).await,
        Command::Passphrase(typed) => {
            let new = passphrase::plan(&typed, global)?;
            let opened = Opened::open(global, output).await?;
            passphrase::run(&new, &opened, output).await
        }
        Command::Backup(typed) => {
            let passphrase = backup::plan(&typed, global)?;
            let run =
                async |opened: &Opened, output: &mut Output| backup::run(&typed, &passphrase, opened, output).await;
            with_home(global, output, backup::interrupted(), run).await
        }
        Command::Restore(typed) => restore::run(&typed, global, output).await,
        Command::Contact(crate::args::Contact::Add { card, name, allow_relay }) => {
            let added = contact::add::plan(&card, name, allow_relay, global)?;
            let add = async |opened: &Opened, output: &mut Output| contact::add::run(added, opened, output).await;
            with_home(global, output, cut_off(), add).await
        }
        Command::Relay(crate::args::Relay::Move { link, access_file }) => {
            let moving = moving::plan(link, access_file.as_ref(), global)?;
            let run = async |opened: &Opened, output: &mut Output| moving::run(moving, opened, output).await;
            with_home(global, output, cut_off(), run).await
        }
        command => {
            // What runs until a person has had enough has done then what it was for.
            let runs_on = matches!(&command, Command::Receive(typed) if typed.follow);
            let when_interrupted = if runs_on { Ok(Exit::Done) } else { cut_off() };
            let run = async |opened: &Opened, output: &mut Output| run_at_home(command, opened, output).await;
            with_home(global, output, when_interrupted, run).await
        }
    }
}

/// `lightproof` alone: the inbox, until the person has had enough.
async fn show_inbox(global: &Global, output: &mut Output) -> Result<Exit, Failure> {
    let graphics = inbox::graphics(|name| std::env::var_os(name))?;
    let opened = Opened::open(global, output).await?;
    let under_way = inbox::UnderWay::default();
    let shown = interruptible(inbox::run(graphics, &opened, output, &under_way), Ok(Exit::Done)).await;
    // However it was left.
    let left = under_way.leave(&opened).await;
    let result = end(shown.and_then(|exit| Ok(left.map(|()| exit)?)), &opened, output).await;
    opened.leave();
    result
}

async fn run_at_home(command: Command, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    match command {
        Command::Accept(typed) => accept::run(&typed, opened, output).await,
        Command::Card(typed) => card::run(&typed, opened, output).await,
        Command::Contact(typed) => contact::run(typed, opened, output).await,
        Command::Decline(typed) => decline::run(&typed, opened, output).await,
        Command::Delete(typed) => delete::run(&typed, opened, output).await,
        Command::Export(typed) => export::run(&typed, opened, output).await,
        Command::Messages(typed) => messages::run(&typed, opened, output).await,
        Command::Outbox(typed) => outbox::run(typed, opened, output).await,
        Command::Receive(typed) => receive::run(&typed, opened, output).await,
        Command::Relay(typed) => relay::run(typed, opened, output).await,
        Command::Requests => requests::run(opened, output).await,
        Command::Retract(typed) => retract::run(&typed, opened, output).await,
        Command::Show(typed) => show::run(&typed, opened, output).await,
        Command::Status => status::run(opened, output).await,
        // The others open their homes themselves, or have none.
        _ => Err(Failure::failed("this command needs no open home")),
    }
}

/// Opens the home, runs a command that Ctrl-C can end, and says what was noticed meanwhile.
async fn with_home(
    global: &Global,
    output: &mut Output,
    when_interrupted: Result<Exit, Failure>,
    command: impl AsyncFnOnce(&Opened, &mut Output) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let opened = Opened::open(global, output).await?;
    let result = interruptible(command(&opened, output), when_interrupted).await;
    let result = end(result, &opened, output).await;
    opened.leave();
    result
}

/// Says what was noticed and not said yet. An alarm of the run counts before anything else, failures too.
async fn end(result: Result<Exit, Failure>, opened: &Opened, output: &mut Output) -> Result<Exit, Failure> {
    let told = opened.tell_notices(output).await;
    let result = result.and_then(|exit| Ok(told.map(|()| exit)?));
    if opened.is_alarmed() { unverified(result) } else { result }
}

fn unverified(result: Result<Exit, Failure>) -> Result<Exit, Failure> {
    result.map(|_| Exit::Unverified).map_err(|failure| Failure { exit: Exit::Unverified, ..failure })
}

/// Runs something until it ends or a person has had enough, and how it ends then. What is dropped is as after a crash:
/// nothing is half done, and files that are not finished go. This is the only place that listens for the signal: of two,
/// either could hear it first.
async fn interruptible(
    command: impl Future<Output = Result<Exit, Failure>>,
    when_interrupted: Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    tokio::select! {
        biased;
        result = command => result,
        () = interrupted() => when_interrupted,
    }
}

fn cut_off() -> Result<Exit, Failure> {
    Err(Failure::failed("interrupted").hint("what is under way goes on with the next command"))
}

/// Returns on Ctrl-C, or when the system asks the process to end. A second time ends it at once.
async fn interrupted() {
    let Some(mut interrupts) = Interrupts::listen() else { return std::future::pending().await };
    interrupts.next().await;
    tokio::spawn(async move {
        interrupts.next().await;
        std::process::exit(i32::from(Exit::Failed.code()));
    });
}

/// Sealing, disk and network overlap in these; the command itself runs on the main thread.
const WORKERS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_counts_before_any_other_end() {
        assert_eq!(unverified(Ok(Exit::Nothing)), Ok(Exit::Unverified));
        let told = unverified(Err(Failure::new(Exit::Unreachable, "it is away").hint("wait")));
        assert_eq!(told, Err(Failure::new(Exit::Unverified, "it is away").hint("wait")));
    }
}
