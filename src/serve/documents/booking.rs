//! Documents about holds and orders.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use super::event::EventDocument;
use super::seats::TicketDocument;
use super::{Amount, CHOSEN_UUID, hold_status, order_status, present, time, time_or_null, whole};
use crate::domain::event::LIMIT_MAX;
use crate::domain::money::total;
use crate::domain::{
    ConfirmationNumber, Event, EventId, Hold, HoldId, HoldStatus, Money, Order, OrderId,
    OrderStatus, SeatLabel, Section, TicketId, Timestamp,
};

/// The most seats that one request may name.
const SEATS_MAX: usize = LIMIT_MAX as usize;

/// The most sections that one request may name.
const SECTIONS_MAX: usize = 100;

/// Which seats to hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct ReserveRequest {
    pub(in crate::serve) event: String,
    #[serde(default, deserialize_with = "present")]
    pub(in crate::serve) seats: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    pub(in crate::serve) tickets: Option<Vec<TicketId>>,
    #[serde(default, deserialize_with = "present")]
    pub(in crate::serve) best: Option<BestSeats>,
    #[serde(default, deserialize_with = "present")]
    pub(in crate::serve) hold_id: Option<HoldId>,
}

/// One of the three ways to say which.
pub(in crate::serve) enum Wanted {
    /// These seats, by their names.
    Seats(Vec<String>),
    /// These tickets.
    Tickets(Vec<TicketId>),
    /// The best there are.
    Best(BestSeats),
}

impl ReserveRequest {
    /// Which seats are wanted.
    ///
    /// # Errors
    /// It does not say, says it twice, or names none or too many.
    pub(in crate::serve) fn wanted(&mut self) -> Result<Wanted, String> {
        match (self.seats.take(), self.tickets.take(), self.best.take()) {
            (Some(seats), None, None) => {
                check_count("seats", seats.len()).map(|()| Wanted::Seats(seats))
            }
            (None, Some(tickets), None) => {
                check_count("tickets", tickets.len())?;
                match repeated(&tickets) {
                    None => Ok(Wanted::Tickets(tickets)),
                    Some(at) => Err(format!("tickets: {} is named twice", tickets[at])),
                }
            }
            (None, None, Some(best)) => {
                check_count("best.count", best.count as usize)?;
                match best.sections.len() {
                    0..=SECTIONS_MAX => Ok(Wanted::Best(best)),
                    many => Err(format!("best.sections: {SECTIONS_MAX} at the most, not {many}")),
                }
            }
            _ => Err("name one of seats, tickets and best".into()),
        }
    }
}

/// The place of the first ticket that is named a second time.
pub(in crate::serve) fn repeated(tickets: &[TicketId]) -> Option<usize> {
    (1..tickets.len()).find(|at| tickets[..*at].contains(&tickets[*at]))
}

fn check_count(what: &str, count: usize) -> Result<(), String> {
    if (1..=SEATS_MAX).contains(&count) {
        Ok(())
    } else {
        Err(format!("{what}: 1 to {SEATS_MAX}, not {count}"))
    }
}

impl ToSchema for ReserveRequest {
    fn name() -> Cow<'static, str> {
        "ReserveRequest".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((BestSeats::name().into_owned(), BestSeats::schema()));
    }
}

impl PartialSchema for ReserveRequest {
    /// One object for each of the three ways: derived, it would allow none or several at once.
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
        let uuid = || text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let list = |items: ObjectBuilder| {
            ArrayBuilder::new().items(items).min_items(Some(1)).max_items(Some(SEATS_MAX))
        };
        let seat = text().description(Some("Section/row/seat")).examples(["Orchestra Stalls/1/9"]);
        let ways: [(&str, RefOr<Schema>); 3] = [
            ("seats", list(seat).into()),
            ("tickets", list(uuid()).into()),
            ("best", Ref::from_schema_name(BestSeats::name()).into()),
        ];
        let event =
            || text().description(Some("The slug or the id of the show")).examples(["hamlet"]);
        let hold_id = || {
            let what = "The idempotency key, a random UUID: a repeat returns the same hold";
            uuid().pattern(Some(CHOSEN_UUID)).description(Some(what))
        };
        let way = |(name, schema): (&str, RefOr<Schema>)| {
            ObjectBuilder::new()
                .property("event", event())
                .property(name, schema)
                .property("hold_id", hold_id())
                .required("event")
                .required(name)
                .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        };
        ways.into_iter().map(way).fold(OneOfBuilder::new(), OneOfBuilder::item).into()
    }
}

/// Let the server choose: seats side by side, near the front and the middle.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct BestSeats {
    /// How many.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 10)]
    pub(in crate::serve) count: u32,
    /// In these sections only, the most preferred first.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub(in crate::serve) sections: Vec<String>,
    /// Tickets of this type only, in any spelling.
    #[serde(default, rename = "type", deserialize_with = "present")]
    #[schema(value_type = String, required = false)]
    pub(in crate::serve) ticket_type: Option<String>,
}

/// How to pay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct ConfirmRequest {
    #[schema(value_type = uuid::Uuid)]
    pub(in crate::serve) hold_id: HoldId,
    /// The provider's idempotency key: the same one is charged once, another one is another attempt.
    /// Printable ASCII without blanks at its ends. The hold's own where none is given.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200,
             pattern = "^[!-~]([ -~]*[!-~])?$")]
    pub(in crate::serve) payment_reference: Option<String>,
    /// What the simulated payment provider does.
    #[serde(default)]
    #[schema(required = false)]
    pub(in crate::serve) payment: PaymentAnswer,
}

/// What the simulated payment provider does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::serve) enum PaymentAnswer {
    /// It captures the money.
    #[default]
    Captured,
    /// It says no.
    Declined,
    /// It never answers.
    Silent,
}

/// A buyer's claim on tickets of one show until a deadline.
#[derive(Serialize, ToSchema)]
#[schema(as = Hold)]
pub(in crate::serve) struct HoldDocument {
    #[schema(value_type = uuid::Uuid)]
    hold_id: HoldId,
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    #[schema(schema_with = hold_status)]
    status: HoldStatus,
    /// In the order of the venue.
    tickets: Vec<TicketDocument>,
    /// What they cost together.
    #[schema(value_type = Option<Amount>)]
    amount: Option<Money>,
    #[schema(schema_with = time)]
    started_at: Timestamp,
    /// Its deadline; no step prolongs it.
    #[schema(schema_with = time)]
    expires_at: Timestamp,
    /// Until when the payment under way may take.
    #[schema(schema_with = time_or_null)]
    payment_deadline: Option<Timestamp>,
    /// The payment under way or done.
    #[schema(value_type = Option<uuid::Uuid>)]
    order_id: Option<OrderId>,
}

impl From<&Hold> for HoldDocument {
    fn from(hold: &Hold) -> Self {
        // A hold has at least one ticket, hence a currency.
        let currency = hold.tickets.first().map(|ticket| ticket.price.currency());
        let prices = hold.tickets.iter().map(|ticket| ticket.price);
        Self {
            hold_id: hold.hold_id,
            event_id: hold.event_id,
            status: hold.status,
            tickets: hold.tickets.iter().map(TicketDocument::from).collect(),
            amount: currency.map(|currency| total(prices, currency)),
            started_at: hold.started_at,
            expires_at: hold.expires_at,
            payment_deadline: hold.payment_deadline,
            order_id: hold.order_id,
        }
    }
}

/// A hold that was granted.
#[derive(Serialize, ToSchema)]
#[schema(as = Reserved)]
pub(in crate::serve) struct ReservedDocument {
    pub(in crate::serve) hold: HoldDocument,
    /// Why these seats, if the server chose them.
    pub(in crate::serve) chosen: Option<String>,
    /// The time of the server.
    #[schema(schema_with = time)]
    pub(in crate::serve) now: Timestamp,
}

/// A hold that was given up.
#[derive(Serialize, ToSchema)]
#[schema(as = Abandoned)]
pub(in crate::serve) struct AbandonedDocument {
    pub(in crate::serve) hold: HoldDocument,
    /// The time of the server.
    #[schema(schema_with = time)]
    pub(in crate::serve) now: Timestamp,
}

/// An attempt to pay for a hold.
#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub(in crate::serve) struct OrderDocument {
    #[schema(value_type = uuid::Uuid)]
    order_id: OrderId,
    /// What the buyer reads aloud at the door.
    #[schema(value_type = String, example = "7K6H-EXD9-CK4J")]
    confirmation_number: ConfirmationNumber,
    #[schema(schema_with = order_status)]
    status: OrderStatus,
    #[schema(value_type = uuid::Uuid)]
    hold_id: HoldId,
    #[schema(value_type = Amount)]
    amount: Money,
    tickets: Vec<TicketDocument>,
    #[schema(schema_with = time)]
    decided_at: Timestamp,
}

impl From<&Order> for OrderDocument {
    fn from(order: &Order) -> Self {
        Self {
            order_id: order.order_id,
            confirmation_number: order.confirmation_number,
            status: order.status,
            hold_id: order.hold_id,
            amount: order.amount,
            tickets: order.tickets.iter().map(TicketDocument::from).collect(),
            decided_at: order.decided_at,
        }
    }
}

/// What one needs at the door.
#[derive(Serialize, ToSchema)]
#[schema(as = CheckIn)]
pub(in crate::serve) struct CheckInDocument {
    #[schema(schema_with = time)]
    doors_at: Timestamp,
    #[schema(schema_with = time)]
    starts_at: Timestamp,
    /// The name of the venue.
    venue: String,
    seats: Vec<DoorDocument>,
}

/// A seat, and the door that leads to it.
#[derive(Serialize, ToSchema)]
#[schema(as = Door)]
pub(super) struct DoorDocument {
    #[schema(value_type = String)]
    seat: SeatLabel,
    /// Empty where nobody said.
    entrance: String,
}

impl CheckInDocument {
    /// What one needs at the door with an order; nothing where it is not paid.
    pub(in crate::serve) fn of(order: &Order, event: &Event, sections: &[Section]) -> Option<Self> {
        if order.status != OrderStatus::Paid {
            return None;
        }
        let entrances: HashMap<&str, &str> =
            sections.iter().map(|s| (s.name.as_str(), s.entrance.as_str())).collect();
        let door = |seat: &SeatLabel| {
            let entrance = entrances.get(&*seat.section).copied().unwrap_or_default();
            DoorDocument { seat: seat.clone(), entrance: entrance.to_owned() }
        };
        Some(Self {
            doors_at: event.doors_at,
            starts_at: event.starts_at,
            venue: event.venue.name.clone(),
            seats: order.tickets.iter().map(|ticket| door(&ticket.label)).collect(),
        })
    }
}

/// An order that is paid.
#[derive(Serialize, ToSchema)]
#[schema(as = Confirmed)]
pub(in crate::serve) struct ConfirmedDocument {
    pub(in crate::serve) order: OrderDocument,
    pub(in crate::serve) event: EventDocument,
    /// Null where the order was cancelled since.
    pub(in crate::serve) check_in: Option<CheckInDocument>,
    /// The time of the server.
    #[schema(schema_with = time)]
    pub(in crate::serve) now: Timestamp,
}

/// A hold, and its order once it is paid for.
#[derive(Serialize, ToSchema)]
#[schema(as = Booking)]
pub(in crate::serve) struct BookingDocument {
    pub(in crate::serve) hold: HoldDocument,
    pub(in crate::serve) order: Option<OrderDocument>,
    pub(in crate::serve) event: EventDocument,
    pub(in crate::serve) check_in: Option<CheckInDocument>,
    /// The time of the server.
    #[schema(schema_with = time)]
    pub(in crate::serve) now: Timestamp,
}
