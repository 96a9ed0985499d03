//! `tix simulate --report`: one page, which never says anything else than the other forms.

use std::collections::HashMap;

use serde_json::Value;

use crate::sandbox::{Answer, Sandbox};
use crate::simulate::{signal, under_way};

/// Too few seats, so that everything happens.
const CROWD: [&str; 8] =
    ["simulate", "--virtual-time", "--buyers", "400", "--seats", "150", "--seed", "42"];

const LATENCY: &str =
    "Latency, modeled by the scenario, in whole milliseconds; nothing was measured";

/// The names of the files in the folder.
fn files(sandbox: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.path("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What the page says, by where its value stands in the JSON report.
fn figures(page: &str) -> Vec<(String, String)> {
    let figure = |rest: &str| {
        let (pointer, rest) = rest.split_once("\">").unwrap();
        (pointer.to_owned(), rest.split_once('<').unwrap().0.to_owned())
    };
    page.split("data-figure=\"").skip(1).map(figure).collect()
}

fn embedded(page: &str) -> Value {
    let (_, json) = page.split_once("id=\"report\">").unwrap();
    serde_json::from_str(json.split_once("</script>").unwrap().0).unwrap()
}

/// The number that a person reads, and how much the last digit of it is: seconds for spans.
fn number(text: &str) -> (f64, f64) {
    if text == "never" {
        return (f64::INFINITY, 0.0);
    }
    if ["at once", "under 1 s"].contains(&text) {
        return (0.0, 1.0);
    }
    let (mut sum, mut last) = (0.0, 1.0);
    let words: Vec<&str> = text.split(' ').collect();
    for pair in words.chunks(2) {
        let unit = match pair.get(1).copied() {
            None | Some("EUR" | "s") => 1.0,
            Some("%") => 0.01,
            Some("µs") => 1e-6,
            Some("ms") => 1e-3,
            Some("min") => 60.0,
            Some("h") => 3600.0,
            Some(other) => panic!("{other} in {text}"),
        };
        let digits = pair[0].replace(',', "");
        let decimals = digits.split_once('.').map_or(0, |(_, rest)| rest.len());
        sum += unit * digits.parse::<f64>().unwrap_or_else(|_| panic!("{text}"));
        last = unit * 0.1_f64.powi(i32::try_from(decimals).unwrap());
    }
    (sum, last)
}

/// The value of the JSON report in the units of [`number`].
fn value(json: &Value, pointer: &str) -> f64 {
    let value = json.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
    let plain = match value {
        Value::Null => f64::INFINITY,
        Value::Object(money) => money["amount"].as_str().unwrap().parse().unwrap(),
        number => number.as_f64().unwrap(),
    };
    if pointer.ends_with("_us") { plain / 1e6 } else { plain }
}

/// Rows of the terminal's report, by the title above them and their names; a row within another has
/// the name of that one before its own.
fn terminal_rows(text: &str) -> HashMap<(String, String), String> {
    let (mut title, mut above) = (String::new(), String::new());
    let mut rows = HashMap::new();
    for line in text.lines() {
        if !line.starts_with(' ') {
            line.clone_into(&mut title);
            continue;
        }
        let Some((name, rest)) = line.trim().split_once("  ") else { continue };
        let within = line.starts_with("    ");
        let name = if within { format!("{above} {name}") } else { name.to_owned() };
        if !within {
            above.clone_from(&name);
        }
        rows.insert((title.clone(), name), rest.trim().to_owned());
    }
    rows
}

#[test]
fn terminal_json_and_page_never_disagree() {
    let sandbox = Sandbox::new();
    let crowd = [&CROWD[..], &["--faults", "--bots-share", "0.2"]].concat();
    let with_page = [&crowd[..], &["--report", "sale.html"]].concat();
    let json = sandbox.json("simulation_report", &with_page);
    let text = sandbox.tix(&crowd).done().stdout;
    let page = std::fs::read_to_string(sandbox.path("sale.html")).unwrap();
    assert_eq!(embedded(&page), json);
    assert!(!json.to_string().contains("-0.0"), "zero has no sign");

    let shown = figures(&page);
    assert!(shown.len() > 200, "{}", shown.len());
    for (pointer, figure) in &shown {
        let ((read, last), meant) = (number(figure), value(&json, pointer));
        let both_never = read.is_infinite() && meant.is_infinite();
        let agree = both_never || (read - meant).abs() <= last * 1.000_001;
        assert!(agree, "{pointer}: {figure} is not {meant}");
    }

    let shown: HashMap<&str, &str> =
        shown.iter().map(|(pointer, figure)| (pointer.as_str(), figure.as_str())).collect();
    let verdict: Vec<&str> = text.lines().take(2).collect();
    assert!(page.contains(&format!("<h1>{}</h1>", verdict[0])), "{}", verdict[0]);
    assert!(page.contains(verdict[1]), "{}", verdict[1]);
    let rows = terminal_rows(&text);
    let same = |title: &str, name: &str, pointer: &str| {
        let row =
            &rows.get(&(title.into(), name.into())).unwrap_or_else(|| panic!("{name}: {rows:#?}"));
        let figure = shown.get(pointer).unwrap_or_else(|| panic!("{pointer}"));
        let squeezed = |text: &str| text.replace(' ', "");
        assert!(squeezed(row).contains(&squeezed(figure)), "{name}: {row}, on the page {figure}");
    };
    for (title, name, pointer) in [
        ("Tickets at the end (% of all tickets)", "sold", "/tickets/sold"),
        ("Tickets at the end (% of all tickets)", "available", "/tickets/available"),
        ("Buyers (% of all who arrived)", "bought", "/buyers/bought"),
        ("Buyers (% of all who arrived)", "abandoned a hold", "/buyers/gave_up"),
        ("Buyers (% of all who arrived)", "fell silent", "/buyers/silent"),
        ("Buyers (% of all who arrived)", "left with nothing", "/buyers/empty_handed"),
        ("Buyers (% of all who arrived)", "all who arrived", "/buyers/total"),
        ("Waitlist (% of all who joined)", "all who joined", "/buyers/waitlisted"),
        ("Waitlist (% of all who joined)", "offered, bought", "/buyers/waitlist/bought"),
        ("Bots among the buyers (% of all bots)", "all bots", "/buyers/bots/total"),
        ("Bots among the buyers (% of all bots)", "bought", "/buyers/bots/bought"),
        ("Bots among the buyers (% of all bots)", "seats bought", "/buyers/bots/tickets"),
        ("Where holds came from (% of all holds)", "claimed", "/holds/claimed"),
        ("Where holds came from (% of all holds)", "waitlist offer", "/holds/offered"),
        ("How holds ended (% of all holds)", "confirmed", "/holds/confirmed"),
        ("How holds ended (% of all holds)", "abandoned", "/holds/abandoned"),
        ("How holds ended (% of all holds)", "expired", "/holds/expired"),
        ("Requests for seats (% of all requests)", "refused: taken", "/holds/refused_taken"),
        (
            "Course of the sale, in buyer time",
            "50 % sold after",
            "/sell_through/half_after_seconds",
        ),
        (
            "Course of the sale, in buyer time",
            "sold out after",
            "/sell_through/sold_out_after_seconds",
        ),
        ("Course of the sale, in buyer time", "phantom sell-out", "/phantom_sell_out/seconds"),
        (
            "Course of the sale, in buyer time",
            "peak held share",
            "/phantom_sell_out/held_share_max",
        ),
        ("Course of the sale, in buyer time", "out of order", "/fairness/out_of_order_share"),
        ("Course of the sale, in buyer time", "overtaken by", "/fairness/overtaken_p50"),
        ("Course of the sale, in buyer time", "overtaken by", "/fairness/overtaken_p90"),
        ("Course of the sale, in buyer time", "overtaken by", "/fairness/overtaken_max"),
        ("Rehearsal", "seed", "/seed"),
        ("Rehearsal", "throughput", "/throughput/peak_operations_per_second"),
        ("Injected faults", "answers lost", "/faults/answers_lost"),
        ("Injected faults", "connections refused", "/faults/connections_refused"),
    ] {
        same(title, name, pointer);
    }
    for (n, measured) in json["operations"].as_array().unwrap().iter().enumerate() {
        let (name, outcome) =
            (measured["name"].as_str().unwrap(), measured["outcome"].as_str().unwrap());
        let row = if outcome == "ok" { name.to_owned() } else { format!("{name} {outcome}") };
        for column in ["count", "p50_us", "p99_us", "due_p99_us"] {
            same(LATENCY, &row, &format!("/operations/{n}/{column}"));
        }
    }
}

#[test]
fn a_page_that_cannot_be_written_is_told_before_anybody_waits() {
    let sandbox = Sandbox::new();
    let rehearse = |more: &[&str]| {
        sandbox.tix(&[&["simulate", "--buyers", "50", "--speed", "max"], more].concat())
    };
    std::fs::create_dir(sandbox.path("folder.html")).unwrap();
    rehearse(&["--report", "nowhere/sale.html"])
        .ended(2, "could not write the report nowhere/sale.html");
    rehearse(&["--report", "folder.html"]).ended(2, "is a directory");
    rehearse(&["--report", "sale.pdf"]).ended(2, "let its name end in .html");
    rehearse(&["--report", "sale.html", "--repeat", "2"]).ended(2, "cannot be used with");
    rehearse(&["--report", "sale.html", "--plan", "-"]).ended(2, "cannot be used with");
    assert_eq!(files(&sandbox), ["folder.html"], "no store, no page");
}

#[test]
fn a_page_takes_the_place_of_an_earlier_one_as_a_whole() {
    let sandbox = Sandbox::new();
    sandbox.file("sale.htm", "an earlier one");
    let answer = sandbox.tix(&[&CROWD[..], &["--report", "sale.htm"]].concat()).done();
    assert!(answer.stderr.contains("the report is in sale.htm"), "{}", answer.stderr);
    assert!(answer.stdout.starts_with("Sold "), "the terminal has it too");
    let page = std::fs::read_to_string(sandbox.path("sale.htm")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    assert_eq!(files(&sandbox), ["sale.htm"], "nothing else is left behind");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let fresh = sandbox.file("other", "").metadata().unwrap().permissions().mode();
        let mode = sandbox.path("sale.htm").metadata().unwrap().permissions().mode();
        assert_eq!(mode, fresh, "readable like any other file");
    }
}

#[test]
fn stopped_once_there_is_a_page() {
    let sandbox = Sandbox::new();
    let child = under_way(&sandbox, &["--buyers", "2000", "--report", "sale.html"]);
    assert!(!sandbox.path("sale.html").exists(), "not before there is something to say");
    signal(&child, "INT");
    let answer = Answer::of(&child.wait_with_output().unwrap());
    assert_eq!(answer.code, Some(130), "{}", answer.stderr);
    let page = std::fs::read_to_string(sandbox.path("sale.html")).unwrap();
    assert!(page.contains("Stopped before its end"));
}
