//! The same rehearsal with several seeds: how much of its outcome is chance.

use serde::Serialize;

use super::rehearsal::{self, Rehearsal};
use super::side_by_side::{self, Brief};
use crate::error::{Error, Result};
use crate::output::{Cell, Column, Page, Report, Sheet, Table, counted};
use crate::simulate::outcome::{FIGURES, Spread, Summary};
use crate::simulate::{self, Scenario, Urgency};

/// Rehearses with `times` seeds, from the first one on, and prints how far the outcomes are apart.
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
    if briefs.is_empty() {
        return Err(Error::Interrupted);
    }
    context.print(&Repeated::of(rehearsal, &briefs, times))?;
    briefs.into_iter().try_for_each(|brief| brief.ended)
}

async fn one_by_one(
    rehearsal: &Rehearsal<'_>,
    seeds: impl Iterator<Item = u64>,
) -> Result<Vec<Brief>> {
    let mut briefs = Vec::new();
    for seed in seeds {
        let report = rehearsal.report(seed).await.map_err(|error| error.of_seed(seed))?;
        briefs.push(Brief::of(&report));
        if report.circumstances.stopped > Urgency::None {
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
    fn of(rehearsal: &Rehearsal<'_>, briefs: &[Brief], times: u32) -> Self {
        let run = |brief: &Brief| Run {
            seed: brief.seed,
            audit_passed: brief.audit_passed,
            summary: brief.summary,
        };
        let summaries: Vec<Summary> = briefs.iter().map(|brief| brief.summary).collect();
        Self {
            tix_version: env!("CARGO_PKG_VERSION"),
            virtual_time: rehearsal.args.virtual_time,
            scenario: rehearsal.scenario.clone(),
            times,
            audits_passed: briefs.iter().filter(|brief| brief.audit_passed).count() as u64,
            spread: Spread::of(&summaries),
            runs: briefs.iter().map(run).collect(),
            currency: briefs.first().map(|brief| brief.currency.clone()).unwrap_or_default(),
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
