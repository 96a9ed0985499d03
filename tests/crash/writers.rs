//! Several processes that write to one file at full speed.

use crate::process::{Process, wait_until};
use crate::sandbox::Sandbox;
use crate::told::Told;

/// A rehearsal beside others on one store.
struct Rehearsal {
    process: Process,
    told: Told,
    history: &'static str,
}

impl Rehearsal {
    fn start(sandbox: &Sandbox, buyers: &str, history: &'static str) -> Self {
        let arguments = ["simulate", "--buyers", buyers, "--speed", "max", "--history", history];
        let told = Told::from_start(sandbox.path(history));
        Self { process: sandbox.start(&arguments), told, history }
    }

    /// Waits until it has been granted so many holds more.
    #[track_caller]
    fn gets_on(&mut self, holds: u64) {
        let Self { process, told, .. } = self;
        let enough = told.holds() + holds;
        process.until("it got on", || told.holds() >= enough);
    }
}

#[test]
fn two_rehearsals_on_one_file_share_it_fairly_and_both_finish() {
    let sandbox = Sandbox::new();
    let mut one = Rehearsal::start(&sandbox, "5000", "one.jsonl");
    let mut other = Rehearsal::start(&sandbox, "5000", "other.jsonl");
    one.gets_on(1);
    other.gets_on(1);
    let before = (one.told.holds(), other.told.holds());
    // Whoever is first has ended the contest: the other one has the file for himself then.
    wait_until("one of them ends", || !one.process.is_running() || !other.process.is_running());
    let granted = (one.told.holds() - before.0, other.told.holds() - before.1);
    eprintln!("holds granted side by side: {} and {}", granted.0, granted.1);
    for rehearsal in [one, other] {
        rehearsal.process.end().done();
        sandbox.keeps_what_was_told(&sandbox.path(rehearsal.history));
    }
    assert!(granted.0.min(granted.1) > granted.0.max(granted.1) / 10, "{granted:?}");
}

#[test]
fn the_death_of_one_writer_does_not_disturb_the_other() {
    let sandbox = Sandbox::new();
    let mut survivor = Rehearsal::start(&sandbox, "50000", "survivor.jsonl");
    survivor.gets_on(1);
    for holds in [1, 60, 200] {
        let mut victim = Rehearsal::start(&sandbox, "10000", "victim.jsonl");
        victim.gets_on(holds);
        victim.process.kill();
        survivor.gets_on(50);
    }
    survivor.process.signal("INT");
    let report = survivor.process.end();
    report.ended(130);
    assert!(report.stdout.contains("no seat was sold twice"), "{}", report.stdout);
    for history in ["survivor.jsonl", "victim.jsonl"] {
        sandbox.keeps_what_was_told(&sandbox.path(history));
    }
}
