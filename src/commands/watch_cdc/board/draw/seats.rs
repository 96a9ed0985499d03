//! The seats of the section that is chosen, row by row, and of those after it as far as there is
//! room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::arrange::{Grid, MARGIN_MAX, Placed, arrange};
use super::paint::{Paint, columns, put, width};
use super::{Heading, part};
use crate::commands::ticket::drawing;
use crate::commands::watch_cdc::board::picture::Picture;
use crate::commands::watch_cdc::board::view::{Focus, View};
use crate::domain::SectionMap;
use crate::output::{Tone, grouped};

/// Draws the seats.
pub(super) fn draw(
    area: Rect,
    buffer: &mut Buffer,
    picture: &Picture,
    view: &mut View,
    paint: Paint,
) {
    let inner = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let placed = arrange(picture, view.chosen, inner);
    let Some(chosen) = placed.first() else { return };
    let map = &picture.sections()[view.chosen];
    view.rows.fit(map.tickets().rows().len(), usize::from(inner.height));
    view.across.fit(picture.shape(view.chosen).widest, chosen.grid.seats);
    let in_part = in_part(view);
    let (free, all) = (map.counts().available, map.section().seats);
    let heading = Heading {
        title: &picture.shape(view.chosen).caption,
        needs_note: in_part.is_some(),
        note: &in_part
            .unwrap_or_else(|| format!("{} of {} available", grouped(free), grouped(all))),
        has_focus: view.focus == Focus::Seats,
    };
    part(area, buffer, &heading, paint);
    for Placed { section, caption, rows, grid } in &placed {
        if let Some((text, at)) = caption {
            let style = paint.style(Tone::Plain);
            put(buffer, (at.x + 1, at.y), at.width.saturating_sub(1), text, style);
        }
        let is_chosen = *section == view.chosen;
        let from = if is_chosen { (view.rows.top, view.across.top) } else { (0, 0) };
        seats(*rows, buffer, &picture.sections()[*section], *grid, from, paint);
    }
}

/// What of the section is in sight, if that is not all of it.
fn in_part(view: &View) -> Option<String> {
    let rows = view.rows.in_part().map(|part| format!("rows {part}"));
    let seats = view.across.in_part().map(|part| format!("seats {part}"));
    let parts: Vec<String> = rows.into_iter().chain(seats).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Draws the rows of a section, from one row and seat on.
fn seats(
    area: Rect,
    buffer: &mut Buffer,
    map: &SectionMap,
    grid: Grid,
    (top, across): (usize, usize),
    paint: Paint,
) {
    for (row, depth) in area.rows().zip(top..map.tickets().rows().len()) {
        let name = map.tickets().row_name(depth);
        let letters = width(name).min(columns(MARGIN_MAX));
        let x = row.x + grid.margin.saturating_sub(letters + 1);
        put(buffer, (x, row.y), letters, name, paint.style(Tone::Faint));
        let places = (row.x + grid.margin..row.right()).step_by(usize::from(grid.pitch));
        for (x, cell) in places.zip(drawing::cells(map, depth).into_iter().skip(across)) {
            if let (Some(status), Some(at)) = (cell, buffer.cell_mut((x, row.y))) {
                at.set_char(drawing::sign(status)).set_style(paint.style(status.into()));
            }
        }
    }
}
