//! Venue files with one line per section.

use std::collections::HashMap;
use std::sync::Arc;

use super::fault::{Flaw, VenueFaults};
use super::header::Column;
use super::prices::Prices;
use super::records::{Record, Records};
use super::{SECTIONS_MAX, Seating, SectionLayout, TICKETS_MAX};
use crate::domain::name;

/// Reads the sections, in the order of the file.
pub(super) fn read(
    records: &mut Records<'_>,
    prices: &mut Prices,
    faults: &mut VenueFaults,
) -> Vec<SectionLayout> {
    let mut sections = Vec::new();
    let mut known = Known::default();
    let mut tickets = 0;
    while let Some(record) = records.next(faults) {
        let Some(section) = read_section(&record, prices, &mut known, faults) else {
            continue;
        };
        let tickets_before = tickets;
        tickets += section.seats();
        // Told once, at the line that goes beyond.
        if tickets_before <= TICKETS_MAX && tickets > TICKETS_MAX {
            faults.push(record.line, None, Flaw::TooManyTickets { tickets });
        }
        if sections.len() == SECTIONS_MAX {
            record.fault(Column::Section, Flaw::TooManySections, faults);
        }
        sections.push(section);
    }
    sections
}

/// What the lines before have named, by what all spellings of it have in common.
#[derive(Default)]
struct Known {
    /// The line of each section.
    lines: HashMap<String, u64>,
    /// The first spelling of each type.
    types: HashMap<String, Arc<str>>,
}

fn read_section(
    record: &Record<'_>,
    prices: &mut Prices,
    known: &mut Known,
    faults: &mut VenueFaults,
) -> Option<SectionLayout> {
    let name = record.text(Column::Section, faults);
    let type_id = record.text(Column::Type, faults);
    let price = prices.read(record, faults);
    let rows = record.count(Column::Rows, faults);
    let seats_per_row = record.count(Column::SeatsPerRow, faults);
    let entrance = record.optional_text(Column::Entrance, faults);
    let aisles = record.aisle_seats(seats_per_row.unwrap_or(u32::MAX), faults);
    let name = name?.into_owned();
    let first_line = *known.lines.entry(name::folded(&name)).or_insert(record.line);
    if first_line != record.line {
        let flaw = Flaw::DuplicateSection { name, first_line };
        record.fault(Column::Section, flaw, faults);
        return None;
    }
    let type_id = type_id?;
    let first_spelling = known.types.entry(name::folded(&type_id));
    let section = SectionLayout {
        name,
        type_id: Arc::clone(first_spelling.or_insert_with(|| type_id.into())),
        entrance: entrance?.into_owned(),
        seating: Seating::Grid { rows: rows?, seats_per_row: seats_per_row?, price: price? },
    };
    // A section that is too large is a fault of its file; its seats are not listed.
    let has_aisles = !aisles.is_empty() && section.seats() <= TICKETS_MAX;
    Some(if has_aisles { section.with_aisles_after(&aisles) } else { section })
}
