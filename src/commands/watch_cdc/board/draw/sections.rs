//! The list of sections: each with a bar, and what is left of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{self, Paint, put};
use super::{Heading, bar, part};
use crate::commands::watch_cdc::board::picture::Picture;
use crate::commands::watch_cdc::board::view::{Focus, View};
use crate::domain::SectionMap;
use crate::output::{Tone, grouped};

/// Columns before a name: the mark of the section that is chosen.
const MARK: u16 = 2;
/// How long a bar is, and how short it may get before it is left out.
const BAR: u16 = 20;
const BAR_MIN: u16 = 6;
/// Letters of a name that are shown in any case, if it has as many.
const NAME_MIN: u16 = 8;
/// What the numbers at the right are.
const NOTE: &str = "available";

/// How the columns of the list share its width; there is one between two of them.
struct Columns {
    name: u16,
    /// 0 where there is no room for one.
    bar: u16,
    left: u16,
}

fn columns(picture: &Picture, width: u16) -> Columns {
    let shape = picture.list_shape();
    let [name, left] = [shape.name, shape.count].map(paint::columns);
    let room = width.saturating_sub(MARK + left + 1);
    // A long name gives way to the bar, up to a point.
    let name = name.min(room.saturating_sub(BAR_MIN + 1).max(NAME_MIN)).min(room);
    let bar = room.saturating_sub(name + 1).min(BAR);
    Columns { name, bar: if bar < BAR_MIN { 0 } else { bar }, left }
}

/// How many columns the list takes of a window.
pub(super) fn width(picture: &Picture, window: u16) -> u16 {
    let shape = picture.list_shape();
    let whole = usize::from(MARK) + shape.name + 1 + usize::from(BAR) + 1 + shape.count;
    paint::columns(whole).max(28).min(window * 9 / 20)
}

/// Draws the part of the list that has room, with the chosen section in sight.
pub(super) fn draw(
    area: Rect,
    buffer: &mut Buffer,
    picture: &Picture,
    view: &mut View,
    paint: Paint,
) {
    let sections = picture.sections();
    let has_focus = view.focus == Focus::Sections;
    let heading = Heading { title: "Sections", note: NOTE, needs_note: false, has_focus };
    let inner = part(area, buffer, &heading, paint);
    view.list.fit(sections.len(), usize::from(inner.height));
    view.list.reveal(view.chosen);
    let columns = columns(picture, inner.width);
    let in_sight = sections.iter().enumerate().skip(view.list.top);
    for (row, (number, map)) in inner.rows().zip(in_sight) {
        line(row, buffer, map, &columns, number == view.chosen, paint);
    }
}

fn line(
    row: Rect,
    buffer: &mut Buffer,
    map: &SectionMap,
    columns: &Columns,
    is_chosen: bool,
    paint: Paint,
) {
    let style = paint.style(if is_chosen { Tone::Strong } else { Tone::Plain });
    if is_chosen {
        put(buffer, (row.x, row.y), MARK, "▸", style);
    }
    put(buffer, (row.x + MARK, row.y), columns.name, &map.section().name, style);
    let counts = map.counts();
    if columns.bar > 0 {
        let x = row.right().saturating_sub(columns.left + 1 + columns.bar);
        bar::draw(Rect { x, width: columns.bar, ..row }, buffer, &counts, paint);
    }
    let left = format!("{:>width$}", grouped(counts.available), width = usize::from(columns.left));
    let x = row.right().saturating_sub(columns.left);
    let tone = if counts.available > 0 { Tone::Free } else { Tone::Faint };
    put(buffer, (x, row.y), columns.left, &left, paint.style(tone));
}
