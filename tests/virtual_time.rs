//! Rehearsals by a virtual clock: the same again for the same seed, and sound whatever goes wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use tix::audit::History;
use tix::simulate::scenario::Faults;
use tix::simulate::virtual_time::Rehearsal;
use tix::simulate::{Pace, Progress, Scenario, SimulationReport, Stop, Urgency};

fn rehearsal(scenario: Scenario, seed: u64) -> Rehearsal {
    Rehearsal {
        scenario,
        seed,
        history: Arc::new(History::default()),
        progress: Arc::new(Progress::default()),
        stop: Stop::default(),
    }
}

fn rehearsed(scenario: &Scenario, seed: u64) -> SimulationReport {
    rehearsal(scenario.clone(), seed).run().unwrap()
}

/// Buyers for whom there are too few seats, so that everything happens: refusals, a line, offers.
fn crowd(buyers: u32) -> Scenario {
    let seats = Some(u64::from(buyers) / 3);
    Scenario { buyers, seats, speed: Pace::REAL, ..Scenario::default() }
}

fn much_goes_wrong(buyers: u32) -> Scenario {
    let share = 0.02;
    let faults = Faults {
        refused_share: share,
        lost_share: share,
        crash_share: share / 4.0,
        stall_share: 0.001,
        ..Faults::many()
    };
    Scenario { faults, ..crowd(buyers) }
}

fn json(report: &SimulationReport) -> String {
    serde_json::to_string(report).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_report() {
    for scenario in [crowd(300), much_goes_wrong(300)] {
        let first = rehearsed(&scenario, 42);
        assert!(first.audit.passed, "{:?}", first.audit.violations);
        assert!(first.buyers.served_from_waitlist > 0, "{:?}", first.buyers);
        assert_eq!(json(&first), json(&rehearsed(&scenario, 42)));
        assert_ne!(json(&first), json(&rehearsed(&scenario, 43)));
    }
}

#[test]
fn it_does_not_matter_what_else_goes_on_in_the_process() {
    let alone = json(&rehearsed(&crowd(200), 7));
    let at_once = [0; 3].map(|_| std::thread::spawn(|| json(&rehearsed(&crowd(200), 7))));
    for one in at_once {
        assert_eq!(one.join().unwrap(), alone);
    }
}

#[test]
fn buyers_take_their_time_and_deadlines_keep_theirs() {
    let mut scenario = crowd(300);
    scenario.checkout.silent_share = 1.0;
    let report = rehearsed(&scenario, 1);
    let line = &report.timeline.points;
    assert!(report.elapsed_seconds > 900.0, "{}", report.elapsed_seconds);
    assert!(line.iter().any(|point| point.at_seconds > 900.0 && point.held > 0));
    assert!(report.holds.expired > 25, "a quarter of an hour passed: {:?}", report.holds);
    assert!(report.waiting.iter().any(|group| group.offered > 0), "{:?}", report.waiting);
    let end = line.last().unwrap();
    assert_eq!((end.sold, end.held, end.arrived), (report.tickets.sold, report.tickets.held, 300));
    let answered: u64 = line.iter().map(|point| point.operations).sum();
    assert_eq!(answered, report.operations.iter().map(|o| o.count).sum::<u64>());
    let refused: u64 = line.iter().map(|point| point.refused_taken).sum();
    assert_eq!(refused, report.holds.refused_taken);
    let by_section: u64 = report.sections.iter().map(|section| section.refused_taken).sum();
    assert_eq!(by_section, report.holds.refused_taken);
}

#[test]
fn a_slow_store_makes_buyers_queue_in_front_of_it() {
    let scenario = |write_ms| {
        let mut scenario = Scenario { seats: Some(2000), ..crowd(2000) };
        scenario.arrival.window_seconds = 20.0;
        scenario.service.write_ms = write_ms;
        scenario
    };
    let waits = |scenario| {
        let report = rehearsed(&scenario, 3);
        let starts =
            |o: &&tix::simulate::measure::Latencies| (o.name, o.outcome) == ("start_hold", "ok");
        report.operations.iter().find(starts).unwrap().p90_us
    };
    let (fast, slow) = (waits(scenario(0.1)), waits(scenario(15.0)));
    assert!(fast < 15_000 && slow > 1_000_000, "{fast} and {slow}");
}

#[test]
fn a_sale_stays_sound_whatever_goes_wrong_on_the_way() {
    let mut seen = tix::simulate::FaultCounts::default();
    for seed in 0..12 {
        let report = rehearsed(&much_goes_wrong(250), seed);
        assert!(report.audit.passed, "seed {seed}: {:?}", report.audit.violations);
        assert_eq!(report.circumstances.failures.count, 0, "{:?}", report.circumstances);
        let (b, faults) = (report.buyers, report.faults.unwrap());
        let left = b.bought + b.gave_up + b.silent + b.crashed + b.empty_handed;
        assert_eq!((b.total, b.still_running), (left, 0));
        let outcomes = |name: &str| -> u64 {
            report.operations.iter().filter(|o| o.outcome == name).map(|o| o.count).sum()
        };
        assert!(outcomes("answer_lost") > 0 && outcomes("connection_refused") > 0);
        assert_eq!(outcomes("failed"), 0);
        seen.stalls += faults.stalls;
        seen.connections_refused += faults.connections_refused;
        seen.answers_lost += faults.answers_lost;
        seen.crashes += b.crashed;
    }
    assert!(seen.stalls > 3 && seen.connections_refused > 100, "{seen:?}");
    assert!(seen.answers_lost > 100 && seen.crashes > 20, "{seen:?}");
}

#[test]
fn a_stall_shows_in_the_latencies() {
    let faults = Faults { stall_share: 0.002, stall_seconds: 30.0, ..Faults::default() };
    let report = rehearsed(&Scenario { faults, ..crowd(300) }, 5);
    assert!(report.faults.unwrap().stalls > 0);
    let worst = report.operations.iter().map(|o| o.due_p99_us).max().unwrap();
    assert!(worst > 10_000_000, "{:?}", report.operations);
    assert!(report.timeline.points.iter().any(|point| point.due_p99_us > 10_000_000));
}

#[test]
fn it_can_be_stopped_and_reports_all_the_same() {
    let one = rehearsal(crowd(5000), 42);
    let (stop, progress) = (one.stop.clone(), Arc::clone(&one.progress));
    let running = std::thread::spawn(|| one.run().unwrap());
    while progress.latest().sold == 0 {
        std::thread::yield_now();
    }
    stop.ask();
    let report = running.join().unwrap();
    assert_eq!(report.circumstances.stopped, Urgency::WindDown);
    assert!((1..5000).contains(&report.buyers.total), "{:?}", report.buyers);
    assert!(report.audit.passed, "{:?}", report.audit.violations);
}

#[test]
fn sold_out_in_minutes_sells_out_within_fifteen() {
    let scenario = tix::simulate::scenario::read("sold-out-in-minutes").unwrap();
    let few = (1..=40).map(|buyers| (buyers, 0..4));
    let many = [(99, 0..3), (100, 0..3), (333, 0..3), (1000, 0..2), (5000, 0..1), (20_000, 0..1)];
    for (buyers, seeds) in few.chain(many) {
        for seed in seeds {
            let scenario = Scenario { buyers, speed: Pace::REAL, ..scenario.clone() };
            let report = rehearsed(&scenario, seed);
            let after = report.sell_through.sold_out_after_seconds;
            let in_time = after.is_some_and(|after| after <= 900.0);
            assert!(in_time, "{buyers} buyers, seed {seed}: {after:?}, {:?}", report.tickets);
        }
    }
}
