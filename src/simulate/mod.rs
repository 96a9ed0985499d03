//! Rehearsing an on-sale: thousands of buyers, planned by a seed, against a real store.
//!
//! The plan (who comes when, wants what, gives up or pays) and its execution are apart: [`plan`] is
//! data made from a seed; [`run()`] sends its buyers through the same
//! [`Repository`](crate::repository::Repository) as every command, or at a server over HTTP.
//! [`rehearse()`] puts an event of its own, the run and the audit together into a
//! [`SimulationReport`].

mod at_store;
mod box_office;
pub mod breakdown;
mod buyer;
mod checkout;
pub mod choice;
pub mod error;
pub mod fairness;
mod figures;
pub mod grid;
mod ids;
pub mod insight;
pub mod leaving;
mod link;
pub mod measure;
mod metered;
pub mod outage;
pub mod outcome;
mod over_http;
pub mod pace;
pub mod page;
pub mod plan;
pub mod progress;
pub mod rehearse;
pub mod report;
pub mod run;
mod sale;
#[cfg(test)]
mod sample;
pub mod scenario;
pub mod stop;
mod tally;
pub mod text;
pub mod timeline;
mod vacancy;
pub mod virtual_time;
mod waitlist;

pub use error::Error;
pub use link::faults::FaultCounts;
pub use over_http::{Target, TargetError};
pub use pace::Pace;
pub use plan::{BuyerPlan, Plan};
pub use progress::{Progress, Snapshot};
pub use rehearse::{fresh_run, fresh_seed, prepare, rehearse};
pub use report::SimulationReport;
pub use run::{Outcome, Setting, Time, run};
pub use sale::FailureReport;
pub use scenario::{Scenario, ScenarioError};
pub use stop::{Stop, Urgency};
