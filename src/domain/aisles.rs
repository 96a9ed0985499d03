//! Where aisles part the seats of a row, as far as the names of the seats say.
//!
//! The seats of a row are listed from left to right. Two of them are side by side if the second
//! continues the numbering of the first, upwards or downwards; any break in the numbering is an
//! aisle. A wrong aisle costs a sale that a buyer can still make by naming the seats; a missed one
//! seats a party apart. So what is ambiguous is an aisle, and the venue file can say otherwise.
//!
//! - A number is the last group of digits of a name; what stands before and after it is its series
//!   (`12`, `A12`, `12A`). Another series is beyond an aisle.
//! - Where all names of a row differ in a single last letter, the letters count (`12A`, `12B`). A row
//!   that has no I or no O skips that letter.
//! - Odd and even numbers often sit apart. A row counts by two if it has at least three numbers, all of
//!   one parity (`1 3 5`), or those of one parity all on one side (`5 3 1 2 4 6`): at least three on
//!   one side, or the numbers turn round where the sides meet. Two seats, `1` and `3`, are no series:
//!   seat 2 may be a pillar.
//! - Names without a number, such as `left` and `right`, have no numbering that could break.

use std::cmp::Ordering;

/// Letters that a numbering by letters may skip, because they look like digits.
const SKIPPED: [u8; 2] = [b'I', b'O'];

/// A seat's number and the series that it counts in.
#[derive(Debug, Clone, Copy)]
struct Numbered<'a> {
    before: &'a str,
    after: &'a str,
    number: u64,
}

impl<'a> Numbered<'a> {
    /// Counts by the last group of digits.
    fn by_digits(name: &'a str) -> Option<Self> {
        let end = name.rfind(|letter: char| letter.is_ascii_digit())? + 1;
        let before = name[..end].trim_end_matches(|letter: char| letter.is_ascii_digit());
        let number = name[before.len()..end].parse().ok()?;
        Some(Self { before, after: &name[end..], number })
    }

    /// Counts by a single last letter.
    fn by_letter(name: &'a str) -> Option<Self> {
        let letter = *name.as_bytes().last().filter(|letter| letter.is_ascii_alphabetic())?;
        let before = &name[..name.len() - 1];
        let is_alone = !before.ends_with(char::is_alphabetic);
        let number = u64::from(letter.to_ascii_uppercase());
        is_alone.then_some(Self { before, after: "", number })
    }

    fn continues(&self, other: &Self) -> bool {
        self.before.eq_ignore_ascii_case(other.before)
            && self.after.eq_ignore_ascii_case(other.after)
    }
}

/// For each seat of a row, whether an aisle parts it from the one before.
pub(super) fn gaps<'a>(seats: impl Iterator<Item = &'a str>) -> Vec<bool> {
    let names: Vec<&str> = seats.collect();
    let numbered = by_letters(&names)
        .unwrap_or_else(|| names.iter().map(|name| Numbered::by_digits(name)).collect());
    let continues = |a: &Option<Numbered<'_>>, b: &Option<Numbered<'_>>| match (a, b) {
        (Some(a), Some(b)) => b.continues(a),
        (a, b) => a.is_none() && b.is_none(),
    };
    let mut gaps = Vec::with_capacity(names.len());
    for series in numbered.chunk_by(continues) {
        let numbers: Vec<u64> = series.iter().flatten().map(|seat| seat.number).collect();
        gaps.push(!gaps.is_empty());
        gaps.extend((1..series.len()).map(|at| !numbers.is_empty() && is_break(&numbers, at)));
    }
    gaps
}

/// The seats of a row whose names differ in their last letter only.
fn by_letters<'a>(names: &[&'a str]) -> Option<Vec<Option<Numbered<'a>>>> {
    let mut seats: Vec<Numbered<'a>> =
        names.iter().map(|name| Numbered::by_letter(name)).collect::<Option<_>>()?;
    let first = *seats.first()?;
    if !seats.iter().all(|seat| seat.continues(&first)) {
        return None;
    }
    for skipped in SKIPPED.map(u64::from).into_iter().rev() {
        if seats.iter().all(|seat| seat.number != skipped) {
            let behind = seats.iter_mut().filter(|seat| seat.number > skipped);
            behind.for_each(|seat| seat.number -= 1);
        }
    }
    Some(seats.into_iter().map(Some).collect())
}

/// Whether the numbering breaks before the number at a place, from 1.
fn is_break(numbers: &[u64], at: usize) -> bool {
    let (left, right) = (numbers[at - 1], numbers[at]);
    match (counts_by_two(numbers), left % 2 == right % 2) {
        (false, _) => left.abs_diff(right) > 1,
        (true, true) => left.abs_diff(right) > 2,
        // Where odd numbers meet even ones, both are lowest there, or both are highest.
        (true, false) => left.abs_diff(right) > 1 || !turns(numbers, at),
    }
}

/// Whether the numbers run in opposite directions on the two sides of a place.
fn turns(numbers: &[u64], at: usize) -> bool {
    let direction =
        |from: usize| -> Option<Ordering> { Some(numbers.get(from + 1)?.cmp(numbers.get(from)?)) };
    let before = at.checked_sub(2).and_then(direction);
    before.is_none_or(|before| direction(at).is_none_or(|after| before != after))
}

/// Whether odd and even numbers sit apart in a row.
fn counts_by_two(numbers: &[u64]) -> bool {
    let mut sides = numbers.chunk_by(|a, b| a % 2 == b % 2);
    match (sides.next(), sides.next(), sides.next()) {
        (Some(all), None, _) => all.len() >= 3,
        (Some(left), Some(right), None) => {
            let turns = numbers.len() >= 4 && turns(numbers, left.len());
            left.len().max(right.len()) >= 3 || turns
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seats: &str) -> String {
        let seats = seats.split(' ').filter(|seat| !seat.is_empty());
        gaps(seats).iter().map(|gap| if *gap { '|' } else { '.' }).collect()
    }

    #[test]
    fn a_break_in_the_numbering_is_an_aisle() {
        assert_eq!(drawn("1 2 3"), "...");
        assert_eq!(drawn("1 2 4 5"), "..|.");
        assert_eq!(drawn("1 14"), ".|");
        assert_eq!(drawn("1 14 27"), ".||");
        assert_eq!(drawn("1A 2A 5A 6A"), "..|.");
        assert_eq!(drawn("101 102 201 202"), "..|.");
    }

    #[test]
    fn rows_may_be_numbered_downwards() {
        assert_eq!(drawn("6 5 4 2 1"), "...|.");
        assert_eq!(drawn("9 7 5 1"), "...|");
        assert_eq!(drawn("B4 B3 B1"), "..|");
    }

    #[test]
    fn another_series_is_beyond_an_aisle() {
        assert_eq!(drawn("A1 A2 B1 B2"), "..|.");
        assert_eq!(drawn("1A 2A 2B 1B"), "..|.");
        assert_eq!(drawn("1 2 2A 3"), "..||");
        assert_eq!(drawn("a1 A2"), "..", "case is no series");
        assert_eq!(drawn("1 2 left right"), "..|.");
    }

    #[test]
    fn odd_and_even_numbers_may_sit_apart() {
        assert_eq!(drawn("1 3 5"), "...");
        assert_eq!(drawn("8 6 4"), "...");
        assert_eq!(drawn("1 3 5 9"), "...|");
        assert_eq!(drawn("7 5 3 1 2 4 6"), ".......");
        assert_eq!(drawn("6 4 2 1 3 5"), "......");
        assert_eq!(drawn("1 3 5 6 4 2"), "......");
        assert_eq!(drawn("9 7 3 1 2 4 8"), "..|...|");
        assert_eq!(drawn("5 3 1 6 8"), "...|.");
        assert_eq!(drawn("3 1 2 4"), "....");
        assert_eq!(drawn("1 3 5 2 4 6"), "...|..", "5 is the far end of the odd side");
    }

    #[test]
    fn too_few_numbers_make_no_odd_or_even_series() {
        assert_eq!(drawn("1 3"), ".|");
        assert_eq!(drawn("1 2 4"), "..|");
        assert_eq!(drawn("1 3 4 6"), ".|.|");
    }

    #[test]
    fn letters_count_where_nothing_else_does() {
        assert_eq!(drawn("A B D"), "..|");
        assert_eq!(drawn("12A 12B 12C 12F"), "...|");
        assert_eq!(drawn("G H J K"), "....", "I is skipped");
        assert_eq!(drawn("H I K"), "..|", "I is used, so J is missing");
        assert_eq!(drawn("N P q"), "...");
    }

    #[test]
    fn seats_without_numbers_are_neighbors() {
        assert_eq!(drawn("left middle right"), "...");
        assert_eq!(drawn("7 07"), "..");
        assert_eq!(drawn("7"), ".");
        assert_eq!(drawn(""), "");
    }

    #[test]
    fn a_row_may_be_numbered_from_its_middle() {
        assert_eq!(drawn("3 2 1 4 5 6"), "...|..");
    }
}
