//! Rehearsing an on-sale: thousands of buyers, planned by a seed, against a real store.
//!
//! The plan (who comes when, wants what, gives up or pays) and its execution are apart: [`plan`] is
//! data made from a seed, [`buyer`] does what it says through the same
//! [`Repository`](crate::repository::Repository) as every command.

pub mod pace;
pub mod plan;
pub mod scenario;
pub mod stop;

pub use pace::Pace;
pub use plan::{BuyerPlan, Plan};
pub use scenario::{Scenario, ScenarioError};
pub use stop::{Stop, Urgency};
