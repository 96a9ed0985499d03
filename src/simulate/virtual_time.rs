//! Rehearsing in virtual time: a long sale in seconds, and the same again whenever it is repeated.
//!
//! One thread does everything, on a runtime whose time goes on only when everybody waits for it. The
//! store is in memory and works on that thread, too: beside another one, time would run away during
//! every write. How long the store takes is modelled, and all names follow from the seed.

use std::sync::Arc;

use tokio::task::LocalSet;

use super::error::Error;
use super::progress::Progress;
use super::rehearse::{prepare, rehearse};
use super::report::SimulationReport;
use super::run::{Setting, Time};
use super::scenario::Scenario;
use super::stop::Stop;
use crate::audit::History;
use crate::clock::RuntimeClock;
use crate::domain::Timestamp;
use crate::payment::SimulatedProvider;
use crate::repository;

/// When every rehearsal in virtual time begins: the first moment of the year 2000, UTC.
const BEGINS_AT: Timestamp = Timestamp::from_millis(946_684_800_000);
/// What tells its event from others of the same seed: nothing needs to, on a store of its own.
const RUN: &str = "virtual";

/// What a rehearsal in virtual time begins with; what it shares with whoever watches it.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// Its parameters; the speed is 1.
    pub scenario: Scenario,
    /// What the plan is made from.
    pub seed: u64,
    /// Collects what buyers are told.
    pub history: Arc<History>,
    /// Where it stands; of this rehearsal alone.
    pub progress: Arc<Progress>,
    /// How it is stopped before its end.
    pub stop: Stop,
}

impl Rehearsal {
    /// Makes the event, sells it, audits and reports; on this thread, and for as long as it takes.
    ///
    /// # Errors
    /// The scenario is out of bounds, or the machine has no memory to give.
    ///
    /// # Panics
    /// Inside of a runtime.
    pub fn run(self) -> Result<SimulationReport, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .map_err(Error::Runtime)?;
        LocalSet::new().block_on(&runtime, self.rehearse())
    }

    async fn rehearse(self) -> Result<SimulationReport, Error> {
        let clock = Arc::new(RuntimeClock::starting_at(BEGINS_AT));
        let (url, store) = repository::open_here(clock)?;
        let event = prepare(&*store, &self.scenario, self.seed, RUN, &|_| {}).await?;
        let setting = Setting {
            repository: store,
            provider: Arc::new(SimulatedProvider::new(self.scenario.provider())),
            history: self.history,
            progress: self.progress,
            stop: self.stop,
            time: Time::Virtual,
            target: None,
        };
        rehearse(setting, &url, &event, &self.scenario, self.seed).await
    }
}
