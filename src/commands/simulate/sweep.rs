//! `tix sweep`: the same rehearsals with other parameters, side by side.

use serde::Serialize;
use serde_json::{Map, Value};

use super::again::SameCommand;
use super::side_by_side::{self, Brief};
use crate::audit::History;
use crate::cli::SweepArgs;
use crate::commands::Context;
use crate::error::{Error, Result};
use crate::output::{Cell, Column, Page, Report, Sheet, Table, Tone, counted};
use crate::simulate::grid::{self, Axis};
use crate::simulate::outcome::{FIGURES, Spread, Summary};
use crate::simulate::scenario::Adjustment;
use crate::simulate::{self, Scenario};

/// What the figures mean, beneath the table.
const LEGEND: &str = "\
Times are buyer time. Sold out: 99 % of the seats for sale. Phantom: how long under 1 % was available \
while under 50 % was sold. Empty-handed: buyers who left with nothing. Out of order: pairs of buyers \
of whom the later one got seats first.";

/// Rehearses every combination of the values, and prints how they compare.
///
/// # Errors
/// The grid makes no sense; as one rehearsal; that of the first which did not end well, once all are
/// over.
pub async fn run(context: &Context, args: &SweepArgs) -> Result<()> {
    let source = args.scenario.as_deref();
    let base = super::scenario(source, true, args.faults, &args.parameters.adjustments)?;
    let both = |axis: &&Axis| {
        let name = axis.parameter.name;
        args.parameters.adjustments.iter().any(|adjustment| adjustment.name() == name)
    };
    if let Some(axis) = args.vary.iter().find(both) {
        let option = axis.parameter.option();
        return Err(Error::usage(
            format!("--{option} would be ignored: --vary gives each run its own value"),
            format!("leave out --{option}, or add its value to --vary"),
        ));
    }
    let cells = grid::cells(&base, &args.vary)
        .map_err(|e| Error::usage(e.to_string(), "see `tix sweep --help`"))?;
    let first_seed = args.seed.unwrap_or_else(simulate::fresh_seed);
    // Said first: whatever happens, it can be repeated.
    context.terminal.notice(format_args!("seed {first_seed}"));
    let seeds: Vec<u64> = (0..args.repeat).map(|n| first_seed.wrapping_add(n.into())).collect();
    let runs: Vec<(Scenario, u64)> = cells
        .iter()
        .flat_map(|cell| seeds.iter().map(|seed| (cell.scenario.clone(), *seed)))
        .collect();
    let briefs =
        side_by_side::rehearse(context, runs.into_iter(), || Ok(History::default())).await?;
    let (each, planned) = (seeds.len(), cells.len());
    let finished_of = |nth: usize| briefs.finished_in(nth * each..(nth + 1) * each);
    let compared = cells.into_iter().enumerate();
    let compared = compared.map(|(nth, cell)| (cell, finished_of(nth)));
    // A scenario of which no run finished has nothing to compare.
    let compared = compared.filter(|(_, finished)| !finished.is_empty());
    let compared = compared.map(|(cell, finished)| Compared::of(&cell.settings, &finished, each));
    let sweep = Sweep {
        tix_version: env!("CARGO_PKG_VERSION"),
        scenario: base,
        seeds,
        axes: &args.vary,
        interrupted: briefs.interrupted(),
        runs_planned: briefs.planned(),
        runs_cut_short: briefs.cut().len() as u64,
        currency: briefs.currency(),
        cells: compared.collect(),
        planned,
        verdict: briefs.verdict(),
    };
    context.print(&sweep)?;
    briefs.ended(&SameCommand::of(first_seed, args.seed))
}

/// How the scenarios of a grid compare.
#[derive(Serialize)]
struct Sweep<'a> {
    tix_version: &'static str,
    /// What all of them have in common.
    scenario: Scenario,
    seeds: Vec<u64>,
    axes: &'a [Axis],
    /// Whether they were stopped before all of them had finished.
    interrupted: bool,
    runs_planned: u64,
    /// How many were cut short; nothing here counts them.
    runs_cut_short: u64,
    /// Those of which a run finished.
    cells: Vec<Compared>,
    #[serde(skip)]
    currency: String,
    /// How many scenarios there are.
    #[serde(skip)]
    planned: usize,
    #[serde(skip)]
    verdict: String,
}

/// One of them.
#[derive(Serialize)]
struct Compared {
    settings: Map<String, Value>,
    /// How many runs finished.
    runs: u64,
    runs_planned: u64,
    audits_passed: u64,
    /// The median of every figure; none where no rehearsal has it.
    medians: Map<String, Value>,
    spread: Vec<Spread>,
    #[serde(skip)]
    words: Vec<String>,
}

impl Compared {
    fn of(settings: &[Adjustment], briefs: &[&Brief], runs_planned: usize) -> Self {
        let summaries: Vec<Summary> = briefs.iter().map(|brief| brief.summary).collect();
        let spread = Spread::of(&summaries);
        let median = |spread: &Spread| (spread.figure.to_owned(), spread.median.into());
        Self {
            words: settings.iter().map(Adjustment::spoken).collect(),
            settings: settings.iter().map(|s| (s.name().to_owned(), s.json())).collect(),
            runs: briefs.len() as u64,
            runs_planned: runs_planned as u64,
            audits_passed: briefs.iter().filter(|brief| brief.audit_passed).count() as u64,
            medians: spread.iter().map(median).collect(),
            spread,
        }
    }
}

impl Sweep<'_> {
    fn verdict(&self) -> String {
        let scenarios = match self.cells.len() {
            all if all == self.planned => counted(all as u64, "scenario"),
            some => format!("{some} of {}", counted(self.planned as u64, "scenario")),
        };
        let medians = if self.seeds.len() > 1 && !self.cells.is_empty() { " Medians:" } else { "" };
        format!("{scenarios}, {}{medians}", self.verdict)
    }

    /// Whether some scenario has fewer runs than others.
    fn is_uneven(&self) -> bool {
        self.cells.iter().any(|cell| cell.runs < cell.runs_planned)
    }
}

/// In which order figures are left out where room is short; none always stays.
fn rank(figure: &str) -> Option<u8> {
    match figure {
        "tickets_sold" => Some(0),
        "buyers_bought" => Some(1),
        "out_of_order_share" => Some(2),
        _ => None,
    }
}

impl Report for Sweep<'_> {
    fn text(&self, page: &Page) -> String {
        if self.cells.is_empty() {
            return page.folded(&self.verdict());
        }
        let runs = self.is_uneven().then(|| Column::right("runs"));
        let axes = self.axes.iter().map(|axis| Column::right(axis.parameter.heading()));
        let figures = FIGURES.iter().map(|figure| {
            let column = Column::right(figure.column);
            rank(figure.name).map_or(column, |rank| column.optional(rank))
        });
        let columns: Vec<Column> = axes.chain(runs).chain(figures).collect();
        let mut table = Table::new(&columns);
        for cell in &self.cells {
            let settings = cell.words.iter().map(|word| Cell::toned(word, Tone::Strong));
            let values = FIGURES.iter().zip(&cell.spread).map(|(figure, spread)| {
                Cell::new(match spread.median {
                    None => "never".into(),
                    Some(value) => (figure.written)(value, self.scenario.speed),
                })
            });
            let runs = || Cell::new(format!("{} of {}", cell.runs, cell.runs_planned));
            let runs = self.is_uneven().then(runs);
            table.push(settings.chain(runs).chain(values).collect());
        }
        let (verdict, table, currency) = (self.verdict(), table.render(page), &self.currency);
        let legend = page.folded(&format!("{LEGEND} Revenue in {currency}."));
        format!("{}\n\n{table}\n{legend}", page.folded(&verdict))
    }

    fn sheet(&self) -> Sheet {
        let axes = self.axes.iter().map(|axis| axis.parameter.name);
        let counts = ["runs", "audits_passed"];
        let figures = FIGURES.iter().map(|figure| figure.name);
        let columns: Vec<&'static str> =
            axes.chain(counts).chain(figures).chain(["runs_planned"]).collect();
        let line = |cell: &Compared| {
            let counts = [cell.runs.to_string(), cell.audits_passed.to_string()];
            let median = |s: &Spread| s.median.map_or(String::new(), |value| value.to_string());
            let values = cell.spread.iter().map(median);
            // By name: the settings are not in the order of the axes.
            let setting = |axis: &Axis| match &cell.settings[axis.parameter.name] {
                Value::String(word) => word.clone(),
                other => other.to_string(),
            };
            let settings = self.axes.iter().map(setting);
            let planned = [cell.runs_planned.to_string()];
            settings.chain(counts).chain(values).chain(planned).collect()
        };
        Sheet::new(&columns).with(self.cells.iter().map(line))
    }
}
