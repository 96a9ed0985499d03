//! What the audit says.

use serde::Serialize;

use crate::domain::{TicketId, Timestamp};

/// The outcome of an audit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
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
    /// Tickets that have yet to follow what is decided about them: somebody died or is at it.
    pub unfinished: u64,
    /// Tickets that changed while the audit read; what is stored of them was not judged, only what
    /// the log says.
    pub changing: u64,
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
    /// The seat of that ticket, as `section/row/seat`, if the store could still be asked.
    pub seat: Option<String>,
    /// What was found: the holds, owners, orders and times concerned.
    pub detail: String,
}

impl Violation {
    /// What was found, and at which seat.
    #[must_use]
    pub fn sentence(&self) -> String {
        match &self.seat {
            Some(seat) if !self.detail.contains(seat) => format!("{seat}: {}", self.detail),
            _ => self.detail.clone(),
        }
    }
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
    /// Whether it goes back to the beginning of every event that was audited.
    pub whole: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::audit::findings::{Findings, Rule};

    fn schema() -> Value {
        let text = include_str!("../../docs/schemas/audit_report.schema.json");
        serde_json::from_str(text).unwrap()
    }

    /// The report as the command line prints it.
    fn printed(report: &AuditReport) -> Value {
        let mut object = serde_json::to_value(report).unwrap();
        object["schema_version"] = json!(1);
        object
    }

    #[test]
    fn a_report_reads_as_its_schema_says() {
        let mut findings = Findings::default();
        let ticket_id = TicketId::from_uuid(uuid::Uuid::nil());
        findings.broken(Rule::OneOwner, Some(ticket_id), || "two of them".into());
        findings.broken(Rule::Money, None, || "a cent is missing".into());
        let at = Timestamp::from_millis(1_795_254_700_823);
        let broken = AuditReport {
            passed: false,
            violations: findings.violations(),
            checks: findings.checks(),
            log: Some(LogPeriod { from: at, to: at, entries: 1, whole: false }),
            unfinished: 2,
            changing: 1,
        };
        let empty = AuditReport {
            passed: true,
            violations: vec![],
            checks: vec![],
            log: None,
            unfinished: 0,
            changing: 0,
        };
        let schema = jsonschema::validator_for(&schema()).unwrap();
        for report in [broken, empty] {
            let printed = printed(&report);
            let faults: Vec<_> = schema.iter_errors(&printed).map(|e| e.to_string()).collect();
            assert!(faults.is_empty(), "{faults:?}");
        }
        assert!(!schema.is_valid(&json!({ "schema_version": 1 })));
    }

    #[test]
    fn the_schema_names_every_rule() {
        let named = &schema()["$defs"]["rule"]["enum"];
        let rules: Vec<_> = Rule::ALL.into_iter().map(Rule::name).collect();
        assert_eq!(*named, json!(rules));
    }
}
