//! Drawing a board into a window of any size.

use std::time::Duration;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::widgets::{Block, BorderType, Borders, Paragraph, Widget, Wrap};

use self::paint::{Paint, columns, put, width};
use super::picture::Picture;
use super::state::{Board, Stage};
use super::view::View;
use crate::domain::Timestamp;
use crate::output::Tone;

mod arrange;
mod bar;
mod changes;
mod header;
mod help;
mod paint;
mod seats;
mod sections;
#[cfg(test)]
mod tests;

/// The smallest window that a board is drawn in.
const WIDTH_MIN: u16 = 36;
const HEIGHT_MIN: u16 = 10;
/// From this width on the changes stand beside the seats, not beneath.
const WIDE: u16 = 160;
/// How wide they are then, at the least.
const ASIDE_MIN: u16 = 70;
/// From this height on an empty line parts the numbers from the venue.
const AIRY: u16 = 20;
/// Lines of changes beneath the venue, at the least and at the most.
const CHANGES_MIN: u16 = 4;
const CHANGES_MAX: u16 = 12;

/// The circumstances of a drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Light {
    /// The present time.
    pub(super) now: Timestamp,
    /// Whether to colour.
    pub(super) color: bool,
    /// How far the log may be behind the present before that is worth a word.
    pub(super) lag_max: Duration,
}

/// Draws the board as somebody looks at it, and notes how much of it there is room for.
pub(super) fn draw(frame: &mut Frame<'_>, board: &Board, view: &mut View, light: Light) {
    let (area, buffer) = (frame.area(), frame.buffer_mut());
    let paint = Paint { color: light.color };
    if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
        return too_small(area, buffer);
    }
    let gap = u16::from(area.height >= AIRY);
    let counters = board.picture().map(|picture| header::counters(picture, area, paint));
    let numbers = counters.as_ref().map_or(0, |lines| columns(lines.len()) + header::PULSE_LINES);
    let [title, top, _, body, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(numbers),
        Constraint::Length(gap),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(area);
    header::title(title, buffer, &board.subject, light, paint);
    match (&board.stage, counters) {
        (Stage::Live(picture), Some(counters)) => {
            header::numbers(top, buffer, board, picture, counters, light);
            venue(body, buffer, board, picture, view, paint);
        }
        (Stage::Beginning(beginning), _) => header::beginning(body, buffer, beginning.progress()),
        (Stage::Live(_), None) => {}
    }
    help::footer(footer, buffer, view.focus, paint);
    if view.help {
        help::keys(area, buffer, paint);
    }
}

fn too_small(area: Rect, buffer: &mut Buffer) {
    let text = format!("The window is too small: make it {WIDTH_MIN} columns by {HEIGHT_MIN}.");
    Paragraph::new(text).wrap(Wrap { trim: true }).render(area, buffer);
}

/// The sections, the seats of the one that is chosen, and the last changes.
fn venue(
    area: Rect,
    buffer: &mut Buffer,
    board: &Board,
    picture: &Picture,
    view: &mut View,
    paint: Paint,
) {
    let (hall, lines) = if area.width >= WIDE {
        let lines = (area.width * 3 / 10).max(ASIDE_MIN);
        let split = Layout::horizontal([Constraint::Min(0), Constraint::Length(lines)]).spacing(2);
        let [hall, lines] = split.areas(area);
        (hall, lines)
    } else {
        let lines = (area.height * 3 / 10).clamp(CHANGES_MIN.min(area.height / 2), CHANGES_MAX);
        let [hall, lines] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(lines)]).areas(area);
        (hall, lines)
    };
    let list = sections::width(picture, hall.width);
    let split = Layout::horizontal([Constraint::Length(list), Constraint::Min(0)]).spacing(2);
    let [list, seats] = split.areas(hall);
    sections::draw(list, buffer, picture, view, paint);
    seats::draw(seats, buffer, picture, view, paint);
    changes::draw(lines, buffer, board, paint);
}

/// What stands in the rule above a part of the window.
struct Heading<'a> {
    title: &'a str,
    /// At its right; left out where the title would have to be cut for it.
    note: &'a str,
    /// Whether it is the title that is cut.
    needs_note: bool,
    /// Whether the arrow keys move this part.
    has_focus: bool,
}

/// Letters of a title that are left of it in any case.
const TITLE_MIN: u16 = 8;

/// Draws the rule above a part of the window, a thick one above that which the arrow keys move, and
/// answers what lies beneath.
fn part(area: Rect, buffer: &mut Buffer, heading: &Heading<'_>, paint: Paint) -> Rect {
    let Heading { title, note, needs_note, has_focus } = *heading;
    let block = Block::new()
        .borders(Borders::TOP)
        .border_type(if has_focus { BorderType::Thick } else { BorderType::Plain })
        .border_style(paint.style(if has_focus { Tone::Plain } else { Tone::Faint }));
    let inner = block.inner(area);
    block.render(area, buffer);
    if area.width < 4 || area.height == 0 {
        return inner;
    }
    // The colour of the rule is not that of what stands in it.
    let style = |tone| Style::new().fg(Color::Reset).patch(paint.style(tone));
    let (title, note) = (format!(" {title} "), format!(" {note} "));
    let [title_width, note_width] = [&title, &note].map(|text| width(text));
    let room = area.width - 1;
    let least = if needs_note { title_width.min(TITLE_MIN) } else { title_width };
    let shows_note = note_width > 2 && least + note_width <= room;
    let for_note = if shows_note { note_width + 1 } else { 0 };
    put(buffer, (area.x, area.y), area.width - for_note, &title, style(Tone::Strong));
    if shows_note {
        let x = area.right() - note_width;
        put(buffer, (x, area.y), note_width, &note, style(Tone::Faint));
    }
    inner
}
