//! Every table of a report adds up: in JSON, in the terminal and on the page, however a run went.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use serde_json::Value;
use tix::audit::History;
use tix::clock::SystemClock;
use tix::payment::SimulatedProvider;
use tix::repository::{self, Access, StoreUrl};
use tix::simulate::scenario::{Faults, SHIPPED, read};
use tix::simulate::virtual_time::Rehearsal;
use tix::simulate::{self, Pace, Progress, Scenario, Setting, SimulationReport, Stop, Time};

/// The sums that the schema states: a whole and its parts.
const SUMS: [(&str, &str, &[&str]); 5] = [
    (
        "/buyers",
        "total",
        &["bought", "gave_up", "silent", "crashed", "empty_handed", "still_running"],
    ),
    ("/tickets", "minted", &["sold", "held", "paying", "available", "blocked"]),
    (
        "/holds",
        "requests",
        &["claimed", "refused_taken", "refused_limit", "refused_other", "unanswered"],
    ),
    ("/holds", "started", &["claimed", "offered"]),
    ("/holds", "started", &["confirmed", "abandoned", "expired", "unknown", "running"]),
];

#[track_caller]
fn json_adds_up(json: &Value) {
    let count = |of: &Value, name: &str| of[name].as_u64().unwrap_or_else(|| panic!("{name}"));
    for (pointer, whole, parts) in SUMS {
        let of = json.pointer(pointer).unwrap();
        let sum: u64 = parts.iter().map(|part| count(of, part)).sum();
        assert_eq!(sum, count(of, whole), "{pointer}: {of:#}");
    }
    let buyers = &json["buyers"];
    let because = buyers["empty_handed_because"].as_object().unwrap();
    let reasons: u64 = because.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(reasons, count(buyers, "empty_handed"), "{buyers:#}");
    let parts = ["bought", "offered_not_bought", "left_without_offer", "still_waiting"];
    let joined: u64 = parts.iter().map(|part| count(&buyers["waitlist"], part)).sum();
    assert_eq!(joined, count(buyers, "waitlisted"), "{buyers:#}");
    let started_holds: u64 = json["operations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|o| o["name"] == "start_hold")
        .map(|o| count(o, "count"))
        .sum();
    assert_eq!(started_holds, count(&json["holds"], "requests"), "as many as were measured");
    let granted = json["operations"].as_array().unwrap().iter();
    let granted: u64 = granted
        .filter(|o| o["name"] == "start_hold" && o["outcome"] == "ok")
        .map(|o| count(o, "count"))
        .sum();
    assert_eq!(granted, count(&json["holds"], "claimed"));
}

/// A row that people read: its name, count and percentage.
type Row = (String, u64, f64);

/// The last row is the whole of those above it.
#[track_caller]
fn rows_add_up(title: &str, rows: &[Row]) {
    let ((name, whole, percent), parts) = rows.split_last().unwrap_or_else(|| panic!("{title}"));
    assert!(name.starts_with("all "), "{title}: {rows:?}");
    assert_eq!(parts.iter().map(|(_, count, _)| count).sum::<u64>(), *whole, "{title}: {rows:?}");
    if *whole == 0 {
        return;
    }
    let sum: f64 = parts.iter().map(|(_, _, percent)| percent).sum();
    assert!((percent - 100.0).abs() < 0.01, "{title}: {rows:?}");
    assert!((sum - 100.0).abs() < 0.06 * float(rows.len() as u64), "{title}: {rows:?}");
    for (name, count, percent) in parts {
        let share = 100.0 * float(*count) / float(*whole);
        assert!((share - percent).abs() < 0.051, "{title}, {name}: {percent} of one base");
    }
}

fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn number(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("{text}"))
}

fn percent(text: &str) -> f64 {
    text.trim_end_matches('%').trim().parse().unwrap_or_else(|_| panic!("{text}"))
}

#[track_caller]
fn text_adds_up(text: &str) {
    let mut tables = 0;
    for block in text.split("\n\n").filter(|block| block.contains("(% of ")) {
        let (title, lines) = block.split_once('\n').unwrap();
        let rows = lines.lines().map(|line| {
            let cells: Vec<&str> =
                line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
            (cells[0].to_owned(), number(cells[1]), cells[2])
        });
        let rows: Vec<Row> = rows
            .filter(|(name, ..)| name != "seats bought")
            .map(|(name, count, share)| (name, count, percent(share)))
            .collect();
        rows_add_up(title, &rows);
        tables += 1;
    }
    assert!(tables >= 2, "{text}");
}

/// The text of an element without the elements in it.
fn words(html: &str) -> String {
    let mut words = String::new();
    for part in html.split('<') {
        words.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    words.trim().to_owned()
}

#[track_caller]
fn page_adds_up(page: &str) {
    let mut tables = 0;
    for table in page.split("<table class=\"shares\">").skip(1) {
        let table = table.split("</table>").next().unwrap();
        let (caption, body) = table.split_once("<tbody>").unwrap();
        let rows: Vec<Row> = body
            .split("<tr")
            .skip(1)
            .map(|row| {
                let row = row.split_once('>').unwrap().1;
                let name = words(row.split("</th>").next().unwrap());
                let cells: Vec<String> = row
                    .split("<td")
                    .skip(1)
                    .map(|cell| words(cell.split_once('>').unwrap().1))
                    .collect();
                (name, number(&cells[0]), percent(&cells[1]))
            })
            .collect();
        rows_add_up(&words(caption), &rows);
        tables += 1;
    }
    assert!(tables >= 2, "{tables}");
}

#[track_caller]
fn adds_up(report: &SimulationReport) {
    assert!(report.audit.passed, "{:?}", report.audit.violations);
    json_adds_up(&serde_json::to_value(report).unwrap());
    for width in [60, 80, 120] {
        let text = simulate::text::render(report, width, false);
        text_adds_up(&text);
    }
    page_adds_up(&simulate::page::render(report).unwrap());
}

fn virtually(scenario: Scenario, seed: u64, stop: Stop) -> Rehearsal {
    Rehearsal {
        scenario: Scenario { speed: Pace::REAL, ..scenario },
        seed,
        history: Arc::new(History::default()),
        progress: Arc::new(Progress::default()),
        stop,
    }
}

#[test]
fn reports_of_every_scenario_add_up() {
    for (name, _) in SHIPPED {
        for (seed, faults) in [(1, false), (2, false), (3, true), (4, true)] {
            let mut scenario = Scenario { buyers: 250, ..read(name).unwrap() };
            if faults {
                scenario.faults = Faults { crash_share: 0.01, ..Faults::many() };
            }
            let report = virtually(scenario, seed, Stop::default()).run().unwrap();
            assert!(!report.interrupted);
            assert_eq!(report.buyers.still_running, 0, "{name}: a finished run cuts no buyer off");
            adds_up(&report);
        }
    }
}

#[test]
fn reports_of_interrupted_runs_add_up() {
    for (seed, sold) in [(1, 1), (2, 40), (3, 150), (4, 300)] {
        let scenario = Scenario { buyers: 3000, ..read("oversubscribed").unwrap() };
        let (stop, run) = (Stop::default(), |stop| virtually(scenario, seed, stop));
        let run = run(stop.clone());
        let progress = Arc::clone(&run.progress);
        let running = std::thread::spawn(|| run.run().unwrap());
        while progress.latest().sold < sold {
            std::thread::yield_now();
        }
        stop.ask();
        let report = running.join().unwrap();
        assert!(report.interrupted && report.buyers.still_running > 0, "{:?}", report.buyers);
        adds_up(&report);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_in_real_time_add_up() {
    let speeds = [Pace::Max, Pace::Factor(3000.0)];
    let scenarios = ["spike", "rush", "oversubscribed"];
    for (speed, name) in speeds.into_iter().flat_map(|speed| scenarios.map(|name| (speed, name))) {
        let scenario = Scenario { buyers: 300, speed, ..read(name).unwrap() };
        let url: StoreUrl = "sqlite::memory:".parse().unwrap();
        let clock = Arc::new(SystemClock);
        let repository = repository::open(&url, Access::Create, clock).await.unwrap();
        let event = simulate::prepare(&*repository, &scenario, 5, name, &|_| {}).await.unwrap();
        let setting = Setting {
            repository,
            provider: Arc::new(SimulatedProvider::new(scenario.provider())),
            history: Arc::default(),
            progress: Arc::default(),
            stop: Stop::default(),
            time: Time::Real,
            target: None,
        };
        let report = simulate::rehearse(setting, &url, &event, &scenario, 5).await.unwrap();
        adds_up(&report);
        if speed == Pace::Max && name == "oversubscribed" {
            let waitlist = report.buyers.waitlist;
            assert!(report.buyers.waitlisted > 0 && waitlist.most_at_once > 0, "{waitlist:?}");
        }
    }
}
