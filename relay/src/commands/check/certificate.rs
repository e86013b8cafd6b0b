//! The certificate: its key, its days, and whether it is for the name that people reach.

use std::{fs, os::unix::fs::PermissionsExt as _};

use lightproof_relay::{address, certificate, config::Tls, error::RelayError, tls::Certificate};

use super::{Finding, Subject};

/// A certificate with fewer days left is about to become a problem.
const CERTIFICATE_DAYS: i64 = 14;
const RENEW: &str = "renew the certificate and give it with --cert and --key, or use --self-signed";
const NAME: &str = "order one for that name, or set public_url to a name that it has";

pub(super) fn look(subject: &Subject) -> Finding {
    let config = &subject.config;
    let found = found(subject).map_err(|error| (error.to_string(), RENEW))?;
    let Some(found) = found else {
        return Ok(match config.tls {
            Tls::BehindProxy => "at the proxy",
            Tls::Acme(_) => "none yet: ordered when it serves",
            Tls::Files(_) | Tls::SelfSigned => "none yet: made when it serves",
        }
        .to_owned());
    };
    key(subject)?;
    let days = days(subject, &found)?;
    let link = address::link(config, config.listen, Some(&found)).map_err(|error| (error.to_string(), RENEW))?;
    // Of one that is pinned nobody checks the name.
    if config.tls != Tls::SelfSigned {
        let names_it = found.is_valid_for(link.host()).map_err(|error| (error.to_string(), RENEW))?;
        if !names_it {
            return Err((format!("it is not for {}, where people are sent", link.host()), NAME));
        }
    }
    found.server_config().map_err(|error| (error.to_string(), RENEW))?;
    Ok(format!("valid for {days} more days, for {link}"))
}

/// The certificate that there is; none is made.
fn found(subject: &Subject) -> Result<Option<Certificate>, RelayError> {
    match (&subject.config.tls, &subject.folder) {
        (Tls::Files(files), _) => files.read().map(Some),
        (Tls::SelfSigned, Some(folder)) => Certificate::found_in(folder),
        (Tls::Acme(_), Some(folder)) => certificate(&subject.config, folder),
        _ => Ok(None),
    }
}

/// Whoever has read it can pose as this relay. A group may: that is how other programs are given it.
fn key(subject: &Subject) -> Result<(), (String, &'static str)> {
    let Tls::Files(files) = &subject.config.tls else { return Ok(()) };
    let found = fs::metadata(&files.key).map_err(|error| (error.to_string(), RENEW))?;
    if found.permissions().mode() & 0o007 == 0 {
        return Ok(());
    }
    Err(("everybody on this machine may read its key".to_owned(), "close it to others: chmod o-rwx"))
}

fn days(subject: &Subject, found: &Certificate) -> Result<i64, (String, &'static str)> {
    let unreadable = |error: RelayError| (error.to_string(), RENEW);
    let now = i64::try_from(subject.now_seconds).unwrap_or(i64::MAX);
    let [begin, _] = found.validity().map_err(unreadable)?;
    if begin > now {
        return Err(("it is not valid yet".to_owned(), "is the clock of this machine right? else wait"));
    }
    match found.days_left(now).map_err(unreadable)? {
        // Rounded down, as days are, the first day after the end is -1.
        days if days < 0 => Err((format!("it ended {} days ago", days.saturating_add(1).saturating_neg()), RENEW)),
        days if days < CERTIFICATE_DAYS => Err((format!("it ends in {days} days"), RENEW)),
        days => Ok(days),
    }
}
