//! What goes to which stream, in what colour, and what happens when nobody reads.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::sandbox::{Answer, Sandbox};

const ESCAPE: &str = "\u{1b}[";

#[test]
fn quiet_leaves_the_result_and_errors() {
    let sandbox = Sandbox::seeded();
    let loud = sandbox.tix(&["hold", "start", "--seat", "Stalls/1/1"]).done();
    assert_ne!(loud.stderr, "");
    let quiet = sandbox.tix(&["hold", "start", "--seat", "Stalls/1/2", "-q"]).done();
    assert_eq!(quiet.stderr, "");
    assert_ne!(quiet.stdout, "");
    sandbox.tix(&["hold", "start", "--seat", "Stalls/1/2", "-q"]).refused("taken");
}

#[test]
fn verbose_says_on_standard_error_what_is_done() {
    let sandbox = Sandbox::seeded();
    let plain = sandbox.tix(&["event", "list"]).done();
    let verbose = sandbox.tix(&["event", "list", "-v"]).done();
    assert_eq!(plain.stdout, verbose.stdout);
    assert!(verbose.stderr.contains("opened the store"), "{}", verbose.stderr);
}

#[test]
fn colour_is_for_terminals_unless_somebody_asks_for_it() {
    let sandbox = Sandbox::seeded();
    let colored = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = sandbox.command(&[&["ticket", "map"], arguments].concat());
        command.envs(environment.iter().copied());
        Answer::of(&command.output().unwrap()).done().stdout.contains(ESCAPE)
    };
    assert!(!colored(&[], &[]));
    assert!(colored(&["--color", "always"], &[]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "yes")]));
}

#[test]
fn no_color_takes_any_value_and_an_empty_one_is_none() {
    let sandbox = Sandbox::seeded();
    for (value, colored) in [("1", false), ("0", false), ("false", false), ("", true)] {
        let mut command = sandbox.command(&["event", "list"]);
        command.env("NO_COLOR", value).env("CLICOLOR_FORCE", "1");
        let answer = Answer::of(&command.output().unwrap()).done();
        assert_eq!(answer.stdout.contains(ESCAPE), colored, "NO_COLOR={value}");
    }
}

#[test]
fn machine_output_is_never_coloured() {
    let sandbox = Sandbox::seeded();
    for format in ["json", "csv"] {
        let answer = sandbox.tix(&["ticket", "list", "--color", "always", "-o", format]).done();
        assert!(!answer.stdout.contains(ESCAPE), "{format}");
    }
}

#[test]
fn errors_are_coloured_like_everything_else() {
    let sandbox = Sandbox::new();
    let answer = sandbox.tix(&["event", "list", "--color", "always"]);
    assert!(answer.stderr.contains(ESCAPE), "{}", answer.stderr);
    let answer = sandbox.tix(&["--color", "always", "sede"]);
    assert!(answer.stderr.contains(ESCAPE), "{}", answer.stderr);
    let answer = sandbox.tix(&["--color", "never", "sede"]);
    assert!(!answer.stderr.contains(ESCAPE), "{}", answer.stderr);
}

/// Runs a command whose reader went away before it began.
fn unread(mut command: Command) -> Answer {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Answer::of(&command.stdout(writer).stderr(Stdio::piped()).output().unwrap())
}

#[test]
fn a_reader_who_goes_away_is_no_failure() {
    let sandbox = Sandbox::seeded();
    let commands: [&[&str]; 6] = [
        &["ticket", "list"],
        &["ticket", "map", "-o", "json"],
        &["schema", "show"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
    ];
    for arguments in commands {
        let answer = unread(sandbox.command(arguments));
        assert_eq!((answer.code, answer.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let sandbox = Sandbox::seeded();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = sandbox.command(&["ticket", "list"]).stdout(full).output().unwrap();
    let answer = Answer::of(&output).ended(1, "could not write the result to standard output");
    assert!(answer.stderr.contains("Caused by: "), "{}", answer.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_done_is_named_where_output_fails() {
    let sandbox = Sandbox::seeded();
    let unwritten = |arguments: &[&str], words: &str| {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = sandbox.command(arguments).stdout(full).output().unwrap();
        Answer::of(&output).ended(1, words).stderr
    };
    let start = ["hold", "start", "--best", "1", "--session", "ann"];
    let error = unwritten(&start, "is started, but the result could not be written");
    let holds = sandbox.json("holds", &["hold", "list"]);
    let hold = holds["holds"][0]["hold_id"].as_str().unwrap();
    assert!(error.contains(hold) && error.contains(&format!("`tix hold show {hold}`")), "{error}");
    let confirm = ["hold", "confirm", hold, "--session", "ann"];
    let error = unwritten(&confirm, "but the result could not be written");
    let orders = sandbox.json("orders", &["order", "list"]);
    assert!(error.contains(orders["orders"][0]["order_id"].as_str().unwrap()), "{error}");
    let join = ["waitlist", "join", "--session", "bob", "-o", "json"];
    let error = unwritten(&join, "but the result could not be written");
    let entries = sandbox.json("waitlist", &["waitlist", "list"]);
    assert!(error.contains(entries["entries"][0]["entry_id"].as_str().unwrap()), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn violation_ends_with_4_where_output_fails() {
    let sandbox = Sandbox::seeded();
    sandbox.buy("bob", &["Stalls/1/3"]);
    let store = rusqlite::Connection::open(sandbox.path("tix.db")).unwrap();
    store.execute("DELETE FROM order_queue WHERE status = 'sold'", []).unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = sandbox.command(&["audit"]).stdout(full).output().unwrap();
    let answer = Answer::of(&output).ended(4, "the audit found");
    assert!(answer.stderr.contains("could not write the result"), "{}", answer.stderr);
}

#[test]
fn every_error_is_one_object_for_programs() {
    let sandbox = Sandbox::new();
    let cases: [(&[&str], i32, &str); 4] = [
        (&["event", "list"], 1, "failed"),
        (&["sede"], 2, "usage"),
        (&["seed", "--limit", "11"], 2, "usage"),
        (&[], 2, "usage"),
    ];
    for (arguments, code, kind) in cases {
        let answer = sandbox.tix(&[&["-o", "json"], arguments].concat()).ended(code, kind);
        let document = serde_json::from_str(&answer.stderr).unwrap();
        crate::schemas::check("error", &document);
        assert_eq!(document["error"]["kind"], kind, "{arguments:?}");
    }
}
