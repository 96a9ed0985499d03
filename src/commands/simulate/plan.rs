//! `tix simulate --plan`: writes down who would come and want what, and lets nobody in.

use std::path::Path;

use super::super::{Context, pick, stoppable};
use super::draft::Draft;
use super::event_option;
use crate::domain::{Currency, Event};
use crate::error::{Error, Result};
use crate::minting::arena_of;
use crate::output::grouped;
use crate::repository::{Access, Repository};
use crate::simulate::{self, Plan, Scenario, scenario};

/// How much of a plan is kept before it is written. Ctrl-C is heeded as often.
const CHUNK_BYTES: usize = 64 * 1024;
/// What stands for standard output.
const STDOUT: &str = "-";

/// Whom a plan is for: the scenario as that event would have it, and the names of its sections.
struct Venue {
    scenario: Scenario,
    sections: Vec<String>,
    /// The event, unless the rehearsal would make one of its own.
    event: Option<Event>,
}

/// Writes the plan of a scenario into a file, or to standard output.
///
/// # Errors
/// The event that was named cannot be read, or the plan cannot be written.
pub(super) async fn run(
    context: &Context,
    (scenario, event, seed): (&Scenario, Option<&str>, u64),
    path: &Path,
) -> Result<()> {
    stoppable(context, async {
        let venue = match event {
            None => own(scenario),
            Some(name) => named(context, name, scenario).await?,
        };
        let plan = Plan::new(venue.scenario.clone(), seed, venue.sections.len());
        let plan = plan.map_err(simulate::Error::from)?;
        if path == Path::new(STDOUT) {
            let put = |chunk: &[u8], _| context.terminal.write(&String::from_utf8_lossy(chunk));
            return write(&plan, &venue.sections, put).await;
        }
        into_file(context, &plan, &venue.sections, path).await?;
        tell(context, scenario, &venue, seed, path);
        Ok(())
    })
    .await
}

/// The event that a rehearsal would make, without making it.
fn own(scenario: &Scenario) -> Venue {
    let arena = arena_of(scenario.seats(), Currency::EUR);
    let sections = arena.sections.into_iter().map(|section| section.name).collect();
    let scenario = Scenario { seats: Some(scenario.seats()), ..scenario.clone() };
    Venue { scenario, sections, event: None }
}

async fn named(context: &Context, name: &str, scenario: &Scenario) -> Result<Venue> {
    let store = context.open(Access::Existing).await?;
    let venue = read(&*store, name, scenario).await;
    store.close().await;
    venue
}

async fn read(store: &dyn Repository, name: &str, scenario: &Scenario) -> Result<Venue> {
    let event = pick::event(store, Some(name)).await?;
    if !event.minted {
        return Err(simulate::Error::NotMinted(event.slug.clone()).into());
    }
    let sections = store.sections(event.event_id).await?;
    let sections = sections.into_iter().map(|section| section.name).collect();
    Ok(Venue { scenario: scenario.at(&event), sections, event: Some(event) })
}

async fn into_file(context: &Context, plan: &Plan, sections: &[String], path: &Path) -> Result<()> {
    let tried = format!("could not write the plan {}", path.display());
    let failed = |cause| Error::cannot_write(tried.clone(), cause);
    let mut draft = Draft::of(path).map_err(failed)?;
    let counter = context.terminal.counter("buyers planned", plan.arrivals().len() as u64);
    let put = |chunk: &[u8], done| {
        counter.set(done);
        draft.write(chunk).map_err(failed)
    };
    let written = write(plan, sections, put).await;
    counter.finish();
    written?;
    draft.publish().map_err(failed)
}

/// Writes the plan piece by piece, each with how many buyers are done; whoever waits for it may stop
/// waiting between two of them.
async fn write(
    plan: &Plan,
    sections: &[String],
    mut put: impl FnMut(&[u8], u64) -> Result<()>,
) -> Result<()> {
    let failed = |error: simulate::plan::LineError| Error::Failed(error.into());
    let mut chunk = Vec::with_capacity(2 * CHUNK_BYTES);
    plan.append_head(sections, &mut chunk).map_err(failed)?;
    for (done, arrival) in (1..).zip(plan.arrivals()) {
        plan.append_buyer(arrival.buyer, &mut chunk).map_err(failed)?;
        if chunk.len() >= CHUNK_BYTES {
            put(&chunk, done)?;
            chunk.clear();
            tokio::task::yield_now().await;
        }
    }
    put(&chunk, plan.arrivals().len() as u64)
}

/// Says what was written and how to rehearse it.
fn tell(context: &Context, scenario: &Scenario, venue: &Venue, seed: u64, path: &Path) {
    let buyers = grouped(scenario.buyers.into());
    let terminal = &context.terminal;
    terminal.notice(format_args!("wrote the plan of {buyers} buyers to {}", path.display()));
    let command = match &venue.event {
        None => scenario::command(&venue.scenario, seed, false),
        Some(event) => scenario::command_at_event(scenario, seed) + &event_option(event),
    };
    let command = command + &context.store_option();
    terminal.next_steps("Next:", &[(command, "let these buyers in")]);
}
