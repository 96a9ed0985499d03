//! Choosing seats: adjacent ones in one row, near the front and the middle, leaving no orphan.
//!
//! A pure function from rows of free and taken seats to a choice, or to why there is none.

use super::Refusal;

/// One row of a section as the chooser sees it, in the order in which people sit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<K> {
    /// How far from the front: 0 is the first row of its section.
    pub depth: usize,
    /// Seats from one end to the other.
    pub seats: Vec<Seat<K>>,
}

/// One seat of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat<K> {
    /// What the caller knows the seat by.
    pub key: K,
    /// Whether it can be had.
    pub free: bool,
    /// Whether an aisle or a gap parts it from the seat before.
    pub gap_before: bool,
}

/// A run of free seats of one row, without a gap in it.
#[derive(Debug, Clone, Copy)]
struct Run {
    row: usize,
    start: usize,
    len: usize,
}

/// How good a block is; the smallest is the best.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    /// Single seats that nobody in company could use, left at either side.
    orphans: usize,
    /// Rows from the front, and seats from the middle, weighed alike.
    distance: usize,
    /// The first row, the first seat: the same answer for the same map.
    row: usize,
    start: usize,
}

/// Chooses `asked` adjacent seats.
///
/// A block that leaves a single orphan seat is chosen only where no other exists: the last possible
/// sale is never refused.
///
/// # Errors
/// [`Refusal::SoldOut`] if fewer than `asked` seats are free, [`Refusal::NoAdjacentBlock`] if enough
/// are free but nowhere side by side.
pub fn best<K: Clone>(rows: &[Row<K>], asked: u32) -> Result<Vec<K>, Refusal> {
    let size = asked.max(1) as usize;
    let runs = free_runs(rows);
    let block = runs
        .iter()
        .filter(|run| run.len >= size)
        .flat_map(|run| (run.start..=run.start + run.len - size).map(move |start| (run, start)))
        .min_by_key(|(run, start)| cost(rows, run, *start, size));
    if let Some((run, start)) = block {
        let seats = &rows[run.row].seats[start..start + size];
        return Ok(seats.iter().map(|seat| seat.key.clone()).collect());
    }
    let available: usize = runs.iter().map(|run| run.len).sum();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    if available < size {
        Err(Refusal::SoldOut { asked, available: count(available) })
    } else {
        let longest = runs.iter().map(|run| run.len).max().unwrap_or(0);
        Err(Refusal::NoAdjacentBlock { asked, longest: count(longest) })
    }
}

fn free_runs<K>(rows: &[Row<K>]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (row, seats) in rows.iter().enumerate() {
        let mut open = false;
        for (place, seat) in seats.seats.iter().enumerate() {
            match runs.last_mut() {
                Some(run) if open && seat.free && !seat.gap_before => run.len += 1,
                _ if seat.free => runs.push(Run { row, start: place, len: 1 }),
                _ => {}
            }
            open = seat.free;
        }
    }
    runs
}

fn cost<K>(rows: &[Row<K>], run: &Run, start: usize, size: usize) -> Cost {
    let left = start - run.start;
    let right = run.len - size - left;
    let row = &rows[run.row];
    // Twice the distance between the middle of the block and the middle of the row, so that
    // halves stay whole numbers.
    let off_middle = (2 * start + size).abs_diff(row.seats.len());
    Cost {
        orphans: usize::from(left == 1) + usize::from(right == 1),
        distance: 2 * row.depth + off_middle,
        row: run.row,
        start,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows drawn as text: `.` free, `x` taken, `|` an aisle.
    fn rows(drawing: &[&str]) -> Vec<Row<(usize, usize)>> {
        let row = |(depth, line): (usize, &&str)| {
            let mut seats = Vec::new();
            let mut gap_before = false;
            for sign in line.chars() {
                if sign == '|' {
                    gap_before = true;
                } else {
                    let key = (depth, seats.len());
                    seats.push(Seat { key, free: sign == '.', gap_before });
                    gap_before = false;
                }
            }
            Row { depth, seats }
        };
        drawing.iter().enumerate().map(row).collect()
    }

    fn chosen(drawing: &[&str], asked: u32) -> Vec<(usize, usize)> {
        best(&rows(drawing), asked).unwrap()
    }

    #[test]
    fn the_middle_of_the_front_row_is_best() {
        assert_eq!(chosen(&["......", "......"], 2), [(0, 2), (0, 3)]);
        assert_eq!(chosen(&["xxxxxx", "......"], 2), [(1, 2), (1, 3)]);
    }

    #[test]
    fn no_orphan_is_left_where_another_choice_exists() {
        // Two in the middle of five would leave a single seat at one side.
        assert_eq!(chosen(&["....."], 2).len(), 2);
        assert_eq!(chosen(&["....."], 2), [(0, 0), (0, 1)]);
        assert_eq!(chosen(&["...", "...."], 2), [(1, 0), (1, 1)]);
    }

    #[test]
    fn the_last_possible_sale_is_not_refused_for_an_orphan() {
        assert_eq!(chosen(&["x...x"], 2), [(0, 1), (0, 2)]);
    }

    #[test]
    fn a_party_is_not_parted_by_an_aisle() {
        assert_eq!(
            best(&rows(&["..|.."]), 3),
            Err(Refusal::NoAdjacentBlock { asked: 3, longest: 2 })
        );
    }

    #[test]
    fn sold_out_and_scattered_are_told_apart() {
        assert_eq!(best(&rows(&["x.x"]), 2), Err(Refusal::SoldOut { asked: 2, available: 1 }));
        assert_eq!(
            best(&rows(&[".x."]), 2),
            Err(Refusal::NoAdjacentBlock { asked: 2, longest: 1 })
        );
        assert_eq!(best::<u8>(&[], 1), Err(Refusal::SoldOut { asked: 1, available: 0 }));
    }

    proptest! {
        #[test]
        fn a_choice_is_free_and_adjacent_and_exists_whenever_a_run_is_long_enough(
            lines in prop::collection::vec("[.x|]{0,12}", 0..6),
            asked in 1_u32..6,
        ) {
            let drawing: Vec<&str> = lines.iter().map(String::as_str).collect();
            let rows = rows(&drawing);
            let longest = free_runs(&rows).iter().map(|run| run.len).max().unwrap_or(0);
            match best(&rows, asked) {
                Ok(seats) => {
                    prop_assert_eq!(seats.len(), asked as usize);
                    for pair in seats.windows(2) {
                        prop_assert_eq!(pair[0].0, pair[1].0);
                        prop_assert_eq!(pair[0].1 + 1, pair[1].1);
                        prop_assert!(!rows[pair[1].0].seats[pair[1].1].gap_before);
                    }
                    for (row, seat) in seats {
                        prop_assert!(rows[row].seats[seat].free);
                    }
                }
                Err(_) => prop_assert!(longest < asked as usize),
            }
        }
    }
}
