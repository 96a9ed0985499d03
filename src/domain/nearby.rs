//! Seats near those that somebody wanted and cannot have.

use super::SeatLabel;

/// How many seats farther away an alternative may be that leaves no single free seat beside it.
const ORPHAN_DISTANCE: usize = 2;

/// How many seats to the side one row to the front or the back is worth.
const ROW_DISTANCE: usize = 2;

/// One seat of a section, as far as choosing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The seat.
    pub label: &'a SeatLabel,
    /// Whether it can be had.
    pub free: bool,
    /// Whether an aisle or a gap parts it from the seat before.
    pub gap_before: bool,
}

/// As many free seats as are `wanted`, side by side and as near to the first of these as there are
/// any; none where the section has none. `section` is in the order of the venue.
#[must_use]
pub fn nearby(section: &[Place<'_>], wanted: &[SeatLabel]) -> Option<Vec<SeatLabel>> {
    let rows: Vec<&[Place<'_>]> = section.chunk_by(|a, b| a.label.row == b.label.row).collect();
    let first = |row: &&[Place<'_>]| row.iter().position(|place| wanted.contains(place.label));
    let aim = rows.iter().enumerate().find_map(|(depth, row)| Some((depth, first(row)?)))?;
    let blocks = rows.iter().enumerate().flat_map(|(depth, row)| {
        let starts = 0..row.len().saturating_sub(wanted.len() - 1);
        starts.map(move |start| (depth, start))
    });
    let (depth, start) = blocks
        .filter(|(depth, start)| is_block(&rows[*depth][*start..*start + wanted.len()]))
        .min_by_key(|(depth, start)| {
            let away = ROW_DISTANCE * depth.abs_diff(aim.0) + start.abs_diff(aim.1);
            let end = start + wanted.len();
            (away + ORPHAN_DISTANCE * orphans(rows[*depth], *start, end), *depth, *start)
        })?;
    let block = &rows[depth][start..start + wanted.len()];
    Some(block.iter().map(|place| place.label.clone()).collect())
}

/// Whether these seats are free and side by side.
fn is_block(seats: &[Place<'_>]) -> bool {
    seats.iter().all(|seat| seat.free) && !seats.iter().skip(1).any(|seat| seat.gap_before)
}

/// How many single free seats would be left beside the seats from `start` to before `end`.
fn orphans(row: &[Place<'_>], start: usize, end: usize) -> usize {
    // Whether the seat at `place` can be had together with the one before it.
    let joins = |place: usize| {
        place > 0
            && place < row.len()
            && !row[place].gap_before
            && row[place].free
            && row[place - 1].free
    };
    let left = joins(start) && !joins(start - 1);
    let right = joins(end) && !joins(end + 1);
    usize::from(left) + usize::from(right)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A section drawn as rows of text: `.` free, `x` taken, `W` wanted and taken, `w` wanted and
    /// free, `|` an aisle. Answers with the seats as `row/seat`, both from 0.
    fn near(drawing: &[&str]) -> Option<Vec<String>> {
        let mut section: Vec<(SeatLabel, bool, bool)> = Vec::new();
        let mut wanted = Vec::new();
        for (row, line) in drawing.iter().enumerate() {
            let (mut seat, mut gap) = (0, false);
            for sign in line.chars() {
                if sign == '|' {
                    gap = true;
                    continue;
                }
                let label: SeatLabel = format!("A/{row}/{seat}").parse().unwrap();
                if matches!(sign, 'w' | 'W') {
                    wanted.push(label.clone());
                }
                section.push((label, matches!(sign, '.' | 'w'), gap));
                seat += 1;
                gap = false;
            }
        }
        let places: Vec<Place<'_>> = section
            .iter()
            .map(|(label, free, gap_before)| Place { label, free: *free, gap_before: *gap_before })
            .collect();
        let found = nearby(&places, &wanted)?;
        Some(found.iter().map(|label| format!("{}/{}", label.row, label.seat)).collect())
    }

    #[test]
    fn the_nearest_seats_are_beside_those_that_were_wanted() {
        assert_eq!(near(&["....WW...."]).unwrap(), ["0/2", "0/3"]);
        assert_eq!(near(&["xxxxWwxx", "........"]).unwrap(), ["1/4", "1/5"]);
        assert_eq!(near(&["........", "xxxxWwxx", "xx..xxxx"]).unwrap(), ["0/4", "0/5"]);
    }

    #[test]
    fn one_that_leaves_no_single_seat_may_be_a_little_farther() {
        assert_eq!(near(&["xW...x"]).unwrap(), ["0/2"]);
        assert_eq!(near(&["xW..x", "x.xxx"]).unwrap(), ["1/1"]);
        assert_eq!(near(&["xW..x"]).unwrap(), ["0/2"], "but is not refused for it");
    }

    #[test]
    fn a_party_is_not_parted_by_an_aisle() {
        assert_eq!(near(&["WW.|.x", "xxx|..xx"]).unwrap(), ["1/3", "1/4"]);
        assert_eq!(near(&["WW.|.x"]), None);
        assert_eq!(near(&["..."]), None, "nothing was wanted there");
    }

    proptest! {
        #[test]
        fn what_is_nearby_is_free_and_side_by_side_and_found_whenever_there_is_some(
            lines in prop::collection::vec("[.x|]{0,10}", 0..5),
            size in 1_usize..4,
        ) {
            let wanted = "W".repeat(size);
            let mut drawing = vec![wanted.as_str()];
            drawing.extend(lines.iter().map(String::as_str));
            let runs = lines.iter().flat_map(|line| line.split(['x', '|']));
            let exists = runs.map(str::len).max().unwrap_or(0) >= size;
            let found = near(&drawing);
            prop_assert_eq!(found.is_some(), exists, "{:?}", drawing);
            let seats: Vec<(usize, usize)> = found.unwrap_or_default().iter().map(|seat| {
                let (row, seat) = seat.split_once('/').unwrap();
                (row.parse().unwrap(), seat.parse().unwrap())
            }).collect();
            for pair in seats.windows(2) {
                prop_assert_eq!((pair[0].0, pair[0].1 + 1), pair[1]);
            }
            for (row, seat) in seats {
                let sign = drawing[row].chars().filter(|sign| *sign != '|').nth(seat);
                prop_assert_eq!(sign, Some('.'));
            }
        }
    }
}
