//! `tix audit`.

use rusqlite::Connection;

use crate::sandbox::{Sandbox, steady};

/// A hall where seats were held, bought, given up and cancelled.
fn busy_hall() -> Sandbox {
    let sandbox = Sandbox::seeded();
    sandbox.hold("ann", &["Stalls/1/1", "Stalls/1/2"]);
    sandbox.buy("bob", &["Stalls/1/3", "Stalls/1/4"]);
    let hold = sandbox.hold("eve", &["Balcony/1/1"]);
    sandbox.tix(&["hold", "abandon", &hold, "--session", "eve"]).done();
    let order = sandbox.buy("eve", &["Balcony/1/1"]);
    sandbox.tix(&["order", "cancel", &order]).done();
    sandbox
}

#[test]
fn a_sale_that_obeyed_the_rules_passes() {
    let sandbox = busy_hall();
    let answer = sandbox.tix(&["audit"]).done();
    assert!(answer.stdout.starts_with("audit passed: "), "{}", answer.stdout);
    let document = sandbox.json("audit_report", &["audit", "--event", "hall"]);
    assert_eq!(document["passed"], true);
    assert_eq!(document["violations"], serde_json::json!([]));
}

#[test]
fn a_broken_rule_ends_with_4_and_the_report_is_the_result() {
    let sandbox = busy_hall();
    let store = Connection::open(sandbox.path("tix.db")).unwrap();
    store.execute("DELETE FROM order_queue WHERE status = 'sold'", []).unwrap();
    let answer = sandbox.tix(&["audit", "-o", "json"]);
    assert_eq!(answer.code, Some(4), "{}", answer.stderr);
    let report = serde_json::from_str(&answer.stdout).unwrap();
    crate::schemas::check("audit_report", &report);
    assert_eq!(report["passed"], false);
    let error = serde_json::from_str(&answer.stderr).unwrap();
    crate::schemas::check("error", &error);
    assert_eq!(error["error"]["kind"], "violation");
    let people = sandbox.tix(&["audit"]);
    assert!(people.stdout.starts_with("audit failed: "), "{}", people.stdout);
    assert!(people.stderr.starts_with("error: the audit found "), "{}", people.stderr);
}

#[test]
fn an_empty_store_has_nothing_to_find() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["schema", "apply"]).done();
    let answer = sandbox.tix(&["audit"]).done();
    steady().bind(|| {
        let said = answer.stdout.lines().take(2).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(said, @r"
        audit passed: 17 rules, 0 checks; nothing was sold twice
        the change log is empty
        ");
    });
}

#[test]
fn what_cannot_be_audited_is_told() {
    let sandbox = Sandbox::seeded();
    sandbox.tix(&["audit", "--event", "lear"]).refused("unknown_event");
    sandbox.tix(&["audit", "--history", "nothing"]).ended(2, "could not read the history nothing");
    sandbox.file("notes.txt", "no history\nat all\n");
    sandbox.tix(&["audit", "--history", "notes.txt"]).ended(2, "line 1 is no history");
    sandbox.tix(&["audit", "--store", "sqlite:none.db"]).ended(1, "there is no store");
}
