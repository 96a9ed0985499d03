//! Failures inside the engine, and how they leave it.

use rusqlite::ErrorCode;

use super::values::{corrupt_row, is_about_a_value};
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

    /// A row names another one that is not there.
    pub(super) fn missing_row(table: &str, key: impl std::fmt::Display) -> Self {
        Self::contradiction(&format!("`{table}` has no row {key}, which another row names"))
    }

    /// Whether it is about rows that cannot be what they are, and would be met again by whoever
    /// comes by them.
    pub(super) fn is_corruption(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Sqlite(error) => is_about_a_value(error),
            Self::Store(error) => error.fault == StoreFault::Corrupt,
        }
    }

    /// The same failure for another request of the same transaction.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Refused(refusal) => Self::Refused(refusal.clone()),
            Self::Store(error) => Self::Store(error.again()),
            Self::Sqlite(rusqlite::Error::SqliteFailure(code, message)) => {
                Self::Sqlite(rusqlite::Error::SqliteFailure(*code, message.clone()))
            }
            Self::Sqlite(other) => {
                Self::Store(StoreError::new(StoreFault::Failed, other.to_string()))
            }
        }
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

/// SQLite could not lengthen the file beside the store in which its connections coordinate. It
/// calls this an I/O error.
#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct NoRoomForIndex(#[source] rusqlite::Error);

/// Tells callers what kind of trouble SQLite is in.
pub(super) fn sqlite_error(error: rusqlite::Error, tried: &str) -> Error {
    let code = error.sqlite_error().map(|e| e.extended_code);
    if code == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) {
        let (fault, tried) = (StoreFault::DiskFull, format!("could not {tried}"));
        return Error::Store(StoreError::caused(fault, tried, NoRoomForIndex(error)));
    }
    if let Some(row) = corrupt_row(&error) {
        return StoreError::new(StoreFault::Corrupt, format!("could not {tried}: {row}")).into();
    }
    let fault = match error.sqlite_error_code() {
        // The last one: whoever has the lock stopped while he wrote down how far the log reaches.
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed,
        ) => {
            let why = format!("the store was locked by others for too long to {tried}");
            return Error::Refused(Refusal::Busy { why });
        }
        Some(ErrorCode::NotADatabase) => StoreFault::NotAStore,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreFault::ReadOnly,
        Some(ErrorCode::DiskFull) => StoreFault::DiskFull,
        Some(ErrorCode::DatabaseCorrupt) => StoreFault::Damaged,
        None if is_about_a_value(&error) => StoreFault::Corrupt,
        _ => StoreFault::Failed,
    };
    Error::Store(StoreError::caused(fault, format!("could not {tried}"), error))
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn failed_with(code: i32) -> Error {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        sqlite_error(error, "start a hold")
    }

    #[test]
    fn a_full_disk_is_called_full_whichever_file_had_no_room() {
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE] {
            let Error::Store(error) = failed_with(code) else { panic!("{code}") };
            assert_eq!(error.fault, StoreFault::DiskFull);
            assert_eq!(error.tried, "could not start a hold");
            let cause = error.cause.map(|cause| cause.to_string());
            assert!(cause.is_some_and(|cause| cause.contains("disk is full")), "{code}");
        }
        let Error::Store(other) = failed_with(ffi::SQLITE_IOERR_WRITE) else { panic!() };
        assert_eq!(other.fault, StoreFault::Failed);
    }

    #[test]
    fn a_lock_that_never_comes_is_a_refusal() {
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED, ffi::SQLITE_PROTOCOL] {
            let error = failed_with(code);
            assert_eq!(error.refusal().map(Refusal::code), Some("busy"), "{code}");
        }
    }
}
