//! Stores that an earlier version made: refused until they are migrated, then used like any other.
//!
//! `tests/stored` has one store of each earlier version of the schema, made by the `tix` of that time:
//! two events that people use and a rehearsal, with holds, offers and orders of every status.

use rusqlite::Connection;

use crate::sandbox::Sandbox;

/// A store of schema version 2.
const VERSION_2: &[u8] = include_bytes!("../stored/version_2.sqlite");

/// What version 1 did not have yet.
const BACK_TO_1: &str = "DROP TABLE event_words; DROP TRIGGER event_words_added;
    DROP TRIGGER event_words_changed; DROP TRIGGER event_words_removed;
    DROP INDEX events_by_start; DROP INDEX events_by_place; DROP TABLE waitlist;
    PRAGMA user_version = 1;";

/// A folder with a store of version 2.
fn of_version_2() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("tix.db", VERSION_2);
    sandbox
}

/// Checks that every command refuses the store until `tix schema apply` has run, and none then.
pub(crate) fn migrates(sandbox: &Sandbox, version: u32) {
    let refused = format!("has schema version {version}");
    for command in
        [&["schema", "status"][..], &["event", "list"], &["hold", "start", "--best", "1"]]
    {
        let answer = sandbox.tix(command).ended(1, &refused);
        assert!(answer.stderr.contains("`tix schema apply`"), "{}", answer.stderr);
    }
    sandbox.tix(&["schema", "apply"]).done();
    sandbox.tix(&["schema", "status"]).done();
    sandbox.tix(&["schema", "apply"]).done();
    sandbox.tix(&["audit"]).done();
}

#[test]
fn store_of_version_2_migrates_and_passes_the_audit() {
    let sandbox = of_version_2();
    migrates(&sandbox, 2);
    let orders = sandbox.json("orders", &["order", "list", "--event", "hamlet"]);
    let statuses = orders["orders"].as_array().unwrap().iter().map(|order| &order["status"]);
    assert_eq!(statuses.collect::<Vec<_>>(), ["paid", "declined", "paid", "refunded"]);
    let search = ["event", "search", "zauberflöte"];
    assert_eq!(sandbox.json("event_search", &search)["total"], 1);
}

#[test]
fn migrated_store_goes_on_with_its_sale() {
    let sandbox = of_version_2();
    sandbox.tix(&["schema", "apply"]).done();
    let taken = ["hold", "start", "--event", "hamlet", "--seat", "Stalls/1/1", "--session", "kim"];
    sandbox.tix(&taken).ended(3, "taken: Stalls/1/1 is sold");
    let seat = ["hold", "start", "--event", "hamlet", "--seat", "Stalls/1/5", "--session", "kim"];
    let hold = sandbox.json("hold", &seat)["hold"]["hold_id"].as_str().unwrap().to_owned();
    sandbox.tix(&["hold", "confirm", &hold, "--session", "kim"]).done();
    sandbox.tix(&["worker", "--once"]).done();
    sandbox.tix(&["order", "cancel", "963R-779H-KJ72"]).done();
    sandbox.tix(&["audit"]).done();
}

#[test]
fn store_of_version_1_takes_every_step() {
    let sandbox = of_version_2();
    let connection = Connection::open(sandbox.path("tix.db")).unwrap();
    connection.execute_batch(BACK_TO_1).unwrap();
    drop(connection);
    sandbox.tix(&["audit"]).ended(1, "has schema version 1");
    migrates(&sandbox, 1);
    assert_eq!(sandbox.json("event_search", &["event", "search", "hamlet"])["total"], 1);
}

#[test]
fn store_of_a_later_version_is_refused_as_such() {
    let sandbox = of_version_2();
    let connection = Connection::open(sandbox.path("tix.db")).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    for command in [&["event", "list"][..], &["schema", "apply"], &["seed"]] {
        let answer = sandbox.tix(command).ended(1, "has schema version 99");
        assert!(answer.stderr.contains("needs a later tix"), "{}", answer.stderr);
    }
}
