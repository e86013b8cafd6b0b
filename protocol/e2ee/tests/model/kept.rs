//! One side of one session, as the shipped code saved it and as the model has it.

use std::collections::BTreeSet;

use lightproof_e2ee::{
    error::OpenError,
    session::{self, Session, SessionId},
};
use lightproof_wire::{envelope::Envelope, time::Timestamp};
use proptest::{
    prelude::*,
    test_runner::{TestCaseError, TestCaseResult},
};

use crate::{
    people::saved,
    reference::{Refusal, Side},
};

/// One side of one session: as it lies in a vault, and as the model has it.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) id: SessionId,
    pub(crate) record: Vec<u8>,
    pub(crate) model: Side,
    /// Which letters opened in it.
    pub(crate) opened: BTreeSet<usize>,
}

/// What becomes of a letter that opens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Saved,
    Unsaved,
    Misbehaved,
}

pub(crate) const OPENED: &str = "opened";

impl Kept {
    /// Opens a letter by its number, as the model expects it.
    pub(crate) fn open(
        &mut self,
        (number, envelope, body): (usize, &Envelope, &[u8]),
        expected: Result<Side, Refusal>,
        ending: Ending,
        now: Timestamp,
    ) -> Result<&'static str, TestCaseError> {
        let check = |body: &[u8]| if ending == Ending::Misbehaved { Err("unsigned") } else { Ok(body.to_vec()) };
        let outcome = session::open(load(self)?, envelope, now, check);
        let model = match (expected, outcome) {
            (Ok(_), Err(OpenError::Misbehaved("unsigned"))) if ending == Ending::Misbehaved => return Ok("misbehaved"),
            (Ok(_), Ok(_)) if ending == Ending::Unsaved => return Ok("unsaved"),
            (Ok(model), Ok(staged)) if ending == Ending::Saved => {
                let (record, opened) = saved(staged);
                prop_assert_eq!(opened.as_slice(), body);
                self.update(record, model)?;
                prop_assert!(self.opened.insert(number), "letter {} opened twice", number);
                return Ok(OPENED);
            }
            (Err(refusal), Err(error)) => {
                prop_assert_eq!(error, expected_error(refusal), "letter {}", number);
                return Ok(name(refusal));
            }
            (expected, outcome) => (expected.map(drop), outcome.map(drop)),
        };
        Err(TestCaseError::fail(format!("letter {}: expected {:?}, got {:?}", number, model.0, model.1)))
    }

    /// The next state, which holds what the model holds and nothing else.
    pub(crate) fn update(&mut self, record: Vec<u8>, model: Side) -> TestCaseResult {
        (self.record, self.model) = (record, model);
        prop_assert_eq!(self.record.len(), self.model.record_bytes(), "another number of stored keys");
        let session = load(self)?;
        prop_assert!(*session.to_record() == self.record, "loaded and saved again, it is another record");
        prop_assert_eq!(session.confirmed(), self.model.is_confirmed);
        prop_assert_eq!(session.superseded_at().is_some(), self.model.is_superseded);
        Ok(())
    }
}

pub(crate) fn load(kept: &Kept) -> Result<Session, TestCaseError> {
    Session::from_record(&kept.record).map_err(|error| TestCaseError::fail(error.to_string()))
}

pub(crate) fn generation(kept: &Kept) -> u32 {
    Session::from_record(&kept.record).map_or(0, |session| session.generation())
}

pub(crate) fn choose(all: &mut [Kept], which: usize) -> Option<&mut Kept> {
    // Half of the time the newest: that is the one that sends.
    let at = if which.is_multiple_of(2) { all.len().checked_sub(1)? } else { (which / 2).checked_rem(all.len())? };
    all.get_mut(at)
}

pub(crate) const fn expected_error<E>(refusal: Refusal) -> OpenError<E> {
    match refusal {
        Refusal::AlreadyOpened => OpenError::AlreadyOpened,
        Refusal::NotThisSession => OpenError::NotThisSession,
        Refusal::TooManySkipped => OpenError::TooManySkipped,
        Refusal::Undecryptable => OpenError::Undecryptable,
    }
}

const fn name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::AlreadyOpened => "already opened",
        Refusal::NotThisSession => "not this session",
        Refusal::TooManySkipped => "too many skipped",
        Refusal::Undecryptable => "undecryptable",
    }
}
