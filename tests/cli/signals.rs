//! What ends a command from outside: signals, and pipes whose reader is gone.
#![cfg(unix)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::sandbox::{Answer, Sandbox};
use crate::simulate::{signal, under_way};

/// Every signal that ends a command.
const SIGNALS: [&str; 3] = ["INT", "TERM", "HUP"];

/// Waits until the process has a handler for a signal, by its number.
fn handles(child: &Child, signal: u32) {
    let status = format!("/proc/{}/status", child.id());
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mask = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        if mask & (1 << (signal - 1)) != 0 {
            return;
        }
        assert!(Instant::now() < deadline, "no handler for signal {signal}: {text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn started(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn every_signal_ends_a_simulation_with_its_report() {
    for name in SIGNALS {
        let sandbox = Sandbox::new();
        let run = ["--buyers", "2000", "--speed", "60", "--report", "page.html"];
        let child = under_way(&sandbox, &run);
        signal(&child, name);
        let answer = Answer::of(&child.wait_with_output().unwrap());
        assert_eq!(answer.code, Some(130), "{name}: {}", answer.stderr);
        assert!(answer.stdout.contains("Stopped before its end"), "{name}: {}", answer.stdout);
        assert!(sandbox.path("page.html").exists(), "{name}");
    }
}

#[test]
fn every_signal_ends_a_sweep() {
    for name in SIGNALS {
        let sandbox = Sandbox::new();
        let child = started(sandbox.command(&[
            "sweep",
            "--vary",
            "ttl=5m,15m,20m",
            "--buyers",
            "8000",
            "--seed",
            "1",
        ]));
        handles(&child, 1);
        std::thread::sleep(Duration::from_millis(300));
        signal(&child, name);
        let answer = Answer::of(&child.wait_with_output().unwrap());
        assert_eq!(answer.code, Some(130), "{name}: {}", answer.stderr);
    }
}

#[test]
fn every_signal_ends_a_command_that_waits_for_input() {
    for name in SIGNALS {
        let sandbox = Sandbox::new();
        // Nothing is written to its standard input, which stays open.
        let mut child = started(sandbox.command(&["seed", "-"]));
        handles(&child, 1);
        signal(&child, name);
        let input = child.stdin.take();
        let answer = Answer::of(&child.wait_with_output().unwrap());
        drop(input);
        assert_eq!(answer.code, Some(130), "{name}: {}", answer.stderr);
        assert!(answer.stderr.starts_with("error: interrupted"), "{name}: {}", answer.stderr);
    }
}

#[test]
fn every_signal_ends_a_wait_for_a_foreign_lock() {
    let sandbox = Sandbox::seeded();
    let store = Connection::open(sandbox.path("tix.db")).unwrap();
    store.execute_batch("BEGIN IMMEDIATE").unwrap();
    let commands: [(&[&str], &str, i32); 5] = [
        (&["hold", "start", "--best", "1"], "TERM", 130),
        (&["simulate", "--buyers", "10"], "INT", 130),
        (&["worker"], "TERM", 0),
        (&["serve", "--listen", "127.0.0.1:0"], "HUP", 0),
        // How far it has told could not be saved.
        (&["watch-cdc", "--resume", "screen"], "TERM", 3),
    ];
    let begun: Vec<Child> = commands.iter().map(|(c, ..)| started(sandbox.command(c))).collect();
    // By then each waits for the lock.
    std::thread::sleep(Duration::from_secs(3));
    for (child, (command, name, code)) in begun.into_iter().zip(commands) {
        let stopped = Instant::now();
        signal(&child, name);
        let answer = Answer::of(&child.wait_with_output().unwrap());
        assert_eq!(answer.code, Some(code), "{command:?}: {}", answer.stderr);
        assert!(answer.stderr.contains("locked the store"), "{command:?}: {}", answer.stderr);
        assert!(stopped.elapsed() < Duration::from_secs(6), "{command:?} ended too late");
    }
}

#[test]
fn signal_ends_a_wait_for_an_unreachable_store() {
    // It accepts connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("scylla://{}/x", silent.local_addr().unwrap());
    let sandbox = Sandbox::new();
    let commands: [(&[&str], i32); 4] =
        [(&["event", "list"], 130), (&["simulate"], 130), (&["watch-cdc"], 130), (&["worker"], 0)];
    for (command, code) in commands {
        let child = started(sandbox.command(&[command, &["--store", &url]].concat()));
        handles(&child, 15);
        std::thread::sleep(Duration::from_millis(300));
        let stopped = Instant::now();
        signal(&child, "TERM");
        let answer = Answer::of(&child.wait_with_output().unwrap());
        assert_eq!(answer.code, Some(code), "{command:?}: {}", answer.stderr);
        assert!(stopped.elapsed() < Duration::from_secs(2), "{command:?} ended too late");
    }
}

#[test]
fn every_signal_ends_what_runs_until_stopped_with_0() {
    let sandbox = Sandbox::seeded();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["worker"], &["watch-cdc"]] {
        for name in SIGNALS {
            let child = started(sandbox.command(command));
            handles(&child, 1);
            std::thread::sleep(Duration::from_millis(300));
            signal(&child, name);
            let answer = Answer::of(&child.wait_with_output().unwrap());
            assert_eq!(answer.code, Some(0), "{command:?} {name}: {}", answer.stderr);
        }
    }
}

#[test]
fn hangup_that_is_ignored_stays_ignored() {
    let sandbox = Sandbox::seeded();
    let mut command = Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_tix")).args(["watch-cdc", "--store", "sqlite:tix.db"]);
    command.current_dir(sandbox.path("")).env("TZ", "UTC");
    let mut child = started(command);
    handles(&child, 15);
    signal(&child, "HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn closed_pipe_leaves_the_exit_code_as_it_is() {
    let sandbox = Sandbox::seeded();
    sandbox.buy("bob", &["Stalls/1/3", "Stalls/1/4"]);
    let store = Connection::open(sandbox.path("tix.db")).unwrap();
    store.execute("DELETE FROM order_queue WHERE status = 'sold'", []).unwrap();
    let unread = |arguments: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = sandbox.command(arguments);
        Answer::of(&command.stdout(writer).stderr(Stdio::piped()).output().unwrap())
    };
    for format in ["table", "json", "csv"] {
        let answer = unread(&["audit", "-o", format]);
        assert_eq!(answer.code, Some(4), "{format}: {}", answer.stderr);
        assert!(answer.stderr.contains("the audit found"), "{format}: {}", answer.stderr);
    }
    assert_eq!(unread(&["event", "list"]).code, Some(0));
    assert_eq!(unread(&["event", "show", "macbeth"]).code, Some(3));
}
