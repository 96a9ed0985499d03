//! How failures of the driver and the server leave the engine, and which of them leave it open
//! whether a statement was applied.

use scylla::client::pager::{NextPageError, NextRowError};
use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, NewSessionError, PagerExecutionError, PrepareError, RequestAttemptError,
    UseKeyspaceError,
};

use crate::repository::{Error, StoreError, StoreFault};

/// A statement that failed; `what` are the words for what it does.
pub(super) fn statement_error(what: &str, error: ExecutionError) -> Error {
    StoreError::caused(fault_of(&error), format!("could not {what}"), error).into()
}

/// Rows that could not be read page by page: the server did not answer, or not as it should.
pub(super) fn pager_error(what: &str, error: PagerExecutionError) -> Error {
    match error {
        PagerExecutionError::NextPageError(error) => page_error(what, error),
        other => answer_error(what, other),
    }
}

/// A row that could not be read, of an answer that comes page by page.
pub(super) fn row_error(what: &str, error: NextRowError) -> Error {
    match error {
        NextRowError::NextPageError(error) => page_error(what, error),
        other => answer_error(what, other),
    }
}

fn page_error(what: &str, error: NextPageError) -> Error {
    match error {
        NextPageError::RequestFailure(error) => statement_error(what, error.into_execution_error()),
        other => answer_error(what, other),
    }
}

/// What kind of trouble a failed statement is.
const fn fault_of(error: &ExecutionError) -> StoreFault {
    match error {
        ExecutionError::ConnectionPoolError(_) | ExecutionError::EmptyPlan => {
            StoreFault::Unreachable
        }
        ExecutionError::RequestTimeout(_) => StoreFault::Unanswered,
        ExecutionError::LastAttemptError(attempt) => match attempt {
            RequestAttemptError::BrokenConnectionError(_) => StoreFault::Unanswered,
            RequestAttemptError::DbError(db, _) => match db {
                DbError::Unavailable { .. } | DbError::Overloaded | DbError::IsBootstrapping => {
                    StoreFault::Unreachable
                }
                DbError::ReadTimeout { .. }
                | DbError::WriteTimeout { .. }
                | DbError::ReadFailure { .. }
                | DbError::WriteFailure { .. }
                | DbError::ServerError => StoreFault::Unanswered,
                _ => StoreFault::Failed,
            },
            _ => StoreFault::Failed,
        },
        _ => StoreFault::Failed,
    }
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

/// The same error; one about what is stored says in which row.
pub(super) fn of_row(error: Error, table: &str, key: impl std::fmt::Display) -> Error {
    in_place(error, format_args!("the row {key} of `{table}`"))
}

/// The same error; one about what is stored says in which partition.
pub(super) fn of_partition(error: Error, table: &str, key: impl std::fmt::Display) -> Error {
    in_place(error, format_args!("a row of `{table}` under {key}"))
}

fn in_place(error: Error, place: std::fmt::Arguments<'_>) -> Error {
    match error {
        Error::Store(StoreError { fault: StoreFault::Corrupt, tried, cause }) => {
            let tried = match &cause {
                Some(why) => format!("{place} cannot be read: {why}"),
                None => tried,
            };
            StoreError { fault: StoreFault::Corrupt, tried, cause }.into()
        }
        other => other,
    }
}

/// A cluster that could not be reached, or that does not let us in.
pub(super) fn connect_error(name: &str, error: NewSessionError) -> Error {
    let (fault, why) = match &error {
        NewSessionError::FailedToResolveAnyHostname(_) => {
            (StoreFault::Unreachable, "no machine of that name is known")
        }
        NewSessionError::MetadataError(MetadataError::ConnectionPoolError(
            ConnectionPoolError::Broken { last_connection_error },
        )) => closed_door(last_connection_error),
        _ => (StoreFault::Unreachable, "it went away while it was asked for its machines"),
    };
    StoreError::caused(fault, format!("could not connect to {name}: {why}"), error).into()
}

/// Why a machine was not connected to, as far as its answer tells.
fn closed_door(error: &ConnectionError) -> (StoreFault, &'static str) {
    match error {
        ConnectionError::ConnectTimeout => (StoreFault::Unreachable, "no server answers there"),
        ConnectionError::IoError(error) => match tls_error(error) {
            Some(error) => (StoreFault::NotTrusted, untrusted(error)),
            None => (StoreFault::Unreachable, "no server answers there"),
        },
        ConnectionError::ConnectionSetupRequestError(setup) => match &setup.error {
            ConnectionSetupRequestErrorKind::MissingAuthentication => {
                (StoreFault::NotLetIn, "it asks for a user and a password")
            }
            ConnectionSetupRequestErrorKind::DbError(
                DbError::AuthenticationError | DbError::Unauthorized,
                _,
            ) => (StoreFault::NotLetIn, "it does not know this user with this password"),
            _ => {
                (StoreFault::Unreachable, "what answers there does not speak CQL as it is asked to")
            }
        },
        _ => (StoreFault::Unreachable, "the connection broke at once"),
    }
}

fn tls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn untrusted(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => {
            "its certificate is signed by none of the authorities that are trusted"
        }
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => "its certificate is that of another machine",
        rustls::Error::InvalidCertificate(
            Certificate::Expired | Certificate::ExpiredContext { .. },
        ) => "its certificate has expired",
        rustls::Error::InvalidCertificate(_) => "its certificate is not valid",
        _ => "what answers there does not encrypt as it is asked to",
    }
}

/// A part of the schema that the server does not make in this keyspace.
pub(super) fn schema_error(keyspace: &str, error: ExecutionError) -> Error {
    if let ExecutionError::LastAttemptError(RequestAttemptError::DbError(_, why)) = &error
        && why.contains("tablets")
    {
        let message = format!(
            "the keyspace {keyspace} uses tablets, with which this server keeps no change log and \
             no lightweight transactions"
        );
        return StoreError::caused(StoreFault::Tablets, message, error).into();
    }
    statement_error("make the schema", error)
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
        } => StoreFault::SchemaBehind,
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

#[cfg(test)]
mod tests {
    use scylla::errors::RequestError;

    use super::*;

    fn answered(error: DbError, why: &str) -> ExecutionError {
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, why.to_owned()))
    }

    fn fault(error: Error) -> (StoreFault, String) {
        match error {
            Error::Store(error) => (error.fault.clone(), error.to_string()),
            Error::Refused(refusal) => panic!("{refusal}"),
        }
    }

    #[test]
    fn server_that_does_not_answer_is_no_corrupt_store() {
        let (pool, timeout) = (ConnectionPoolError::Initializing, std::time::Duration::ZERO);
        let (unanswered, unreachable) = (StoreFault::Unanswered, StoreFault::Unreachable);
        let page = |error| NextRowError::NextPageError(NextPageError::RequestFailure(error));
        let read = |error| fault(row_error("read the map", page(error))).0;
        assert_eq!(read(RequestError::RequestTimeout(timeout)), unanswered);
        assert_eq!(read(RequestError::ConnectionPoolError(pool)), unreachable);
        assert_eq!(
            fault(statement_error("x", ExecutionError::RequestTimeout(timeout))).0,
            unanswered
        );
        let invalid = answered(DbError::Invalid, "no such table");
        assert_eq!(fault(statement_error("x", invalid)).0, StoreFault::Failed);
    }

    #[test]
    fn a_keyspace_with_tablets_is_told_from_other_trouble_with_the_schema() {
        let why =
            "Cannot create CDC log for a table tix.order_queue, because keyspace uses tablets";
        let (fault_is, told) = fault(schema_error("tix", answered(DbError::Invalid, why)));
        assert_eq!(fault_is, StoreFault::Tablets);
        assert!(told.starts_with("the keyspace tix uses tablets"), "{told}");
        let (fault_is, _) = fault(schema_error("tix", answered(DbError::Invalid, "no such type")));
        assert_eq!(fault_is, StoreFault::Failed);
    }

    #[test]
    fn whatever_may_have_been_applied_counts_as_unknown() {
        let time_out = DbError::WriteTimeout {
            consistency: scylla::statement::Consistency::Serial,
            received: 0,
            required: 1,
            write_type: scylla::errors::WriteType::Cas,
        };
        assert!(!surely_not_applied(&answered(time_out, "")));
        assert!(!surely_not_applied(&answered(DbError::Overloaded, "")));
        assert!(!surely_not_applied(&answered(DbError::ServerError, "")));
        assert!(!surely_not_applied(&ExecutionError::RequestTimeout(std::time::Duration::ZERO)));
        assert!(surely_not_applied(&answered(DbError::SyntaxError, "")));
        assert!(surely_not_applied(&ExecutionError::EmptyPlan));
    }
}
