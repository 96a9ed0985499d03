//! Many rehearsals in virtual time, as many at once as the machine has cores.

use futures::StreamExt;

use super::rehearsal::{Shared, ended, heed};
use crate::audit::History;
use crate::commands::{Context, interrupted};
use crate::error::{Error, Result};
use crate::simulate::outcome::Summary;
use crate::simulate::{self, Scenario, SimulationReport, Stop, Urgency};

/// What is left of a rehearsal of which nobody needs the whole report.
#[derive(Debug)]
pub(super) struct Brief {
    pub(super) seed: u64,
    pub(super) audit_passed: bool,
    pub(super) summary: Summary,
    /// The currency of its revenue.
    pub(super) currency: String,
    /// How it ended.
    pub(super) ended: Result<()>,
}

impl Brief {
    pub(super) fn of(report: &SimulationReport) -> Self {
        Self {
            seed: report.seed,
            audit_passed: report.audit.passed,
            summary: Summary::from(report),
            currency: report.revenue.currency().to_string(),
            ended: ended(report),
        }
    }
}

/// Rehearses each scenario with its seed and keeps them in this order. After a first Ctrl-C no other
/// rehearsal begins, those under way wind down, and what has ended is returned.
///
/// # Errors
/// One could not take place, a history cannot be begun, or they were stopped at once.
pub(super) async fn rehearse(
    context: &Context,
    rehearsals: impl ExactSizeIterator<Item = (Scenario, u64)>,
    history: impl Fn() -> Result<History>,
) -> Result<Vec<Brief>> {
    let counter = context.terminal.counter("rehearsals", rehearsals.len() as u64);
    let stop = Stop::default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = futures::stream::iter(rehearsals)
        .take_while(|_| std::future::ready(stop.urgency() == Urgency::None))
        .map(|(scenario, seed)| one(scenario, seed, history(), stop.clone()))
        .buffered(cores);
    let collected = async {
        tokio::pin!(begun);
        let mut briefs = Vec::new();
        while let Some(brief) = begun.next().await {
            briefs.push(brief?);
            counter.set(briefs.len() as u64);
        }
        Ok(briefs)
    };
    let briefs = tokio::select! {
        biased;
        () = heed(&context.terminal, interrupted(), &stop, &counter) => Err(Error::Interrupted),
        briefs = collected => briefs,
    };
    counter.finish();
    briefs
}

async fn one(scenario: Scenario, seed: u64, history: Result<History>, stop: Stop) -> Result<Brief> {
    let rehearsal = Shared::new(history?, stop).in_virtual_time(scenario, seed);
    let rehearsed = tokio::task::spawn_blocking(move || rehearsal.run().map(|r| Brief::of(&r)));
    let brief = rehearsed.await.map_err(simulate::Error::from).and_then(|brief| brief);
    brief.map_err(|error| Error::from(error).of_seed(seed))
}
