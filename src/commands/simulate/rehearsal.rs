//! One rehearsal, from its event to its report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::event_option;
use crate::audit::History;
use crate::cli::SimulateArgs;
use crate::commands::{Context, interrupted, pick, quoted};
use crate::domain::time::spoken;
use crate::domain::{Event, EventId};
use crate::error::{Error, Outcome, Result};
use crate::output::grouped;
use crate::payment::SimulatedProvider;
use crate::repository::{Access, Repository};
use crate::simulate::outage::{STORE_WAIT, Status};
use crate::simulate::{
    self, Progress, Scenario, Setting, SimulationReport, Stop, Time, Urgency, virtual_time,
};
use crate::terminal::{Counter, Terminal};

/// For how long the store is away before that is said.
const AWAY_SHOWN_AFTER: Duration = Duration::from_secs(1);
/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// What is to be rehearsed, and where.
pub(super) struct Rehearsal<'a> {
    pub(super) context: &'a Context,
    pub(super) args: &'a SimulateArgs,
    pub(super) scenario: Scenario,
}

impl Rehearsal<'_> {
    /// Suggests a command for each event that rehearsals made in the store.
    pub(super) fn suggest_removal(&self, events: impl IntoIterator<Item = EventId>) {
        let Self { context, args, .. } = self;
        if args.event.is_some() || args.virtual_time || context.store.is_memory() {
            return;
        }
        let store = context.store_option();
        let step = |event| {
            let delete = format!("tix event delete {event}{store}");
            (delete, "remove the event that was rehearsed on")
        };
        let steps: Vec<_> = events.into_iter().map(step).collect();
        if !steps.is_empty() {
            context.terminal.next_steps("Next:", &steps);
        }
    }

    /// Removes the event that was made for a rehearsal without a report, or suggests how: after an
    /// interruption, it has what its buyers did.
    async fn remove(&self, store: &dyn Repository, event: &Event, error: &Error) {
        if self.args.event.is_some() {
            return;
        }
        let is_unused = error.outcome() != Outcome::Interrupted;
        if !is_unused || store.delete_event(event.event_id, &|_| {}).await.is_err() {
            self.suggest_removal([event.event_id]);
        }
    }

    /// Rehearses with one seed, from the event to the report, while somebody may watch and stop it.
    ///
    /// # Errors
    /// The store cannot be used, or it was stopped at once.
    pub(super) async fn report(&self, seed: u64) -> Result<SimulationReport> {
        let progress = Progress::with_store_wait(self.args.store_wait.unwrap_or(STORE_WAIT));
        let shared = Shared::new(history(self.args)?, Stop::default(), progress);
        if self.args.virtual_time {
            return self.virtually(seed, shared).await;
        }
        let opened = async {
            if let Some(target) = &self.args.target {
                target.reach().await?;
            }
            // An event that is named has to be there; everything else is made.
            let access = if self.args.event.is_some() { Access::Existing } else { Access::Create };
            self.context.open(access).await
        };
        let interrupt = interrupted();
        tokio::pin!(interrupt);
        let store = tokio::select! {
            biased;
            () = &mut interrupt => return Err(Error::Interrupted),
            store = opened => store?,
        };
        let report = self.on(&store, seed, shared, interrupt).await;
        store.close().await;
        report
    }

    /// Rehearses in virtual time, on a store of its own.
    async fn virtually(&self, seed: u64, shared: Shared) -> Result<SimulationReport> {
        let rehearsal = shared.in_virtual_time(self.scenario.clone(), seed);
        let rehearsed = tokio::task::spawn_blocking(move || rehearsal.run());
        self.watched(&shared, interrupted(), async { rehearsed.await? }).await
    }

    /// Rehearses on a store, in the machine's time.
    async fn on(
        &self,
        store: &Arc<dyn Repository>,
        seed: u64,
        shared: Shared,
        mut interrupt: impl Future<Output = ()> + Unpin,
    ) -> Result<SimulationReport> {
        let event = tokio::select! {
            biased;
            () = &mut interrupt => return Err(Error::Interrupted),
            event = self.event(&**store, seed) => event?,
        };
        let setting = Setting {
            repository: Arc::clone(store),
            provider: Arc::new(SimulatedProvider::new(self.scenario.provider())),
            history: Arc::clone(&shared.history),
            progress: Arc::clone(&shared.progress),
            stop: shared.stop.clone(),
            time: Time::Real,
            target: self.args.target.clone(),
        };
        let (url, scenario) = (&self.context.store, &self.scenario);
        let rehearsed = simulate::rehearse(setting, url, &event, scenario, seed);
        let mut report = match self.watched(&shared, interrupt, rehearsed).await {
            Ok(report) => report,
            Err(error) => {
                self.remove(&**store, &event, &error).await;
                return Err(error);
            }
        };
        report.circumstances.store_option = self.context.store_option();
        if let Some(target) = &self.args.target {
            report.circumstances.target_option =
                format!(" --target {}", quoted(&target.to_string()));
        }
        if self.args.event.is_some() {
            report.circumstances.event_option = event_option(&event);
        }
        Ok(report)
    }

    /// Shows how a rehearsal stands, and passes on each Ctrl-C, until it has ended.
    async fn watched(
        &self,
        shared: &Shared,
        interrupt: impl Future<Output = ()>,
        rehearsed: impl Future<Output = Result<SimulationReport, simulate::Error>>,
    ) -> Result<SimulationReport> {
        let terminal = &self.context.terminal;
        let counter = terminal.counter("buyers", u64::from(self.scenario.buyers));
        let report = tokio::select! {
            biased;
            () = heed(terminal, interrupt, &shared.stop, &counter) => Err(Error::Interrupted),
            () = show(&counter, &shared.progress) => Err(Error::Interrupted),
            () = warn(terminal, &counter, &shared.progress) => Err(Error::Interrupted),
            () = watch_store(terminal, &counter, &shared.progress) => Err(Error::Interrupted),
            report = rehearsed => report.map_err(Error::from),
        };
        counter.finish();
        report
    }

    /// The event to sell: the one that was named, or one of the rehearsal's own.
    async fn event(&self, store: &dyn Repository, seed: u64) -> Result<Event> {
        let Some(name) = &self.args.event else {
            let counter = self.context.terminal.counter("minting", self.scenario.seats());
            let minting = |done| counter.set(done);
            let run = simulate::fresh_run();
            let event = simulate::prepare(store, &self.scenario, seed, &run, &minting).await;
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
}

/// What a rehearsal shares with those who watch it.
#[derive(Clone)]
pub(super) struct Shared {
    history: Arc<History>,
    progress: Arc<Progress>,
    stop: Stop,
}

impl Shared {
    /// What a rehearsal shares that stops when `stop` is asked to.
    pub(super) fn new(history: History, stop: Stop, progress: Progress) -> Self {
        Self { history: Arc::new(history), progress: Arc::new(progress), stop }
    }

    /// A rehearsal that shares this.
    pub(super) fn in_virtual_time(&self, scenario: Scenario, seed: u64) -> virtual_time::Rehearsal {
        virtual_time::Rehearsal {
            scenario,
            seed,
            history: Arc::clone(&self.history),
            progress: Arc::clone(&self.progress),
            stop: self.stop.clone(),
        }
    }
}

/// Where a rehearsal writes down what its buyers are told.
///
/// # Errors
/// The file that was named cannot be written.
pub(super) fn history(args: &SimulateArgs) -> Result<History> {
    let Some(path) = &args.history else {
        return Ok(History::default());
    };
    History::in_file(path).map_err(|cause| {
        Error::cannot_write(format!("could not write the history {}", path.display()), cause)
    })
}

/// Passes on each Ctrl-C; returns at the second one, when everything is to be dropped.
pub(super) async fn heed(
    terminal: &Terminal,
    first: impl Future<Output = ()>,
    stop: &Stop,
    counter: &Counter,
) {
    first.await;
    while stop.ask() < Urgency::AtOnce {
        counter.above(|| {
            terminal
                .notice("no more buyers arrive; the report follows; Ctrl-C again stops at once");
        });
        interrupted().await;
    }
}

/// Shows how it stands until nobody waits for that any more.
async fn show(counter: &Counter, progress: &Progress) {
    let mut every = tokio::time::interval(SHOW_EVERY);
    let (mut operations_before, mut shown_at) = (0, Instant::now());
    loop {
        every.tick().await;
        let snapshot = progress.latest();
        let gone = snapshot.arrived - snapshot.present;
        // Operations a second of the machine's time, whosever time the rehearsal goes by.
        let operations = snapshot.operations - operations_before;
        let rate = Duration::from_secs(operations).as_secs_f64() / shown_at.elapsed().as_secs_f64();
        counter.set_with(gone, || {
            let (sold, held) = (grouped(snapshot.sold), grouped(snapshot.held));
            let waiting = match snapshot.waiting {
                0 => String::new(),
                waiting => format!("{} waiting, ", grouped(waiting)),
            };
            format!("{sold} sold, {held} held, {waiting}{rate:.0}/s")
        });
        (operations_before, shown_at) = (snapshot.operations, Instant::now());
    }
}

/// Says once that the server holds buyers back, and that nothing else is measured then.
async fn warn(terminal: &Terminal, counter: &Counter, progress: &Progress) {
    while !progress.is_held_back() {
        tokio::time::sleep(SHOW_EVERY).await;
    }
    counter.above(|| {
        terminal.notice(
            "the server limits how often one address asks, and all buyers have the same; \
             start it with --rate-limit off to lift that",
        );
    });
    std::future::pending::<()>().await;
}

/// Says when the store does not answer, and when it answers again.
async fn watch_store(terminal: &Terminal, counter: &Counter, progress: &Progress) {
    let outages = progress.outages();
    let wait = spoken(outages.wait());
    let mut away: Option<Instant> = None;
    loop {
        tokio::time::sleep(SHOW_EVERY).await;
        let text = match (outages.status(), away) {
            (Status::Away(since), None) if since.elapsed() >= AWAY_SHOWN_AFTER => {
                away = Some(since.into_std());
                let why = outages.why();
                format!("{why}; buyers ask again for up to {wait}; Ctrl-C ends the run")
            }
            (Status::Answering, Some(since)) => {
                away = None;
                format!("there is an answer again, after {}", spoken(since.elapsed()))
            }
            (Status::Lost, Some(_)) => {
                away = None;
                format!("no answer for {wait}: the run ends without it")
            }
            _ => continue,
        };
        counter.above(|| terminal.notice(&text));
    }
}

/// How a rehearsal ends that has a report.
pub(super) fn ended(report: &SimulationReport) -> Result<()> {
    failure(report)
        .map_or(Ok(()), |failure| Err(failure.of_rehearsal(&simulate::text::command(report))))
}

/// A span of seconds in words.
fn span_of(seconds: f64) -> String {
    spoken(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn failure(report: &SimulationReport) -> Option<Error> {
    let circumstances = &report.circumstances;
    let violations = report.audit.violations.len() as u64;
    if violations > 0 {
        return Some(Error::Violation(violations));
    }
    if circumstances.stopped > Urgency::None {
        return Some(Error::Interrupted);
    }
    if let Some(why) = &report.audit_not_made_because {
        let (slug, store) = (&circumstances.slug, &circumstances.store_option);
        let message = match &report.outages {
            Some(outage) if outage.unended => {
                let away = span_of(outage.longest_seconds);
                format!("the store did not answer for {away}, and the audit was not made: {why}")
            }
            _ => format!("the audit was not made: {why}"),
        };
        let hint =
            format!("see that the store is there, then run `tix audit --event {slug}{store}`");
        return Some(Error::Unsound { message, hint });
    }
    if let (true, Some(outage)) = (report.interrupted, &report.outages) {
        let whom = report.target.as_deref().unwrap_or("the store");
        let (away, why) = (span_of(outage.longest_seconds), &outage.why);
        let message = format!("{whom} did not answer for {away}, which ended the run: {why}");
        let hint = "see that it answers; what the report counts was answered".into();
        return Some(Error::Unsound { message, hint });
    }
    circumstances.failures.first.first().map(|first| Error::Unsound {
        message: format!("{} operations failed, the first: {first}", circumstances.failures.count),
        hint: "the store failed; the report counts what was answered".into(),
    })
}
