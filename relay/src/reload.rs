//! Certificates from files, read again when they change. What cannot be used changes nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

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
    fn content(&self) -> Result<[Digest; 2], RelayError> {
        let digest = |path: &Path| match fs::read(path) {
            Ok(content) => Ok(Digest::of(&Zeroizing::new(content))),
            Err(error) => Err(RelayError::Certificate(format!("{}: {error}", path.display()))),
        };
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
    let (mut seen, mut why) = (Seen::default(), Why::ItIsTime);
    loop {
        let looked = {
            let (files, presented, now) = (files.clone(), Arc::clone(&presented), seconds(clock()));
            tokio::task::spawn_blocking(move || look(&files, seen, why, &presented, now)).await
        };
        seen = looked.unwrap_or(seen);
        why = tokio::select! {
            () = sleep(PAUSE) => Why::ItIsTime,
            () = asked.notified() => Why::Asked,
            () = stop.cancelled() => return,
        };
    }
}

/// Why the files are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Somebody wants to know now.
    Asked,
    ItIsTime,
}

/// What was seen of the files.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// What they held when they could be read.
    content: Option<[Digest; 2]>,
    unreadable: Unreadable,
}

/// Since when they cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Unreadable {
    #[default]
    No,
    /// Between the two renames of a renewal a file may be missing for a moment: nothing is said of it yet.
    SinceTheLastLook,
    /// It was said.
    Longer,
}

impl Unreadable {
    /// One look more at which they could not be read; whether it is said.
    fn again(self, why: Why) -> (Self, bool) {
        match (self, why) {
            (Self::No, Why::ItIsTime) => (Self::SinceTheLastLook, false),
            (Self::SinceTheLastLook, Why::ItIsTime) | (_, Why::Asked) => (Self::Longer, true),
            (Self::Longer, Why::ItIsTime) => (Self::Longer, false),
        }
    }
}

/// What the files hold; if that is new and can be used, it is presented from now on.
fn look(files: &CertificateFiles, seen: Seen, why: Why, presented: &Presented, now_seconds: i64) -> Seen {
    let found = match files.content() {
        Ok(found) => found,
        Err(error) => {
            let (unreadable, is_said) = seen.unreadable.again(why);
            if is_said {
                tracing::error!(%error, "the files of the certificate cannot be read: the old one is still presented");
            }
            return Seen { unreadable, ..seen };
        }
    };
    let now = Seen { content: Some(found), unreadable: Unreadable::No };
    if seen.content == now.content {
        return now;
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
    now
}

#[cfg(test)]
mod tests {
    use super::{Unreadable, Why};

    #[test]
    fn files_that_cannot_be_read_are_told_of_once_and_whenever_somebody_asks() {
        let mut unreadable = Unreadable::default();
        let mut look = |why| {
            let (next, is_said) = unreadable.again(why);
            unreadable = next;
            is_said
        };
        assert!(!look(Why::ItIsTime), "a renewal may be under way");
        assert!(look(Why::ItIsTime));
        assert!(!look(Why::ItIsTime) && !look(Why::ItIsTime), "it was said");
        assert!(look(Why::Asked));
        assert!(!look(Why::ItIsTime));
        assert_eq!(Unreadable::No.again(Why::Asked), (Unreadable::Longer, true));
    }
}
