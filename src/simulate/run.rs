//! Carrying a plan out: lets buyers in when they arrive, and waits until the last one has left.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::buyer::attend;
use super::error::Error;
use super::measure::{Latencies, Recorder};
use super::pace::Pace;
use super::plan::Plan;
use super::progress::{Progress, Snapshot};
use super::sale::{FailureReport, Failures, Sale};
use super::scenario::Scenario;
use super::stop::{Stop, Urgency};
use super::vacancy::Vacancy;
use super::waitlist::{self, Line};
use crate::audit::History;
use crate::domain::EventId;
use crate::payment::PaymentProvider;
use crate::repository::{Repository, SectionCounts};

/// Who takes part in a run besides its buyers.
#[derive(Clone)]
pub struct Setting {
    /// The store.
    pub repository: Arc<dyn Repository>,
    /// Whoever captures the buyers' money.
    pub provider: Arc<dyn PaymentProvider>,
    /// Collects what buyers are told.
    pub history: Arc<History>,
    /// Where the run stands, for whoever watches; of this run alone.
    pub progress: Arc<Progress>,
    /// How the run is stopped before its end.
    pub stop: Stop,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// From the opening of the sale until the last buyer left.
    pub elapsed: Duration,
    /// What became of buyers and holds.
    pub snapshot: Snapshot,
    /// How long the store took to answer.
    pub latencies: Vec<Latencies>,
    /// How many operations the store answered.
    pub operations: u64,
    /// How many of them in the busiest second.
    pub busiest_second: u64,
    /// The condition of the tickets at the end, by section.
    pub counts: Vec<SectionCounts>,
    /// What went wrong without being a refusal.
    pub failures: FailureReport,
    /// Whether the run was stopped before its end, and how urgently.
    pub stopped: Urgency,
}

/// Sends the buyers of `scenario`, planned from `seed`, at an event that is minted.
///
/// Wants a multi-threaded runtime; on a single thread buyers merely take turns. Nothing is repaired
/// at the end: holds that were left behind stay as they are.
///
/// # Errors
/// The scenario is out of bounds, or the event cannot be read.
pub async fn run(
    setting: Setting,
    event: EventId,
    scenario: &Scenario,
    seed: u64,
) -> Result<Outcome, Error> {
    let sale = Arc::new(open(setting, event, scenario, seed).await?);
    let mut present = JoinSet::new();
    let started = Instant::now();
    sale.progress.begins(scenario.buyers.into(), started);
    let at_once = sale.stop.clone();
    let watcher = tokio::spawn(waitlist::watch(Arc::clone(&sale)));
    tokio::select! {
        () = carry_out(&sale, started, &mut present) => {}
        () = at_once.asked(Urgency::AtOnce) => {}
    }
    present.shutdown().await;
    dismiss(&sale, watcher).await;
    let elapsed = started.elapsed();
    let counts = sale.repository.counts(event).await?;
    Ok(Outcome {
        elapsed,
        snapshot: sale.progress.snapshot(sale.repository.now()),
        latencies: sale.recorder.latencies(),
        operations: sale.recorder.operations(),
        busiest_second: sale.recorder.busiest_second(),
        counts,
        failures: sale.failures.report(),
        stopped: sale.stop.urgency(),
    })
}

/// Reads the venue and makes the plan for it.
async fn open(
    setting: Setting,
    event: EventId,
    scenario: &Scenario,
    seed: u64,
) -> Result<Sale, Error> {
    let sections = setting.repository.sections(event).await?;
    let plan = Plan::new(scenario.clone(), seed, sections.len())?;
    Ok(Sale {
        event,
        plan,
        recorder: Recorder::new(Instant::now())?,
        failures: Failures::default(),
        vacancy: Vacancy::new(&sections),
        line: Line::default(),
        sections: sections.into_iter().map(|section| section.name).collect(),
        repository: setting.repository,
        provider: setting.provider,
        history: setting.history,
        progress: setting.progress,
        stop: setting.stop,
    })
}

/// Lets everybody in at his time, and waits for all to leave.
async fn carry_out(sale: &Arc<Sale>, started: Instant, present: &mut JoinSet<()>) {
    let winding_down = sale.stop.clone();
    tokio::select! {
        () = let_in(sale, started, present) => {}
        () = winding_down.asked(Urgency::WindDown) => {}
    }
    while let Some(left) = present.join_next().await {
        note_panic(sale, left);
    }
}

async fn let_in(sale: &Arc<Sale>, started: Instant, present: &mut JoinSet<()>) {
    let scenario = sale.plan.scenario();
    let room = Arc::new(Semaphore::new(scenario.present_max as usize));
    for arrival in sale.plan.arrivals() {
        let (due, place) = match scenario.speed {
            Pace::Factor(_) => {
                let due = started + scenario.speed.pause(arrival.at_ms);
                tokio::time::sleep_until(due).await;
                (due, None)
            }
            Pace::Max => {
                let place = Arc::clone(&room).acquire_owned().await.ok();
                (Instant::now(), place)
            }
        };
        let (buyer, sale_of_buyer) = (arrival.buyer, Arc::clone(sale));
        present.spawn(async move {
            attend(sale_of_buyer, buyer, due).await;
            drop(place);
        });
        while let Some(left) = present.try_join_next() {
            note_panic(sale, left);
        }
    }
}

/// Lets the one who watches the line finish what he is at, unless everything is to be dropped.
async fn dismiss(sale: &Sale, watcher: JoinHandle<()>) {
    sale.line.close();
    if sale.stop.urgency() == Urgency::AtOnce {
        watcher.abort();
    }
    if let Err(e) = watcher.await
        && e.is_panic()
    {
        sale.failures.add("watch the waitlist", &e);
    }
}

fn note_panic(sale: &Sale, left: Result<(), tokio::task::JoinError>) {
    if let Err(e) = left {
        sale.failures.add("attend to a buyer", &e);
    }
}
