//! Hints about stores that are damaged, clocks that jumped, bounds that are reached and options that
//! make no sense; and how to remove what rehearsals leave.

use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use scylla::client::session_builder::SessionBuilder;
use tix::clock::{Clock, SystemClock};
use uuid::Uuid;

use crate::hints::{Stage, commands, next};
use crate::node;
use crate::sandbox::{Answer, Sandbox, unfolded};
use crate::target::Server;

/// Runs a check on both engines; on ScyllaDB, where there is one, in a keyspace of its own.
fn on_each_engine(keyspace: &str, check: impl Fn(Option<&str>)) {
    check(None);
    if let Some(url) = node::url(keyspace) {
        check(Some(&url));
    }
}

impl Stage {
    /// Changes rows of the store directly.
    fn tamper(&self, sql: &str, cql: &str) {
        match self.store.strip_prefix("scylla://") {
            None => {
                let file = self.store.strip_prefix("sqlite:").unwrap();
                let store = rusqlite::Connection::open(self.sandbox.path(file)).unwrap();
                store.execute_batch(sql).unwrap();
            }
            Some(place) => {
                let (node, keyspace) = place.split_once('/').unwrap();
                run_cql(node, keyspace, cql);
            }
        }
    }

    /// Pays for a seat; returns the ids of the hold and of the order.
    fn buy(&self, session: &str, more: &[&str]) -> (String, String) {
        let hold = self.hold(session, more);
        let confirm = ["hold", "confirm", &hold, "--session", session, "-o", "json"];
        let order: serde_json::Value =
            serde_json::from_str(&self.tix(&confirm).done().stdout).unwrap();
        (hold, order["order"]["order_id"].as_str().unwrap().to_owned())
    }

    /// Expects an answer with a report that ends with this code.
    #[track_caller]
    fn reports(&self, arguments: &[&str], code: i32) -> Answer {
        let answer = self.tix(arguments);
        assert_eq!(answer.code, Some(code), "{}", answer.stderr);
        answer
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run_cql(node: &str, keyspace: &str, cql: &str) {
    let session = SessionBuilder::new().known_node(node).build().await.unwrap();
    session.use_keyspace(keyspace, false).await.unwrap();
    session.query_unpaged(cql, ()).await.unwrap();
}

fn violation(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let (_, order) = stage.buy("ann", &["--best", "2"]);
    stage.tamper(
        "UPDATE orders SET status = 'refunded'",
        &format!("UPDATE orders SET status = 'refunded' WHERE order_id = {order}"),
    );
    let audit = stage.reports(&["audit", "--event", &stage.event], 4);
    stage.suggests(&audit, 1);
    // The buyers come again to an event that is still damaged.
    let simulate =
        ["simulate", "--buyers", "5", "--speed", "max", "--yes", "--event", &stage.event];
    let rehearsal = stage.reports(&simulate, 4);
    stage.suggests_ending(&rehearsal, &[0, 4]);
}

fn corrupt_row(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let hold = stage.hold("ann", &["--best", "2"]);
    stage.tamper(
        "UPDATE holds SET ended_as = 'vanished'",
        &format!("UPDATE holds SET ended_as = 'vanished' WHERE hold_id = {hold}"),
    );
    let shown = stage.tix(&["hold", "show", &hold]).ended(1, "`vanished`");
    stage.suggests_ending(&shown, &[4]);
}

fn clock(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let machine = SystemClock.machine_time().boot;
    let ago = Timestamp::now().as_millisecond() - 960_000;
    stage.tamper(
        "UPDATE store_clock SET newest = newest - 960000, clock_us = clock_us - 960000000,
                                time_us = time_us - 960000000",
        &format!("UPDATE store_clock SET at = {ago} WHERE name = 'machine-{machine}'"),
    );
    let start = ["hold", "start", "--best", "1", "--event", &stage.event];
    let refused = stage.tix(&start).ended(1, "the clock jumped ahead");
    stage.reports(&["schema", "clock"], 1);
    stage.suggests(&refused, 1);
    stage.tix(&start).done();
}

fn bounds(store: Option<&str>) {
    let stage = Stage::new(store, &["--limit", "6"]);
    stage.block_all(&stage.event);
    let wishes = ["", "--section=Stalls", "--type=VIP"].into_iter();
    let wishes = wishes.flat_map(|within| ["1", "2", "3", "4", "5"].map(|size| (within, size)));
    let joined: Vec<Answer> = wishes
        .map(|(within, size)| {
            let join = ["waitlist", "join", "--size", size, "--session", "ann", within];
            stage.on_event(&join.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>())
        })
        .collect();
    let refused: Vec<&Answer> = joined.iter().filter(|answer| answer.code == Some(3)).collect();
    assert_eq!(refused.len(), 5, "10 entries wait");
    assert!(refused[0].stderr.contains("error: waitlist_limit: "), "{}", refused[0].stderr);
    stage.suggests(refused[0], 1);

    let stage = Stage::new(store, &["--limit", "2"]);
    stage.buy("ann", &["--best", "2"]);
    let start = ["hold", "start", "--best", "1", "--session", "ann"];
    stage.suggests(&stage.on_event(&start).refused("limit"), 1);
    stage.buy("bob", &["--best", "2"]);
    let join = ["waitlist", "join", "--size", "1", "--session", "bob"];
    stage.suggests(&stage.on_event(&join).refused("limit"), 1);
}

fn waiting(store: Option<&str>) {
    let stage = Stage::new(store, &["--ttl", "6s"]);
    stage.hold("bob", &["--seat", "Ann's Box/1/1", "--seat", "Ann's Box/1/2"]);
    let join = ["waitlist", "join", "--size", "1", "--section", "Ann's Box", "--session", "ann"];
    stage.on_event(&join).done();
    std::thread::sleep(Duration::from_millis(6500));
    let start = ["hold", "start", "--seat", "Ann's Box/1/1", "--session", "cem"];
    stage.suggests(&stage.on_event(&start).refused("reserved_for_waitlist"), 1);
}

fn references(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let pay = |hold: &str, more: &[&str]| {
        let confirm = ["hold", "confirm", hold, "--session", "ann", "--payment-reference", "one"];
        stage.tix(&[&confirm[..], more].concat())
    };
    let [first, second] = [["--best", "1"]; 2].map(|best| stage.hold("ann", &best));
    pay(&first, &["--payment", "declined"]).refused("declined");
    stage.suggests(&pay(&second, &[]).refused("idempotency_mismatch"), 1);
    let orders = stage.on_event(&["order", "list", "-o", "json"]).done();
    let orders: serde_json::Value = serde_json::from_str(&orders.stdout).unwrap();
    let orders = orders["orders"].as_array().unwrap();
    let declined = orders.iter().find(|order| order["status"] == "declined").unwrap();
    let cancel = ["order", "cancel", declined["order_id"].as_str().unwrap()];
    stage.suggests(&stage.tix(&cancel).refused("declined"), 1);
}

fn prefixes(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let both = stage.event.get(..5).unwrap();
    let twin = format!("{both}{}", Uuid::new_v4().simple());
    stage.seed(&["--slug", &twin, "--date", "2031-02-01"]);
    stage.suggests(&stage.tix(&["event", "show", both]).ended(2, "could be several events"), 1);
    let holds = [["--best", "1"]; 2].map(|best| stage.hold("ann", &best));
    let start = holds[0].get(..8).unwrap();
    assert_eq!(start, holds[1].get(..8).unwrap(), "the time is what ids begin with");
    stage.suggests(&stage.tix(&["hold", "show", start]).ended(2, "could be several holds"), 1);
    stage.block_all(&twin);
    let join = |size: &str| {
        let join = ["waitlist", "join", "--size", size, "--session", "ann", "-o", "json"];
        let entry = stage.tix(&[&join[..], &["--event", &twin]].concat()).done();
        let entry: serde_json::Value = serde_json::from_str(&entry.stdout).unwrap();
        entry["entry"]["entry_id"].as_str().unwrap().to_owned()
    };
    let entries = ["1", "2"].map(join);
    let leave = ["waitlist", "leave", entries[0].get(..6).unwrap(), "--session", "ann"];
    stage.suggests(&stage.tix(&leave).ended(2, "could be several entries"), 1);
}

fn lists(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    stage.suggests(&stage.on_event(&["hold", "list"]).done(), 1);
    let unminted = format!("unminted-{}", Uuid::new_v4().simple());
    stage.tix(&["event", "add", "Later", "--slug", &unminted, "--date", "2031-05-01"]).done();
    stage.suggests(&stage.tix(&["ticket", "map", "--event", &unminted]).done(), 1);
    let simulate = ["simulate", "--event", &unminted, "--yes", "--buyers", "5"];
    stage.suggests(&stage.tix(&simulate).ended(2, "is not minted"), 1);
}

fn repeated(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let simulate =
        ["simulate", "--buyers", "5", "--seats", "20", "--speed", "max", "--repeat", "3"];
    let rehearsed = stage.tix(&simulate).done();
    let removals = next(&rehearsed.stderr);
    assert_eq!(removals.len(), 3, "{}", rehearsed.stderr);
    for removal in removals {
        assert!(removal.starts_with("tix event delete "), "{removal}");
        assert_eq!(stage.run(removal).code, Some(0), "{removal}");
        assert_eq!(stage.run(removal).code, Some(3), "{removal}");
    }
    let in_memory =
        ["simulate", "--buyers", "5", "--seats", "20", "--virtual-time", "--repeat", "2"];
    let in_memory = stage.sandbox.tix(&in_memory).done();
    assert!(!in_memory.stderr.contains("Next"), "it leaves nothing");
}

fn report(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    for more in [&["--seats", "20"][..], &["--event", &stage.event, "--yes"]] {
        let simulate = ["simulate", "--buyers", "5", "--speed", "max"];
        let rehearsed = stage.tix(&[&simulate[..], more].concat()).done();
        let text = unfolded(&rehearsed.stdout);
        let steps = next(&text);
        assert_eq!(steps.len(), 3, "{}", rehearsed.stdout);
        for step in steps {
            assert_eq!(stage.run(step).code, Some(0), "{step}");
        }
    }
}

#[test]
fn commands_at_the_end_of_a_report_work() {
    on_each_engine("tix_hints", report);
}

#[test]
fn command_that_makes_a_missed_audit_works() {
    let stage = Stage::new(None, &[]);
    let simulate = ["simulate", "--buyers", "50000", "--seats", "500", "--store-wait", "1s"];
    let mut command = stage.sandbox.command(&[&simulate[..], &["--store", &stage.store]].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let [file, away] = ["my shows.db", "away.db"].map(|name| stage.sandbox.path(name));
    let has_sold = || {
        let store = rusqlite::Connection::open(&file).unwrap();
        let sold = "SELECT EXISTS (SELECT 1 FROM change_log WHERE change = 'sold')";
        store.query_row(sold, [], |row| row.get::<_, bool>(0)).unwrap()
    };
    while !has_sold() {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::fs::rename(&file, &away).unwrap();
    let rehearsed = Answer::of(&child.wait_with_output().unwrap());
    std::fs::rename(&away, &file).unwrap();
    assert_eq!(rehearsed.code, Some(1), "{}", rehearsed.stderr);
    let audit = commands(&rehearsed.stderr)[0];
    assert!(audit.starts_with("tix audit --event "), "{audit}");
    assert_eq!(stage.run(audit).code, Some(0), "{audit}");
}

#[test]
fn commands_in_hints_of_an_audit_violation_work() {
    on_each_engine("tix_hints_violation", violation);
}

#[test]
fn commands_in_hints_of_a_corrupt_row_work() {
    on_each_engine("tix_hints_corrupt", corrupt_row);
}

#[test]
fn commands_in_hints_about_the_clock_work() {
    on_each_engine("tix_hints_clock", clock);
}

#[test]
fn commands_in_hints_about_reached_bounds_work() {
    on_each_engine("tix_hints", bounds);
}

#[test]
fn commands_in_hints_about_buyers_who_wait_work() {
    on_each_engine("tix_hints", waiting);
}

#[test]
fn commands_in_hints_about_payment_references_work() {
    on_each_engine("tix_hints", references);
}

#[test]
fn commands_in_hints_about_prefixes_work() {
    on_each_engine("tix_hints", prefixes);
}

#[test]
fn commands_in_hints_about_empty_lists_work() {
    on_each_engine("tix_hints", lists);
}

#[test]
fn suggested_removal_of_repeated_rehearsals_works() {
    on_each_engine("tix_hints", repeated);
}

#[test]
fn commands_in_hints_about_options_work() {
    let stage = Stage::new(None, &[]);
    let history = ["audit", "--history", "missing.jsonl"];
    stage.suggests(&stage.tix(&history).ended(2, "could not read the history"), 1);
    let sweep = ["sweep", "--vary", "nothing=1,2"];
    stage.suggests(&stage.tix(&sweep).ended(2, "there is no parameter"), 1);
    let crowd = ["simulate", "--buyers", "5", "--parties", "1:0.5"];
    stage.suggests(&stage.tix(&crowd).ended(2, ""), 1);
}

#[test]
fn commands_in_hints_about_an_old_schema_work() {
    let stage =
        Stage { sandbox: Sandbox::new(), store: "sqlite:old.db".into(), event: String::new() };
    std::fs::copy("tests/stored/version_2.sqlite", stage.sandbox.path("old.db")).unwrap();
    stage.suggests(&stage.reports(&["schema", "status"], 1), 1);
    stage.reports(&["schema", "status"], 0);
}

#[test]
fn command_that_fills_a_watched_store_works() {
    let stage =
        Stage { sandbox: Sandbox::new(), store: "sqlite:to come.db".into(), event: String::new() };
    let watched = stage.run("tix watch-cdc --store 'sqlite:to come.db'");
    assert!(watched.stderr.contains("nothing to watch"), "{}", watched.stderr);
    stage.suggests(&watched, 1);
}

#[test]
fn file_that_is_no_store_has_a_hint_without_a_command() {
    let stage =
        Stage { sandbox: Sandbox::new(), store: "sqlite:notes.txt".into(), event: String::new() };
    stage
        .sandbox
        .file("notes.txt", "not a database at all, but long enough to be read as one\n".repeat(99));
    for command in [&["event", "list"][..], &["audit"]] {
        stage.suggests(&stage.tix(command).ended(1, "name another path with --store"), 0);
    }
}

#[test]
fn damaged_file_has_a_hint_without_a_command() {
    let stage = Stage::new(None, &[]);
    stage.hold("ann", &["--best", "2"]);
    let file = stage.sandbox.path("my shows.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // All pages but the first, which has the schema.
    bytes[4096..].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    for command in [&["hold", "list", "--event", &stage.event][..], &["audit"]] {
        let broken = stage.tix(command).ended(1, "database disk image is malformed");
        assert!(broken.stderr.contains(".recover of sqlite3"), "{}", broken.stderr);
        stage.suggests(&broken, 0);
    }
}

#[test]
fn command_that_starts_the_server_of_a_store_works() {
    let stage = Stage::new(None, &[]);
    let other = Sandbox::seeded();
    let server = Server::of(&other, &[]);
    let simulate = ["simulate", "--buyers", "5", "--speed", "max", "--target", &server.url];
    let refused = stage.tix(&simulate).ended(2, "does not serve");
    let start = commands(&refused.stderr)[0].replace(" serve", " serve --listen 127.0.0.1:0");
    let started = stage.run(&start);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    assert!(started.stdout.starts_with("http://127.0.0.1:"), "{}", started.stdout);
}

#[test]
fn command_that_repeats_interrupted_runs_works() {
    let stage = Stage::new(None, &[]);
    let runs = ["simulate", "--virtual-time", "--buyers", "200", "--repeat", "40"];
    let mut command = stage.sandbox.command(&runs);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let interrupt = ["-s", "INT", &child.id().to_string()];
    assert!(std::process::Command::new("kill").args(interrupt).status().unwrap().success());
    let interrupted = Answer::of(&child.wait_with_output().unwrap());
    assert_eq!(interrupted.code, Some(130), "{}", interrupted.stderr);
    stage.suggests(&interrupted, 1);
}
