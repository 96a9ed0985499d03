//! Whether the store takes writes now, asked at most once a second however many ask here.

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
        let answer = match tokio::time::timeout(ANSWER_MAX, store.check_writes()).await {
            Ok(answer) => answer.map_err(|error| reason(&error)),
            Err(_) => Err(format!("the store does not answer within {} s", ANSWER_MAX.as_secs())),
        };
        if let Err(reason) = &answer
            && !matches!(&*last, Some((_, Err(before))) if before == reason)
        {
            tracing::error!("the store takes no writes: {reason}");
        }
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

fn reason(error: &Error) -> String {
    let error = match error {
        Error::Refused(Refusal::Busy { why }) => return why.clone(),
        Error::Refused(refusal) => return refusal.to_string(),
        Error::Store(error) => error,
    };
    tracing::debug!("{error}");
    match error.fault {
        StoreFault::DiskFull => "the disk is full".into(),
        StoreFault::Moved => "the store's file was moved, replaced or deleted".into(),
        StoreFault::ReadOnly => "the store cannot be written".into(),
        StoreFault::SchemaBehind | StoreFault::SchemaAhead => {
            "the store has the schema of another tix by now".into()
        }
        StoreFault::Corrupt | StoreFault::Damaged => "the store is damaged".into(),
        StoreFault::Unanswered => "the store's machines do not answer".into(),
        StoreFault::Clock => error.to_string(),
        _ => match &error.cause {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}
