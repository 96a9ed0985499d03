//! Which seats a buyer asks for when he looks at the map of a section.
//!
//! If everybody asked for the very best seats, all who look at the same time would want the same
//! ones; so part of them begin to look further back.

use std::ops::Range;

use super::plan::Spot;
use crate::domain::seating::{Block, best_of_section, best_of_stretch};
use crate::domain::{SectionMap, TicketId};

/// A buyer with a taste of his own looks at as many seats as so many parties of his size fill.
const STRETCH_PARTIES: usize = 2;

/// Chooses `party` seats side by side: near the spot that the buyer fancies, in the first row from
/// there on that has enough; the best of the section where he fancies none. None where no row has
/// enough.
#[must_use]
pub fn choose(map: &SectionMap, party: u32, spot: Option<Spot>) -> Option<Vec<TicketId>> {
    if !map.fits(party, None) {
        return None;
    }
    let block = match spot {
        Some(spot) => near(map, party, spot)?,
        None => best_of_section(map, party)?,
    };
    let seats = &map.tickets().tickets()[block.places];
    Some(seats.iter().map(|ticket| ticket.ticket_id).collect())
}

/// Seats near a spot: first in a stretch of its row, then anywhere in this row or one behind it, at
/// last in front of it.
fn near(map: &SectionMap, party: u32, spot: Spot) -> Option<Block> {
    let rows = map.tickets().rows();
    let first = rows.len() * usize::from(spot.depth_permille) / 1000;
    let depths = (first..rows.len()).chain(0..first);
    depths.filter(|depth| map.vacant_in_row(*depth, None).longest >= party).find_map(|depth| {
        let row = &rows[depth];
        best_of_stretch(map, depth, stretch(row, party, spot.side_permille), party)
            .or_else(|| best_of_stretch(map, depth, row.clone(), party))
    })
}

/// The places of a row around the fancied one.
fn stretch(row: &Range<usize>, party: u32, side_permille: u16) -> Range<usize> {
    let width = STRETCH_PARTIES * party as usize;
    let first = row.len().saturating_sub(width) * usize::from(side_permille) / 1000;
    let start = row.start + first;
    start..row.end.min(start + width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::seat_map::drawn::drawn;

    fn chosen(rows: &[&str], party: u32, spot: Option<Spot>) -> Option<Vec<String>> {
        let map = drawn("A", rows);
        let tickets = map.tickets().tickets();
        let name = |id| tickets.iter().find(|t| t.ticket_id == id).unwrap().label.to_string();
        let ids = choose(&map, party, spot)?;
        Some(ids.into_iter().map(name).collect())
    }

    fn spot(depth_permille: u16, side_permille: u16) -> Spot {
        Spot { depth_permille, side_permille }
    }

    #[test]
    fn some_want_the_best_and_others_sit_further_back_or_to_a_side() {
        let rows = ["......", "......"];
        assert_eq!(chosen(&rows, 2, None).unwrap(), ["A/1/3", "A/1/4"]);
        assert_eq!(chosen(&rows, 1, Some(spot(499, 0))).unwrap(), ["A/1/1"]);
        assert_eq!(chosen(&rows, 1, Some(spot(999, 999))).unwrap(), ["A/2/4"]);
    }

    #[test]
    fn whoever_looks_at_the_back_finds_what_is_left_in_front() {
        let rows = ["......", "..s..."];
        assert_eq!(chosen(&rows, 4, Some(spot(999, 500))).unwrap()[0], "A/1/1");
        assert_eq!(chosen(&rows, 7, Some(spot(999, 999))), None);
        assert_eq!(chosen(&rows, 7, None), None);
    }

    #[test]
    fn whoever_finds_no_room_at_his_side_sits_elsewhere_in_the_row() {
        assert_eq!(chosen(&["ssss.."], 2, Some(spot(0, 0))).unwrap(), ["A/1/5", "A/1/6"]);
    }
}
