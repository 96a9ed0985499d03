//! `tix simulate`.

use serde::Serialize;

use self::rehearsal::Rehearsal;
use self::report_file::ReportFile;
use super::Context;
use crate::cli::SimulateArgs;
use crate::domain::Event;
use crate::error::{Error, Result};
use crate::output::{Page, Report, Sheet};
use crate::simulate::measure::Latencies;
use crate::simulate::scenario::{self, Adjustment, Faults, ReadError, SHIPPED};
use crate::simulate::{self, Pace, Scenario, SimulationReport};

mod again;
mod draft;
mod plan;
mod rehearsal;
mod repeat;
mod report_file;
mod side_by_side;
pub mod sweep;

/// What to do about a parameter that cannot be.
const SEE_HELP: &str = "see `tix simulate --help`";

/// Rehearses an on-sale and prints its report.
///
/// # Errors
/// The scenario makes no sense, the store cannot be used, it was stopped early, an operation failed
/// without being refused, or the audit found a violation.
pub async fn run(context: &Context, args: &SimulateArgs) -> Result<()> {
    let adjustments = &args.parameters.adjustments;
    let scenario = scenario(args.scenario.as_deref(), args.virtual_time, args.faults, adjustments)?;
    let seed = args.seed.unwrap_or_else(simulate::fresh_seed);
    if let Some(path) = &args.plan {
        return plan::run(context, (&scenario, args.event.as_deref(), seed), path).await;
    }
    let file = args.report.as_deref().map(ReportFile::at).transpose()?;
    // Said first: whatever happens, it can be repeated.
    context.terminal.notice(format_args!("seed {seed}"));
    let rehearsal = Rehearsal { context, args, scenario };
    match args.repeat {
        Some(times) => repeat::run(&rehearsal, seed, times).await,
        None => once(&rehearsal, seed, file).await,
    }
}

async fn once(rehearsal: &Rehearsal<'_>, seed: u64, file: Option<ReportFile<'_>>) -> Result<()> {
    let context = rehearsal.context;
    let report = rehearsal.report(seed).await.map_err(|error| error.of_seed(seed))?;
    let written = file.map_or(Ok(()), |file| file.write(&context.terminal, &report));
    let ended = rehearsal::ended(&report);
    let event = report.event_id;
    context.print(&Simulation { report })?;
    rehearsal.suggest_removal([event]);
    // Whether it was sound counts more than whether the page could be written.
    ended.and(written)
}

/// The scenario that was named, with what the options change of it.
fn scenario(
    source: Option<&str>,
    virtual_time: bool,
    with_faults: bool,
    adjustments: &[Adjustment],
) -> Result<Scenario> {
    let mut scenario = match source {
        None => Scenario::default(),
        Some(name) => read(name)?,
    };
    if virtual_time {
        // A second of virtual time costs nothing: nobody needs it to be shorter.
        scenario.speed = Pace::REAL;
    }
    if with_faults {
        scenario.faults = Faults::many();
    }
    for adjustment in adjustments {
        scenario.adjust(adjustment).map_err(|e| Error::usage(e.to_string(), SEE_HELP))?;
    }
    if scenario.speed != Pace::Max && adjustments.iter().any(|a| a.name() == "present_max") {
        let message = "--present-max would be ignored: only at --speed max is it a bound";
        return Err(Error::usage(message, "leave it out, or add --speed max"));
    }
    scenario.check().map_err(|e| Error::from(simulate::Error::from(e)))?;
    Ok(scenario)
}

fn read(name: &str) -> Result<Scenario> {
    scenario::read(name).map_err(|error| match error {
        ReadError::Io(cause) => Error::Usage {
            message: format!("could not read the scenario {name}"),
            cause: Some(Box::new(cause)),
            hint: Some(format!("name a file, or one of these: {}", shipped())),
        },
        ReadError::File(fault) => {
            Error::usage(fault.to_string(), "correct the file and run the same command again")
        }
    })
}

fn shipped() -> String {
    SHIPPED.map(|(name, _)| name).join(", ")
}

/// How a command names the event that it rehearses on, with a space before.
fn event_option(event: &Event) -> String {
    let yes = if event.simulated { "" } else { " --yes" };
    format!(" --event {}{yes}", event.slug)
}

/// What the rehearsal came to.
#[derive(Serialize)]
#[serde(transparent)]
struct Simulation {
    report: SimulationReport,
}

impl Report for Simulation {
    fn text(&self, page: &Page) -> String {
        simulate::text::render(&self.report, page.width, page.color)
    }

    fn document(&self) -> Result<String> {
        // It carries the version of its form itself.
        crate::output::json::versioned_document(&self.report)
    }

    fn sheet(&self) -> Sheet {
        let line = |l: &Latencies| {
            let micros = [l.p50_us, l.p90_us, l.p99_us, l.p999_us, l.max_us, l.due_p99_us];
            let mut cells = vec![l.name.to_owned(), l.outcome.to_owned(), l.count.to_string()];
            cells.extend(micros.map(|micros| micros.to_string()));
            cells
        };
        Sheet::new(&[
            "operation",
            "outcome",
            "count",
            "p50_us",
            "p90_us",
            "p99_us",
            "p999_us",
            "max_us",
            "due_p99_us",
        ])
        .with(self.report.operations.iter().map(line))
    }
}
