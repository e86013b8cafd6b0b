//! `check`: looks at what usually goes wrong, and says what to fix.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    time::{SystemTime, UNIX_EPOCH},
};

use lightproof_relay::{address, certificate, config::Config, folder::Folder, open_folder};

use super::{Failure, options::Options};

/// A certificate with fewer days left is about to become a problem.
const CERTIFICATE_DAYS: i64 = 14;
/// 2026-01-01: a clock before this was never set.
const EARLIEST_SECONDS: u64 = 1_767_225_600;

/// `Ok`: what is fine. `Err`: what is wrong, and what to do.
type Finding = Result<String, (String, &'static str)>;

pub(crate) fn check(options: &Options) -> Result<(), Failure> {
    let config = options.config()?;
    let folder = open_folder(&config)?;
    let findings = [
        ("folder", permissions(&config)),
        ("disk", space(&config)),
        ("certificate", certificate_of(&config, &folder)),
        ("port", port(&config)),
        ("clock", clock()),
    ];
    let mut wrong = 0_u32;
    for (name, finding) in findings {
        match finding {
            Ok(fine) => println!("ok    {name}: {fine}"),
            Err((what, fix)) => {
                wrong = wrong.saturating_add(1);
                println!("fix   {name}: {what}\n      {fix}");
            }
        }
    }
    if wrong == 0 {
        return Ok(());
    }
    Err(Failure::failed(format!("{wrong} of the checks found something"), "do what stands under each `fix`"))
}

fn permissions(config: &Config) -> Finding {
    let fix = "give the folder to this user alone: chmod 700";
    let found = fs::metadata(&config.data).map_err(|error| (error.to_string(), fix))?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err(("others may read the data folder".to_owned(), fix));
    }
    let probe = config.data.join("check.new");
    let written = fs::write(&probe, b"check").and_then(|()| fs::remove_file(&probe));
    written.map_err(|error| (format!("cannot be written: {error}"), fix))?;
    Ok("private and writable".to_owned())
}

fn space(config: &Config) -> Finding {
    let fix = "free some space, or lower free_space_mib";
    let volume = rustix::fs::statvfs(&config.data).map_err(|error| (error.to_string(), fix))?;
    let free = volume.f_bavail.saturating_mul(volume.f_frsize);
    let free_mib = free / 1_048_576;
    if free < config.free_space_bytes {
        return Err((format!("only {free_mib} MiB are free"), fix));
    }
    Ok(format!("{free_mib} MiB free"))
}

fn certificate_of(config: &Config, folder: &Folder) -> Finding {
    let fix = "renew the certificate and give it with --cert and --key, or use --self-signed";
    let found = certificate(config, folder).map_err(|error| (error.to_string(), fix))?;
    let Some(found) = found else { return Ok("at the proxy".to_owned()) };
    let link = address::link(config, config.listen, Some(&found)).map_err(|error| (error.to_string(), fix))?;
    let now = i64::try_from(seconds()).unwrap_or(i64::MAX);
    let days = found.days_left(now).map_err(|error| (error.to_string(), fix))?;
    if days < CERTIFICATE_DAYS {
        return Err((format!("valid for {days} more days"), fix));
    }
    found.server_config().map_err(|error| (error.to_string(), fix))?;
    Ok(format!("valid for {link}"))
}

fn port(config: &Config) -> Finding {
    match TcpListener::bind(config.listen) {
        Ok(_) => Ok(format!("{} is free", config.listen)),
        Err(error) => Err((
            format!("{}: {error}", config.listen),
            "if the relay is running this is as it should be; else choose another port with --listen",
        )),
    }
}

fn clock() -> Finding {
    if seconds() < EARLIEST_SECONDS {
        return Err(("the clock is years behind".to_owned(), "set it, and keep it set with NTP"));
    }
    Ok("set".to_owned())
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
