//! `tix event`.

use std::time::Duration;

use serde::Serialize;

use self::show::OneEvent;
use super::adding::{self, Added};
use super::draft::{Naming, draft};
use super::{Context, pages};
use crate::cli::pages::PageArgs;
use crate::cli::{EventAction, EventArgs};
use crate::domain::time::spoken;
use crate::domain::{Event, Timestamp};
use crate::error::Result;
use crate::output::csv::optional;
use crate::output::{Card, Cell, Column, Page, Report, Sheet, Table, Tone, counted, grouped};
use crate::repository::Access;

mod delete;
mod locations;
mod loosen;
mod query;
mod search;
mod show;
mod shows;

/// Lists, finds, shows, adds or deletes events.
///
/// # Errors
/// The store cannot be used, or there is no such event.
pub async fn run(context: &Context, action: EventAction) -> Result<()> {
    match action {
        EventAction::List { simulated, page } => list(context, simulated, page).await,
        EventAction::Search(args) => search::run(context, &args).await,
        EventAction::Locations { page, filter } => locations::run(context, &filter, page).await,
        EventAction::Shows { series, all, simulated, page } => {
            shows::run(context, &series, (all, simulated), page).await
        }
        EventAction::Show { event } => show::run(context, event.as_deref()).await,
        EventAction::Delete { event, yes } => delete::run(context, &event, yes).await,
        EventAction::Add { name, event } => add(context, name, &event).await,
    }
}

async fn list(context: &Context, simulated: bool, page: PageArgs) -> Result<()> {
    let mut events =
        context.with_store(Access::Existing, async |store| Ok(store.events().await?)).await?;
    let before = events.len();
    events.retain(|event| simulated || !event.simulated);
    let left_out = before - events.len();
    if left_out > 0 {
        let count = counted(left_out as u64, "simulated event");
        context.terminal.notice(format_args!("{count} left out; add --simulated"));
    } else if events.is_empty() {
        context.advise("no events yet; `tix seed` adds one", None);
    }
    let (events, total) = pages::page(context, page, events);
    context.print(&Events { events, total })
}

async fn add(context: &Context, name: String, args: &EventArgs) -> Result<()> {
    let naming = Naming::named(name);
    let drafted = draft(args, &naming, context.now())?;
    let (Added { event, is_new }, sections) = context
        .with_store(Access::Create, async |store| {
            store.apply_schema().await?;
            let added = adding::add(store, args, &naming, &drafted).await?;
            adding::warn_of_past(context, &added.event, store.now());
            // An event that was there already may have its tickets.
            let sections = store.offers(added.event.event_id).await?;
            Ok((added, sections))
        })
        .await?;
    if !is_new {
        let slug = &event.slug;
        context.terminal.notice(format_args!("nothing new: {slug} is there already"));
    }
    context.print(&OneEvent { event, sections })
}

/// Every event.
#[derive(Serialize)]
struct Events {
    events: Vec<Event>,
    /// How many there are, printed or not.
    total: usize,
}

impl Report for Events {
    fn text(&self, page: &Page) -> String {
        let mut table = Table::new(&[
            Column::left("EVENT"),
            Column::left("NAME").broken(),
            Column::left("DATE"),
            Column::left("VENUE").broken().optional(0),
            Column::right("TICKETS"),
        ]);
        for event in &self.events {
            table.push(vec![
                Cell::toned(&event.slug, Tone::Strong),
                Cell::new(&event.name),
                Cell::new(event.starts_at.in_zone(&event.zone())),
                Cell::new(place(event)),
                Cell::new(grouped(event.tickets)),
            ]);
        }
        table.render(page)
    }

    fn sheet(&self) -> Sheet {
        Sheet::new(&EVENT_COLUMNS).with(self.events.iter().map(event_line))
    }
}

/// An event for people.
pub(super) fn card(event: &Event, now: Timestamp) -> Card {
    let zone = event.zone();
    let terms = &event.terms;
    let tickets = match (event.tickets, event.minted) {
        (0, _) => "none minted yet".into(),
        (count, true) => grouped(count),
        (count, false) => format!("{}, not all minted yet", grouped(count)),
    };
    Card::new()
        .toned("event", &event.name, Tone::Strong)
        .line("slug", &event.slug)
        .line("id", event.event_id)
        .line("series", &event.series)
        .line("type", &event.event_type)
        .line("performers", event.performers.join(", "))
        .line("about", &event.description)
        .line("begins", format!("{} ({})", event.starts_at.in_zone(&zone), event.venue.time_zone))
        .line("doors", event.doors_at.in_zone(&zone))
        .line("lasts", spoken(Duration::from_mins(event.duration_minutes.into())))
        .line("language", &event.language)
        .line("venue", place(event))
        .line("coordinates", coordinates(event))
        .line("currency", event.currency)
        .line("limit", format!("{} a buyer", counted(terms.limit.into(), "ticket")))
        .line("time to pay", spoken(terms.time_to_pay))
        .line("tickets", tickets)
        .line("sale", if event.is_sale_closed(now) { "closed when the event began" } else { "" })
        .line("simulated", if event.simulated { "yes" } else { "" })
}

/// The venue, and where it stands.
fn place(event: &Event) -> String {
    let venue = &event.venue;
    let parts = [&venue.name, &venue.city, &venue.country];
    let said: Vec<&str> = parts.into_iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
    said.join(", ")
}

/// Where the venue stands, as `--near` takes it.
fn coordinates(event: &Event) -> String {
    let position = event.venue.position();
    position.map(|p| format!("{},{}", p.latitude(), p.longitude())).unwrap_or_default()
}

const EVENT_COLUMNS: [&str; 23] = [
    "event_id",
    "slug",
    "name",
    "series",
    "type",
    "performers",
    "description",
    "starts_at",
    "doors_at",
    "duration_minutes",
    "language",
    "currency",
    "venue",
    "city",
    "country",
    "time_zone",
    "latitude",
    "longitude",
    "limit",
    "time_to_pay_seconds",
    "payment_time_seconds",
    "tickets",
    "minted",
];

fn event_line(event: &Event) -> Vec<String> {
    let venue = &event.venue;
    vec![
        event.event_id.to_string(),
        event.slug.clone(),
        event.name.clone(),
        event.series.clone(),
        event.event_type.clone(),
        event.performers.join("; "),
        event.description.clone(),
        event.starts_at.to_string(),
        event.doors_at.to_string(),
        event.duration_minutes.to_string(),
        event.language.clone(),
        event.currency.to_string(),
        venue.name.clone(),
        venue.city.clone(),
        venue.country.clone(),
        venue.time_zone.clone(),
        optional(venue.latitude.as_ref()),
        optional(venue.longitude.as_ref()),
        event.terms.limit.to_string(),
        event.terms.time_to_pay.as_secs_f64().to_string(),
        event.terms.payment_time.as_secs_f64().to_string(),
        event.tickets.to_string(),
        event.minted.to_string(),
    ]
}
