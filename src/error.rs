//! How a command ends when it does not end well: kinds, causes, hints, exit codes.

use std::error::Error as StdError;
use std::io;

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::commands::quoted;
use crate::domain::{Event, Refusal, Timestamp};
use crate::output::counted;
use crate::repository::{self, StoreError, StoreFault};
use crate::simulate;

/// The answer of every command.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How a command ended. What scripts may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what was asked.
    Done,
    /// It could not.
    Failed,
    /// It did not understand what was asked, or was given bad input.
    Usage,
    /// The rules of the sale did not allow it.
    Refused,
    /// The audit found a broken rule.
    Violation,
    /// Somebody stopped it.
    Interrupted,
}

impl Outcome {
    /// Every outcome, by exit code.
    pub const ALL: [Self; 6] =
        [Self::Done, Self::Failed, Self::Usage, Self::Refused, Self::Violation, Self::Interrupted];

    /// The exit code of the process.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Violation => 4,
            // What shells report of a process that Ctrl-C ended: 128 and SIGINT.
            Self::Interrupted => 130,
        }
    }

    /// What it means, as the help says it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed: the store, the network or the machine",
            Self::Usage => "usage or bad input; nothing was written",
            Self::Refused => "refused: taken, expired, limit, sold_out, unknown_event, …",
            Self::Violation => "the audit found a violation",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A cause beneath an error.
type Cause = Box<dyn StdError + Send + Sync>;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked makes no sense, or the input is bad.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: String,
        /// Why, if something else said so.
        #[source]
        cause: Option<Cause>,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A file that was given is not what it should be; every fault of it, one line each.
    #[error("{message}")]
    BadFile {
        /// What was read and how many faults it has.
        message: String,
        /// The faults, each with its place: `venue.csv:3:12: …`.
        faults: Vec<String>,
    },
    /// What was asked contradicts what is stored; every difference, one line each.
    #[error("{message}")]
    Differs {
        /// What is stored, and how much of it differs.
        message: String,
        /// The differences, each with its option.
        differences: Vec<String>,
        /// What to do about it.
        hint: String,
    },
    /// The rules of the sale do not allow it.
    #[error("{refusal}")]
    Refused {
        /// The reason.
        refusal: Refusal,
        /// What to do about it, where more is known than the reason alone tells.
        hint: Option<String>,
        /// Where it happened, so that people read the times of its venue.
        zone: Option<TimeZone>,
        /// The slug of the event that it is about.
        event: Option<String>,
    },
    /// The store did not do its part.
    #[error(transparent)]
    Store(StoreError),
    /// No server answers where one should be.
    #[error("{reason}")]
    NoServer {
        /// Where it should be; its sources say why.
        reason: Cause,
        /// The command that starts it, where it would be on this machine.
        start: Option<String>,
    },
    /// Anything else that went wrong on the way.
    #[error(transparent)]
    Failed(Cause),
    /// A file or a stream could not be used.
    #[error("{tried}")]
    Io {
        /// What was tried.
        tried: String,
        /// Why it failed.
        #[source]
        cause: io::Error,
    },
    /// The result could not be written to standard output.
    #[error("could not write the result to standard output")]
    Output(#[source] io::Error),
    /// What was asked is done, but the result could not be written to standard output.
    #[error("{done}, but the result could not be written to standard output")]
    Unwritten {
        /// What is done, with its id.
        done: String,
        /// The command that shows it.
        show: String,
        /// Why it could not be written.
        #[source]
        cause: io::Error,
    },
    /// The audit found broken rules; the report is on standard output.
    #[error("the audit found {}", counted(*.0, "violation"))]
    Violation(u64),
    /// Something that the report shows is not as it should be.
    #[error("{message}")]
    Unsound {
        /// What.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// A rehearsal did not end well, for whatever reason.
    #[error("{error}")]
    Rehearsal {
        /// The reason.
        error: Box<Error>,
        /// How to repeat it.
        again: String,
    },
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// A request that makes no sense, and what to do about it.
    #[must_use]
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), cause: None, hint: Some(hint.into()) }
    }

    /// A file or folder that was named cannot be written: bad usage where another one could be, else a
    /// failure of the machine, such as a full disk.
    #[must_use]
    pub fn cannot_write(tried: String, cause: io::Error) -> Self {
        use io::ErrorKind as Kind;

        match cause.kind() {
            Kind::NotFound
            | Kind::PermissionDenied
            | Kind::IsADirectory
            | Kind::NotADirectory
            | Kind::AlreadyExists
            | Kind::InvalidFilename
            | Kind::InvalidInput
            | Kind::ReadOnlyFilesystem => Self::Usage {
                message: tried,
                cause: Some(Box::new(cause)),
                hint: Some("name one in a folder that is there and can be written to".into()),
            },
            _ => Self::Io { tried, cause },
        }
    }

    /// A refusal, and what can be done about it that the reason alone does not tell.
    #[must_use]
    pub fn refused(refusal: Refusal, hint: Option<String>) -> Self {
        Self::Refused { refusal, hint, zone: None, event: None }
    }

    /// The same error, with its times as the clock at the event's venue shows them to people.
    #[must_use]
    pub fn at(self, event: &Event) -> Self {
        match self {
            Self::Refused { refusal, hint, .. } => {
                let (zone, event) = (Some(event.zone()), Some(event.slug.clone()));
                Self::Refused { refusal, hint, zone, event }
            }
            other => other,
        }
    }

    /// The same error, of a rehearsal that was planned from `seed` and came to no report.
    #[must_use]
    pub fn of_seed(self, seed: u64) -> Self {
        let again = format!("--seed {seed} plans the same buyers again");
        Self::Rehearsal { error: Box::new(self), again }
    }

    /// The same error, of a rehearsal that this command repeats.
    #[must_use]
    pub fn of_rehearsal(self, command: &str) -> Self {
        let again = format!("`{command}` sends the same buyers again");
        Self::Rehearsal { error: Box::new(self), again }
    }

    /// How the command ended.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Usage { .. } | Self::BadFile { .. } | Self::Differs { .. } => Outcome::Usage,
            Self::Refused { .. } => Outcome::Refused,
            Self::Store(_)
            | Self::NoServer { .. }
            | Self::Failed(_)
            | Self::Io { .. }
            | Self::Output(_)
            | Self::Unwritten { .. }
            | Self::Unsound { .. } => Outcome::Failed,
            Self::Violation(_) => Outcome::Violation,
            Self::Interrupted => Outcome::Interrupted,
            Self::Rehearsal { error, .. } => error.outcome(),
        }
    }

    /// What went wrong, as people read it.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Refused { refusal, zone, .. } => refusal.sentence(zone.as_ref()),
            Self::Rehearsal { error, .. } => error.sentence(),
            other => other.to_string(),
        }
    }

    /// The refusal, if that is what it is.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            Self::Rehearsal { error, .. } => error.refusal(),
            _ => None,
        }
    }

    /// The slug of the event that it is about, if it is about one.
    #[must_use]
    pub fn event(&self) -> Option<&str> {
        match self {
            Self::Refused { event, .. } => event.as_deref(),
            Self::Rehearsal { error, .. } => error.event(),
            _ => None,
        }
    }

    /// The faults of the input, if that is what it is about.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        match self {
            Self::BadFile { faults, .. } => faults,
            Self::Differs { differences, .. } => differences,
            _ => &[],
        }
    }

    /// What lies beneath, the nearest cause first.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        if let Self::Rehearsal { error, .. } = self {
            return error.causes();
        }
        let mut next = match self {
            Self::NoServer { reason, .. } => reason.source(),
            _ => self.source(),
        };
        let mut causes: Vec<String> = Vec::new();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Some errors say themselves, at their end, what lies beneath.
            if !causes.last().is_some_and(|before| before.ends_with(&text)) {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }

    /// What can be done about it, at the time `now`.
    #[must_use]
    pub fn hint(&self, now: Timestamp) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::BadFile { .. } => Some("correct the file and run the same command again".into()),
            Self::Refused { hint: Some(hint), .. }
            | Self::Unsound { hint, .. }
            | Self::Differs { hint, .. } => Some(hint.clone()),
            Self::Refused { refusal, hint: None, .. } => Some(refusal.hint(now)),
            Self::Store(error) => Some(store_hint(&error.fault).into()),
            Self::NoServer { start: Some(start), .. } => {
                Some(format!("start it with `{start}`, or see that host and port are right"))
            }
            Self::NoServer { start: None, .. } => {
                Some("see that it runs, and that host and port are right".into())
            }
            Self::Failed(_) | Self::Io { .. } | Self::Output(_) => None,
            Self::Rehearsal { error, again } => {
                Some(error.hint(now).map_or(again.clone(), |hint| format!("{hint}; {again}")))
            }
            Self::Unwritten { show, .. } => Some(format!("see it with `{show}`")),
            Self::Violation(_) => Some(
                "keep the store as it is; `tix watch-cdc --from start` shows what happened".into(),
            ),
            Self::Interrupted => Some(
                "whatever was acknowledged is kept; run the same command again to do the rest"
                    .into(),
            ),
        }
    }

    /// Whether the reader of standard output went away, as `head` does: no reason to complain.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Output(cause) => cause.kind() == io::ErrorKind::BrokenPipe,
            Self::Rehearsal { error, .. } => error.is_closed_pipe(),
            _ => false,
        }
    }
}

const fn store_hint(fault: &StoreFault) -> &'static str {
    match fault {
        StoreFault::Missing => {
            "run `tix seed` to make it, or name another one with --store or TIX_STORE"
        }
        StoreFault::NoFolder => "make the folder first, or name another path with --store",
        StoreFault::NotAStore => {
            "it was left as it is; name another path with --store or TIX_STORE"
        }
        StoreFault::ReadOnly => {
            "make the file and its folder writable; SQLite keeps its log beside the file"
        }
        StoreFault::DiskFull => {
            "make room and run the same command again; whatever was acknowledged is kept"
        }
        StoreFault::SchemaBehind => "bring it up to date with `tix schema apply`",
        StoreFault::SchemaAhead => {
            "it needs a later tix; or name another store with --store or TIX_STORE"
        }
        StoreFault::OtherLayout => {
            "seed the file it was minted from, or add another event with --event, --slug or --date"
        }
        StoreFault::SlugOfDeleted => "name another one with --slug",
        StoreFault::Unreachable => {
            "see that ScyllaDB runs there, and that host and port in --store or TIX_STORE are right"
        }
        StoreFault::NotLetIn => {
            "name them in --store or TIX_STORE: scylla://USER:PASSWORD@HOST/KEYSPACE"
        }
        StoreFault::NotTrusted => {
            "name the authority that signed its certificate with ?tls=FILE.pem, and the host as the \
             certificate does; or see whether it encrypts at all"
        }
        StoreFault::Tablets => {
            "name another keyspace with --store, which tix then makes without tablets, or make it \
             anew with AND tablets = {'enabled': false}"
        }
        StoreFault::Unanswered => {
            "it may have been done: see the holds and the orders of the event, or run the same \
             command again"
        }
        StoreFault::Moved => {
            "put back what was opened, or start the command again to use what is there now; what was \
             acknowledged is in the store that was opened"
        }
        StoreFault::ManyNames => {
            "keep one name of the file and delete the others, or copy the store with the command \
             .backup of sqlite3"
        }
        StoreFault::Clock => {
            "set the clock right, or accept it as it is with `tix schema clock --accept`"
        }
        StoreFault::Damaged => {
            "keep the file; put back a backup of it, or save what can be read with the command \
             .recover of sqlite3"
        }
        StoreFault::Corrupt => "keep the store as it is, and see what `tix audit` says",
        StoreFault::Failed => "run the same command with -v to see more",
    }
}

impl From<repository::Error> for Error {
    fn from(error: repository::Error) -> Self {
        match error {
            repository::Error::Refused(refusal) => refusal.into(),
            repository::Error::Store(error) => Self::Store(error),
        }
    }
}

impl From<simulate::Error> for Error {
    fn from(error: simulate::Error) -> Self {
        match error {
            simulate::Error::Repository(error) => error.into(),
            simulate::Error::Scenario(_) => {
                Self::usage(error.to_string(), "see `tix simulate --help`")
            }
            simulate::Error::NotMinted(_) => {
                Self::usage(error.to_string(), "mint its tickets as `tix seed --help` shows")
            }
            simulate::Error::OtherStore { ref store, .. } => {
                let hint = format!(
                    "start it with `tix --store {} serve`, or name the store that it serves with \
                     --store",
                    quoted(store)
                );
                Self::usage(error.to_string(), hint)
            }
            simulate::Error::NoServer { listen, .. } => {
                let start = listen.map(|listen| format!("tix serve --listen {listen}"));
                Self::NoServer { reason: error.into(), start }
            }
            simulate::Error::BrokeOff(_)
            | simulate::Error::Runtime(_)
            | simulate::Error::Measurement(_) => Self::Failed(error.into()),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::refused(refusal, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Obstacle, TicketStatus};

    #[test]
    fn every_outcome_has_an_exit_code_of_its_own() {
        let codes: Vec<u8> = Outcome::ALL.iter().map(|outcome| outcome.exit_code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 130]);
    }

    #[test]
    fn a_refusal_begins_with_its_word_and_ends_the_process_with_3() {
        let error = Error::from(Refusal::Taken {
            in_the_way: vec![Obstacle {
                seat: "Floor A/3/12".parse().unwrap(),
                status: TicketStatus::Sold,
                hold_id: None,
                order_id: None,
                until: None,
                reason: None,
            }],
        });
        assert_eq!(error.to_string(), "taken: Floor A/3/12 is sold");
        assert_eq!(error.outcome().exit_code(), 3);
        assert!(error.hint(Timestamp::from_millis(0)).unwrap().contains("tix ticket map"));
    }

    #[test]
    fn causes_are_named_from_the_nearest_to_the_deepest() {
        let deep = io::Error::other("no such device");
        let store = StoreError::caused(StoreFault::Failed, "open the store tix.db", deep);
        let error = Error::from(repository::Error::Store(store));
        assert_eq!(error.to_string(), "open the store tix.db");
        assert_eq!(error.causes(), ["no such device"]);
        assert_eq!(error.outcome(), Outcome::Failed);
    }

    #[test]
    fn a_cause_that_the_one_before_has_told_is_not_told_again() {
        #[derive(Debug, thiserror::Error)]
        #[error("the pool is broken: {0}")]
        struct Pool(#[source] io::Error);

        let deep = Pool(io::Error::other("connection refused"));
        let store = StoreError::caused(StoreFault::Unreachable, "connect", deep);
        let error = Error::from(repository::Error::Store(store));
        assert_eq!(error.causes(), ["the pool is broken: connection refused"]);
    }

    #[test]
    fn only_a_reader_who_went_away_is_no_failure() {
        let closed = Error::Output(io::ErrorKind::BrokenPipe.into());
        let full = Error::Output(io::ErrorKind::StorageFull.into());
        assert!(closed.is_closed_pipe());
        assert!(!full.is_closed_pipe());
    }
}
