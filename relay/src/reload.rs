//! Certificates from files, read again when they change. What cannot be used changes nothing.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use lightproof_wire::hash::Digest;
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::{
    error::RelayError,
    serve::Clock,
    tls::{Certificate, Presented, seconds},
};

/// Between two looks at the files.
const PAUSE: Duration = Duration::from_secs(5);

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// PEM chain.
    pub cert: PathBuf,
    /// PEM key.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Reads both.
    ///
    /// # Errors
    /// [`RelayError::Certificate`].
    pub fn read(&self) -> Result<Certificate, RelayError> {
        Certificate::from_files(&self.cert, &self.key)
    }

    /// What they hold now, to be compared with what they held.
    fn content(&self) -> io::Result<[Digest; 2]> {
        let digest = |path| Ok::<_, io::Error>(Digest::of(&Zeroizing::new(fs::read(path)?)));
        Ok([digest(&self.cert)?, digest(&self.key)?])
    }
}

/// Looks every few seconds, and when asked, until `stop`.
pub(crate) async fn run(
    files: CertificateFiles,
    presented: Arc<Presented>,
    asked: Arc<Notify>,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut seen = None;
    loop {
        let looked = {
            let (files, presented, now) = (files.clone(), Arc::clone(&presented), seconds(clock()));
            tokio::task::spawn_blocking(move || look(&files, seen, &presented, now)).await
        };
        seen = looked.unwrap_or(seen);
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = asked.notified() => {}
            () = stop.cancelled() => return,
        }
    }
}

/// What the files hold; if that is new and can be used, it is presented from now on.
fn look(
    files: &CertificateFiles,
    seen: Option<[Digest; 2]>,
    presented: &Presented,
    now_seconds: i64,
) -> Option<[Digest; 2]> {
    // Between the two renames of a renewal a file may be missing for a moment.
    let Ok(found) = files.content() else { return seen };
    if seen == Some(found) {
        return seen;
    }
    let still_valid = |certificate: Certificate| match certificate.days_left(now_seconds)? {
        days if days < 0 => Err(RelayError::Certificate("it has expired".to_owned())),
        _ => Ok(certificate),
    };
    match files.read().and_then(still_valid).and_then(|certificate| presented.present(certificate)) {
        Ok(true) => tracing::info!("the certificate has changed: the new one is presented from now on"),
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "the changed certificate cannot be used: the old one is still presented"),
    }
    Some(found)
}
