//! A folder of its own for each test, with a store whose event is on sale, and `tix` run in it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A small venue: 18 seats downstairs, 8 upstairs.
const HALL: &str = include_str!("../support/hall.csv");

/// A folder whose store has one event, `hall`.
pub(crate) struct House {
    folder: TempDir,
}

impl House {
    /// Puts the event on sale, each seat at `price` if one is given, with more arguments to `tix seed`.
    pub(crate) fn on_sale(price: Option<&str>, more: &[&str]) -> Self {
        let house = Self { folder: TempDir::new().unwrap() };
        let venue = match price {
            Some(price) => HALL.replace("49.50", price).replace("29.00", price),
            None => HALL.to_owned(),
        };
        std::fs::write(house.path("hall.csv"), venue).unwrap();
        let fixed = ["--slug", "hall", "--time-zone", "Europe/Berlin"];
        let date = ["--date", "2030-12-01T19:30"];
        let date = if more.contains(&"--date") { &[][..] } else { &date[..] };
        house.tix(&[&["seed", "hall.csv"], &fixed[..], date, more].concat());
        house
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, with nothing in its environment that would change what it does.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tix"));
        for name in ["TIX_STORE", "TIX_SESSION", "TIX_BUYER", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.env("TZ", "UTC").current_dir(self.folder.path()).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command that must succeed; returns what it printed.
    #[track_caller]
    pub(crate) fn tix(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tix {}: {told}", arguments.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must succeed with `-o json`.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.tix(&[arguments, &["-o", "json"]].concat())).unwrap()
    }

    /// The confirmation numbers of the orders that are paid for.
    #[track_caller]
    pub(crate) fn confirmations(&self) -> Vec<String> {
        let orders = self.json(&["order", "list"]);
        let paid = orders["orders"].as_array().unwrap().iter().filter(|it| it["status"] == "paid");
        paid.map(|order| order["confirmation_number"].as_str().unwrap().to_owned()).collect()
    }
}
