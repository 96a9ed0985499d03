//! One buyer's claim on tickets of one event until a deadline.

use serde::Serialize;

use super::{BuyerId, EventId, HoldId, OrderId, SessionId, Ticket, TicketId, Timestamp};

/// The most tickets that one hold can name; no limit per buyer is higher.
pub const HOLD_TICKETS_MAX: usize = super::event::LIMIT_MAX as usize;

/// What a buyer asks for when he starts a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// The idempotency key, a UUID of version 4 or 7: a repeat under the same id returns the same hold.
    pub hold_id: HoldId,
    /// The event all tickets are of.
    pub event_id: EventId,
    /// The checkout it will belong to.
    pub session_id: SessionId,
    /// Whom the limit counts.
    pub buyer_id: BuyerId,
    /// The tickets, all or none.
    pub tickets: Vec<TicketId>,
}

/// What has become of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldStatus {
    /// Its tickets wait for payment.
    Held,
    /// A payment for it is under way.
    Paying,
    /// It is paid for.
    Sold,
    /// Its buyer gave it up.
    Abandoned,
    /// Its deadline passed in silence.
    Expired,
    /// Its payment was declined when its time was over.
    Declined,
    /// Its payment never ended and was given up by whoever met it.
    Aborted,
    /// It was paid for, and the order cancelled.
    Refunded,
}

impl HoldStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Held,
        Self::Paying,
        Self::Sold,
        Self::Abandoned,
        Self::Expired,
        Self::Declined,
        Self::Aborted,
        Self::Refunded,
    ];

    /// The word for it, as users read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Paying => "paying",
            Self::Sold => "sold",
            Self::Abandoned => "abandoned",
            Self::Expired => "expired",
            Self::Declined => "declined",
            Self::Aborted => "aborted",
            Self::Refunded => "refunded",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

impl std::fmt::Display for HoldStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// A hold as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Its id.
    pub hold_id: HoldId,
    /// The event all tickets are of.
    pub event_id: EventId,
    /// The checkout it belongs to.
    pub session_id: SessionId,
    /// Whom the limit counts.
    pub buyer_id: BuyerId,
    /// The tickets it was started for.
    pub tickets: Vec<Ticket>,
    /// When it was started.
    pub started_at: Timestamp,
    /// Its deadline; no step prolongs it.
    pub expires_at: Timestamp,
    /// What has become of it.
    pub status: HoldStatus,
    /// The payment under way or done, if any.
    pub order_id: Option<OrderId>,
    /// Until when the payment under way may take.
    pub payment_deadline: Option<Timestamp>,
}
