//! Holding seats, paying for them, giving them up.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};

use super::parameters::{BuyerHeader, SessionHeader};
use super::{ActProblems, ReadProblems};
use crate::domain::{
    Hold, HoldId, HoldStatus, IdempotencyKey, NewHold, Order, Owned, PaymentReference, Refusal,
    SessionId, TicketId,
};
use crate::payment;
use crate::repository;
use crate::serve::documents::booking::{
    AbandonedDocument, BestSeats, BookingDocument, CheckInDocument, ConfirmRequest,
    ConfirmedDocument, HoldDocument, OrderDocument, PaymentAnswer, ReserveRequest,
    ReservedDocument, Wanted, repeated,
};
use crate::serve::documents::event::EventDocument;
use crate::serve::extract::{Body, Caller, Client, Named};
use crate::serve::house::House;
use crate::serve::live::Show;
use crate::serve::problem::{Problem, Result};
use crate::serve::reply::Json;
use crate::serve::seats::{Chosen, Seats};

/// How long a hold is new; a waiting room remembers far longer which are over.
const NEW_FOR: Duration = Duration::from_secs(10);
/// How often seats are chosen where somebody else is always quicker.
const BEST_TRIES: u32 = 64;
/// How long it takes until more is known of the seats that are chosen for others.
const CHOOSE_AGAIN: Duration = Duration::from_millis(50);

/// Hold seats, all or none, until a deadline.
#[utoipa::path(
    post, path = "/v1/booking/reserve", tag = "booking", operation_id = "reserve",
    params(SessionHeader, BuyerHeader),
    request_body = ReserveRequest,
    responses(
        (status = 201, description = "They are held", body = ReservedDocument, links(
            ("show" = (operation_id = "show_booking", parameters(
                ("path.hold_id" = "$response.body#/hold/hold_id"),
                ("header.Tix-Session" = "$request.header.Tix-Session")
            ))),
            ("confirm" = (operation_id = "confirm",
                parameters(("header.Tix-Session" = "$request.header.Tix-Session")),
                request_body = json!({ "hold_id": "$response.body#/hold/hold_id" })
            )),
            ("abandon" = (operation_id = "abandon", parameters(
                ("path.hold_id" = "$response.body#/hold/hold_id"),
                ("header.Tix-Session" = "$request.header.Tix-Session")
            )))
        )),
        ActProblems
    )
)]
pub(super) async fn reserve(
    State(house): State<Arc<House>>,
    client: Client,
    Caller(caller): Caller,
    Body(mut request): Body<ReserveRequest>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ReservedDocument>)> {
    let wanted = request.wanted().map_err(Problem::bad_request)?;
    let show = house.show(&request.event).await?;
    let id = request.hold_id;
    let reservation = Reservation { house: Arc::clone(&house), show, client, caller, id };
    let (hold, chosen) = house.see_through(reservation.carry_out(wanted)).await?;
    let place = format!("/v1/booking/{}", hold.hold_id);
    let document = ReservedDocument { hold: (&hold).into(), chosen, now: house.store.now() };
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(document)))
}

/// Somebody who wants seats of a show.
struct Reservation {
    house: Arc<House>,
    show: Arc<Show>,
    client: Client,
    caller: repository::Caller,
    /// The attempt's id, if the caller has named it.
    id: Option<HoldId>,
}

impl Reservation {
    /// Holds what is wanted; says why these, if they were chosen.
    async fn carry_out(self, wanted: Wanted) -> Result<(Hold, Option<String>)> {
        // Before anything else: who repeats what he was granted does not begin another checkout.
        let earlier = self.earlier().await?;
        let tickets = match wanted {
            Wanted::Seats(seats) => {
                let tickets = self.show.seats(|known| known.find(&seats))??;
                if let Some(at) = repeated(&tickets) {
                    let message = format!("seats: {} is named twice", seats[at]);
                    return Err(Problem::bad_request(message));
                }
                tickets
            }
            Wanted::Tickets(tickets) => tickets,
            Wanted::Best(best) => match &earlier {
                Some(hold) => self.chosen_before(hold, &best)?,
                None => return self.best(&best).await,
            },
        };
        let hold = match earlier {
            Some(_) => self.repeat(tickets).await?,
            None => self.named(tickets).await?,
        };
        Ok((hold, None))
    }

    /// Holds tickets that were named.
    async fn named(&self, tickets: Vec<TicketId>) -> Result<Hold> {
        let now = self.house.store.now();
        self.show.may_hold(now)?;
        if self.house.live.is_fresh()
            && let Err(hopeless) = self.show.seats(|seats| seats.check(&tickets, self.id, now))?
        {
            self.house.metrics.refused_early(hopeless.code());
            return Err(hopeless.into());
        }
        self.show.come_in(&self.caller, self.client, now)?;
        self.claim(tickets).await
    }

    /// An earlier request of the same attempt, whatever came of it.
    async fn earlier(&self) -> Result<Option<Hold>> {
        let Some(id) = self.id else { return Ok(None) };
        id.check_chosen()?;
        match self.house.ask("hold", self.house.store.hold(id)).await {
            Err(unknown) if unknown.reason() == "unknown_hold" => Ok(None),
            Ok(hold)
                if hold.session_id != self.caller.session_id
                    || hold.buyer_id != self.caller.buyer_id =>
            {
                Err(Refusal::IdempotencyMismatch { key: IdempotencyKey::HoldId }.into())
            }
            hold => hold.map(Some),
        }
    }

    /// The tickets that were chosen for an earlier request of the same attempt.
    fn chosen_before(&self, hold: &Hold, best: &BestSeats) -> Result<Vec<TicketId>> {
        let is_alike =
            hold.event_id == self.show.event_id() && hold.tickets.len() == best.count as usize;
        let could_choose = |seats: &mut Seats| {
            seats.could_choose(&best.sections, best.ticket_type.as_deref(), &hold.tickets)
        };
        if !is_alike || !self.show.seats(could_choose)? {
            return Err(Refusal::IdempotencyMismatch { key: IdempotencyKey::HoldId }.into());
        }
        Ok(hold.tickets.iter().map(|ticket| ticket.ticket_id).collect())
    }

    /// Has the store answer once more: it alone knows whether the earlier request has come to its end.
    async fn repeat(&self, tickets: Vec<TicketId>) -> Result<Hold> {
        let hold = self.claim(tickets).await?;
        // It answers as it did then; the hold may be paid for by now.
        self.house.ask("hold", self.house.store.hold(hold.hold_id)).await
    }

    /// Holds the best seats there are; others are chosen where somebody else is quicker.
    async fn best(&self, best: &BestSeats) -> Result<(Hold, Option<String>)> {
        let now = self.house.store.now();
        self.show.may_hold(now)?;
        self.show.come_in(&self.caller, self.client, now)?;
        let ticket_type = best.ticket_type.as_deref();
        for tries in 1..=BEST_TRIES {
            let choose = |seats: &mut Seats| seats.choose(best.count, &best.sections, ticket_type);
            let Chosen { choice, others_choose } = self.show.seats(choose)?;
            let mut choice = match choice {
                Ok(choice) => choice,
                // Not all of them get what was chosen for them.
                Err(_) if others_choose => {
                    tokio::time::sleep(CHOOSE_AGAIN).await;
                    continue;
                }
                Err(_) if !self.house.live.is_fresh() => {
                    let why = "what is left is not known just now".into();
                    return Err(Refusal::Busy { why }.into());
                }
                Err(refused) => {
                    self.house.metrics.refused_early(refused.code());
                    return Err(refused.into());
                }
            };
            choice.tries = tries;
            match self.claim(choice.tickets.clone()).await {
                // Somebody has them, which the log has not told yet.
                Err(quicker) if is_quicker(&quicker) => {}
                Err(refused) => {
                    // Where the seats are being read anew, none are chosen for anybody.
                    let _ = self.show.seats(|seats| seats.let_go(&choice.tickets));
                    return Err(refused);
                }
                Ok(hold) => return Ok((hold, Some(choice.to_string()))),
            }
        }
        let why = format!("others were quicker {BEST_TRIES} times, whatever seats were chosen");
        Err(Refusal::Busy { why }.into())
    }

    async fn claim(&self, tickets: Vec<TicketId>) -> Result<Hold> {
        let attempt = NewHold {
            hold_id: self.id.unwrap_or_else(HoldId::fresh),
            event_id: self.show.event_id(),
            session_id: self.caller.session_id.clone(),
            buyer_id: self.caller.buyer_id,
            tickets,
        };
        let hold = self.house.ask("start_hold", self.house.store.start_hold(&attempt)).await?;
        // The log will tell, too; but of the repeat of what is over nothing follows.
        let is_new = self.house.store.now().since(hold.started_at) < NEW_FOR;
        if let Some(mut room) = self.show.room().filter(|_| is_new) {
            room.holds(&hold.session_id, hold.hold_id, hold.started_at);
        }
        Ok(hold)
    }
}

/// Whether a claim of chosen seats failed for somebody else having them.
fn is_quicker(problem: &Problem) -> bool {
    matches!(problem.reason(), "taken" | "blocked" | "reserved_for_waitlist")
}

/// Pay for a hold.
#[utoipa::path(
    post, path = "/v1/booking/confirm", tag = "booking", operation_id = "confirm",
    params(SessionHeader),
    request_body = ConfirmRequest,
    responses((status = 200, description = "It is paid for", body = ConfirmedDocument), ActProblems)
)]
pub(super) async fn confirm(
    State(house): State<Arc<House>>,
    Caller(caller): Caller,
    Body(request): Body<ConfirmRequest>,
) -> Result<Json<ConfirmedDocument>> {
    let hold = request.hold_id;
    let reference = reference(request.payment_reference, hold)?;
    let (paying, session) = (Arc::clone(&house), caller.session_id);
    let errand = async move { pay(&paying, hold, &session, &reference, request.payment).await };
    let order = house.see_through(errand).await?;
    // It is paid for: what cannot be told now says nothing else.
    let paid = |_| Problem::failed();
    let event = house.ask("event", house.store.event(order.event_id)).await.map_err(paid)?;
    let sections = house.store.sections(order.event_id);
    let sections = house.ask("sections", sections).await.map_err(paid)?;
    let now = house.store.now();
    Ok(Json(ConfirmedDocument {
        check_in: CheckInDocument::of(&order, &event, &sections),
        order: OrderDocument::from(&order),
        event: EventDocument::at(&event, now),
        now,
    }))
}

/// The reference that was given, or the hold's own: confirming again pays once.
fn reference(given: Option<String>, hold: HoldId) -> Result<PaymentReference> {
    let text = given.unwrap_or_else(|| format!("card-of-{hold}"));
    let is_plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let reference = PaymentReference::new(&text).ok();
    let as_given = |reference: &PaymentReference| is_plain && reference.as_str() == text;
    reference.filter(as_given).ok_or_else(|| {
        Problem::bad_request(
            "payment_reference: 1 to 200 printable ASCII letters without blanks at the ends",
        )
    })
}

async fn pay(
    house: &House,
    hold: HoldId,
    session: &SessionId,
    reference: &PaymentReference,
    answer: PaymentAnswer,
) -> Result<Order> {
    let provider = house.provider(answer);
    let call = payment::confirm(&*house.store, provider, hold, session, reference);
    let order = house.ask("confirm", call).await?;
    house.checked_out(order.event_id, session, hold);
    Ok(order)
}

/// A hold of one's own, and its order once it is paid for.
#[utoipa::path(
    get, path = "/v1/booking/{hold_id}", tag = "booking", operation_id = "show_booking",
    params(("hold_id" = uuid::Uuid, Path, description = "The hold"), SessionHeader),
    responses(
        (status = 200, description = "The hold", body = BookingDocument),
        (status = 403, description = "It belongs to another session", body = Problem, content_type = "application/problem+json"),
        ReadProblems
    )
)]
pub(super) async fn show(
    State(house): State<Arc<House>>,
    Named(id): Named<HoldId>,
    Caller(caller): Caller,
) -> Result<Json<BookingDocument>> {
    let hold = house.ask("hold", house.store.hold(id)).await?;
    if hold.session_id != caller.session_id {
        return Err(Refusal::NotYours { what: Owned::Hold }.into());
    }
    let event = house.ask("event", house.store.event(hold.event_id)).await?;
    let order = match hold.order_id.filter(|_| hold.status == HoldStatus::Sold) {
        Some(order) => Some(house.ask("order", house.store.order(order)).await?),
        None => None,
    };
    let check_in = match &order {
        Some(order) => {
            let sections = house.ask("sections", house.store.sections(hold.event_id)).await?;
            CheckInDocument::of(order, &event, &sections)
        }
        None => None,
    };
    let now = house.store.now();
    Ok(Json(BookingDocument {
        hold: HoldDocument::from(&hold),
        order: order.as_ref().map(OrderDocument::from),
        event: EventDocument::at(&event, now),
        check_in,
        now,
    }))
}

/// Give up a hold; its seats come free.
#[utoipa::path(
    delete, path = "/v1/booking/{hold_id}", tag = "booking", operation_id = "abandon",
    params(("hold_id" = uuid::Uuid, Path, description = "The hold"), SessionHeader),
    responses((status = 200, description = "It is given up", body = AbandonedDocument), ActProblems)
)]
pub(super) async fn abandon(
    State(house): State<Arc<House>>,
    Named(id): Named<HoldId>,
    Caller(caller): Caller,
) -> Result<Json<AbandonedDocument>> {
    let (giving_up, session) = (Arc::clone(&house), caller.session_id);
    let errand = async move {
        let call = giving_up.store.abandon(id, &session);
        let hold = giving_up.ask("abandon", call).await?;
        giving_up.checked_out(hold.event_id, &session, id);
        Ok(hold)
    };
    let hold = house.see_through(errand).await?;
    Ok(Json(AbandonedDocument { hold: (&hold).into(), now: house.store.now() }))
}
