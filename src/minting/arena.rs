//! The built-in arena, and arenas of any size for simulations.

use std::sync::Arc;

use super::{Layout, ListedSeat, SECTIONS_MAX, Seating, SectionLayout, TICKETS_MAX, read_layout};
use crate::domain::{Currency, Money};

/// The venue that is minted where nobody names a file; its prices are whole, so that they are
/// prices in every currency.
const ARENA_CSV: &[u8] = include_bytes!("../../fixtures/venues/arena.csv");

/// The shortest rows of a small arena, unless there are fewer seats.
const SEATS_PER_ROW_MIN: u64 = 4;
/// A small arena has at least about this many rows, so that it has tickets of several types.
const ROWS_MIN: u64 = 8;

/// The built-in arena of 10,000 seats.
#[must_use]
pub fn builtin_arena(currency: Currency) -> Layout {
    match read_layout(ARENA_CSV, currency) {
        Ok(layout) => layout,
        Err(faults) => unreachable!("the built-in arena has faults:\n{faults}"),
    }
}

/// An arena with exactly `seats` seats, at least 1 and at most [`TICKETS_MAX`].
///
/// It has the sections, types and prices of the built-in one in the same proportions, and its rows;
/// only the last one may be shorter. A larger arena has more sections rather than longer ones
/// (`Floor A (2)`), a very small one shorter rows.
#[must_use]
pub fn arena_of(seats: u64, currency: Currency) -> Layout {
    let seats = seats.clamp(1, TICKETS_MAX);
    let model = copies(&builtin_arena(currency), seats);
    let model_seats: u64 = model.iter().map(SectionLayout::seats).sum();
    let mut sections = Vec::with_capacity(model.len());
    let (mut model_before, mut seats_before) = (0, 0);
    for (index, section) in model.iter().enumerate() {
        model_before += section.seats();
        // What does not fill a row is left to the section that follows.
        let due = seats * model_before / model_seats - seats_before;
        let per_row = seats_per_row(section).min((seats / ROWS_MIN).max(SEATS_PER_ROW_MIN));
        let is_last = index + 1 == model.len();
        let size = if is_last { due } else { due - due % per_row };
        sections.extend(resized(section, size, per_row));
        seats_before += size;
    }
    Layout::of_sections(sections)
}

/// The sections of as many arenas as it takes to seat `seats`, those of one name side by side.
fn copies(arena: &Layout, seats: u64) -> Vec<SectionLayout> {
    let copies_max = (SECTIONS_MAX / arena.sections.len()) as u64;
    let copies = seats.div_ceil(arena.tickets()).min(copies_max);
    let copies_of = |section: &SectionLayout| {
        let section = section.clone();
        (1..=copies).map(move |copy| match copy {
            1 => section.clone(),
            _ => SectionLayout { name: format!("{} ({copy})", section.name), ..section.clone() },
        })
    };
    arena.sections.iter().flat_map(copies_of).collect()
}

fn seats_per_row(section: &SectionLayout) -> u64 {
    section.seats() / u64::from(section.rows())
}

/// The section with `size` seats in rows of `per_row`; none where nothing is left of it.
fn resized(section: &SectionLayout, size: u64, per_row: u64) -> Option<SectionLayout> {
    let price = section.seat(0)?.price;
    let seating = match (size / per_row, size % per_row) {
        (0, 0) => return None,
        (0, rest) => grid(1, rest, price),
        (rows, 0) => grid(rows, per_row, price),
        _ => listed(size, per_row, &section.type_id, price),
    };
    Some(SectionLayout { seating, ..section.clone() })
}

/// Both are parts of an arena of at most [`TICKETS_MAX`] seats.
fn grid(rows: u64, seats_per_row: u64, price: Money) -> Seating {
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Seating::Grid { rows: narrow(rows), seats_per_row: narrow(seats_per_row), price }
}

/// Rows of `per_row` seats, of which the last is shorter.
fn listed(size: u64, per_row: u64, type_id: &Arc<str>, price: Money) -> Seating {
    let seat = |index: u64| ListedSeat {
        aisle_after: None,
        row: (index / per_row + 1).to_string().into(),
        seat: (index % per_row + 1).to_string().into(),
        type_id: Arc::clone(type_id),
        price,
    };
    Seating::Listed((0..size).map(seat).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_built_in_arena_has_10_000_seats() {
        assert_eq!(builtin_arena(Currency::EUR).tickets(), 10_000);
    }

    #[test]
    fn its_prices_are_prices_in_every_currency() {
        for code in ["JPY", "USD", "KWD", "CLF", "XXX"] {
            let currency = Currency::of_code(code).unwrap();
            let seat = builtin_arena(currency).sections[0].seat(0).unwrap();
            assert_eq!(seat.price.currency(), currency);
        }
    }

    #[test]
    fn an_arena_of_10_000_is_the_built_in_one() {
        assert_eq!(arena_of(10_000, Currency::EUR), builtin_arena(Currency::EUR));
    }

    #[test]
    fn every_size_has_a_digest_of_its_own() {
        let digests: HashSet<String> =
            (1..500).map(|seats| arena_of(seats, Currency::EUR).digest).collect();
        assert_eq!(digests.len(), 499);
    }

    #[test]
    fn a_hundred_seats_are_of_several_types() {
        assert!(seats_by_type(&arena_of(100, Currency::EUR)).len() >= 3);
    }

    #[test]
    fn sizes_out_of_bounds_become_the_nearest_within() {
        assert_eq!(arena_of(0, Currency::EUR).tickets(), 1);
        assert_eq!(arena_of(u64::MAX, Currency::EUR).tickets(), TICKETS_MAX);
    }

    #[test]
    fn types_keep_their_share_in_a_larger_arena() {
        let arena = seats_by_type(&builtin_arena(Currency::EUR));
        let larger = seats_by_type(&arena_of(123_457, Currency::EUR));
        for (type_id, seats) in arena {
            let expected = seats * 123_457 / 10_000;
            assert!(larger[&type_id].abs_diff(expected) < 200, "{type_id}");
        }
    }

    fn seats_by_type(layout: &Layout) -> BTreeMap<Arc<str>, u64> {
        layout.sections.iter().fold(BTreeMap::new(), |mut by_type, section| {
            *by_type.entry(Arc::clone(&section.type_id)).or_default() += section.seats();
            by_type
        })
    }

    proptest! {
        #[test]
        fn an_arena_has_exactly_the_seats_asked_for(
            seats in prop_oneof![1_u64..2_000, 1_u64..200_000, 1..=TICKETS_MAX],
        ) {
            let layout = arena_of(seats, Currency::EUR);
            prop_assert_eq!(layout.tickets(), seats);
            prop_assert!(layout.sections.len() <= SECTIONS_MAX);
            let names: HashSet<&str> = layout.sections.iter().map(|s| s.name.as_str()).collect();
            prop_assert_eq!(names.len(), layout.sections.len());
            prop_assert!(layout.sections.iter().all(|section| section.seats() <= 1_000));
        }
    }
}
