//! A folder of its own for each test, and `tix` run in it.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::schemas;

/// A small venue: 18 seats downstairs, 8 upstairs.
pub(crate) const HALL: &str = "\
section,type,price,rows,seats_per_row,entrance
Stalls,regular,49.50,3,6,Main door
Balcony,economy,29.00,2,4,Stairs
";

/// A folder, and the store in it.
pub(crate) struct Sandbox(TempDir);

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
        Self(TempDir::new().unwrap())
    }

    /// A folder whose store has one event, `hall`, with more arguments to `tix seed`.
    pub(crate) fn seeded_with(more: &[&str]) -> Self {
        let sandbox = Self::new();
        let file = sandbox.file("hall.csv", HALL);
        let fixed =
            ["--date", "2030-12-01T19:30", "--time-zone", "Europe/Berlin", "--slug", "hall"];
        let seed = ["seed", file.to_str().unwrap()];
        sandbox.tix(&[&seed, &fixed[..], more].concat()).done();
        sandbox
    }

    /// A folder whose store has one event, `hall`.
    pub(crate) fn seeded() -> Self {
        Self::seeded_with(&[])
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
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
        command.env("TZ", "UTC").current_dir(self.0.path()).args(arguments);
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
        let mut arguments = vec!["hold", "start", "--session", session];
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
    settings.add_filter(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", "[confirmation]");
    settings.add_filter(r"session-[0-9a-f]{8}", "[session]");
    settings.add_filter(r"[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} 20[12]\d \d{2}:\d{2}", "[time]");
    settings.add_filter(r"── .* ──", "── [day] ──");
    settings.add_filter(r"\d{2}:\d{2}:\d{2}\.\d{3}", "[clock]");
    settings.add_filter(r"\d+ min \d{2} s", "[span]");
    settings
}
