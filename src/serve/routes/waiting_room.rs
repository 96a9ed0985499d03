//! One's place before the sale.

use std::sync::Arc;

use axum::extract::State;

use super::ReadProblems;
use super::parameters::{EventPath, SessionHeader};
use crate::domain::SessionId;
use crate::serve::documents::waiting_room::PlaceDocument;
use crate::serve::extract::{Caller, Client, Named};
use crate::serve::house::House;
use crate::serve::live::Show;
use crate::serve::problem::{Problem, Result};
use crate::serve::reply::Json;
use crate::serve::waiting_room::Origin;

/// Where the session stands.
#[utoipa::path(
    get, path = "/v1/events/{event}/waiting-room", tag = "waiting", operation_id = "look_at_waiting_room",
    params(EventPath, SessionHeader),
    responses((status = 200, description = "Its place", body = PlaceDocument), ReadProblems)
)]
pub(super) async fn look(
    State(house): State<Arc<House>>,
    Named(name): Named<String>,
    Caller(caller): Caller,
) -> Result<Json<PlaceDocument>> {
    let show = house.show(&name).await?;
    Ok(Json(place(&house, &show, &caller.session_id)))
}

/// Where a session stands at a show.
pub(super) fn place(house: &House, show: &Show, session: &SessionId) -> PlaceDocument {
    let now = house.store.now();
    show.room().map_or_else(
        || PlaceDocument::open(now),
        |mut room| PlaceDocument::of(room.look(session, now), now),
    )
}

/// Come in, or stand in line; who came before keeps its place.
#[utoipa::path(
    post, path = "/v1/events/{event}/waiting-room", tag = "waiting", operation_id = "enter_waiting_room",
    params(EventPath, SessionHeader),
    responses((status = 200, description = "Its place", body = PlaceDocument), ReadProblems)
)]
pub(super) async fn enter(
    State(house): State<Arc<House>>,
    Named(name): Named<String>,
    client: Client,
    Caller(caller): Caller,
) -> Result<Json<PlaceDocument>> {
    let show = house.show(&name).await?;
    let now = house.store.now();
    let Some(mut room) = show.room() else { return Ok(Json(PlaceDocument::open(now))) };
    let place = room.enter(&caller.session_id, Origin::of(&caller, client), now);
    Ok(Json(PlaceDocument::of(Some(place.map_err(Problem::from)?), now)))
}

/// Leave the line, or let the next one in; not while seats are held.
#[utoipa::path(
    delete, path = "/v1/events/{event}/waiting-room", tag = "waiting", operation_id = "leave_waiting_room",
    params(EventPath, SessionHeader),
    responses((status = 200, description = "Where it stands now", body = PlaceDocument), ReadProblems)
)]
pub(super) async fn leave(
    State(house): State<Arc<House>>,
    Named(name): Named<String>,
    Caller(caller): Caller,
) -> Result<Json<PlaceDocument>> {
    let show = house.show(&name).await?;
    if let Some(mut room) = show.room() {
        room.leave(&caller.session_id, house.store.now());
    }
    Ok(Json(place(&house, &show, &caller.session_id)))
}
