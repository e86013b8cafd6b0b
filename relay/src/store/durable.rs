//! The proof that what a rule did is on disk.

use lightproof_wire::refusal::Refusal;
use tokio::sync::oneshot;

use super::{Overloaded, RowsMut, RuleError, Step, Store, StoreUnavailable};

/// A value whose commit is on disk. Only [`commit`] makes one.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Durable<T>(T);

impl<T> Durable<T> {
    /// The value; it may be promised now.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Durable<()> {
    /// What may be said now that the commit is on disk.
    pub fn promise<T>(self, reply: T) -> T {
        reply
    }
}

impl<A, B> Durable<(A, B)> {
    /// The first for our own use, the second still to be promised.
    pub fn split(self) -> (A, Durable<B>) {
        (self.0.0, Durable(self.0.1))
    }
}

/// Runs a rule in the store's transaction and waits for the commit.
///
/// # Errors
/// What the rule said, `Busy` from a full queue, or [`StoreUnavailable`] if the commit failed.
pub async fn commit<T: Send + 'static>(
    store: &dyn Store,
    rule: impl FnOnce(&mut dyn RowsMut) -> Result<T, RuleError> + Send + 'static,
) -> Result<Durable<T>, RuleError> {
    submit(store, rule)?.await.map_err(|_| StoreUnavailable::because(STOPPED))?
}

/// The same for a thread that may block.
///
/// # Errors
/// Those of [`commit`].
pub fn commit_blocking<T: Send + 'static>(
    store: &dyn Store,
    rule: impl FnOnce(&mut dyn RowsMut) -> Result<T, RuleError> + Send + 'static,
) -> Result<Durable<T>, RuleError> {
    submit(store, rule)?.blocking_recv().map_err(|_| StoreUnavailable::because(STOPPED))?
}

const STOPPED: &str = "the writer stopped";

type Outcome<T> = Result<Durable<T>, RuleError>;

fn submit<T: Send + 'static>(
    store: &dyn Store,
    rule: impl FnOnce(&mut dyn RowsMut) -> Result<T, RuleError> + Send + 'static,
) -> Result<oneshot::Receiver<Outcome<T>>, RuleError> {
    let (sender, receiver) = oneshot::channel();
    let step: Step = Box::new(move |rows| match rule(rows) {
        Err(RuleError::Unavailable(error)) => Err(error),
        outcome => Ok(Box::new(move || {
            // A waiter that went away no longer needs the answer.
            let _ = sender.send(outcome.map(Durable));
        })),
    });
    store.submit(step).map_err(|Overloaded| Refusal::Busy)?;
    Ok(receiver)
}
