//! A folder of its own for each test, and `tix` run in it.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::schemas;

/// A small venue: 18 seats downstairs, 8 upstairs.
pub(crate) const HALL: &str = include_str!("../support/hall.csv");

/// A folder, and the store in it, or elsewhere.
pub(crate) struct Sandbox {
    folder: TempDir,
    /// The URL of a store that is not in the folder.
    store: Option<String>,
}

/// What a run of `tix` left behind.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), store: None }
    }

    /// An empty folder, and a store elsewhere.
    pub(crate) fn with_store(url: String) -> Self {
        Self { store: Some(url), ..Self::new() }
    }

    /// A folder whose store has one event, `hall`, with more arguments to `tix seed`.
    pub(crate) fn seeded_with(more: &[&str]) -> Self {
        let sandbox = Self::new();
        sandbox.seed(&[&["--slug", "hall"], more].concat());
        sandbox
    }

    /// Adds an event to the store, with more arguments to `tix seed`.
    pub(crate) fn seed(&self, more: &[&str]) {
        let file = self.file("hall.csv", HALL);
        let fixed = ["--date", "2030-12-01T19:30", "--time-zone", "Europe/Berlin"];
        let seed = ["seed", file.to_str().unwrap()];
        self.tix(&[&seed, &fixed[..], more].concat()).done();
    }

    /// A folder whose store has one event, `hall`.
    pub(crate) fn seeded() -> Self {
        Self::seeded_with(&[])
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The command, with nothing in its environment that would change what it does.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tix"));
        for name in
            ["TIX_STORE", "TIX_SESSION", "TIX_BUYER", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"]
        {
            command.env_remove(name);
        }
        command.env("TZ", "UTC").current_dir(self.folder.path()).args(arguments);
        command.envs(self.store.as_ref().map(|url| ("TIX_STORE", url)));
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn tix(&self, arguments: &[&str]) -> Answer {
        Answer::of(&self.command(arguments).output().unwrap())
    }

    /// Runs a command that must succeed with `-o json`, and returns its document once the schema
    /// of that name has accepted it.
    pub(crate) fn json(&self, schema: &str, arguments: &[&str]) -> Value {
        let answer = self.tix(&[arguments, &["-o", "json"]].concat()).done();
        let document = serde_json::from_str(&answer.stdout).unwrap();
        schemas::check(schema, &document);
        document
    }

    /// Holds seats for a session; returns the hold's id.
    pub(crate) fn hold(&self, session: &str, seats: &[&str]) -> String {
        self.hold_at(&[], session, seats)
    }

    /// Holds seats for a session, with more arguments to `tix hold start`; returns the hold's id.
    pub(crate) fn hold_at(&self, more: &[&str], session: &str, seats: &[&str]) -> String {
        let mut arguments = [&["hold", "start", "--session", session], more].concat();
        arguments.extend(seats.iter().flat_map(|seat| ["--seat", *seat]));
        let document = self.json("hold", &arguments);
        document["hold"]["hold_id"].as_str().unwrap().to_owned()
    }

    /// Holds and pays for seats; returns the order's confirmation number.
    pub(crate) fn buy(&self, session: &str, seats: &[&str]) -> String {
        let hold = self.hold(session, seats);
        let document = self.json("order", &["hold", "confirm", &hold, "--session", session]);
        document["order"]["confirmation_number"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    /// Takes what a finished process left behind.
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// It must have succeeded.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// It must have ended with this code, an error that says `words`, and nothing on standard
    /// output.
    #[track_caller]
    pub(crate) fn ended(self, code: i32, words: &str) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert!(self.stderr.contains(words), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        self
    }

    /// It must have failed of the store with an error that says `words`; returns all of the error.
    #[track_caller]
    pub(crate) fn failed_with(self, words: &str) -> String {
        self.ended(1, words).stderr
    }

    /// It must have been refused for this reason.
    #[track_caller]
    pub(crate) fn refused(self, reason: &str) -> Self {
        self.ended(3, &format!("error: {reason}: "))
    }
}

/// What differs from one run to the next, made the same.
pub(crate) fn steady() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]");
    settings.add_filter(r"\(hold [0-9a-f]{8}-[0-9a-f]{4}\)", "(hold [short id])");
    settings.add_filter(r"until \d{2}:\d{2}:\d{2}", "until [time]");
    settings.add_filter(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", "[confirmation]");
    settings.add_filter(r"session-[0-9a-f]{8}", "[session]");
    settings.add_filter(r"[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} 20[12]\d \d{2}:\d{2}", "[time]");
    settings.add_filter(r"── .* ──", "── [day] ──");
    settings.add_filter(r"\d{2}:\d{2}:\d{2}\.\d{3}", "[clock]");
    settings.add_filter(r"\d+ min \d{2} s", "[span]");
    settings
}

/// The text with each folded command of a report on one line.
pub(crate) fn unfolded(text: &str) -> String {
    text.replace(" \\\n    ", " ")
}
