//! Machines that die or stand still in the middle of an on-sale, which is proved afterwards.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use std::{env, thread};

use tempfile::TempDir;

use crate::cluster::Machine;

/// Asks for the test that is too heavy to run every time.
const VARIABLE: &str = "TIX_TEST_THREE_MACHINES";

fn tix(store: &str) -> Command {
    let mut tix = Command::new(env!("CARGO_BIN_EXE_tix"));
    tix.args(["--store", store, "--color", "never"]).env_remove("TIX_STORE");
    tix
}

/// Half a minute of an on-sale in another process.
fn rehearse(store: &str, history: &Path) -> Child {
    let mut tix = tix(store);
    tix.args([
        "-o",
        "json",
        "simulate",
        "--buyers",
        "300",
        "--speed",
        "20",
        "--arrival-window-seconds",
        "8m",
    ]);
    tix.args(["--ttl", "3m", "--seed", "7", "--history"]).arg(history);
    tix.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The rehearsal went on to its end and says so; what failed is counted, and nothing was sold twice.
fn has_ended_well(rehearsal: &Output) {
    let errors = String::from_utf8_lossy(&rehearsal.stderr);
    let report: serde_json::Value = serde_json::from_slice(&rehearsal.stdout).expect(&errors);
    let bought = report["buyers"]["bought"].as_u64().unwrap();
    assert!(bought > 0, "nobody of 300 bought: {errors}");
    match rehearsal.status.code() {
        Some(0) => {}
        Some(1) => assert!(errors.contains("operations failed, the first: "), "{errors}"),
        other => panic!("ended with {other:?}: {errors}"),
    }
}

fn pass_audit(store: &str, history: &Path) {
    let audit = tix(store).args(["audit", "--repair", "--history"]).arg(history).output().unwrap();
    let told = String::from_utf8_lossy(&audit.stdout);
    let errors = String::from_utf8_lossy(&audit.stderr);
    assert_eq!(audit.status.code(), Some(0), "{told}{errors}");
}

#[test]
fn a_rehearsal_survives_a_machine_that_stands_still_and_one_that_dies() {
    let Some(mut machines) = Machine::cluster(1) else { return };
    let machine = &mut machines[0];
    let store = format!("scylla://{}/tix", machine.address);
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("history.jsonl");
    assert!(tix(&store).args(["schema", "apply"]).output().unwrap().status.success());
    let rehearsal = rehearse(&store, &history);
    thread::sleep(Duration::from_secs(6));
    machine.freeze(Duration::from_secs(7));
    thread::sleep(Duration::from_secs(5));
    machine.kill();
    machine.restart();
    has_ended_well(&rehearsal.wait_with_output().unwrap());
    pass_audit(&store, &history);
}

/// With its defaults, a machine that is killed loses what it wrote in the last 10 s.
const LOSES_NOTHING: &str = "commitlog_sync: batch\ncommitlog_sync_batch_window_in_ms: 2\n";

#[test]
fn rehearsal_waits_for_a_machine_that_comes_back() {
    let Some(mut machines) = Machine::prepared(1, LOSES_NOTHING, |_| {}) else { return };
    let machine = &mut machines[0];
    let store = format!("scylla://{}/tix", machine.address);
    assert!(tix(&store).args(["schema", "apply"]).output().unwrap().status.success());
    let mut rehearsal = tix(&store);
    rehearsal.args(["-o", "json", "simulate", "--buyers", "3000", "--speed", "max", "--seed", "7"]);
    let rehearsal = rehearsal.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    thread::sleep(Duration::from_secs(14));
    machine.kill();
    thread::sleep(Duration::from_secs(5));
    machine.restart();
    let output = rehearsal.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect(&errors);
    let audit = &report["audit"];
    assert_eq!(
        (&report["audit_made"], &audit["passed"]),
        (&true.into(), &true.into()),
        "{audit:#}"
    );
    let buyers = &report["buyers"];
    assert_eq!(buyers["total"], 3000, "{buyers:#}");
    let failed = buyers["empty_handed_because"]["store_failed"].as_u64().unwrap();
    assert!(failed < 150, "buyers ask again: {buyers:#}");
    let outage = &report["outages"];
    assert!(outage["longest_seconds"].as_f64().unwrap() > 3.0, "{outage:#}");
    assert!(!errors.contains("makes no sense"), "{errors}");
}

#[test]
fn rehearsal_whose_machine_stays_dead_reports_what_is_known() {
    let Some(mut machines) = Machine::cluster(1) else { return };
    let machine = &mut machines[0];
    let store = format!("scylla://{}/tix", machine.address);
    assert!(tix(&store).args(["schema", "apply"]).output().unwrap().status.success());
    let mut rehearsal = tix(&store);
    rehearsal.args(["-o", "json", "simulate", "--buyers", "3000", "--speed", "max", "--seed", "7"]);
    rehearsal.args(["--store-wait", "10s"]);
    let rehearsal = rehearsal.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    thread::sleep(Duration::from_secs(14));
    machine.kill();
    let output = rehearsal.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect(&errors);
    assert_eq!((&report["audit_made"], &report["read_at_end"]), (&false.into(), &false.into()));
    assert_eq!(report["outages"]["unended"], true, "{:#}", report["outages"]);
    assert!(report["buyers"]["bought"].as_u64().unwrap() > 0, "{errors}");
    assert!(
        errors.contains("did not answer for") && errors.contains("tix audit --event"),
        "{errors}"
    );
}

#[test]
fn a_sale_goes_on_while_one_of_three_machines_is_dead() {
    if env::var_os(VARIABLE).is_none() {
        eprintln!("{VARIABLE} is not set: three machines are skipped");
        return;
    }
    let Some(mut machines) = Machine::cluster(3) else { return };
    let hosts: Vec<String> = machines.iter().map(|machine| machine.address.to_string()).collect();
    let store = format!("scylla://{}/tix", hosts.join(","));
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("history.jsonl");
    assert!(tix(&store).args(["schema", "apply"]).output().unwrap().status.success());
    let rehearsal = rehearse(&store, &history);
    thread::sleep(Duration::from_secs(8));
    machines[1].kill();
    thread::sleep(Duration::from_secs(8));
    machines[1].restart();
    has_ended_well(&rehearsal.wait_with_output().unwrap());
    pass_audit(&store, &history);
}
