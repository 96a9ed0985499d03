//! What the audit says.

use serde::Serialize;

use crate::domain::{TicketId, Timestamp};

/// The outcome of an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Whether no rule is broken.
    pub passed: bool,
    /// Every broken rule, at most [`VIOLATIONS_MAX`]; where one is broken very often, a last line
    /// says how often.
    pub violations: Vec<Violation>,
    /// Every rule that was checked, and on how many things.
    pub checks: Vec<Check>,
    /// What period the change log covers; none if it is empty.
    pub log: Option<LogPeriod>,
}

/// The most violations that a report lists; the first one says enough.
pub const VIOLATIONS_MAX: usize = 1000;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule's name.
    pub rule: &'static str,
    /// The ticket it is about, if it is about one.
    pub ticket_id: Option<TicketId>,
    /// What was found: the holds, owners, orders and times concerned.
    pub detail: String,
}

/// One rule that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The rule's name.
    pub rule: &'static str,
    /// How many tickets, holds, orders or log entries it was checked on.
    pub examined: u64,
}

/// The period that the change log covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogPeriod {
    /// The time of its first entry.
    pub from: Timestamp,
    /// The time of its last entry.
    pub to: Timestamp,
    /// How many entries it has.
    pub entries: u64,
}
