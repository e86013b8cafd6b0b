//! What every measurement is given.

use std::path::Path;

use crate::{certificate::Certificate, programs::Programs};

/// The programs, a certificate they trust, and a folder that is the measurement's own.
#[derive(Clone, Copy)]
pub(crate) struct Stage<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) certificate: &'a Certificate,
    pub(crate) folder: &'a Path,
}
