//! Following the log that ScyllaDB keeps of `order_queue`.
//!
//! [`reader`] reads the streams of the log, [`inbox`] puts their rows in the order of time,
//! [`decoder`] says what they mean, [`resolve`] adds what only other tables know, and [`start`] finds
//! where to begin. [`stretch`] looks for what comes late, and reads what the library behind
//! [`reader`] cannot. A follower begins by reading, and not telling, whatever it takes to know who owns
//! which ticket at that moment: a row that deletes does not name who left.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::decoder::{Decoder, Entry};
use self::labels::Labels;
use self::pace::Pace;
use self::reader::Reader;
use self::start::Start;
use self::statements::Statements;
use super::database::{Database, jittered};
use crate::domain::{Change, ChangeKind, FollowerName, TicketStatus, Timestamp};
use crate::repository::{ChangeFeed, LogFault, LogStart, LogStep, Result, Standing};

mod decoder;
mod inbox;
mod labels;
mod pace;
mod reader;
mod resolve;
mod row;
mod start;
mod statements;
mod streams;
mod stretch;

/// The wait before entries are looked up again after a failure, about; it doubles some times.
const RETRY_WAIT: Duration = Duration::from_millis(200);
const RETRY_DOUBLINGS: u32 = 5;

/// A follower of the log.
pub(super) struct Feed {
    db: Arc<Database>,
    statements: Statements,
    labels: Labels,
    /// Under which name it saves, if it does.
    follower: Option<FollowerName>,
    reader: Reader,
    decoder: Decoder,
    standing: Standing,
    /// Decoded, and not told yet: a step that is given up half-way is gone on with by the next.
    entries: Vec<Entry>,
    faults: Vec<LogFault>,
    notices: Vec<String>,
    /// Everything up to here is decoded.
    decoded_until: Timestamp,
    /// Everything up to here was told by a step.
    known_until: Timestamp,
}

/// Begins to follow; returns when it is known who owns what at the start.
pub(super) async fn begin(
    db: Arc<Database>,
    keyspace: &str,
    start: LogStart,
    lag: Option<Duration>,
) -> Result<Feed> {
    let nodes = db.session.get_cluster_state().get_nodes_info().len();
    let pace = Pace::new(lag, nodes, matches!(start, LogStart::Resume(_)));
    let statements = Statements::prepare(&db.session).await?;
    let Start { read_from, told_from, standing_at, decoder, notices } =
        start::find(&db, &statements, &start, keyspace).await?;
    let follower = match start {
        LogStart::Resume(name) => Some(name),
        _ => None,
    };
    let reader = Reader::new(Arc::clone(&db), keyspace.to_owned(), pace, read_from);
    let standing = Standing { at: standing_at, owned: Vec::new() };
    let mut feed = Feed {
        db,
        statements,
        labels: Labels::default(),
        follower,
        reader,
        decoder,
        standing,
        entries: Vec::new(),
        faults: Vec::new(),
        notices,
        decoded_until: standing_at,
        known_until: standing_at,
    };
    feed.catch_up(told_from).await?;
    Ok(feed)
}

impl Feed {
    /// Reads up to where it begins to tell.
    async fn catch_up(&mut self, told_from: Timestamp) -> Result<()> {
        while self.reader.read_until() < told_from {
            let notices = self.reader.more().await;
            self.reader.require_success()?;
            self.notices.extend(notices);
            let until = self.reader.read_until().min(told_from);
            let rows = self.reader.take_until(until);
            // What makes no sense stands before what is told.
            self.decoder.feed(&rows, &mut Vec::new(), &mut Vec::new());
        }
        let entries: Vec<Entry> = self.owned_at(told_from);
        (self.standing.owned, _) =
            resolve::changes(&self.db, &self.statements, &mut self.labels, &entries).await?;
        self.standing.owned.sort_by_key(|change| change.position);
        Ok(())
    }

    /// The tickets that are held or being paid for at that time.
    fn owned_at(&self, time: Timestamp) -> Vec<Entry> {
        let owned = self.decoder.owned().filter_map(|(ticket, micros, owner)| {
            let kind = match owner.status {
                TicketStatus::Paying => ChangeKind::Paying,
                TicketStatus::Held if owner.expires_at.is_some_and(|at| at > time) => {
                    ChangeKind::Held
                }
                _ => return None,
            };
            Some(Entry::standing(ticket, micros, kind, owner.clone()))
        });
        owned.collect()
    }

    /// Makes changes of what is decoded, however long the store takes to answer.
    async fn resolve(&mut self) -> (Vec<Change>, Vec<LogFault>) {
        let mut tries = 1;
        loop {
            match resolve::changes(&self.db, &self.statements, &mut self.labels, &self.entries)
                .await
            {
                Ok(resolved) => return resolved,
                Err(error) => tracing::debug!(%error, tries, "entries wait for the store"),
            }
            tokio::time::sleep(jittered(RETRY_WAIT, tries.min(RETRY_DOUBLINGS))).await;
            tries += 1;
        }
    }

    /// Decodes what was read.
    fn decode(&mut self) {
        let until = self.reader.read_until();
        let rows = self.reader.take_until(until);
        self.decoder.feed(&rows, &mut self.entries, &mut self.faults);
        let last = until.as_millis().saturating_sub(1);
        self.decoded_until = self.decoded_until.max(Timestamp::from_millis(last));
    }
}

#[async_trait]
impl ChangeFeed for Feed {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    async fn next(&mut self) -> Result<LogStep> {
        while self.decoded_until <= self.known_until && self.notices.is_empty() {
            // Nothing between here and the end of a step may get lost if it is given up.
            let notices = self.reader.more().await;
            self.notices.extend(notices);
            self.decode();
        }
        let (changes, more) = self.resolve().await;
        self.entries.clear();
        self.known_until = self.known_until.max(self.decoded_until);
        let faults = [std::mem::take(&mut self.faults), more].concat();
        let notices = std::mem::take(&mut self.notices);
        Ok(LogStep { changes, faults, notices, known_until: self.known_until })
    }

    async fn save(&mut self) -> Result<()> {
        let Some(follower) = &self.follower else { return Ok(()) };
        let values = (follower.as_str(), self.known_until);
        self.db.write(&self.statements.save_progress, values).await
    }
}
