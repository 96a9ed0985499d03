//! Documents about shows.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Amount, time};
use crate::domain::accessible::is_accessible;
use crate::domain::{Currency, Event, EventHit, EventId, Money, Section, Timestamp};
use crate::repository::{SectionOffer, TypeOffer};

/// One show.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(in crate::serve) struct EventDocument {
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    /// Its short name, which can stand for its id.
    slug: String,
    name: String,
    /// The production that it is a show of.
    series: String,
    #[serde(rename = "type")]
    event_type: String,
    performers: Vec<String>,
    description: String,
    duration_minutes: u32,
    /// A BCP 47 tag, or empty.
    language: String,
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
    #[schema(schema_with = time)]
    doors_at: Timestamp,
    #[schema(schema_with = time)]
    starts_at: Timestamp,
    venue: VenueDocument,
    /// The most tickets that one buyer may own.
    limit: u32,
    /// How long a hold lasts.
    time_to_pay_seconds: f64,
    /// How long a payment may take.
    payment_time_seconds: f64,
    /// Whether its tickets can be held: all of them are minted, and it has not begun.
    on_sale: bool,
    /// Whether its sale is closed, because it has begun.
    sale_closed: bool,
    /// How many tickets it has.
    tickets: u64,
    /// Whether a rehearsal made it, for itself.
    simulated: bool,
}

/// Where a show takes place.
#[derive(Serialize, ToSchema)]
#[schema(as = Venue)]
pub(super) struct VenueDocument {
    name: String,
    city: String,
    country: String,
    /// The IANA name of the zone in which people read its times.
    time_zone: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl EventDocument {
    /// The event as it is at `now`.
    pub(in crate::serve) fn at(event: &Event, now: Timestamp) -> Self {
        let venue = &event.venue;
        Self {
            event_id: event.event_id,
            slug: event.slug.clone(),
            name: event.name.clone(),
            series: event.series.clone(),
            event_type: event.event_type.clone(),
            performers: event.performers.clone(),
            description: event.description.clone(),
            duration_minutes: event.duration_minutes,
            language: event.language.clone(),
            currency: event.currency,
            doors_at: event.doors_at,
            starts_at: event.starts_at,
            venue: VenueDocument {
                name: venue.name.clone(),
                city: venue.city.clone(),
                country: venue.country.clone(),
                time_zone: venue.time_zone.clone(),
                latitude: venue.latitude,
                longitude: venue.longitude,
            },
            limit: event.terms.limit,
            time_to_pay_seconds: event.terms.time_to_pay.as_secs_f64(),
            payment_time_seconds: event.terms.payment_time.as_secs_f64(),
            on_sale: event.is_on_sale(now),
            sale_closed: event.is_sale_closed(now),
            tickets: event.tickets,
            simulated: event.simulated,
        }
    }
}

/// What a section of a show has to offer.
#[derive(Serialize, ToSchema)]
#[schema(as = SectionOffer)]
pub(in crate::serve) struct SectionDocument {
    section: String,
    #[serde(rename = "type")]
    type_id: String,
    /// The door that leads to it; empty where nobody said.
    entrance: String,
    rows: u32,
    seats: u64,
    /// What its cheapest ticket costs, sold or not; null before it is minted.
    #[schema(value_type = Option<Amount>)]
    price_min: Option<Money>,
    #[schema(value_type = Option<Amount>)]
    price_max: Option<Money>,
    /// Tickets that anybody may claim.
    available: u64,
    /// The same of each ticket type, in the order of their first seats.
    types: Vec<TypeDocument>,
}

/// What a section of a show has to offer of one ticket type.
#[derive(Serialize, ToSchema)]
#[schema(as = TypeOffer)]
pub(in crate::serve) struct TypeDocument {
    #[serde(rename = "type")]
    type_id: String,
    seats: u64,
    /// What its cheapest ticket costs, sold or not.
    #[schema(value_type = Option<Amount>)]
    price_min: Option<Money>,
    #[schema(value_type = Option<Amount>)]
    price_max: Option<Money>,
    /// Tickets that can be claimed.
    available: u64,
    /// Whether they are chosen only where the type is asked for, as wheelchair and companion seats
    /// are.
    only_if_asked_for: bool,
}

impl From<SectionOffer> for SectionDocument {
    fn from(offer: SectionOffer) -> Self {
        let SectionOffer { section, price_min, price_max, available, types, .. } = offer;
        let Section { name, type_id, entrance, rows, seats } = section;
        let types = types.into_iter().map(TypeDocument::from).collect();
        Self {
            section: name,
            type_id,
            entrance,
            rows,
            seats,
            price_min,
            price_max,
            available,
            types,
        }
    }
}

impl From<TypeOffer> for TypeDocument {
    fn from(offer: TypeOffer) -> Self {
        let TypeOffer { type_id, seats, price_min, price_max, available, .. } = offer;
        let only_if_asked_for = is_accessible(&type_id);
        Self { type_id, seats, price_min, price_max, available, only_if_asked_for }
    }
}

/// Another show of the same series.
#[derive(Serialize, ToSchema)]
#[schema(as = Show)]
pub(in crate::serve) struct ShowDocument {
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    slug: String,
    name: String,
    #[schema(schema_with = time)]
    starts_at: Timestamp,
    /// The name of its venue.
    venue: String,
    city: String,
    /// That of its venue, by its IANA name.
    #[schema(example = "Europe/London")]
    time_zone: String,
}

impl From<&Event> for ShowDocument {
    fn from(event: &Event) -> Self {
        Self {
            event_id: event.event_id,
            slug: event.slug.clone(),
            name: event.name.clone(),
            starts_at: event.starts_at,
            venue: event.venue.name.clone(),
            city: event.venue.city.clone(),
            time_zone: event.venue.time_zone.clone(),
        }
    }
}

/// A show, what its sections offer, and the other shows of its series.
#[derive(Serialize, ToSchema)]
#[schema(as = EventDetails)]
pub(in crate::serve) struct EventDetails {
    pub(in crate::serve) event: EventDocument,
    /// In the order of the venue.
    pub(in crate::serve) sections: Vec<SectionDocument>,
    /// A part of them, by their date; around this one where the request does not say which part.
    pub(in crate::serve) shows: Vec<ShowDocument>,
    /// How many there are, in this part or not.
    pub(in crate::serve) shows_total: usize,
    /// How many are left out at the beginning.
    pub(in crate::serve) shows_offset: usize,
    /// The time of the server.
    #[schema(schema_with = time)]
    pub(in crate::serve) now: Timestamp,
}

/// A show that was found.
#[derive(Serialize, ToSchema)]
#[schema(as = EventHit)]
pub(in crate::serve) struct HitDocument {
    event: EventDocument,
    /// How well it fits: up to 10 for the words, 5 for each preference that is met.
    relevance: f64,
    /// How far away it is; null where nobody asked or nobody knows.
    distance_km: Option<f64>,
    /// Whether it has tickets that can be had now.
    available: Option<bool>,
}

impl HitDocument {
    /// The event that was found as it is at `now`.
    pub(in crate::serve) fn at(hit: &EventHit, now: Timestamp) -> Self {
        Self {
            event: EventDocument::at(&hit.event, now),
            relevance: hit.relevance,
            distance_km: hit.distance_km,
            available: hit.available,
        }
    }
}

/// The shows that fit.
#[derive(Serialize, ToSchema)]
#[schema(as = EventPage)]
pub(in crate::serve) struct PageDocument {
    pub(in crate::serve) events: Vec<HitDocument>,
    /// How many there are in all.
    pub(in crate::serve) total: u64,
}
