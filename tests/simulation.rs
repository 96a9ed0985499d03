//! A rehearsal from end to end, on every engine: the numbers add up and the audit agrees.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use tix::audit::History;
use tix::clock::SystemClock;
use tix::domain::{Order, OrderStatus};
use tix::payment::SimulatedProvider;
use tix::repository::{self, Access, StoreUrl};
use tix::simulate::{self, Pace, Progress, Scenario, Setting, SimulationReport, Stop, Urgency};

#[path = "support/node.rs"]
mod node;

/// What every plan of these tests is made from.
const SEED: u64 = 7;

struct Rehearsal {
    url: StoreUrl,
    setting: Setting,
    scenario: Scenario,
}

impl Rehearsal {
    async fn at(url: &str, scenario: Scenario) -> Self {
        let url: StoreUrl = url.parse().unwrap();
        let clock = Arc::new(SystemClock);
        let repository = repository::open(&url, Access::Create, clock).await.unwrap();
        repository.apply_schema().await.unwrap();
        let setting = Setting {
            repository,
            provider: Arc::new(SimulatedProvider::new(scenario.provider())),
            history: Arc::new(History::in_memory()),
            progress: Arc::new(Progress::default()),
            stop: Stop::default(),
        };
        Self { url, setting, scenario }
    }

    async fn run(&self) -> SimulationReport {
        let repository = &*self.setting.repository;
        let event = simulate::prepare(repository, &self.scenario, SEED, &|_| {}).await.unwrap();
        let setting = self.setting.clone();
        let report = simulate::rehearse(setting, &self.url, &event, &self.scenario, SEED);
        report.await.unwrap()
    }

    /// What the orders of the store say was paid for.
    async fn paid_orders(&self, report: &SimulationReport) -> Vec<Order> {
        let orders = self.setting.repository.orders(report.event_id).await.unwrap();
        orders.into_iter().filter(|order| order.status == OrderStatus::Paid).collect()
    }
}

fn scenario(buyers: u32, speed: Pace) -> Scenario {
    Scenario { buyers, speed, ..Scenario::default() }
}

/// Whatever happened, these hold.
async fn check(rehearsal: &Rehearsal, report: &SimulationReport) {
    assert!(report.audit.passed, "{:?}", report.audit.violations);
    assert_eq!(report.circumstances.failures.count, 0, "{:?}", report.circumstances);
    let b = report.buyers;
    assert_eq!(b.total, b.bought + b.gave_up + b.silent + b.empty_handed);
    let t = report.tickets;
    assert_eq!(t.minted, t.sold + t.held + t.paying + t.available + t.blocked);
    assert_eq!(report.holds.confirmed, b.bought);
    let orders = rehearsal.paid_orders(report).await;
    assert_eq!(orders.len() as u64, b.bought);
    let sold: usize = orders.iter().map(|order| order.tickets.len()).sum();
    assert_eq!(sold as u64, t.sold);
    let revenue: i64 = orders.iter().map(|order| order.amount.minor()).sum();
    assert_eq!(report.revenue.minor(), revenue);
    is_as_published(report);
}

fn is_as_published(report: &SimulationReport) {
    let schema = include_str!("../docs/schemas/simulation_report.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let json = serde_json::to_value(report).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_buyer_and_every_ticket_is_accounted_for_in_memory() {
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario(300, Pace::Max)).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    assert_eq!((report.buyers.total, report.tickets.minted), (300, 300));
    assert!(report.buyers.bought > 50, "{:?}", report.buyers);
    assert_eq!(report.holds.expired, 0, "at speed max times to pay stay whole");
    let held = report.holds.started - report.holds.confirmed - report.holds.abandoned;
    assert!(held > 0 && report.tickets.held >= held, "silent holds stay standing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_buyer_and_every_ticket_is_accounted_for_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("tix.db").display());
    let rehearsal = Rehearsal::at(&url, scenario(300, Pace::Max)).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    let rehearsal = Rehearsal::at(&url, scenario(300, Pace::Max)).await;
    let again = rehearsal.run().await;
    check(&rehearsal, &again).await;
    assert_ne!(report.event_id, again.event_id, "every rehearsal has an event of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_to_pay_shrink_with_the_pace_so_that_silent_holds_lapse() {
    let mut scenario = scenario(200, Pace::Factor(1800.0));
    scenario.arrival.window_seconds = 1800.0;
    scenario.arrival.decay_seconds = 600.0;
    scenario.checkout.silent_share = 1.0;
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    assert!(report.elapsed_seconds >= 1.0, "{}", report.elapsed_seconds);
    assert!(report.holds.expired > 0, "{:?}", report.holds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn declined_cards_and_lost_answers_leave_no_ticket_unaccounted_for() {
    let mut scenario = scenario(200, Pace::Max);
    scenario.payment.declined_share = 0.4;
    scenario.payment.lost_share = 0.3;
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    assert_eq!(report.tickets.paying, 0);
    let declined = report.operations.iter().find(|o| o.outcome == "declined").unwrap();
    assert!(declined.count > 10, "{declined:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rehearsal_that_is_stopped_reports_on_those_who_came() {
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario(300, Pace::Factor(60.0))).await;
    let stop = rehearsal.setting.stop.clone();
    let stopped = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(700)).await;
        stop.ask()
    });
    let report = rehearsal.run().await;
    assert_eq!(stopped.await.unwrap(), Urgency::WindDown);
    assert!(report.elapsed_seconds < 5.0, "{}", report.elapsed_seconds);
    assert!((1..300).contains(&report.buyers.total), "{:?}", report.buyers);
    assert_eq!(report.circumstances.stopped, Urgency::WindDown);
    check(&rehearsal, &report).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_told_to_stop_twice_stops_at_once() {
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario(300, Pace::Factor(1.0))).await;
    rehearsal.setting.stop.ask();
    rehearsal.setting.stop.ask();
    let report = rehearsal.run().await;
    assert_eq!(report.circumstances.stopped, Urgency::AtOnce);
    check(&rehearsal, &report).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_ends_where_the_report_begins() {
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario(100, Pace::Max)).await;
    let report = rehearsal.run().await;
    let snapshot = rehearsal.setting.progress.snapshot(rehearsal.setting.repository.now());
    assert_eq!((snapshot.planned, snapshot.arrived, snapshot.present), (100, 100, 0));
    assert_eq!((snapshot.sold, snapshot.held), (report.tickets.sold, report.tickets.held));
    let operations: u64 = report.operations.iter().map(|o| o.count).sum();
    assert_eq!(snapshot.operations, operations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_memory_outlives_the_run_until_it_is_audited() {
    let Rehearsal { url, setting, scenario } =
        Rehearsal::at("sqlite::memory:", scenario(20, Pace::Max)).await;
    let repository = &*setting.repository;
    let event = simulate::prepare(repository, &scenario, SEED, &|_| {}).await.unwrap();
    let report = simulate::rehearse(setting, &url, &event, &scenario, SEED).await.unwrap();
    assert!(report.audit.passed, "{:?}", report.audit.violations);
}

/// The same on ScyllaDB, where there is a node.
async fn on_scylla(keyspace: &str, scenario: Scenario) -> Option<(Rehearsal, SimulationReport)> {
    let rehearsal = Rehearsal::at(&node::url(keyspace)?, scenario).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    Some((rehearsal, report))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_buyer_and_every_ticket_is_accounted_for_on_scylla() {
    let scenario = scenario(100, Pace::Max);
    let Some((_rehearsal, report)) = on_scylla("tix_rehearsal", scenario).await else { return };
    assert_eq!((report.buyers.total, report.tickets.minted), (100, 100));
    let held = report.holds.started - report.holds.confirmed - report.holds.abandoned;
    assert!(held > 0 && report.tickets.held >= held, "silent holds stay standing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_holds_lapse_and_are_taken_over_on_scylla() {
    let mut scenario = scenario(100, Pace::Factor(900.0));
    scenario.arrival.window_seconds = 1800.0;
    scenario.arrival.decay_seconds = 600.0;
    scenario.checkout.silent_share = 1.0;
    scenario.payment.declined_share = 0.2;
    let Some((_rehearsal, report)) = on_scylla("tix_silence", scenario).await else { return };
    assert!(report.holds.expired > 0, "{:?}", report.holds);
}
