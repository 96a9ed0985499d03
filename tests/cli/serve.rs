//! `tix serve` as a command: what it says, and when.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::schemas;

/// A server that is under way; killed with the test that started it.
struct Serving(Child);

impl Serving {
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(arguments);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// What it prints up to this letter.
    fn says(&mut self, last: u8) -> String {
        let mut out = BufReader::new(self.0.stdout.take().unwrap());
        let mut text = Vec::new();
        out.read_until(last, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    /// Everything that it told people until it was killed.
    fn told(mut self) -> String {
        let mut err = self.0.stderr.take().unwrap();
        drop(self);
        let mut text = String::new();
        err.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_says_where_it_serves_in_the_form_that_was_asked_for() {
    let sandbox = Sandbox::seeded();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let mut table = Serving::start(&sandbox, &serve);
    let url = table.says(b'\n');
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with('\n'), "{url}");
    assert_eq!(table.told().trim(), "serving sqlite:tix.db; Ctrl-C ends");
    let json = Serving::start(&sandbox, &[&serve[..], &["-o", "json"]].concat()).says(b'}');
    let json: Value = serde_json::from_str(&json).unwrap();
    schemas::check("serving", &json);
    assert!(json["url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
}

#[test]
fn who_lets_everybody_in_is_warned_unless_a_proxy_stands_before_it() {
    let sandbox = Sandbox::seeded();
    let serve = ["serve", "--listen", "0.0.0.0:0"];
    let warned = |more: &[&str]| {
        let mut serving = Serving::start(&sandbox, &[&serve[..], more].concat());
        serving.says(b'\n');
        serving.told().contains("every client that reaches 0.0.0.0:")
    };
    assert!(warned(&[]));
    assert!(!warned(&["--behind-proxy"]));
}

#[test]
fn what_cannot_be_served_so_is_said() {
    let sandbox = Sandbox::seeded();
    for (arguments, words) in [
        (&["serve", "--listen", "nowhere"][..], "--listen"),
        (&["serve", "--rate-limit", "0"], "1000000 a second, or off"),
        (&["serve", "--checkouts", "0"], "--checkouts"),
        (&["serve", "--checkouts", "5", "--choose-time", "1ms"], "between 1s and 24h"),
    ] {
        sandbox.tix(arguments).ended(2, words);
    }
}
