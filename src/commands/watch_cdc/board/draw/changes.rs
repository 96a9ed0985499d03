//! The last changes, the latest at the bottom, as the lines of `tix watch-cdc` tell them.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, columns, put, width};
use super::{Heading, part};
use crate::commands::watch_cdc::board::state::{Board, Line};
use crate::commands::watch_cdc::lines::{WORD_LETTERS, left, session_of};
use crate::domain::Change;
use crate::output::{Tone, fold};

/// Columns between two texts.
const BETWEEN: u16 = 2;
/// The narrowest part of a window in which a line tells the fraction of its second.
const FRACTION_FROM: u16 = 70;
/// Letters of a time with that fraction, and without.
const FRACTIONS: u16 = 12;
const SECONDS: u16 = 8;
/// Letters of a session that are shown in any case.
const SESSION_MIN: u16 = 8;

/// Draws as many of the last changes as there is room for.
pub(super) fn draw(area: Rect, buffer: &mut Buffer, board: &Board, paint: Paint) {
    let heading = Heading { title: "Changes", note: "", needs_note: false, has_focus: false };
    let inner = part(area, buffer, &heading, paint);
    let room = usize::from(inner.height);
    let in_sight = board.lines.len().min(room);
    let lines = || board.lines.range(board.lines.len() - in_sight..);
    let changes = lines().filter_map(|line| match line {
        Line::Change(change) => Some(change),
        Line::Notice(_) => None,
    });
    let in_step = Columns::fitting(changes, inner.width);
    for (row, line) in inner.rows().zip(lines()) {
        match line {
            Line::Change(change) => in_step.draw(row, buffer, change, &board.subject.zone, paint),
            Line::Notice(text) => {
                put(buffer, (row.x + 1, row.y), row.width - 1, text, paint.style(Tone::Bad));
            }
        }
    }
    if board.lines.is_empty() {
        let room = inner.width.saturating_sub(1);
        for (row, line) in inner.rows().zip(nothing_changed(board, room.into())) {
            put(buffer, (row.x + 1, row.y), room, &line, paint.style(Tone::Faint));
        }
    }
}

/// Since when nothing has changed, and a command that changes something if there is one.
fn nothing_changed(board: &Board, width: usize) -> Vec<String> {
    let since = board.began_at.clock_time(&board.subject.zone);
    let since: String = since.chars().take(SECONDS.into()).collect();
    let text = format!("nothing has changed since {since}");
    if !board.can_be_held() {
        return fold::folded(&text, width).lines().map(str::to_owned).collect();
    }
    let text = format!("{text}; to see a change, run in another terminal:");
    let words = fold::folded(&text, width);
    let command = fold::command(&board.subject.hold_command, width);
    words.lines().map(str::to_owned).chain(command).collect()
}

/// How wide the columns are in which lines that stand together are in step.
struct Columns {
    time: u16,
    seat: u16,
    session: u16,
    /// 0 where there is no room for how long somebody has left.
    last: u16,
}

impl Columns {
    fn fitting<'a>(changes: impl Iterator<Item = &'a Change>, room: u16) -> Self {
        let (mut seat, mut session, mut last) = (0, 0, 0);
        for change in changes {
            seat = seat.max(width(&change.label.to_string()));
            session = session.max(width(&session_of(change)));
            last = last.max(width(&left(change)));
        }
        let time = if room >= FRACTION_FROM { FRACTIONS } else { SECONDS };
        let others = 1 + time + columns(WORD_LETTERS) + seat + 3 * BETWEEN;
        let room = room.saturating_sub(others);
        // The beginning of a session is enough to follow it by; half of a time tells nothing.
        let beside_last = room.saturating_sub(last + BETWEEN);
        if last > 0 && beside_last >= session.min(SESSION_MIN) {
            Self { time, seat, session: session.min(beside_last), last }
        } else {
            Self { time, seat, session: session.min(room), last: 0 }
        }
    }

    fn draw(&self, row: Rect, buffer: &mut Buffer, change: &Change, zone: &TimeZone, paint: Paint) {
        let time = change.at.clock_time(zone);
        let texts = [
            (self.time, time.chars().take(self.time.into()).collect(), Tone::Faint),
            (columns(WORD_LETTERS), change.change.to_string(), change.change.into()),
            (self.seat, change.label.to_string(), Tone::Plain),
            (self.session, session_of(change), Tone::Plain),
            (self.last, left(change), Tone::Faint),
        ];
        let mut x = row.x + 1;
        for (most, text, tone) in texts {
            let room = row.right().saturating_sub(x);
            put(buffer, (x, row.y), room.min(most), &text, paint.style(tone));
            x = x.saturating_add(most).saturating_add(BETWEEN).min(row.right());
        }
    }
}
