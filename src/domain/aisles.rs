//! Where a row is parted by an aisle, as far as seat numbers tell.

/// For each seat of a row, whether an aisle or a gap parts it from the one before.
///
/// Neighbours are numbered in equal steps: by one, or by two where odd and even numbers sit apart. A
/// larger step is a gap. In a row that is numbered from its middle outwards, the step where the
/// numbers turn round says nothing of the others.
pub(super) fn gaps<'a>(seats: impl Iterator<Item = &'a str>) -> Vec<bool> {
    let numbers: Vec<Option<i64>> = seats.map(|seat| seat.parse().ok()).collect();
    let step = |pair: &[Option<i64>]| match pair {
        [Some(left), Some(right)] => right.checked_sub(*left).filter(|step| *step != 0),
        _ => None,
    };
    let steps: Vec<Option<i64>> = numbers.windows(2).map(step).collect();
    let usual = usual(&steps);
    let is_gap = |step: &Option<i64>| {
        let size = step.map(i64::unsigned_abs);
        size.is_some_and(|size| usual.is_some_and(|usual| size > usual))
    };
    std::iter::once(false).chain(steps.iter().map(is_gap)).take(numbers.len()).collect()
}

/// The smallest step between neighbours, those where the numbers turn round left out.
fn usual(steps: &[Option<i64>]) -> Option<u64> {
    let mut before = None;
    let straight = steps.iter().flatten().filter(|step| {
        let turns = before.is_some_and(|before: i64| before.signum() != step.signum());
        before = Some(**step);
        !turns
    });
    straight.map(|step| step.unsigned_abs()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seats: &[&str]) -> String {
        gaps(seats.iter().copied()).iter().map(|gap| if *gap { '|' } else { '.' }).collect()
    }

    #[test]
    fn an_aisle_is_where_the_numbers_jump() {
        assert_eq!(drawn(&["1", "2", "3"]), "...");
        assert_eq!(drawn(&["1", "2", "4", "5"]), "..|.");
        assert_eq!(drawn(&["9", "7", "5", "1"]), "...|");
        assert_eq!(drawn(&["101", "102", "201", "202"]), "..|.");
    }

    #[test]
    fn a_row_may_be_numbered_from_its_middle() {
        assert_eq!(drawn(&["7", "5", "3", "1", "2", "4", "6"]), ".......");
        assert_eq!(drawn(&["9", "7", "3", "1", "2", "4", "8"]), "..|...|");
        assert_eq!(drawn(&["5", "3", "1", "6", "8"]), "...|.");
        assert_eq!(drawn(&["3", "2", "1", "4", "5", "6"]), "...|..");
    }

    #[test]
    fn seats_that_are_not_numbered_are_neighbours() {
        assert_eq!(drawn(&["A", "B", "D"]), "...");
        assert_eq!(drawn(&["7", "07"]), "..");
        assert_eq!(drawn(&["7"]), ".");
        assert_eq!(drawn(&[]), "");
    }
}
