//! `tix sweep`.

use std::process::Stdio;
use std::time::Duration;

use crate::sandbox::{Answer, Sandbox};
use crate::simulate::signal;

const CROWD: [&str; 7] = ["sweep", "--buyers", "80", "--seats", "30", "--seed", "4"];

#[test]
fn every_combination_is_rehearsed_with_the_same_seeds_and_compared() {
    let sandbox = Sandbox::new();
    let vary = ["--vary", "ttl=2m,15m", "--vary", "limit=2,10", "--repeat", "2"];
    let sweep = sandbox.json("sweep", &[&CROWD[..], &vary].concat());
    assert_eq!(sweep["seeds"], serde_json::json!([4, 5]));
    let cells = sweep["cells"].as_array().unwrap();
    let settings: Vec<_> = cells
        .iter()
        .map(|cell| {
            (&cell["settings"]["sale.time_to_pay_seconds"], &cell["settings"]["sale.limit"])
        })
        .map(|(ttl, limit)| (ttl.as_f64().unwrap(), limit.as_u64().unwrap()))
        .collect();
    assert_eq!(settings, [(120.0, 2), (120.0, 10), (900.0, 2), (900.0, 10)]);
    assert!(cells.iter().all(|cell| cell["runs"] == 2 && cell["audits_passed"] == 2), "{cells:?}");
    let medians: Vec<String> = cells.iter().map(|cell| cell["medians"].to_string()).collect();
    assert_ne!(medians[0], medians[3], "terms make a difference");
    assert!(std::fs::read_dir(sandbox.path("")).unwrap().next().is_none(), "it needs no store");
    // A cell is nothing but a rehearsal of its own.
    let one = ["simulate", "--virtual-time", "--buyers", "80", "--seats", "30", "--seed", "5"];
    let one =
        sandbox.json("simulation_report", &[&one[..], &["--limit", "2", "--ttl", "2m"]].concat());
    let sold = one["tickets"]["sold"].as_f64();
    let spread = cells[0]["spread"].as_array().unwrap();
    let of_cell = spread.iter().find(|spread| spread["figure"] == "tickets_sold").unwrap();
    assert!(of_cell["min"].as_f64() == sold || of_cell["max"].as_f64() == sold, "{of_cell}");
}

#[test]
fn it_is_read_as_a_table_and_as_a_sheet() {
    let sandbox = Sandbox::new();
    let vary = [&CROWD[..], &["--vary", "checkout-silent-share=0,1"]].concat();
    let first = sandbox.tix(&vary).done();
    assert!(first.stderr.starts_with("seed 4\n"), "{}", first.stderr);
    assert!(first.stdout.starts_with("2 scenarios, 2 rehearsals; every audit passed."));
    assert!(first.stdout.contains("silent_share"), "{}", first.stdout);
    assert!(first.stdout.lines().all(|line| line.chars().count() <= 100), "{}", first.stdout);
    assert_eq!(sandbox.tix(&vary).done().stdout, first.stdout, "the same again");
    let sheet = sandbox.tix(&[&vary[..], &["-o", "csv"]].concat()).done().stdout;
    let lines: Vec<&str> = sheet.lines().collect();
    assert!(
        lines[0].starts_with("checkout.silent_share,runs,audits_passed,sold_out_after_seconds")
    );
    assert!(lines[1].starts_with("0.0,1,1,") && lines[2].starts_with("1.0,1,1,"), "{sheet}");
    let two = [&CROWD[..], &["--vary", "ttl=2m", "--vary", "limit=3", "-o", "csv"]].concat();
    let sheet = sandbox.tix(&two).done().stdout;
    assert!(sheet.starts_with("sale.time_to_pay_seconds,sale.limit,runs,"), "{sheet}");
    assert!(sheet.lines().nth(1).unwrap().starts_with("120.0,3,1,1,"), "{sheet}");
}

#[test]
fn what_cannot_be_varied_is_told_before_anything_is_rehearsed() {
    let sandbox = Sandbox::new();
    let refused = |more: &[&str], words| {
        sandbox.tix(&[&["sweep"], more].concat()).ended(2, words);
    };
    refused(&[], "--vary <NAME=VALUE,VALUE…>");
    refused(&["--vary", "tll=5m"], "there is no parameter `tll`");
    refused(&["--vary", "limit=2,11"], "sale.limit=11 cannot be");
    refused(&["--vary", "limit=2", "--vary", "sale.limit=3"], "sale.limit is varied twice");
    refused(&["--vary", "payment-latency-min-seconds=60"], "payment.latency_max_seconds");
}

/// Starts a command that goes by a virtual clock, interrupts it so long after it has begun, and waits
/// for its end.
fn interrupted_after(sandbox: &Sandbox, arguments: &[&str], millis: u64) -> Answer {
    let errors = sandbox.file("errors", "");
    let mut command = sandbox.command(arguments);
    let stderr = std::fs::File::create(&errors).unwrap();
    let child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
    while !std::fs::read_to_string(&errors).unwrap().contains("seed ") {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(millis));
    signal(&child, "INT");
    let mut output = child.wait_with_output().unwrap();
    output.stderr = std::fs::read(&errors).unwrap();
    Answer::of(&output)
}

/// The command that an interrupted set of runs names to make them again.
fn same_command(answer: &Answer) -> &str {
    let (_, rest) = answer.stderr.split_once("Hint: ").expect(&answer.stderr);
    rest.split('`').nth(1).expect(&answer.stderr)
}

#[test]
fn sweep_leaves_out_runs_that_were_cut_short() {
    let sandbox = Sandbox::new();
    let sweep = ["sweep", "--vary", "ttl=5m,15m,20m", "--buyers", "8000", "--seed", "1"];
    let answer = interrupted_after(&sandbox, &[&sweep[..], &["-o", "json"]].concat(), 1200);
    assert_eq!(answer.code, Some(130), "{}", answer.stderr);
    let document: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    crate::schemas::check("sweep", &document);
    assert_eq!((&document["interrupted"], &document["runs_planned"]), (&true.into(), &3.into()));
    let finished = document["cells"].as_array().unwrap();
    let cut = document["runs_cut_short"].as_u64().unwrap();
    assert!(cut > 0 && finished.len() as u64 + cut <= 3, "{document:#}");
    assert!(finished.iter().all(|cell| cell["runs"] == 1), "{document:#}");
    let stderr: serde_json::Value = answer.stderr.lines().last().map_or_else(
        || panic!("{}", answer.stderr),
        |line| serde_json::from_str(line).unwrap_or_default(),
    );
    let hint = stderr.pointer("/error/hint").or(stderr.get("hint"));
    let hint = hint.and_then(serde_json::Value::as_str).expect(&answer.stderr);
    assert!(hint.contains(&format!("`tix {} -o json` ", sweep.join(" "))), "{hint}");
    // The same as text and as a sheet.
    let text = interrupted_after(&sandbox, &sweep, 1200);
    assert!(text.stdout.contains(" of 3 rehearsals finished, then stopped"), "{}", text.stdout);
    let words: Vec<&str> = text.stdout.split_whitespace().collect();
    assert!(words.join(" ").contains("cut short and "), "{}", text.stdout);
    assert_eq!(same_command(&text), format!("tix {}", sweep.join(" ")));
    let sheet = interrupted_after(&sandbox, &[&sweep[..], &["-o", "csv"]].concat(), 1200);
    assert!(sheet.stdout.lines().next().unwrap().ends_with(",runs_planned"), "{}", sheet.stdout);
    assert!(sheet.stdout.lines().skip(1).all(|line| line.ends_with(",1")), "{}", sheet.stdout);
}

#[test]
fn repetitions_leave_out_runs_that_were_cut_short() {
    let sandbox = Sandbox::new();
    let few = ["simulate", "--virtual-time", "--repeat", "400", "--buyers", "300", "--ttl", "4m"];
    let answer = interrupted_after(&sandbox, &[&few[..], &["-o", "json"]].concat(), 2500);
    assert_eq!(answer.code, Some(130), "{}", answer.stderr);
    let document: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    crate::schemas::check("repeated_rehearsal", &document);
    let runs = document["runs"].as_array().unwrap();
    assert_eq!((&document["interrupted"], &document["times"]), (&true.into(), &400.into()));
    let whole = ["simulate", "--virtual-time", "--buyers", "300", "--ttl", "4m", "--seed"];
    for run in runs.iter().take(2) {
        let seed = run["seed"].to_string();
        let one = sandbox.json("simulation_report", &[&whole[..], &[&seed]].concat());
        assert_eq!(run["tickets_sold"], one["tickets"]["sold"], "only whole runs count");
    }
    assert!(!document["cut_short"].as_array().unwrap().is_empty() || runs.len() < 400);
    let text = interrupted_after(&sandbox, &few, 1500);
    let command = same_command(&text);
    assert!(command.starts_with(&format!("tix {} --seed ", few.join(" "))), "{command}");
    assert!(text.stdout.contains(" of 400 rehearsals finished, then stopped"), "{}", text.stdout);
}
