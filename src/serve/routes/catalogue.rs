//! Shows: looking for them, and one in full.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::ReadProblems;
use super::parameters::{EventPath, PartParams};
use crate::domain::event_search::PAGE_EVENTS_MAX;
use crate::domain::geo::DISTANCE_KM_MAX;
use crate::domain::{Availability, Circle, Event, EventOrder, EventQuery, GeoPoint, Moment};
use crate::repository::SectionOffer;
use crate::serve::documents::event::{EventDetails, EventDocument, HitDocument, PageDocument};
use crate::serve::documents::present;
use crate::serve::extract::{Named, Params};
use crate::serve::house::House;
use crate::serve::problem::{Problem, Result};
use crate::serve::reply::Json;

/// How far around a place one looks where nobody says, in kilometres.
const RADIUS_KM: f64 = 25.0;
/// How many shows are told where nobody says.
const LIMIT: u64 = 50;
/// The most that are told at once.
const LIMIT_MAX: u64 = 1_000;

/// The most performers, and the most preferences.
const TEXTS_MAX: usize = 32;
/// The most that can be passed over.
const OFFSET_MAX: u64 = 1_000_000;

/// Which shows are looked for; whatever is said must hold, except for preferences.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchParams {
    /// Words of name, performers, series, type, venue, city, country and description, all of which it
    /// must have.
    #[serde(default)]
    q: String,
    /// The first words of the city's name.
    #[param(nullable = false)]
    city: Option<String>,
    /// A place, as latitude and longitude.
    #[serde(default, deserialize_with = "present")]
    #[param(
        pattern = r"^-?[0-8]?[0-9](\.[0-9]{1,9})?,-?(1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,9})?$",
        example = "51.508,-0.097"
    )]
    near: Option<String>,
    /// How far around that place, in kilometres.
    #[serde(default, deserialize_with = "present")]
    #[param(nullable = false, minimum = 0, maximum = 20016)]
    radius_km: Option<f64>,
    /// When it begins, at the earliest: RFC 3339; from now on where nobody says.
    #[serde(default, deserialize_with = "present")]
    #[param(value_type = String, required = false, format = DateTime)]
    from: Option<String>,
    /// When it begins, at the latest: RFC 3339.
    #[serde(default, deserialize_with = "present")]
    #[param(value_type = String, required = false, format = DateTime)]
    to: Option<String>,
    /// The first words of its type.
    #[serde(rename = "type")]
    #[param(nullable = false)]
    event_type: Option<String>,
    /// Names of which at least one must be a performer's.
    #[serde(default)]
    #[param(max_items = 32)]
    performer: Vec<String>,
    /// Texts that make a show more relevant which has all of their words.
    #[serde(default)]
    #[param(max_items = 32)]
    prefer: Vec<String>,
    /// Only shows with tickets to be had.
    #[serde(default)]
    available: bool,
    /// Also shows that simulations made for themselves.
    #[serde(default)]
    simulated: bool,
    /// Which come first.
    #[serde(default)]
    #[param(inline)]
    sort: Sort,
    /// How many to pass over.
    #[serde(default)]
    #[param(maximum = 1_000_000)]
    offset: u64,
    /// At most how many to tell; 50 where nobody says.
    #[serde(default, deserialize_with = "present")]
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

/// Which shows come first.
#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Sort {
    /// The most relevant.
    #[default]
    Relevance,
    /// The nearest.
    Distance,
}

impl SearchParams {
    /// What is asked of the repository.
    fn query(self, now: Moment) -> Result<EventQuery> {
        let limit = self.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX.min(PAGE_EVENTS_MAX)).contains(&limit) {
            return Err(Problem::bad_request(format!("limit: 1 to {LIMIT_MAX}")));
        }
        if self.offset > OFFSET_MAX {
            return Err(Problem::bad_request(format!("offset: {OFFSET_MAX} at the most")));
        }
        for (name, texts) in [("performer", &self.performer), ("prefer", &self.prefer)] {
            if texts.len() > TEXTS_MAX {
                return Err(Problem::bad_request(format!("{name}: {TEXTS_MAX} at the most")));
            }
        }
        let near = self.near.as_deref().map(place).transpose()?;
        let radius_km = self.radius_km.unwrap_or(RADIUS_KM);
        if !(0.0..=DISTANCE_KM_MAX).contains(&radius_km) {
            return Err(Problem::bad_request(format!("radius_km: 0 to {DISTANCE_KM_MAX}")));
        }
        let from = self.from.as_deref().map(|text| moment("from", text)).transpose()?;
        Ok(EventQuery {
            words: self.q,
            city: self.city,
            near: near.map(|centre| Circle { centre, radius_km }),
            from: Some(from.unwrap_or(now)),
            to: self.to.as_deref().map(|text| moment("to", text)).transpose()?,
            event_type: self.event_type,
            performers: self.performer,
            preferences: self.prefer,
            availability: if self.available { Availability::Required } else { Availability::Told },
            with_simulated: self.simulated,
            order: match self.sort {
                Sort::Relevance => EventOrder::Relevance,
                Sort::Distance => EventOrder::Distance,
            },
            offset: self.offset,
            limit,
        })
    }
}

fn place(text: &str) -> Result<GeoPoint> {
    let degrees = text.split_once(',').and_then(|(north, east)| {
        GeoPoint::new(north.trim().parse().ok()?, east.trim().parse().ok()?)
    });
    degrees.ok_or_else(|| Problem::bad_request("near: write LAT,LON, for example 51.508,-0.097"))
}

fn moment(name: &str, text: &str) -> Result<Moment> {
    let time = crate::domain::Timestamp::parse(text).map(Moment::At);
    time.map_err(|_| Problem::bad_request(format!("{name}: write RFC 3339: 2026-12-01T19:30:00Z")))
}

/// Look for shows.
#[utoipa::path(
    get, path = "/v1/events/search", tag = "shows", operation_id = "search_events",
    params(SearchParams),
    responses((status = 200, description = "The shows that fit", body = PageDocument), ReadProblems)
)]
pub(super) async fn search(
    State(house): State<Arc<House>>,
    Params(params): Params<SearchParams>,
) -> Result<Json<PageDocument>> {
    let now = house.store.now();
    let query = params.query(Moment::At(now))?;
    let found = house.ask("search_events", house.store.search_events(&query)).await?;
    let events = found.hits.iter().map(|hit| HitDocument::at(hit, now)).collect();
    Ok(Json(PageDocument { events, total: found.total }))
}

/// One show: when and where it is, what its sections offer, the other shows of its series.
#[utoipa::path(
    get, path = "/v1/events/{event}", tag = "shows", operation_id = "show_event",
    params(EventPath, PartParams),
    responses((status = 200, description = "The show", body = EventDetails), ReadProblems)
)]
pub(super) async fn show(
    State(house): State<Arc<House>>,
    Named(name): Named<String>,
    Params(part): Params<PartParams>,
) -> Result<Json<EventDetails>> {
    let event = house.event(&name).await?;
    let sections = if event.minted {
        house.show(&name).await?.seats(|seats| seats.offers())?
    } else {
        let sections = house.ask("sections", house.store.sections(event.event_id)).await?;
        let unpriced = |section| SectionOffer::of_types(section, Vec::new()).into();
        sections.into_iter().map(unpriced).collect()
    };
    let shows = house.shows().await?;
    let of_series =
        |other: &&Event| other.series == event.series && other.simulated == event.simulated;
    let shows: Vec<&Event> = shows.iter().filter(of_series).collect();
    let this = shows.partition_point(|other| other.starts_at < event.starts_at);
    let part = part.part_around(this, shows.len())?;
    let now = house.store.now();
    Ok(Json(EventDetails {
        shows_total: shows.len(),
        shows_offset: part.offset,
        shows: part.of(shows).into_iter().map(Into::into).collect(),
        event: EventDocument::at(&event, now),
        sections,
        now,
    }))
}
