//! `tix event locations`.

use serde::Serialize;

use super::loosen::{self, Suggestion, distance, suggestions};
use super::query;
use crate::cli::EventFilter;
use crate::cli::pages::PageArgs;
use crate::commands::{Context, pages};
use crate::domain::event_search::PAGE_EVENTS_MAX;
use crate::domain::location::locations;
use crate::domain::{EventHit, EventQuery, Location};
use crate::error::Result;
use crate::output::csv::optional;
use crate::output::{Cell, Column, Page, Report, Sheet, Table, Tone, grouped};
use crate::repository::{Access, Repository};

/// How many names of what is on are told to people.
const NAMES_SHOWN_MAX: usize = 3;

/// Lists the places where something is on.
pub(super) async fn run(context: &Context, filter: &EventFilter, page: PageArgs) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let query = query::of_filter(filter, store.now());
            let hits = all(store, &query).await?;
            let suggestions = match hits.len() {
                0 => suggestions(store, &query).await?,
                _ => Vec::new(),
            };
            let (locations, total) = pages::page(context, page, locations(&hits));
            Ok(LocationList { locations, total, suggestions })
        })
        .await?;
    if report.total == 0 {
        loosen::tell(context, &report.suggestions);
    }
    context.print(&report)
}

/// Every event that fits, page by page.
async fn all(store: &dyn Repository, query: &EventQuery) -> Result<Vec<EventHit>> {
    let mut hits = Vec::new();
    let mut offset = 0;
    loop {
        let query = EventQuery { offset, limit: PAGE_EVENTS_MAX, ..query.clone() };
        let page = store.search_events(&query).await?;
        hits.extend(page.hits);
        offset += PAGE_EVENTS_MAX;
        if offset >= page.total {
            return Ok(hits);
        }
    }
}

/// The places where something is on.
#[derive(Serialize)]
struct LocationList {
    locations: Vec<Location>,
    /// How many there are, printed or not.
    total: usize,
    suggestions: Vec<Suggestion>,
}

impl Report for LocationList {
    fn text(&self, page: &Page) -> String {
        if self.locations.is_empty() {
            return String::new();
        }
        let mut table = Table::new(&[
            Column::left("CITY").broken(),
            Column::left("VENUE").broken(),
            Column::right("DISTANCE").optional(0),
            Column::right("SHOWS"),
            Column::left("WHEN").broken(),
            Column::left("WHAT").broken(),
        ]);
        for place in &self.locations {
            table.push(vec![
                Cell::toned(city(place), Tone::Strong),
                Cell::new(&place.venue),
                Cell::new(place.distance_km.map(distance).unwrap_or_default()),
                Cell::new(grouped(place.shows)),
                Cell::new(days(place)),
                Cell::new(names(place)),
            ]);
        }
        table.render(page)
    }

    fn sheet(&self) -> Sheet {
        let line = |place: &Location| {
            vec![
                place.city.clone(),
                place.country.clone(),
                place.venue.clone(),
                place.time_zone.clone(),
                optional(place.latitude.as_ref()),
                optional(place.longitude.as_ref()),
                optional(place.distance_km.as_ref()),
                place.shows.to_string(),
                place.first_starts_at.to_string(),
                place.last_starts_at.to_string(),
                place.names.join("; "),
            ]
        };
        Sheet::new(&[
            "city",
            "country",
            "venue",
            "time_zone",
            "latitude",
            "longitude",
            "distance_km",
            "shows",
            "first_starts_at",
            "last_starts_at",
            "names",
        ])
        .with(self.locations.iter().map(line))
    }
}

fn city(place: &Location) -> String {
    let parts = [&place.city, &place.country];
    let said: Vec<&str> = parts.into_iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
    said.join(", ")
}

/// From when to when something is on.
fn days(place: &Location) -> String {
    let zone = place.zone();
    let first = place.first_starts_at.day_in_zone(&zone);
    match place.last_starts_at.day_in_zone(&zone) {
        last if last == first => first,
        last => format!("{first} to {last}"),
    }
}

fn names(place: &Location) -> String {
    let shown = place.names.iter().take(NAMES_SHOWN_MAX);
    let mut names: Vec<String> = shown.cloned().collect();
    let more = place.names.len() - names.len();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}
