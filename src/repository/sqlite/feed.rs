//! Following the change log by asking it again and again for what is new.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;

use super::change_log::{self, Read};
use super::readers::Readers;
use super::writer::{Tx, Writer};
use crate::clock::Clock;
use crate::domain::time::millis;
use crate::domain::{FollowerName, Position, Timestamp};
use crate::repository::shared_text::SharedText;
use crate::repository::{ChangeFeed, LogStart, LogStep, Result, Standing};

/// How often the log is asked for more once all of it is read, unless asked otherwise.
const POLL_EVERY: Duration = Duration::from_millis(20);

/// How many entries are read in one step; a long step would keep the store from tidying its log.
const STEP_ENTRIES: u32 = 2000;

/// How far what is known stays behind the present.
///
/// A payment that begins just before a deadline is in the log only when its transaction is on the
/// disk, a few milliseconds later. Waiting for it keeps a follower from taking a ticket for expired
/// that is being paid for.
const EXPIRY_GRACE: Duration = Duration::from_millis(50);

/// A follower of the log in a file or in memory.
pub(super) struct Feed {
    writer: Arc<Writer>,
    readers: Readers,
    clock: Arc<dyn Clock>,
    /// Under which name it saves, if it does.
    follower: Option<FollowerName>,
    poll_every: Duration,
    standing: Standing,
    /// The last entry that was told.
    position: Position,
    known_until: Timestamp,
    /// Whether the last step had all there was, so that the next may wait.
    has_all: bool,
    /// The names that were read so far.
    names: SharedText,
    /// What is to be said with the next step.
    notices: Vec<String>,
}

/// Finds where to begin.
pub(super) async fn begin(
    writer: Arc<Writer>,
    readers: Readers,
    clock: Arc<dyn Clock>,
    start: LogStart,
    lag: Option<Duration>,
) -> Result<Feed> {
    let follower = match &start {
        LogStart::Resume(name) => Some(name.clone()),
        _ => None,
    };
    let now = clock.now();
    let find = move |c: &Connection| find(c, &start, now);
    let (position, standing, notices) =
        readers.read("find where to begin in the log", find).await?;
    let known_until = standing.at;
    let poll_every = lag.unwrap_or(POLL_EVERY);
    Ok(Feed {
        writer,
        readers,
        clock,
        follower,
        poll_every,
        standing,
        position,
        known_until,
        has_all: false,
        names: SharedText::default(),
        notices,
    })
}

fn find(
    connection: &Connection,
    start: &LogStart,
    now: Timestamp,
) -> super::failure::Outcome<(Position, Standing, Vec<String>)> {
    let (position, at) = match start {
        LogStart::Now => {
            let change_log::End { position, owned, faults } = change_log::end(connection, now)?;
            return Ok((position, Standing { at: now, owned }, faults));
        }
        LogStart::At(time) => (change_log::before(connection, *time)?, *time),
        LogStart::Start => beginning(),
        LogStart::Resume(name) => change_log::progress(connection, name)?.unwrap_or_else(beginning),
    };
    let owned = change_log::owned_at(connection, position, at)?;
    Ok((position, Standing { at, owned }, Vec::new()))
}

fn beginning() -> (Position, Timestamp) {
    (Position::default(), Timestamp::from_millis(0))
}

impl Feed {
    /// Takes over what was read.
    fn step(&mut self, read: Read, asked_at: Timestamp) -> LogStep {
        self.has_all = read.is_all;
        self.position = read.last.unwrap_or(self.position);
        let (mut changes, mut faults) = (Vec::with_capacity(read.entries.len()), Vec::new());
        for (_, entry) in read.entries {
            match entry {
                Ok(change) => changes.push(change),
                Err(fault) => faults.push(fault),
            }
        }
        let until = if self.has_all {
            let grace = millis(EXPIRY_GRACE);
            Some(Timestamp::from_millis(asked_at.as_millis().saturating_sub(grace)))
        } else {
            changes.last().map(|change| change.at)
        };
        self.known_until = self.known_until.max(until.unwrap_or(self.known_until));
        let notices = std::mem::take(&mut self.notices);
        LogStep { changes, faults, notices, known_until: self.known_until }
    }
}

#[async_trait]
impl ChangeFeed for Feed {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    async fn next(&mut self) -> Result<LogStep> {
        if self.has_all {
            tokio::time::sleep(self.poll_every).await;
        }
        let (after, asked_at) = (self.position, self.clock.now());
        let mut names = std::mem::take(&mut self.names);
        let read = move |c: &Connection| {
            Ok((change_log::after(c, after, STEP_ENTRIES, &mut names)?, names))
        };
        let (read, names) = self.readers.read("read the change log", read).await?;
        self.names = names;
        Ok(self.step(read, asked_at))
    }

    async fn save(&mut self) -> Result<()> {
        let Some(follower) = self.follower.clone() else { return Ok(()) };
        let (position, seen_until) = (self.position, self.known_until);
        let save = move |tx: &mut Tx<'_, '_>| {
            let connection = tx.statements.connection;
            change_log::save_progress(connection, &follower, position, seen_until)
        };
        self.writer.submit("save how far the log is told", save).await
    }
}
