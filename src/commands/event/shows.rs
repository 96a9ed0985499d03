//! `tix event shows`.

use serde::Serialize;

use super::show::{Left, amount, left};
use super::{EVENT_COLUMNS, event_line, place};
use crate::cli::pages::PageArgs;
use crate::commands::{Context, pages, pick};
use crate::domain::{Event, name};
use crate::error::Result;
use crate::output::{Cell, Column, Page, Report, Sheet, Table, Tone, counted, grouped};
use crate::repository::Access;

/// Lists the dates of a production.
pub(super) async fn run(
    context: &Context,
    series: &str,
    (all, simulated): (bool, bool),
    page: PageArgs,
) -> Result<()> {
    let (report, begun) = context
        .with_store(Access::Existing, async |store| {
            let now = store.now();
            let mut events = store.events().await?;
            events.retain(|event| simulated || !event.simulated);
            let found = of_series(events, series)?;
            let (to_come, begun): (Vec<Event>, Vec<Event>) =
                found.into_iter().partition(|event| all || event.starts_at >= now);
            let (to_come, total) = pages::page(context, page, to_come);
            let mut shows = Vec::with_capacity(to_come.len());
            for event in to_come {
                let left = left(&event, &store.offers(event.event_id).await?);
                shows.push(Show { event, left });
            }
            Ok((Shows { shows, total }, begun))
        })
        .await?;
    if !begun.is_empty() {
        let count = counted(begun.len() as u64, "show");
        context.terminal.notice(format_args!("{count} left out that began before; add --all"));
    }
    context.print(&report)
}

/// The events of the series that `name` names, in any spelling, by their date.
fn of_series(events: Vec<Event>, name: &str) -> Result<Vec<Event>> {
    if !events.iter().any(|event| name::same(&event.series, name)) {
        let known = events.iter().map(|event| event.series.as_str());
        return Err(pick::unknown(name, known.filter(|s| !s.is_empty()), "tix event list"));
    }
    Ok(events.into_iter().filter(|event| name::same(&event.series, name)).collect())
}

/// The dates of a production.
#[derive(Serialize)]
struct Shows {
    shows: Vec<Show>,
    /// How many there are, printed or not.
    total: usize,
}

/// One date, and what is left.
#[derive(Serialize)]
struct Show {
    event: Event,
    #[serde(flatten)]
    left: Left,
}

impl Report for Shows {
    fn text(&self, page: &Page) -> String {
        let mut table = Table::new(&[
            Column::left("DATE"),
            Column::left("EVENT"),
            Column::left("VENUE").broken(),
            Column::right("LEFT"),
            Column::right("FROM"),
        ]);
        for Show { event, left } in &self.shows {
            let (count, from) = match (event.minted, left.available_from) {
                _ if event.is_sale_closed(page.now) => {
                    (Cell::toned("closed", Tone::Faint), String::new())
                }
                (false, _) => (Cell::toned("not yet", Tone::Faint), String::new()),
                (true, None) => (Cell::toned("sold out", left.tone()), String::new()),
                (true, Some(price)) => {
                    (Cell::toned(grouped(left.available), left.tone()), price.to_string())
                }
            };
            table.push(vec![
                Cell::new(event.starts_at.in_zone(&event.zone())),
                Cell::toned(&event.slug, Tone::Strong),
                Cell::new(place(event)),
                count,
                Cell::new(from),
            ]);
        }
        table.render(page)
    }

    fn sheet(&self) -> Sheet {
        let line = |Show { event, left }: &Show| {
            let mut line = event_line(event);
            line.extend([left.available.to_string(), amount(left.available_from)]);
            line
        };
        Sheet::new(&[&EVENT_COLUMNS[..], &["available", "available_from"]].concat())
            .with(self.shows.iter().map(line))
    }
}
