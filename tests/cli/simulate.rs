//! `tix simulate`.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tix::simulate::scenario::PARAMETERS;

use crate::sandbox::{Answer, Sandbox, unfolded};

/// Starts a rehearsal and waits until its buyers are under way.
pub(crate) fn under_way(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut command = sandbox.command(&[&["simulate"], arguments].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while orders(sandbox) == 0 {
        assert!(begin.elapsed() < Duration::from_secs(30), "nobody bought anything");
        sleep(Duration::from_millis(20));
    }
    child
}

/// How many orders there are; none where there is no store or no event yet.
fn orders(sandbox: &Sandbox) -> usize {
    let answer = sandbox.tix(&["order", "list", "-o", "json"]);
    let document: Value = serde_json::from_str(&answer.stdout).unwrap_or_default();
    document["orders"].as_array().map_or(0, Vec::len)
}

pub(crate) fn signal(child: &Child, signal: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
}

#[test]
fn on_a_fresh_machine_it_makes_its_own_event_sells_it_and_proves_it() {
    let sandbox = Sandbox::new();
    let answer =
        sandbox.tix(&["simulate", "--buyers", "200", "--speed", "max", "--seed", "7"]).done();
    assert!(answer.stderr.starts_with("seed 7\n"), "{}", answer.stderr);
    assert!(answer.stdout.starts_with("Sold "), "{}", answer.stdout);
    assert!(answer.stdout.contains("no seat was sold twice"), "{}", answer.stdout);
    let events = sandbox.json("events", &["event", "list", "--simulated"]);
    assert_eq!(events["events"][0]["simulated"], true);
    assert_eq!(events["events"][0]["tickets"], 200);
}

#[test]
fn the_report_adds_up_and_its_form_is_promised() {
    let sandbox = Sandbox::new();
    let rehearse = ["simulate", "--buyers", "300", "--seats", "100", "--speed", "max", "-q"];
    let report = sandbox.json("simulation_report", &rehearse);
    let sum = |of: &Value, parts: &[&str]| -> u64 {
        parts.iter().map(|part| of[part].as_u64().unwrap()).sum()
    };
    assert_eq!(
        sum(
            &report["buyers"],
            &["bought", "gave_up", "silent", "crashed", "empty_handed", "still_running"]
        ),
        300
    );
    let conditions = ["sold", "held", "paying", "available", "blocked"];
    assert_eq!(sum(&report["tickets"], &conditions), 100);
    assert_eq!(report["audit"]["passed"], true);
    let counts = sandbox.json("ticket_counts", &["ticket", "counts"]);
    assert_eq!(counts["total"]["sold"], report["tickets"]["sold"]);
    assert_eq!(counts["total"]["revenue"], report["revenue"]);
}

#[test]
fn the_report_tells_of_those_who_waited() {
    let sandbox = Sandbox::new();
    let rehearse = ["simulate", "--buyers", "200", "--seats", "20", "--speed", "max", "-q"];
    // Whoever gets a ticket keeps it.
    let kept = [
        ["--checkout-unpaid-share", "0"],
        ["--payment-declined-share", "0"],
        ["--waitlist-join-share", "1"],
    ]
    .concat();
    let answer = sandbox.tix(&[&rehearse[..], &kept].concat()).done();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r" +[\d,]+ +[\d.]+ %.*", " [count and share]");
    settings.bind(|| {
        let blocks: Vec<&str> = answer.stdout.split("\n\n").collect();
        let buyers = blocks.iter().find(|block| block.starts_with("Buyers")).unwrap();
        insta::assert_snapshot!(buyers, @r"
        Buyers (% of all who arrived)
          bought [count and share]
          left with nothing [count and share]
          all who arrived [count and share]
        ");
    });
    let line = sandbox.json("simulation_report", &[&rehearse[..], &kept].concat());
    let (waited, total) = (&line["buyers"]["waitlisted"], &line["buyers"]["total"]);
    assert!(waited.as_u64().unwrap() > 20 && waited.as_u64() < total.as_u64(), "{line:#}");
    let nobody = ["--waitlist-join-share", "0"];
    let answer = sandbox.tix(&[&rehearse[..], &nobody].concat()).done();
    assert!(!answer.stdout.contains("Waitlist (%"), "{}", answer.stdout);
}

#[test]
fn latencies_are_a_sheet() {
    let sandbox = Sandbox::new();
    let rehearse = ["simulate", "--buyers", "50", "--speed", "max", "-o", "csv"];
    let answer = sandbox.tix(&rehearse).done();
    assert!(answer.stdout.starts_with("operation,outcome,count,p50_us,"), "{}", answer.stdout);
    assert!(answer.stdout.contains("\nstart_hold,ok,"), "{}", answer.stdout);
}

#[test]
fn it_can_rehearse_in_memory_and_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let rehearse = ["simulate", "--buyers", "100", "--speed", "max"];
    sandbox.tix(&[&["--store", "sqlite::memory:"], &rehearse[..]].concat()).done();
    assert_eq!(std::fs::read_dir(sandbox.path("")).unwrap().count(), 0);
}

#[test]
fn an_event_that_people_use_is_sold_only_if_they_agree() {
    let sandbox = Sandbox::seeded();
    let rehearse = ["simulate", "--buyers", "20", "--speed", "max", "--event", "hall"];
    sandbox.tix(&rehearse).ended(2, "people use the event hall");
    sandbox.tix(&[&rehearse[..], &["--yes"]].concat()).done();
    assert!(orders(&sandbox) > 0);
    sandbox.tix(&["simulate", "--event", "lear"]).refused("unknown_event");
    sandbox.tix(&["simulate", "--event", "hall", "--seats", "9"]).ended(2, "cannot be used with");
}

#[test]
fn a_scenario_that_makes_no_sense_is_told_and_makes_no_store() {
    let sandbox = Sandbox::new();
    for (option, value) in [
        ("--buyers", "0"),
        ("--buyers", "many"),
        ("--seats", "0"),
        ("--speed", "fast"),
        ("--seed", "-1"),
        ("--limit", "11"),
        ("--ttl", "0s"),
        ("--checkout-unpaid-share", "1.5"),
        ("--waitlist-patience-median-seconds", "25h"),
        ("--arrival-window-seconds", "2 days"),
        ("--arrival-shape", "flat"),
        ("--parties", "1:0.5"),
        ("--parties", "11:1"),
        ("--payment-latency-max-seconds", "0.1"),
    ] {
        sandbox.tix(&["simulate", option, value]).ended(2, "error: ");
    }
    sandbox.tix(&["simulate", "--event", "hall"]).ended(1, "there is no store");
    assert_eq!(std::fs::read_dir(sandbox.path("")).unwrap().count(), 0);
}

#[test]
fn what_buyers_were_told_can_be_audited_later() {
    let sandbox = Sandbox::new();
    let history = ["--history", "told.jsonl"];
    sandbox
        .tix(&[&["simulate", "--buyers", "100", "--speed", "max"], &history[..]].concat())
        .done();
    let report = sandbox.json("audit_report", &[&["audit"], &history[..]].concat());
    let acknowledged = report["checks"].as_array().unwrap();
    let acknowledged = acknowledged.iter().find(|check| check["rule"] == "acknowledged").unwrap();
    assert!(acknowledged["examined"].as_u64().unwrap() > 50, "{report:#}");
}

#[test]
fn stopped_once_it_still_reports() {
    let sandbox = Sandbox::new();
    let child = under_way(&sandbox, &["--buyers", "2000", "--speed", "60"]);
    signal(&child, "INT");
    let answer = Answer::of(&child.wait_with_output().unwrap());
    assert_eq!(answer.code, Some(130), "{}", answer.stderr);
    assert!(answer.stdout.starts_with("Sold "), "{}", answer.stdout);
    assert!(answer.stdout.contains("Stopped before its end"), "{}", answer.stdout);
    assert!(answer.stderr.contains("no more buyers arrive"), "{}", answer.stderr);
}

#[test]
fn whatever_was_acknowledged_survives_the_death_of_the_process() {
    for round in 0..3 {
        let sandbox = Sandbox::new();
        let rehearse = ["--buyers", "20000", "--speed", "max", "--history", "told.jsonl"];
        let mut child = under_way(&sandbox, &rehearse);
        sleep(Duration::from_millis(150 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let report = sandbox.json("audit_report", &["audit", "--history", "told.jsonl"]);
        assert_eq!(report["passed"], true);
        sandbox.tix(&["hold", "start", "--best", "2"]).done();
    }
}

#[test]
fn a_scenario_is_named_or_a_file_and_options_count_more() {
    let sandbox = Sandbox::new();
    let file =
        sandbox.file("mine.toml", "buyers = 40\nseats = 50\n[checkout]\nunpaid_share = 0.0\n");
    let mine = ["simulate", "--scenario", file.to_str().unwrap(), "--speed", "max", "--seed", "7"];
    let report = sandbox.json("simulation_report", &mine);
    assert_eq!(
        (&report["scenario"]["buyers"], &report["tickets"]["minted"]),
        (&40.into(), &50.into())
    );
    let fewer = [&mine[..], &["--buyers", "20", "--arrival-shape", "even"]].concat();
    let report = sandbox.json("simulation_report", &fewer);
    assert_eq!(report["scenario"]["buyers"], 20);
    assert_eq!(report["scenario"]["arrival"]["shape"], "even");
    assert_eq!(report["scenario"]["checkout"]["unpaid_share"], 0.0);
}

#[test]
fn the_command_that_repeats_a_rehearsal_repeats_all_of_it() {
    let sandbox = Sandbox::new();
    let args = ["--scenario", "calm", "--buyers", "30", "--speed", "max", "--seed", "7"];
    let args = [&args[..], &["--parties", "1:0.5,2-3:0.5"]].concat();
    let first = sandbox.tix(&[&["simulate"], &args[..]].concat()).done();
    let text = unfolded(&first.stdout);
    let again = text.lines().map(str::trim).find(|line| line.starts_with("tix simulate"));
    let again: Vec<&str> = again.unwrap().split(' ').skip(1).collect();
    assert!(again.contains(&"--patience-looking-median-seconds"), "{again:?}");
    let scenario = |args: &[&str]| sandbox.json("simulation_report", args)["scenario"].clone();
    assert_eq!(scenario(&again), scenario(&[&["simulate"], &args[..]].concat()));
}

#[test]
fn there_are_eight_buyers_for_each_seat_however_many_come() {
    let sandbox = Sandbox::new();
    let rush = ["simulate", "--scenario", "oversubscribed", "--buyers", "300", "-q"];
    let report = sandbox.json("simulation_report", &[&rush[..], &["--speed", "max"]].concat());
    assert_eq!(
        (&report["tickets"]["minted"], &report["scenario"]["seats"]),
        (&38.into(), &38.into())
    );
    assert_eq!(report["scenario"]["buyers_per_seat"], 8.0);
}

#[test]
fn every_parameter_is_an_option_that_only_the_long_help_shows() {
    let sandbox = Sandbox::new();
    let help = |option| sandbox.tix(&["simulate", option]).done().stdout;
    let (short, long) = (help("-h"), help("--help"));
    for parameter in PARAMETERS {
        let option = format!(" --{} <", parameter.option());
        assert!(long.contains(&option), "{option}");
        assert_eq!(short.contains(&option), parameter.short.is_some(), "{option}");
    }
    assert!(long.contains("0 to 1 [default: 0.43]"), "{long}");
}

#[test]
fn a_scenario_that_makes_no_sense_is_told_line_by_line() {
    let sandbox = Sandbox::new();
    sandbox.file("x.toml", "buyers = 0\n[checkout]\nunpaid_share = 1.5\n");
    let refused = sandbox.tix(&["simulate", "--scenario", "x.toml"]);
    let told = refused.ended(2, "x.toml:1: buyers must be").stderr;
    assert!(told.contains("x.toml:3: checkout.unpaid_share must be 0 to 1, not 1.5"), "{told}");
    sandbox.tix(&["simulate", "--scenario", "rusk"]).ended(2, "spike, metered, rush");
    sandbox.tix(&["simulate", "--checkout-unpaid-share", "2"]).ended(2, "must be 0 to 1, not 2");
    assert!(!sandbox.path("tix.db").exists(), "nothing was made");
}

#[test]
fn by_a_virtual_clock_the_same_seed_prints_the_same_bytes() {
    let sandbox = Sandbox::new();
    let rehearse = |seed| {
        let rehearse = ["simulate", "--virtual-time", "--buyers", "150", "--seats", "60"];
        let answer = sandbox.tix(&[&rehearse[..], &["--seed", seed, "-o", "json"]].concat());
        answer.done().stdout
    };
    let first = rehearse("42");
    assert_eq!(first, rehearse("42"));
    assert_ne!(first, rehearse("43"));
    let report: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(report["virtual_time"], true);
    assert!(report["elapsed_seconds"].as_f64().unwrap() > 600.0, "{}", report["elapsed_seconds"]);
    assert!(!sandbox.path("tix.db").exists(), "it has a store of its own");
}

#[test]
fn what_a_virtual_rehearsal_says_can_be_repeated_word_by_word() {
    let sandbox = Sandbox::new();
    let first = ["simulate", "--virtual-time", "--buyers", "100", "--seed", "5", "--faults"];
    let text = sandbox.tix(&first).done().stdout;
    assert!(text.contains("speed       by a virtual clock"), "{text}");
    assert!(text.contains("Injected faults"), "{text}");
    let whole = unfolded(&text);
    let command = whole.lines().find(|line| line.starts_with("  tix simulate")).unwrap();
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    assert_eq!(sandbox.tix(&words).done().stdout, text);
}

#[test]
fn several_seeds_tell_how_much_is_chance() {
    let sandbox = Sandbox::new();
    let rehearse = ["simulate", "--buyers", "60", "--seats", "30", "--seed", "11", "--repeat", "3"];
    let virtually = [&rehearse[..], &["--virtual-time"]].concat();
    let repeated = sandbox.json("repeated_rehearsal", &virtually);
    let seeds: Vec<_> =
        repeated["runs"].as_array().unwrap().iter().map(|run| run["seed"].as_u64()).collect();
    assert_eq!(seeds, [Some(11), Some(12), Some(13)]);
    assert_eq!((&repeated["times"], &repeated["audits_passed"]), (&3.into(), &3.into()));
    for spread in repeated["spread"].as_array().unwrap() {
        assert!(spread["min"].as_f64() <= spread["max"].as_f64(), "{spread}");
    }
    let one = ["simulate", "--buyers", "60", "--seats", "30", "--seed", "12", "--virtual-time"];
    let one = sandbox.json("simulation_report", &one);
    assert_eq!(repeated["runs"][1]["tickets_sold"], one["tickets"]["sold"]);
    // In the machine's time each has an event of its own in the store.
    let at_max = [&rehearse[..], &["--speed", "max"]].concat();
    let text = sandbox.tix(&at_max).done().stdout;
    assert!(text.starts_with("3 rehearsals; every audit passed."), "{text}");
    let events = sandbox.json("events", &["event", "list", "--simulated"]);
    assert_eq!(events["events"].as_array().unwrap().len(), 3);
    let sheet = sandbox.tix(&[&virtually[..], &["-o", "csv"]].concat()).done().stdout;
    assert_eq!(sheet.lines().count(), 4, "{sheet}");
}

/// The lines of a plan, each as its schema has it.
fn plan(sandbox: &Sandbox, arguments: &[&str]) -> (String, Vec<Value>) {
    let answer = sandbox.tix(&[&["simulate", "--plan", "-"], arguments].concat()).done();
    let lines: Vec<Value> =
        answer.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        crate::schemas::check("plan", line);
    }
    (answer.stdout, lines)
}

#[test]
fn a_plan_is_written_without_letting_anybody_in() {
    let sandbox = Sandbox::new();
    let crowd = ["--scenario", "rush", "--buyers", "300", "--seed", "7"];
    let (text, lines) = plan(&sandbox, &crowd);
    assert_eq!(plan(&sandbox, &crowd).0, text, "the same seed plans the same buyers");
    assert_ne!(plan(&sandbox, &[&crowd[..4], &["--seed", "8"]].concat()).0, text);
    let (head, buyers) = lines.split_first().unwrap();
    assert_eq!((&head["seed"], &head["scenario"]["seats"]), (&7.into(), &300.into()));
    let arrivals: Vec<u64> = buyers.iter().map(|b| b["arrives_ms"].as_u64().unwrap()).collect();
    assert_eq!((arrivals.len(), arrivals.is_sorted()), (300, true));
    let bots = buyers.iter().filter(|buyer| buyer["bot"] == true).count();
    assert!((90..150).contains(&bots), "{bots}");
    assert_eq!(std::fs::read_dir(sandbox.path("")).unwrap().count(), 0, "nothing was made");
}

#[test]
fn a_plan_in_a_file_says_how_to_rehearse_it_and_replaces_an_earlier_one() {
    let sandbox = Sandbox::new();
    sandbox.file("plan.jsonl", "earlier");
    let write = ["simulate", "--plan", "plan.jsonl", "--buyers", "1200", "--seed", "7"];
    let answer = sandbox.tix(&write).done();
    assert_eq!(answer.stdout, "");
    assert!(answer.stderr.contains("wrote the plan of 1,200 buyers to plan.jsonl"));
    assert!(answer.stderr.contains("tix simulate --buyers 1200 --seed 7 --speed 60 --seats 1200"));
    let text = std::fs::read_to_string(sandbox.path("plan.jsonl")).unwrap();
    assert_eq!(text, plan(&sandbox, &["--buyers", "1200", "--seed", "7"]).0);
    assert_eq!(std::fs::read_dir(sandbox.path("")).unwrap().count(), 1, "only the plan");
    let full =
        sandbox.tix(&["simulate", "--plan", "/dev/full"]).ended(1, "could not write the plan");
    assert!(!full.stderr.contains("wrote the plan"), "{}", full.stderr);
    sandbox.tix(&["simulate", "--plan", "x", "--history", "y"]).ended(2, "cannot be used with");
}

#[test]
fn file_that_cannot_be_begun_is_bad_usage() {
    let sandbox = Sandbox::new();
    sandbox.file("flat", "");
    let hint = "Hint: name one in a folder that is there and can be written to";
    for path in ["nowhere/file.html", "flat/file.html", "folder.html"] {
        std::fs::create_dir_all(sandbox.path("folder.html")).unwrap();
        for option in ["plan", "history", "report"] {
            let option_word = format!("--{option}");
            let answer = sandbox.tix(&["simulate", "--buyers", "10", &option_word, path]);
            let answer = answer.ended(2, &format!("could not write the {option} {path}"));
            assert!(answer.stderr.contains(hint), "{}", answer.stderr);
        }
    }
    let answer = sandbox.tix(&["man", "--dir", "flat/pages"]);
    answer.ended(2, "could not write the manual pages into flat/pages");
    assert!(!sandbox.path("tix.db").exists(), "nothing was written");
}

#[test]
fn bound_on_present_buyers_is_only_for_speed_max() {
    let sandbox = Sandbox::new();
    let bounded = ["simulate", "--buyers", "10", "--present-max", "5"];
    sandbox.tix(&bounded).ended(2, "--present-max would be ignored");
    sandbox.tix(&[&bounded[..], &["--speed", "max", "--store", "sqlite::memory:"]].concat()).done();
}

#[test]
fn a_plan_that_is_stopped_leaves_no_file_behind() {
    let sandbox = Sandbox::new();
    let write = ["simulate", "--plan", "plan.jsonl", "--buyers", "2000000"];
    let child = sandbox.command(&write).stderr(Stdio::piped()).spawn().unwrap();
    let files = || std::fs::read_dir(sandbox.path("")).unwrap();
    let begin = Instant::now();
    while files().next().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(30), "nothing is written");
        sleep(Duration::from_millis(20));
    }
    signal(&child, "INT");
    let answer = Answer::of(&child.wait_with_output().unwrap());
    assert_eq!(answer.code, Some(130), "{}", answer.stderr);
    assert_eq!(files().count(), 0, "nothing is left");
}

#[test]
fn the_plan_for_an_event_is_that_of_its_rehearsal() {
    let sandbox = Sandbox::new();
    let crowd = ["--buyers", "120", "--seed", "7", "--bots-share", "0.3"];
    sandbox.tix(&[&["simulate", "--speed", "max", "--limit", "4"], &crowd[..]].concat()).done();
    let events = sandbox.json("events", &["event", "list", "--simulated"]);
    let slug = events["events"][0]["slug"].as_str().unwrap();
    let (_, own) = plan(&sandbox, &[&crowd[..], &["--limit", "4"]].concat());
    let (_, there) = plan(&sandbox, &[&crowd[..], &["--event", slug]].concat());
    assert_eq!(there, own, "the event has the same seats, sections and limit");
    let bots: Vec<&Value> = own.iter().filter(|buyer| buyer["bot"] == true).collect();
    assert!(bots.len() > 20 && bots.iter().all(|bot| bot["party"] == 4), "{bots:?}");
    sandbox.tix(&["simulate", "--plan", "-", "--event", "lear"]).refused("unknown_event");
}
