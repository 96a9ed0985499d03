//! Running statements: reads and writes that may be repeated, and decisions that may not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::TryStreamExt;
use rand::RngExt;
use scylla::client::session::Session;
use scylla::deserialize::row::{ColumnIterator, DeserializeRow};
use scylla::deserialize::value::DeserializeValue;
use scylla::deserialize::{DeserializationError, TypeCheckError};
use scylla::frame::response::result::ColumnSpec;
use scylla::response::query_result::QueryResult;
use scylla::serialize::batch::BatchValues;
use scylla::serialize::row::SerializeRow;
use scylla::statement::batch::Batch;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use super::catalogue::Cache;
use super::clock_keeper;
use super::failure::{
    answer_error, may_pass, not_sent, pager_error, row_error, statement_error, surely_not_applied,
    unanswered,
};
use super::keyspace::Identity;
use super::lines::Lines;
use super::server_clock::ServerClock;
use super::statements::{SERVER_GIVES_UP_AFTER, Statement, Statements};
use super::waitlist::{Looks, Remembered};
use crate::domain::{Refusal, Timestamp};
use crate::repository::Result;

/// Statements that this process has under way at once; further ones wait for their turn.
const UNDER_WAY_MAX: usize = 1_024;

/// How long a statement waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(10);

/// How often a read or a plain write is tried.
const TRIES_MAX: u32 = 4;

/// The wait before the second try, about; it doubles with each.
const RETRY_WAIT: Duration = Duration::from_millis(50);

/// The session with its statements, the server's clock, and what was read and never changes.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) session: Arc<Session>,
    pub(super) statements: Statements,
    pub(super) clock: ServerClock,
    pub(super) identity: Identity,
    pub(super) cache: Cache,
    /// One line for each ticket that is claimed.
    pub(super) claims: Lines,
    /// One line for each buyer whose tickets are counted.
    pub(super) counts: Lines,
    /// One line for each event whose waitlist changes.
    pub(super) entries: Lines,
    /// One line for each event whose waitlist is served.
    pub(super) serving: Lines,
    /// The waitlists that were read.
    pub(super) remembered: Remembered,
    /// How often those who wait were looked after.
    pub(super) looks: Looks,
    turns: Semaphore,
    accepted: Mutex<Option<Uuid>>,
}

/// What came of a deciding statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision<R> {
    /// Its conditions held, and it is done.
    Applied,
    /// Its conditions did not hold; this is what it found.
    Refused(R),
    /// No answer came. The server does not work on it any more: a serial read tells.
    Unknown,
}

impl<R> Decision<R> {
    /// The same, with something else made of what a refusal found.
    pub(super) fn map<T>(self, found: impl FnOnce(R) -> T) -> Decision<T> {
        match self {
            Self::Applied => Decision::Applied,
            Self::Refused(row) => Decision::Refused(found(row)),
            Self::Unknown => Decision::Unknown,
        }
    }
}

/// How often the outcome of one step may be unknown.
const UNKNOWN_MAX: u32 = 2;

/// What is left of the patience with a step whose outcome is unknown, and which a serial read does
/// not find done: it is tried again, but not for long, as each time takes seconds.
#[derive(Debug, Default)]
pub(super) struct Patience {
    unknown: u32,
}

impl Patience {
    /// Goes on, or gives up.
    ///
    /// # Errors
    /// [`StoreFault::Unanswered`]: the last request of the step may still arrive at the server.
    ///
    /// [`StoreFault::Unanswered`]: crate::repository::StoreFault::Unanswered
    pub(super) fn lose(&mut self, what: &str) -> Result<()> {
        self.unknown += 1;
        if self.unknown < UNKNOWN_MAX { Ok(()) } else { Err(unanswered(what)) }
    }
}

/// Nothing that a refusal found is of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unread;

impl<'frame, 'metadata> DeserializeRow<'frame, 'metadata> for Unread {
    fn type_check(_: &[ColumnSpec<'_>]) -> std::result::Result<(), TypeCheckError> {
        Ok(())
    }

    fn deserialize(
        _: ColumnIterator<'frame, 'metadata>,
    ) -> std::result::Result<Self, DeserializationError> {
        Ok(Self)
    }
}

/// An answer to a deciding statement that does not say whether it was applied.
#[derive(Debug, thiserror::Error)]
#[error("the answer has no columns")]
struct NoColumns;

/// The row that answers a deciding statement: whether it was applied, then what was found.
struct Answer<R>(Option<R>);

impl<'frame, 'metadata, R> DeserializeRow<'frame, 'metadata> for Answer<R>
where
    R: DeserializeRow<'frame, 'metadata>,
{
    fn type_check(columns: &[ColumnSpec<'_>]) -> std::result::Result<(), TypeCheckError> {
        match columns.split_first() {
            Some((applied, found)) => {
                bool::type_check(applied.typ())?;
                R::type_check(found)
            }
            None => Err(TypeCheckError::new(NoColumns)),
        }
    }

    fn deserialize(
        mut row: ColumnIterator<'frame, 'metadata>,
    ) -> std::result::Result<Self, DeserializationError> {
        let applied = match row.next() {
            Some(column) => {
                let column = column?;
                bool::deserialize(column.spec.typ(), column.slice)?
            }
            None => false,
        };
        if applied { Ok(Self(None)) } else { R::deserialize(row).map(|found| Self(Some(found))) }
    }
}

impl Database {
    pub(super) fn new(session: Session, statements: Statements, clock: ServerClock) -> Self {
        let turns = Semaphore::new(UNDER_WAY_MAX);
        Self {
            session: Arc::new(session),
            statements,
            clock,
            identity: Identity::default(),
            cache: Cache::default(),
            claims: Lines::default(),
            counts: Lines::default(),
            entries: Lines::default(),
            serving: Lines::default(),
            remembered: Remembered::default(),
            looks: Looks::default(),
            turns,
            accepted: Mutex::default(),
        }
    }

    /// The server's time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Reads at most one row.
    pub(super) async fn row<R>(
        &self,
        statement: &Statement,
        values: impl SerializeRow,
    ) -> Result<Option<R>>
    where
        R: for<'r> DeserializeRow<'r, 'r>,
    {
        let answer = self.run(statement, &values).await?;
        let rows = answer.into_rows_result().map_err(|e| answer_error(statement.what, e))?;
        rows.maybe_first_row().map_err(|e| answer_error(statement.what, e))
    }

    /// Reads all rows of one partition, or of a small table, page by page.
    pub(super) async fn rows<R>(
        &self,
        statement: &Statement,
        values: impl SerializeRow,
    ) -> Result<Vec<R>>
    where
        R: for<'f, 'm> DeserializeRow<'f, 'm> + 'static,
    {
        let mut tries = 1;
        loop {
            let turn = self.turn(statement.what).await?;
            let pages = self.session.execute_iter(statement.prepared.clone(), &values).await;
            let read = match pages {
                Ok(pages) => {
                    let rows = pages.rows_stream::<R>();
                    let rows = rows.map_err(|e| answer_error(statement.what, e))?;
                    rows.try_collect::<Vec<R>>().await.map_err(|e| row_error(statement.what, e))
                }
                Err(e) => Err(pager_error(statement.what, e)),
            };
            drop(turn);
            match read {
                Err(_) if tries < TRIES_MAX => sleep(jittered(RETRY_WAIT, tries)).await,
                done => return done,
            }
            tries += 1;
        }
    }

    /// Writes what may be written again.
    pub(super) async fn write(
        &self,
        statement: &Statement,
        values: impl SerializeRow,
    ) -> Result<()> {
        self.run(statement, &values).await.map(|_| ())
    }

    /// Writes a batch that may be written again.
    pub(super) async fn write_batch(
        &self,
        what: &str,
        batch: &Batch,
        values: impl BatchValues,
    ) -> Result<()> {
        let mut tries = 1;
        loop {
            let turn = self.turn(what).await?;
            let answer = self.session.batch(batch, &values).await;
            drop(turn);
            match answer {
                Ok(_) => return Ok(()),
                Err(e) if tries < TRIES_MAX && may_pass(&e) => {
                    sleep(jittered(RETRY_WAIT, tries)).await;
                }
                Err(e) => return Err(statement_error(what, e)),
            }
            tries += 1;
        }
    }

    /// Runs a read or a plain write, and again where it fails in passing.
    async fn run(&self, statement: &Statement, values: &impl SerializeRow) -> Result<QueryResult> {
        let mut tries = 1;
        loop {
            let turn = self.turn(statement.what).await?;
            let answer = self.session.execute_unpaged(&statement.prepared, values).await;
            drop(turn);
            match answer {
                Ok(answer) => return Ok(answer),
                Err(e) if tries < TRIES_MAX && may_pass(&e) => {
                    tracing::debug!(what = statement.what, error = %e, "trying again");
                    sleep(jittered(RETRY_WAIT, tries)).await;
                }
                Err(e) => return Err(statement_error(statement.what, e)),
            }
            tries += 1;
        }
    }

    /// Runs a deciding statement, once; again only where it has surely not left this machine.
    ///
    /// Where the outcome is not known, returns only when the server has surely given it up.
    pub(super) async fn decide<R>(
        &self,
        statement: &Statement,
        values: impl SerializeRow,
    ) -> Result<Decision<R>>
    where
        R: for<'r> DeserializeRow<'r, 'r>,
    {
        self.clock.check()?;
        let mut tries = 1;
        loop {
            let turn = self.turn(statement.what).await?;
            let sent = Instant::now();
            let answer = self.session.execute_unpaged(&statement.prepared, &values).await;
            drop(turn);
            match answer {
                Ok(answer) => return read_decision(statement, answer),
                Err(e) if tries < TRIES_MAX && not_sent(&e) => {
                    sleep(jittered(RETRY_WAIT, tries)).await;
                }
                Err(e) if surely_not_applied(&e) => return Err(statement_error(statement.what, e)),
                Err(e) => {
                    tracing::debug!(what = statement.what, error = %e, "the outcome is not known");
                    sleep_until(sent + SERVER_GIVES_UP_AFTER).await;
                    return Ok(Decision::Unknown);
                }
            }
            tries += 1;
        }
    }

    /// Waits for a statement's turn; none is sent to another keyspace than the one that was opened.
    async fn turn(&self, what: &str) -> Result<SemaphorePermit<'_>> {
        self.identity.check()?;
        if let Ok(Ok(turn)) = timeout(TURN_MAX, self.turns.acquire()).await {
            return Ok(turn);
        }
        let why = format!("too much was going on for {TURN_MAX:?} to {what}");
        Err(Refusal::Busy { why }.into())
    }

    /// Whether a deadline has passed, where no statement asks for the time. Before it is said to be
    /// over, the server is asked for its clock anew: this machine's may have been set since.
    pub(super) async fn has_passed(&self, deadline: Timestamp) -> Result<bool> {
        if deadline > self.now() {
            return Ok(false);
        }
        clock_keeper::measure(self).await?;
        Ok(deadline <= self.now())
    }

    /// The mark of the last time that the clock was accepted, nil where it never was; none before it
    /// is read.
    pub(super) fn accepted_mark(&self) -> Option<Uuid> {
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_accepted_mark(&self, mark: Uuid) {
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
    }
}

fn read_decision<R>(statement: &Statement, answer: QueryResult) -> Result<Decision<R>>
where
    R: for<'r> DeserializeRow<'r, 'r>,
{
    let rows = answer.into_rows_result().map_err(|e| answer_error(statement.what, e))?;
    let answer: Answer<R> = rows.first_row().map_err(|e| answer_error(statement.what, e))?;
    Ok(answer.0.map_or(Decision::Applied, Decision::Refused))
}

/// A wait of between a half and one and a half times `first`, doubled with each try, so that those
/// who got in each other's way do not meet again.
pub(super) fn jittered(first: Duration, tries: u32) -> Duration {
    let doubled = first.saturating_mul(1 << tries.saturating_sub(1).min(10));
    doubled.mul_f64(rand::rng().random_range(0.5..1.5))
}
