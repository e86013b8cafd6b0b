//! A certificate from an authority that speaks ACME (RFC 8555), for names it finds this relay at (TLS-ALPN-01, RFC 8737):
//! ordered when there is none, ordered anew when two thirds of its life are over, presented until then.

mod https;
mod order;
mod settings;

pub use settings::AcmeSettings;

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::{
    error::RelayError,
    folder::Folder,
    serve::Clock,
    tls::{Certificate, Presented, seconds},
};

const CERTIFICATE: &str = "acme.pem";
/// After a failure; authorities allow about five failed checks of a name in an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3_600);
/// A machine that slept must not go on sleeping because it meant to.
const LONGEST_SLEEP: Duration = Duration::from_secs(3_600);

/// The certificate of an earlier run, if there is one.
///
/// # Errors
/// [`RelayError::Certificate`] if the file cannot be read.
pub fn kept(folder: &Folder) -> Result<Option<Certificate>, RelayError> {
    let pem = folder.secret(CERTIFICATE).map_err(|error| RelayError::Certificate(error.to_string()))?;
    pem.map(|pem| Certificate::from_pem(&pem)).transpose()
}

/// What keeps a relay in certificates.
pub(crate) struct Renewal {
    pub(crate) settings: AcmeSettings,
    pub(crate) folder: Folder,
    pub(crate) presented: Arc<Presented>,
    pub(crate) clock: Clock,
}

impl Renewal {
    /// Orders what is due, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.go_on() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn go_on(&self) {
        let mut due_seconds = kept(&self.folder).ok().flatten().and_then(|held| self.due_seconds(&held));
        let mut failures = 0;
        loop {
            let until_due = due_seconds.map_or(0, |due| due.saturating_sub(seconds((self.clock)())));
            if let Ok(until_due) = u64::try_from(until_due)
                && until_due > 0
            {
                sleep(Duration::from_secs(until_due).min(LONGEST_SLEEP)).await;
                continue;
            }
            match self.renew().await {
                Ok(certificate) => {
                    failures = 0;
                    due_seconds = self.due_seconds(&certificate);
                    self.present(certificate);
                }
                Err(error) => {
                    let pause = pause_after(failures);
                    failures = failures.saturating_add(1);
                    tracing::error!(%error, again_in = ?pause, "the authority gave no certificate");
                    sleep(pause).await;
                }
            }
        }
    }

    /// Orders a certificate and keeps it.
    async fn renew(&self) -> Result<Certificate, order::OrderError> {
        let pem = order::order(&self.settings, &self.folder, &self.presented).await?;
        let certificate = Certificate::from_pem(pem.as_bytes())?;
        // One that is due already would be ordered again and again, without a pause.
        if self.due_seconds(&certificate).is_none_or(|due| due <= seconds((self.clock)())) {
            return Err(order::OrderError::NotAsOrdered);
        }
        let (folder, pem) = (self.folder.clone(), Zeroizing::new(pem.as_bytes().to_vec()));
        let kept = tokio::task::spawn_blocking(move || folder.keep(CERTIFICATE, &pem)).await;
        // It is as good without: after a restart another one is ordered.
        if !matches!(kept, Ok(Ok(()))) {
            tracing::error!("the new certificate could not be kept in the data folder");
        }
        Ok(certificate)
    }

    fn present(&self, certificate: Certificate) {
        match self.presented.present(certificate) {
            Ok(_) => tracing::info!("a certificate of the authority is presented from now on"),
            Err(error) => tracing::error!(%error, "the authority's certificate cannot be used"),
        }
    }

    /// When another one is to be ordered; `None` for one that is not for all names.
    fn due_seconds(&self, certificate: &Certificate) -> Option<i64> {
        let is_for_all = certificate.is_for(&self.settings.domains).ok()?;
        let validity = certificate.validity().ok()?;
        is_for_all.then(|| after_two_thirds(validity))
    }
}

/// A third of its life is left for everything that may go wrong.
fn after_two_thirds([begin, end]: [i64; 2]) -> i64 {
    let third = end.saturating_sub(begin) / 3;
    end.saturating_sub(third)
}

/// Three times as long after each failure in a row.
fn pause_after(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(3_u32.saturating_pow(failures)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_renewed_when_two_thirds_of_its_life_are_over() {
        assert_eq!(after_two_thirds([1_000, 1_000 + 90 * 86_400]), 1_000 + 60 * 86_400);
        assert_eq!(after_two_thirds([1_000, 1_012]), 1_008);
        assert_eq!(after_two_thirds([1_000, 500]), 666, "nonsense is over");
    }

    #[test]
    fn failures_are_tried_again_with_growing_pauses_and_never_in_a_rush() {
        let pauses: Vec<_> = (0..8).map(|failures| pause_after(failures).as_secs()).collect();
        assert_eq!(pauses, [30, 90, 270, 810, 2_430, 7_290, 21_600, 21_600]);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
        let within_an_hour = pauses.iter().scan(0, |sum, pause| {
            *sum += pause;
            (*sum < 3_600).then_some(())
        });
        assert!(within_an_hour.count() <= 5, "authorities allow five failures in an hour");
    }
}
