//! The header of a venue file: which shape it has, and where its columns stand.

use std::fmt;

use csv::StringRecord;

use super::fault::{Flaw, VenueFaults, shown};
use crate::domain::name;

/// A column of a venue file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The section's name.
    Section,
    /// The row's name.
    Row,
    /// The seat's name.
    Seat,
    /// The ticket type.
    Type,
    /// What each seat costs.
    Price,
    /// How many rows the section has.
    Rows,
    /// How many seats each row has.
    SeatsPerRow,
    /// The door that leads to the section.
    Entrance,
    /// Whether an aisle follows a seat; in a file with a line per section, the seats that one follows.
    AisleAfter,
}

impl Column {
    const ALL: [Self; 9] = [
        Self::Section,
        Self::Row,
        Self::Seat,
        Self::Type,
        Self::Price,
        Self::Rows,
        Self::SeatsPerRow,
        Self::Entrance,
        Self::AisleAfter,
    ];

    /// Its name in the header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Section => "section",
            Self::Row => "row",
            Self::Seat => "seat",
            Self::Type => "type",
            Self::Price => "price",
            Self::Rows => "rows",
            Self::SeatsPerRow => "seats_per_row",
            Self::Entrance => "entrance",
            Self::AisleAfter => "aisle_after",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| name::same(column.name(), name))
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The two kinds of venue file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One line per section.
    Sections,
    /// One line per seat.
    Seats,
}

impl Shape {
    /// The columns that such a file has.
    const fn required(self) -> &'static [Column] {
        match self {
            Self::Sections => {
                &[Column::Section, Column::Type, Column::Price, Column::Rows, Column::SeatsPerRow]
            }
            Self::Seats => {
                &[Column::Section, Column::Row, Column::Seat, Column::Type, Column::Price]
            }
        }
    }

    /// The columns that such a file may have.
    const fn optional(self) -> &'static [Column] {
        match self {
            Self::Sections => &[Column::Entrance, Column::AisleAfter],
            Self::Seats => &[Column::AisleAfter],
        }
    }

    /// Tells the shapes apart by the columns that only one of them has.
    fn of_columns(columns: &[Option<Column>]) -> Option<Self> {
        let has = |column| columns.contains(&Some(column));
        let counted = has(Column::Rows) || has(Column::SeatsPerRow);
        let named = has(Column::Row) || has(Column::Seat);
        match (counted, named) {
            (true, false) => Some(Self::Sections),
            (false, true) => Some(Self::Seats),
            _ => None,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sections => "section,type,price,rows,seats_per_row[,entrance][,aisle_after]",
            Self::Seats => "section,row,seat,type,price[,aisle_after]",
        })
    }
}

/// A header without faults.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) shape: Shape,
    columns: Vec<Column>,
}

impl Header {
    /// Reads the header from the fields of its line; every fault of it is told. Empty fields at its
    /// end, which spreadsheets write, are no columns.
    pub(super) fn read(fields: &StringRecord, line: u64, faults: &mut VenueFaults) -> Option<Self> {
        let mut names: Vec<&str> = fields.iter().map(str::trim).collect();
        names.truncate(names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1));
        let columns: Vec<Option<Column>> = names.iter().copied().map(Column::named).collect();
        let Some(shape) = Shape::of_columns(&columns) else {
            let found = shown(&names.join(","));
            faults.push(line, None, Flaw::NeitherShape { found });
            return None;
        };
        let mut known = Vec::new();
        for ((column, name), number) in columns.into_iter().zip(names).zip(1..) {
            match column.filter(|c| shape.required().contains(c) || shape.optional().contains(c)) {
                Some(column) if known.contains(&column) => {
                    faults.push(line, Some(column), Flaw::DuplicateColumn);
                }
                Some(column) => known.push(column),
                None if name.is_empty() => {
                    faults.push(line, None, Flaw::UnnamedColumn { number, shape });
                }
                None => {
                    let name = shown(name);
                    faults.push(line, None, Flaw::UnknownColumn { name, shape });
                }
            }
        }
        for column in shape.required().iter().filter(|column| !known.contains(column)) {
            faults.push(line, Some(*column), Flaw::MissingColumn { shape });
        }
        faults.is_empty().then_some(Self { shape, columns: known })
    }

    /// How many fields each line has; those behind are empty.
    pub(super) const fn width(&self) -> usize {
        self.columns.len()
    }

    /// The column at a place of the line, from 0.
    pub(super) fn column_at(&self, place: usize) -> Option<Column> {
        self.columns.get(place).copied()
    }

    /// The place of a column in the line, from 0.
    pub(super) fn place_of(&self, column: Column) -> Option<usize> {
        self.columns.iter().position(|known| *known == column)
    }
}
