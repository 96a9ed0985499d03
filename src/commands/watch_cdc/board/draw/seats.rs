//! The seats of the section that is chosen, row by row, and of those after it as far as there is
//! room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, columns, put};
use super::{Heading, part};
use crate::commands::ticket::drawing;
use crate::commands::watch_cdc::board::picture::Picture;
use crate::commands::watch_cdc::board::view::{Focus, View};
use crate::output::{Tone, grouped};

/// Columns that the names of rows may take.
const MARGIN_MAX: usize = 8;
/// Lines between two sections, and columns.
const GAP: u16 = 1;
const BETWEEN: u16 = 3;

/// Draws the seats.
pub(super) fn draw(
    area: Rect,
    buffer: &mut Buffer,
    picture: &Picture,
    view: &mut View,
    paint: Paint,
) {
    let Some(map) = picture.sections().get(view.chosen) else { return };
    let (rows, room) = (map.tickets().rows().len(), usize::from(area.height.saturating_sub(1)));
    let grid = Grid::new(picture, view.chosen, area.width);
    view.rows.fit(rows, room);
    view.across.fit(picture.shape(view.chosen).widest, grid.seats);
    let in_part = in_part(view, picture, room, grid.seats);
    let (free, all) = (map.counts().available, map.section().seats);
    let heading = Heading {
        title: &picture.shape(view.chosen).caption,
        needs_note: in_part.is_some(),
        note: &in_part
            .unwrap_or_else(|| format!("{} of {} available", grouped(free), grouped(all))),
        has_focus: view.focus == Focus::Seats,
    };
    let inner = part(area, buffer, &heading, paint);
    let (top, across) = (view.rows.top, view.across.top);
    let below = grid.rows(inner, buffer, (picture, view.chosen), (top, across), paint);
    let mut room = Room { column: inner, below, taken: grid.width };
    for next in view.chosen + 1..picture.sections().len() {
        let Some(area) = room.find(picture, next) else { break };
        let caption = &picture.shape(next).caption;
        let style = paint.style(Tone::Plain);
        let end = put(buffer, (area.x + 1, area.y), area.width - 1, caption, style);
        let grid = Grid::new(picture, next, area.width);
        let rows = Rect { y: area.y + 1, height: area.height - 1, ..area };
        room.below = grid.rows(rows, buffer, (picture, next), (0, 0), paint);
        room.taken = room.taken.max(grid.width).max(end - area.x);
    }
}

/// Room for further sections: columns that are filled from top to bottom, one beside the other.
struct Room {
    /// The column that is being filled, and all to its right.
    column: Rect,
    /// What of it is beneath what was drawn.
    below: Rect,
    /// How much of its width is taken.
    taken: u16,
}

impl Room {
    /// Room for a section with its name above it: beneath the last one if all of it fits, else at
    /// the top of another column, else beneath the last one as far as it goes.
    fn find(&mut self, picture: &Picture, section: usize) -> Option<Rect> {
        let lines = picture.sections()[section].tickets().rows().len() + 1;
        let below = Rect {
            y: self.below.y + GAP,
            height: self.below.height.saturating_sub(GAP),
            ..self.below
        };
        let taken = (self.taken + BETWEEN).min(self.column.width);
        let beside =
            Rect { x: self.column.x + taken, width: self.column.width - taken, ..self.column };
        if lines > usize::from(below.height) && Grid::new(picture, section, beside.width).is_whole {
            *self = Self { column: beside, below: beside, taken: 0 };
            return Some(beside);
        }
        // A name with no row beneath it tells nothing.
        (below.height > 1).then_some(below)
    }
}

/// What of the section is in sight, if that is not all of it.
fn in_part(view: &View, picture: &Picture, room: usize, seats: usize) -> Option<String> {
    let of = |what: &str, first: usize, room: usize, all: usize| {
        let last = (first + room).min(all);
        (all > room).then(|| format!("{what} {}–{last}/{}", first + 1, grouped(all as u64)))
    };
    let rows = picture.sections()[view.chosen].tickets().rows().len();
    let rows = of("rows", view.rows.top, room, rows);
    let seats = of("seats", view.across.top, seats, picture.shape(view.chosen).widest);
    let parts: Vec<String> = rows.into_iter().chain(seats).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// How the seats of a section are laid out.
struct Grid {
    /// Columns before the first seat.
    margin: u16,
    /// Columns from one seat to the next.
    pitch: u16,
    /// Seats that there is room for side by side.
    seats: usize,
    /// Whether that is enough for every row.
    is_whole: bool,
    /// Columns that it takes.
    width: u16,
}

impl Grid {
    fn new(picture: &Picture, section: usize, width: u16) -> Self {
        let shape = picture.shape(section);
        let margin = columns(shape.margin.min(MARGIN_MAX) + 2);
        let room = usize::from(width.saturating_sub(margin));
        // With a space between two seats a section looks as it does from above.
        let is_roomy = shape.widest * 2 <= room + 1;
        let (pitch, seats) = if is_roomy { (2, room.div_ceil(2)) } else { (1, room) };
        let taken = usize::from(margin) + (shape.widest * usize::from(pitch)).min(room);
        let width = columns(taken);
        Self { margin, pitch, seats, is_whole: shape.widest <= seats, width }
    }

    /// Draws rows, from row `top` and seat `across` on; answers the room that is left beneath.
    fn rows(
        &self,
        area: Rect,
        buffer: &mut Buffer,
        (picture, section): (&Picture, usize),
        (top, across): (usize, usize),
        paint: Paint,
    ) -> Rect {
        let map = &picture.sections()[section];
        let mut drawn = 0;
        for (row, depth) in area.rows().zip(top..map.tickets().rows().len()) {
            let name = map.tickets().row_name(depth);
            let letters = name.chars().count().min(MARGIN_MAX);
            let x = row.x + self.margin.saturating_sub(columns(letters) + 1);
            put(buffer, (x, row.y), columns(MARGIN_MAX), name, paint.style(Tone::Faint));
            let cells = drawing::cells(map, depth);
            let places = (row.x + self.margin..row.right()).step_by(usize::from(self.pitch));
            for (x, cell) in places.zip(cells.into_iter().skip(across)) {
                if let (Some(status), Some(at)) = (cell, buffer.cell_mut((x, row.y))) {
                    at.set_char(drawing::sign(status)).set_style(paint.style(status.into()));
                }
            }
            drawn += 1;
        }
        Rect { y: area.y + drawn, height: area.height - drawn, ..area }
    }
}
