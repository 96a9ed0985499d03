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
    let seats: Vec<&str> = report["violations"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|violation| violation["seat"].as_str())
        .collect();
    assert!(seats.contains(&"Stalls/1/3"), "{report}");
    let people = sandbox.tix(&["audit"]);
    assert!(people.stdout.starts_with("audit failed: "), "{}", people.stdout);
    assert!(people.stdout.contains("Stalls/1/3: "), "{}", people.stdout);
    let sheet = sandbox.tix(&["audit", "-o", "csv"]).stdout;
    assert!(sheet.contains(",Stalls/1/3"), "{sheet}");
    assert!(people.stderr.starts_with("error: the audit found "), "{}", people.stderr);
}

#[test]
fn unreadable_row_is_a_violation_with_table_and_key() {
    let sandbox = busy_hall();
    let store = Connection::open(sandbox.path("tix.db")).unwrap();
    let ann = "session_id = 'ann'";
    let key: String = store
        .query_row(&format!("SELECT hex(hold_id) FROM holds WHERE {ann}"), [], |row| row.get(0))
        .unwrap();
    store.execute(&format!("UPDATE holds SET tickets = '[1,' WHERE {ann}"), []).unwrap();
    store.execute("UPDATE events SET performers = 'nobody'", []).unwrap();
    let answer = sandbox.tix(&["audit", "-o", "json"]);
    assert_eq!(answer.code, Some(4), "{}", answer.stderr);
    for named in [format!("holds {key}: "), "events 1: ".into()] {
        assert!(answer.stdout.contains(&named), "{named}: {}", answer.stdout);
    }
}

#[test]
fn repair_that_fails_is_followed_by_the_audit() {
    let sandbox = busy_hall();
    let store = Connection::open(sandbox.path("tix.db")).unwrap();
    let paying = "UPDATE order_queue SET status = 'paying', payment_deadline = 1,
                    order_id = randomblob(16) WHERE status = 'held'";
    assert_eq!(store.execute(paying, []).unwrap(), 2);
    let answer = sandbox.tix(&["audit", "--repair"]);
    assert_eq!(answer.code, Some(4), "{}", answer.stderr);
    assert!(answer.stdout.contains("audit failed: "), "{}", answer.stdout);
}

#[test]
fn an_empty_store_has_nothing_to_find() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["schema", "apply"]).done();
    let answer = sandbox.tix(&["audit"]).done();
    steady().bind(|| {
        let said = answer.stdout.lines().take(2).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(said, @r"
        audit passed: 27 rules, 0 checks; nothing was sold twice
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

#[test]
fn a_repair_says_what_it_mended_and_audits_then() {
    let sandbox = busy_hall();
    let answer = sandbox.tix(&["audit", "--repair"]).done();
    let said = answer.stdout.lines().next().unwrap();
    assert_eq!(said, "repaired: nothing needed repair");
    assert!(answer.stdout.contains("audit passed: "), "{}", answer.stdout);
    let document = sandbox.json("audit_report", &["audit", "--repair", "--event", "hall"]);
    assert_eq!(document["repaired"]["payments_given_up"], 0);
}

#[test]
fn a_repair_gives_up_overdue_payments() {
    let sandbox = Sandbox::seeded_with(&["--payment-time", "1s"]);
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    let store = Connection::open(sandbox.path("tix.db")).unwrap();
    let order = tix::domain::OrderId::of_payment(hold.parse().unwrap(), &"card".parse().unwrap());
    let paying = "UPDATE order_queue SET status = 'paying', payment_deadline = ?1, order_id = ?2";
    let began: i64 = store.query_row("SELECT started_at FROM holds", [], |row| row.get(0)).unwrap();
    let order = order.as_uuid().as_bytes();
    store.execute(paying, rusqlite::params![began + 1_000, order]).unwrap();
    store.execute("UPDATE holds SET payment_reference = 'card'", []).unwrap();
    let claim = "INSERT INTO payment_references (buyer_id, payment_reference, hold_id, claimed_at)
                 SELECT buyer_id, payment_reference, hold_id, started_at FROM holds";
    store.execute(claim, []).unwrap();
    let log = "INSERT INTO change_log (at, ticket_no, change, hold_id)
               SELECT at, ticket_no, 'paying', hold_id FROM change_log";
    store.execute(log, []).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let answer = sandbox.tix(&["audit", "--repair"]).done();
    assert!(
        answer.stdout.starts_with("repaired: 1 overdue payment aborted\n"),
        "{}",
        answer.stdout
    );
}
