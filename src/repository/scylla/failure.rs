//! How failures of the driver and the server leave the engine, and which of them leave it open
//! whether a statement was applied.

use scylla::errors::{
    DbError, ExecutionError, NewSessionError, PrepareError, RequestAttemptError, UseKeyspaceError,
};

use crate::repository::{Error, StoreError, StoreFault};

/// A statement that failed; `what` are the words for what it does.
pub(super) fn statement_error(what: &str, error: ExecutionError) -> Error {
    StoreError::caused(StoreFault::Failed, format!("could not {what}"), error).into()
}

/// A step of which nobody knows whether it will have been done.
pub(super) fn unanswered(what: &str) -> Error {
    let message = format!("could not {what}: the server did not answer");
    StoreError::new(StoreFault::Unanswered, message).into()
}

/// An answer that cannot be read: a column of another type, or a value that no value stands for.
pub(super) fn answer_error(
    what: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let tried = format!("could not {what}: the answer makes no sense");
    StoreError::caused(StoreFault::Corrupt, tried, error).into()
}

/// A cluster that could not be reached.
pub(super) fn connect_error(name: &str, error: NewSessionError) -> Error {
    let tried = format!("could not connect to {name}");
    StoreError::caused(StoreFault::Failed, tried, error).into()
}

/// A keyspace that cannot be used.
pub(super) fn keyspace_error(name: &str, error: UseKeyspaceError) -> Error {
    let tried = format!("could not use the keyspace {name}");
    StoreError::caused(StoreFault::Failed, tried, error).into()
}

/// A statement that the server does not know how to run: its schema is not the one expected.
pub(super) fn prepare_error(cql: &str, error: PrepareError) -> Error {
    let begin: String = cql.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
    let fault = match &error {
        PrepareError::AllAttemptsFailed {
            first_attempt: RequestAttemptError::DbError(DbError::Invalid, _),
        } => StoreFault::OtherSchema,
        _ => StoreFault::Failed,
    };
    StoreError::caused(fault, format!("could not prepare `{begin} …`"), error).into()
}

/// Fewer statements were prepared than there are.
pub(super) fn lost_statement() -> Error {
    StoreError::new(StoreFault::Failed, "a prepared statement got lost").into()
}

/// Whether a deciding statement that failed like this was surely not applied.
///
/// Everything that is not surely so counts as unknown: a time-out or a broken connection says
/// nothing, and `Unavailable` may come when a decision was already accepted.
pub(super) const fn surely_not_applied(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::BadQuery(_)
        | ExecutionError::EmptyPlan
        | ExecutionError::PrepareError(_)
        | ExecutionError::ConnectionPoolError(_) => true,
        ExecutionError::LastAttemptError(attempt) => surely_not_tried(attempt),
        _ => false,
    }
}

/// Whether no machine could be asked: the driver has no connection that works, to any of them.
pub(super) const fn not_sent(error: &ExecutionError) -> bool {
    matches!(error, ExecutionError::ConnectionPoolError(_))
}

const fn surely_not_tried(error: &RequestAttemptError) -> bool {
    match error {
        RequestAttemptError::SerializationError(_)
        | RequestAttemptError::CqlRequestSerialization(_)
        | RequestAttemptError::UnableToAllocStreamId => true,
        RequestAttemptError::DbError(db, _) => is_rejected(db),
        _ => false,
    }
}

/// Whether the server found fault with the statement itself.
const fn is_rejected(error: &DbError) -> bool {
    matches!(
        error,
        DbError::SyntaxError
            | DbError::Invalid
            | DbError::AuthenticationError
            | DbError::Unauthorized
            | DbError::ConfigError
            | DbError::IsBootstrapping
            | DbError::ProtocolError
            | DbError::Unprepared { .. }
            | DbError::RateLimitReached { rejected_by_coordinator: true, .. }
    )
}

/// Whether a read or a plain write that failed like this may succeed a moment later.
pub(super) const fn may_pass(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::BadQuery(_) | ExecutionError::PrepareError(_) => false,
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(db, _)) => {
            matches!(db, DbError::IsBootstrapping) || !is_rejected(db)
        }
        _ => true,
    }
}
