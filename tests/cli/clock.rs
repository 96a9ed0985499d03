//! Clocks that are set while a store is in use. `faketime` sets the clock of a process and leaves
//! its uptime as it is, as whoever sets a machine's clock does.

use std::path::Path;

use serde_json::Value;
use uuid::Uuid;

use crate::node;
use crate::sandbox::{Answer, Sandbox};

/// Runs `tix` on a machine whose clock is off by so much; none where there is no `faketime`.
fn at(sandbox: &Sandbox, off: &str, arguments: &[&str]) -> Option<Answer> {
    let library = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    ];
    let Some(library) = library.into_iter().find(|path| Path::new(path).exists()) else {
        eprintln!("not checked: there is no faketime");
        return None;
    };
    let mut command = sandbox.command(arguments);
    command.env("LD_PRELOAD", library).env("FAKETIME", off);
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    Some(Answer::of(&command.output().unwrap()))
}

fn hold_id(answer: Answer) -> String {
    let document: Value = serde_json::from_str(&answer.done().stdout).unwrap();
    document["hold"]["hold_id"].as_str().unwrap().to_owned()
}

fn start<'a>(session: &'a str, seats: &'a str) -> [&'a str; 8] {
    ["hold", "start", "--session", session, "--best", seats, "-o", "json"]
}

#[test]
fn a_clock_that_was_ahead_and_is_set_right_breaks_nothing() {
    let sandbox = Sandbox::seeded();
    let Some(answer) = at(&sandbox, "+5s", &start("ann", "2")) else { return };
    let hold = hold_id(answer);
    sandbox.tix(&["hold", "confirm", &hold, "--session", "ann"]).done();
    sandbox.tix(&["audit"]).done();
}

#[test]
fn a_clock_that_jumps_ahead_is_refused_with_a_way_out() {
    let sandbox = Sandbox::seeded();
    let hold = hold_id(sandbox.tix(&start("ann", "6")).done());
    let Some(ahead) = at(&sandbox, "+16m", &start("ann", "6")) else { return };
    let ahead = ahead.failed_with("the clock jumped ahead by 16 min");
    assert!(ahead.contains("tix schema clock --accept"), "{ahead}");
    let status = at(&sandbox, "+16m", &["schema", "clock"]).unwrap();
    assert_eq!(status.code, Some(1), "{}", status.stderr);
    assert!(status.stdout.contains("not believed"), "{}", status.stdout);
    sandbox.tix(&["hold", "confirm", &hold, "--session", "ann"]).done();
    let clock = sandbox.json("clock", &["schema", "clock"]);
    assert_eq!(clock["clock"]["believed"], true);
    sandbox.tix(&["audit"]).done();
}

#[test]
fn small_jumps_of_many_commands_share_one_bound() {
    let sandbox = Sandbox::seeded();
    for (off, session) in [("+25s", "ann"), ("+50s", "bob")] {
        let Some(answer) = at(&sandbox, off, &start(session, "1")) else { return };
        answer.done();
    }
    let third = at(&sandbox, "+75s", &start("cleo", "1")).unwrap();
    third.failed_with("the clock jumped ahead by");
}

#[test]
fn a_clock_that_is_behind_the_store_is_refused_until_it_is_accepted() {
    let sandbox = Sandbox::seeded();
    let Some(accepted) = at(&sandbox, "+2h", &["schema", "clock", "--accept"]) else { return };
    accepted.done();
    let hold = hold_id(at(&sandbox, "+2h", &start("ann", "2")).unwrap());
    let behind = sandbox.tix(&start("bob", "2")).failed_with("behind the store: it shows");
    assert!(behind.contains("tix schema clock --accept"), "{behind}");
    sandbox.tix(&["schema", "clock", "--accept"]).done();
    sandbox.tix(&["hold", "confirm", &hold, "--session", "ann"]).done();
    sandbox.tix(&start("bob", "2")).done();
    sandbox.tix(&["audit"]).done();
}

/// Checks what commands say of a hold of 15 minutes on machines whose clocks are off.
fn time_left_is_that_of_the_store(sandbox: &Sandbox, event: &str) {
    let start =
        ["hold", "start", "--best", "1", "--session", "ann", "--event", event, "-o", "json"];
    let hold = hold_id(sandbox.tix(&start).done());
    for off in ["+16m", "-16m", "+90s", "-90s"] {
        for command in [&["hold", "list", "--event", event][..], &["hold", "show", &hold]] {
            let Some(shown) = at(sandbox, off, command) else { return };
            assert!(shown.stdout.contains("14 min"), "{off} {command:?}: {}", shown.stdout);
        }
    }
}

#[test]
fn time_left_of_a_hold_is_by_the_clock_of_the_store() {
    time_left_is_that_of_the_store(&Sandbox::seeded(), "hall");
    if let Some(url) = node::url("tix_clock") {
        let sandbox = Sandbox::with_store(url);
        let event = format!("clock-{}", Uuid::new_v4().simple());
        sandbox.seed(&["--slug", &event]);
        time_left_is_that_of_the_store(&sandbox, &event);
    }
}
