//! One seat at one event.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{HoldId, Money, TicketId, Timestamp};

/// The most bytes that a section, row or seat name may have.
pub const LABEL_PART_BYTES_MAX: usize = 80;

/// Where a ticket sits: section, row and seat, written `Floor A/3/12`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeatLabel {
    /// The section's name.
    pub section: Arc<str>,
    /// The row within the section.
    pub row: Arc<str>,
    /// The seat within the row.
    pub seat: Arc<str>,
}

/// A text that does not name a seat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a seat: write section/row/seat, for example \"Floor A/3/12\"")]
pub struct SeatLabelError(String);

impl SeatLabel {
    /// The section, the row and the seat that a text names; none where it is no label. Splits from the
    /// right, so that a section's name may contain a slash.
    #[must_use]
    pub fn split(text: &str) -> Option<[&str; 3]> {
        let mut parts = text.rsplitn(3, '/').map(str::trim).filter(|part| !part.is_empty());
        let (seat, row, section) = (parts.next()?, parts.next()?, parts.next()?);
        Some([section, row, seat])
    }
}

impl FromStr for SeatLabel {
    type Err = SeatLabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = Self::split(text).ok_or_else(|| SeatLabelError(text.to_owned()))?;
        let [section, row, seat] = parts.map(Into::into);
        Ok(Self { section, row, seat })
    }
}

impl fmt::Display for SeatLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.section, self.row, self.seat)
    }
}

impl Serialize for SeatLabel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

/// What is known of a ticket from its minting on, and never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ticket {
    /// Its id.
    pub ticket_id: TicketId,
    /// Where it sits.
    #[serde(rename = "seat")]
    pub label: SeatLabel,
    /// Its type: economy, regular, VIP, …
    #[serde(rename = "type")]
    pub type_id: Arc<str>,
    /// What it costs.
    pub price: Money,
}

/// A ticket's condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketStatus {
    /// Anybody may claim it.
    Available,
    /// A buyer has it until a deadline.
    Held,
    /// A buyer's payment for it is under way.
    Paying,
    /// It is paid for.
    Sold,
    /// Ops keep it from the sale.
    Blocked,
}

impl TicketStatus {
    /// Every status, in the order of a ticket's life.
    pub const ALL: [Self; 5] =
        [Self::Available, Self::Held, Self::Paying, Self::Sold, Self::Blocked];

    /// The word for it, as users read and write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Held => "held",
            Self::Paying => "paying",
            Self::Sold => "sold",
            Self::Blocked => "blocked",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

impl fmt::Display for TicketStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A ticket and its condition at the time of reading; a lapsed hold reads as available.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TicketState {
    /// The ticket.
    #[serde(flatten)]
    pub ticket: Ticket,
    /// Its condition.
    pub status: TicketStatus,
    /// The hold that has it, if one has.
    pub hold_id: Option<HoldId>,
    /// Until when it is held, or its payment may take.
    pub until: Option<Timestamp>,
    /// Why it is blocked.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_section_row_and_seat() {
        let label: SeatLabel = "Floor A/3/12".parse().unwrap();
        assert_eq!((&*label.section, &*label.row, &*label.seat), ("Floor A", "3", "12"));
        assert_eq!(label.to_string(), "Floor A/3/12");
        let label: SeatLabel = "Box 1/2 left/A/1".parse().unwrap();
        assert_eq!(&*label.section, "Box 1/2 left");
        for wrong in ["", "A", "A/1", "//", "A//1", " /1/2"] {
            assert!(wrong.parse::<SeatLabel>().is_err(), "{wrong}");
        }
    }
}
