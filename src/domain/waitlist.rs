//! Those who wait for tickets to come free, first come first served.
//!
//! A line is per event; an entry may ask for one section or one ticket type, and names the size of
//! its group, which sits side by side in one row. Whoever frees tickets offers them to the first in
//! line whose group fits: an offer is a hold in the session of the one who waits. What has become of
//! an entry that was made an offer follows from that hold.

mod passed_over;
mod vacancies;

use serde::Serialize;

pub use passed_over::{Passing, passed_over};
pub use vacancies::Vacancies;

use super::accessible::is_accessible;
use super::{
    BuyerId, EntryId, EventId, HoldId, HoldStatus, Refusal, SessionId, TicketId, Timestamp, name,
};

/// The most entries of one buyer, and of one session, that wait for tickets of one event.
pub const WAITING_MAX: u32 = 10;

/// Checks that a buyer or a session with `waiting` entries for an event may add one.
///
/// # Errors
/// [`Refusal::WaitlistLimit`].
pub const fn check_waiting(waiting: u32) -> Result<(), Refusal> {
    if waiting < WAITING_MAX {
        Ok(())
    } else {
        Err(Refusal::WaitlistLimit { waiting, allowed: WAITING_MAX })
    }
}

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Wish {
    /// Only in this section, as the venue spells it.
    pub section: Option<Box<str>>,
    /// Only tickets of this type, in any spelling; any but accessible ones where none is named.
    #[serde(rename = "type")]
    pub ticket_type: Option<Box<str>>,
    /// How many tickets, side by side in one row; at least 1.
    pub size: u32,
}

/// Separates the section from the type in a scope; no name contains it.
const UNIT_SEPARATOR: char = '\u{1f}';

impl Wish {
    /// The first and the one behind the last of the scopes for a section, or for no section in
    /// particular. A scope is the section and the type in one text.
    #[must_use]
    pub fn scopes_of(section: &str) -> (String, String) {
        (format!("{section}{UNIT_SEPARATOR}"), format!("{section} "))
    }

    /// Whether a ticket of this section and type is one of those wished for.
    #[must_use]
    pub fn wants(&self, section: &str, ticket_type: &str) -> bool {
        let is_of_type = match self.ticket_type.as_deref() {
            Some(wanted) => name::same(wanted, ticket_type),
            None => !is_accessible(ticket_type),
        };
        self.section.as_deref().is_none_or(|wanted| wanted == section) && is_of_type
    }
}

/// What a buyer asks for when he joins the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The idempotency key, a UUID of version 4 or 7: a repeat under the same id returns the same entry.
    pub entry_id: EntryId,
    /// The event whose tickets are waited for.
    pub event_id: EventId,
    /// The checkout in which an offer will be made.
    pub session_id: SessionId,
    /// Whom the limit counts.
    pub buyer_id: BuyerId,
    /// What is waited for.
    pub wish: Wish,
}

/// What has become of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitlistStatus {
    /// It stands in line.
    Waiting,
    /// Tickets are held for it, until the deadline of that hold.
    Offered,
    /// It was paid for what it was offered; also if the order was cancelled since.
    Bought,
    /// It gave up what it was offered.
    Declined,
    /// It let the time pass in which it could have paid for what it was offered.
    Lapsed,
    /// It left the line before it was offered anything.
    Left,
}

impl WaitlistStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Offered, Self::Bought, Self::Declined, Self::Lapsed, Self::Left];

    /// The word for it, as users read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Offered => "offered",
            Self::Bought => "bought",
            Self::Declined => "declined",
            Self::Lapsed => "lapsed",
            Self::Left => "left",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// What has become of an entry, given what has become of the hold that it was offered.
    #[must_use]
    pub const fn of_offer(hold: HoldStatus) -> Self {
        match hold {
            HoldStatus::Held | HoldStatus::Paying => Self::Offered,
            HoldStatus::Sold | HoldStatus::Refunded => Self::Bought,
            HoldStatus::Abandoned => Self::Declined,
            HoldStatus::Expired | HoldStatus::Declined | HoldStatus::Aborted => Self::Lapsed,
        }
    }
}

impl std::fmt::Display for WaitlistStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// An entry of the line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitlistEntry {
    /// Its id.
    pub entry_id: EntryId,
    /// The event whose tickets it waits for.
    pub event_id: EventId,
    /// The checkout in which an offer is made.
    pub session_id: SessionId,
    /// Whom the limit counts.
    pub buyer_id: BuyerId,
    /// What it waits for.
    #[serde(flatten)]
    pub wish: Wish,
    /// When it joined, by the clock of the store.
    pub joined_at: Timestamp,
    /// What has become of it.
    pub status: WaitlistStatus,
    /// Its place among those who wait, 1 for the first; none for who does not wait any more.
    pub place: Option<u64>,
    /// How often tickets that it would have liked went to a smaller group behind it, because its own
    /// did not fit.
    pub passed_over: u64,
    /// The hold that it was offered.
    pub hold_id: Option<HoldId>,
    /// When it was made that offer.
    pub offered_at: Option<Timestamp>,
}

/// Tickets that came free and are held now for somebody who waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// Whom they are offered.
    pub entry_id: EntryId,
    /// His checkout.
    pub session_id: SessionId,
    /// The hold that has them.
    pub hold_id: HoldId,
    /// The tickets, in the order of the venue.
    pub tickets: Vec<TicketId>,
    /// Until when they can be paid for.
    pub expires_at: Timestamp,
}
