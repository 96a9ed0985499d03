//! A section as it was minted: its tickets, and how they sit side by side.

use std::collections::HashMap;
use std::ops::Range;

use fixedbitset::FixedBitSet;

use super::accessible::is_accessible;
use super::aisles::gaps;
use super::{Section, Ticket, name};

/// A section and its tickets in the order of the venue: all that never changes.
///
/// A ticket is known by its place in the section, from 0; a row by its depth, 0 for the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionTickets {
    section: Section,
    tickets: Vec<Ticket>,
    /// The places of each row.
    rows: Vec<Range<usize>>,
    /// The places whose seat is beside that of the place before.
    joined: FixedBitSet,
    /// Its ticket types, in the order of their first tickets.
    types: Vec<Box<str>>,
    /// The number of each ticket's type; empty if all are of one.
    type_of: Vec<u32>,
    /// Which of the types are chosen only where they are asked for.
    accessible: Vec<bool>,
}

/// Which tickets of a section a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// All of them.
    Every,
    /// Those that are chosen where no type is asked for: all but the accessible ones.
    General,
    /// Those of one type, of several.
    Type(u32),
}

impl SectionTickets {
    /// Puts a section and its tickets together: row by row from the front to the back, and in a row
    /// from left to right. Seat names say where the aisles are.
    #[must_use]
    pub fn new(section: Section, tickets: Vec<Ticket>) -> Self {
        Self::with_aisles(section, tickets, &[])
    }

    /// The same, where the venue says of some places whether an aisle follows, whatever the names say.
    #[must_use]
    pub fn with_aisles(section: Section, tickets: Vec<Ticket>, said: &[(usize, bool)]) -> Self {
        let mut rows = Vec::new();
        let mut joined = FixedBitSet::with_capacity(tickets.len());
        let mut start = 0;
        for row in tickets.chunk_by(|a, b| a.label.row == b.label.row) {
            let gaps = gaps(row.iter().map(|ticket| &*ticket.label.seat));
            let beside = (start + 1..).zip(&gaps[1..]).filter(|(_, gap)| !**gap);
            joined.extend(beside.map(|(place, _)| place));
            rows.push(start..start + row.len());
            start += row.len();
        }
        for (place, aisle_follows) in said {
            let next = place + 1;
            if next < tickets.len() && tickets[next].label.row == tickets[*place].label.row {
                joined.set(next, !aisle_follows);
            }
        }
        let (types, type_of) = types(&tickets);
        let accessible = types.iter().map(|name| is_accessible(name)).collect();
        Self { section, tickets, rows, joined, types, type_of, accessible }
    }

    /// The section.
    #[must_use]
    pub const fn section(&self) -> &Section {
        &self.section
    }

    /// Its tickets, row by row.
    #[must_use]
    pub fn tickets(&self) -> &[Ticket] {
        &self.tickets
    }

    /// The places of each row, the first row first.
    #[must_use]
    pub fn rows(&self) -> &[Range<usize>] {
        &self.rows
    }

    /// The name of a row; empty where there is none so deep.
    #[must_use]
    pub fn row_name(&self, depth: usize) -> &str {
        self.rows.get(depth).map_or("", |row| &self.tickets[row.start].label.row)
    }

    /// The place of a row and seat, in any spelling that only one row and one seat have.
    #[must_use]
    pub fn place_of(&self, row: &str, seat: &str) -> Option<usize> {
        let places = name::find(self.rows.iter(), |row| &self.tickets[row.start].label.row, row)?;
        name::find(places.clone(), |place| &self.tickets[place].label.seat, seat)
    }

    /// The ticket of a row and seat, in any spelling that only one row and one seat have.
    #[must_use]
    pub fn find(&self, row: &str, seat: &str) -> Option<&Ticket> {
        self.place_of(row, seat).map(|place| &self.tickets[place])
    }

    /// Whether the seat at a place is beside that of the place before: in the same row, with no
    /// aisle and no gap between.
    #[must_use]
    pub fn is_joined(&self, place: usize) -> bool {
        self.joined.contains(place)
    }

    /// The names of its ticket types, each once.
    pub fn types(&self) -> impl Iterator<Item = &str> + Clone {
        self.types.iter().map(|name| &**name)
    }

    /// The type of this name, in any spelling, as this section writes it.
    pub(super) fn type_named(&self, ticket_type: Option<&str>) -> Option<&str> {
        name::find(self.types(), |known| known, ticket_type?)
    }

    /// The place among [`types`](Self::types) of the type of the ticket at a place.
    #[must_use]
    pub fn type_number(&self, place: usize) -> usize {
        self.type_at(place).map_or(0, |number| number as usize)
    }

    /// The number of the type of the ticket at a place, if there are several types.
    pub(super) fn type_at(&self, place: usize) -> Option<u32> {
        self.type_of.get(place).copied()
    }

    /// The depth of the row that has a place.
    pub(super) fn depth_of(&self, place: usize) -> usize {
        self.rows.partition_point(|row| row.end <= place)
    }

    /// Whether the ticket at a place is chosen only where its type is asked for.
    #[must_use]
    pub fn is_accessible(&self, place: usize) -> bool {
        self.accessible.get(self.type_number(place)).copied().unwrap_or(false)
    }

    /// The tickets that are chosen where no type is asked for.
    pub(super) fn general(&self) -> Kind {
        if self.accessible.contains(&true) { Kind::General } else { Kind::Every }
    }

    /// The tickets of a type, in any spelling, or those that are chosen where none is named; none if it
    /// has no such type.
    pub(super) fn kind(&self, ticket_type: Option<&str>) -> Option<Kind> {
        let Some(wanted) = ticket_type else { return Some(self.general()) };
        let found = name::find((0..).zip(&self.types), |(_, known)| known, wanted);
        let kind = |number| if self.type_of.is_empty() { Kind::Every } else { Kind::Type(number) };
        found.map(|(number, _)| kind(number))
    }
}

/// The names of the types, in one spelling each, and the number of each ticket's type if
/// there are several.
fn types(tickets: &[Ticket]) -> (Vec<Box<str>>, Vec<u32>) {
    let mut names: Vec<Box<str>> = Vec::new();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut type_of = Vec::with_capacity(tickets.len());
    for run in tickets.chunk_by(|a, b| a.type_id == b.type_id) {
        let name = &*run[0].type_id;
        let number = *numbers.entry(name::folded(name)).or_insert_with(|| {
            names.push(name.into());
            // A section has fewer tickets than this can count.
            u32::try_from(names.len() - 1).unwrap_or(u32::MAX)
        });
        type_of.extend(std::iter::repeat_n(number, run.len()));
    }
    let type_of = if names.len() > 1 { type_of } else { Vec::new() };
    (names, type_of)
}
