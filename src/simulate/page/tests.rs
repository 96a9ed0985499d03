//! Whatever the report says, the page says it, and nothing else happens.

use serde_json::Value;

use super::*;
use crate::audit::{LogPeriod, Violation};
use crate::domain::{Currency, Money, Timestamp};
use crate::repository::SectionCounts;
use crate::simulate::FaultCounts;
use crate::simulate::insight::{NothingAvailable, PhantomSellOut, Section, SellThrough, Waiting};
use crate::simulate::leaving::Reasons;
use crate::simulate::pace::Pace;
use crate::simulate::report::{BotBuyers, Buyers, Holds, Tickets, WaitlistBuyers};
use crate::simulate::sale::FailureReport;
use crate::simulate::sample;
use crate::simulate::timeline::{Point, Timeline};

fn page(report: &SimulationReport) -> String {
    render(report).unwrap()
}

fn timeline(points: &[(f64, u64, u64, u64)]) -> Timeline {
    let point = |&(at_seconds, available, held, sold)| Point {
        at_seconds,
        available,
        held,
        sold,
        arrived: 9,
        present: 7,
        waiting: 2,
        operations: 30,
        refused_taken: 4,
        ..Point::default()
    };
    Timeline { step_seconds: 1.0, points: points.iter().map(point).collect() }
}

fn section(name: &str, refused_taken: u64) -> Section {
    let tickets = SectionCounts {
        section: name.into(),
        type_id: "regular".into(),
        minted: 20,
        available: 5,
        held: 0,
        paying: 0,
        sold: 15,
        blocked: 0,
        revenue: Money::from_minor(150_000, Currency::EUR),
        types: Vec::new(),
    };
    Section { tickets, refused_taken }
}

/// A report with something of everything.
fn full() -> SimulationReport {
    let mut report = sample::report();
    report.timeline = timeline(&[
        (60.0, 500, 500, 0),
        (120.0, 5, 995, 0),
        (180.0, 0, 700, 300),
        (240.0, 10, 90, 900),
    ]);
    report.phantom_sell_out = PhantomSellOut::of(&report.timeline);
    report.nothing_available = NothingAvailable::of(&report.timeline);
    report.sell_through = SellThrough::of(&report.timeline);
    report.sections = vec![section("Floor A", 31), section("Balcony", 0)];
    report.faults =
        Some(FaultCounts { stalls: 3, connections_refused: 4, answers_lost: 5, crashes: 6 });
    report.waiting = vec![
        Waiting {
            place_from: 1,
            place_to: 10,
            waited: 10,
            offered: 8,
            party_mean: 2.4,
            offered_party_mean: Some(2.0),
            offered_after_p50_seconds: Some(42.5),
            offered_after_max_seconds: Some(185.0),
        },
        Waiting {
            place_from: 11,
            place_to: 20,
            waited: 3,
            offered: 0,
            party_mean: 4.0,
            offered_party_mean: None,
            offered_after_p50_seconds: None,
            offered_after_max_seconds: None,
        },
    ];
    let at = Timestamp::from_millis(1_795_254_700_823);
    report.audit.log = Some(LogPeriod { from: at, to: at, entries: 7_654, whole: true });
    report
}

/// A rehearsal that was stopped before anything happened.
fn empty() -> SimulationReport {
    let mut report = sample::report();
    report.elapsed_seconds = 0.0;
    report.buyers = Buyers {
        total: 0,
        bought: 0,
        gave_up: 0,
        silent: 0,
        crashed: 0,
        empty_handed: 0,
        empty_handed_because: Reasons::default(),
        still_running: 0,
        present_max: 0,
        waitlisted: 0,
        served_from_waitlist: 0,
        waitlist: WaitlistBuyers::default(),
        bots: BotBuyers::default(),
    };
    report.tickets = Tickets { minted: 100, available: 100, ..Tickets::default() };
    report.holds = Holds::default();
    report.nothing_available = NothingAvailable::default();
    report.operations.clear();
    report.sell_through = SellThrough::default();
    report.phantom_sell_out = PhantomSellOut::default();
    report.interrupted = true;
    report
}

fn embedded_in(page: &str) -> Value {
    let (_, json) = page.split_once("id=\"report\">").unwrap();
    serde_json::from_str(json.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn no_text_of_a_report_can_become_part_of_the_page() {
    let mut report = full();
    let evil = "</script><script>alert(1)</script><img src=x onerror=\"alert('2')\">&\u{2028}";
    report.circumstances.slug = evil.into();
    report.circumstances.engine = evil.into();
    report.circumstances.failures = FailureReport { count: 1, first: vec![evil.into()] };
    report.store = evil.into();
    report.sections = vec![section(evil, 3), section("Row \"A\" & 'B'", 1)];
    report.audit.passed = false;
    report.audit.violations =
        vec![Violation { rule: "sold_once", ticket_id: None, seat: None, detail: evil.into() }];
    let page = page(&report);
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("</script").count(), 1);
    assert!(!page.contains("<img"));
    assert!(page.contains("Row &quot;A&quot; &amp; 'B'"));
    assert_eq!(embedded_in(&page), serde_json::to_value(&report).unwrap());
}

#[test]
fn it_needs_no_network_and_runs_nothing() {
    let page = page(&full());
    for reference in ["http://", "https://", "//cdn", "src=", "@import", "<link", "onload"] {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.contains(&format!("content=\"{POLICY}\"")));
}

#[test]
fn every_figure_says_where_its_value_stands_in_the_report() {
    let report = full();
    let (page, json) = (page(&report), serde_json::to_value(&report).unwrap());
    let pointers: Vec<&str> =
        page.split("data-figure=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect();
    assert!(pointers.len() > 70, "{}", pointers.len());
    for pointer in pointers {
        assert!(json.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn a_failed_audit_comes_first_with_the_seed_and_the_command() {
    let mut report = full();
    report.audit.passed = false;
    let violation = |n| Violation {
        rule: "sold_once",
        ticket_id: None,
        seat: None,
        detail: format!("Floor A/1/{n} was sold to two buyers"),
    };
    report.audit.violations = (1..=7).map(violation).collect();
    let page = page(&report);
    let body = page.split_once("<header>").unwrap().1;
    let (before, after) = body.split_once("<h1>").unwrap();
    assert!(before.contains("AUDIT FAILED: 7 violations, seed 42."), "{before}");
    assert!(before.contains("Floor A/1/5 was") && !before.contains("Floor A/1/6 was"));
    assert!(after.contains("Floor A/1/7 was sold"), "all of them below");
    assert!(after.contains("tix simulate --buyers 10000 --seed 42 --speed 60"));
    assert!(!page.contains("Audit passed"));
}

#[test]
fn where_nothing_happened_it_says_so() {
    let page = page(&empty());
    for words in [
        "Stopped before its end: 0 of 10,000 buyers had arrived.",
        "The rehearsal ended before anything was noted of its course.",
        "No buyer joined the waitlist.",
        "The event has no sections.",
        "Nothing was asked of the store.",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"), "no share of nothing");
    assert!(!page.contains("Injected faults"));
}

#[test]
fn one_point_makes_a_chart() {
    let mut report = empty();
    report.timeline = timeline(&[(0.0, 100, 0, 0)]);
    let page = page(&report);
    assert_eq!(page.matches("<figure>").count(), 4);
    assert!(page.contains("There was no phantom sell-out"));
    assert!(!page.contains("NaN"));
}

/// Points of a chart, across and down.
type Points = Vec<(f64, f64)>;

/// The places of the circles of the first chart, and the corners of its line, as they are drawn.
fn drawn(page: &str) -> (Points, Points) {
    let chart = page.split("Tickets sold over time").nth(1).unwrap();
    let chart = chart.split("<svg class=\"plot wide\"").nth(1).unwrap();
    let chart = chart.split("</svg>").next().unwrap();
    let number = |text: &str, name: &str| -> f64 {
        let (_, rest) = text.split_once(&format!("{name}=\"")).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    let circles = chart.split("<circle").skip(1);
    let circles = circles.map(|circle| (number(circle, "cx"), number(circle, "cy"))).collect();
    let line = chart.split("<polyline").filter(|line| line.contains("stroke-width=\"2\"")).last();
    let (_, corners) = line.unwrap().split_once("points=\"").unwrap();
    let corners = corners.split('"').next().unwrap().split_whitespace().map(|corner| {
        let (x, y) = corner.split_once(',').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    });
    (circles, corners.collect())
}

#[test]
fn dots_of_the_sold_chart_lie_on_its_line() {
    let mut report = full();
    let steep = |n: u64| 1000 * n * n / (n * n + 90_000);
    let points: Vec<_> =
        (0..2500).map(|n| (60.0 * float(n), 1000 - steep(n), 0, steep(n))).collect();
    report.timeline = timeline(&points);
    report.sell_through = SellThrough::of(&report.timeline);
    let (dots, line) = drawn(&page(&report));
    assert_eq!(dots.len(), 2, "half and nine tenths");
    for dot in dots {
        let near = |corner: &(f64, f64)| {
            (corner.0 - dot.0).abs() <= 1.0 && (corner.1 - dot.1).abs() <= 1.0
        };
        assert!(line.iter().any(near), "{dot:?}");
    }
}

#[test]
fn without_pauses_times_are_clock_time() {
    let mut report = full();
    assert!(page(&report).contains("minutes since the sale opened (buyer time)"));
    report.scenario.speed = Pace::Max;
    let page = page(&report);
    assert!(page.contains("without pauses there is no buyer time"));
    assert!(page.contains("minutes since the sale opened (clock time)"));
    assert!(!page.contains("(buyer time)"));
}

#[test]
fn the_sections_where_most_was_refused_are_listed() {
    let mut report = full();
    report.sections = (0..50).map(|n| section(&format!("Block {n:02}"), n)).collect();
    let page = page(&report);
    assert!(page.contains("Block 10") && !page.contains("Block 09 "), "40 of them");
    assert!(page.contains("in 10 other sections 45 claims were"), "and the others together");
    report.sections = vec![section("Floor A", 0)];
    assert!(render(&report).unwrap().contains("No claim was refused as taken"));
}

#[test]
fn what_differs_from_the_default_scenario_is_marked() {
    let mut report = full();
    report.scenario.checkout.unpaid_share = 0.1;
    report.scenario.seats = Some(10_000);
    let page = page(&report);
    assert_eq!(
        page.matches("tr class=\"changed\"").count(),
        1,
        "seats are as many as they would be"
    );
    let row = page.split("<tr class=\"changed\">").nth(1).unwrap().split_once("</tr>").unwrap().0;
    assert!(row.contains("checkout.unpaid_share") && row.contains("0.1") && row.contains("0.43"));
    assert!(page.contains("1 parameter differs from the default"));
}
