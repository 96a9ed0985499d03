//! `tix simulate`.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{Context, interrupted, pick};
use crate::audit::History;
use crate::cli::SimulateArgs;
use crate::domain::Event;
use crate::error::{Error, Result};
use crate::output::{Page, Report, Sheet, grouped};
use crate::payment::SimulatedProvider;
use crate::repository::{Access, Repository};
use crate::simulate::measure::Latencies;
use crate::simulate::scenario::{self, ReadError, SHIPPED};
use crate::simulate::{
    self, Progress, Scenario, Setting, SimulationReport, Snapshot, Stop, Urgency,
};
use crate::terminal::Counter;

/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// Rehearses an on-sale and prints its report.
///
/// # Errors
/// The scenario makes no sense, the store cannot be used, it was stopped early, an operation failed
/// without being refused, or the audit found a violation.
pub async fn run(context: &Context, args: &SimulateArgs) -> Result<()> {
    let scenario = scenario(args)?;
    let history = Arc::new(history(args)?);
    let seed = args.seed.unwrap_or_else(simulate::fresh_seed);
    // Said first: whatever happens, it can be repeated.
    context.terminal.notice(format_args!("seed {seed}"));
    let rehearsal = Rehearsal { context, args, scenario, seed, history };
    rehearsal.run().await.map_err(|error| error.of_seed(seed))
}

/// The scenario that was named, with what the options change of it.
fn scenario(args: &SimulateArgs) -> Result<Scenario> {
    let mut scenario = match &args.scenario {
        None => Scenario::default(),
        Some(name) => read(name)?,
    };
    let (sale, buyers) = (&args.sale, &args.behaviour);
    set(&mut scenario.buyers, args.buyers);
    set(&mut scenario.seats, args.seats.map(Some));
    set(&mut scenario.speed, args.speed);
    set(&mut scenario.present_max, buyers.present_max);
    set(&mut scenario.sale.limit, sale.limit);
    set_seconds(&mut scenario.sale.time_to_pay_seconds, sale.ttl);
    set_seconds(&mut scenario.sale.payment_time_seconds, sale.payment_time);
    set_seconds(&mut scenario.arrival.window_seconds, buyers.window);
    set(&mut scenario.waitlist.join_share, buyers.waitlist_share);
    set_seconds(&mut scenario.waitlist.patience_median_seconds, buyers.waitlist_patience);
    set(&mut scenario.checkout.unpaid_share, buyers.unpaid_share);
    set(&mut scenario.checkout.silent_share, buyers.silent_share);
    set(&mut scenario.payment.declined_share, buyers.declined_share);
    for setting in &args.set {
        scenario.set(setting).map_err(|e| {
            Error::usage(e.to_string(), "write it as fixtures/scenarios/spike.toml does")
        })?;
    }
    scenario.check().map_err(|e| Error::from(simulate::Error::from(e)))?;
    Ok(scenario)
}

fn set<T>(parameter: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *parameter = value;
    }
}

fn set_seconds(parameter: &mut f64, value: Option<Duration>) {
    set(parameter, value.map(|span| span.as_secs_f64()));
}

fn read(name: &str) -> Result<Scenario> {
    scenario::read(name).map_err(|error| match error {
        ReadError::Io(cause) => Error::Usage {
            message: format!("could not read the scenario {name}"),
            cause: Some(Box::new(cause)),
            hint: Some(format!("name a file, or one of these: {}", shipped())),
        },
        ReadError::File(fault) => {
            Error::usage(fault.to_string(), "mend the file and run the same command again")
        }
    })
}

fn shipped() -> String {
    SHIPPED.map(|(name, _)| name).join(", ")
}

fn history(args: &SimulateArgs) -> Result<History> {
    let Some(path) = &args.history else {
        return Ok(History::in_memory());
    };
    History::in_file(path).map_err(|cause| Error::Io {
        tried: format!("could not write the history {}", path.display()),
        cause,
    })
}

/// One rehearsal, from its event to its report.
struct Rehearsal<'a> {
    context: &'a Context,
    args: &'a SimulateArgs,
    scenario: Scenario,
    seed: u64,
    history: Arc<History>,
}

impl Rehearsal<'_> {
    async fn run(self) -> Result<()> {
        // An event that is named has to be there; everything else is made.
        let access = if self.args.event.is_some() { Access::Existing } else { Access::Create };
        let store = self.context.open(access).await?;
        let report = self.report(&store).await;
        store.close().await;
        let report = report?;
        let ended = ended(&report);
        self.context.print(&Simulation { report })?;
        ended
    }

    async fn report(&self, store: &Arc<dyn Repository>) -> Result<SimulationReport> {
        let interrupt = interrupted();
        tokio::pin!(interrupt);
        let event = tokio::select! {
            biased;
            () = &mut interrupt => return Err(Error::Interrupted),
            event = self.event(&**store) => event?,
        };
        let stop = Stop::default();
        let progress = Arc::new(Progress::default());
        let setting = Setting {
            repository: Arc::clone(store),
            provider: Arc::new(SimulatedProvider::new(self.scenario.provider())),
            history: Arc::clone(&self.history),
            progress: Arc::clone(&progress),
            stop: stop.clone(),
        };
        let (url, scenario) = (&self.context.store, &self.scenario);
        let rehearsal = simulate::rehearse(setting, url, &event, scenario, self.seed);
        let counter = self.context.terminal.counter("buyers", u64::from(self.scenario.buyers));
        let report = tokio::select! {
            biased;
            () = self.heed(interrupt, &stop, &counter) => Err(Error::Interrupted),
            () = show(&counter, &progress, &**store) => Err(Error::Interrupted),
            report = rehearsal => report.map_err(Error::from),
        };
        counter.finish();
        let mut report = report?;
        report.circumstances.store_option = self.context.store_option();
        Ok(report)
    }

    /// The event to sell: the one that was named, or one of the rehearsal's own.
    async fn event(&self, store: &dyn Repository) -> Result<Event> {
        let Some(name) = &self.args.event else {
            let counter = self.context.terminal.counter("minting", self.scenario.seats());
            let minting = |done| counter.set(done);
            let event = simulate::prepare(store, &self.scenario, self.seed, &minting).await;
            counter.finish();
            return Ok(event?);
        };
        let event = pick::event(store, Some(name)).await?;
        if event.simulated || self.args.yes {
            return Ok(event);
        }
        Err(Error::usage(
            format!("people use the event {}; a rehearsal sells its tickets", event.slug),
            "say --yes to sell them, or leave out --event to rehearse on an event of its own",
        ))
    }

    /// Passes on each Ctrl-C; returns at the second one, when everything is to be dropped.
    async fn heed(&self, first: impl Future<Output = ()>, stop: &Stop, counter: &Counter) {
        first.await;
        while stop.ask() < Urgency::AtOnce {
            counter.above(|| {
                self.context.terminal.notice(
                    "nobody else is let in; the report follows; Ctrl-C again stops at once",
                );
            });
            interrupted().await;
        }
    }
}

/// Shows how it stands until nobody waits for that any more.
async fn show(counter: &Counter, progress: &Progress, store: &dyn Repository) {
    let mut every = tokio::time::interval(SHOW_EVERY);
    let mut earlier = Snapshot::default();
    loop {
        every.tick().await;
        let snapshot = progress.snapshot(store.now());
        let gone = snapshot.arrived - snapshot.present;
        counter.set_with(gone, || {
            let rate = snapshot.rate_since(&earlier);
            let (sold, held) = (grouped(snapshot.sold), grouped(snapshot.held));
            let waiting = match snapshot.waiting {
                0 => String::new(),
                waiting => format!("{} waiting, ", grouped(waiting)),
            };
            format!("{sold} sold, {held} held, {waiting}{rate:.0}/s")
        });
        earlier = snapshot;
    }
}

/// How a rehearsal ends that has a report.
fn ended(report: &SimulationReport) -> Result<()> {
    let circumstances = &report.circumstances;
    let violations = report.audit.violations.len() as u64;
    if violations > 0 {
        return Err(Error::Violation(violations));
    }
    if circumstances.stopped > Urgency::None {
        return Err(Error::Interrupted);
    }
    if let Some(first) = circumstances.failures.first.first() {
        return Err(Error::Unsound {
            message: format!(
                "{} operations failed, the first: {first}",
                circumstances.failures.count
            ),
            hint: "the store did not do its part; what the report counts was answered".into(),
        });
    }
    Ok(())
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
