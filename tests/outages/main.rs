//! Runs whose store goes away: buyers ask again, the end waits, and the report says what is known.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tix::clock::SystemClock;
use tix::payment::SimulatedProvider;
use tix::repository::{self, Access, Repository, StoreUrl};
use tix::simulate::breakdown;
use tix::simulate::leaving::Reason;
use tix::simulate::{
    self, Pace, Progress, Scenario, Setting, SimulationReport, Stop, Time, Urgency,
};

use crate::gate::{Gate, State};

mod gate;

/// A run on a file of its own, behind a gate.
struct Run {
    folder: TempDir,
    url: StoreUrl,
    gate: Arc<Gate>,
    progress: Arc<Progress>,
    stop: Stop,
    scenario: Scenario,
}

impl Run {
    async fn of(scenario: Scenario, wait: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url: StoreUrl =
            format!("sqlite:{}", folder.path().join("tix.db").display()).parse().unwrap();
        let store = repository::open(&url, Access::Create, Arc::new(SystemClock)).await.unwrap();
        let gate = Gate::before(store);
        let progress = Arc::new(Progress::with_store_wait(wait));
        Self { folder, url, gate, progress, stop: Stop::default(), scenario }
    }

    /// Rehearses; once some tickets are sold, the store is in `state` for `span`.
    async fn while_away(&self, state: State, span: Duration) -> SimulationReport {
        let (gate, progress) = (Arc::clone(&self.gate), Arc::clone(&self.progress));
        let outage = tokio::spawn(async move {
            while progress.latest().sold < 20 {
                let _ = progress.snapshot(gate.now());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            gate.set(state);
            tokio::time::sleep(span).await;
            gate.set(State::Open);
        });
        let event =
            simulate::prepare(&*self.gate, &self.scenario, 7, "outage", &|_| {}).await.unwrap();
        let setting = Setting {
            repository: Arc::clone(&self.gate) as Arc<dyn Repository>,
            provider: Arc::new(SimulatedProvider::new(self.scenario.provider())),
            history: Arc::default(),
            progress: Arc::clone(&self.progress),
            stop: self.stop.clone(),
            time: Time::Real,
            target: None,
        };
        let report = simulate::rehearse(setting, &self.url, &event, &self.scenario, 7).await;
        outage.abort();
        report.unwrap()
    }
}

fn crowd() -> Scenario {
    let pace = Pace::Factor(600.0);
    let mut scenario =
        Scenario { buyers: 400, seats: Some(400), speed: pace, ..Scenario::default() };
    scenario.arrival.window_seconds = 1200.0;
    scenario.arrival.decay_seconds = 900.0;
    scenario
}

#[track_caller]
fn adds_up(report: &SimulationReport) {
    for table in breakdown::all(report) {
        let sum: u64 = table.parts.iter().map(|part| part.count).sum();
        assert_eq!(sum, table.total, "{table:#?}");
    }
}

#[track_caller]
fn is_sound(report: &SimulationReport) {
    adds_up(report);
    assert!(report.audit_made && report.audit.passed, "{:?}", report.audit.violations);
    assert!(report.read_at_end && !report.interrupted);
    assert_eq!(report.failures.count, 0, "{:?}", report.failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buyers_get_through_an_outage() {
    for state in [State::Refuses, State::LosesAnswers, State::Full] {
        let run = Run::of(crowd(), Duration::from_mins(1)).await;
        let report = run.while_away(state, Duration::from_millis(1500)).await;
        is_sound(&report);
        assert_eq!(report.buyers.total, 400, "{state:?}");
        assert_eq!(report.buyers.empty_handed_because.count(Reason::StoreFailed), 0, "{state:?}");
        let outage = report.outages.as_ref().expect("it is reported");
        assert!((1.0..6.0).contains(&outage.longest_seconds), "{state:?}: {outage:?}");
        assert!(outage.asked_again > 0 && !outage.unended, "{outage:?}");
        assert!(outage.why.starts_with("could not reach the store: "), "{outage:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buyers_get_through_a_lock_that_others_hold() {
    let run = Run::of(crowd(), Duration::from_mins(1)).await;
    let report = run.while_away(State::Locked, Duration::from_millis(1500)).await;
    is_sound(&report);
    assert_eq!(report.buyers.empty_handed_because.count(Reason::StoreFailed), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn end_of_a_run_waits_for_the_store() {
    let scenario =
        Scenario { buyers: 60, seats: Some(400), speed: Pace::Max, ..Scenario::default() };
    let run = Run::of(scenario, Duration::from_mins(1)).await;
    let begun = Instant::now();
    let report = run.while_away(State::Refuses, Duration::from_secs(3)).await;
    is_sound(&report);
    assert!(begun.elapsed() >= Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_whose_store_stays_away_reports_what_is_known() {
    let mut scenario = crowd();
    scenario.arrival.window_seconds = 18_000.0;
    scenario.arrival.decay_seconds = 18_000.0;
    let run = Run::of(scenario, Duration::from_secs(2)).await;
    let begun = Instant::now();
    let report = run.while_away(State::Refuses, Duration::from_mins(10)).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "it is bounded: {:?}", begun.elapsed());
    adds_up(&report);
    assert!(!report.audit_made && !report.audit.passed && !report.read_at_end);
    assert!(report.audit_not_made_because.as_ref().unwrap().contains("connection refused"));
    assert!(report.outages.as_ref().unwrap().unended, "{:?}", report.outages);
    assert!(report.sold.tickets >= 20 && report.buyers.bought > 0, "{:?}", report.sold);
    assert!(report.buyers.total < 400, "no other buyer arrives: {:?}", report.buyers);
    let text = simulate::text::render(&report, 400, false);
    assert!(
        text.contains("AUDIT NOT MADE: could not reach the store: connection refused"),
        "{text}"
    );
    assert!(text.contains("nor at the end"), "{text}");
    let page = simulate::page::render(&report).unwrap();
    assert!(page.contains("AUDIT NOT MADE"));
    let json = serde_json::to_value(&report).unwrap();
    let schema = include_str!("../../docs/schemas/simulation_report.schema.json");
    let validator = jsonschema::draft202012::new(&serde_json::from_str(schema).unwrap()).unwrap();
    let faults: Vec<_> = validator.iter_errors(&json).map(|e| e.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    // By hand, once the store is there again.
    let audit = tix::audit::run(&run.url, Some(report.event_id), Arc::default()).await.unwrap();
    assert!(audit.passed, "{:?}", audit.violations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_that_cannot_be_made_leaves_the_report() {
    let run = Run::of(crowd(), Duration::from_secs(2)).await;
    let (folder, progress) = (run.folder.path().to_owned(), Arc::clone(&run.progress));
    let gone = tokio::spawn(async move {
        while progress.latest().arrived < 300 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // An open file keeps working on Linux; a second look does not find it.
        for file in std::fs::read_dir(&folder).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    });
    let report = run.while_away(State::Open, Duration::ZERO).await;
    gone.await.unwrap();
    adds_up(&report);
    assert!(!report.audit_made, "{:?}", report.audit);
    assert!(report.audit_not_made_because.is_some() && report.buyers.bought > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_ends_the_wait_for_the_store() {
    let run = Run::of(crowd(), Duration::from_mins(5)).await;
    let (stop, progress) = (run.stop.clone(), Arc::clone(&run.progress));
    let stopped = tokio::spawn(async move {
        while progress.outages().status() == simulate::outage::Status::Answering {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.ask();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(stop.ask(), Urgency::AtOnce);
    });
    let begun = Instant::now();
    let report = run.while_away(State::Refuses, Duration::from_mins(10)).await;
    stopped.await.unwrap();
    assert!(begun.elapsed() < Duration::from_mins(1));
    assert!(report.interrupted && !report.audit_made);
    assert!(report.buyers.still_running > 0, "{:?}", report.buyers);
    adds_up(&report);
}
