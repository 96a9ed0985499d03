//! The proof: that what is stored and what happened obeys the rules of a ticket sale.
//!
//! It shares no code with the repository's rules: it reads the store with queries of its own, and
//! judges by [`domain`](crate::domain) values alone.

pub mod evidence;
pub mod findings;
pub mod history;
mod ownership;
mod replay;
pub mod report;
pub mod rules;

pub use history::{Answer, History, Told};
pub use report::{AuditReport, Check, LogPeriod, Violation};
