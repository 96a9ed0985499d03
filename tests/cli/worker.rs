//! `tix worker`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::Value;

use crate::sandbox::Sandbox;

/// A hall in which somebody began to pay, long ago, and never ended.
fn hall_with_an_overdue_payment() -> (Sandbox, String) {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1", "Stalls/1/2"]);
    let store = Connection::open(sandbox.path("tix.db")).unwrap();
    let order = tix::domain::OrderId::of_payment(hold.parse().unwrap(), &"card".parse().unwrap());
    store
        .execute_batch(
            "UPDATE holds SET payment_reference = 'card';
             UPDATE order_queue SET status = 'paying', payment_deadline = 1;",
        )
        .unwrap();
    store.execute("UPDATE order_queue SET order_id = ?1", [order.as_uuid().as_bytes()]).unwrap();
    (sandbox, hold)
}

#[test]
fn what_is_overdue_is_given_up_and_told() {
    let (sandbox, hold) = hall_with_an_overdue_payment();
    let answer = sandbox.tix(&["worker", "--once", "-o", "json"]).done();
    let deed: Value = serde_json::from_str(answer.stdout.trim_end()).unwrap();
    crate::schemas::check("deed", &deed);
    assert_eq!((&deed["did"], &deed["event"]), (&"gave_up".into(), &"hall".into()));
    assert_eq!((&deed["hold_id"], &deed["tickets"]), (&hold.into(), &2.into()));
}

#[test]
fn people_read_a_line_and_programs_a_sheet() {
    let (sandbox, _) = hall_with_an_overdue_payment();
    let answer = sandbox.tix(&["worker", "--once"]).done();
    let words: Vec<&str> = answer.stdout.split_whitespace().skip(1).collect();
    assert_eq!([words[0], words[1], words[2]], ["gave_up", "hall", "order"], "{}", answer.stdout);
    assert_eq!(words[4..], ["2", "tickets"], "{}", answer.stdout);

    let (sandbox, _) = hall_with_an_overdue_payment();
    let answer = sandbox.tix(&["worker", "--once", "-o", "csv"]).done();
    let mut lines = answer.stdout.lines();
    assert_eq!(lines.next(), Some("at,did,event,hold_id,order_id,tickets"));
    assert!(lines.next().is_some_and(|line| line.contains(",gave_up,hall,")), "{}", answer.stdout);
}

#[test]
fn where_there_is_nothing_to_do_that_is_said() {
    let answer = Sandbox::seeded().tix(&["worker", "--once"]).done();
    assert_eq!((&*answer.stdout, &*answer.stderr), ("", "there was nothing to do\n"));
    Sandbox::new().tix(&["worker", "--once"]).ended(1, "there is no store");
}

#[cfg(unix)]
#[test]
fn it_works_until_it_is_stopped_and_that_is_no_failure() {
    for signal in ["INT", "TERM"] {
        let (sandbox, _) = hall_with_an_overdue_payment();
        let mut command = sandbox.command(&["worker"]);
        let mut worker = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        assert!(line.contains("gave_up"), "{line}");
        let id = worker.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        assert_eq!(worker.wait().unwrap().code(), Some(0));
    }
}
