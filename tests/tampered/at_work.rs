//! An audit beside a sale that goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tix::audit;
use tix::payment::SimulatedProvider;
use tix::simulate::{self, Pace, Progress, Scenario, Setting, Stop, Time};

use crate::scene::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_use_raises_no_false_alarm() {
    let Some(stage) = Stage::new("tix_in_use").await else { return };
    let mut scenario = Scenario { buyers: 200, speed: Pace::Factor(100.0), ..Scenario::default() };
    scenario.payment.declined_share = 0.2;
    let repository = Arc::clone(&stage.repository);
    let event = simulate::prepare(&*repository, &scenario, 7, "x", &|_| {}).await.unwrap();
    let setting = Setting {
        repository,
        provider: Arc::new(SimulatedProvider::new(scenario.provider())),
        history: Arc::default(),
        progress: Arc::new(Progress::default()),
        stop: Stop::default(),
        time: Time::Real,
        target: None,
    };
    let is_over = AtomicBool::new(false);
    let sale = async {
        let report = simulate::rehearse(setting, &stage.url, &event, &scenario, 7).await.unwrap();
        is_over.store(true, Ordering::Release);
        report
    };
    let audits = async {
        let (mut audits, mut changing) = (0, 0);
        while !is_over.load(Ordering::Acquire) {
            let report =
                audit::run(&stage.url, Some(event.event_id), Arc::default()).await.unwrap();
            assert!(report.passed, "{:?}", report.violations);
            audits += 1;
            changing += report.changing;
        }
        (audits, changing)
    };
    let (report, (audits, changing)) = tokio::join!(sale, audits);
    assert!(report.audit.passed, "{:?}", report.audit.violations);
    assert!(audits > 1 && changing > 0, "{audits} audits, {changing} tickets changed meanwhile");
}
