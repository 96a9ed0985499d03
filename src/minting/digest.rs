//! The digest that tells whether a venue is the one that an event was minted from.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{Seating, SectionLayout};
use crate::domain::Money;

/// Names the way in which layouts are written below, so that another way gives other digests.
const FORMAT: &str = "tix layout 1";

/// The SHA-256 of sections, in hexadecimal.
pub(super) fn of_sections(sections: &[SectionLayout]) -> String {
    let mut hash = LayoutHash(Sha256::new());
    hash.text(FORMAT);
    for section in sections {
        hash.section(section);
    }
    hash.hexadecimal()
}

struct LayoutHash(Sha256);

impl LayoutHash {
    fn section(&mut self, section: &SectionLayout) {
        self.text(&section.name);
        self.text(&section.type_id);
        self.text(&section.entrance);
        match &section.seating {
            Seating::Grid { rows, seats_per_row, price } => {
                self.text("grid");
                self.number(u64::from(*rows));
                self.number(u64::from(*seats_per_row));
                self.price(*price);
            }
            Seating::Listed(seats) => {
                // Layouts of earlier versions have no aisles, and keep their digests.
                let has_aisles = seats.iter().any(|seat| seat.aisle_after.is_some());
                self.text(if has_aisles { "listed with aisles" } else { "listed" });
                self.number(seats.len() as u64);
                for seat in seats {
                    self.text(&seat.row);
                    self.text(&seat.seat);
                    self.text(&seat.type_id);
                    self.price(seat.price);
                    if has_aisles {
                        self.number(seat.aisle_after.map_or(0, |aisle| 1 + u64::from(aisle)));
                    }
                }
            }
        }
    }

    /// A text goes in behind its length: no two lists of texts look alike.
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn price(&mut self, price: Money) {
        self.0.update(price.minor().to_le_bytes());
        self.0.update(price.currency().code());
    }

    fn hexadecimal(self) -> String {
        self.0.finalize().iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
