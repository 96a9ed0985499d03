//! `tix event search`.

use serde::Serialize;

use super::loosen::{self, Suggestion, distance, suggestions};
use super::{EVENT_COLUMNS, event_line, place, query};
use crate::cli::SearchArgs;
use crate::commands::Context;
use crate::domain::EventHit;
use crate::error::Result;
use crate::output::csv::optional;
use crate::output::{Cell, Column, Page, Report, Sheet, Table, Tone, counted, grouped};
use crate::repository::Access;

/// Looks for events.
pub(super) async fn run(context: &Context, args: &SearchArgs) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let query = query::of_search(args, store.now());
            let found = store.search_events(&query).await?;
            let suggestions = match found.total {
                0 => suggestions(store, &query).await?,
                _ => Vec::new(),
            };
            Ok(Search {
                events: found.hits,
                total: found.total,
                page: args.page,
                pages: found.total.div_ceil(args.limit),
                suggestions,
            })
        })
        .await?;
    if report.total == 0 {
        loosen::tell(context, &report.suggestions);
    } else if report.page > report.pages {
        let pages = counted(report.pages, "page");
        context.terminal.notice(format_args!("there is no page {}, only {pages}", report.page));
    } else if report.events.is_empty() {
        // A cluster knows who is sold out only of the events that it shows.
        let place = report.place_in_all();
        context.terminal.notice(format_args!("all of this page are sold out; {place}"));
    }
    context.print(&report)
}

/// A page of the events that fit.
#[derive(Serialize)]
struct Search {
    events: Vec<EventHit>,
    total: u64,
    page: u64,
    pages: u64,
    suggestions: Vec<Suggestion>,
}

impl Report for Search {
    fn text(&self, page: &Page) -> String {
        if self.events.is_empty() {
            return String::new();
        }
        let mut table = Table::new(&[
            Column::left("EVENT"),
            Column::left("NAME").broken().optional(0),
            Column::left("DATE"),
            Column::left("VENUE").broken(),
            Column::right("DISTANCE").optional(1),
            Column::left("TICKETS"),
        ]);
        for hit in &self.events {
            let event = &hit.event;
            table.push(vec![
                Cell::toned(&event.slug, Tone::Strong),
                Cell::new(&event.name),
                Cell::new(event.starts_at.in_zone(&event.zone())),
                Cell::new(place(event)),
                Cell::new(hit.distance_km.map(distance).unwrap_or_default()),
                tickets(hit),
            ]);
        }
        format!("{}\n{}\n", table.render(page), page.paint(Tone::Faint, &self.place_in_all()))
    }

    fn sheet(&self) -> Sheet {
        let line = |hit: &EventHit| {
            let mut line = event_line(&hit.event);
            line.extend([
                hit.relevance.to_string(),
                optional(hit.distance_km.as_ref()),
                optional(hit.available.as_ref()),
            ]);
            line
        };
        Sheet::new(&[&EVENT_COLUMNS[..], &["relevance", "distance_km", "available"]].concat())
            .with(self.events.iter().map(line))
    }
}

impl Search {
    /// How much of all is on this page, and how to see the next.
    fn place_in_all(&self) -> String {
        if self.pages <= 1 {
            return counted(self.total, "event");
        }
        let (page, pages) = (grouped(self.page), grouped(self.pages));
        let place = format!("page {page} of {pages}, {} in all", counted(self.total, "event"));
        if self.page < self.pages {
            format!("{place}; the next: --page {}", self.page + 1)
        } else {
            place
        }
    }
}

fn tickets(hit: &EventHit) -> Cell {
    match hit.available {
        Some(true) => Cell::toned("available", Tone::Free),
        Some(false) if hit.event.minted => Cell::toned("sold out", Tone::Lost),
        _ => Cell::toned("not yet", Tone::Faint),
    }
}
