//! Many rehearsals in virtual time, as many at once as the machine has cores.

use futures::StreamExt;

use super::again::SameCommand;
use super::rehearsal::{Shared, ended, heed};
use crate::audit::History;
use crate::commands::{Context, interrupted};
use crate::domain::EventId;
use crate::error::{Error, Outcome, Result};
use crate::output::{counted, grouped};
use crate::simulate::outcome::Summary;
use crate::simulate::{self, Progress, Scenario, SimulationReport, Stop, Urgency};

/// What is kept of one run of a set.
#[derive(Debug)]
pub(super) struct Brief {
    pub(super) seed: u64,
    /// The event that was sold; it is stored unless the run was in virtual time.
    event_id: EventId,
    /// Whether it came to its end; figures of a run that was cut short say nothing about the scenario.
    pub(super) finished: bool,
    pub(super) audit_passed: bool,
    pub(super) summary: Summary,
    /// The currency of its revenue.
    pub(super) currency: String,
    /// How it ended.
    ended: Result<()>,
}

impl Brief {
    pub(super) fn of(report: &SimulationReport) -> Self {
        Self {
            seed: report.seed,
            event_id: report.event_id,
            finished: !report.interrupted,
            audit_passed: report.audit.passed,
            summary: Summary::from(report),
            currency: report.revenue.currency().to_string(),
            ended: ended(report),
        }
    }
}

/// The runs of a set: those that finished, and those that were cut short. Only the former are compared.
#[derive(Debug)]
pub(super) struct Briefs {
    /// How many were to be made.
    planned: usize,
    /// Those that began and have a report, in their order.
    begun: Vec<Brief>,
}

impl Briefs {
    pub(super) fn new(planned: usize) -> Self {
        Self { planned, begun: Vec::new() }
    }

    pub(super) fn push(&mut self, brief: Brief) {
        self.begun.push(brief);
    }

    /// How many were to be made.
    pub(super) fn planned(&self) -> u64 {
        self.planned as u64
    }

    /// The finished ones among these places in the plan.
    pub(super) fn finished_in(&self, places: std::ops::Range<usize>) -> Vec<&Brief> {
        let end = places.end.min(self.begun.len());
        let begun = self.begun.get(places.start..end).unwrap_or_default();
        begun.iter().filter(|brief| brief.finished).collect()
    }

    /// All that finished.
    pub(super) fn finished(&self) -> Vec<&Brief> {
        self.finished_in(0..self.planned)
    }

    /// The events that were sold.
    pub(super) fn events(&self) -> impl Iterator<Item = EventId> {
        self.begun.iter().map(|brief| brief.event_id)
    }

    /// The seeds of those that were cut short.
    pub(super) fn cut(&self) -> Vec<u64> {
        self.begun.iter().filter(|brief| !brief.finished).map(|brief| brief.seed).collect()
    }

    /// Whether any of the planned ones did not finish.
    pub(super) fn interrupted(&self) -> bool {
        self.finished().len() < self.planned
    }

    /// The currency of their revenue; none where no run has a report.
    pub(super) fn currency(&self) -> String {
        self.begun.first().map(|brief| brief.currency.clone()).unwrap_or_default()
    }

    /// How many finished, in words, and what the audits of all that began found.
    pub(super) fn verdict(&self) -> String {
        let (finished, cut) = (self.finished().len() as u64, self.cut().len() as u64);
        let mut words = if self.interrupted() {
            let planned = counted(self.planned(), "rehearsal");
            format!("{} of {planned} finished, then stopped", grouped(finished))
        } else {
            counted(finished, "rehearsal")
        };
        match cut {
            0 => {}
            1 => words.push_str("; 1 was cut short and is left out"),
            _ => words.extend(["; ", &grouped(cut), " were cut short and are left out"]),
        }
        let failed = self.begun.iter().filter(|brief| !brief.audit_passed);
        let failed: Vec<String> = failed.map(|brief| brief.seed.to_string()).collect();
        match (self.begun.is_empty(), failed.is_empty()) {
            (true, _) => words.push('.'),
            (false, true) => words.push_str("; every audit passed."),
            (false, false) => {
                words.extend(["; THE AUDIT FAILED with seed ", &failed.join(", "), "."]);
            }
        }
        words
    }

    /// How the command ends: a run that failed counts more than an interruption.
    pub(super) fn ended(self, same: &SameCommand) -> Result<()> {
        let interrupted = self.interrupted();
        for brief in self.begun {
            match brief.ended {
                Err(error) if error.outcome() != Outcome::Interrupted => return Err(error),
                _ => {}
            }
        }
        if interrupted { same.interrupted() } else { Ok(()) }
    }
}

/// Rehearses each scenario with its seed and keeps them in this order. After a first Ctrl-C no other
/// run begins and those under way wind down; after a second one they are dropped.
///
/// # Errors
/// One could not take place, or a history cannot be begun.
pub(super) async fn rehearse(
    context: &Context,
    rehearsals: impl ExactSizeIterator<Item = (Scenario, u64)>,
    history: impl Fn() -> Result<History>,
) -> Result<Briefs> {
    let mut briefs = Briefs::new(rehearsals.len());
    let counter = context.terminal.counter("rehearsals", rehearsals.len() as u64);
    let stop = Stop::default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = futures::stream::iter(rehearsals)
        .take_while(|_| std::future::ready(stop.urgency() == Urgency::None))
        .map(|(scenario, seed)| one(scenario, seed, history(), stop.clone()))
        .buffered(cores);
    let collected = async {
        tokio::pin!(begun);
        let mut done = 0;
        while let Some(brief) = begun.next().await {
            briefs.push(brief?);
            done += 1;
            counter.set(done);
        }
        Ok(())
    };
    let answer = tokio::select! {
        biased;
        // What finished before is reported all the same.
        () = heed(&context.terminal, interrupted(), &stop, &counter) => Ok(()),
        answer = collected => answer,
    };
    counter.finish();
    answer.map(|()| briefs)
}

async fn one(scenario: Scenario, seed: u64, history: Result<History>, stop: Stop) -> Result<Brief> {
    let rehearsal =
        Shared::new(history?, stop, Progress::default()).in_virtual_time(scenario, seed);
    let rehearsed = tokio::task::spawn_blocking(move || rehearsal.run().map(|r| Brief::of(&r)));
    let brief = rehearsed.await.map_err(simulate::Error::from).and_then(|brief| brief);
    brief.map_err(|error| Error::from(error).of_seed(seed))
}
