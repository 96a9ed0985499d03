//! The seat map of an event, kept up to date by the changes of the log.

use foldhash::{HashMap, HashMapExt};

use crate::domain::{
    Change, HoldId, Position, SeatMap, SectionMap, StatusCounts, TicketId, TicketStatus, Timestamp,
};

/// Where a ticket stands in the order of the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// The number of its section, from 0.
    pub section: usize,
    /// Its place in the section, from 0.
    pub place: usize,
}

/// Who has a ticket, as far as the log has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The hold that has it.
    pub hold_id: HoldId,
    /// That hold's deadline.
    pub expires_at: Option<Timestamp>,
}

/// What a change did to one ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The ticket.
    pub spot: Spot,
    /// The condition that it had.
    pub before: TicketStatus,
    /// The condition that it has now.
    pub after: TicketStatus,
}

/// What the last change of a ticket said.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    position: Position,
    holder: Option<Holder>,
}

/// Every ticket of an event in its condition as of the last change.
///
/// What it says may be old by the time that somebody acts on it; it decides nothing.
#[derive(Debug)]
pub struct LiveMap {
    seats: SeatMap,
    spots: HashMap<TicketId, Spot>,
    /// What the last change of each ticket said of it, by section and place.
    seen: Vec<Vec<Seen>>,
}

impl LiveMap {
    /// The map of sections as they were read, in the order of the venue.
    #[must_use]
    pub fn new(sections: Vec<SectionMap>) -> Self {
        let mut spots = HashMap::new();
        for (section, map) in sections.iter().enumerate() {
            let ids = map.tickets().tickets().iter().map(|ticket| ticket.ticket_id);
            spots.extend(ids.enumerate().map(|(place, id)| (id, Spot { section, place })));
        }
        let unseen = |map: &SectionMap| vec![Seen::default(); map.statuses().len()];
        let seen = sections.iter().map(unseen).collect();
        Self { seats: SeatMap { sections }, spots, seen }
    }

    /// Takes over what a change left behind. An entry of the log that comes late, after a younger one
    /// of the same ticket, changes nothing; nor does one of another event.
    pub fn apply(&mut self, change: &Change) -> Option<Turn> {
        let spot = *self.spots.get(&change.ticket_id)?;
        let seen = &mut self.seen[spot.section][spot.place];
        if change.position < seen.position {
            return None;
        }
        let after = change.change.leaves();
        let has_holder = !matches!(after, TicketStatus::Available | TicketStatus::Blocked);
        let hold = change.hold_id.filter(|_| has_holder);
        let holder = hold.map(|hold_id| Holder { hold_id, expires_at: change.expires_at });
        *seen = Seen { position: change.position, holder };
        let before = self.seats.sections[spot.section].set(spot.place, after)?;
        Some(Turn { spot, before, after })
    }

    /// Its sections, in the order of the venue.
    #[must_use]
    pub fn sections(&self) -> &[SectionMap] {
        &self.seats.sections
    }

    /// Whether a group of this size fits anywhere, in the section and on tickets of the type if they are
    /// named.
    #[must_use]
    pub fn fits(&self, size: u32, section: Option<&str>, ticket_type: Option<&str>) -> bool {
        self.seats.fits(size, section, ticket_type)
    }

    /// Where a ticket stands; none where the event has no such ticket.
    #[must_use]
    pub fn spot(&self, ticket: TicketId) -> Option<Spot> {
        self.spots.get(&ticket).copied()
    }

    /// Who has the ticket there; none where nobody has, or where it was so before the log began.
    #[must_use]
    pub fn holder(&self, spot: Spot) -> Option<Holder> {
        self.seen.get(spot.section)?.get(spot.place)?.holder
    }

    /// How many tickets are in which condition; looks at each section once.
    #[must_use]
    pub fn counts(&self) -> StatusCounts {
        self.seats.counts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ChangeKind;
    use crate::domain::seat_map::drawn::drawn;
    use crate::watch::story::Story;

    fn counts(map: &LiveMap) -> [u64; 5] {
        let StatusCounts { available, held, paying, sold, blocked } = map.counts();
        [available, held, paying, sold, blocked]
    }

    #[test]
    fn every_change_is_shown_where_it_happened() {
        let mut map = LiveMap::new(vec![drawn("A", &["..", ".."]), drawn("B", &["...x"])]);
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
            let turn = map.apply(&story.change(kind, "B/1/2")).unwrap();
            assert_eq!(turn.spot, Spot { section: 1, place: 1 });
            assert_eq!(turn.after, kind.leaves());
            assert_eq!(counts(&map), after, "{kind}");
        }
        assert_eq!(map.sections()[0].counts().available, 4);
    }

    #[test]
    fn who_has_a_ticket_is_known_as_long_as_he_has_it() {
        let mut map = LiveMap::new(vec![drawn("A", &[".h"])]);
        let mut story = Story::default();
        let held = story.change(ChangeKind::Held, "A/1/1");
        let spot = map.apply(&held).unwrap().spot;
        assert_eq!(map.holder(spot).map(|holder| holder.hold_id), held.hold_id);
        assert_eq!(map.holder(Spot { place: 1, ..spot }), None, "held before the log began");
        map.apply(&story.change(ChangeKind::Abandoned, "A/1/1"));
        assert_eq!(map.holder(spot), None);
        map.apply(&story.change(ChangeKind::Blocked, "A/1/1"));
        assert_eq!(map.holder(spot), None);
    }

    #[test]
    fn an_entry_that_comes_late_changes_nothing() {
        let mut map = LiveMap::new(vec![drawn("A", &[".."])]);
        let mut story = Story::default();
        let [held, paying] =
            [ChangeKind::Held, ChangeKind::Paying].map(|kind| story.change(kind, "A/1/1"));
        let sold = story.change(ChangeKind::Sold, "A/1/1");
        map.apply(&held);
        map.apply(&sold);
        assert_eq!(map.apply(&paying), None);
        assert_eq!(counts(&map), [1, 0, 0, 1, 0]);
    }

    #[test]
    fn an_expired_hold_is_told_with_the_position_of_its_start() {
        let mut map = LiveMap::new(vec![drawn("A", &[".."])]);
        let held = Story::default().change(ChangeKind::Held, "A/1/1");
        map.apply(&held);
        map.apply(&Change { change: ChangeKind::Expired, ..held });
        assert_eq!(counts(&map), [2, 0, 0, 0, 0]);
    }

    #[test]
    fn tickets_of_other_events_are_not_on_the_map() {
        let mut map = LiveMap::new(vec![drawn("A", &[".."])]);
        assert_eq!(map.apply(&Story::default().change(ChangeKind::Sold, "C/1/1")), None);
        assert_eq!(counts(&map), [2, 0, 0, 0, 0]);
    }
}
