//! Why a run ended without a result.

use std::io;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The disk, or a program that could not be started.
    #[error("{what}: {error}")]
    Io { what: String, error: io::Error },
    /// A program that ran and failed.
    #[error("{program} failed ({status}):\n{errors}")]
    Program { program: String, status: String, errors: String },
    /// Something that should be true of a result is not.
    #[error("{0}")]
    Wrong(String),
}

impl BenchError {
    /// For `map_err`: an error of the system, and at what.
    pub(crate) fn at(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }

    /// For `map_err`: a library said no.
    pub(crate) fn wrong(error: impl std::fmt::Display) -> Self {
        Self::Wrong(error.to_string())
    }
}
