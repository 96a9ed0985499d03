//! Reading the log, whatever happens to the store meanwhile.
//!
//! `scylla_cdc` reads every stream in windows of time and follows the streams of one generation
//! after those of the one before. It reports how far it is through what it takes for saved progress;
//! here nothing is saved by it, only noted. It ends on errors that it takes for lasting ones: it is
//! then begun anew where all streams were read to.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::RemoteHandle;
use scylla_cdc::cdc_types::{GenerationTimestamp, StreamID};
use scylla_cdc::checkpoints::{CDCCheckpointSaver, Checkpoint};
use scylla_cdc::consumer::{CDCRow, Consumer, ConsumerFactory};
use scylla_cdc::log_reader::{CDCLogReader, CDCLogReaderBuilder};
use tokio::task::{AbortHandle, JoinError};
use tokio::time::{Instant, sleep, sleep_until};

use super::inbox::{Inbox, LOOK_AGAIN};
use super::pace::Pace;
use super::row::{LogRow, at};
use super::streams::Streams;
use super::stretch::{self, STRETCH};
use crate::domain::Timestamp;
use crate::domain::time::millis;
use crate::repository::scylla::database::Database;
use crate::repository::{Result, StoreError, StoreFault};

/// The table whose log is read.
const TABLE: &str = "order_queue";

/// The span of the log that is read at once of a stream. Only history has such: what is read live is
/// as short as the pauses in between.
pub(super) const WINDOW: Duration = Duration::from_mins(5);

/// The wait before the log is read again after a failure; it doubles with each.
const WAIT_MIN: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(10);

/// How often it may fail in a row where somebody waits for it to begin.
const FAILURES_MAX: u32 = 4;

/// How long nothing may come before people are told, beyond what the pace asks for.
const SILENCE_TOLD_AFTER: Duration = Duration::from_secs(5);

/// How long nothing may come before the readers are begun anew.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A reader of the whole log.
pub(super) struct Reader {
    db: Arc<Database>,
    keyspace: String,
    pace: Pace,
    inbox: Arc<Inbox>,
    state: State,
    /// Nothing before is read.
    from: Timestamp,
    /// Everything before is read.
    read_until: Timestamp,
    /// How many rows had come when it was looked last, and since when nothing has moved.
    came: u64,
    moved_at: Instant,
    /// How often it failed without getting any further, and why it did last.
    failures: u32,
    failure: String,
    /// Whether people were told of trouble that goes on.
    told: bool,
    wait: Duration,
}

enum State {
    Reading {
        _stop: CDCLogReader,
        ended: RemoteHandle<anyhow::Result<()>>,
        /// Looks for entries that come late, if it is read so early that there may be such.
        _again: Option<AbortOnDrop>,
    },
    /// It failed, and is to be begun again then.
    Waiting(Instant),
    /// It stumbled over a row of one of these streams: then a stretch is read without it.
    Stumbled(Instant, Vec<String>),
}

impl Reader {
    /// Begins at `from`.
    pub(super) fn new(db: Arc<Database>, keyspace: String, pace: Pace, from: Timestamp) -> Self {
        let (inbox, now) = (Arc::default(), Instant::now());
        let (state, wait) = (State::Waiting(now), WAIT_MIN);
        let (read_until, came, moved_at, told) = (from, 0, now, false);
        let (failures, failure) = (0, String::new());
        Self {
            db,
            keyspace,
            pace,
            inbox,
            state,
            from,
            read_until,
            came,
            moved_at,
            failures,
            failure,
            told,
            wait,
        }
    }

    /// The time before which everything is read.
    pub(super) fn read_until(&self) -> Timestamp {
        self.read_until
    }

    /// Whether it gets anywhere: whoever begins is better told than kept waiting.
    ///
    /// # Errors
    /// It has failed some times, and was never any further.
    pub(super) fn require_success(&self) -> Result<()> {
        if self.failures < FAILURES_MAX {
            return Ok(());
        }
        let message = format!("could not read the change log: {}", self.failure);
        Err(StoreError::new(StoreFault::Failed, message).into())
    }

    /// Takes out the rows before `until`, in the order of time.
    pub(super) fn take_until(&self, until: Timestamp) -> Vec<LogRow> {
        self.inbox.take_until(until)
    }

    /// Waits until more is read, or there is something that people should know.
    pub(super) async fn more(&mut self) -> Vec<String> {
        loop {
            let failure = match &mut self.state {
                State::Waiting(until) => {
                    sleep_until(*until).await;
                    self.begin().await.err()
                }
                State::Stumbled(until, _) => {
                    sleep_until(*until).await;
                    match self.step_over().await {
                        Ok(()) => return Vec::new(),
                        Err(failure) => Some(failure),
                    }
                }
                State::Reading { ended, .. } => tokio::select! {
                    ended = ended => Some(why(ended)),
                    () = sleep(self.pace.look_every()) => None,
                },
            };
            let notice = match failure {
                Some(failure) => self.failed(&failure),
                None => self.look(),
            };
            match notice {
                Some(notice) => return vec![notice],
                None if self.advance() => return Vec::new(),
                None => {}
            }
        }
    }

    /// Takes note of how far all is read; whether that is further than before.
    fn advance(&mut self) -> bool {
        let until = self.inbox.read_until().filter(|until| *until > self.read_until);
        if let Some(until) = until {
            self.read_until = until;
            self.moved_at = Instant::now();
            (self.wait, self.failures) = (WAIT_MIN, 0);
        }
        until.is_some()
    }

    /// Whether it goes on as it should.
    fn look(&mut self) -> Option<String> {
        let further = self.inbox.read_until().is_some_and(|until| until > self.read_until);
        if further && self.told {
            self.told = false;
            return Some("the change log is read again; nothing was left out".into());
        }
        let came = self.inbox.came();
        if std::mem::replace(&mut self.came, came) != came {
            self.moved_at = Instant::now();
        }
        let silent = self.moved_at.elapsed().saturating_sub(self.pace.lag());
        if further || silent < SILENCE_TOLD_AFTER {
            return None;
        }
        if silent > SILENCE_MAX {
            self.moved_at = Instant::now();
            self.stop(Duration::ZERO);
        }
        let spoken = crate::domain::time::spoken(SILENCE_TOLD_AFTER);
        self.tell(format_args!("the store has not answered for {spoken}"))
    }

    fn failed(&mut self, why: &anyhow::Error) -> Option<String> {
        tracing::debug!("the change log was not read: {why:#}");
        self.failures = self.failures.saturating_add(1);
        self.failure = format!("{why:#}");
        let wait = self.wait;
        self.wait = (wait * 2).min(WAIT_MAX);
        let stumbled = why.downcast_ref::<JoinError>().is_some_and(JoinError::is_panic);
        let streams = self.stop(wait);
        if stumbled && !streams.is_empty() {
            self.state = State::Stumbled(Instant::now() + wait, streams);
            return None;
        }
        self.tell(format_args!("{why:#}"))
    }

    /// Reads a stretch by other means, to go on behind it.
    async fn step_over(&mut self) -> anyhow::Result<()> {
        let State::Stumbled(_, streams) = &self.state else { return Ok(()) };
        let settled = self.db.now().minus(self.pace.lag());
        let until = self.read_until.plus(STRETCH).min(settled);
        let (session, inbox) = (&self.db.session, &self.inbox);
        self.read_until = stretch::read(session, streams, self.read_until, until, inbox).await?;
        self.state = State::Waiting(Instant::now());
        self.moved_at = Instant::now();
        self.wait = WAIT_MIN;
        Ok(())
    }

    /// Says something of trouble once, until it is over.
    fn tell(&mut self, why: std::fmt::Arguments<'_>) -> Option<String> {
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        Some(format!("the change log cannot be read just now ({why}); trying on"))
    }

    fn stop(&mut self, wait: Duration) -> Vec<String> {
        // Its tasks end with it.
        self.state = State::Waiting(Instant::now() + wait);
        self.inbox.interrupt()
    }

    fn read_again(&self) -> AbortOnDrop {
        let (session, inbox) = (Arc::clone(&self.db.session), Arc::clone(&self.inbox));
        let oldest = self.from;
        let again = async move { stretch::read_again(&session, oldest, &inbox).await };
        AbortOnDrop(tokio::spawn(again).abort_handle())
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        let ahead = self.db.clock.ahead_of_local_ms();
        let inbox = Arc::clone(&self.inbox);
        let readers = Readers {
            streams: Streams::new(Arc::clone(&self.db), self.read_until),
            inbox: Arc::clone(&inbox),
        };
        let reading = CDCLogReaderBuilder::new()
            .session(Arc::clone(&self.db.session))
            .keyspace(&self.keyspace)
            .table_name(TABLE)
            .start_timestamp(Duration::from_millis(
                u64::try_from(self.read_until.as_millis()).unwrap_or(0),
            ))
            .window_size(WINDOW)
            .safety_interval(self.pace.safety(ahead))
            .sleep_interval(self.pace.sleep())
            .pause_between_saves(self.pace.look_every())
            .should_save_progress(true)
            .checkpoint_saver(Arc::new(readers))
            .consumer_factory(Arc::new(Consumers(inbox)))
            .build();
        let (stop, ended) = reading.await?;
        let again = self.pace.is_early().then(|| self.read_again());
        self.state = State::Reading { _stop: stop, ended, _again: again };
        Ok(())
    }
}

/// A task that ends with its handle.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why the readers ended, which they never do on their own.
fn why(ended: anyhow::Result<()>) -> anyhow::Error {
    ended.err().unwrap_or_else(|| anyhow::anyhow!("its readers have ended"))
}

/// Notes how far streams are read.
struct Readers {
    streams: Streams,
    inbox: Arc<Inbox>,
}

#[async_trait]
impl CDCCheckpointSaver for Readers {
    async fn save_checkpoint(&self, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        let until = Timestamp::from_millis(millis(checkpoint.timestamp));
        self.inbox.mark(&checkpoint.stream_id.to_string(), until);
        Ok(())
    }

    async fn save_new_generation(&self, generation: &GenerationTimestamp) -> anyhow::Result<()> {
        let (streams, from) = self.streams.of(generation).await?;
        self.inbox.begin(streams, from);
        Ok(())
    }

    async fn load_last_generation(&self) -> anyhow::Result<Option<GenerationTimestamp>> {
        Ok(None)
    }

    async fn load_last_checkpoint(&self, _: &StreamID) -> anyhow::Result<Option<Duration>> {
        Ok(None)
    }
}

/// Hands rows over.
struct Consumers(Arc<Inbox>);

#[async_trait]
impl ConsumerFactory for Consumers {
    async fn new_consumer(&self) -> Box<dyn Consumer> {
        Box::new(Self(Arc::clone(&self.0)))
    }
}

#[async_trait]
impl Consumer for Consumers {
    async fn consume_cdc(&mut self, row: CDCRow<'_>) -> anyhow::Result<()> {
        let row = LogRow::take(row);
        while !self.0.has_room_for(at(row.key.micros), WINDOW) {
            sleep(LOOK_AGAIN).await;
        }
        self.0.push(row);
        Ok(())
    }
}
