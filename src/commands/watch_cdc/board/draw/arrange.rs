//! Which sections are in sight, where, and how closely their seats stand.

use ratatui::layout::Rect;

use super::paint::{columns, width};
use crate::commands::watch_cdc::board::picture::Picture;

/// Columns that the names of rows may take.
pub(super) const MARGIN_MAX: usize = 8;
/// With a space between two seats a section looks as it does from above.
const SPACED: u16 = 2;
/// Without one there is room for more of them.
const CLOSE: u16 = 1;
/// Lines between two sections, and columns.
const GAP: u16 = 1;
const BETWEEN: u16 = 3;

/// How the seats of a section are laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// Columns before the first seat.
    pub(super) margin: u16,
    /// Columns from one seat to the next.
    pub(super) pitch: u16,
    /// Seats that there is room for side by side.
    pub(super) seats: usize,
    /// Whether that is enough for every row.
    is_whole: bool,
    /// Columns that it takes.
    width: u16,
}

impl Grid {
    /// The grid of a section with so much space between seats, if it has room for that, else with
    /// none.
    fn fitting(picture: &Picture, section: usize, room: u16, pitch: u16) -> Self {
        let grid = Self::new(picture, section, room, pitch);
        if grid.is_whole { grid } else { Self::new(picture, section, room, CLOSE) }
    }

    fn new(picture: &Picture, section: usize, room: u16, pitch: u16) -> Self {
        let shape = picture.shape(section);
        let margin = columns(shape.margin.min(MARGIN_MAX) + 2);
        let room = usize::from(room.saturating_sub(margin));
        let seats = room.div_ceil(usize::from(pitch));
        let taken = usize::from(margin) + (shape.widest * usize::from(pitch)).min(room);
        Self { margin, pitch, seats, is_whole: shape.widest <= seats, width: columns(taken) }
    }
}

/// A section in the window.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    /// Its number, counted from 0.
    pub(super) section: usize,
    /// What stands above its rows, and where; nothing above the first one, which has a rule.
    pub(super) caption: Option<(&'a str, Rect)>,
    /// Where its rows are, as far as there is room for them.
    pub(super) rows: Rect,
    pub(super) grid: Grid,
}

/// Finds places for a section and for those that follow it, as many as there is room for.
pub(super) fn arrange(picture: &Picture, first: usize, area: Rect) -> Vec<Placed<'_>> {
    // Whatever is chosen, the same window looks the same.
    let spaced = with_pitch(picture, 0, area, SPACED);
    let close = with_pitch(picture, 0, area, CLOSE);
    let pitch = if close.len() > spaced.len() { CLOSE } else { SPACED };
    with_pitch(picture, first, area, pitch)
}

fn with_pitch(picture: &Picture, first: usize, area: Rect, pitch: u16) -> Vec<Placed<'_>> {
    let mut room = Room { column: area, below: area, taken: 0, pitch };
    let mut placed = Vec::new();
    for section in first..picture.sections().len() {
        let caption = u16::from(!placed.is_empty());
        let Some(area) = room.find(picture, section, caption) else { break };
        let grid = Grid::fitting(picture, section, area.width, pitch);
        let rows = Rect { y: area.y + caption, height: area.height - caption, ..area };
        room.taken = room.taken.max(grid.width);
        room.below = beneath(rows, lines(picture, section));
        let title = Rect { width: room.taken.min(area.width), height: caption, ..area };
        let caption = (caption > 0).then(|| (caption_in(picture, section, title.width), title));
        placed.push(Placed { section, caption, rows, grid });
    }
    placed
}

/// All that is told of a section if there is room for it, or only its name.
fn caption_in(picture: &Picture, section: usize, room: u16) -> &str {
    let whole = &picture.shape(section).caption;
    if width(whole) < room { whole } else { &picture.sections()[section].section().name }
}

fn lines(picture: &Picture, section: usize) -> u16 {
    columns(picture.sections()[section].tickets().rows().len())
}

/// What is left of an area beneath its first lines.
fn beneath(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}

/// Room for further sections: columns that are filled from top to bottom, one beside the other.
#[derive(Debug, Clone, Copy)]
struct Room {
    /// The column that is being filled, and all to its right.
    column: Rect,
    /// What of it is beneath what was placed.
    below: Rect,
    /// How much of its width is taken.
    taken: u16,
    /// Columns from one seat to the next.
    pitch: u16,
}

impl Room {
    /// Room for a section and the lines of its caption: beneath the last one if all of it fits, else
    /// at the top of another column, else beneath the last one as far as it goes.
    fn find(&mut self, picture: &Picture, section: usize, caption: u16) -> Option<Rect> {
        if self.taken == 0 {
            return Some(self.column);
        }
        let below = beneath(self.below, GAP);
        let needed = lines(picture, section).saturating_add(caption);
        let taken = (self.taken + BETWEEN).min(self.column.width);
        let column =
            Rect { x: self.column.x + taken, width: self.column.width - taken, ..self.column };
        let fits_beside = Grid::new(picture, section, column.width, self.pitch).is_whole;
        if needed > below.height && fits_beside && column.height > caption {
            *self = Self { column, below: column, taken: 0, ..*self };
            return Some(column);
        }
        // A name with no row beneath it tells nothing.
        (below.height > caption).then_some(below)
    }
}
