//! Changes in the making, for tests.

use jiff::tz::TimeZone;
use uuid::Uuid;

use super::state::{Board, News, Subject};
use crate::domain::{
    Change, ChangeKind, EventId, HoldId, Position, SeatLabel, SectionMap, SessionId, TicketId,
    Timestamp,
};
use crate::repository::Standing;

/// A log that grows by one entry a time, of the event that drawn sections are of.
#[derive(Debug)]
pub(super) struct Story {
    last: u64,
    pub(super) at: Timestamp,
}

impl Default for Story {
    fn default() -> Self {
        Self { last: 0, at: Timestamp::from_millis(0) }
    }
}

impl Story {
    /// The next entry, of a seat by its label; ann has a minute to pay.
    pub(super) fn change(&mut self, change: ChangeKind, seat: &str) -> Change {
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

/// A board of Hamlet before anything of it was read.
pub(super) fn beginning() -> Board {
    let subject = Subject {
        event_id: EventId::of_slug("hamlet"),
        name: "Hamlet".into(),
        occasion: "Tue 1 Dec 2026 19:30 · Old Theatre".into(),
        zone: TimeZone::UTC,
        store: "sqlite:tix.db".into(),
    };
    Board::new(subject, &Standing { at: Timestamp::from_millis(0), owned: Vec::new() })
}

/// A board of Hamlet in these sections, as they were at the beginning of time.
pub(super) fn live(sections: Vec<SectionMap>) -> Board {
    let mut board = beginning();
    board.learn(News::Sections(sections.len()));
    for map in sections {
        board.learn(News::Section(Box::new(map)));
    }
    board.learn(News::AllRead(Timestamp::from_millis(0)));
    board
}
