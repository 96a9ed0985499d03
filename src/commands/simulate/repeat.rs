//! The same rehearsal with several seeds: how much of its outcome is chance.

use serde::Serialize;

use super::again::SameCommand;
use super::rehearsal::{self, Rehearsal};
use super::side_by_side::{self, Brief, Briefs};
use crate::error::{Outcome, Result};
use crate::output::{Cell, Column, Page, Report, Sheet, Table};
use crate::simulate::outcome::{FIGURES, Spread, Summary};
use crate::simulate::{self, Pace, Scenario};

/// What the figures mean, beneath the table.
const LEGEND: &str = "\
Sold out: 99 % of the seats for sale. Phantom sell-out: how long under 1 % was available while under \
50 % was sold. Out of order: pairs of buyers of whom the later one got seats first.";

/// Rehearses with `times` seeds, from the first one on, and prints how far the outcomes are apart. Runs
/// that were cut short are left out.
///
/// # Errors
/// As one rehearsal; that of the first seed which did not end well, once all are over.
pub(super) async fn run(rehearsal: &Rehearsal<'_>, first_seed: u64, times: u32) -> Result<()> {
    let seeds = (0..times).map(|n| first_seed.wrapping_add(n.into()));
    let (context, args) = (rehearsal.context, rehearsal.args);
    let briefs = if args.virtual_time {
        let with_seeds = seeds.map(|seed| (rehearsal.scenario.clone(), seed));
        side_by_side::rehearse(context, with_seeds, || rehearsal::history(args)).await?
    } else {
        one_by_one(rehearsal, seeds).await?
    };
    context.print(&Repeated::of(rehearsal, &briefs, times))?;
    rehearsal.suggest_removal(briefs.events());
    briefs.ended(&SameCommand::of(first_seed, args.seed))
}

async fn one_by_one(
    rehearsal: &Rehearsal<'_>,
    seeds: impl ExactSizeIterator<Item = u64>,
) -> Result<Briefs> {
    let mut briefs = Briefs::new(seeds.len());
    for seed in seeds {
        let report = match rehearsal.report(seed).await {
            Ok(report) => report,
            // It was stopped before it had anything to report; those before it are reported.
            Err(error) if error.outcome() == Outcome::Interrupted => break,
            Err(error) => return Err(error.of_seed(seed)),
        };
        briefs.push(Brief::of(&report));
        if report.interrupted {
            break;
        }
    }
    Ok(briefs)
}

/// What several rehearsals of one scenario came to.
#[derive(Serialize)]
struct Repeated {
    tix_version: &'static str,
    virtual_time: bool,
    scenario: Scenario,
    /// How many were asked for.
    times: u32,
    /// Whether they were stopped before all of them had finished.
    interrupted: bool,
    /// The seeds of those that were cut short; nothing here counts them.
    cut_short: Vec<u64>,
    audits_passed: u64,
    spread: Vec<Spread>,
    runs: Vec<Run>,
    #[serde(skip)]
    currency: String,
    #[serde(skip)]
    verdict: String,
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
    fn of(rehearsal: &Rehearsal<'_>, briefs: &Briefs, times: u32) -> Self {
        let run = |brief: &&Brief| Run {
            seed: brief.seed,
            audit_passed: brief.audit_passed,
            summary: brief.summary,
        };
        let finished = briefs.finished();
        let summaries: Vec<Summary> = finished.iter().map(|brief| brief.summary).collect();
        Self {
            tix_version: env!("CARGO_PKG_VERSION"),
            virtual_time: rehearsal.args.virtual_time,
            scenario: rehearsal.scenario.clone(),
            times,
            interrupted: briefs.interrupted(),
            cut_short: briefs.cut(),
            audits_passed: finished.iter().filter(|brief| brief.audit_passed).count() as u64,
            spread: Spread::of(&summaries),
            runs: finished.iter().map(run).collect(),
            currency: briefs.currency(),
            verdict: briefs.verdict(),
        }
    }
}

impl Report for Repeated {
    fn text(&self, page: &Page) -> String {
        if self.runs.is_empty() {
            return page.folded(&self.verdict);
        }
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
            let written = |value| (figure.written)(value, self.scenario.speed);
            let cell = |value: Option<f64>| Cell::new(value.map_or("-".into(), written));
            let seen = self.runs.iter().filter(|run| figure.is_seen(&run.summary)).count();
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
                Cell::new(format!("{seen} of {}", self.runs.len())),
            ]);
        }
        let clock = match self.scenario.speed {
            Pace::Factor(_) => "buyer time",
            Pace::Max => "clock time",
        };
        let (verdict, table) = (&self.verdict, table.render(page));
        let legend = page.folded(&format!("Times are {clock}. {LEGEND}"));
        format!("{}\n\n{table}\n{legend}", page.folded(verdict))
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
