//! Identifiers: newtypes that cannot be mixed up, and how the derived ones are made.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::{Uuid, Variant};

use super::name::{self, Unfit};
use super::{Refusal, Timestamp};

/// The namespace under which event ids are derived from slugs.
const EVENT_NAMESPACE: Uuid = Uuid::from_u128(0x5f0c_7a4e_90d1_5b0e_8c55_74d3_a3c1_9e20);

/// Letters of a UUIDv7 that tell its time to the millisecond, and the dash among them.
const SHORT_LETTERS: usize = 13;

/// Separates the parts of a derived name; no label can contain it.
const UNIT_SEPARATOR: &str = "\u{1f}";

/// The longest session, payment reference or follower's name that is accepted, in bytes.
pub const TEXT_ID_BYTES_MAX: usize = 200;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is known to be of this kind.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }

            /// The sixteen bytes of the UUID, the form in which it is stored.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// One event: the UUIDv5 of its slug.
    EventId
}
uuid_id! {
    /// One ticket: the UUIDv5 of event, section, row and seat.
    TicketId
}
uuid_id! {
    /// One attempt to hold tickets, the fencing token of every later step: a UUID of version 4 or 7 that the
    /// client chooses, or the UUIDv5 of an offer from the waitlist.
    HoldId
}
uuid_id! {
    /// One attempt to pay for a hold: the UUIDv5 of hold and payment reference.
    OrderId
}
uuid_id! {
    /// Whom the limit counts.
    BuyerId
}

uuid_id! {
    /// One entry of a waitlist: a UUID of version 4 or 7 that the client chooses.
    EntryId
}

macro_rules! client_id {
    ($($name:ident),+) => {$(
        impl $name {
            /// Checks that a client may choose this id: it is a UUID of version 4 or 7 (RFC 9562).
            /// The ids that the store derives have version 5, so no client can take one of them.
            ///
            /// # Errors
            /// [`Refusal::ReservedId`].
            pub fn check_chosen(&self) -> Result<(), Refusal> {
                let is_rfc = self.0.get_variant() == Variant::RFC4122;
                if is_rfc && matches!(self.0.get_version_num(), 4 | 7) {
                    Ok(())
                } else {
                    Err(Refusal::ReservedId { id: self.to_string() })
                }
            }
        }
    )+};
}

client_id!(HoldId, EntryId);

impl EventId {
    /// Derives the id of the event with this slug; the same slug gives the same id everywhere.
    #[must_use]
    pub fn of_slug(slug: &str) -> Self {
        Self(Uuid::new_v5(&EVENT_NAMESPACE, slug.as_bytes()))
    }
}

impl TicketId {
    /// Derives the id of the ticket for one seat of one event.
    #[must_use]
    pub fn of_seat(event: EventId, section: &str, row: &str, seat: &str) -> Self {
        let name = [section, row, seat].join(UNIT_SEPARATOR);
        Self(Uuid::new_v5(event.as_uuid(), name.as_bytes()))
    }
}

impl HoldId {
    /// Makes a fresh hold id, ordered by time.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }

    /// The hold id of this moment and these random bytes, ordered by time.
    #[must_use]
    pub fn made_at(now: Timestamp, random: [u8; 10]) -> Self {
        Self(uuid_of(now, &random))
    }

    /// Its first letters, as people write it: the millisecond of its making, which few holds share.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(SHORT_LETTERS);
        text
    }

    /// Derives the id of the hold that an entry of the waitlist is offered; `attempt` counts the
    /// offers that could not be made good.
    #[must_use]
    pub fn of_offer(entry: EntryId, attempt: u32) -> Self {
        Self(Uuid::new_v5(entry.as_uuid(), &attempt.to_be_bytes()))
    }
}

impl EntryId {
    /// Makes a fresh entry id, ordered by time.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }

    /// The entry id of this moment and these random bytes, ordered by time.
    #[must_use]
    pub fn made_at(now: Timestamp, random: [u8; 10]) -> Self {
        Self(uuid_of(now, &random))
    }
}

/// The `UUIDv7` of this moment and these random bytes.
fn uuid_of(now: Timestamp, random: &[u8; 10]) -> Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid()
}

impl OrderId {
    /// Derives the id of the attempt to pay for `hold` under this payment reference.
    #[must_use]
    pub fn of_payment(hold: HoldId, reference: &PaymentReference) -> Self {
        Self(Uuid::new_v5(hold.as_uuid(), reference.as_str().as_bytes()))
    }
}

impl BuyerId {
    /// Makes a buyer id that nobody had before.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::new_v4())
    }

    /// Derives the buyer behind a session that names no buyer of its own.
    #[must_use]
    pub fn of_session(session: &SessionId) -> Self {
        Self(Uuid::new_v5(&EVENT_NAMESPACE, session.as_str().as_bytes()))
    }
}

/// Why a text cannot serve as a session, a payment reference or a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextIdError {
    /// Nothing, or only white space.
    #[error("it is empty")]
    Empty,
    /// Longer than [`TEXT_ID_BYTES_MAX`].
    #[error("it has {0} bytes, more than {TEXT_ID_BYTES_MAX}")]
    TooLong(usize),
    /// A character that a name must not contain.
    #[error("it contains {0}")]
    Unfit(Unfit),
}

fn checked(text: &str) -> Result<Arc<str>, TextIdError> {
    let text = text.trim();
    if text.is_empty() {
        Err(TextIdError::Empty)
    } else if text.len() > TEXT_ID_BYTES_MAX {
        Err(TextIdError::TooLong(text.len()))
    } else {
        name::unfit(text).map_or_else(|| Ok(text.into()), |found| Err(TextIdError::Unfit(found)))
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// The text is empty, longer than [`TEXT_ID_BYTES_MAX`] or has a character that a name
            /// must not contain.
            pub fn new(text: &str) -> Result<Self, TextIdError> {
                checked(text).map(Self)
            }

            /// Checks and wraps a text of the store, as versions checked it that refused no other
            /// characters than control ones.
            ///
            /// # Errors
            /// No version has stored the text.
            pub fn stored(text: &str) -> Result<Self, TextIdError> {
                match checked(text) {
                    Err(TextIdError::Unfit(_)) if !text.contains(char::is_control) => {
                        Ok(Self(text.trim().into()))
                    }
                    checked => checked.map(Self),
                }
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = TextIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }
    };
}

text_id! {
    /// The checkout that a hold belongs to.
    SessionId
}
text_id! {
    /// The payment provider's idempotency key for one attempt to pay.
    PaymentReference
}
text_id! {
    /// The name under which a follower of the change log saves how far it has come.
    FollowerName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_are_the_same_everywhere() {
        let event = EventId::of_slug("hamlet-2026-12-01");
        assert_eq!(event, EventId::of_slug("hamlet-2026-12-01"));
        assert_ne!(event, EventId::of_slug("hamlet-2026-12-02"));
        assert_eq!(event.as_uuid().get_version_num(), 5);
    }

    #[test]
    fn clients_choose_ids_of_versions_4_and_7_only() {
        let entry = EntryId::fresh();
        let offer = HoldId::of_offer(entry, 0);
        for derived in [offer, HoldId::from_uuid(Uuid::nil()), HoldId::from_uuid(Uuid::max())] {
            assert!(matches!(derived.check_chosen(), Err(Refusal::ReservedId { .. })), "{derived}");
        }
        let wrong_variant = Uuid::from_u128(HoldId::fresh().0.as_u128() | 0xf << 60);
        assert!(EntryId::from_uuid(wrong_variant).check_chosen().is_err());
        assert_eq!(HoldId::fresh().check_chosen(), Ok(()));
        assert_eq!(HoldId::from_uuid(Uuid::new_v4()).check_chosen(), Ok(()));
        assert_eq!(EntryId::made_at(Timestamp::from_millis(0), [0xff; 10]).check_chosen(), Ok(()));
    }

    #[test]
    fn seats_whose_labels_read_alike_have_different_tickets() {
        let event = EventId::of_slug("x");
        assert_ne!(
            TicketId::of_seat(event, "A", "1", "11"),
            TicketId::of_seat(event, "A", "11", "1")
        );
    }

    #[test]
    fn a_session_is_a_printable_text_of_bounded_length() {
        assert_eq!(SessionId::new("  "), Err(TextIdError::Empty));
        assert_eq!(SessionId::new(&"x".repeat(201)), Err(TextIdError::TooLong(201)));
        for invisible in ["a\u{1b}[2J", "a\u{9b}2J", "a\u{202e}b", "a\u{200b}"] {
            let refused = SessionId::new(invisible).unwrap_err();
            assert!(refused.to_string().contains("as character 2"), "{refused}");
        }
        assert_eq!(SessionId::new(" ann ").unwrap().as_str(), "ann");
    }
}
