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
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::answers::{Answers, Group};
use super::catalogue::Cache;
use super::failure::{Failure, Outcome, sqlite_error};
use super::ownership::{Ownership, log_end};
use super::statements::Statements;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::repository::{Result, StoreError, StoreFault};

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
    /// The present time, read once the transaction had its lock: the same for all of its requests.
    pub(super) now: Timestamp,
}

/// A request in the queue, whatever its answer is.
pub(super) trait Request: Send {
    /// Does the work and keeps the answer. Fails only where the transaction must be rolled back.
    fn run(&mut self, tx: &mut Tx<'_, '_>) -> Outcome<()>;
    /// Hands the answer over, now that it is durable.
    fn answer(self: Box<Self>);
    /// Hands over a failure in place of an answer.
    fn fail(self: Box<Self>, failure: Failure);
}

struct Pending<W, T> {
    tried: &'static str,
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
}

impl Writer {
    /// Starts the thread on its connection; `wal` is the file to sync before a request is answered.
    ///
    /// # Errors
    /// The operating system has no thread to give, or the schema does not fit the statements.
    pub(super) fn start(
        connection: Connection,
        wal: Option<PathBuf>,
        cache: Arc<Cache>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let (queue, requests) = mpsc::channel(QUEUE_LENGTH);
        let (ready, readiness) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("tix-writer".into())
            .spawn(move || {
                let answers = Answers::start(wal);
                serve(&connection, requests, &cache, &*clock, &answers, &ready);
                // Whoever was accepted is answered before the connection is closed.
                answers.finish();
            })
            .map_err(|e| StoreError::caused(StoreFault::Failed, "could not start a thread", e))?;
        if let Ok(Err(e)) = readiness.recv() {
            return Err(sqlite_error(e, "prepare the statements of the store"));
        }
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
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
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let prepared = Statements::prepare(&connection).map(drop);
        prepared.map_err(|e| sqlite_error(e, "prepare the statements of the store"))?;
        let (queue, requests) = mpsc::channel(QUEUE_LENGTH);
        tokio::task::spawn_local(serve_here(connection, requests, cache, clock));
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::default() })
    }

    /// Runs `work` in a transaction and answers when it is durable. `work` may run more than once,
    /// but only its last run counts. `tried` says what it does, should it fail.
    pub(super) async fn submit<W, T>(&self, tried: &'static str, work: W) -> Result<T>
    where
        W: FnMut(&mut Tx<'_, '_>) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let gone = || StoreError::new(StoreFault::Failed, format!("could not {tried}: closed"));
        let queue = queue.ok_or_else(gone)?;
        let (caller, answer) = oneshot::channel();
        let request = Box::new(Pending { tried, work, result: None, caller });
        queue.send(request).await.map_err(|_| gone())?;
        drop(queue);
        answer.await.map_err(|_| gone())?
    }

    /// Finishes everything that was accepted, and closes the connection.
    pub(super) fn stop(&self) {
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
    cache: &Cache,
    clock: &dyn Clock,
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
    let mut session = Session { statements, ownership: Ownership::default(), cache, clock };
    while let Some(first) = queue.blocking_recv() {
        session.commit_group(group_of(first, &mut queue), &|group| answers.give(group));
    }
}

async fn serve_here(
    connection: Connection,
    mut queue: mpsc::Receiver<Box<dyn Request>>,
    cache: Arc<Cache>,
    clock: Arc<dyn Clock>,
) {
    // They could be prepared a moment ago.
    let Ok(statements) = Statements::prepare(&connection) else { return };
    let ownership = Ownership::default();
    let mut session = Session { statements, ownership, cache: &cache, clock: &*clock };
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

/// What the thread works with as long as it lives.
struct Session<'c> {
    statements: Statements<'c>,
    ownership: Ownership,
    cache: &'c Cache,
    clock: &'c dyn Clock,
}

impl Session<'_> {
    /// Commits the group and has it answered; where that fails, each request by itself.
    fn commit_group(&mut self, mut group: Group, answer: &dyn Fn(Group)) {
        if self.commit(&mut group).is_ok() {
            return answer(group);
        }
        for mut request in group {
            match self.commit(std::slice::from_mut(&mut request)) {
                Ok(()) => answer(vec![request]),
                Err(failure) => request.fail(failure),
            }
        }
    }

    /// Runs the requests in one transaction, which stands when this returns without an error and
    /// has left nothing behind otherwise.
    fn commit(&mut self, requests: &mut [Box<dyn Request>]) -> Outcome<()> {
        self.statements.begin.execute([])?;
        match self.run(requests).and_then(|end| {
            self.statements.commit.execute([])?;
            Ok(end)
        }) {
            Ok(end) => {
                self.ownership.committed(end);
                Ok(())
            }
            Err(failure) => {
                self.ownership.forget();
                // Some failures, a full disk among them, have already rolled back by themselves.
                if !self.statements.connection.is_autocommit() {
                    self.statements.rollback.execute([])?;
                }
                Err(failure)
            }
        }
    }

    /// Runs the requests; returns where the change log ends after them.
    fn run(&mut self, requests: &mut [Box<dyn Request>]) -> Outcome<i64> {
        let Self { statements, ownership, cache, clock } = self;
        ownership.catch_up(statements.connection)?;
        let now = clock.now();
        for request in requests {
            request.run(&mut Tx { statements, ownership, cache, now })?;
        }
        if ownership.follows_log() { log_end(statements.connection) } else { Ok(0) }
    }
}
