//! The one writer of a process: a thread that drains its queue and commits what it drained as one
//! transaction. Whoever asked is answered when the transaction is durable, by [`answers`](super::answers).
//! Where time is virtual it is a task on the thread of those who ask instead: beside a thread, time
//! would run away during every write.
//!
//! Group commit is what makes full durability cheap: one sync of the disk answers every request that
//! arrived during the sync before it. A request decides before it writes, so a refusal leaves
//! nothing behind and its neighbours are not disturbed. Should a request fail in the middle, the
//! whole group is rolled back and every request is run again in a transaction of its own, so that a
//! failure is answered to the one whom it concerns.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::answers::{Answers, Group};
use super::catalogue::Cache;
use super::deletion::Deletions;
use super::failure::{Failure, Outcome, sqlite_error};
use super::ownership::Ownership;
use super::statements::Statements;
use super::store_clock::{StoreClock, Stored};
use super::store_file::{BEGIN_CHECK_LASTS, StoreFile};
use super::{lock, schema};
use crate::domain::Timestamp;
use crate::repository::{Error, Result, StoreError, StoreFault};

/// Requests that wait for the writer before callers wait for a place.
const QUEUE_LENGTH: usize = 4096;

/// Requests in one transaction: bounds how long another process waits for its turn.
const GROUP_MAX: usize = 1024;

/// What a request works with: the transaction it is part of.
pub(super) struct Tx<'a, 'c> {
    /// The connection and its prepared statements.
    pub(super) statements: &'a mut Statements<'c>,
    /// Where to look for a buyer's tickets.
    pub(super) ownership: &'a mut Ownership,
    /// What was read before of what never changes.
    pub(super) cache: &'a Cache,
    /// The events that were deleted.
    pub(super) deletions: &'a mut Deletions,
    /// The store's clock, for what is about the clock itself.
    pub(super) clock: &'a StoreClock,
    /// The store's time, read once the transaction had its lock: the same for all of its requests.
    pub(super) now: Timestamp,
}

/// When a request may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// When the clock is believed.
    Believed,
    /// Whatever the clock shows: it decides nothing by the time.
    Always,
}

/// A request in the queue, whatever its answer is.
pub(super) trait Request: Send {
    /// Does the work and keeps the answer. Fails only where the transaction must be rolled back.
    fn run(&mut self, tx: &mut Tx<'_, '_>) -> Outcome<()>;
    /// Whether it may run though the clock is not believed.
    fn runs_always(&self) -> bool;
    /// Since when it waits.
    fn came_at(&self) -> Instant;
    /// Hands the answer over, now that it is durable.
    fn answer(self: Box<Self>);
    /// Hands over a failure in place of an answer.
    fn fail(self: Box<Self>, failure: Failure);
}

struct Pending<W, T> {
    tried: &'static str,
    when: When,
    came_at: Instant,
    work: W,
    result: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
}

impl<W, T> Request for Pending<W, T>
where
    W: FnMut(&mut Tx<'_, '_>) -> Outcome<T> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_, '_>) -> Outcome<()> {
        self.result = Some(match (self.work)(tx) {
            Ok(answer) => Ok(answer),
            Err(Failure::Refused(refusal)) => Err(refusal.into()),
            Err(failure) => return Err(failure),
        });
        Ok(())
    }

    fn runs_always(&self) -> bool {
        self.when == When::Always
    }

    fn came_at(&self) -> Instant {
        self.came_at
    }

    fn answer(self: Box<Self>) {
        // A caller that no longer waits needs no answer; what it asked for is done all the same.
        if let Some(result) = self.result {
            let _ = self.caller.send(result);
        }
    }

    fn fail(self: Box<Self>, failure: Failure) {
        let _ = self.caller.send(Err(failure.leave(self.tried)));
    }
}

/// The way to the writer thread.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Request>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    closing: lock::Closing,
    began: Instant,
    /// When a request was last done, in milliseconds after it began.
    done_at_ms: AtomicU64,
    /// When a request last failed of the store, and of what.
    failed: Mutex<Option<(Duration, StoreError)>>,
}

/// How old the outcome of a request may be that says what would come of another. A failure lasts no longer
/// than a success: a full disk may have room again.
const OUTCOME_LASTS: Duration = Duration::from_secs(1);

impl Writer {
    /// Starts the thread on its connection; `wal` is the file to sync before a request is answered.
    ///
    /// # Errors
    /// The operating system has no thread to give, or the schema does not fit the statements.
    pub(super) fn start(
        connection: Connection,
        (wal, file): (Option<PathBuf>, StoreFile),
        cache: Arc<Cache>,
        clock: Arc<StoreClock>,
    ) -> Result<Self> {
        let (queue, requests) = mpsc::channel(QUEUE_LENGTH);
        let (ready, readiness) = std::sync::mpsc::channel();
        let closing = lock::Closing::default();
        let thread_closing = Arc::clone(&closing);
        let thread = std::thread::Builder::new()
            .name("tix-writer".into())
            .spawn(move || {
                lock::until_closing(thread_closing);
                let answers = Answers::start(wal, file.clone());
                let kept = Kept { cache: &cache, clock: &clock, file: &file };
                serve(&connection, requests, kept, &answers, &ready);
                // Whoever was accepted is answered before the connection is closed.
                answers.finish();
            })
            .map_err(|e| StoreError::caused(StoreFault::Failed, "could not start a thread", e))?;
        if let Ok(Err(e)) = readiness.recv() {
            return Err(sqlite_error(e, "prepare the statements of the store"));
        }
        Ok(Self::with(queue, Some(thread), closing))
    }

    /// Starts a task on this thread in place of a thread of its own; for a store that needs no sync
    /// before a request is answered. It ends when the writer is stopped or dropped.
    ///
    /// # Errors
    /// The schema does not fit the statements.
    ///
    /// # Panics
    /// Outside of a [`LocalSet`](tokio::task::LocalSet).
    pub(super) fn start_here(
        connection: Connection,
        cache: Arc<Cache>,
        clock: Arc<StoreClock>,
    ) -> Result<Self> {
        let prepared = Statements::prepare(&connection).map(drop);
        prepared.map_err(|e| sqlite_error(e, "prepare the statements of the store"))?;
        let (queue, requests) = mpsc::channel(QUEUE_LENGTH);
        tokio::task::spawn_local(serve_here(connection, requests, cache, clock));
        Ok(Self::with(queue, None, lock::Closing::default()))
    }

    fn with(
        queue: mpsc::Sender<Box<dyn Request>>,
        thread: Option<JoinHandle<()>>,
        closing: lock::Closing,
    ) -> Self {
        Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(thread),
            closing,
            began: Instant::now(),
            done_at_ms: AtomicU64::new(0),
            failed: Mutex::default(),
        }
    }

    /// Runs `work` in a transaction and answers when it is durable. `work` may run more than once,
    /// but only its last run counts. `tried` says what it does, should it fail.
    pub(super) async fn submit<W, T>(&self, tried: &'static str, work: W) -> Result<T>
    where
        W: FnMut(&mut Tx<'_, '_>) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        let answer = self.send(tried, When::Believed, work).await;
        self.note(&answer);
        answer
    }

    /// The same for what decides nothing by the time, and is done whatever the clock shows.
    pub(super) async fn submit_always<W, T>(&self, tried: &'static str, work: W) -> Result<T>
    where
        W: FnMut(&mut Tx<'_, '_>) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        self.send(tried, When::Always, work).await
    }

    /// Says whether a request would succeed now, as far as the last ones tell; none where none was
    /// done lately.
    pub(super) fn last_outcome(&self) -> Option<Result<()>> {
        let now = self.began.elapsed();
        let done_at = Duration::from_millis(self.done_at_ms.load(Ordering::Relaxed));
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, error)) = &*failed
            && now.saturating_sub(*at) < OUTCOME_LASTS
            && done_at <= *at
        {
            return Some(Err(error.again().into()));
        }
        (!done_at.is_zero() && now.saturating_sub(done_at) < OUTCOME_LASTS).then_some(Ok(()))
    }

    fn note<T>(&self, answer: &Result<T>) {
        let now = self.began.elapsed();
        match answer {
            Ok(_) => {
                let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
                self.done_at_ms.store(millis, Ordering::Relaxed);
            }
            Err(Error::Store(error)) => {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                *failed = Some((now, error.again()));
            }
            // A refusal has written nothing.
            Err(Error::Refused(_)) => {}
        }
    }

    async fn send<W, T>(&self, tried: &'static str, when: When, work: W) -> Result<T>
    where
        W: FnMut(&mut Tx<'_, '_>) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let gone = || StoreError::new(StoreFault::Failed, format!("could not {tried}: closed"));
        let queue = queue.ok_or_else(gone)?;
        let (caller, answer) = oneshot::channel();
        let came_at = Instant::now();
        let request = Box::new(Pending { tried, when, came_at, work, result: None, caller });
        queue.send(request).await.map_err(|_| gone())?;
        drop(queue);
        answer.await.map_err(|_| gone())?
    }

    /// Finishes everything that was accepted and need not wait for another program's lock, and closes the
    /// connection.
    pub(super) fn stop(&self) {
        let _ = self.closing.set(Instant::now());
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(
    connection: &Connection,
    mut queue: mpsc::Receiver<Box<dyn Request>>,
    kept: Kept<'_>,
    answers: &Answers,
    ready: &std::sync::mpsc::Sender<rusqlite::Result<()>>,
) {
    let statements = match Statements::prepare(connection) {
        Ok(statements) => statements,
        Err(e) => {
            let _ = ready.send(Err(e));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    let (ownership, deletions) = (Ownership::default(), Deletions::default());
    let mut session = Session { statements, ownership, deletions, stored: None, kept };
    while let Some(first) = queue.blocking_recv() {
        session.commit_group(group_of(first, &mut queue), &|group| answers.give(group));
    }
}

async fn serve_here(
    connection: Connection,
    mut queue: mpsc::Receiver<Box<dyn Request>>,
    cache: Arc<Cache>,
    clock: Arc<StoreClock>,
) {
    // They could be prepared a moment ago.
    let Ok(statements) = Statements::prepare(&connection) else { return };
    let (ownership, file) = (Ownership::default(), StoreFile::in_memory("memory"));
    let kept = Kept { cache: &cache, clock: &clock, file: &file };
    let deletions = Deletions::default();
    let mut session = Session { statements, ownership, deletions, stored: None, kept };
    while let Some(first) = queue.recv().await {
        let group = group_of(first, &mut queue);
        session.commit_group(group, &|group| group.into_iter().for_each(Request::answer));
    }
}

/// The first request with those that wait behind it.
fn group_of(first: Box<dyn Request>, queue: &mut mpsc::Receiver<Box<dyn Request>>) -> Group {
    let mut group = vec![first];
    while group.len() < GROUP_MAX
        && let Ok(next) = queue.try_recv()
    {
        group.push(next);
    }
    group
}

/// What the thread works with that outlives it.
#[derive(Clone, Copy)]
struct Kept<'c> {
    cache: &'c Cache,
    clock: &'c StoreClock,
    file: &'c StoreFile,
}

/// What the thread works with as long as it lives.
struct Session<'c> {
    statements: Statements<'c>,
    ownership: Ownership,
    deletions: Deletions,
    /// What a shared store said after the last transaction, if that was committed.
    stored: Option<Seen>,
    kept: Kept<'c>,
}

/// What a store says, as this process knows it.
struct Seen {
    stored: Stored,
    /// The version of its data in which it does: another process that writes to the file changes that.
    version: i64,
}

/// Reads inside a transaction what the store says, unless no other process has written to it since.
fn look(connection: &Connection, last: Option<Seen>) -> Outcome<Seen> {
    let mut statement = connection.prepare_cached("PRAGMA data_version")?;
    let version = statement.query_row([], |row| row.get(0))?;
    match last {
        Some(seen) if seen.version == version => Ok(seen),
        _ => {
            schema::check_version(connection)?;
            Ok(Seen { stored: Stored::read(connection)?, version })
        }
    }
}

/// Why a group was not committed.
enum NotCommitted {
    /// No transaction was begun, and none would be for any of its requests alone.
    NotBegun(Failure),
    /// Something in it failed, which may concern one request only.
    Failed(Failure),
}

impl NotCommitted {
    fn failure(self) -> Failure {
        match self {
            Self::NotBegun(failure) | Self::Failed(failure) => failure,
        }
    }
}

impl Session<'_> {
    /// Commits the group and has it answered; where that fails, each request by itself.
    fn commit_group(&mut self, mut group: Group, answer: &dyn Fn(Group)) {
        match self.commit(&mut group) {
            Ok(()) => return answer(group),
            Err(NotCommitted::NotBegun(failure)) => {
                return group.into_iter().for_each(|request| request.fail(failure.again()));
            }
            Err(NotCommitted::Failed(_)) => {}
        }
        for mut request in group {
            match self.commit(std::slice::from_mut(&mut request)) {
                Ok(()) => answer(vec![request]),
                Err(not_committed) => request.fail(not_committed.failure()),
            }
        }
    }

    /// Runs the requests in one transaction, which stands when this returns without an error and
    /// has left nothing behind otherwise.
    fn commit(&mut self, requests: &mut [Box<dyn Request>]) -> Result<(), NotCommitted> {
        self.begin(requests).map_err(NotCommitted::NotBegun)?;
        match self.run(requests).and_then(|stored| {
            self.statements.commit.execute([])?;
            Ok(stored)
        }) {
            Ok(stored) => {
                self.ownership.committed(stored.as_ref().map_or(0, |seen| seen.stored.log_end));
                // A request that runs always may have changed what the store says about its clock.
                self.stored = stored.filter(|_| !requests.iter().any(|r| r.runs_always()));
                Ok(())
            }
            Err(failure) => {
                self.ownership.forget();
                self.deletions = Deletions::default();
                // Some failures, a full disk among them, have already rolled back by themselves.
                if !self.statements.connection.is_autocommit() {
                    let rolled_back = self.statements.rollback.execute([]);
                    rolled_back.map_err(|e| NotCommitted::Failed(e.into()))?;
                }
                Err(NotCommitted::Failed(failure))
            }
        }
    }

    /// Begins a transaction; waits for the lock as long as the first of the requests still may.
    fn begin(&mut self, requests: &[Box<dyn Request>]) -> Outcome<()> {
        self.kept.file.check_lately(BEGIN_CHECK_LASTS)?;
        let came_at = requests.iter().map(|request| request.came_at()).min();
        let begin = &mut self.statements.begin;
        lock::waiting_since(came_at.unwrap_or_else(Instant::now), || begin.execute([]))?;
        Ok(())
    }

    /// Runs the requests; returns what a shared store says after them.
    fn run(&mut self, requests: &mut [Box<dyn Request>]) -> Outcome<Option<Seen>> {
        let Kept { cache, clock, .. } = self.kept;
        let stored = self.stored.take();
        let Self { statements, ownership, deletions, .. } = self;
        let connection = statements.connection;
        let mut stored = if clock.is_shared() { Some(look(connection, stored)?) } else { None };
        let time = clock.begin(connection, stored.as_mut().map(|seen| &mut seen.stored))?;
        let seen = stored.as_ref().map(|seen| &seen.stored);
        deletions.catch_up(connection, cache, seen.map(|stored| stored.deleted))?;
        ownership.catch_up(connection, seen.map(|stored| stored.log_end))?;
        if !requests.iter().all(|request| request.runs_always()) {
            time.check()?;
        }
        let now = time.now;
        for request in requests {
            request.run(&mut Tx { statements, ownership, cache, deletions, clock, now })?;
        }
        if let Some(Seen { stored, .. }) = &mut stored {
            StoreClock::end(connection, &time, stored)?;
            stored.deleted = deletions.count().unwrap_or(stored.deleted);
        }
        Ok(stored)
    }
}
