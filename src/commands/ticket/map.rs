//! `tix ticket map`.

use serde::Serialize;
use serde::ser::{SerializeSeq, SerializeStruct, Serializer};

use super::drawing;
use crate::commands::{Context, pick};
use crate::domain::{Event, SeatMap, Section, SectionMap, Ticket, TicketStatus, name};
use crate::error::Result;
use crate::output::{Page, Report, Sheet, Tone};
use crate::repository::{Access, Repository};

/// Draws the venue of an event, or some sections of it.
pub(super) async fn run(context: &Context, name: Option<&str>, only: &[String]) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let event = pick::event(store, name).await?;
            let sections = chosen(store, &event, only).await?;
            let mut seats = SeatMap::default();
            for section in &sections {
                seats.sections.push(store.section_map(event.event_id, &section.name).await?);
            }
            Ok(VenueMap { map: Map { event: event.slug.clone(), seats }, event })
        })
        .await?;
    if report.map.seats.sections.is_empty() {
        context.terminal.notice(format_args!(
            "no tickets are minted for {slug}; mint them from a venue file with --slug {slug}, as \
             `tix seed --help` shows",
            slug = report.event.slug
        ));
    }
    context.print(&report)
}

async fn chosen(store: &dyn Repository, event: &Event, only: &[String]) -> Result<Vec<Section>> {
    let sections = store.sections(event.event_id).await?;
    if only.is_empty() {
        return Ok(sections);
    }
    only.iter().map(|name| pick::section(&sections, name).cloned()).collect()
}

/// The venue of an event, seat by seat.
#[derive(Serialize)]
struct VenueMap {
    map: Map,
    #[serde(skip)]
    event: Event,
}

#[derive(Serialize)]
struct Map {
    event: String,
    #[serde(rename = "sections", serialize_with = "sections")]
    seats: SeatMap,
}

impl Report for VenueMap {
    fn text(&self, page: &Page) -> String {
        let event = &self.event;
        let title = page.paint(Tone::Strong, &name::shown(&event.name));
        let date = event.starts_at.in_zone(&event.zone());
        let fits = format!("{} · {date}", event.name).chars().count() <= page.width;
        let between = if fits { " · " } else { "\n" };
        let venue = drawing::venue(&self.map.seats, page);
        let legend = drawing::legend(&self.map.seats, page);
        let heading = page.folded(&format!("{title}{between}{date}"));
        format!("{heading}\n\n{venue}{legend}\n")
    }

    fn sheet(&self) -> Sheet {
        let line = |(ticket, status): (&Ticket, TicketStatus)| {
            vec![
                ticket.label.section.to_string(),
                ticket.label.row.to_string(),
                ticket.label.seat.to_string(),
                ticket.type_id.to_string(),
                ticket.price.decimal().to_string(),
                ticket.price.currency().to_string(),
                status.to_string(),
            ]
        };
        let seats = |map: &SectionMap| -> Vec<Vec<String>> { map.seats().map(line).collect() };
        Sheet::new(&["section", "row", "seat", "type", "price", "currency", "status"])
            .with(self.map.seats.sections.iter().flat_map(seats))
    }
}

fn sections<S: Serializer>(map: &SeatMap, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map.sections.iter().map(SectionRecord))
}

/// How a section's map reads in machine output: row by row.
struct SectionRecord<'a>(&'a SectionMap);

impl Serialize for SectionRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let section = self.0.section();
        let mut object = serializer.serialize_struct("Section", 4)?;
        object.serialize_field("section", &section.name)?;
        object.serialize_field("type", &section.type_id)?;
        object.serialize_field("entrance", &section.entrance)?;
        object.serialize_field("rows", &Rows(self.0))?;
        object.end()
    }
}

struct Rows<'a>(&'a SectionMap);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(None)?;
        let tickets = self.0.tickets();
        for (depth, places) in tickets.rows().iter().enumerate() {
            let seat = |place: usize| SeatRecord {
                seat: &tickets.tickets()[place].label.seat,
                status: self.0.statuses()[place],
            };
            let vacant = self.0.vacant_in_row(depth, None);
            rows.serialize_element(&RowRecord {
                row: tickets.row_name(depth),
                available: vacant.free,
                longest: vacant.longest,
                seats: places.clone().map(seat).collect(),
            })?;
        }
        rows.end()
    }
}

#[derive(Serialize)]
struct RowRecord<'a> {
    row: &'a str,
    available: u32,
    /// The most of them side by side.
    longest: u32,
    seats: Vec<SeatRecord<'a>>,
}

#[derive(Serialize)]
struct SeatRecord<'a> {
    seat: &'a str,
    status: TicketStatus,
}
