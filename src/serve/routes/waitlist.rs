//! Waiting for tickets to come free.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::parameters::{BuyerHeader, PartParams, SessionHeader};
use super::{ActProblems, ReadProblems};
use crate::domain::event::LIMIT_MAX;
use crate::domain::{EntryId, NewEntry, Refusal, SectionMap, Shortage, Wish, name};
use crate::serve::documents::waitlist::{EntriesDocument, JoinRequest, OneEntryDocument};
use crate::serve::extract::{Body, Caller, Client, Named, Params};
use crate::serve::house::House;
use crate::serve::live::Show;
use crate::serve::problem::{Problem, Result};
use crate::serve::reply::Json;

/// Whose waitlist.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitlistParams {
    /// The slug or the id of the show.
    #[param(example = "hamlet")]
    event: String,
}

/// The session's places in the waitlist of a show.
#[utoipa::path(
    get, path = "/v1/waitlist", tag = "waiting", operation_id = "list_waitlist",
    params(WaitlistParams, PartParams, SessionHeader),
    responses((status = 200, description = "Its places", body = EntriesDocument), ReadProblems)
)]
pub(super) async fn list(
    State(house): State<Arc<House>>,
    Params(params): Params<WaitlistParams>,
    Params(part): Params<PartParams>,
    Caller(caller): Caller,
) -> Result<Json<EntriesDocument>> {
    let part = part.part()?;
    let show = house.show(&params.event).await?;
    let entries = house.waitlist_of(&show, &caller.session_id).await?;
    Ok(Json(EntriesDocument::page(entries, part, house.store.now())))
}

/// Wait for tickets to come free, first come first served.
#[utoipa::path(
    post, path = "/v1/waitlist", tag = "waiting", operation_id = "join_waitlist",
    params(SessionHeader, BuyerHeader),
    request_body = JoinRequest,
    responses(
        (status = 201, description = "The place in the waitlist", body = OneEntryDocument, links(
            ("leave" = (operation_id = "leave_waitlist", parameters(
                ("path.entry_id" = "$response.body#/entry/entry_id"),
                ("header.Tix-Session" = "$request.header.Tix-Session")
            )))
        )),
        ActProblems
    )
)]
pub(super) async fn join(
    State(house): State<Arc<House>>,
    client: Client,
    Caller(caller): Caller,
    Body(request): Body<JoinRequest>,
) -> Result<(StatusCode, Json<OneEntryDocument>)> {
    if !(1..=LIMIT_MAX).contains(&request.size) {
        return Err(Problem::bad_request(format!("size: 1 to {LIMIT_MAX}")));
    }
    let show = house.show(&request.event).await?;
    let (entry_id, wish) = (request.entry_id, wish(&show, request)?);
    if let Some(chosen) = entry_id {
        chosen.check_chosen()?;
    }
    let is_repeat = match entry_id {
        Some(id) => {
            let own = house.waitlist_of(&show, &caller.session_id).await?;
            own.iter().any(|entry| entry.is(id))
        }
        None => false,
    };
    if !is_repeat {
        show.may_hold(house.store.now())?;
    }
    // Where there are such tickets, they are offered at once: that is a checkout like any other.
    if !is_repeat && show.seats(|seats| seats.fits(&wish))? {
        show.come_in(&caller, client, house.store.now())?;
    }
    if let (false, Some(client), Some(joins)) = (is_repeat, client.0, &house.joins) {
        joins.check(client).map_err(Problem::too_many_requests)?;
    }
    let entry = NewEntry {
        entry_id: entry_id.unwrap_or_else(EntryId::fresh),
        event_id: show.event_id(),
        session_id: caller.session_id,
        buyer_id: caller.buyer_id,
        wish,
    };
    let joining = Arc::clone(&house);
    let errand = async move {
        let joined = joining.ask("join_waitlist", joining.store.join_waitlist(&entry)).await?;
        show.waitlist.changed();
        Ok(joined)
    };
    let joined = house.see_through(errand).await?;
    let document = OneEntryDocument { entry: (&joined).into(), now: house.store.now() };
    Ok((StatusCode::CREATED, Json(document)))
}

/// What is waited for, in the words of the venue; nobody shall wait for what no row has, whoever gives
/// up what.
fn wish(show: &Show, request: JoinRequest) -> Result<Wish> {
    let JoinRequest { size, section, ticket_type, .. } = request;
    let unknown = |name: &str| Refusal::UnknownSeat { seats: vec![name.to_owned()] };
    show.seats(|seats| {
        let maps = match &section {
            None => seats.sections(),
            Some(name) => std::slice::from_ref(seats.section(name)?),
        };
        let section = section.as_ref().map(|_| maps[0].section().name.as_str().into());
        let named = ticket_type.as_deref();
        let known = match named {
            None => None,
            Some(wanted) => {
                let mut types = maps.iter().flat_map(|map| map.tickets().types());
                let known = types.find(|known| name::same(known, wanted));
                Some(known.map(Box::from).ok_or_else(|| unknown(wanted))?)
            }
        };
        let empty = |map: &SectionMap| SectionMap::new(Arc::clone(map.tickets()), Vec::new());
        let longest = maps.iter().map(|map| empty(map).vacant(named).longest).max().unwrap_or(0);
        if longest < size {
            let free = maps.iter().map(|map| map.vacant(named).free).sum();
            return Err(Refusal::NoAdjacentBlock(Box::new(Shortage::of_rows(size, free, longest))));
        }
        Ok::<_, Refusal>(Wish { section, ticket_type: known, size })
    })?
    .map_err(Problem::from)
}

/// Leave the waitlist; an offer that was made is given up, and goes on to the next.
#[utoipa::path(
    delete, path = "/v1/waitlist/{entry_id}", tag = "waiting", operation_id = "leave_waitlist",
    params(("entry_id" = uuid::Uuid, Path, description = "The place in the waitlist"), SessionHeader),
    responses((status = 200, description = "It is left", body = OneEntryDocument), ActProblems)
)]
pub(super) async fn leave(
    State(house): State<Arc<House>>,
    Named(id): Named<EntryId>,
    Caller(caller): Caller,
) -> Result<Json<OneEntryDocument>> {
    let (leaving, session) = (Arc::clone(&house), caller.session_id);
    let errand = async move {
        let call = leaving.store.leave_waitlist(id, &session);
        let left = leaving.ask("leave_waitlist", call).await?;
        if let Some(show) = leaving.live.known(left.event_id) {
            show.waitlist.changed();
        }
        Ok(left)
    };
    let left = house.see_through(errand).await?;
    Ok(Json(OneEntryDocument { entry: (&left).into(), now: house.store.now() }))
}
