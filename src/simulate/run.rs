//! Carrying a plan out: lets buyers in when they arrive, and waits until the last one has left.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::at_store::AtStore;
use super::box_office::BoxOffice;
use super::buyer::attend;
use super::error::Error;
use super::fairness::Fairness;
use super::ids::Ids;
use super::insight::Waiting;
use super::link::Link;
use super::link::faults::{FaultCounts, Faults};
use super::link::service::Service;
use super::measure::{Latencies, Recorder};
use super::outage::in_words;
use super::over_http::{Manners, OverHttp, Target};
use super::pace::Pace;
use super::plan::Plan;
use super::progress::{Progress, Snapshot};
use super::report::Tickets;
use super::sale::{FailureReport, Failures, Sale};
use super::scenario::Scenario;
use super::stop::{Stop, Urgency};
use super::tally::Tally;
use super::timeline::{self, Keeper, Timeline};
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
    /// Whose time it goes by.
    pub time: Time,
    /// The server that buyers ask, which sells from the store; the store itself where there is none.
    pub target: Option<Target>,
}

/// Whose time a run goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// That of the machine.
    Real,
    /// That of the runtime, which is paused: the store takes as long as the scenario says, and every
    /// name follows from the seed.
    Virtual,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Whose time it went by.
    pub time: Time,
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
    /// The status of the tickets when the sale opened, by section.
    pub opening: Vec<SectionCounts>,
    /// The same at the end; why it could not be read where the store did not come back.
    pub counts: Result<Vec<SectionCounts>, String>,
    /// The latest that is known of the tickets.
    pub tickets: Tickets,
    /// How far the order of success departs from the order of arrival.
    pub fairness: Fairness,
    /// How long those who waited in line did.
    pub waiting: Vec<Waiting>,
    /// How often claims were refused as taken, by section.
    pub taken: Vec<u64>,
    /// How it went from second to second.
    pub timeline: Timeline,
    /// What went wrong on purpose; none where nothing was to.
    pub faults: Option<FaultCounts>,
    /// What went wrong without being a refusal, and not on purpose.
    pub failures: FailureReport,
    /// Whether every planned buyer arrived, and none was cut off.
    pub whole: bool,
    /// How urgently it was asked to stop before its end; not at all if it is whole.
    pub stopped: Urgency,
}

/// Sends the buyers of `scenario`, planned from `seed`, at an event that is minted.
///
/// Wants a multi-threaded runtime; on a single thread buyers merely take turns. Nothing is repaired
/// at the end: holds that were left behind stay as they are. Where the store is away at the end, it is
/// waited for, within bounds.
///
/// # Errors
/// The scenario is out of bounds, or the event cannot be read before the sale opens.
pub async fn run(
    setting: Setting,
    event: EventId,
    scenario: &Scenario,
    seed: u64,
) -> Result<Outcome, Error> {
    let (store, time) = (Arc::clone(&setting.repository), setting.time);
    let sale = Arc::new(open(setting, event, scenario, seed).await?);
    let opening = store.counts(event).await?;
    sale.vacancy.opening(&opening);
    sale.timeline.note(&sale, Duration::ZERO, &Tickets::of(&opening));
    let mut present = JoinSet::new();
    let started = Instant::now();
    sale.progress.begins(scenario.buyers.into());
    sale.progress.outages().opens();
    let at_once = sale.stop.clone();
    let watcher = tokio::spawn(waitlist::watch(Arc::clone(&sale)));
    let timeline = tokio::spawn(timeline::keep(Arc::clone(&sale), started));
    tokio::select! {
        biased;
        () = carry_out(&sale, started, &mut present) => {}
        () = at_once.asked(Urgency::AtOnce) => {}
    }
    present.shutdown().await;
    timeline.abort();
    dismiss(&sale, watcher).await;
    let elapsed = started.elapsed();
    let counts = sale.progress.outages().at_the_end(&sale.stop, || store.counts(event)).await;
    let tickets = counts.as_deref().map_or_else(|_| sale.vacancy.latest(), Tickets::of);
    sale.timeline.note(&sale, elapsed, &tickets);
    let snapshot = sale.progress.snapshot(store.now());
    // A run that let everyone in and cut no buyer off has finished, whenever it was asked to stop.
    let whole = snapshot.arrived == u64::from(scenario.buyers) && snapshot.cut == 0;
    let arrived = u32::try_from(snapshot.arrived).unwrap_or(u32::MAX);
    Ok(Outcome {
        time,
        elapsed,
        snapshot,
        fairness: Fairness::of(arrived, &sale.tally.order_of_success()),
        waiting: Waiting::by_place(sale.tally.waits(), scenario.speed),
        taken: sale.tally.taken(),
        timeline: sale.timeline.timeline(),
        faults: sale.faults.as_ref().map(|faults| faults.counts()),
        latencies: sale.recorder.latencies(),
        operations: sale.recorder.operations(),
        busiest_second: sale.recorder.busiest_second(),
        opening,
        counts: counts.map_err(|error| in_words(&error)),
        tickets,
        failures: sale.failures.report(),
        whole,
        stopped: if whole { Urgency::None } else { sale.stop.urgency() },
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
    let faults = Faults::of(scenario, seed).map(Arc::new);
    let (ids, service) = match setting.time {
        Time::Real => (Ids::Fresh, None),
        Time::Virtual => (Ids::of_seed(seed), Some(Service::new(&scenario.service))),
    };
    let way = Way { service, faults: faults.clone(), speed: scenario.speed };
    let office = box_office(&setting, event, way).await?;
    Ok(Sale {
        event,
        plan,
        recorder: Recorder::new(Instant::now())?,
        failures: Failures::default(),
        vacancy: Vacancy::new(&sections, scenario.speed),
        line: Line::default(),
        tally: Tally::new(sections.len()),
        timeline: Keeper::new(scenario.speed),
        ids,
        faults,
        sections: sections.into_iter().map(|section| section.name).collect(),
        office,
        history: setting.history,
        progress: setting.progress,
        stop: setting.stop,
    })
}

/// What is on the way from the buyers to whom they ask, and how fast their time goes.
struct Way {
    service: Option<Service>,
    faults: Option<Arc<Faults>>,
    speed: Pace,
}

/// Whom buyers ask.
async fn box_office(
    setting: &Setting,
    event: EventId,
    Way { service, faults, speed }: Way,
) -> Result<Arc<dyn BoxOffice>, Error> {
    let repository = Arc::clone(&setting.repository);
    let provider = Arc::clone(&setting.provider);
    if let Some(target) = setting.target.clone() {
        let (progress, stop) = (Arc::clone(&setting.progress), setting.stop.clone());
        let manners = Manners { target, speed, faults, progress, stop };
        return Ok(Arc::new(OverHttp::open(manners, event, repository, provider).await?));
    }
    let repository: Arc<dyn Repository> = if faults.is_some() || service.is_some() {
        Arc::new(Link { store: repository, service, faults })
    } else {
        repository
    };
    Ok(Arc::new(AtStore { repository, provider, event }))
}

/// Lets everybody in at his time, and waits for all to leave.
async fn carry_out(sale: &Arc<Sale>, started: Instant, present: &mut JoinSet<()>) {
    tokio::select! {
        biased;
        () = let_in(sale, started, present) => {}
        () = sale.winding_down() => {}
    }
    while let Some(left) = present.join_next().await {
        note_panic(sale, left);
    }
}

async fn let_in(sale: &Arc<Sale>, started: Instant, present: &mut JoinSet<()>) {
    let scenario = sale.plan.scenario();
    let room = Arc::new(Semaphore::new(scenario.present_max as usize));
    for (arrival, place) in sale.plan.arrivals().iter().zip(0..) {
        let (due, room) = match scenario.speed {
            Pace::Factor(_) => {
                let due = started + scenario.speed.pause(arrival.at_ms);
                tokio::time::sleep_until(due).await;
                (due, None)
            }
            Pace::Max => {
                let room = Arc::clone(&room).acquire_owned().await.ok();
                (Instant::now(), room)
            }
        };
        let (buyer, sale_of_buyer) = (arrival.buyer, Arc::clone(sale));
        present.spawn(async move {
            attend(sale_of_buyer, buyer, place, due).await;
            drop(room);
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
