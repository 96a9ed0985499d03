//! Entries of the change log: what happened to one ticket.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BuyerId, EventId, HoldId, SeatLabel, SessionId, TicketId, TicketStatus, Timestamp};

/// A place in the change log. Later entries of one ticket have higher ones, and no two of them the
/// same. On SQLite this is so over all tickets; on ScyllaDB, which has no counter that all tickets
/// share, it is the time of the entry in microseconds since 1970-01-01T00:00:00Z, which two tickets
/// may have in common.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

/// What happened to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A buyer started a checkout for it.
    Held,
    /// Its buyer began to pay.
    Paying,
    /// Its buyer paid.
    Sold,
    /// The payment was declined in time; the hold goes on.
    HeldAgain,
    /// Its buyer gave it up.
    Abandoned,
    /// Its buyer fell silent and the deadline passed.
    Expired,
    /// The payment was declined when the hold's time was over.
    Declined,
    /// The payment never ended and was given up.
    Aborted,
    /// Its order was cancelled.
    Refunded,
    /// Ops took it out of the sale.
    Blocked,
    /// Ops put it back into the sale.
    Unblocked,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Held,
        Self::Paying,
        Self::Sold,
        Self::HeldAgain,
        Self::Abandoned,
        Self::Expired,
        Self::Declined,
        Self::Aborted,
        Self::Refunded,
        Self::Blocked,
        Self::Unblocked,
    ];

    /// The word for it, as users read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Paying => "paying",
            Self::Sold => "sold",
            Self::HeldAgain => "held_again",
            Self::Abandoned => "abandoned",
            Self::Expired => "expired",
            Self::Declined => "declined",
            Self::Aborted => "aborted",
            Self::Refunded => "refunded",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// The condition that the ticket has after it.
    #[must_use]
    pub const fn leaves(self) -> TicketStatus {
        match self {
            Self::Held | Self::HeldAgain => TicketStatus::Held,
            Self::Paying => TicketStatus::Paying,
            Self::Sold => TicketStatus::Sold,
            Self::Blocked => TicketStatus::Blocked,
            Self::Abandoned
            | Self::Expired
            | Self::Declined
            | Self::Aborted
            | Self::Refunded
            | Self::Unblocked => TicketStatus::Available,
        }
    }

    /// Whether the ticket is free after it.
    #[must_use]
    pub const fn frees(self) -> bool {
        matches!(self.leaves(), TicketStatus::Available)
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One entry of the change log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where it stands in the log; that of the hold's start for a derived `expired`.
    pub position: Position,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub change: ChangeKind,
    /// The event of the ticket.
    pub event_id: EventId,
    /// The ticket.
    pub ticket_id: TicketId,
    /// Where the ticket sits.
    #[serde(rename = "seat")]
    pub label: SeatLabel,
    /// The hold it happened to; none for block and unblock.
    pub hold_id: Option<HoldId>,
    /// The checkout of that hold.
    pub session_id: Option<SessionId>,
    /// The buyer of that hold.
    pub buyer_id: Option<BuyerId>,
    /// The deadline of that hold.
    pub expires_at: Option<Timestamp>,
}
