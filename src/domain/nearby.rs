//! Seats near those that somebody wanted and cannot have.

use super::seating::{Block, blocks_of_section};
use super::section_tickets::Kind;
use super::{SeatLabel, SectionMap};

/// How many seats farther away an alternative may be that leaves no single free seat beside it.
const ORPHAN_DISTANCE: usize = 2;

/// How many seats to the side one row to the front or the back is worth.
const ROW_DISTANCE: usize = 2;

/// As many free seats as are `wanted`, side by side and as near to the first of these as there are
/// any; none where the section has none. Accessible seats are among them only where one is wanted.
#[must_use]
pub fn nearby(map: &SectionMap, wanted: &[SeatLabel]) -> Option<Vec<SeatLabel>> {
    let tickets = map.tickets();
    let size = u32::try_from(wanted.len()).ok()?;
    let spot = |place: usize| {
        let depth = tickets.depth_of(place);
        (depth, place - tickets.rows()[depth].start)
    };
    let seats = wanted.iter().filter_map(|seat| tickets.place_of(&seat.row, &seat.seat));
    let places: Vec<usize> = seats.collect();
    let aim = spot(*places.iter().min()?);
    let is_accessible = places.iter().any(|place| tickets.is_accessible(*place));
    let kind = if is_accessible { Kind::Every } else { tickets.general() };
    let away = |block: &Block| {
        let (depth, start) = spot(block.places.start);
        ROW_DISTANCE * depth.abs_diff(aim.0) + start.abs_diff(aim.1)
    };
    let block = blocks_of_section(map, size, kind).min_by_key(|block| {
        (away(block) + ORPHAN_DISTANCE * block.orphans as usize, block.places.start)
    })?;
    Some(tickets.tickets()[block.places].iter().map(|ticket| ticket.label.clone()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::seat_map::drawn::drawn;

    /// A section drawn as rows of text: `.` free, `x` taken, `W` wanted and taken, `w` wanted and
    /// free, a blank an aisle. Answers with the seats as `row/seat`, both from 1.
    fn near(drawing: &[&str]) -> Option<Vec<String>> {
        let (map, wanted) = section(drawing);
        let found = nearby(&map, &wanted)?;
        Some(found.iter().map(|label| format!("{}/{}", label.row, label.seat)).collect())
    }

    /// The section that is drawn, and the seats that are wanted.
    fn section(drawing: &[&str]) -> (SectionMap, Vec<SeatLabel>) {
        let lines: Vec<String> =
            drawing.iter().map(|line| line.replace('W', "x").replace('w', ".")).collect();
        let map = drawn("A", &lines.iter().map(String::as_str).collect::<Vec<_>>());
        let signs = drawing.iter().flat_map(|line| line.chars()).filter(|sign| *sign != ' ');
        let seats = map.seats().zip(signs).filter(|(_, sign)| matches!(sign, 'w' | 'W'));
        let wanted = seats.map(|((ticket, _), _)| ticket.label.clone()).collect();
        (map, wanted)
    }

    #[test]
    fn the_nearest_seats_are_beside_those_that_were_wanted() {
        assert_eq!(near(&["....WW...."]).unwrap(), ["1/3", "1/4"]);
        assert_eq!(near(&["xxxxWwxx", "........"]).unwrap(), ["2/5", "2/6"]);
        assert_eq!(near(&["........", "xxxxWwxx", "xx..xxxx"]).unwrap(), ["1/5", "1/6"]);
    }

    #[test]
    fn one_that_leaves_no_single_seat_may_be_a_little_farther() {
        assert_eq!(near(&["xW...x"]).unwrap(), ["1/3"]);
        assert_eq!(near(&["xW..x", "x.xxx"]).unwrap(), ["2/2"]);
        assert_eq!(near(&["xW..x"]).unwrap(), ["1/3"], "but is not refused for it");
    }

    #[test]
    fn a_party_is_not_parted_by_an_aisle() {
        assert_eq!(near(&["WW. .x", "xxx ..xx"]).unwrap(), ["2/5", "2/6"]);
        assert_eq!(near(&["WW. .x"]), None);
        assert_eq!(near(&["..."]), None, "nothing was wanted there");
    }

    proptest! {
        #[test]
        fn what_is_nearby_is_free_and_side_by_side_and_found_whenever_there_is_some(
            lines in prop::collection::vec("[.xa ]{0,10}", 0..5),
            size in 1_usize..4,
        ) {
            let wanted = "W".repeat(size);
            let mut drawing = vec![wanted.as_str()];
            drawing.extend(lines.iter().map(String::as_str));
            let (map, wanted) = section(&drawing);
            let found = nearby(&map, &wanted);
            prop_assert_eq!(found.is_some(), map.fits(u32::try_from(size).unwrap(), None));
            let of = |seat: &SeatLabel| map.seats().position(|(ticket, _)| ticket.label == *seat);
            let places: Vec<usize> = found.iter().flatten().map(|seat| of(seat).unwrap()).collect();
            for pair in places.windows(2) {
                prop_assert_eq!(pair[0] + 1, pair[1]);
                prop_assert!(map.tickets().is_joined(pair[1]));
            }
            for place in places {
                prop_assert!(map.is_free(place, map.tickets().general()));
            }
        }
    }
}
