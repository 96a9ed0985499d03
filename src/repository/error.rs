//! What a repository answers when it does not do what was asked.

use std::path::PathBuf;

use crate::domain::{ClockFault, Refusal};

/// The answer of every repository call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules do not allow it; nothing was changed.
    #[error(transparent)]
    Refused(Refusal),
    /// The store did not do its part; says nothing about the request.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// The refusal, if that is what it is.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Store(_) => None,
        }
    }
}

/// What went wrong with the store, as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreFault {
    /// There is no store, or it has no schema.
    Missing,
    /// The folder that the store would be made in is missing.
    NoFolder,
    /// The path names something that is no `tix` store.
    NotAStore,
    /// The store, or the folder it is in, cannot be written.
    ReadOnly,
    /// The disk is full.
    DiskFull,
    /// The schema lacks what this version of it has; applying the schema adds it.
    SchemaBehind,
    /// The schema is of a later version.
    SchemaAhead,
    /// The event is minted from another layout.
    OtherLayout,
    /// The slug was that of an event that is deleted.
    SlugOfDeleted,
    /// Nobody answers where the store should be.
    Unreachable,
    /// The store does not let this user in.
    NotLetIn,
    /// The store's machine does not prove who it is, or does not encrypt.
    NotTrusted,
    /// The keyspace is made in a way in which the store cannot work.
    Tablets,
    /// No answer came, and what was asked for may have been done, or be done yet.
    Unanswered,
    /// The file or keyspace was moved, replaced or deleted while the store was open.
    Moved,
    /// The file has several names, of which each would have a write-ahead log of its own.
    ManyNames,
    /// A clock is not believed: the machine's, or one of the store's machines.
    Clock,
    /// The file cannot be read as a database any more.
    Damaged,
    /// Something that must never happen; the message says what.
    Corrupt,
    /// Anything else.
    Failed,
}

/// A store that could not be used: what was tried, on what, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("{tried}")]
pub struct StoreError {
    /// What kind of trouble it is.
    pub fault: StoreFault,
    /// What was tried, for example `open the store tix.db`.
    pub tried: String,
    /// Why it failed.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreFault {
    /// A schema of version `found` where another one is needed.
    #[must_use]
    pub const fn of_schema(found: u32, needed: u32) -> Self {
        if found < needed { Self::SchemaBehind } else { Self::SchemaAhead }
    }
}

impl StoreError {
    /// A fault without a deeper cause.
    #[must_use]
    pub fn new(fault: StoreFault, tried: impl Into<String>) -> Self {
        Self { fault, tried: tried.into(), cause: None }
    }

    /// A fault with its cause.
    #[must_use]
    pub fn caused(
        fault: StoreFault,
        tried: impl Into<String>,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { fault, tried: tried.into(), cause: Some(Box::new(cause)) }
    }

    /// A clock that is not believed, so that nothing is decided by it.
    #[must_use]
    pub fn clock(fault: ClockFault) -> Self {
        Self::new(StoreFault::Clock, fault.to_string())
    }

    /// The same fault for another request that failed of it.
    #[must_use]
    pub fn again(&self) -> Self {
        let cause = self.cause.as_ref().map(|cause| cause.to_string().into());
        Self { fault: self.fault.clone(), tried: self.tried.clone(), cause }
    }

    /// The store at `path` is missing.
    #[must_use]
    pub fn missing(path: &std::path::Path) -> Self {
        let path = PathBuf::from(path);
        Self::new(StoreFault::Missing, format!("there is no store at {}", path.display()))
    }

    /// A task that worked on the store ended before it answered.
    #[must_use]
    pub fn lost_task(cause: tokio::task::JoinError) -> Self {
        Self::caused(StoreFault::Failed, "a task that worked on the store ended early", cause)
    }
}
