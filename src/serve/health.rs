//! Whether the store takes writes now, asked at most once a second however many ask here.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::domain::Refusal;
use crate::repository::{Error, Repository, StoreFault};

/// How old an answer may be.
const AGE_MAX: Duration = Duration::from_secs(1);
/// How long the store may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// What the store said when it was asked last.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Option<(Instant, Result<(), String>)>>);

impl Health {
    /// Finds out whether the store would take a write now.
    ///
    /// # Errors
    /// Why it would not, without what is of no concern to the public: where the store is.
    pub(super) async fn check(&self, store: &Arc<dyn Repository>) -> Result<(), String> {
        let mut last = self.0.lock().await;
        if let Some((asked_at, answer)) = &*last
            && asked_at.elapsed() < AGE_MAX
        {
            return answer.clone();
        }
        let mut cause = String::new();
        let answer = match tokio::time::timeout(ANSWER_MAX, store.check_writes()).await {
            Ok(answer) => answer.map_err(|error| {
                cause = in_full(&error);
                reason(&error)
            }),
            Err(_) => Err(format!("the store does not answer within {} s", ANSWER_MAX.as_secs())),
        };
        if let Err(reason) = &answer
            && !matches!(&*last, Some((_, Err(before))) if before == reason)
        {
            tracing::error!("the store takes no writes: {reason}{cause}");
        }
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

/// The error of the store with its causes, for the log.
fn in_full(error: &Error) -> String {
    let mut text = format!(" ({error}");
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text + ")"
}

/// What the public reads: nothing of where the store is, nor of what a driver says.
fn reason(error: &Error) -> String {
    let error = match error {
        Error::Refused(Refusal::Busy { why }) => return why.clone(),
        Error::Refused(refusal) => return refusal.to_string(),
        Error::Store(error) => error,
    };
    match error.fault {
        StoreFault::DiskFull => "the disk is full".into(),
        StoreFault::Moved => "the store was moved, replaced or deleted".into(),
        StoreFault::ReadOnly => "the store cannot be written".into(),
        StoreFault::SchemaBehind | StoreFault::SchemaAhead => {
            "the store has the schema of another tix by now".into()
        }
        StoreFault::Corrupt | StoreFault::Damaged => "the store is damaged".into(),
        StoreFault::Unanswered => "the store's machines do not answer".into(),
        StoreFault::Clock => error.to_string(),
        StoreFault::Unreachable | StoreFault::NotLetIn | StoreFault::NotTrusted => {
            "the store cannot be reached".into()
        }
        StoreFault::Missing | StoreFault::NoFolder | StoreFault::NotAStore => {
            "there is no store any more".into()
        }
        // Drivers name machines, tables and statements in their errors.
        _ => "the store takes no writes; the log of the server says why".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::repository::StoreError;

    #[test]
    fn reason_has_no_text_of_the_driver() {
        let cause = || io::Error::other("127.0.0.1:9042: table tix.store_clock refused");
        for fault in [StoreFault::Failed, StoreFault::Unreachable, StoreFault::NotLetIn] {
            let error = StoreError::caused(fault, "write to 127.0.0.1:9042", cause());
            let error = Error::from(error);
            assert!(!reason(&error).contains("9042"), "{}", reason(&error));
            assert!(in_full(&error).contains("tix.store_clock"), "{}", in_full(&error));
        }
    }
}
