//! A rehearsal from end to end, on every engine: the numbers add up and the audit agrees.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use tix::clock::SystemClock;
use tix::domain::{Order, OrderStatus, WaitlistEntry, WaitlistStatus};
use tix::payment::SimulatedProvider;
use tix::repository::{self, Access, StoreUrl};
use tix::simulate::measure::Latencies;
use tix::simulate::scenario::PartyShare;
use tix::simulate::{
    self, BuyerPlan, Pace, Plan, Progress, Scenario, Setting, SimulationReport, Stop, Time, Urgency,
};

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
            history: Arc::default(),
            progress: Arc::new(Progress::default()),
            stop: Stop::default(),
            time: Time::Real,
            target: None,
        };
        Self { url, setting, scenario }
    }

    async fn run(&self) -> SimulationReport {
        let repository = &*self.setting.repository;
        let run = simulate::fresh_run();
        let event =
            simulate::prepare(repository, &self.scenario, SEED, &run, &|_| {}).await.unwrap();
        let setting = self.setting.clone();
        let report = simulate::rehearse(setting, &self.url, &event, &self.scenario, SEED);
        report.await.unwrap()
    }

    /// Everybody who ever stood in line.
    async fn line(&self, report: &SimulationReport) -> Vec<WaitlistEntry> {
        self.setting.repository.waitlist(report.event_id).await.unwrap()
    }

    /// Starts it, and asks to stop it so many times as soon as somebody waits.
    async fn run_until_somebody_waits(&self, times: u32) -> SimulationReport {
        let (stop, progress) = (self.setting.stop.clone(), Arc::clone(&self.setting.progress));
        let repository = Arc::clone(&self.setting.repository);
        let asked = tokio::spawn(async move {
            while progress.snapshot(repository.now()).waiting < 5 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            for _ in 0..times {
                stop.ask();
            }
        });
        let report = self.run().await;
        asked.await.unwrap();
        report
    }

    /// What the orders of the store say was paid for.
    async fn paid_orders(&self, report: &SimulationReport) -> Vec<Order> {
        let orders = self.setting.repository.orders(report.event_id).await.unwrap();
        orders.into_iter().filter(|order| order.status == OrderStatus::Paid).collect()
    }
}

/// Five small parties for every seat, of whom everybody waits who finds nothing.
fn crowd(buyers: u32, speed: Pace) -> Scenario {
    let mut scenario = Scenario { seats: Some(u64::from(buyers) / 5), ..scenario(buyers, speed) };
    let party = |from, to, share| PartyShare { from, to, share };
    scenario.parties = vec![party(1, 1, 0.5), party(2, 3, 0.5)];
    scenario.waitlist.join_share = 1.0;
    scenario.patience.returns_max = 1;
    scenario
}

fn scenario(buyers: u32, speed: Pace) -> Scenario {
    Scenario { buyers, speed, ..Scenario::default() }
}

/// Whatever happened, these hold.
async fn check(rehearsal: &Rehearsal, report: &SimulationReport) {
    assert!(report.audit.passed, "{:?}", report.audit.violations);
    assert_eq!(report.circumstances.failures.count, 0, "{:?}", report.circumstances);
    let b = report.buyers;
    let left = b.bought + b.gave_up + b.silent + b.crashed + b.empty_handed;
    assert_eq!(b.total, left + b.still_running);
    assert!(b.served_from_waitlist <= b.bought.min(b.waitlisted), "{b:?}");
    if b.waitlisted > 0 {
        let line = rehearsal.line(report).await;
        assert_eq!(line.len() as u64, b.waitlisted, "each of them joined once");
        assert_eq!(count(&line, WaitlistStatus::Bought), b.served_from_waitlist);
        let check = report.audit.checks.iter().find(|check| check.rule == "waitlist_order");
        assert_eq!(check.unwrap().examined, b.waitlisted);
    }
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

fn count(line: &[WaitlistEntry], status: WaitlistStatus) -> u64 {
    line.iter().filter(|entry| entry.status == status).count() as u64
}

/// How often an operation did what was asked.
fn granted(report: &SimulationReport, operation: &str) -> u64 {
    let of = |o: &&Latencies| o.name == operation && o.outcome == "ok";
    report.operations.iter().filter(of).map(|o| o.count).sum()
}

/// How often an operation was answered, however.
fn answered(report: &SimulationReport, operation: &str) -> u64 {
    report.operations.iter().filter(|o| o.name == operation).map(|o| o.count).sum()
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
    let event = simulate::prepare(repository, &scenario, SEED, "x", &|_| {}).await.unwrap();
    let report = simulate::rehearse(setting, &url, &event, &scenario, SEED).await.unwrap();
    assert!(report.audit.passed, "{:?}", report.audit.violations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_in_line_is_served_from_what_others_give_up() {
    let mut scenario = crowd(200, Pace::Factor(900.0));
    scenario.checkout.unpaid_share = 0.6;
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    let buyers = report.buyers;
    assert!(buyers.served_from_waitlist > 0, "{buyers:?}");
    assert!(buyers.waitlisted > buyers.served_from_waitlist, "{buyers:?}");
    assert_eq!(granted(&report, "join_waitlist"), buyers.waitlisted);
    assert!(answered(&report, "serve_waitlist") > 0, "{:?}", report.operations);
    let line = rehearsal.line(&report).await;
    assert_eq!(count(&line, WaitlistStatus::Waiting), 0, "everybody who waited in vain left");
    let waited = |entry: &&WaitlistEntry| entry.offered_at > Some(entry.joined_at);
    let mut told = line.iter().filter(waited).map(|entry| entry.status);
    assert!(told.any(|status| status == WaitlistStatus::Bought), "who waits is told: {line:?}");
    let left = count(&line, WaitlistStatus::Left);
    assert!(left > 0 && answered(&report, "leave_waitlist") >= left);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_where_there_is_room() {
    let mut scenario = Scenario { seats: Some(2000), ..crowd(200, Pace::Max) };
    // All want the same seats, and who does not get them leaves.
    scenario.taste.own_share = 0.0;
    scenario.patience.tries_max = 1;
    scenario.patience.returns_max = 0;
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    assert!(report.buyers.empty_handed > 0, "{:?}", report.buyers);
    assert_eq!((report.buyers.waitlisted, report.buyers.served_from_waitlist), (0, 0));
    for operation in ["join_waitlist", "leave_waitlist", "serve_waitlist", "offers_to"] {
        assert_eq!(answered(&report, operation), 0, "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_time_to_wait_joins_and_leaves_at_once() {
    let rehearsal = Rehearsal::at("sqlite::memory:", crowd(200, Pace::Max)).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    assert!(report.buyers.waitlisted > 20, "{:?}", report.buyers);
    assert_eq!(answered(&report, "serve_waitlist"), 0, "nobody waits for it");
    assert_eq!(count(&rehearsal.line(&report).await, WaitlistStatus::Waiting), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_want_to_wait_leaves() {
    let mut scenario = crowd(100, Pace::Max);
    scenario.waitlist.join_share = 0.0;
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    assert_eq!((report.buyers.waitlisted, answered(&report, "join_waitlist")), (0, 0));
    assert!(report.buyers.empty_handed > 0, "{:?}", report.buyers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_leaves_the_line_when_the_rehearsal_winds_down() {
    let mut scenario = crowd(200, Pace::Factor(60.0));
    scenario.patience.returns_max = 0;
    scenario.waitlist.patience_median_seconds = 86_400.0;
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario).await;
    let report = rehearsal.run_until_somebody_waits(1).await;
    check(&rehearsal, &report).await;
    assert_eq!(report.circumstances.stopped, Urgency::WindDown);
    assert!(report.buyers.waitlisted >= 5, "{:?}", report.buyers);
    assert_eq!(count(&rehearsal.line(&report).await, WaitlistStatus::Waiting), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_cut_off_while_he_waits_is_counted() {
    let mut scenario = crowd(200, Pace::Factor(60.0));
    scenario.patience.returns_max = 0;
    scenario.waitlist.patience_median_seconds = 86_400.0;
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario).await;
    let report = rehearsal.run_until_somebody_waits(2).await;
    assert_eq!(report.circumstances.stopped, Urgency::AtOnce);
    assert!(report.audit.passed, "{:?}", report.audit.violations);
    let b = report.buyers;
    let left = b.bought + b.gave_up + b.silent + b.crashed + b.empty_handed;
    assert_eq!(b.total, left + b.still_running);
    assert!(b.waitlisted >= 5 && b.still_running >= 5, "{b:?}");
    let snapshot = rehearsal.setting.progress.snapshot(rehearsal.setting.repository.now());
    assert_eq!((snapshot.present, snapshot.waiting), (0, 0));
}

/// The same on ScyllaDB, where there is a node.
async fn on_scylla(keyspace: &str, scenario: Scenario) -> Option<(Rehearsal, SimulationReport)> {
    let rehearsal = Rehearsal::at(&node::url(keyspace)?, scenario).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    Some((rehearsal, report))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_are_counted_by_themselves() {
    let rush = simulate::scenario::read("rush").unwrap();
    let mut scenario = Scenario { buyers: 300, speed: Pace::Max, ..rush };
    scenario.bots.unpaid_share = 0.0;
    scenario.payment.declined_share = 0.0;
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario.clone()).await;
    let report = rehearsal.run().await;
    check(&rehearsal, &report).await;
    let plan = Plan::new(scenario, SEED, 30).unwrap();
    let planned: Vec<BuyerPlan> = (0..300).map(|n| plan.buyer(n).unwrap()).collect();
    let is_bot = |order: &&Order| planned.iter().any(|b| b.bot && b.buyer_id == order.buyer_id);
    let orders = rehearsal.paid_orders(&report).await;
    let of_bots: Vec<u64> =
        orders.iter().filter(is_bot).map(|order| order.tickets.len() as u64).collect();
    let bots = report.buyers.bots;
    assert_eq!(bots.total, planned.iter().filter(|buyer| buyer.bot).count() as u64);
    assert_eq!((bots.bought, bots.tickets), (of_bots.len() as u64, of_bots.iter().sum()));
    assert!((1..report.tickets.sold).contains(&bots.tickets), "{bots:?} of {:?}", report.tickets);
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
