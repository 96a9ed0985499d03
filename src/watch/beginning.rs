//! How a live map begins, with nothing missed and nothing shown that is over.
//!
//! The log is followed first, the sections are read after it. Whatever happened while they were read
//! may be in what was read or not, and is told by the log in any case, step by step: shown at once,
//! a ticket that is sold would be seen to be held again. So the log's changes are kept until it is
//! known beyond the end of the reading. From there on every ticket that changed meanwhile is in the
//! condition of its last change, and every other one as it was read.

use super::LiveMap;
use crate::domain::{Change, SectionMap, Timestamp};

/// What is known before there is a map.
#[derive(Debug)]
pub struct Beginning {
    /// How many sections there are, once that is known.
    sections: Option<usize>,
    read: Vec<SectionMap>,
    /// When the last section had been read.
    read_at: Option<Timestamp>,
    /// What was held or being paid for where the log begins, then what happened since.
    changes: Vec<Change>,
}

impl Beginning {
    /// Begins with what was owned where the log begins.
    #[must_use]
    pub fn new(owned: Vec<Change>) -> Self {
        Self { sections: None, read: Vec::new(), read_at: None, changes: owned }
    }

    /// Notes how many sections there are to be read.
    pub fn expect(&mut self, sections: usize) {
        self.sections = Some(sections);
    }

    /// Takes the next section, in the order of the venue.
    pub fn section(&mut self, map: SectionMap) {
        self.read.push(map);
    }

    /// Notes that all sections had been read at this time.
    pub fn all_read(&mut self, at: Timestamp) {
        self.read_at = Some(at);
    }

    /// Takes what happened.
    pub fn happened(&mut self, changes: &[Change]) {
        self.changes.extend_from_slice(changes);
    }

    /// What was owned where the log begins, and what happened since.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How far the reading is: sections that are read, and how many there are.
    #[must_use]
    pub fn progress(&self) -> (usize, Option<usize>) {
        (self.read.len(), self.sections)
    }

    /// The map, if the log is known for long enough; itself if not.
    ///
    /// # Errors
    /// The log is not known up to the end of the reading.
    pub fn finish(self, known_until: Timestamp) -> Result<LiveMap, Self> {
        if self.read_at.is_none_or(|read_at| known_until < read_at) {
            return Err(self);
        }
        let mut map = LiveMap::new(self.read);
        for change in &self.changes {
            map.apply(change);
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::seat_map::drawn::drawn;
    use crate::domain::{ChangeKind, StatusCounts};
    use crate::watch::story::Story;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn nothing_is_shown_before_the_log_is_known_beyond_the_reading() {
        let mut beginning = Beginning::new(Vec::new());
        beginning.expect(1);
        assert_eq!(beginning.progress(), (0, Some(1)));
        beginning.section(drawn("A", &[".."]));
        let mut beginning = beginning.finish(at(i64::MAX)).unwrap_err();
        assert_eq!(beginning.progress(), (1, Some(1)));
        beginning.all_read(at(50));
        let beginning = beginning.finish(at(49)).unwrap_err();
        assert!(beginning.finish(at(50)).is_ok());
    }

    #[test]
    fn what_happened_during_the_reading_is_shown_as_it_ended() {
        let mut story = Story::default();
        // The section was read when the first seat was sold already, and the second not yet held.
        let mut beginning = Beginning::new(vec![story.change(ChangeKind::Paying, "A/1/1")]);
        beginning.expect(1);
        let sold = story.change(ChangeKind::Sold, "A/1/1");
        beginning.section(drawn("A", &["s.h."]));
        let held = story.change(ChangeKind::Held, "A/1/2");
        beginning.happened(&[sold, held]);
        beginning.all_read(at(100));
        let map = beginning.finish(at(100)).unwrap();
        let counts = StatusCounts { available: 1, held: 2, sold: 1, ..StatusCounts::default() };
        assert_eq!(map.counts(), counts);
    }

    #[test]
    fn what_is_owned_where_the_log_begins_counts_more_than_what_was_read() {
        let mut story = Story::default();
        let owned = vec![story.change(ChangeKind::Held, "A/1/1")];
        let mut beginning = Beginning::new(owned);
        beginning.section(drawn("A", &[".."]));
        beginning.all_read(at(0));
        assert_eq!(beginning.finish(at(0)).unwrap().counts().held, 1);
    }
}
