//! How much memory a command takes: measured on the process as its user starts it, by what Linux
//! says of its peak.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::sandbox::Sandbox;

/// Often enough to see the peak of an audit, which lasts for seconds.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What an audit may take more for a history of any length: less than a tenth of what it says.
const HISTORY_BYTES_MAX: u64 = 8 << 20;

/// How often everything is told: 200,000 answers and more, about 80 MB.
const TOLD_TIMES: usize = 400;

/// The most memory that a process had so far, in bytes; none once it has ended.
fn peak(child: &Child) -> Option<u64> {
    let status = Path::new("/proc").join(child.id().to_string()).join("status");
    let status = std::fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The peak of a command that succeeds.
fn peak_of(sandbox: &Sandbox, arguments: &[&str]) -> u64 {
    let mut child = sandbox.command(arguments).stdout(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    let status = loop {
        most = peak(&child).unwrap_or(0).max(most);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        sleep(LOOK_EVERY);
    };
    assert!(status.success(), "{status}");
    assert!(most > 0, "nothing was measured");
    most
}

#[test]
fn an_audit_does_not_have_a_history_in_memory() {
    let sandbox = Sandbox::new();
    let rehearse = ["simulate", "--buyers", "400", "--speed", "max", "-q"];
    sandbox.tix(&[&rehearse[..], &["--history", "told.jsonl"]].concat()).done();
    let told = std::fs::read_to_string(sandbox.path("told.jsonl")).unwrap();
    let often = sandbox.file("often.jsonl", told.repeat(TOLD_TIMES));
    let once = peak_of(&sandbox, &["audit", "--history", "told.jsonl"]);
    let often = peak_of(&sandbox, &["audit", "--history", often.to_str().unwrap()]);
    let more = often.saturating_sub(once);
    assert!(more <= HISTORY_BYTES_MAX, "the history takes {more} bytes");
}
