//! Why a rehearsal could not take place.

use std::net::SocketAddr;

use super::scenario::ScenarioError;
use crate::repository;

/// Why a rehearsal could not take place, or could not be reported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The scenario is out of bounds.
    #[error("the scenario cannot be rehearsed: {0}")]
    Scenario(#[from] ScenarioError),
    /// The event, its tickets or their counts could not be made or read.
    #[error(transparent)]
    Repository(#[from] repository::Error),
    /// The event has no tickets yet, or not all of them.
    #[error("the event {0} is not minted, so that nothing can be sold")]
    NotMinted(String),
    /// Nobody answers where the server should be.
    #[error("no server answers at {target}")]
    NoServer {
        /// The URL.
        target: String,
        /// The address at which a server of this machine would answer there; none for another
        /// machine, or behind a path or encryption.
        listen: Option<SocketAddr>,
        /// Why.
        #[source]
        cause: reqwest::Error,
    },
    /// The server sells from another store.
    #[error("the server at {target} does not serve {store}: it has no event {slug}")]
    OtherStore {
        /// Its URL.
        target: String,
        /// The event of the rehearsal.
        slug: String,
        /// The store that has it, without its password.
        store: String,
    },
    /// Latencies cannot be measured.
    #[error("cannot set up the measurement")]
    Measurement(#[from] hdrhistogram::CreationError),
    /// The thread that rehearsed ended before it reported.
    #[error("the rehearsal broke off")]
    BrokeOff(#[from] tokio::task::JoinError),
    /// There is no runtime to rehearse on.
    #[error("cannot start a runtime")]
    Runtime(#[source] std::io::Error),
}
