//! Following the change log: where to begin, and what comes out of it step by step.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::Result;
use crate::domain::{Change, FollowerName, Timestamp};

/// How far a follower may be asked to be behind, at the least and at the most.
pub const LAG_MIN: Duration = Duration::from_millis(100);
/// See [`LAG_MIN`].
pub const LAG_MAX: Duration = Duration::from_mins(10);

/// Where a follower of the change log begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogStart {
    /// With what happens from now on.
    Now,
    /// With the oldest entry that there is.
    Start,
    /// With the first entry of this time or later.
    At(Timestamp),
    /// After what was saved under this name; with the oldest entry where nothing was. Whoever goes
    /// on under a name is told everything since, and may be told again what came right before the
    /// follower was stopped.
    Resume(FollowerName),
}

/// What is owned for a time at the moment at which a follower begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// That moment. Everything up to here was told before, or is not to be told; everything after
    /// it is in the steps that follow.
    pub at: Timestamp,
    /// The tickets that are held or being paid for then, each with the entry that says so.
    pub owned: Vec<Change>,
}

/// What became known of the log at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStep {
    /// New entries. Those of one ticket are in the order in which they happened; those of different
    /// tickets are so as far as the clocks of the machines that wrote them agree.
    pub changes: Vec<Change>,
    /// Entries that make no sense. They are left out of `changes`.
    pub faults: Vec<LogFault>,
    /// What people should know of the reading itself: that it is interrupted, or goes on.
    pub notices: Vec<String>,
    /// Every change up to here is told, but for those that a follower who is to be prompt on a cluster
    /// finds late. A hold whose deadline is not later, and of which nothing
    /// was told, has expired.
    pub known_until: Timestamp,
}

/// An entry of the log that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFault {
    /// Where it stands, as the engine's own tools find it.
    pub entry: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for LogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of the change log makes no sense: {}", self.entry, self.why)
    }
}

/// A follower of the change log.
#[async_trait]
pub trait ChangeFeed: Send {
    /// What is owned where it begins, for whoever derives expiries.
    fn standing(&self) -> &Standing;

    /// Waits until more of the log is known. A step may have no change in it: time has passed then.
    ///
    /// Nothing is lost where the wait is given up: the next call goes on with it.
    ///
    /// # Errors
    /// The store cannot be used. Trouble that passes is waited for instead.
    async fn next(&mut self) -> Result<LogStep>;

    /// Saves how far it has told, under the name that it resumes by; does nothing where it has none.
    ///
    /// What [`next`](Self::next) answered counts as told: call this once it cannot get lost any
    /// more.
    ///
    /// # Errors
    /// The store cannot be written.
    async fn save(&mut self) -> Result<()>;
}
