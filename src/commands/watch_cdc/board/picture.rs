//! The venue seat by seat, and how much room it takes to draw it.

use ratatui::text::Span;

use crate::commands::ticket::drawing;
use crate::domain::{Change, SectionMap, StatusCounts};
use crate::output::grouped;
use crate::watch::LiveMap;

/// Every ticket of an event in its condition as of the last change, and the shape of its sections.
#[derive(Debug)]
pub(super) struct Picture {
    map: LiveMap,
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
    /// A picture of a venue that is known.
    pub(super) fn new(map: LiveMap) -> Self {
        let shapes = map.sections().iter().map(shape).collect();
        let list = list_shape(map.sections());
        Self { map, shapes, list }
    }

    /// Shows what a change left behind.
    pub(super) fn apply(&mut self, change: &Change) {
        self.map.apply(change);
    }

    /// Its sections, in the order of the venue.
    pub(super) fn sections(&self) -> &[SectionMap] {
        self.map.sections()
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
        self.map.counts()
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
    use super::*;
    use crate::domain::seat_map::drawn::drawn;

    #[test]
    fn a_shape_has_the_aisles_of_the_widest_row() {
        let picture = Picture::new(LiveMap::new(vec![drawn("A", &["...", ".. ..", "."])]));
        let Shape { caption, margin, widest } = picture.shape(0);
        assert_eq!((caption.as_str(), margin, widest), ("A · regular · 89.50 EUR", &1, &5));
    }
}
