//! An engine that stalls: whoever measures from sending alone would not see it.

use std::sync::Arc;

use tix::audit::History;
use tix::clock::SystemClock;
use tix::payment::SimulatedProvider;
use tix::repository::{self, Access, Repository, StoreUrl};
use tix::simulate::{self, Pace, Progress, Scenario, Setting, Stop, Time};

use crate::engine::{Engine, STALL};
use crate::fault::Fault;

#[tokio::test]
async fn a_stall_shows_in_latencies_from_due_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tix.db");
    let url: StoreUrl = format!("sqlite:{}", path.display()).parse().unwrap();
    let inner = repository::open(&url, Access::Create, Arc::new(SystemClock)).await.unwrap();
    let engine: Arc<dyn Repository> = Arc::new(Engine::on(inner, &path, Some(Fault::Stalls)));
    // Two hundred buyers a second: of those who come while nothing happens, nobody can even ask.
    let mut scenario = Scenario { buyers: 600, speed: Pace::Factor(200.0), ..Scenario::default() };
    scenario.arrival.shape = simulate::scenario::ArrivalShape::Even;
    let event = simulate::prepare(&*engine, &scenario, 7, "stall", &|_| {}).await.unwrap();
    let setting = Setting {
        repository: engine,
        provider: Arc::new(SimulatedProvider::new(scenario.provider())),
        history: Arc::new(History::default()),
        progress: Arc::new(Progress::default()),
        stop: Stop::default(),
        time: Time::Real,
        target: None,
    };
    let outcome = simulate::run(setting, event.event_id, &scenario, 7).await.unwrap();
    let maps = outcome.latencies.iter().find(|l| (l.name, l.outcome) == ("section_map", "ok"));
    let maps = maps.unwrap();
    let half_a_stall = u64::try_from(STALL.as_micros() / 2).unwrap();
    assert!(maps.due_p99_us > half_a_stall, "it kept many waiting: {maps:?}");
    assert!(maps.p50_us < maps.due_p99_us && maps.p99_us < maps.due_p99_us, "{maps:?}");
    let points = &outcome.timeline.points;
    assert!(points.iter().any(|point| point.due_p99_us > half_a_stall), "{points:?}");
}
