//! A folder of its own for each test, the store in it, and `tix` run on that store.

use std::io::PipeReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Answer, Process};

const TIX: &str = env!("CARGO_BIN_EXE_tix");

/// A small venue: 18 seats downstairs, 8 upstairs.
const HALL: &str = "\
section,type,price,rows,seats_per_row
Stalls,regular,49.50,3,6
Balcony,economy,29.00,2,4
";

/// A folder, and the store in it.
pub(crate) struct Sandbox {
    folder: TempDir,
    store: String,
}

impl Sandbox {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), store: "sqlite:tix.db".into() }
    }

    /// An empty folder whose store will be in a folder inside of it.
    pub(crate) fn with_store_in(inner: &str) -> Self {
        let sandbox = Self { store: format!("sqlite:{inner}/tix.db"), ..Self::new() };
        std::fs::create_dir(sandbox.path(inner)).unwrap();
        sandbox
    }

    /// A folder whose store has one event, `hall`, of 26 seats; with more arguments to `tix seed`.
    pub(crate) fn with_hall(more: &[&str]) -> Self {
        let sandbox = Self::new();
        sandbox.seed_hall(more).done();
        sandbox
    }

    /// Seeds the event `hall`.
    pub(crate) fn seed_hall(&self, more: &[&str]) -> Answer {
        self.seed("hall", HALL, more)
    }

    /// Seeds an event with this slug.
    pub(crate) fn seed(&self, slug: &str, venue: &str, more: &[&str]) -> Answer {
        self.tix(&self.seed_arguments(slug, venue, more))
    }

    /// Writes a venue file, and says how to seed it.
    pub(crate) fn seed_arguments<'a>(
        &self,
        slug: &'a str,
        venue: &str,
        more: &[&'a str],
    ) -> Vec<&'a str> {
        std::fs::write(self.path(slug), venue).unwrap();
        [&["seed", slug, "--slug", slug, "--date", "2030-12-01"], more].concat()
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The store's file.
    pub(crate) fn store_file(&self) -> PathBuf {
        self.path(self.store.strip_prefix("sqlite:").unwrap())
    }

    fn prepared(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for name in ["TIX_SESSION", "TIX_BUYER", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(name);
        }
        command.env("TIX_STORE", &self.store).env("TZ", "UTC").env("NO_COLOR", "1");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// `tix` with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.prepared(TIX);
        command.args(arguments);
        command
    }

    /// The same process, but a shell runs `first` in it before it becomes `tix`.
    pub(crate) fn command_after(&self, first: &str, arguments: &[&str]) -> Command {
        let mut command = self.prepared("sh");
        let script = format!("{first}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, TIX]).args(arguments);
        command
    }

    /// Starts `tix` and lets it run.
    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        Process::start(&mut self.command(arguments))
    }

    /// Starts `tix` as soon as the writing end of `gate` is closed.
    pub(crate) fn start_behind(&self, gate: &PipeReader, arguments: &[&str]) -> Process {
        let mut command = self.command_after("read -r _", arguments);
        Process::start(command.stdin(gate.try_clone().unwrap()))
    }

    /// Runs `tix` to its end.
    pub(crate) fn tix(&self, arguments: &[&str]) -> Answer {
        self.start(arguments).end()
    }

    /// Runs a command that must succeed; returns its document.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let answer = self.tix(&[arguments, &["-o", "json"]].concat()).done();
        serde_json::from_str(&answer.stdout).unwrap()
    }

    /// Holds seats of the hall for a session; returns the hold's id.
    #[track_caller]
    pub(crate) fn hold(&self, session: &str, seats: &[&str]) -> String {
        let mut arguments = vec!["hold", "start", "--event", "hall", "--session", session];
        arguments.extend(seats.iter().flat_map(|seat| ["--seat", *seat]));
        text(&self.json(&arguments)["hold"]["hold_id"])
    }

    /// What the events of the store are called, by their date: the newest rehearsal is the last.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<String> {
        let document = self.json(&["event", "list", "--simulated"]);
        document["events"].as_array().unwrap().iter().map(|event| text(&event["slug"])).collect()
    }

    /// The audit must find nothing.
    #[track_caller]
    pub(crate) fn passes_its_audit(&self) {
        self.tix(&["audit"]).done();
    }

    /// Everything that a history says was acknowledged must be in the store; and there must be
    /// something.
    #[track_caller]
    pub(crate) fn keeps_what_was_told(&self, history: &Path) {
        let report = self.json(&["audit", "--history", history.to_str().unwrap()]);
        let checks = report["checks"].as_array().unwrap();
        let acknowledged = checks.iter().find(|check| check["rule"] == "acknowledged").unwrap();
        assert!(acknowledged["examined"].as_u64().unwrap() > 0, "{report:#}");
    }

    /// The next buyer must be served, with no repair before: he holds two seats side by side and
    /// pays for them.
    #[track_caller]
    pub(crate) fn serves_the_next_buyer(&self, event: &str) {
        let hold = &self.json(&["hold", "start", "--best", "2", "--event", event])["hold"];
        let [hold, session] = ["hold_id", "session_id"].map(|what| text(&hold[what]));
        let order = self.json(&["hold", "confirm", &hold, "--session", &session]);
        assert_eq!(order["order"]["status"], "paid");
    }
}

/// A text in a document.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
