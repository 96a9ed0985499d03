//! The venue seat by seat, kept up to date by the changes of the log.

use std::collections::HashMap;

use ratatui::text::Span;

use crate::commands::ticket::drawing;
use crate::domain::{Change, Position, SeatMap, SectionMap, StatusCounts, TicketId};
use crate::output::grouped;

/// Every ticket of an event in its condition as of the last change.
#[derive(Debug)]
pub(super) struct Picture {
    seats: SeatMap,
    /// Section and place of each ticket.
    places: HashMap<TicketId, (usize, usize)>,
    /// The last change that each ticket was seen to have, by section and place.
    seen: Vec<Vec<Position>>,
    shapes: Vec<Shape>,
    list: ListShape,
}

/// How much room the list of sections takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListShape {
    /// Columns of the longest name.
    pub(super) name: usize,
    /// Letters of the greatest number of tickets.
    pub(super) count: usize,
}

/// What is told of a section beside its seats, and how much room these take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// Its name, its type and what its tickets cost.
    pub(super) caption: String,
    /// Letters of the longest name of a row.
    pub(super) margin: usize,
    /// Seats and aisles of the widest row.
    pub(super) widest: usize,
}

impl Picture {
    /// A picture of sections as they were read, in the order of the venue.
    pub(super) fn new(sections: Vec<SectionMap>) -> Self {
        let mut places = HashMap::new();
        for (number, section) in sections.iter().enumerate() {
            let ids = section.tickets().tickets().iter().map(|ticket| ticket.ticket_id);
            places.extend(ids.enumerate().map(|(place, id)| (id, (number, place))));
        }
        let unseen = |map: &SectionMap| vec![Position::default(); map.statuses().len()];
        let seen = sections.iter().map(unseen).collect();
        let shapes = sections.iter().map(shape).collect();
        let list = list_shape(&sections);
        Self { seats: SeatMap { sections }, places, seen, shapes, list }
    }

    /// Shows what a change left behind. An entry of the log that comes late, after a younger one of
    /// the same ticket, changes nothing.
    pub(super) fn apply(&mut self, change: &Change) {
        let Some(&(section, place)) = self.places.get(&change.ticket_id) else { return };
        let seen = &mut self.seen[section][place];
        if change.position < *seen {
            return;
        }
        *seen = change.position;
        self.seats.sections[section].set(place, change.change.leaves());
    }

    /// Its sections, in the order of the venue.
    pub(super) fn sections(&self) -> &[SectionMap] {
        &self.seats.sections
    }

    /// What a section looks like; its number counts from 0.
    pub(super) fn shape(&self, section: usize) -> &Shape {
        &self.shapes[section]
    }

    /// How much room the list of its sections takes.
    pub(super) const fn list_shape(&self) -> ListShape {
        self.list
    }

    /// How many tickets are in which condition; looks at each section once.
    pub(super) fn counts(&self) -> StatusCounts {
        self.seats.counts()
    }
}

fn list_shape(sections: &[SectionMap]) -> ListShape {
    let names = sections.iter().map(|map| Span::raw(&map.section().name).width());
    let counts = sections.iter().map(|map| grouped(map.section().seats).len());
    ListShape { name: names.max().unwrap_or(0), count: counts.max().unwrap_or(0) }
}

fn shape(map: &SectionMap) -> Shape {
    let tickets = map.tickets();
    let depths = 0..tickets.rows().len();
    let names = depths.clone().map(|depth| tickets.row_name(depth).chars().count());
    let widths = depths.map(|depth| drawing::cells(map, depth).len());
    let (section, prices) = (map.section(), drawing::prices(tickets.tickets()));
    Shape {
        caption: format!("{} · {} · {prices}", section.name, section.type_id),
        margin: names.max().unwrap_or(0),
        widest: widths.max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::Story;
    use super::*;
    use crate::domain::ChangeKind;
    use crate::domain::seat_map::drawn::drawn;

    fn counts(picture: &Picture) -> [u64; 5] {
        let StatusCounts { available, held, paying, sold, blocked } = picture.counts();
        [available, held, paying, sold, blocked]
    }

    #[test]
    fn every_change_is_shown_where_it_happened() {
        let mut picture = Picture::new(vec![drawn("A", &["..", ".."]), drawn("B", &["...x"])]);
        let mut story = Story::default();
        let told = [
            (ChangeKind::Held, [6, 1, 0, 0, 1]),
            (ChangeKind::Paying, [6, 0, 1, 0, 1]),
            (ChangeKind::HeldAgain, [6, 1, 0, 0, 1]),
            (ChangeKind::Paying, [6, 0, 1, 0, 1]),
            (ChangeKind::Sold, [6, 0, 0, 1, 1]),
            (ChangeKind::Refunded, [7, 0, 0, 0, 1]),
            (ChangeKind::Blocked, [6, 0, 0, 0, 2]),
            (ChangeKind::Unblocked, [7, 0, 0, 0, 1]),
        ];
        for (kind, after) in told {
            picture.apply(&story.change(kind, "B/1/2"));
            assert_eq!(counts(&picture), after, "{kind}");
        }
        assert_eq!(picture.sections()[0].counts().available, 4);
    }

    #[test]
    fn an_entry_that_comes_late_changes_nothing() {
        let mut picture = Picture::new(vec![drawn("A", &[".."])]);
        let mut story = Story::default();
        let [held, paying] =
            [ChangeKind::Held, ChangeKind::Paying].map(|kind| story.change(kind, "A/1/1"));
        let sold = story.change(ChangeKind::Sold, "A/1/1");
        picture.apply(&held);
        picture.apply(&sold);
        picture.apply(&paying);
        assert_eq!(counts(&picture), [1, 0, 0, 1, 0]);
    }

    #[test]
    fn an_expired_hold_is_told_with_the_position_of_its_start() {
        let mut picture = Picture::new(vec![drawn("A", &[".."])]);
        let held = Story::default().change(ChangeKind::Held, "A/1/1");
        picture.apply(&held);
        picture.apply(&Change { change: ChangeKind::Expired, ..held });
        assert_eq!(counts(&picture), [2, 0, 0, 0, 0]);
    }

    #[test]
    fn tickets_of_other_events_are_not_in_the_picture() {
        let mut picture = Picture::new(vec![drawn("A", &[".."])]);
        picture.apply(&Story::default().change(ChangeKind::Sold, "C/1/1"));
        assert_eq!(counts(&picture), [2, 0, 0, 0, 0]);
    }

    #[test]
    fn a_shape_has_the_aisles_of_the_widest_row() {
        let picture = Picture::new(vec![drawn("A", &["...", ".. ..", "."])]);
        let Shape { caption, margin, widest } = picture.shape(0);
        assert_eq!((caption.as_str(), margin, widest), ("A · regular · 89.50 EUR", &1, &5));
    }
}
