//! One order: account, names, answers to the authority's checks, certificate (instant-acme).

use std::{fs, io, time::Duration};

use instant_acme::{
    Account, AccountCredentials, AuthorizationHandle, AuthorizationStatus, ChallengeType, Identifier, NewAccount,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::{
    error::RelayError,
    folder::Folder,
    tls::{Certificate, Presented},
};

use super::{AcmeSettings, https::Https};

const ACCOUNT: &str = "acme.account";
/// For all of it.
const DEADLINE: Duration = Duration::from_secs(300);
/// For the authority to look, and again for it to sign.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120));

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    /// The authority, or the way to it.
    #[error(transparent)]
    Acme(#[from] instant_acme::Error),
    /// What came cannot be used.
    #[error(transparent)]
    Certificate(#[from] RelayError),
    /// The data folder.
    #[error("the account of the authority cannot be kept: {0}")]
    Folder(#[from] io::Error),
    /// It offers other checks only.
    #[error("the authority does not offer to check by tls-alpn-01")]
    NoSuchCheck,
    /// It is for other names, cannot be read, or is over by this machine's clock.
    #[error("the authority's certificate is not for these names, or is over by this machine's clock")]
    NotAsOrdered,
    /// It came to the names and found something else.
    #[error("the authority refused: {0}")]
    Refused(String),
    /// It took too long.
    #[error("the authority did not finish in time")]
    TooLate,
}

/// Orders a certificate: chain and key as PEM.
pub(super) async fn order(
    settings: &AcmeSettings,
    folder: &Folder,
    presented: &Presented,
) -> Result<Zeroizing<String>, OrderError> {
    let ordered = timeout(DEADLINE, placed(settings, folder, presented)).await;
    // Nobody is to be answered any more, however it ended.
    presented.answer(Vec::new())?;
    ordered.map_err(|_| OrderError::TooLate)?
}

async fn placed(
    settings: &AcmeSettings,
    folder: &Folder,
    presented: &Presented,
) -> Result<Zeroizing<String>, OrderError> {
    let account = account(settings, folder).await?;
    let names: Vec<_> = settings.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&names)).await?;
    answer_checks(&mut order, presented).await?;
    if order.poll_ready(&PATIENCE).await? != OrderStatus::Ready {
        return Err(OrderError::Refused(reason(&mut order).await));
    }
    let key = Zeroizing::new(order.finalize().await?);
    let chain = order.poll_certificate(&PATIENCE).await?;
    Ok(Zeroizing::new(chain + "\n" + &key))
}

/// The account of an earlier order at this authority, or a new one.
async fn account(settings: &AcmeSettings, folder: &Folder) -> Result<Account, OrderError> {
    let root = settings.root.as_ref().map(fs::read).transpose()?;
    let https = Https::trusting(root.as_deref())?;
    let account = Account::builder_with_http(Box::new(https));
    if let Some(kept) = folder.secret(ACCOUNT)?.and_then(|kept| credentials(&kept, &settings.directory)) {
        return Ok(account.from_credentials(kept).await?);
    }
    let contact: Vec<_> = settings.contact.iter().map(String::as_str).collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = account.create(&new, settings.directory.clone(), None).await?;
    let kept = Zeroizing::new(serde_json::to_vec(&credentials).map_err(io::Error::other)?);
    folder.keep(ACCOUNT, &kept)?;
    Ok(account)
}

/// What was kept, if it is for this authority.
fn credentials(kept: &[u8], directory: &str) -> Option<AccountCredentials> {
    #[derive(serde::Deserialize)]
    struct At {
        directory: String,
    }
    let at: At = serde_json::from_slice(kept).ok()?;
    (at.directory == directory).then(|| serde_json::from_slice(kept).ok()).flatten()
}

/// Presents an answer for every name that is still to be checked, and only then lets the authority look.
async fn answer_checks(order: &mut Order, presented: &Presented) -> Result<(), OrderError> {
    let mut answers = Vec::new();
    let mut checks = order.authorizations();
    while let Some(check) = checks.next().await {
        let mut check = check?;
        if let Some(answer) = answer(&mut check)? {
            answers.push(answer);
        }
    }
    presented.answer(answers)?;
    let mut checks = order.authorizations();
    while let Some(check) = checks.next().await {
        let mut check = check?;
        if check.status == AuthorizationStatus::Pending {
            check.challenge(ChallengeType::TlsAlpn01).ok_or(OrderError::NoSuchCheck)?.set_ready().await?;
        }
    }
    Ok(())
}

fn answer<'a>(check: &'a mut AuthorizationHandle<'a>) -> Result<Option<(String, Certificate)>, OrderError> {
    match check.status {
        AuthorizationStatus::Valid => return Ok(None),
        AuthorizationStatus::Pending => {}
        status => return Err(OrderError::Refused(format!("a check is {status:?}"))),
    }
    let challenge = check.challenge(ChallengeType::TlsAlpn01).ok_or(OrderError::NoSuchCheck)?;
    let name = challenge.identifier().to_string().to_ascii_lowercase();
    let digest = challenge.key_authorization().digest();
    let digest = <&[u8; 32]>::try_from(digest.as_ref()).map_err(|_| OrderError::NoSuchCheck)?;
    let certificate = Certificate::answer(&name, digest)?;
    Ok(Some((name, certificate)))
}

/// What the authority says of the checks that failed.
async fn reason(order: &mut Order) -> String {
    let mut reasons = Vec::new();
    let mut checks = order.authorizations();
    while let Some(Ok(mut check)) = checks.next().await {
        let Ok(state) = check.refresh().await else { continue };
        reasons.extend(state.challenges.iter().filter_map(|challenge| challenge.error.as_ref()?.detail.clone()));
    }
    reasons.join("; ")
}
