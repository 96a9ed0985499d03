//! `tix seed`.

use std::io::Write;
use std::process::Stdio;

use crate::sandbox::{Answer, HALL, Sandbox, steady};

#[test]
fn without_a_file_it_mints_the_built_in_arena_and_says_where() {
    let sandbox = Sandbox::new();
    let answer = sandbox.tix(&["seed"]).done();
    assert!(answer.stdout.contains("10,000 tickets"), "{}", answer.stdout);
    assert!(answer.stdout.contains("sqlite:tix.db"), "{}", answer.stdout);
    assert!(answer.stderr.contains("tix hold start --event arena-night --best 2"));
    assert!(answer.stderr.contains("tix watch-cdc"));
    assert!(sandbox.path("tix.db").exists());
}

#[test]
fn the_event_is_named_after_the_file() {
    let sandbox = Sandbox::new();
    sandbox.file("old-town_hall.csv", HALL);
    let document = sandbox.json("seed", &["seed", "old-town_hall.csv"]);
    assert_eq!(document["seed"]["event"]["name"], "Old Town Hall");
    assert_eq!(document["seed"]["event"]["slug"], "old-town-hall");
    assert_eq!(document["seed"]["minted"]["new"], 26);
}

#[test]
fn everything_that_is_said_about_the_event_is_kept() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    let line = "seed hall.csv --event Hamlet --date 2030-07-01T19:30 --series hamlet --type theatre \
        --performer Ann --performer Bob --description Tragedy --duration 2h30m --language en-GB \
        --venue Globe --city London --country UK --time-zone Europe/London --lat 51.508 --lon -0.097 \
        --doors 18:45 --limit 4 --ttl 10m --payment-time 90s";
    let document = sandbox.json("seed", &line.split_whitespace().collect::<Vec<_>>());
    let event = &document["seed"]["event"];
    assert_eq!(event["slug"], "hamlet-2030-07-01");
    assert_eq!(event["starts_at"], "2030-07-01T18:30:00.000Z");
    assert_eq!(event["doors_at"], "2030-07-01T17:45:00.000Z");
    assert_eq!(event["performers"], serde_json::json!(["Ann", "Bob"]));
    assert_eq!(event["venue"]["longitude"], -0.097);
    assert_eq!(event["duration_minutes"], 150);
    assert_eq!(event["limit"], 4);
    assert_eq!(event["time_to_pay_seconds"], 600.0);
    assert_eq!(event["payment_time_seconds"], 90.0);
}

#[test]
fn seeding_the_same_again_mints_nothing_new() {
    let sandbox = Sandbox::seeded();
    let document = sandbox.json("seed", &["seed", "hall.csv", "--slug", "hall"]);
    assert_eq!(document["seed"]["minted"], serde_json::json!({"new": 0, "existing": 26}));
}

#[test]
fn an_event_that_is_there_stays_as_it_is_and_that_is_said() {
    let sandbox = Sandbox::seeded();
    let answer = sandbox.tix(&["seed", "hall.csv", "--slug", "hall", "--limit", "3"]).done();
    assert!(
        answer.stderr.contains("hall was there before; it stays as it is"),
        "{}",
        answer.stderr
    );
    assert_eq!(sandbox.json("event", &["event", "show"])["event"]["limit"], 10);
}

#[test]
fn another_file_for_a_minted_event_fails() {
    let sandbox = Sandbox::seeded();
    sandbox.file("other.csv", HALL.replace("49.50", "59.50"));
    let answer = sandbox.tix(&["seed", "other.csv", "--slug", "hall"]);
    answer.ended(1, "Hint: seed the file it was minted from");
}

#[test]
fn every_fault_of_a_file_is_told_with_its_place_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.file("bad.csv", HALL.replace("49.50", "-1").replace("2,4,Stairs", "0,4,Stairs"));
    let answer = sandbox.tix(&["seed", "bad.csv"]).ended(2, "2 faults; nothing was written");
    insta::assert_snapshot!(answer.stderr, @r"
    error: bad.csv has 2 faults; nothing was written
      bad.csv:2: price: `-1` is negative
      bad.csv:3: rows: `0` is not a whole number from 1 to 10000
    Hint: mend the file and run the same command again
    ");
    assert!(!sandbox.path("tix.db").exists());
}

#[test]
fn faults_of_a_file_are_a_list_for_programs() {
    let sandbox = Sandbox::new();
    sandbox.file("bad.csv", "nonsense\n");
    let answer = sandbox.tix(&["seed", "bad.csv", "-o", "json"]).ended(2, "faults");
    let document = serde_json::from_str(&answer.stderr).unwrap();
    crate::schemas::check("error", &document);
    assert_eq!(document["error"]["kind"], "usage");
    assert_eq!(document["error"]["faults"].as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_is_bad_input() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["seed", "nothing.csv"]).ended(2, "could not read nothing.csv");
    assert!(!sandbox.path("tix.db").exists());
}

#[test]
fn a_venue_can_come_from_standard_input() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["seed", "-", "--event", "Piped Night"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(HALL.as_bytes()).unwrap();
    let answer = Answer::of(&child.wait_with_output().unwrap()).done();
    steady().bind(|| {
        insta::assert_snapshot!(answer.stdout, @r"
        minted  26 tickets
        event   Piped Night
        slug    piped-night
        begins  [time]
        store   sqlite:tix.db
        ");
    });
}

#[test]
fn prices_are_read_in_the_currency_of_the_event() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    sandbox
        .tix(&["seed", "hall.csv", "--currency", "JPY"])
        .ended(2, "more than the 0 decimals of JPY");
    sandbox.tix(&["seed", "hall.csv", "--currency", "KWD"]).done();
    sandbox.tix(&["seed", "hall.csv", "--currency", "EUR"]).ended(2, "--currency KWD");
}
