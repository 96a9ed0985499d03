//! `tix sweep`.

use crate::sandbox::Sandbox;

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
