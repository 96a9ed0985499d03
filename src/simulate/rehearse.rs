//! A whole rehearsal: an event to sell, the run, the audit, the report.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::error::Error;
use super::outage::in_words;
use super::over_http::Target;
use super::report::SimulationReport;
use super::run::{Setting, run};
use super::scenario::Scenario;
use crate::audit;
use crate::domain::{Currency, Event, EventDraft, Venue};
use crate::minting::arena_of;
use crate::repository::{self, MintProgress, Repository, StoreUrl};

/// How many letters the name of a run has.
const RUN_LETTERS: usize = 8;
/// How long after the rehearsal its event begins.
const BEGINS_AFTER: Duration = Duration::from_hours(30 * 24);
/// How long before it begins the doors open.
const DOORS_BEFORE: Duration = Duration::from_hours(1);
/// How long it lasts, in minutes.
const DURATION_MINUTES: u32 = 120;

/// Draws a seed that can be read aloud.
#[must_use]
pub fn fresh_seed() -> u64 {
    u64::from(rand::random::<u32>())
}

/// Names a run so that two with one seed are two events.
#[must_use]
pub fn fresh_run() -> String {
    let mut run = Uuid::new_v4().simple().to_string();
    run.truncate(RUN_LETTERS);
    run
}

/// Makes an event of its own for one rehearsal, marked as simulated, and mints as many seats for it
/// as the scenario has, laid out like an arena. `run` tells it from others of the same seed.
///
/// # Errors
/// The scenario is out of bounds, or the store does not take the event.
pub async fn prepare(
    repository: &dyn Repository,
    scenario: &Scenario,
    seed: u64,
    run: &str,
    minting: MintProgress<'_>,
) -> Result<Event, Error> {
    scenario.check()?;
    let draft = draft(repository, scenario, seed, run);
    let event = repository.add_event(&draft).await?;
    let layout = Arc::new(arena_of(scenario.seats(), event.currency));
    repository.mint(event.event_id, layout, minting).await?;
    Ok(repository.event(event.event_id).await?)
}

fn draft(repository: &dyn Repository, scenario: &Scenario, seed: u64, run: &str) -> EventDraft {
    let starts_at = repository.now().plus(BEGINS_AFTER);
    let doors_at = starts_at.minus(DOORS_BEFORE);
    EventDraft {
        slug: format!("simulation-{seed}-{run}"),
        name: format!("Simulation {seed}"),
        series: "Simulation".into(),
        event_type: "simulation".into(),
        performers: Vec::new(),
        description: "Made by a rehearsal, for itself.".into(),
        duration_minutes: DURATION_MINUTES,
        language: String::new(),
        currency: Currency::EUR,
        doors_at,
        starts_at,
        venue: Venue {
            name: "Arena".into(),
            city: String::new(),
            country: String::new(),
            time_zone: "UTC".into(),
            latitude: None,
            longitude: None,
        },
        terms: scenario.terms(repository.time_to_pay_min()),
        simulated: true,
    }
}

/// Rehearses the sale of a minted event: runs, audits, reports. Where buyers ask a server, it has to
/// serve `store`.
///
/// # Errors
/// The scenario is out of bounds, the event is not minted or its sale is closed, the server does not
/// answer or serves another store, or the store fails before the sale opens. What fails later is in
/// the report, which also says whether the audit could be made.
pub async fn rehearse(
    setting: Setting,
    store: &StoreUrl,
    event: &Event,
    scenario: &Scenario,
    seed: u64,
) -> Result<SimulationReport, Error> {
    if !event.minted {
        return Err(Error::NotMinted(event.slug.clone()));
    }
    event.may_hold(setting.repository.now()).map_err(repository::Error::from)?;
    if let Some(target) = &setting.target {
        target.find(event, store).await?;
    }
    let target = setting.target.as_ref().map(Target::to_string);
    let history = Arc::clone(&setting.history);
    let (progress, stop) = (Arc::clone(&setting.progress), setting.stop.clone());
    // A store in memory lives as long as somebody has it open, and the audit needs it too.
    let repository = Arc::clone(&setting.repository);
    let scenario = scenario.at(event);
    let outcome = run(setting, event.event_id, &scenario, seed).await?;
    let outages = progress.outages();
    let mut audit = match &outcome.counts {
        Ok(_) => {
            let call = || audit::run(store, Some(event.event_id), Arc::clone(&history));
            outages.at_the_end(&stop, call).await.map_err(|error| in_words(&error))
        }
        // The store did not come back for the end of the run.
        Err(why) => Err(why.clone()),
    };
    if let Ok(audit) = &mut audit {
        audit::name_seats(&mut audit.violations, &*repository, Some(event.event_id)).await;
    }
    let store = (store.to_string(), repository.engine());
    let planned = (scenario, seed);
    let report = SimulationReport::of(store, event, planned, outcome, audit, outages.report());
    Ok(SimulationReport { target, ..report })
}
