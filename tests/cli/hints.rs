//! Every hint is a command that works there and then: each refusal and error is provoked, and what its
//! hint suggests is run on the same store.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use uuid::Uuid;

use crate::node;
use crate::sandbox::{Answer, Sandbox};

/// A store that is not the default one, with the show `event` and another one: what a hint leaves out
/// is missing.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) store: String,
    pub(crate) event: String,
}

/// A venue whose names need quotes in a shell.
const VENUE: &str =
    "section,type,price,rows,seats_per_row\nStalls,VIP,50,2,6\nAnn's Box,std,20,1,2\n";

impl Stage {
    pub(crate) fn new(store: Option<&str>, seed: &[&str]) -> Self {
        let store = store.unwrap_or("sqlite:my shows.db").to_owned();
        let event = format!("hall-{}", Uuid::new_v4().simple());
        let stage = Self { sandbox: Sandbox::new(), store, event };
        stage.sandbox.file("venue.csv", VENUE);
        let other = format!("other-{}", Uuid::new_v4().simple());
        stage.seed(&[&["--slug", &stage.event, "--date", "2031-01-01"], seed].concat());
        stage.seed(&["--slug", &other, "--date", "2031-01-02"]);
        stage
    }

    pub(crate) fn seed(&self, more: &[&str]) {
        let fixed = ["seed", "venue.csv", "--event", "Hall", "--limit", "6"];
        let limit = if more.contains(&"--limit") { &fixed[..4] } else { &fixed[..] };
        self.tix(&[limit, more].concat()).done();
    }

    pub(crate) fn tix(&self, arguments: &[&str]) -> Answer {
        self.sandbox.tix(&[arguments, &["--store", &self.store]].concat())
    }

    /// Runs a command on the event.
    pub(crate) fn on_event(&self, arguments: &[&str]) -> Answer {
        self.tix(&[arguments, &["--event", &self.event]].concat())
    }

    pub(crate) fn hold(&self, session: &str, more: &[&str]) -> String {
        let start = ["hold", "start", "--session", session, "-o", "json"];
        let held = self.on_event(&[&start[..], more].concat()).done();
        let held: serde_json::Value = serde_json::from_str(&held.stdout).unwrap();
        held["hold"]["hold_id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn block_all(&self, event: &str) {
        for section in ["Stalls", "Ann's Box"] {
            let block = ["ticket", "block", "--section", section, "--reason", "x"];
            self.tix(&[&block[..], &["--event", event]].concat()).done();
        }
    }

    /// Runs every command that an answer suggests; there must be as many.
    #[track_caller]
    pub(crate) fn suggests(&self, answer: &Answer, count: usize) {
        self.suggests_ending(answer, &vec![0; count]);
    }

    /// Runs every command that an answer suggests; they must end with these codes.
    #[track_caller]
    pub(crate) fn suggests_ending(&self, answer: &Answer, codes: &[i32]) {
        let commands = commands(&answer.stderr);
        assert_eq!(commands.len(), codes.len(), "{}", answer.stderr);
        for (command, code) in commands.into_iter().zip(codes) {
            let ran = self.run(command);
            assert_eq!(ran.code, Some(*code), "{command}: {}\nafter {}", ran.stderr, answer.stderr);
        }
    }

    /// Runs a command as a person does who copies it into a shell.
    pub(crate) fn run(&self, command: &str) -> Answer {
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_tix")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        for name in ["TIX_STORE", "TIX_SESSION", "TIX_BUYER"] {
            shell.env_remove(name);
        }
        // What follows or serves runs until it is stopped.
        let runs_on = command.starts_with("tix watch-cdc") || command.contains(" serve");
        let command = if runs_on { format!("timeout -s INT 2 {command}") } else { command.into() };
        let output = shell
            .args(["-c", &command])
            .env("PATH", path)
            .current_dir(self.sandbox.path(""))
            .output()
            .unwrap();
        Answer {
            // What `timeout` says of a command that it had to stop.
            code: output.status.code().map(|code| if runs_on && code == 124 { 0 } else { code }),
            ..Answer::of(&output)
        }
    }

    /// Runs the command below `Next` that begins so.
    #[track_caller]
    fn step(&self, answer: &Answer, begins: &str) {
        let command = next(&answer.stderr).into_iter().find(|command| command.starts_with(begins));
        let command = command.unwrap_or_else(|| panic!("{begins}: {}", answer.stderr));
        let ran = self.run(&command.replace("--buyers 1000", "--buyers 20"));
        assert_eq!(ran.code, Some(0), "{command}: {}", ran.stderr);
    }
}

/// The commands of the lines below `Next`.
pub(crate) fn next(text: &str) -> Vec<&str> {
    let (_, steps) = text.split_once("Next").unwrap();
    let lines = steps.lines().map(str::trim).filter(|line| line.starts_with("tix "));
    lines.map(|line| line.split("  ").next().unwrap()).collect()
}

/// The commands between backticks.
pub(crate) fn commands(text: &str) -> Vec<&str> {
    let parts = text.split('`').enumerate();
    parts.filter(|(at, part)| at % 2 == 1 && part.starts_with("tix ")).map(|(_, it)| it).collect()
}

/// Each refusal of a claim, of which nothing else was done on the event before.
fn claims(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let start = |more: &[&str]| stage.on_event(&[&["hold", "start"], more].concat());
    stage.suggests(&start(&["--seat", "Stalls/1/99"]).refused("unknown_seat"), 1);
    stage.suggests(&start(&["--seat", "Stalls/9/9"]).refused("unknown_seat"), 1);
    start(&["--best", "1", "--section", "Pit"]).refused("unknown_seat");
    start(&["--best", "1", "--type", "gold"]).ended(2, "no ticket there is of the type `gold`");
    stage.suggests(&start(&["--best", "4", "--section", "Ann's Box"]).refused("sold_out"), 1);
    stage.suggests(&start(&["--best", "4", "--type", "std"]).refused("sold_out"), 1);

    let stage = Stage::new(store, &[]);
    let start = |more: &[&str]| stage.on_event(&[&["hold", "start"], more].concat());
    let hold = stage.hold("ann", &["--seat", "Stalls/2/1", "--seat", "Stalls/2/2"]);
    stage.suggests(&start(&["--seat", "Stalls/2/1"]).refused("taken"), 1);
    let own = start(&["--seat", "Stalls/2/1", "--session", "ann"]).refused("taken");
    stage.suggests(&own, 1);
    let other = start(&["--seat", "stalls/2/1", "--session", "bob"]).refused("taken");
    stage.suggests(&other, 1);
    for (seat, reason) in [("Stalls/2/1", "taken"), ("Stalls/9/9", "unknown_seat")] {
        let block = ["ticket", "block", "--reason", "x", "--seat", seat];
        stage.suggests(&stage.on_event(&block).refused(reason), 1);
    }
    let again = ["hold", "confirm", &hold, "--session", "ann", "--payment-reference", "two"];
    stage.suggests(&stage.tix(&again).refused("already_paid"), 1);
}

fn limits(store: Option<&str>) {
    let stage = Stage::new(store, &["--limit", "5"]);
    let best = |count: &str, session: &str| {
        stage.on_event(&["hold", "start", "--best", count, "--session", session])
    };
    stage.suggests(&best("6", "ann").refused("limit"), 1);
    stage.suggests(&best("1", "ann").refused("limit"), 1);
    stage.hold("bob", &["--seat", "Ann's Box/1/1", "--seat", "Ann's Box/1/2"]);
    stage.suggests(&best("4", "bob").refused("limit"), 2);
    stage.hold("dan", &["--seat", "Stalls/2/1", "--seat", "Stalls/2/2"]);
    let seats = ["1", "2", "3", "4"].map(|seat| format!("stalls/1/{seat}"));
    let seats = seats.iter().flat_map(|seat| ["--seat", seat]);
    let named: Vec<&str> = ["hold", "start", "--session", "dan"].into_iter().chain(seats).collect();
    stage.suggests(&stage.on_event(&named).refused("limit"), 2);
    stage.suggests(&best("7", "cat").refused("limit"), 1);

    let stage = Stage::new(store, &["--limit", "5"]);
    let hold = || stage.hold("ann", &["--best", "2", "--section", "Stalls"]);
    let start = ["hold", "start", "--best", "5", "--section", "Ann's Box", "--session", "ann"];
    let elsewhere = stage.on_event(&start).refused("sold_out");
    assert!(elsewhere.stderr.contains("5 side by side are to be had"), "{}", elsewhere.stderr);
    hold();
    let beyond = stage.on_event(&start).refused("limit");
    assert!(!beyond.stderr.contains("are to be had"), "{}", beyond.stderr);
    stage.suggests(&beyond, 1);

    hold();
    let join = ["waitlist", "join", "--size", "4", "--session", "ann", "--section", "Stalls"];
    let beyond = stage.on_event(&join).refused("limit");
    assert!(beyond.stderr.contains("2 held until "), "{}", beyond.stderr);
    assert!(!beyond.stderr.contains("Z (hold "), "a time that people read: {}", beyond.stderr);
    assert!(beyond.stderr.contains("--size 3 --section Stalls"), "{}", beyond.stderr);
    stage.suggests(&beyond, 2);
}

fn nothing_left(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    stage.block_all(&stage.event);
    let start = |more: &[&str]| stage.on_event(&[&["hold", "start"], more].concat());
    let wait = |more: &[&str], options: &str| {
        let refused = start(more).refused("sold_out");
        let command = commands(&refused.stderr).concat();
        assert!(command.starts_with("tix waitlist join"), "{command}");
        assert!(command.contains(options), "{options}: {command}");
        stage.suggests(&refused, 1);
    };
    wait(&["--best", "2", "--session", "ann"], " --size 2 --session ann");
    wait(
        &["--best", "3", "--section", "Stalls", "--type", "vip"],
        "--size 3 --section Stalls --type vip",
    );
    // No row there is as long.
    wait(&["--best", "4", "--section", "Ann's Box", "--type", "std"], " --size 2 --section ");
    stage.suggests(&start(&["--seat", "Stalls/1/1"]).refused("blocked"), 1);
}

fn payments(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let hold = stage.hold("ann", &["--best", "2"]);
    let pay = |more: &[&str]| {
        let confirm = ["hold", "confirm", &hold, "--session", "ann"];
        stage.tix(&[&confirm[..], more].concat())
    };
    pay(&["--payment", "declined"]).refused("declined");
    let second = ["--payment", "declined", "--payment-reference", "another-card"];
    stage.suggests(&pay(&second).refused("declined"), 1);

    let stage = Stage::new(store, &["--ttl", "1s"]);
    let hold = stage.hold("ann", &["--best", "2"]);
    std::thread::sleep(Duration::from_millis(1500));
    let late = stage.tix(&["hold", "confirm", &hold, "--session", "ann"]).refused("expired");
    stage.suggests(&late, 1);
}

fn names(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let id = "01a22403-23fb-7271-a3b7-c53da45ab142";
    stage.suggests(&stage.tix(&["hold", "show", id]).refused("unknown_hold"), 1);
    stage.suggests(&stage.tix(&["hold", "show", "feed"]).refused("unknown_hold"), 1);
    stage.suggests(&stage.tix(&["order", "show", id]).refused("unknown_hold"), 1);
    stage.suggests(&stage.tix(&["order", "show", "7H3K-2M9P-QX4D"]), 1);
    stage.suggests(&stage.tix(&["order", "show", "?"]).ended(2, "neither the id"), 1);
    stage.suggests(&stage.tix(&["event", "show", "nope"]).refused("unknown_event"), 1);
    let leave = ["waitlist", "leave", "--session", "ann"];
    stage.suggests(&stage.on_event(&leave).ended(2, "is not on the waitlist"), 1);
    let leave = ["waitlist", "leave", "feed", "--session", "ann"];
    stage.suggests(&stage.tix(&leave).refused("unknown_hold"), 1);
    stage.suggests(&stage.tix(&["event", "search", "zzzz", "--city", "yyyy"]).done(), 1);
    for list in [&["order", "list"][..], &["order", "sales"], &["waitlist", "list"]] {
        stage.suggests(&stage.on_event(list).done(), 1);
    }
}

fn ends(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let hold = stage.hold("ann", &["--best", "1"]);
    stage.tix(&["hold", "abandon", &hold, "--session", "ann"]).done();
    for more in [&["--yes"][..], &[]] {
        let delete = stage.tix(&[&["event", "delete", &stage.event], more].concat());
        stage.suggests(&delete.refused("has_history"), 1);
    }

    let [gone, past] = ["gone", "past"].map(|name| format!("{name}-{}", Uuid::new_v4().simple()));
    stage.tix(&["event", "add", "Gone", "--slug", &gone, "--date", "2031-04-01"]).done();
    stage.suggests(&stage.tix(&["event", "delete", &gone]).ended(2, "not a simulated one"), 1);
    stage.seed(&["--slug", &past, "--date", "2020-01-01"]);
    let late = stage.tix(&["hold", "start", "--best", "1", "--event", &past]);
    stage.suggests(&late.refused("sale_closed"), 1);
}

/// Hints that are about no event in particular, in a store where a simulation was.
fn simulated(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let crowd = ["simulate", "--buyers", "20", "--seats", "20", "--speed", "max"];
    stage.tix(&[&crowd[..], &["--checkout-silent-share", "1"]].concat()).done();
    let holds = stage.tix(&["event", "list", "--simulated", "-o", "json"]).done().stdout;
    assert!(holds.contains("simulation-"), "{holds}");
    let act = |arguments: &[&str]| stage.tix(&[arguments, &["--session", "ann"]].concat());
    for refused in [
        act(&["hold", "confirm", "feed"]),
        act(&["hold", "abandon", "feed"]),
        act(&["waitlist", "leave", "feed"]),
        stage.tix(&["hold", "show", "feed"]),
        stage.tix(&["order", "show", "NJP9-6CNY-4PEX"]),
    ] {
        let refused = refused.refused("unknown_hold");
        assert!(!refused.stderr.contains("simulation-"), "{}", refused.stderr);
        stage.suggests(&refused, 1);
    }
}

fn next_steps(store: Option<&str>) {
    let stage = Stage::new(store, &[]);
    let slug = format!("next-{}", Uuid::new_v4().simple());
    let seed = ["seed", "venue.csv", "--slug", &slug, "--date", "2031-03-01"];
    let seeded = stage.tix(&seed).done();
    for step in ["tix watch-cdc", "tix hold start", "tix ticket map", "tix simulate"] {
        stage.step(&seeded, step);
    }
    let at = |arguments: &[&str]| stage.tix(&[arguments, &["--event", &slug]].concat()).done();
    // What is paid for cannot be abandoned: each step follows a request of its own.
    let join: &[&str] = &["waitlist", "join", "--session=-o'neil"];
    for session in ["--session=o'neil", "--session=-ann"] {
        let hold: &[&str] = &["hold", "start", "--best", "1", session];
        let join: &[&str] = &["waitlist", "join", session];
        for (request, step) in [
            (hold, "tix hold confirm"),
            (hold, "tix hold abandon"),
            (join, "tix hold confirm"),
            (join, "tix waitlist leave"),
        ] {
            stage.step(&at(request), step);
        }
    }
    let full = format!("full-{}", Uuid::new_v4().simple());
    stage.seed(&["--slug", &full, "--date", "2031-03-02"]);
    stage.block_all(&full);
    for step in ["tix waitlist list", "tix waitlist leave"] {
        stage.step(&stage.tix(&[join, &["--event", &full]].concat()).done(), step);
    }
}

/// Runs a check on both engines, on ScyllaDB where there is one.
fn on_each_engine(check: impl Fn(Option<&str>)) {
    check(None);
    if let Some(url) = node::url("tix_hints") {
        check(Some(&url));
    }
}

#[test]
fn commands_in_hints_of_refused_claims_work() {
    on_each_engine(claims);
}

#[test]
fn commands_in_hints_about_the_limit_work() {
    on_each_engine(limits);
}

#[test]
fn commands_in_hints_of_a_full_event_work() {
    on_each_engine(nothing_left);
}

#[test]
fn commands_in_hints_of_refused_payments_work() {
    on_each_engine(payments);
}

#[test]
fn commands_in_hints_about_names_work() {
    on_each_engine(names);
}

#[test]
fn commands_in_hints_of_sales_that_ended_work() {
    on_each_engine(ends);
}

#[test]
fn hints_name_no_simulated_event() {
    on_each_engine(simulated);
}

#[test]
fn suggested_next_steps_work() {
    on_each_engine(next_steps);
}

#[test]
fn commands_in_hints_work_without_a_usable_store() {
    let stage = |name: &str| Stage {
        sandbox: Sandbox::new(),
        store: format!("sqlite:{name}"),
        event: String::new(),
    };
    let missing = stage("missing.db");
    missing.suggests(&missing.tix(&["event", "list"]), 1);

    let empty = stage("empty.db");
    empty.tix(&["schema", "apply"]).done();
    empty.suggests(&empty.tix(&["hold", "list"]).refused("unknown_event"), 1);
    let empty = stage("empty.db");
    empty.tix(&["schema", "apply"]).done();
    empty.suggests(&empty.tix(&["event", "list"]).done(), 1);
    empty.tix(&["event", "add", "Later", "--date", "2031-01-01"]).done();
    let unminted = empty.tix(&["hold", "start", "--best", "1", "--event", "later"]);
    empty.suggests(&unminted.refused("sold_out"), 1);

    let old = stage("old.db");
    std::fs::copy("tests/stored/version_2.sqlite", old.sandbox.path("old.db")).unwrap();
    old.suggests(&old.tix(&["event", "list"]), 1);

    let later = stage("later.db");
    later.tix(&["schema", "apply"]).done();
    let store = rusqlite::Connection::open(later.sandbox.path("later.db")).unwrap();
    store.pragma_update(None, "user_version", 99).unwrap();
    for command in [["event", "list"], ["schema", "apply"], ["schema", "status"]] {
        later.suggests(&later.tix(&command).ended(1, "needs a later tix"), 0);
    }
}

#[test]
fn command_that_starts_a_server_listens_where_it_is_missed() {
    let stage = Stage::new(None, &[]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let target = format!("http://{address}");
    let missed = stage.tix(&["simulate", "--buyers", "5", "--target", &target]);
    let missed = missed.ended(1, "no server answers at");
    let start = commands(&missed.stderr)[0];
    assert!(start.contains(&format!("--listen {address}")), "{start}");
    stage.suggests(&missed, 1);
    let missed = stage.tix(&["simulate", "--buyers", "5", "--target", &format!("{target}/sale")]);
    stage.suggests(&missed.ended(1, "no server answers at"), 0);
}
