//! What is minted: a layout of sections, rows and seats, read from a venue file.
//!
//! [`Layout`] is checked when it is made; a layout that exists can be minted.

use std::sync::Arc;

use crate::domain::{Money, Section};

/// The most tickets that one event can have.
pub const TICKETS_MAX: u64 = 5_000_000;
/// The most sections that one event can have.
pub const SECTIONS_MAX: usize = 10_000;

/// All seats of a venue as they are sold for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The sections, in the order of the file.
    pub sections: Vec<SectionLayout>,
    /// The SHA-256 of what was read, in hexadecimal: the same file gives the same digest.
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
    /// Every seat named; rows one after the other.
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
                })
            }
            Seating::Listed(seats) => seats.get(usize::try_from(index).ok()?).cloned(),
        }
    }
}

impl Layout {
    /// How many tickets there will be.
    #[must_use]
    pub fn tickets(&self) -> u64 {
        self.sections.iter().map(SectionLayout::seats).sum()
    }
}
