//! Documents about the seats of a show.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Amount, ticket_status};
use crate::domain::accessible::is_accessible;
use crate::domain::{
    EventId, Money, SeatLabel, SectionMap, SectionTickets, StatusCounts, Ticket, TicketId,
    TicketStatus,
};

/// The letter that stands for a condition.
pub(in crate::serve) const fn letter(status: TicketStatus) -> char {
    match status {
        TicketStatus::Available => 'a',
        TicketStatus::Held => 'h',
        TicketStatus::Paying => 'p',
        TicketStatus::Sold => 's',
        TicketStatus::Blocked => 'b',
    }
}

/// How many tickets are in which condition.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Counts)]
pub(in crate::serve) struct CountsDocument {
    /// All of them.
    minted: u64,
    available: u64,
    held: u64,
    paying: u64,
    sold: u64,
    blocked: u64,
}

impl From<StatusCounts> for CountsDocument {
    fn from(counts: StatusCounts) -> Self {
        let StatusCounts { available, held, paying, sold, blocked } = counts;
        let minted = available + held + paying + sold + blocked;
        Self { minted, available, held, paying, sold, blocked }
    }
}

/// How many tickets of a section are in which condition.
#[derive(Serialize, ToSchema)]
#[schema(as = SectionCounts)]
pub(in crate::serve) struct SectionCountsDocument<'a> {
    section: &'a str,
    #[serde(flatten)]
    counts: CountsDocument,
    /// The same of each ticket type, in the order of their first seats.
    types: Vec<TypeCountsDocument<'a>>,
}

/// How many tickets of a type in a section are in which condition.
#[derive(Serialize, ToSchema)]
#[schema(as = TypeCounts)]
pub(in crate::serve) struct TypeCountsDocument<'a> {
    #[serde(rename = "type")]
    type_id: &'a str,
    #[serde(flatten)]
    counts: CountsDocument,
}

impl<'a> From<&'a SectionMap> for SectionCountsDocument<'a> {
    fn from(map: &'a SectionMap) -> Self {
        let of = |(type_id, counts): (&'a str, StatusCounts)| TypeCountsDocument {
            type_id,
            counts: counts.into(),
        };
        let types = map.counts_by_type().into_iter().map(of).collect();
        Self { section: &map.section().name, counts: map.counts().into(), types }
    }
}

/// How many tickets of a show are in which condition.
#[derive(Serialize, ToSchema)]
#[schema(as = EventCounts)]
pub(in crate::serve) struct EventCountsDocument<'a> {
    #[schema(value_type = uuid::Uuid)]
    pub(in crate::serve) event_id: EventId,
    /// Whoever counts versions begins anew with another epoch.
    pub(in crate::serve) epoch: &'a str,
    /// Grows with every change.
    pub(in crate::serve) version: u64,
    pub(in crate::serve) total: CountsDocument,
    /// In the order of the venue; only where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(in crate::serve) sections: Vec<SectionCountsDocument<'a>>,
}

/// The condition of every seat of a section.
#[derive(Serialize, ToSchema)]
#[schema(as = SectionStatuses)]
pub(in crate::serve) struct StatusesDocument<'a> {
    section: &'a str,
    /// A letter for each seat, in the order of the layout: `a` available, `h` held, `p` paying, `s`
    /// sold, `b` blocked.
    #[schema(example = "aahhpsb")]
    statuses: String,
}

impl<'a> From<&'a SectionMap> for StatusesDocument<'a> {
    fn from(map: &'a SectionMap) -> Self {
        let statuses = map.statuses().iter().map(|status| letter(*status)).collect();
        Self { section: &map.section().name, statuses }
    }
}

/// The condition of every seat, or of those of one section.
#[derive(Serialize, ToSchema)]
#[schema(as = EventMap)]
pub(in crate::serve) struct MapDocument<'a> {
    #[schema(value_type = uuid::Uuid)]
    pub(in crate::serve) event_id: EventId,
    /// Whoever counts versions begins anew with another epoch.
    pub(in crate::serve) epoch: &'a str,
    /// Grows with every change.
    pub(in crate::serve) version: u64,
    /// In the order of the venue.
    pub(in crate::serve) sections: Vec<StatusesDocument<'a>>,
}

/// A ticket type, and what its tickets cost.
#[derive(PartialEq, Serialize, ToSchema)]
#[schema(as = TicketKind)]
pub(super) struct KindDocument {
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    type_id: Arc<str>,
    #[schema(value_type = Amount)]
    price: Money,
    /// Such seats are chosen only where the type is asked for, as wheelchair and companion seats are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    only_if_asked_for: bool,
}

impl KindDocument {
    fn is_of(&self, ticket: &Ticket) -> bool {
        self.price == ticket.price && self.type_id == ticket.type_id
    }
}

/// A row of a section.
#[derive(Serialize, ToSchema)]
#[schema(as = RowLayout)]
pub(super) struct RowDocument<'a> {
    row: &'a str,
    /// The names of its seats, from one end to the other.
    seats: Vec<&'a str>,
    /// The places, from 0, that an aisle parts from the seat before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    gaps: Vec<usize>,
    /// The kind of each seat, by its number from 0; left out where all are of the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    kinds: Vec<usize>,
}

/// A section of a venue, as it is sold for one show.
#[derive(Serialize, ToSchema)]
#[schema(as = SectionLayout)]
pub(super) struct SectionLayoutDocument<'a> {
    section: &'a str,
    #[serde(rename = "type")]
    type_id: &'a str,
    entrance: &'a str,
    /// Ticket types and prices.
    kinds: Vec<KindDocument>,
    /// The nearest to the front first.
    rows: Vec<RowDocument<'a>>,
}

impl<'a> From<&'a SectionTickets> for SectionLayoutDocument<'a> {
    fn from(section: &'a SectionTickets) -> Self {
        let mut kinds: Vec<KindDocument> = Vec::new();
        let mut kind_of = |ticket: &Ticket| {
            let known = kinds.iter().position(|kind| kind.is_of(ticket));
            known.unwrap_or_else(|| {
                kinds.push(KindDocument {
                    type_id: ticket.type_id.clone(),
                    price: ticket.price,
                    only_if_asked_for: is_accessible(&ticket.type_id),
                });
                kinds.len() - 1
            })
        };
        let mut rows = Vec::with_capacity(section.rows().len());
        for (depth, places) in section.rows().iter().enumerate() {
            let tickets = &section.tickets()[places.clone()];
            let gaps = places.clone().skip(1).filter(|place| !section.is_joined(*place));
            let mut kinds: Vec<usize> = tickets.iter().map(&mut kind_of).collect();
            if kinds.iter().all(|kind| *kind == 0) {
                kinds.clear();
            }
            rows.push(RowDocument {
                row: section.row_name(depth),
                seats: tickets.iter().map(|ticket| &*ticket.label.seat).collect(),
                gaps: gaps.map(|place| place - places.start).collect(),
                kinds,
            });
        }
        let of = section.section();
        Self { section: &of.name, type_id: &of.type_id, entrance: &of.entrance, kinds, rows }
    }
}

/// Sections, rows, seats and prices of a show: what never changes.
#[derive(Serialize, ToSchema)]
#[schema(as = Layout)]
pub(in crate::serve) struct LayoutDocument<'a> {
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    /// In the order of the venue.
    sections: Vec<SectionLayoutDocument<'a>>,
}

impl<'a> LayoutDocument<'a> {
    pub(in crate::serve) fn new(event_id: EventId, sections: &'a [SectionMap]) -> Self {
        let sections = sections.iter().map(|map| (&**map.tickets()).into()).collect();
        Self { event_id, sections }
    }
}

/// A ticket and its condition.
#[derive(Serialize, ToSchema)]
#[schema(as = TicketState)]
pub(in crate::serve) struct TicketStateDocument {
    #[serde(flatten)]
    ticket: TicketDocument,
    #[schema(schema_with = ticket_status)]
    status: TicketStatus,
}

impl TicketStateDocument {
    pub(in crate::serve) fn new(ticket: &Ticket, status: TicketStatus) -> Self {
        Self { ticket: ticket.into(), status }
    }
}

/// Tickets of a show.
#[derive(Serialize, ToSchema)]
#[schema(as = Tickets)]
pub(in crate::serve) struct TicketsDocument {
    /// In the order of the venue.
    pub(in crate::serve) tickets: Vec<TicketStateDocument>,
    /// How many there are in all.
    pub(in crate::serve) total: u64,
}

/// A ticket: one seat of one show.
#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
pub(in crate::serve) struct TicketDocument {
    #[schema(value_type = uuid::Uuid)]
    ticket_id: TicketId,
    /// Section, row and seat.
    #[schema(value_type = String, example = "Orchestra Stalls/1/9")]
    seat: SeatLabel,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    type_id: Arc<str>,
    #[schema(value_type = Amount)]
    price: Money,
}

impl From<&Ticket> for TicketDocument {
    fn from(ticket: &Ticket) -> Self {
        Self {
            ticket_id: ticket.ticket_id,
            seat: ticket.label.clone(),
            type_id: Arc::clone(&ticket.type_id),
            price: ticket.price,
        }
    }
}
