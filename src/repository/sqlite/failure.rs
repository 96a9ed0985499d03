//! Failures inside the engine, and how they leave it.

use rusqlite::ErrorCode;

use crate::domain::Refusal;
use crate::repository::{Error, StoreError, StoreFault};

/// What a step of the engine answers.
pub(super) type Outcome<T> = Result<T, Failure>;

/// Why a step did not do what was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The rules do not allow it. Nothing is to be undone: a step decides before it writes.
    Refused(Refusal),
    /// SQLite failed; whatever the step wrote must be rolled back.
    Sqlite(rusqlite::Error),
    /// The engine noticed trouble itself; whatever the step wrote must be rolled back.
    Store(StoreError),
}

impl Failure {
    /// A statement did not find what the step had just read in the same transaction.
    pub(super) fn contradiction(what: &str) -> Self {
        Self::Store(StoreError::new(
            StoreFault::Corrupt,
            format!("the store contradicts itself: {what}"),
        ))
    }

    /// The failure as callers of the repository see it; `tried` says what they asked for.
    pub(super) fn leave(self, tried: &str) -> Error {
        match self {
            Self::Refused(refusal) => Error::Refused(refusal),
            Self::Store(error) => Error::Store(error),
            Self::Sqlite(error) => sqlite_error(error, tried),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Tells callers what kind of trouble SQLite is in.
pub(super) fn sqlite_error(error: rusqlite::Error, tried: &str) -> Error {
    let fault = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let why = format!("the store was locked by others for too long to {tried}");
            return Error::Refused(Refusal::Busy { why });
        }
        Some(ErrorCode::NotADatabase) => StoreFault::NotAStore,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreFault::ReadOnly,
        Some(ErrorCode::DiskFull) => StoreFault::DiskFull,
        Some(ErrorCode::DatabaseCorrupt) => StoreFault::Corrupt,
        _ => StoreFault::Failed,
    };
    Error::Store(StoreError::caused(fault, format!("could not {tried}"), error))
}
