//! The load generator: `wrk`, and what it says.

use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::NamedTempFile;

/// How long it asks.
const SECONDS: u32 = 4;

/// Asks for another seat each time, as another buyer: section by section, at random among 1,000.
const RESERVE: &str = r#"
local number = tonumber(os.getenv("FIRST_SEAT"))
local post = { ["Content-Type"] = "application/json" }
request = function()
  local block = math.floor(number / 1000)
  local place = block * 1000 + (number * 617) % 1000
  local section, row, seat =
    math.floor(place / 10000) + 1, math.floor(place % 10000 / 50) + 1, place % 50 + 1
  number = number + 1
  post["Tix-Session"] = "bench-" .. number
  local body = '{"event":"sold","seats":["Section ' .. section .. '/' .. row .. '/' .. seat .. '"]}'
  return wrk.format("POST", nil, post, body)
end
"#;

/// What is asked for.
pub(crate) struct Load {
    path: String,
    script: Option<NamedTempFile>,
    /// How many connections ask at the same time.
    pub(crate) connections: u32,
    next_seat: AtomicU64,
}

/// What came of it.
pub(crate) struct Answered {
    pub(crate) per_second: f64,
    pub(crate) p99_ms: f64,
}

/// The name and version of the load generator.
pub(crate) fn version() -> String {
    let output = Command::new("wrk").arg("-v").output();
    let output = output.expect("this bench needs wrk: `apt-get install wrk`");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

impl Load {
    /// The same document again and again.
    pub(crate) fn get(path: &str, connections: u32) -> Self {
        Self { path: path.into(), script: None, connections, next_seat: AtomicU64::new(0) }
    }

    /// Another seat each time, from the one with this number on.
    pub(crate) fn reserve(first_seat: u64, connections: u32) -> Self {
        let mut script = NamedTempFile::with_suffix(".lua").unwrap();
        script.write_all(RESERVE.as_bytes()).unwrap();
        let path = "/v1/booking/reserve".into();
        let next_seat = AtomicU64::new(first_seat);
        Self { path, script: Some(script), connections, next_seat }
    }

    /// Asks the server.
    pub(crate) fn of_server(&self, url: &str) -> Answered {
        let (answered, requests) = self.run(url, &self.path);
        // Some that were sent when the time was over are not counted.
        self.next_seat.fetch_add(requests + u64::from(self.connections), Ordering::Relaxed);
        answered
    }

    /// Asks the handler that does nothing.
    pub(crate) fn of_nothing(&self, url: &str) -> Answered {
        self.run(url, "/").0
    }

    /// Asks at a path, and counts the answers; every one has to be a good one.
    fn run(&self, url: &str, path: &str) -> (Answered, u64) {
        let mut command = Command::new("wrk");
        let (connections, span) = (self.connections.to_string(), format!("{SECONDS}s"));
        command.args(["-t", "1", "-c", &connections, "-d", &span, "--latency"]);
        if let Some(script) = &self.script {
            command.arg("-s").arg(script.path());
        }
        let first = self.next_seat.load(Ordering::Relaxed);
        command.env("FIRST_SEAT", first.to_string()).arg(format!("{url}{path}"));
        let output = command.output().expect("this bench needs wrk: `apt-get install wrk`");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{path}: {text}");
        let per_second = after(&text, "Requests/sec:").parse().unwrap();
        (Answered { per_second, p99_ms: p99(&text) }, before(&text, " requests in"))
    }
}

fn before<T: std::str::FromStr>(text: &str, words: &str) -> T {
    let line =
        text.lines().find_map(|line| line.split(words).next().filter(|l| l.len() < line.len()));
    line.and_then(|number| number.trim().parse().ok()).expect(text)
}

fn after<'a>(text: &'a str, words: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(words));
    line.expect(text).trim()
}

fn p99(text: &str) -> f64 {
    let span = after(text, "99%");
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1_000.0)];
    let read = |(unit, ms): (&str, f64)| {
        span.strip_suffix(unit).and_then(|n| n.parse::<f64>().ok()).map(|n| n * ms)
    };
    units.into_iter().find_map(read).expect(span)
}
