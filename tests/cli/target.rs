//! `tix simulate --target`: the same buyers through a running `tix serve`.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::sandbox::{Sandbox, unfolded};

/// A server that ends with the test that started it.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// Serves the store of a sandbox at a free port, with more arguments to `tix serve`.
    pub(crate) fn of(sandbox: &Sandbox, more: &[&str]) -> Self {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--rate-limit", "off"];
        let mut command = sandbox.command(&[&serve, more].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Rehearses through a server; the report has to be as promised and to add up.
fn rehearsed(sandbox: &Sandbox, server: &Server, more: &[&str]) -> Value {
    let rehearse = ["simulate", "--target", &server.url, "--seed", "7", "-q"];
    let report = sandbox.json("simulation_report", &[&rehearse, more].concat());
    assert_eq!(report["target"], server.url);
    assert_eq!(report["audit"]["passed"], true, "{:#}", report["audit"]);
    let buyers = &report["buyers"];
    let count = |what: &str| buyers[what].as_u64().unwrap();
    let left = ["bought", "gave_up", "silent", "crashed", "empty_handed"].map(count);
    assert_eq!(left.iter().sum::<u64>(), count("total"), "{buyers:#}");
    assert!(count("bought") > 0, "{report:#}");
    report
}

/// How many orders of the event of a rehearsal are paid.
fn paid(sandbox: &Sandbox, report: &Value) -> usize {
    let event = report["event_id"].as_str().unwrap();
    let orders = sandbox.json("orders", &["order", "list", "--event", event]);
    let orders = orders["orders"].as_array().unwrap().iter();
    orders.filter(|order| order["status"] == "paid").count()
}

/// How often operations of this name ended so.
fn counted(report: &Value, name: &str, outcome: &str) -> u64 {
    let operations = report["operations"].as_array().unwrap().iter();
    let mut of = operations.filter(|o| o["name"] == name && o["outcome"] == outcome);
    of.next().map_or(0, |operation| operation["count"].as_u64().unwrap())
}

#[test]
fn the_same_buyers_buy_through_a_server() {
    let sandbox = Sandbox::seeded();
    let server = Server::of(&sandbox, &[]);
    let report = rehearsed(&sandbox, &server, &["--buyers", "300", "--speed", "max"]);
    assert_eq!(report["buyers"]["total"], 300);
    assert_eq!(report["buyers"]["bought"], paid(&sandbox, &report));
    // Whoever was offered tickets in line reads the hold that he did not start.
    let told = counted(&report, "start_hold", "ok") + counted(&report, "hold", "ok");
    assert_eq!(report["holds"]["started"], told);
    assert_eq!(counted(&report, "serve_waitlist", "ok"), 0, "the server does that");
    let alone = ["simulate", "--buyers", "300", "--speed", "max", "--seed", "7", "-q"];
    let alone = sandbox.json("simulation_report", &alone);
    assert_eq!(alone["target"], Value::Null);
    assert_eq!(alone["scenario"], report["scenario"]);
}

#[test]
fn the_command_that_repeats_it_asks_the_same_server() {
    let sandbox = Sandbox::seeded();
    let server = Server::of(&sandbox, &[]);
    let rehearse = ["simulate", "--target", &server.url, "--buyers", "20", "--speed", "max"];
    let text = sandbox.tix(&rehearse).done().stdout;
    assert!(text.contains(&format!("server      {}", server.url)), "{text}");
    let text = unfolded(&text);
    let again = text.lines().find(|line| line.starts_with("  tix simulate")).unwrap();
    assert!(again.contains(&format!(" --target {}", server.url)), "{again}");
}

#[test]
fn who_waits_is_served_by_the_server() {
    let sandbox = Sandbox::seeded();
    let server = Server::of(&sandbox, &[]);
    let crowd = ["--buyers", "120", "--seats", "30", "--speed", "300", "--parties", "1:1"];
    let more = ["--waitlist-join-share", "1", "--arrival-window-seconds", "300"];
    let report = rehearsed(&sandbox, &server, &[&crowd[..], &more].concat());
    assert!(report["buyers"]["waitlisted"].as_u64().unwrap() > 0, "{:#}", report["buyers"]);
    assert!(report["buyers"]["served_from_waitlist"].as_u64().unwrap() > 0, "{report:#}");
}

#[test]
fn in_front_of_a_waiting_room_buyers_wait_their_turn() {
    let sandbox = Sandbox::seeded();
    let server = Server::of(&sandbox, &["--checkouts", "5", "--choose-time", "5s"]);
    let few = ["--buyers", "40", "--seats", "400", "--speed", "600"];
    let report = rehearsed(&sandbox, &server, &few);
    assert_eq!(report["buyers"]["total"], 40);
}

#[test]
fn while_much_goes_wrong_on_the_way_the_sale_stays_sound() {
    let sandbox = Sandbox::seeded();
    let server = Server::of(&sandbox, &[]);
    let report = rehearsed(&sandbox, &server, &["--buyers", "200", "--speed", "max", "--faults"]);
    assert!(report["faults"]["answers_lost"].as_u64().unwrap() > 0, "{:#}", report["faults"]);
}

#[test]
fn where_nobody_listens_that_is_said_and_nothing_is_made() {
    let sandbox = Sandbox::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let answer = sandbox.tix(&["simulate", "--target", &url, "--buyers", "20"]);
    let told = answer.ended(1, &format!("no server answers at {url}")).stderr;
    assert!(told.contains("tix serve"), "{told}");
    assert!(!sandbox.path("tix.db").exists());
}

#[test]
fn a_server_of_another_store_is_not_sold_from() {
    let (sandbox, other) = (Sandbox::seeded(), Sandbox::seeded());
    let server = Server::of(&other, &[]);
    let answer = sandbox.tix(&["simulate", "--target", &server.url, "--buyers", "20"]);
    let told = answer.ended(2, "does not serve sqlite:tix.db").stderr;
    assert!(told.contains("`tix --store sqlite:tix.db serve`"), "{told}");
    let events = sandbox.json("events", &["event", "list", "--simulated"]);
    let left =
        events["events"].as_array().unwrap().iter().filter(|event| event["simulated"] == true);
    assert_eq!(left.count(), 0, "{events}");
}

#[test]
fn a_target_is_the_url_of_a_server_and_of_this_time() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["simulate", "--target", "127.0.0.1:8080"]).ended(2, "http://127.0.0.1:8080");
    let target = ["simulate", "--target", "http://127.0.0.1:1"];
    sandbox.tix(&[&target[..], &["--virtual-time"]].concat()).ended(2, "cannot be used with");
    sandbox.tix(&[&target[..], &["--plan", "-"]].concat()).ended(2, "cannot be used with");
}
