//! What requests and answers look like: documents of their own, so that nobody is told more than is
//! his, and so that they stay as they are when the domain grows.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};

use crate::domain::{HoldStatus, OrderStatus, TicketStatus, WaitlistStatus};

pub(super) mod booking;
pub(super) mod event;
pub(super) mod seats;
pub(super) mod waiting_room;
pub(super) mod waitlist;

/// How many rows of a list are sent at the most where the request does not say.
pub(super) const PART_LIMIT: usize = 100;

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// How many rows are left out at the beginning.
    pub(super) offset: usize,
    /// How many there are at the most.
    pub(super) limit: usize,
}

impl Part {
    /// The rows of this part.
    pub(super) fn of<T>(self, rows: impl IntoIterator<Item = T>) -> Vec<T> {
        rows.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

/// An amount of money; a decimal as text, so that nobody makes a float of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Money)]
pub(super) struct Amount {
    /// With the digits of the currency.
    #[schema(example = "94.50")]
    amount: String,
    /// Its ISO 4217 code.
    #[schema(example = "EUR")]
    currency: String,
}

/// Text that is one of some words.
fn one_of<const N: usize>(words: [&'static str; N]) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(words)).into()
}

/// The condition of a ticket.
pub(super) fn ticket_status() -> RefOr<Schema> {
    one_of(TicketStatus::ALL.map(TicketStatus::word))
}

/// What has become of a hold.
pub(super) fn hold_status() -> RefOr<Schema> {
    one_of(HoldStatus::ALL.map(HoldStatus::word))
}

/// How an order stands.
pub(super) fn order_status() -> RefOr<Schema> {
    one_of(OrderStatus::ALL.map(OrderStatus::word))
}

/// What has become of an entry of the waitlist.
pub(super) fn waitlist_status() -> RefOr<Schema> {
    one_of(WaitlistStatus::ALL.map(WaitlistStatus::word))
}

/// A point in time: RFC 3339, in UTC, with milliseconds.
pub(super) fn time() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .into()
}

/// A point in time, or null.
pub(super) fn time_or_null() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .into()
}

/// Reads a value that may be left out but must not be null.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Letters of a UUID that a client may choose: version 4 or 7 (RFC 9562).
pub(super) const CHOSEN_UUID: &str =
    "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[47][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$";

/// Reads a count; `9.0` is as whole as `9`.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
        format!("{float:.0}").parse().ok()
    });
    let count = whole.and_then(|whole| u32::try_from(whole).ok());
    count.ok_or_else(|| serde::de::Error::custom(format!("{number} is no count")))
}
