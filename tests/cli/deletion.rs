//! Simulated events, which stay out of the way, and `tix event delete`.

use rusqlite::Connection;

use crate::sandbox::{HALL, Sandbox};

/// A short rehearsal on an event of its own; returns the command that removes the event.
fn rehearse(sandbox: &Sandbox) -> Vec<String> {
    let simulate = ["simulate", "--buyers", "30", "--seats", "20", "--speed", "max", "--seed", "7"];
    let answer = sandbox.tix(&simulate).done();
    let line = answer.stderr.lines().find(|line| line.contains("tix event delete")).unwrap();
    let command = line.trim().split("  ").next().unwrap();
    command.split_whitespace().skip(1).map(str::to_owned).collect()
}

fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

/// How many rows each table of the store has that an event can have rows in.
fn rows(sandbox: &Sandbox) -> Vec<i64> {
    let connection = Connection::open(sandbox.path("tix.db")).unwrap();
    let count = |table: &&str| {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let tables = [
        "events",
        "venue_sections",
        "tickets",
        "order_queue",
        "holds",
        "orders",
        "waitlist",
        "event_words",
    ];
    let log = "SELECT count(*) FROM change_log WHERE change <> 'event_deleted'";
    let log: i64 = connection.query_row(log, [], |row| row.get(0)).unwrap();
    tables.iter().map(count).chain([log]).collect()
}

#[test]
fn rehearsal_says_how_to_remove_its_event() {
    let sandbox = Sandbox::new();
    let delete = rehearse(&sandbox);
    assert!(rows(&sandbox).iter().any(|count| *count > 0));
    sandbox.json("event_deleted", &words(&delete));
    assert_eq!(rows(&sandbox), vec![0; 9]);
    sandbox.tix(&["audit"]).done();
    sandbox.tix(&words(&delete)).refused("unknown_event");
}

#[test]
fn simulated_events_are_listed_only_if_asked_for() {
    let sandbox = Sandbox::seeded();
    rehearse(&sandbox);
    let listed = |more: &[&str]| {
        let answer = sandbox.tix(&[&["event"], more].concat()).done();
        answer.stdout.contains("simulation-7-")
    };
    for command in [&["list"][..], &["search"], &["search", "simulation"]] {
        assert!(!listed(command), "{command:?}");
        assert!(listed(&[command, &["--simulated"]].concat()), "{command:?}");
    }
    assert!(sandbox.tix(&["event", "locations"]).done().stdout.contains("Hall"));
    assert!(!sandbox.tix(&["event", "locations"]).done().stdout.contains("Simulation"));
    sandbox.tix(&["event", "shows", "simulation"]).refused("unknown_event");
    assert!(listed(&["shows", "simulation", "--simulated"]));
    // No event has to be named where only one was seeded.
    sandbox.tix(&["hold", "start", "--best", "2", "--session", "ann"]).done();
    sandbox.tix(&["ticket", "counts"]).done();
}

#[test]
fn only_a_simulated_event_is_deleted_with_its_history() {
    let sandbox = Sandbox::seeded();
    let answer = sandbox.tix(&["event", "delete", "hall"]).ended(2, "this cannot be undone");
    assert!(answer.stderr.contains("`tix event delete hall --yes`"), "{}", answer.stderr);
    sandbox.hold("ann", &["Stalls/1/1"]);
    let refused = sandbox.tix(&["event", "delete", "hall", "--yes"]).refused("has_history");
    let history = "`tix watch-cdc --event hall --from start`";
    assert!(refused.stderr.contains(history), "{}", refused.stderr);
    // Before it is asked for a confirmation that would not help.
    sandbox.tix(&["event", "delete", "hall"]).refused("has_history");
    sandbox.tix(&["event", "delete", "nothing", "--yes"]).refused("unknown_event");
}

#[test]
fn event_that_was_never_held_is_deleted_and_seeded_anew() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    let seed = ["seed", "hall.csv", "--date", "2030-12-01T19:30"];
    sandbox.tix(&seed).done();
    sandbox.tix(&["event", "delete", "hall-2030-12-01", "--yes"]).done();
    assert_eq!(rows(&sandbox), vec![0; 9]);
    let document = sandbox.json("seed", &seed);
    assert_eq!(document["seed"]["event"]["slug"], "hall-2030-12-01-1930");
    let slug = ["--slug", "hall-2030-12-01"];
    let answer = sandbox.tix(&[&seed[..], &slug].concat()).ended(2, "a deleted event");
    assert!(answer.stderr.contains("--slug hall-2030-12-01-2"), "{}", answer.stderr);
}

#[test]
fn sale_of_a_past_event_is_closed() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    sandbox.tix(&["seed", "hall.csv", "--date", "2020-06-01T20:00"]).done();
    for choice in [&["--best", "2"][..], &["--seat", "Stalls/1/1"]] {
        let start = [&["hold", "start", "--session", "ann"], choice].concat();
        let answer = sandbox.tix(&start).refused("sale_closed");
        assert!(answer.stderr.contains("Mon 1 Jun 2020 20:00"), "{}", answer.stderr);
        assert!(answer.stderr.contains("`tix event search`"), "{}", answer.stderr);
    }
    sandbox.tix(&["waitlist", "join", "--session", "ann"]).refused("sale_closed");
    assert!(sandbox.tix(&["event", "show"]).done().stdout.contains("closed when the event began"));
    let simulate = ["simulate", "--event", "hall", "--yes", "--buyers", "5", "--speed", "max"];
    sandbox.tix(&simulate).ended(3, "sale_closed");
    sandbox.tix(&["audit"]).done();
}
