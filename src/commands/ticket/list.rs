//! `tix ticket list`.

use serde::Serialize;

use crate::cli::pages::PageArgs;
use crate::commands::{Context, pages, pick};
use crate::domain::time::spoken;
use crate::domain::{Event, TicketState};
use crate::error::Result;
use crate::output::csv::optional;
use crate::output::{Cell, Column, Page, Report, Sheet, Table};
use crate::repository::{Access, TicketFilter};

/// Lists tickets of an event.
pub(super) async fn run(
    context: &Context,
    name: Option<&str>,
    mut filter: TicketFilter,
    page: PageArgs,
) -> Result<()> {
    let mut report = context
        .with_store(Access::Existing, async |store| {
            let event = pick::event(store, name).await?;
            if let Some(section) = &filter.section {
                let sections = store.sections(event.event_id).await?;
                filter.section = Some(pick::section(&sections, section)?.name.clone());
            }
            let tickets = store.tickets(event.event_id, &filter).await?;
            Ok(Tickets { tickets, event })
        })
        .await?;
    let is_empty = report.tickets.is_empty();
    report.tickets = pages::part(context, page, report.tickets);
    if is_empty {
        context.terminal.notice(format_args!("no such tickets of {}", report.event.slug));
    }
    context.print(&report)
}

/// Tickets and their condition.
#[derive(Serialize)]
struct Tickets {
    tickets: Vec<TicketState>,
    #[serde(skip)]
    event: Event,
}

impl Report for Tickets {
    fn text(&self, page: &Page) -> String {
        let mut table = Table::new(&[
            Column::left("SEAT"),
            Column::left("TYPE"),
            Column::right("PRICE"),
            Column::left("STATUS"),
            Column::left("REMARK").broken().optional(1),
            Column::left("HOLD").optional(0),
        ]);
        for state in &self.tickets {
            table.push(vec![
                Cell::new(&state.ticket.label),
                Cell::new(&state.ticket.type_id),
                Cell::new(state.ticket.price),
                Cell::toned(state.status, state.status.into()),
                Cell::new(remark(state, page)),
                Cell::new(optional(state.hold_id.as_ref())),
            ]);
        }
        table.render(page)
    }

    fn sheet(&self) -> Sheet {
        let line = |state: &TicketState| {
            let ticket = &state.ticket;
            vec![
                ticket.ticket_id.to_string(),
                ticket.label.section.to_string(),
                ticket.label.row.to_string(),
                ticket.label.seat.to_string(),
                ticket.type_id.to_string(),
                ticket.price.decimal().to_string(),
                ticket.price.currency().to_string(),
                state.status.to_string(),
                optional(state.hold_id.as_ref()),
                optional(state.until.as_ref()),
                optional(state.reason.as_ref()),
            ]
        };
        Sheet::new(&[
            "ticket_id",
            "section",
            "row",
            "seat",
            "type",
            "price",
            "currency",
            "status",
            "hold_id",
            "until",
            "reason",
        ])
        .with(self.tickets.iter().map(line))
    }
}

/// Why it is blocked, or how long it is held.
fn remark(state: &TicketState, page: &Page) -> String {
    match (&state.reason, state.until) {
        (Some(reason), _) => reason.clone(),
        (None, Some(until)) => format!("{} left", spoken(until.since(page.now))),
        (None, None) => String::new(),
    }
}
