//! A watch in a process of its own, and what it told when.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::Value;

/// How long no line may come before nothing is waited for any more.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// A watch that is under way.
pub(crate) struct Watching {
    child: Child,
    lines: Receiver<(String, jiff::Timestamp)>,
}

impl Watching {
    /// Starts it, and waits until it follows the log.
    pub(crate) fn start(url: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tix"))
            .args(["--store", url, "-o", "json", "watch-cdc"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut notices = BufReader::new(child.stderr.take().unwrap()).lines();
        let (told, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                if told.send((line.unwrap(), jiff::Timestamp::now())).is_err() {
                    return;
                }
            }
        });
        assert!(notices.any(|notice| notice.unwrap().contains("watching")));
        std::thread::spawn(move || notices.for_each(|notice| eprintln!("{}", notice.unwrap())));
        Self { child, lines }
    }

    /// Collects lines until so many tickets were told of, or nothing comes any more.
    pub(crate) fn collect(self, tickets: usize) -> Told {
        let mut told = Told::new();
        while told.tickets() < tickets {
            let Ok((line, at)) = self.lines.recv_timeout(SILENCE_MAX) else { break };
            told.add(&line, at);
        }
        told
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a watch told.
pub(crate) struct Told {
    tickets: HashSet<String>,
    lines: usize,
    lag_ms: Histogram<u64>,
}

impl Told {
    fn new() -> Self {
        let lag_ms = Histogram::new(3).unwrap();
        Self { tickets: HashSet::new(), lines: 0, lag_ms }
    }

    fn add(&mut self, line: &str, read_at: jiff::Timestamp) {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["change"] != "held" {
            return;
        }
        let at: jiff::Timestamp = line["at"].as_str().unwrap().parse().unwrap();
        let lag = read_at.duration_since(at).as_millis();
        self.lag_ms.record(u64::try_from(lag).unwrap_or(0)).unwrap();
        self.tickets.insert(line["ticket_id"].as_str().unwrap().to_owned());
        self.lines += 1;
    }

    /// How many tickets it told of.
    pub(crate) fn tickets(&self) -> usize {
        self.tickets.len()
    }

    /// How many lines it wrote.
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// How late this share of the lines came at most, in milliseconds.
    pub(crate) fn lag_ms(&self, share: f64) -> u64 {
        self.lag_ms.value_at_quantile(share)
    }
}
