//! `tix watch-cdc` on ScyllaDB, from another process.

use std::time::Duration;

use scylla::client::session_builder::SessionBuilder;
use scylla::statement::{Consistency, Statement};
use uuid::Uuid;

use crate::node;
use crate::own_node::OwnNode;
use crate::sandbox::Sandbox;
use crate::watch::Watching;

/// A store on the node of this run; none where there is none.
fn sandbox() -> Option<Sandbox> {
    node::url("tix_watch").map(Sandbox::with_store)
}

/// A slug of an event that no other test has.
fn slug() -> String {
    format!("hall-{}", Uuid::new_v4().simple())
}

/// What the next lines say: the change, the seat and the session.
fn lines(watching: &mut Watching, count: usize) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let mut line = || {
        let line = watching.json();
        format!("{} {} {}", text(&line["change"]), text(&line["seat"]), text(&line["session_id"]))
    };
    (0..count).map(|_| line()).collect()
}

/// How often the streams of the log have changed on this cluster.
#[tokio::main(flavor = "current_thread")]
async fn generations(node: &OwnNode) -> usize {
    let session = SessionBuilder::new().known_node(node.host()).build().await.unwrap();
    let mut select = Statement::new(
        "SELECT time FROM system_distributed.cdc_generation_timestamps WHERE key = 'timestamps'",
    );
    select.set_consistency(Consistency::One);
    session.query_unpaged(select, ()).await.unwrap().into_rows_result().unwrap().rows_num()
}

#[test]
fn a_sale_on_scylladb_shows_as_it_happens() {
    let Some(sandbox) = sandbox() else { return };
    let slug = slug();
    sandbox.seed(&["--slug", &slug, "--ttl", "20s"]);
    let event = ["--event", slug.as_str()];
    let standing = sandbox.hold_at(&event, "eve", &["Stalls/3/1"]);
    let mut watching = Watching::start(&sandbox, &["-o", "json", "--event", &slug]);
    sandbox.tix(&["hold", "abandon", &standing, "--session", "eve"]).done();
    sandbox.hold_at(&event, "ann", &["Stalls/1/1"]);
    let hold = sandbox.hold_at(&event, "bob", &["Balcony/2/4"]);
    sandbox.tix(&["hold", "confirm", &hold, "--session", "bob"]).done();
    let hold = sandbox.hold_at(&event, "cem", &["Stalls/1/2"]);
    sandbox.tix(&["hold", "abandon", &hold, "--session", "cem"]).done();
    let block = ["ticket", "block", "--event", &slug, "--seat", "Stalls/2/1", "--reason", "house"];
    sandbox.tix(&block).done();
    sandbox.tix(&["ticket", "unblock", "--event", &slug, "--seat", "Stalls/2/1"]).done();
    assert_eq!(
        lines(&mut watching, 10),
        [
            "abandoned Stalls/3/1 eve",
            "held Stalls/1/1 ann",
            "held Balcony/2/4 bob",
            "paying Balcony/2/4 bob",
            "sold Balcony/2/4 bob",
            "held Stalls/1/2 cem",
            "abandoned Stalls/1/2 cem",
            "blocked Stalls/2/1 -",
            "unblocked Stalls/2/1 -",
            "expired Stalls/1/1 ann",
        ]
    );
    assert_eq!(watching.signal("INT").code(), Some(0));
}

#[test]
fn a_watch_on_scylladb_is_resumed_after_its_last_line() {
    let Some(sandbox) = sandbox() else { return };
    let (slug, name) = (slug(), slug());
    sandbox.seed(&["--slug", &slug]);
    let event = ["--event", slug.as_str()];
    let watch = ["-o", "json", "--event", &slug, "--resume", &name];
    let hold = sandbox.hold_at(&event, "ann", &["Stalls/1/1"]);
    let mut watching = Watching::start(&sandbox, &watch);
    assert_eq!(lines(&mut watching, 1), ["held Stalls/1/1 ann"]);
    assert_eq!(watching.signal("INT").code(), Some(0));
    sandbox.tix(&["hold", "confirm", &hold, "--session", "ann"]).done();
    sandbox.hold_at(&event, "bob", &["Stalls/1/2"]);
    let mut watching = Watching::start(&sandbox, &watch);
    let since = ["paying Stalls/1/1 ann", "sold Stalls/1/1 ann", "held Stalls/1/2 bob"];
    assert_eq!(lines(&mut watching, 3), since);
    sandbox.hold_at(&event, "cem", &["Stalls/1/3"]);
    assert_eq!(lines(&mut watching, 1), ["held Stalls/1/3 cem"]);
}

/// Writes a row into the log that no statement on a ticket leaves: beside its keys it has only this
/// operation.
#[tokio::main(flavor = "current_thread")]
async fn damage_the_log(url: &str, operation: i8) {
    let (host, keyspace) = url.trim_start_matches("scylla://").split_once('/').unwrap();
    let session = SessionBuilder::new().known_node(host).build().await.unwrap();
    let log = format!("{keyspace}.order_queue_scylla_cdc_log");
    let select = format!("SELECT \"cdc$stream_id\" FROM {log} LIMIT 1");
    let rows = session.query_unpaged(select, ()).await.unwrap().into_rows_result().unwrap();
    let (stream,) = rows.first_row::<(Vec<u8>,)>().unwrap();
    let insert = format!(
        "INSERT INTO {log} (\"cdc$stream_id\", \"cdc$time\", \"cdc$batch_seq_no\",
             \"cdc$end_of_batch\", \"cdc$operation\", event_id, ticket_id)
         VALUES (?, now(), 0, true, ?, uuid(), uuid())"
    );
    session.query_unpaged(insert, (stream, operation)).await.unwrap();
}

#[test]
fn a_row_that_makes_no_sense_is_named_and_the_watch_goes_on() {
    let Some(url) = node::url("tix_watch_damaged") else { return };
    let sandbox = Sandbox::with_store(url.clone());
    let slug = slug();
    sandbox.seed(&["--slug", &slug]);
    let event = ["--event", slug.as_str()];
    let mut watching = Watching::start(&sandbox, &["-o", "json", "--event", &slug]);
    sandbox.hold_at(&event, "ann", &["Stalls/1/1"]);
    for (operation, fault) in [(2, "status is missing"), (42, "operation 42 is none")] {
        damage_the_log(&url, operation);
        watching.hear(fault);
    }
    sandbox.hold_at(&event, "bob", &["Stalls/1/2"]);
    assert_eq!(lines(&mut watching, 2), ["held Stalls/1/1 ann", "held Stalls/1/2 bob"]);
}

#[test]
fn a_watch_goes_on_when_its_node_was_restarted() {
    let Some(mut node) = OwnNode::start() else { return };
    let sandbox = Sandbox::with_store(node.url("tix"));
    sandbox.seed(&["--slug", "hall"]);
    let mut watching = Watching::start(&sandbox, &["-o", "json"]);
    sandbox.hold("ann", &["Stalls/1/1"]);
    assert_eq!(lines(&mut watching, 1), ["held Stalls/1/1 ann"]);
    // It may not have seen this one yet when the node goes.
    sandbox.hold("bob", &["Stalls/1/2"]);
    node.stop();
    watching.hear("the change log cannot be read just now");
    node.start_again();
    watching.hear("the change log is read again");
    sandbox.hold("cem", &["Stalls/1/3"]);
    let since = ["held Stalls/1/2 bob", "held Stalls/1/3 cem"];
    assert_eq!(lines(&mut watching, 2), since);
    assert_eq!(watching.signal("INT").code(), Some(0));
}

#[test]
fn a_watch_follows_the_log_to_new_streams() {
    let Some(node) = OwnNode::start() else { return };
    let sandbox = Sandbox::with_store(node.url("tix"));
    sandbox.seed(&["--slug", "hall"]);
    let mut watching = Watching::start(&sandbox, &["-o", "json", "--lag", "500ms"]);
    sandbox.hold("ann", &["Stalls/1/1"]);
    let before = generations(&node);
    // With another node the log gets other streams, from a time a little ahead on.
    let _other = node.join();
    assert!(generations(&node) > before, "the log has the streams it had");
    for (session, seat) in [("bob", "Stalls/1/2"), ("cem", "Stalls/1/3"), ("dan", "Stalls/1/4")] {
        sandbox.hold(session, &[seat]);
        std::thread::sleep(Duration::from_secs(2));
    }
    let told = [
        "held Stalls/1/1 ann",
        "held Stalls/1/2 bob",
        "held Stalls/1/3 cem",
        "held Stalls/1/4 dan",
    ];
    assert_eq!(lines(&mut watching, 4), told);
    assert_eq!(watching.signal("INT").code(), Some(0));
}
