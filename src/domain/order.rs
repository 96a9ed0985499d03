//! One attempt to pay for a hold.

use std::fmt;

use serde::Serialize;

use super::{
    BuyerId, ConfirmationNumber, EventId, HoldId, Money, OrderId, PaymentReference, SessionId,
    Ticket, Timestamp,
};

/// How an attempt to pay ended, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// The money is captured and the tickets are the buyer's.
    Paid,
    /// The provider said no.
    Declined,
    /// The payment did not end in time and was given up.
    Aborted,
    /// Money was captured for tickets that had to be let go; it must go back.
    RefundDue,
    /// The money is on its way back.
    Refunding,
    /// The money is back with the buyer.
    Refunded,
}

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Paid,
        Self::Declined,
        Self::Aborted,
        Self::RefundDue,
        Self::Refunding,
        Self::Refunded,
    ];

    /// The word for it, as users read it and as it is stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::Aborted => "aborted",
            Self::RefundDue => "refund_due",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// An order as it is stored: a decided attempt to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The UUIDv5 of hold and payment reference.
    pub order_id: OrderId,
    /// What the buyer reads aloud at the door.
    pub confirmation_number: ConfirmationNumber,
    /// The hold it pays for.
    pub hold_id: HoldId,
    /// The event all tickets are of.
    pub event_id: EventId,
    /// The checkout it belongs to.
    pub session_id: SessionId,
    /// Who pays.
    pub buyer_id: BuyerId,
    /// The provider's idempotency key.
    pub payment_reference: PaymentReference,
    /// How it stands.
    pub status: OrderStatus,
    /// What the tickets cost together.
    pub amount: Money,
    /// The tickets it is for.
    pub tickets: Vec<Ticket>,
    /// When the attempt was decided.
    pub decided_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}
