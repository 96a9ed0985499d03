//! `tix worker`.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Context, interrupted};
use crate::cli::WorkerArgs;
use crate::domain::EventId;
use crate::error::Result;
use crate::output::csv::optional;
use crate::output::{Format, Page, Sheet, Tone, counted, json};
use crate::repository::{Access, Repository};
use crate::worker::{self, Deed, DeedKind, Round, Worker};

/// Letters of the longest word for a deed.
const WORD_LETTERS: usize = 8;
/// Letters of a time of day.
const TIME_LETTERS: usize = 12;

/// Does what nobody else is there to do, until somebody stops it, which is no failure.
///
/// # Errors
/// The store cannot be used, or its change log not be followed.
pub async fn run(context: &Context, args: WorkerArgs) -> Result<()> {
    // It listens from before the first deed on, so that no Ctrl-C gets lost.
    let stopped = interrupted();
    tokio::pin!(stopped);
    let store = tokio::select! {
        biased;
        () = &mut stopped => return Ok(()),
        store = context.open(Access::Existing) => store?,
    };
    let mut lines = Lines::new(context, &*store);
    let ended = tokio::select! {
        biased;
        () = &mut stopped => Ok(()),
        ended = work(context, &store, args, &mut lines) => ended,
    };
    store.close().await;
    ended
}

async fn work(
    context: &Context,
    store: &Arc<dyn Repository>,
    args: WorkerArgs,
    lines: &mut Lines<'_>,
) -> Result<()> {
    lines.begin()?;
    if args.once {
        let Round { deeds, mut troubles, .. } = worker::once(&**store).await?;
        if deeds.is_empty() && troubles.is_empty() {
            context.terminal.notice(format_args!("there was nothing to do"));
        }
        lines.show(&deeds).await?;
        let last = troubles.pop();
        for trouble in troubles {
            context.terminal.notice(trouble);
        }
        return last.map_or(Ok(()), |trouble| Err(trouble.into()));
    }
    context.terminal.notice(format_args!("working on {}; Ctrl-C ends", context.store));
    let (mut worker, round) = Worker::begin(Arc::clone(store)).await?;
    lines.tell(round).await?;
    loop {
        lines.tell(worker.next().await?).await?;
    }
}

/// Writes to standard output what was done.
struct Lines<'a> {
    context: &'a Context,
    store: &'a dyn Repository,
    page: Page,
    events: HashMap<EventId, (String, TimeZone)>,
}

/// A deed as programs read it.
#[derive(Serialize)]
struct Entry<'a> {
    event: &'a str,
    #[serde(flatten)]
    deed: &'a Deed,
}

impl<'a> Lines<'a> {
    fn new(context: &'a Context, store: &'a dyn Repository) -> Self {
        let page = context.terminal.page(context.now());
        Self { context, store, page, events: HashMap::new() }
    }

    /// Writes what comes before the first line.
    fn begin(&self) -> Result<()> {
        match self.context.terminal.format() {
            Format::Csv => self.context.terminal.write(&sheet(Vec::new()).render()?),
            Format::Table | Format::Json => Ok(()),
        }
    }

    async fn tell(&mut self, round: Round) -> Result<()> {
        for notice in &round.notices {
            self.context.terminal.notice(notice);
        }
        for trouble in &round.troubles {
            self.context.terminal.notice(format_args!("{trouble}; trying again"));
        }
        self.show(&round.deeds).await
    }

    async fn show(&mut self, deeds: &[Deed]) -> Result<()> {
        for deed in deeds {
            if !self.events.contains_key(&deed.event_id) {
                let event = self.store.event(deed.event_id).await?;
                self.events.insert(event.event_id, (event.slug.clone(), event.zone()));
            }
            let text = match self.context.terminal.format() {
                Format::Table => self.line(deed),
                Format::Json => json::line(&Entry { event: self.slug(deed), deed })?,
                Format::Csv => sheet(vec![self.cells(deed)]).render_lines()?,
            };
            self.context.terminal.write(&text)?;
        }
        Ok(())
    }

    fn slug(&self, deed: &Deed) -> &str {
        self.events.get(&deed.event_id).map_or("", |(slug, _)| slug)
    }

    fn line(&self, deed: &Deed) -> String {
        let zone = self.events.get(&deed.event_id).map_or(TimeZone::UTC, |(_, zone)| zone.clone());
        let time = self.page.paint(Tone::Faint, &deed.at.clock_time(&zone));
        let word = self.page.paint(tone(deed.did), &format!("{:WORD_LETTERS$}", deed.did.word()));
        let (slug, about) = (self.slug(deed), about(deed));
        let letters =
            TIME_LETTERS + WORD_LETTERS + 4 + slug.chars().count() + about.chars().count();
        // A line without room goes on beneath the event.
        let indent = " ".repeat(TIME_LETTERS + WORD_LETTERS + 2);
        let folds = self.context.terminal.line_width().is_some_and(|width| letters > width);
        let between = if folds { format!("\n{indent}") } else { String::new() };
        format!("{time}  {word}  {slug}{between}{about}\n")
    }

    fn cells(&self, deed: &Deed) -> Vec<String> {
        vec![
            deed.at.to_string(),
            deed.did.word().to_owned(),
            self.slug(deed).to_owned(),
            optional(deed.hold_id.as_ref()),
            optional(deed.order_id.as_ref()),
            deed.tickets.to_string(),
        ]
    }
}

/// What a line says after the event.
fn about(deed: &Deed) -> String {
    let hold = || deed.hold_id.map(|hold| format!("  hold {hold}"));
    let order = deed.order_id.map(|order| format!("  order {order}"));
    let named = order.or_else(hold).unwrap_or_default();
    match deed.tickets {
        0 => named,
        tickets => format!("{named}  {}", counted(tickets, "ticket")),
    }
}

const fn tone(did: DeedKind) -> Tone {
    match did {
        DeedKind::Expired | DeedKind::Freed | DeedKind::OnSale => Tone::Free,
        DeedKind::Offered => Tone::Waiting,
        DeedKind::GaveUp | DeedKind::SoldOut => Tone::Bad,
        DeedKind::Followed | DeedKind::Shown => Tone::Faint,
    }
}

fn sheet(lines: Vec<Vec<String>>) -> Sheet {
    Sheet::new(&["at", "did", "event", "hold_id", "order_id", "tickets"]).with(lines)
}
