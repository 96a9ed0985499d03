//! Changes in the making, for tests.

use uuid::Uuid;

use crate::domain::{
    Change, ChangeKind, EventId, HoldId, Position, SeatLabel, SessionId, TicketId, Timestamp,
};

/// A log that grows by one entry a time, of the event that drawn sections are of.
#[derive(Debug)]
pub(crate) struct Story {
    last: u64,
    pub(crate) at: Timestamp,
}

impl Default for Story {
    fn default() -> Self {
        Self { last: 0, at: Timestamp::from_millis(0) }
    }
}

impl Story {
    /// The next entry, of a seat by its label; ann has a minute to pay.
    pub(crate) fn change(&mut self, change: ChangeKind, seat: &str) -> Change {
        self.last += 1;
        let label: SeatLabel = seat.parse().unwrap();
        let event_id = EventId::of_slug("hamlet");
        Change {
            position: Position(self.last),
            at: self.at,
            change,
            event_id,
            ticket_id: TicketId::of_seat(event_id, &label.section, &label.row, &label.seat),
            label,
            hold_id: Some(HoldId::from_uuid(Uuid::from_u128(7))),
            session_id: Some(SessionId::new("ann").unwrap()),
            buyer_id: None,
            expires_at: Some(self.at.plus(std::time::Duration::from_mins(1))),
        }
    }
}
