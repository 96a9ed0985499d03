//! Keyspaces that an earlier version made: refused until they are migrated, then used like any other.
//!
//! `tests/stored/version_2.cql` has one of schema version 2, and says how its times work.

use std::fmt::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;

use crate::node;
use crate::sandbox::{Answer, Sandbox};
use crate::stored::migrates;
use crate::watch::Watching;

/// A keyspace of schema version 2.
const VERSION_2: &str = include_str!("../stored/version_2.cql");

/// From before the oldest row of [`VERSION_2`] to its end.
const SPAN: Duration = Duration::from_secs(11);

/// The events of [`VERSION_2`], by their start.
const EVENTS: [&str; 6] = [
    "macbeth-2025-06-01",
    SIMULATED,
    "hamlet-2035-05-01",
    "die-zauberflöte-2035-06-01",
    "othello-2035-07-01",
    "faust-2035-08-01",
];
const SIMULATED: &str = "simulation-7-fdfb5be1";

/// What version 2 did not have yet.
const BACK_TO_2: [&str; 8] = [
    "ALTER TABLE tickets DROP aisle_after",
    "DROP TABLE payment_references",
    "DROP TABLE waitlist_counts",
    "DROP TABLE deleted_events",
    "DROP TABLE events_sold_late",
    "DROP TABLE store_clock",
    "ALTER TABLE waitlist DROP offering",
    "UPDATE schema_version SET version = 2 WHERE component = 'tix' IF EXISTS",
];

/// A stored keyspace, and a session in it.
struct Stored {
    sandbox: Sandbox,
    session: Session,
    keyspace: &'static str,
}

impl Stored {
    /// An empty keyspace of this name; none where there is no ScyllaDB.
    async fn empty(keyspace: &'static str) -> Option<Self> {
        let url = node::url(keyspace)?;
        let (host, _) = url.trim_start_matches("scylla://").split_once('/').unwrap();
        let session = SessionBuilder::new().known_node(host).build().await.unwrap();
        let stored = Self { sandbox: Sandbox::with_store(url), session, keyspace };
        stored.run(&format!("DROP KEYSPACE IF EXISTS {keyspace}")).await;
        let copies = "{'class': 'NetworkTopologyStrategy', 'replication_factor': 1}";
        let tablets = "{'enabled': false}";
        let create = format!(
            "CREATE KEYSPACE {keyspace} WITH replication = {copies} AND tablets = {tablets}"
        );
        stored.run(&create).await;
        stored.session.use_keyspace(keyspace, false).await.unwrap();
        Some(stored)
    }

    /// A keyspace of version 2, written just now; none where there is no ScyllaDB.
    async fn of_version_2(keyspace: &'static str) -> Option<Self> {
        let stored = Self::empty(keyspace).await?;
        let lines = VERSION_2.lines().filter(|line| !line.starts_with("--"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let statements = text.split(";\n").map(str::trim).filter(|text| !text.is_empty());
        let (schema, rows): (Vec<_>, Vec<_>) =
            statements.partition(|statement| statement.starts_with("CREATE"));
        for statement in schema {
            stored.run(statement).await;
        }
        // No row is older than its table, nor a change than the streams of the log.
        tokio::time::sleep(SPAN).await;
        let now = stored.number("SELECT toUnixTimestamp(now()) FROM system.local").await;
        for statement in rows {
            stored.run(&at(statement, now)).await;
        }
        Some(stored)
    }

    async fn run(&self, statement: &str) {
        let done = self.session.query_unpaged(statement, ()).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// The one number that a query returns.
    async fn number(&self, query: &str) -> i64 {
        let answer = self.session.query_unpaged(query, ()).await.unwrap();
        answer.into_rows_result().unwrap().single_row::<(i64,)>().unwrap().0
    }

    /// Everything that makes up the schema, and when its version was written.
    async fn schema(&self) -> (Vec<String>, i64) {
        let describe = format!("DESCRIBE KEYSPACE {}", self.keyspace);
        let answer = self.session.query_unpaged(describe, ()).await.unwrap();
        let rows = answer.into_rows_result().unwrap();
        let rows = rows.rows::<(String, String, String, String)>().unwrap();
        let text = rows.map(|row| row.unwrap().3).collect();
        (text, self.number("SELECT WRITETIME(version) FROM schema_version").await)
    }

    async fn has_table(&self, table: &str) -> bool {
        let query = "SELECT table_name FROM system_schema.tables
                      WHERE keyspace_name = ? AND table_name = ?";
        let answer = self.session.query_unpaged(query, (self.keyspace, table)).await.unwrap();
        answer.into_rows_result().unwrap().rows_num() == 1
    }

    fn migration(&self) -> Child {
        let mut command = self.sandbox.command(&["schema", "apply"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The hold that a session has of an event.
    fn hold_of(&self, event: &str, session: &str) -> String {
        let holds = self.sandbox.json("holds", &["hold", "list", "--event", event]);
        let holds = holds["holds"].as_array().unwrap();
        let hold = holds.iter().find(|hold| hold["session_id"] == session).unwrap();
        hold["hold_id"].as_str().unwrap().to_owned()
    }

    /// Of everything that a command lists, the values of one field.
    fn listed(&self, (schema, list, field): (&str, &str, &str), command: &[&str]) -> Vec<String> {
        let document = self.sandbox.json(schema, command);
        let rows = document[list].as_array().unwrap();
        rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
    }

    fn orders(&self, event: &str) -> Vec<String> {
        self.listed(("orders", "orders", "status"), &["order", "list", "--event", event])
    }

    /// Tickets of an event: available, held, paying, sold and blocked.
    fn counts(&self, event: &str) -> [u64; 5] {
        let counts = self.sandbox.json("ticket_counts", &["ticket", "counts", "--event", event]);
        ["available", "held", "paying", "sold", "blocked"].map(|status| {
            let sections = counts["sections"].as_array().unwrap();
            sections.iter().map(|section| section[status].as_u64().unwrap()).sum()
        })
    }
}

/// A statement with the times that it has where the text ends `now`, in milliseconds since 1970.
fn at(statement: &str, now: i64) -> String {
    let mut parts = statement.split('@');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (offset, rest) = part.split_at(part.find(char::is_alphabetic).unwrap());
        let offset: i64 = offset.parse().unwrap();
        let (unit, rest) = rest.split_at(2);
        let time = match unit {
            "ms" => now + offset,
            "us" => now * 1000 + offset,
            _ => panic!("{statement}"),
        };
        write!(text, "{time}{rest}").unwrap();
    }
    text
}

#[tokio::test]
async fn keyspace_of_version_2_migrates_and_passes_the_audit() {
    let Some(stored) = Stored::of_version_2("tix_stored").await else { return };
    migrates(&stored.sandbox, 2);
    let schema = stored.schema().await;
    stored.sandbox.tix(&["schema", "apply"]).done();
    assert_eq!(stored.schema().await, schema);
    let slugs = stored.listed(("events", "events", "slug"), &["event", "list", "--simulated"]);
    assert_eq!(slugs, EVENTS);
    assert_eq!(stored.orders("hamlet"), ["paid", "paid", "declined", "paid", "refunded"]);
    assert_eq!(stored.orders("die-zauber"), ["aborted"]);
    assert_eq!(stored.counts("hamlet"), [11, 8, 1, 4, 2]);
    assert_eq!(stored.counts("macbeth"), [3, 1, 0, 1, 0]);
    let waitlist = ["waitlist", "list", "--event", "hamlet"];
    let statuses = stored.listed(("waitlist", "entries", "status"), &waitlist);
    assert_eq!(statuses[..2], ["offered", "offered"]);
    assert_eq!(statuses[2..], ["waiting"; 11]);
    let search = ["event", "search", "zauberflöte"];
    assert_eq!(stored.sandbox.json("event_search", &search)["total"], 1);
}

#[tokio::test]
async fn migrated_keyspace_goes_on_with_its_sale() {
    let Some(stored) = Stored::of_version_2("tix_stored_sale").await else { return };
    let sandbox = &stored.sandbox;
    sandbox.tix(&["schema", "apply"]).done();
    // The log goes back to before the migration, for the follower that was stopped then as well.
    for (from, name, first) in [
        ("--from", "start", ["held", "Stalls/1/1", "ida"]),
        ("--resume", "board", ["aborted", "Stalls/1/4", "jim"]),
    ] {
        let mut watching = Watching::start(sandbox, &["-o", "json", from, name]);
        let change = watching.json();
        let change = ["change", "seat", "session_id"].map(|name| change[name].as_str().unwrap());
        assert_eq!(change, first);
        watching.signal("INT");
    }
    let hamlet = ["--event", "hamlet"];
    let start = |event, seat| {
        sandbox.tix(&["hold", "start", "--event", event, "--seat", seat, "--session", "kim"])
    };
    start("hamlet", "Stalls/1/1").ended(3, "taken: Stalls/1/1 is sold");
    start("macbeth", "Pit/1/3").ended(3, "the sale closed when the event began");
    let pay = |hold: &str, session| sandbox.tix(&["hold", "confirm", hold, "--session", session]);
    // A hold of before the migration, and a payment that was under way then.
    for (event, session) in [("hamlet", "eve"), ("hamlet", "kai"), ("macbeth", "moe")] {
        pay(&stored.hold_of(event, session), session).done();
    }
    pay(&sandbox.hold_at(&hamlet, "kim", &["Stalls/1/5"]), "kim").done();
    pay(&sandbox.hold_at(&["--event", "othello"], "kim", &["Café/1/2"]), "kim").done();
    // Two orders of one payment reference: each is repeated by its own hold, one is refunded.
    let orders = sandbox.json("orders", &["order", "list", "--event", "hamlet"]);
    for order in &orders["orders"].as_array().unwrap()[..2] {
        let hold = order["hold_id"].as_str().unwrap();
        let repeat = ["hold", "confirm", hold, "--session", "ann", "--payment-reference", "card-1"];
        assert_eq!(sandbox.json("order", &repeat)["order"]["order_id"], order["order_id"]);
    }
    let refunded = orders["orders"][1]["confirmation_number"].as_str().unwrap();
    sandbox.tix(&["order", "cancel", refunded]).done();
    // The buyer of eleven entries is counted from the migration on.
    let wait = ["waitlist", "join", "--event", "hamlet", "--section", "Balcony", "--size", "2"];
    let buyer = ["--buyer", "5a5a5a5a-1111-4222-8333-444444444444", "--session", "una-12"];
    sandbox.tix(&[&wait[..], &buyer].concat()).done();
    sandbox
        .tix(&["hold", "abandon", &stored.hold_of("hamlet", "grp2"), "--session", "grp2"])
        .done();
    sandbox.tix(&["worker", "--once"]).done();
    stored.hold_of("hamlet", "una-1");
    assert_eq!(stored.orders("die-zauber"), ["aborted", "aborted"]);
    let statuses = ["paid", "refunded", "declined", "paid", "refunded", "paid", "paid", "paid"];
    assert_eq!(stored.orders("hamlet"), statuses);
    sandbox.tix(&["event", "delete", SIMULATED]).done();
    sandbox.tix(&["ticket", "counts", "--event", SIMULATED]).refused("unknown_event");
    sandbox.tix(&["audit"]).done();
}

#[tokio::test]
async fn keyspace_is_migrated_by_several_at_once() {
    let Some(stored) = Stored::of_version_2("tix_stored_at_once").await else { return };
    for round in 0..4 {
        if round > 0 {
            for statement in BACK_TO_2 {
                stored.run(statement).await;
            }
        }
        let migrations: Vec<Child> = (0..4).map(|_| stored.migration()).collect();
        for migration in migrations {
            Answer::of(&migration.wait_with_output().unwrap()).done();
        }
    }
    stored.sandbox.tix(&["schema", "status"]).done();
    stored.sandbox.tix(&["audit"]).done();
}

#[tokio::test]
async fn migration_killed_half_way_is_completed() {
    let Some(stored) = Stored::of_version_2("tix_stored_killed").await else { return };
    for table in ["payment_references", "waitlist_counts", "deleted_events"] {
        let mut migration = stored.migration();
        while !stored.has_table(table).await {
            let ended = migration.try_wait().unwrap();
            assert_eq!(ended, None, "it ended before it made {table}");
        }
        migration.kill().unwrap();
        migration.wait().unwrap();
        stored.sandbox.tix(&["event", "list"]).ended(1, "has schema version 2");
    }
    migrates(&stored.sandbox, 2);
    assert_eq!(stored.orders("hamlet"), ["paid", "paid", "declined", "paid", "refunded"]);
}

#[tokio::test]
async fn keyspace_of_a_later_version_is_refused_and_kept() {
    let Some(stored) = Stored::empty("tix_stored_later").await else { return };
    stored.sandbox.tix(&["schema", "apply"]).done();
    // What a later version may have dropped.
    for statement in
        ["DROP TABLE store_clock", "UPDATE schema_version SET version = 99 WHERE component = 'tix'"]
    {
        stored.run(statement).await;
    }
    let schema = stored.schema().await;
    for command in [&["event", "list"][..], &["schema", "apply"], &["seed"]] {
        let answer = stored.sandbox.tix(command).ended(1, "has schema version 99");
        assert!(answer.stderr.contains("needs a later tix"), "{}", answer.stderr);
    }
    assert_eq!(stored.schema().await, schema);
}
