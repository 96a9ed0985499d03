//! How an error reads: as lines for people, as one JSON object for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::safe::escaped;
use super::{Tone, json};
use crate::domain::Refusal;
use crate::error::{Error, Outcome};

/// The body of the JSON document about an error.
#[derive(Serialize)]
struct Failure<'a> {
    error: Record<'a>,
}

#[derive(Serialize)]
struct Record<'a> {
    kind: Outcome,
    /// The reason's word, and whatever else belongs to it.
    #[serde(flatten)]
    refusal: Option<&'a Refusal>,
    message: String,
    causes: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: &'a [String],
    hint: Option<&'a str>,
}

/// Writes an error as one line of JSON.
#[must_use]
pub fn json(error: &Error, hint: Option<&str>) -> String {
    let record = Record {
        kind: error.outcome(),
        refusal: error.refusal(),
        message: error.to_string(),
        causes: error.causes(),
        faults: error.faults(),
        hint,
    };
    json::line(&Failure { error: record }).unwrap_or_else(|_| text(error, hint, false))
}

/// Writes an error for people: what was tried, why it failed, what to do about it.
#[must_use]
pub fn text(error: &Error, hint: Option<&str>, color: bool) -> String {
    let safe = |text: &str| escaped(text, false).into_owned();
    let mut text = format!("{} {}\n", Tone::Bad.paint("error:", color), safe(&error.sentence()));
    // Writing to a string cannot fail.
    for cause in error.causes() {
        let label = Tone::Strong.paint("Caused by:", color);
        let _ = writeln!(text, "{label} {}", safe(&cause));
    }
    for fault in error.faults() {
        let _ = writeln!(text, "  {}", safe(fault));
    }
    if let Some(hint) = hint {
        let _ = writeln!(text, "{} {}", Tone::Strong.paint("Hint:", color), safe(hint));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::draft::tests::event_called;
    use crate::domain::{Obstacle, TicketStatus, Timestamp};

    const NOW: Timestamp = Timestamp::from_millis(0);

    const HOLD: &str = "0199a7c2-4c6e-7039-8098-dd2b7ca1865c";

    fn taken() -> Error {
        let in_the_way = vec![Obstacle {
            seat: "Floor A/3/12".parse().unwrap(),
            status: TicketStatus::Held,
            hold_id: Some(HOLD.parse().unwrap()),
            order_id: None,
            until: Some(Timestamp::from_millis(60_000)),
            reason: None,
        }];
        Refusal::Taken { in_the_way }.into()
    }

    #[test]
    fn people_read_the_error_and_then_a_hint() {
        let event = event_called("hamlet");
        let hint = taken().hint(NOW);
        insta::assert_snapshot!(text(&taken().at(&event), hint.as_deref(), false), @r"
        error: taken: Floor A/3/12 is held until 01:01:00 (hold 0199a7c2-4c6e)
        Hint: it is released in 1 min 00 s unless it is paid for; see what is left with `tix ticket map`
        ");
    }

    #[test]
    fn programs_read_one_object_with_the_reason_and_what_belongs_to_it() {
        let object: serde_json::Value = serde_json::from_str(&json(&taken(), None)).unwrap();
        assert_eq!(object["schema_version"], 1);
        assert_eq!(object["error"]["kind"], "refused");
        assert_eq!(object["error"]["reason"], "taken");
        assert_eq!(object["error"]["in_the_way"][0]["seat"], "Floor A/3/12");
        assert_eq!(object["error"]["in_the_way"][0]["hold_id"], HOLD);
        let message =
            "taken: Floor A/3/12 is held until 1970-01-01T00:01:00.000Z (hold 0199a7c2-4c6e)";
        assert_eq!(object["error"]["message"], message);
        assert_eq!(object["error"]["causes"].as_array().map(Vec::len), Some(0));
        assert!(object["error"]["faults"].is_null());
    }

    #[test]
    fn every_fault_of_a_file_has_its_own_line() {
        let error = Error::BadFile {
            message: "read venue.csv: 2 faults, nothing was written".into(),
            faults: vec!["venue.csv:2:3: a".into(), "venue.csv:9:1: b".into()],
        };
        insta::assert_snapshot!(text(&error, error.hint(NOW).as_deref(), false), @r"
        error: read venue.csv: 2 faults, nothing was written
          venue.csv:2:3: a
          venue.csv:9:1: b
        Hint: correct the file and run the same command again
        ");
    }
}
