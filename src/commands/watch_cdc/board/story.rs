//! Boards in the making, for tests.

use jiff::tz::TimeZone;

use super::state::{Board, News, Subject};
use crate::domain::{EventId, SectionMap, Timestamp};
use crate::repository::Standing;
pub(super) use crate::watch::story::Story;

/// A board of Hamlet before anything of it was read.
pub(super) fn beginning() -> Board {
    let subject = Subject {
        event_id: EventId::of_slug("hamlet"),
        name: "Hamlet".into(),
        occasion: "Tue 1 Dec 2026 19:30 · Old Theatre".into(),
        zone: TimeZone::UTC,
        store: "sqlite:tix.db".into(),
        hold_command: "tix hold start --event hamlet --best 1".into(),
        closes_at: Timestamp::from_millis(1_796_153_400_000),
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
