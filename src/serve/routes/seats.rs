//! The seats of a show, answered from memory.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::ReadProblems;
use super::parameters::{EventPath, IfNoneMatchHeader};
use crate::domain::TicketStatus;
use crate::serve::documents::seats::{
    EventCountsDocument, LayoutDocument, MapDocument, TicketsDocument,
};
use crate::serve::documents::{present, ticket_status};
use crate::serve::extract::{Named, Params};
use crate::serve::house::House;
use crate::serve::problem::{Problem, Result};
use crate::serve::reply::Json;
use crate::serve::seats::{Page, Seats};

/// How many tickets are told where nobody says, and the most that are told at once.
const LIMIT: u64 = 1_000;
const LIMIT_MAX: u64 = 10_000;

/// The most that can be passed over.
const OFFSET_MAX: u64 = 10_000_000;

/// Which counts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CountsParams {
    /// Those of each section, too.
    #[serde(default, deserialize_with = "present")]
    #[param(inline, nullable = false)]
    by: Option<By>,
}

/// What tickets are counted by.
#[derive(Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum By {
    /// By section.
    Section,
}

/// How many tickets of a show are in which condition.
#[utoipa::path(
    get, path = "/v1/events/{event}/counts", tag = "shows", operation_id = "count_tickets",
    params(EventPath, CountsParams, IfNoneMatchHeader),
    responses(
        (status = 200, description = "The counts", body = EventCountsDocument<'static>),
        (status = 304, description = "They are as they were"),
        ReadProblems
    )
)]
pub(super) async fn counts(
    State(house): State<Arc<House>>,
    Named(name): Named<String>,
    Params(params): Params<CountsParams>,
    asked: HeaderMap,
) -> Result<Response<Body>> {
    let show = house.show(&name).await?;
    let counts = show.seats(match params.by {
        None => Seats::counts,
        Some(By::Section) => Seats::counts_by_section,
    })?;
    Ok(counts.to(&asked))
}

/// Sections, rows, seats and prices of a show: what never changes.
#[utoipa::path(
    get, path = "/v1/events/{event}/layout", tag = "shows", operation_id = "show_layout",
    params(EventPath, IfNoneMatchHeader),
    responses(
        (status = 200, description = "The layout", body = LayoutDocument<'static>),
        (status = 304, description = "It is as it was"),
        ReadProblems
    )
)]
pub(super) async fn layout(
    State(house): State<Arc<House>>,
    Named(name): Named<String>,
    asked: HeaderMap,
) -> Result<Response<Body>> {
    let show = house.show(&name).await?;
    Ok(show.seats(|seats| seats.layout())?.to(&asked))
}

/// Which map.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MapParams {
    /// Only that of this section.
    #[param(nullable = false, example = "Orchestra Stalls")]
    section: Option<String>,
}

/// The condition of every seat of a show, or of one of its sections.
#[utoipa::path(
    get, path = "/v1/events/{event}/map", tag = "shows", operation_id = "show_map",
    params(EventPath, MapParams, IfNoneMatchHeader),
    responses(
        (status = 200, description = "The map", body = MapDocument<'static>),
        (status = 304, description = "It is as it was"),
        ReadProblems
    )
)]
pub(super) async fn map(
    State(house): State<Arc<House>>,
    Named(name): Named<String>,
    Params(params): Params<MapParams>,
    asked: HeaderMap,
) -> Result<Response<Body>> {
    let show = house.show(&name).await?;
    let answer = show.seats(|seats| match &params.section {
        None => Ok(seats.map()),
        Some(section) => seats.section_map(section),
    })??;
    Ok(answer.to(&asked))
}

/// Which tickets.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TicketsParams {
    /// Only those of this section.
    #[param(nullable = false, example = "Orchestra Stalls")]
    section: Option<String>,
    /// Only those in this condition.
    #[param(schema_with = ticket_status, required = false)]
    status: Option<String>,
    /// How many to pass over.
    #[serde(default)]
    #[param(maximum = 10_000_000)]
    offset: u64,
    /// At most how many to tell; 1,000 where nobody says.
    #[serde(default, deserialize_with = "present")]
    #[param(nullable = false, minimum = 1, maximum = 10_000)]
    limit: Option<u64>,
}

/// Tickets of a show one by one, in the order of the venue.
#[utoipa::path(
    get, path = "/v1/events/{event}/tickets", tag = "shows", operation_id = "list_tickets",
    params(EventPath, TicketsParams),
    responses((status = 200, description = "The tickets", body = TicketsDocument), ReadProblems)
)]
pub(super) async fn tickets(
    State(house): State<Arc<House>>,
    Named(name): Named<String>,
    Params(params): Params<TicketsParams>,
) -> Result<Json<TicketsDocument>> {
    let limit = params.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit: 1 to {LIMIT_MAX}")));
    }
    if params.offset > OFFSET_MAX {
        return Err(Problem::bad_request(format!("offset: {OFFSET_MAX} at the most")));
    }
    let known = |word: &str| {
        let words = TicketStatus::ALL.map(TicketStatus::word).join(", ");
        let wrong = || Problem::bad_request(format!("status: one of {words}"));
        TicketStatus::of_word(word).ok_or_else(wrong)
    };
    let status = params.status.as_deref().map(known).transpose()?;
    let section = params.section.as_deref();
    let page = Page { section, status, offset: params.offset, limit };
    let show = house.show(&name).await?;
    Ok(Json(show.seats(|seats| seats.tickets(&page))??))
}
