//! Where a row is parted by an aisle, as far as seat numbers tell.

/// For each seat of a row, whether an aisle or a gap parts it from the one before.
///
/// Neighbours are numbered in equal steps: by one, or by two where odd and even numbers sit apart. A
/// larger step is a gap.
pub(super) fn gaps<'a>(seats: impl Iterator<Item = &'a str>) -> Vec<bool> {
    let numbers: Vec<Option<i64>> = seats.map(|seat| seat.parse().ok()).collect();
    let step = |pair: &[Option<i64>]| match pair {
        [Some(left), Some(right)] => left.checked_sub(*right).map(i64::abs),
        _ => None,
    };
    let steps: Vec<Option<i64>> = numbers.windows(2).map(step).collect();
    let usual = steps.iter().flatten().min().copied();
    let is_gap = |step: &Option<i64>| step.is_some() && *step != usual;
    std::iter::once(false).chain(steps.iter().map(is_gap)).take(numbers.len()).collect()
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
    fn seats_that_are_not_numbered_are_neighbours() {
        assert_eq!(drawn(&["A", "B", "D"]), "...");
        assert_eq!(drawn(&["7"]), ".");
        assert_eq!(drawn(&[]), "");
    }
}
