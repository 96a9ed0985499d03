//! The same rehearsal with several seeds: how much of its outcome is chance.

use futures::StreamExt;
use serde::Serialize;

use super::rehearsal::{self, Rehearsal, Shared};
use crate::commands::interrupted;
use crate::error::{Error, Result};
use crate::output::{Cell, Column, Page, Report, Sheet, Table, counted};
use crate::simulate::outcome::{FIGURES, Spread, Summary};
use crate::simulate::{self, Scenario, SimulationReport, Urgency};

/// Rehearses with `times` seeds, from the first one on, and prints how far the outcomes are apart.
///
/// # Errors
/// As one rehearsal; that of the first seed which did not end well, once all are over.
pub(super) async fn run(rehearsal: &Rehearsal<'_>, first_seed: u64, times: u32) -> Result<()> {
    let seeds: Vec<u64> = (0..u64::from(times)).map(|n| first_seed.wrapping_add(n)).collect();
    let reports = if rehearsal.args.virtual_time {
        side_by_side(rehearsal, &seeds).await?
    } else {
        one_by_one(rehearsal, &seeds).await?
    };
    let Some(first) = reports.first() else { return Err(Error::Interrupted) };
    let repeated = Repeated::of(first, &reports, times);
    rehearsal.context.print(&repeated)?;
    for report in &reports {
        rehearsal::ended(report).map_err(|error| error.of_seed(report.seed))?;
    }
    Ok(())
}

async fn one_by_one(rehearsal: &Rehearsal<'_>, seeds: &[u64]) -> Result<Vec<SimulationReport>> {
    let mut reports = Vec::new();
    for seed in seeds {
        let report = rehearsal.report(*seed).await.map_err(|error| error.of_seed(*seed))?;
        let stopped = report.circumstances.stopped > Urgency::None;
        reports.push(report);
        if stopped {
            break;
        }
    }
    Ok(reports)
}

/// Rehearses in virtual time, as many at a time as the machine has cores.
async fn side_by_side(rehearsal: &Rehearsal<'_>, seeds: &[u64]) -> Result<Vec<SimulationReport>> {
    let terminal = &rehearsal.context.terminal;
    let counter = terminal.counter("rehearsals", seeds.len() as u64);
    let stop = simulate::Stop::default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rehearsals = futures::stream::iter(seeds.iter().copied())
        .take_while(|_| std::future::ready(stop.urgency() == Urgency::None))
        .map(|seed| one(rehearsal, seed, stop.clone()))
        .buffered(cores);
    let collected = async {
        tokio::pin!(rehearsals);
        let mut reports = Vec::new();
        while let Some(report) = rehearsals.next().await {
            reports.push(report?);
            counter.set(reports.len() as u64);
        }
        Ok(reports)
    };
    let reports = tokio::select! {
        biased;
        () = rehearsal::heed(terminal, interrupted(), &stop, &counter) => Err(Error::Interrupted),
        reports = collected => reports,
    };
    counter.finish();
    reports
}

async fn one(
    rehearsal: &Rehearsal<'_>,
    seed: u64,
    stop: simulate::Stop,
) -> Result<SimulationReport> {
    let shared = Shared::new(rehearsal::history(rehearsal.args)?, stop);
    let rehearsal = shared.in_virtual_time(rehearsal.scenario.clone(), seed);
    let rehearsed = tokio::task::spawn_blocking(move || rehearsal.run()).await;
    let report = rehearsed.map_err(simulate::Error::from).and_then(|report| report);
    report.map_err(|error| Error::from(error).of_seed(seed))
}

/// What several rehearsals of one scenario came to.
#[derive(Serialize)]
struct Repeated {
    tix_version: &'static str,
    virtual_time: bool,
    scenario: Scenario,
    /// How many were asked for; fewer were made where somebody stopped them.
    times: u32,
    audits_passed: u64,
    spread: Vec<Spread>,
    runs: Vec<Run>,
    #[serde(skip)]
    currency: String,
}

/// One of them.
#[derive(Serialize)]
struct Run {
    seed: u64,
    audit_passed: bool,
    #[serde(flatten)]
    summary: Summary,
}

impl Repeated {
    fn of(first: &SimulationReport, reports: &[SimulationReport], times: u32) -> Self {
        let run = |report: &SimulationReport| Run {
            seed: report.seed,
            audit_passed: report.audit.passed,
            summary: Summary::from(report),
        };
        let runs: Vec<Run> = reports.iter().map(run).collect();
        let summaries: Vec<Summary> = runs.iter().map(|run| run.summary).collect();
        Self {
            tix_version: first.tix_version,
            virtual_time: first.virtual_time,
            scenario: first.scenario.clone(),
            times,
            audits_passed: runs.iter().filter(|run| run.audit_passed).count() as u64,
            spread: Spread::of(&summaries),
            runs,
            currency: first.revenue.currency().to_string(),
        }
    }

    fn verdict(&self) -> String {
        let (all, passed) = (self.runs.len() as u64, self.audits_passed);
        let rehearsed = counted(all, "rehearsal");
        let stopped = match u64::from(self.times) - all {
            0 => String::new(),
            _ => format!(" of {}, then stopped", self.times),
        };
        if passed == all {
            format!("{rehearsed}{stopped}; every audit passed.")
        } else {
            let failed = self.runs.iter().filter(|run| !run.audit_passed).map(|run| run.seed);
            let failed: Vec<String> = failed.map(|seed| seed.to_string()).collect();
            format!("{rehearsed}{stopped}; THE AUDIT FAILED with seed {}.", failed.join(", "))
        }
    }
}

impl Report for Repeated {
    fn text(&self, page: &Page) -> String {
        let mut table = Table::new(&[
            Column::left(""),
            Column::right("least"),
            Column::right("25 %").optional(0),
            Column::right("median"),
            Column::right("75 %").optional(0),
            Column::right("most"),
            Column::right("seen in").optional(1),
        ]);
        for (figure, spread) in FIGURES.iter().zip(&self.spread) {
            let cell = |value: Option<f64>| Cell::new(value.map_or("-".into(), figure.written));
            let heading = match figure.name {
                "revenue_minor" => format!("{}, {}", figure.heading, self.currency),
                _ => figure.heading.to_owned(),
            };
            table.push(vec![
                Cell::new(heading),
                cell(spread.min),
                cell(spread.p25),
                cell(spread.median),
                cell(spread.p75),
                cell(spread.max),
                Cell::new(format!("{} of {}", spread.known, self.runs.len())),
            ]);
        }
        format!("{}\n\n{}", self.verdict(), table.render(page))
    }

    fn sheet(&self) -> Sheet {
        let columns: Vec<&'static str> =
            ["seed", "audit_passed"].into_iter().chain(FIGURES.iter().map(|f| f.name)).collect();
        let line = |run: &Run| {
            let value = |figure: &simulate::outcome::Figure| {
                (figure.of)(&run.summary).map_or(String::new(), |value| value.to_string())
            };
            let own = [run.seed.to_string(), run.audit_passed.to_string()];
            own.into_iter().chain(FIGURES.iter().map(value)).collect()
        };
        Sheet::new(&columns).with(self.runs.iter().map(line))
    }
}
