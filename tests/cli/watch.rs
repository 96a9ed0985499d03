//! `tix watch-cdc`, from another process.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sandbox::{Sandbox, steady};

/// A watch that is under way.
pub(crate) struct Watching {
    child: Child,
    /// What it writes; none once nobody reads it any more.
    lines: Option<Lines<BufReader<ChildStdout>>>,
    notices: Lines<BufReader<ChildStderr>>,
}

impl Watching {
    /// Starts it, and waits until it follows the log.
    pub(crate) fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut watching = Self::waiting(sandbox, arguments);
        watching.hear("watching");
        watching
    }

    /// Starts it.
    pub(crate) fn waiting(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        Self::run(sandbox.command(&[&["watch-cdc"], arguments].concat()))
    }

    fn run(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let notices = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines: Some(lines), notices }
    }

    /// Waits for a line on standard error that says this.
    pub(crate) fn hear(&mut self, words: &str) {
        let heard = self.notices.any(|line| line.unwrap().contains(words));
        assert!(heard, "never said `{words}`");
    }

    pub(crate) fn line(&mut self) -> String {
        self.lines.as_mut().unwrap().next().expect("the watch ended early").unwrap()
    }

    pub(crate) fn json(&mut self) -> Value {
        let document = serde_json::from_str(&self.line()).unwrap();
        crate::schemas::check("change", &document);
        document
    }

    pub(crate) fn signal(mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    fn wait(mut self, most: Duration) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < most, "the watch goes on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_change_is_a_line_and_an_expiry_too() {
    let sandbox = Sandbox::seeded_with(&["--ttl", "2s"]);
    let mut watching = Watching::start(&sandbox, &[]);
    sandbox.hold("ann", &["Stalls/1/1"]);
    // Read before the next change: lines that come together share the width of their columns.
    let mut lines = vec![watching.line(), watching.line()];
    sandbox.buy("bob", &["Balcony/2/4"]);
    lines.extend((0..4).map(|_| watching.line()));
    steady().bind(|| {
        insta::assert_snapshot!(lines.join("\n"), @r"
    ── [day] ──
    [clock]  held        hall  Stalls/1/1  ann  2 s left
    [clock]  held        hall  Balcony/2/4  bob  2 s left
    [clock]  paying      hall  Balcony/2/4  bob
    [clock]  sold        hall  Balcony/2/4  bob
    [clock]  expired     hall  Stalls/1/1   ann
    ");
    });
    assert_eq!(watching.signal("INT").code(), Some(0));
}

#[test]
fn for_programs_every_line_is_a_document() {
    let sandbox = Sandbox::seeded_with(&["--ttl", "1s"]);
    let mut watching = Watching::start(&sandbox, &["-o", "json"]);
    let hold_id = sandbox.hold("ann", &["Stalls/1/1"]);
    let held = watching.json();
    assert_eq!(held["change"], "held");
    assert_eq!(held["hold_id"], hold_id.as_str());
    assert_eq!(held["event"], "hall");
    let expired = watching.json();
    assert_eq!(expired["change"], "expired");
    assert_eq!(expired["at"], held["expires_at"]);
    assert_eq!(expired["position"], held["position"]);
    assert_eq!(watching.signal("TERM").code(), Some(0));
}

#[test]
fn a_change_shows_within_a_tenth_of_a_second() {
    let sandbox = Sandbox::seeded();
    let mut watching = Watching::start(&sandbox, &["-o", "json"]);
    let mut late = 0;
    for seat in 1..=6 {
        sandbox.hold("ann", &[&format!("Stalls/1/{seat}")]);
        let at = watching.json()["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let lag = jiff::Timestamp::now().duration_since(at);
        late += u32::from(lag.as_millis() > 100);
    }
    // The process that holds the seat ends in the meantime, on a machine that may be busy.
    assert!(late <= 2, "{late} of 6 lines came late");
}

#[test]
fn the_past_can_be_watched_too() {
    let sandbox = Sandbox::seeded_with(&["--ttl", "1s"]);
    sandbox.hold("ann", &["Stalls/1/1"]);
    std::thread::sleep(Duration::from_millis(1100));
    sandbox.hold("bob", &["Stalls/1/1"]);
    let mut watching = Watching::start(&sandbox, &["-o", "json", "--from", "start"]);
    let words: Vec<Value> = (0..3).map(|_| watching.json()["change"].clone()).collect();
    assert_eq!(words, ["held", "expired", "held"]);
    let middle = jiff::Timestamp::now() - jiff::SignedDuration::from_millis(400);
    let mut later = Watching::start(&sandbox, &["-o", "json", "--from", &middle.to_string()]);
    let first = later.json();
    sandbox.tix(&["watch-cdc", "--from", "2100-01-01"]).ended(2, "is still to come");
    assert!(first["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap() >= middle);
}

#[test]
fn on_a_narrow_terminal_lines_stay_whole_and_in_step() {
    let sandbox = Sandbox::seeded();
    sandbox.hold("a session of many letters", &["Stalls/1/1", "Stalls/1/2", "Balcony/1/1"]);
    let lines = |columns: &str| -> Vec<String> {
        let mut command = sandbox.command(&["watch-cdc", "--from", "start"]);
        command.env("COLUMNS", columns);
        let mut watching = Watching::run(command);
        watching.line();
        (0..3).map(|_| watching.line()).collect()
    };
    for line in lines("60") {
        assert!(line.chars().count() <= 60 && !line.contains("left"), "{line}");
    }
    let wide = lines("100");
    assert!(wide.iter().all(|line| line.ends_with("15 min 00 s left")), "{wide:?}");
    let places: Vec<_> = wide.iter().map(|line| line.find("a session").unwrap()).collect();
    assert_eq!(places, [places[2]; 3], "{wide:#?}");
}

#[test]
fn a_watch_that_is_resumed_goes_on_after_its_last_line() {
    let sandbox = Sandbox::seeded_with(&["--ttl", "1s"]);
    let resume = ["-o", "json", "--resume", "billing"];
    sandbox.hold("ann", &["Stalls/1/1"]);
    let mut watching = Watching::start(&sandbox, &resume);
    assert_eq!(watching.json()["change"], "held", "the first one begins at the start");
    assert_eq!(watching.signal("INT").code(), Some(0));
    sandbox.hold("bob", &["Stalls/1/2"]);
    std::thread::sleep(Duration::from_millis(1100));
    let mut watching = Watching::start(&sandbox, &resume);
    let mut words: Vec<String> = (0..3).map(|_| watching.json()["change"].to_string()).collect();
    words.sort();
    assert_eq!(words, ["\"expired\"", "\"expired\"", "\"held\""]);
    assert_eq!(watching.signal("TERM").code(), Some(0));
    let mut other = Watching::start(&sandbox, &["-o", "json", "--resume", "another"]);
    assert_eq!(other.json()["change"], "held", "a name has a place of its own");
    sandbox.tix(&["watch-cdc", "--resume", "billing", "--from", "start"]).ended(2, "--from");
}

#[test]
fn what_is_held_when_the_watch_begins_expires_in_it() {
    let sandbox = Sandbox::seeded_with(&["--ttl", "2s"]);
    sandbox.hold("ann", &["Stalls/1/1", "Stalls/1/2"]);
    let mut watching = Watching::start(&sandbox, &["-o", "json"]);
    assert_eq!(watching.json()["change"], "expired");
    assert_eq!(watching.json()["change"], "expired");
}

#[test]
fn one_event_can_be_watched_alone() {
    let sandbox = Sandbox::seeded();
    sandbox.tix(&["seed", "hall.csv", "--slug", "lear"]).done();
    let mut watching = Watching::start(&sandbox, &["-o", "json", "--event", "lear"]);
    for event in ["hall", "lear"] {
        sandbox.tix(&["hold", "start", "--event", event, "--best", "1"]).done();
    }
    assert_eq!(watching.json()["event"], "lear");
    sandbox.tix(&["watch-cdc", "--event", "hamlet"]).refused("unknown_event");
}

#[test]
fn a_watch_that_starts_first_waits_and_says_what_to_run() {
    let sandbox = Sandbox::new();
    let mut watching = Watching::waiting(&sandbox, &["-o", "json"]);
    watching.hear("run `tix seed` in another terminal");
    sandbox.file("hall.csv", crate::sandbox::HALL);
    sandbox.tix(&["seed", "hall.csv"]).done();
    // It has not looked again yet when this happens.
    sandbox.hold("ann", &["Stalls/1/1"]);
    assert_eq!(watching.json()["change"], "held");
}

#[test]
fn watch_that_waits_for_a_store_ends_with_0() {
    let sandbox = Sandbox::new();
    let mut watching = Watching::waiting(&sandbox, &[]);
    watching.hear("nothing to watch");
    assert_eq!(watching.signal("INT").code(), Some(0));
}

#[test]
fn a_watch_ends_with_its_reader_even_when_nothing_happens_any_more() {
    let sandbox = Sandbox::seeded();
    let mut watching = Watching::start(&sandbox, &[]);
    watching.lines = None;
    assert_eq!(watching.wait(Duration::from_secs(5)).code(), Some(0));
}

#[test]
fn a_sheet_begins_with_its_columns() {
    let sandbox = Sandbox::seeded();
    let mut watching = Watching::start(&sandbox, &["-o", "csv"]);
    assert!(watching.line().starts_with("position,at,change,event,seat,"));
    sandbox.hold("ann", &["Stalls/1/1"]);
    assert!(watching.line().contains(",held,hall,Stalls/1/1,"));
}
