//! `access`: who may create mailboxes and blobs, where the relay asks for that.

use clap::Subcommand;
use lightproof_relay::control::{Access as Granted, Relay, Request};
use lightproof_wire::{
    capability::{Capability, right},
    reply::Policy,
    time::Day,
};
use zeroize::Zeroizing;

use super::{Failure, date::date, json, options::Place};

#[derive(Debug, Subcommand)]
pub(crate) enum Access {
    /// Print a new access capability, the one time that anybody sees it
    #[command(
        after_help = "Example:\n  lightproof-relay access new --days 365 --mailboxes 100 --note \"for Ann\" > ann.access"
    )]
    New {
        #[command(flatten)]
        place: Place,
        /// Days on which it may create; without, until it is revoked
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        days: Option<u16>,
        /// Mailboxes it may have at a time: one for the doorbell, and one for each contact
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        mailboxes: u32,
        /// MiB of photos it may have at a time
        #[arg(long, value_name = "N", default_value_t = 10_240)]
        blob_mib: u32,
        /// For you, at most 64 bytes
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// Print what was granted and how much of it is used
    #[command(after_help = "Example:\n  lightproof-relay access list")]
    List {
        #[command(flatten)]
        place: Place,
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Take a right back: nothing new is made with it; what it made stays until it expires
    #[command(after_help = "Example:\n  lightproof-relay access revoke 3")]
    Revoke {
        #[command(flatten)]
        place: Place,
        /// Its number in the list
        number: u32,
    },
}

pub(crate) fn access(access: Access) -> Result<(), Failure> {
    match access {
        Access::New { place, days, mailboxes, blob_mib, note } => {
            let config = place.config()?;
            let mut secret = Zeroizing::new([0; 32]);
            getrandom::fill(secret.as_mut())
                .map_err(|error| Failure::failed(error, "the system gives no random numbers"))?;
            let capability = Capability::<right::Access>::from_bytes(*secret);
            let hash = capability.hash().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            let request = Request::AccessNew { hash, days, mailboxes, blob_mib, note };
            let number = Relay::of_new(&config.data)?.access_new(&request)?;
            println!("{}", capability.print().as_str());
            eprintln!("note: this is number {number}; nobody can print it again");
            if config.admission.policy == Policy::Open {
                eprintln!("note: this relay is open to everybody; set policy = \"access\" to ask for it");
            }
            Ok(())
        }
        Access::List { place, json: as_json } => list(&place, as_json),
        Access::Revoke { place, number } => Ok(Relay::of(&place.config()?.data)?.access_revoke(number)?),
    }
}

fn list(place: &Place, as_json: bool) -> Result<(), Failure> {
    let (granted, damaged) = Relay::of(&place.config()?.data)?.access_list()?;
    for one in &granted {
        if as_json {
            json(one)?;
        } else {
            print(one);
        }
    }
    if damaged == 0 {
        return Ok(());
    }
    Err(Failure::failed(
        format!("{damaged} more are damaged"),
        "who holds one of these creates nothing: issue new ones",
    ))
}

fn print(one: &Granted) {
    let until = one.last_day.map_or_else(|| "no end".to_owned(), |day| format!("until {}", date(Day(day))));
    let (used_mib, mib) = (one.blob_bytes_used.div_ceil(1_048_576), one.blob_bytes / 1_048_576);
    println!(
        "{:<6}{until:<18}{} of {} mailboxes, {used_mib} of {mib} MiB  {}",
        one.number,
        one.mailboxes_used,
        one.mailboxes,
        one.note.escape_debug(),
    );
}
