//! Everything that a board knows, and how it comes to know it.

use std::collections::VecDeque;

use jiff::tz::TimeZone;

use super::picture::Picture;
use super::pulse::Pulse;
use crate::commands::option;
use crate::domain::{Change, Event, EventId, SectionMap, Timestamp};
use crate::repository::{LogStep, Standing};
use crate::watch::{Beginning, Watch};

/// The last changes that are kept, more than a window has lines.
const LINES_KEPT: usize = 200;

/// What those who read the store tell a board.
#[derive(Debug)]
pub(super) enum News {
    /// There are so many sections to be read.
    Sections(usize),
    /// The next of them, in the order of the venue.
    Section(Box<SectionMap>),
    /// All of them had been read at this time.
    AllRead(Timestamp),
    /// More of the log is known.
    Step(LogStep),
}

/// Which event it is about.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) event_id: EventId,
    pub(super) name: String,
    /// Date and venue, as people there read it.
    pub(super) occasion: String,
    pub(super) zone: TimeZone,
    pub(super) store: String,
    /// The command that holds a seat of it.
    pub(super) hold_command: String,
    /// When its sale closes.
    pub(super) closes_at: Timestamp,
}

impl Subject {
    pub(super) fn new(event: &Event, store: String, store_option: &str) -> Self {
        let zone = event.zone();
        Self {
            event_id: event.event_id,
            name: event.name.clone(),
            occasion: format!("{} · {}", event.starts_at.in_zone(&zone), event.venue.name),
            zone,
            store,
            hold_command: format!(
                "tix hold start{} --best 1{store_option}",
                option("--event", &event.slug)
            ),
            closes_at: event.starts_at,
        }
    }
}

/// A line beneath the venue.
#[derive(Debug)]
pub(super) enum Line {
    /// Something happened.
    Change(Change),
    /// Something is to be known of the reading itself.
    Notice(String),
}

/// How far the venue is known.
#[derive(Debug)]
pub(super) enum Stage {
    /// It is being read.
    Beginning(Beginning),
    /// It is followed.
    Live(Picture),
}

/// What is drawn.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) subject: Subject,
    pub(super) stage: Stage,
    pub(super) pulse: Pulse,
    /// The last changes, the oldest first.
    pub(super) lines: VecDeque<Line>,
    /// Up to when the log is known.
    pub(super) known_until: Timestamp,
    /// Since when changes are shown.
    pub(super) began_at: Timestamp,
    watch: Watch,
}

impl Board {
    /// Begins where a follower of the log does.
    pub(super) fn new(subject: Subject, standing: &Standing) -> Self {
        let is_ours = |change: &&Change| change.event_id == subject.event_id;
        let owned = standing.owned.iter().filter(is_ours).cloned().collect();
        Self {
            stage: Stage::Beginning(Beginning::new(owned)),
            pulse: Pulse::beginning_at(standing.at),
            lines: VecDeque::with_capacity(LINES_KEPT + 1),
            known_until: standing.at,
            began_at: standing.at,
            watch: Watch::starting_with(standing),
            subject,
        }
    }

    /// The venue, once it is known.
    pub(super) fn picture(&self) -> Option<&Picture> {
        match &self.stage {
            Stage::Beginning(_) => None,
            Stage::Live(picture) => Some(picture),
        }
    }

    /// Takes over what became known; answers whether that can be seen.
    pub(super) fn learn(&mut self, news: News) -> bool {
        let was_live = self.picture().is_some();
        let mut is_seen = true;
        match news {
            News::Step(step) => is_seen = self.step(step),
            News::Sections(count) => self.begin(|beginning| beginning.expect(count)),
            News::Section(map) => self.begin(|beginning| beginning.section(*map)),
            News::AllRead(at) => self.begin(|beginning| beginning.all_read(at)),
        }
        self.advance();
        is_seen || was_live != self.picture().is_some()
    }

    /// Whether somebody can hold a seat now, as far as is known.
    pub(super) fn can_be_held(&self) -> bool {
        let is_open = self.known_until < self.subject.closes_at;
        is_open && self.picture().is_some_and(|picture| picture.counts().available > 0)
    }

    fn begin(&mut self, learn: impl FnOnce(&mut Beginning)) {
        if let Stage::Beginning(beginning) = &mut self.stage {
            learn(beginning);
        }
    }

    /// Follows the log; answers whether it told anything.
    fn step(&mut self, step: LogStep) -> bool {
        let mut is_seen = !(step.faults.is_empty() && step.notices.is_empty());
        self.known_until = step.known_until;
        self.pulse.reach(self.known_until);
        for fault in &step.faults {
            self.keep(Line::Notice(fault.to_string()));
        }
        for notice in &step.notices {
            self.keep(Line::Notice(notice.clone()));
        }
        let changes = self.watch.told(step, Some(self.subject.event_id));
        match &mut self.stage {
            Stage::Beginning(beginning) => beginning.happened(&changes),
            Stage::Live(picture) => changes.iter().for_each(|change| picture.apply(change)),
        }
        is_seen |= !changes.is_empty();
        for change in changes {
            self.pulse.beat(change.at);
            self.keep(Line::Change(change));
        }
        is_seen
    }

    /// Shows the picture as soon as there is one.
    fn advance(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Beginning(Beginning::new(vec![])));
        self.stage = match stage {
            Stage::Beginning(beginning) => match beginning.finish(self.known_until) {
                Ok(map) => Stage::Live(Picture::new(map)),
                Err(beginning) => Stage::Beginning(beginning),
            },
            live @ Stage::Live(_) => live,
        };
    }

    fn keep(&mut self, line: Line) {
        self.lines.push_back(line);
        if self.lines.len() > LINES_KEPT {
            self.lines.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{self, Story};
    use super::*;
    use crate::domain::ChangeKind;
    use crate::domain::seat_map::drawn::drawn;

    fn step(changes: Vec<Change>, known_until: i64) -> News {
        let known_until = Timestamp::from_millis(known_until);
        News::Step(LogStep { changes, faults: vec![], notices: vec![], known_until })
    }

    fn words(board: &Board) -> Vec<String> {
        let word = |line: &Line| match line {
            Line::Change(change) => format!("{} {}", change.change, change.label),
            Line::Notice(text) => text.clone(),
        };
        board.lines.iter().map(word).collect()
    }

    #[test]
    fn a_hold_that_runs_out_comes_free_though_the_log_says_nothing() {
        let mut board = story::live(vec![drawn("A", &["..."])]);
        let held = Story::default().change(ChangeKind::Held, "A/1/2");
        board.learn(step(vec![held], 59_999));
        assert_eq!(board.picture().unwrap().counts().held, 1);
        assert!(board.learn(step(vec![], 60_000)));
        assert!(!board.learn(step(vec![], 60_001)));
        assert_eq!(board.picture().unwrap().counts().available, 3);
        assert_eq!(words(&board), ["held A/1/2", "expired A/1/2"]);
    }

    #[test]
    fn what_happens_at_other_events_is_not_on_the_board() {
        let mut board = story::live(vec![drawn("A", &["..."])]);
        let held = Story::default().change(ChangeKind::Held, "A/1/2");
        let other = Change { event_id: EventId::of_slug("quartet"), ..held };
        board.learn(step(vec![other], 70_000));
        assert_eq!(words(&board), [""; 0]);
        assert_eq!(board.pulse.seconds().sum::<u64>(), 0);
    }

    #[test]
    fn notices_stand_among_the_changes_and_no_more_lines_are_kept_than_are_shown() {
        let mut board = story::live(vec![drawn("A", &["..."])]);
        let mut story = Story::default();
        for seat in 0..LINES_KEPT {
            let change = story.change(ChangeKind::Held, &format!("A/1/{}", seat % 3 + 1));
            board.learn(step(vec![change], 10));
        }
        let notices = vec!["the log cannot be read just now".to_owned()];
        let known_until = Timestamp::from_millis(10);
        let news = LogStep { changes: vec![], faults: vec![], notices, known_until };
        assert!(board.learn(News::Step(news)));
        assert_eq!(board.lines.len(), LINES_KEPT);
        assert_eq!(words(&board).last().unwrap(), "the log cannot be read just now");
    }
}
