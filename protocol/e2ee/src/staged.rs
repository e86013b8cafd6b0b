//! `Staged<T>`: what a step of a session gives, locked in until the session is saved.
//!
//! Acting first and saving later is how a client repeats a message key after a crash, or acks what it then forgets.
//! Dropped unsaved, a staged value changes nothing: the session in the vault is still the old one.

use zeroize::Zeroizing;

/// A value that may be used once the record beside it is saved.
#[must_use = "persist it: nothing has happened yet"]
pub struct Staged<T> {
    record: Zeroizing<Vec<u8>>,
    value: T,
}

impl<T> Staged<T> {
    pub(crate) const fn new(record: Zeroizing<Vec<u8>>, value: T) -> Self {
        Self { record, value }
    }

    /// Saves the session's record, and whatever else the value calls for, in one transaction; then gives the value.
    ///
    /// # Errors
    /// What `save` returned; the value is dropped, and the session is as it was.
    pub async fn persist<X, E>(self, save: impl AsyncFnOnce(&[u8], &T) -> Result<X, E>) -> Result<T, E> {
        save(&self.record, &self.value).await?;
        Ok(self.value)
    }

    /// [`persist`](Self::persist) for a vault that does not wait, and for tests.
    ///
    /// # Errors
    /// What `save` returned; the value is dropped, and the session is as it was.
    pub fn persist_now<X, E>(self, save: impl FnOnce(&[u8], &T) -> Result<X, E>) -> Result<T, E> {
        save(&self.record, &self.value)?;
        Ok(self.value)
    }
}

impl<T> core::fmt::Debug for Staged<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Staged(…)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use core::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => unreachable!("nothing here waits"),
        }
    }

    fn staged() -> Staged<&'static str> {
        Staged::new(Zeroizing::new(vec![1, 2]), "value")
    }

    #[test]
    fn the_vault_sees_record_and_value_and_the_value_comes_out_after_it() {
        let mut seen = None;
        let value = ready(staged().persist(async |record, value| {
            seen = Some((record.to_vec(), *value));
            Ok::<_, ()>(())
        }));
        assert_eq!(value.unwrap(), "value");
        assert_eq!(seen, Some((vec![1, 2], "value")));
    }

    #[test]
    fn what_was_not_saved_does_not_come_out() {
        assert_eq!(ready(staged().persist(async |_, _| Err::<(), _>("disk full"))), Err("disk full"));
    }
}
