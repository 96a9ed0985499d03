//! `tix ticket block` and `tix ticket unblock`.

use serde::Serialize;

use crate::cli::ticket::TicketArgs;
use crate::commands::{Context, pick};
use crate::domain::{Event, Refusal, TicketId};
use crate::error::{Error, Result};
use crate::output::csv::optional;
use crate::output::{Page, Report, Sheet, counted, grouped};
use crate::repository::{Access, Repository};

/// Keeps tickets from the sale.
pub(super) async fn block(context: &Context, args: &TicketArgs, reason: &str) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let (event, tickets) = chosen(store, args).await?;
            let changed = store.block(event.event_id, &tickets, reason).await;
            let changed = changed.map_err(|error| with_hint(error.into()).at(&event))?;
            let reason = Some(reason.to_owned());
            Ok(Outcome::Blocked(Record::new(&event, &tickets, changed, reason)))
        })
        .await?;
    context.print(&report)
}

/// Puts tickets back into the sale.
pub(super) async fn unblock(context: &Context, args: &TicketArgs) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let (event, tickets) = chosen(store, args).await?;
            let changed = store.unblock(event.event_id, &tickets).await?;
            Ok(Outcome::Unblocked(Record::new(&event, &tickets, changed, None)))
        })
        .await?;
    context.print(&report)
}

/// Seats that a buyer has cannot be blocked; the hint says which can.
fn with_hint(error: Error) -> Error {
    match error {
        Error::Refused { refusal: refusal @ Refusal::Taken { .. }, .. } => {
            let hint = "see which seats can be blocked with `tix ticket list --status available`";
            Error::refused(refusal, Some(hint.into()))
        }
        other => other,
    }
}

/// The event and the tickets that were named.
async fn chosen(store: &dyn Repository, args: &TicketArgs) -> Result<(Event, Vec<TicketId>)> {
    let event = pick::event_to_claim(store, args.event.event.as_deref()).await?;
    let tickets = match &args.section {
        None => pick::seats(store, event.event_id, &args.seats).await?,
        Some(name) => {
            let sections = store.sections(event.event_id).await?;
            let section = pick::section(&sections, name)?;
            let map = store.section_map(event.event_id, &section.name).await?;
            map.tickets().tickets().iter().map(|ticket| ticket.ticket_id).collect()
        }
    };
    Ok((event, tickets))
}

/// What was blocked or unblocked.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Blocked(Record),
    Unblocked(Record),
}

#[derive(Serialize)]
struct Record {
    event: String,
    /// The tickets that were named.
    tickets: u64,
    /// Those of them whose condition is another now.
    changed: u64,
    reason: Option<String>,
}

impl Record {
    fn new(event: &Event, tickets: &[TicketId], changed: u64, reason: Option<String>) -> Self {
        Self { event: event.slug.clone(), tickets: tickets.len() as u64, changed, reason }
    }
}

impl Outcome {
    const fn parts(&self) -> (&'static str, &Record) {
        match self {
            Self::Blocked(record) => ("blocked", record),
            Self::Unblocked(record) => ("unblocked", record),
        }
    }
}

impl Report for Outcome {
    fn text(&self, page: &Page) -> String {
        let (word, record) = self.parts();
        let mut text = format!("{word} {} of {}", counted(record.changed, "ticket"), record.event);
        if let Some(reason) = &record.reason {
            text = format!("{text}: {reason}");
        }
        let already = if record.reason.is_some() { "blocked before" } else { "not blocked" };
        page.folded(&match record.tickets - record.changed {
            0 => text,
            1 => format!("{text} (1 was {already})"),
            others => format!("{text} ({} were {already})", grouped(others)),
        })
    }

    fn sheet(&self) -> Sheet {
        let (word, record) = self.parts();
        Sheet::new(&["change", "event", "tickets", "changed", "reason"]).with([vec![
            word.to_owned(),
            record.event.clone(),
            record.tickets.to_string(),
            record.changed.to_string(),
            optional(record.reason.as_ref()),
        ]])
    }
}
