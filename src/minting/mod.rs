//! What is minted: a layout of sections, rows and seats, read from a venue file.
//!
//! [`read_layout`] checks a whole file and names every fault of it, so that a layout it returns can
//! be minted. Minting itself is the business of [`repository`](crate::repository).

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::{Money, Section};

pub mod arena;
mod digest;
mod encoding;
pub mod fault;
mod header;
mod lines;
mod per_seat;
mod per_section;
mod prices;
mod records;

pub use arena::{arena_of, builtin_arena};
pub use fault::{Flaw, VenueFault, VenueFaults};
pub use header::{Column, Shape};
pub use records::read_layout;

/// The most tickets that one event can have.
pub const TICKETS_MAX: u64 = 5_000_000;
/// The most sections that one event can have.
pub const SECTIONS_MAX: usize = 10_000;

/// All seats of a venue as they are sold for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The sections, in the order of the file.
    pub sections: Vec<SectionLayout>,
    /// The SHA-256 of the sections, in hexadecimal. It is taken of what was read, not of the bytes:
    /// line ends, quotes, the order of columns and `49.5` for `49.50` make no difference to it, the
    /// currency and the order of sections do.
    pub digest: String,
}

/// One section of a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionLayout {
    /// Its name, unique within the layout.
    pub name: String,
    /// The ticket type of its seats; of a section with several, the first.
    pub type_id: Arc<str>,
    /// The door that leads to it; empty where nobody said.
    pub entrance: String,
    /// Its seats.
    pub seating: Seating,
}

/// The seats of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seating {
    /// Rows `1..=rows` of seats `1..=seats_per_row`, at one price.
    Grid {
        /// How many rows.
        rows: u32,
        /// How many seats in each row.
        seats_per_row: u32,
        /// What each seat costs.
        price: Money,
    },
    /// Every seat named: rows from the front to the back, seats of a row from left to right.
    Listed(Vec<ListedSeat>),
}

/// One named seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSeat {
    /// The row's name.
    pub row: Arc<str>,
    /// The seat's name.
    pub seat: Arc<str>,
    /// The ticket type.
    pub type_id: Arc<str>,
    /// What it costs.
    pub price: Money,
    /// Whether an aisle follows, between it and the next seat of its row; where the file does not say,
    /// the names of the seats do.
    pub aisle_after: Option<bool>,
}

impl SectionLayout {
    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> u32 {
        match &self.seating {
            Seating::Grid { rows, .. } => *rows,
            Seating::Listed(seats) => {
                let rows = seats.chunk_by(|a, b| a.row == b.row).count();
                u32::try_from(rows).unwrap_or(u32::MAX)
            }
        }
    }

    /// How many seats it has.
    #[must_use]
    pub fn seats(&self) -> u64 {
        match &self.seating {
            Seating::Grid { rows, seats_per_row, .. } => {
                u64::from(*rows) * u64::from(*seats_per_row)
            }
            Seating::Listed(seats) => seats.len() as u64,
        }
    }

    /// What is stored of the section itself.
    #[must_use]
    pub fn section(&self) -> Section {
        Section {
            name: self.name.clone(),
            type_id: self.type_id.to_string(),
            entrance: self.entrance.clone(),
            rows: self.rows(),
            seats: self.seats(),
        }
    }

    /// The same section with every seat listed, and an aisle after these seats of each row.
    fn with_aisles_after(mut self, seats: &[u32]) -> Self {
        let seats: HashSet<String> = seats.iter().map(ToString::to_string).collect();
        let is_named = |seat: &ListedSeat| seats.contains(&*seat.seat);
        let listed = (0..self.seats()).filter_map(|index| self.seat(index)).map(|seat| {
            let aisle_after = is_named(&seat).then_some(true);
            ListedSeat { aisle_after, ..seat }
        });
        self.seating = Seating::Listed(listed.collect());
        self
    }

    /// The seat at `index`, counted row by row from 0.
    #[must_use]
    pub fn seat(&self, index: u64) -> Option<ListedSeat> {
        if index >= self.seats() {
            return None;
        }
        match &self.seating {
            Seating::Grid { seats_per_row, price, .. } => {
                let per_row = u64::from(*seats_per_row);
                Some(ListedSeat {
                    row: (index / per_row + 1).to_string().into(),
                    seat: (index % per_row + 1).to_string().into(),
                    type_id: Arc::clone(&self.type_id),
                    price: *price,
                    aisle_after: None,
                })
            }
            Seating::Listed(seats) => seats.get(usize::try_from(index).ok()?).cloned(),
        }
    }
}

impl Layout {
    /// Puts sections together and takes their digest.
    #[must_use]
    pub fn of_sections(sections: Vec<SectionLayout>) -> Self {
        let digest = digest::of_sections(&sections);
        Self { sections, digest }
    }

    /// How many tickets there will be.
    #[must_use]
    pub fn tickets(&self) -> u64 {
        self.sections.iter().map(SectionLayout::seats).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    #[test]
    fn a_grid_is_counted_row_by_row_from_row_1_seat_1() {
        let price = Money::from_minor(4950, Currency::EUR);
        let section = SectionLayout {
            name: "Stalls".into(),
            type_id: "regular".into(),
            entrance: String::new(),
            seating: Seating::Grid { rows: 2, seats_per_row: 3, price },
        };
        let seats: Vec<String> = (0..7)
            .filter_map(|index| section.seat(index))
            .map(|seat| format!("{}/{}", seat.row, seat.seat))
            .collect();
        assert_eq!(seats, ["1/1", "1/2", "1/3", "2/1", "2/2", "2/3"]);
    }
}
