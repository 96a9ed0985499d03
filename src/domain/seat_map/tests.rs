//! What is free where, against looking at every seat.

use proptest::prelude::*;

use super::drawn::drawn;
use super::*;

/// What is free of some seats of a row, found by looking at each of them.
fn looked_at(map: &SectionMap, depth: usize, ticket_type: Option<&str>) -> Vacant {
    let (mut row, mut run) = (Vacant::default(), 0);
    for place in map.tickets().rows()[depth].clone() {
        let own = &*map.tickets().tickets()[place].type_id;
        let of_type = ticket_type.map_or(own != "wheelchair", |wanted| own == wanted);
        if map.statuses()[place] != TicketStatus::Available || !of_type {
            run = 0;
            continue;
        }
        run = if map.tickets().is_joined(place) { run + 1 } else { 1 };
        row.free += 1;
        row.longest = row.longest.max(run);
    }
    row
}

const fn vacant(free: u32, longest: u32) -> Vacant {
    Vacant { free, longest }
}

#[test]
fn a_map_counts_by_status() {
    let map = drawn("A", &["..hhh", "psxs"]);
    let counts = map.counts();
    assert_eq!(counts, StatusCounts { available: 2, held: 3, paying: 1, sold: 2, blocked: 1 });
    let venue = SeatMap { sections: vec![map, drawn("B", &["..", "x"])] };
    assert_eq!(
        venue.counts(),
        StatusCounts { available: 4, held: 3, paying: 1, sold: 2, blocked: 2 }
    );
}

#[test]
fn an_aisle_and_the_end_of_a_row_part_a_run() {
    let map = drawn("A", &["... ..", ".."]);
    assert_eq!(map.vacant_in_row(0, None), vacant(5, 3));
    assert_eq!(map.vacant_in_row(1, None), vacant(2, 2));
    assert_eq!(map.vacant(None), vacant(7, 3));
    assert!(map.fits(3, None) && !map.fits(4, None));
}

#[test]
fn a_group_fits_where_it_sits_side_by_side_in_a_matching_section() {
    let venue = SeatMap { sections: vec![drawn("A", &["..s.vv", ".."]), drawn("B", &["..."])] };
    assert!(venue.fits(3, None, None) && venue.fits(3, Some("A"), None));
    assert!(!venue.fits(3, Some("A"), Some("VIP")) && venue.fits(2, Some("A"), Some("vip")));
    assert!(venue.fits(3, None, Some("regular")) && !venue.fits(4, None, None));
    assert!(!venue.fits(1, Some("B"), Some("VIP")) && !venue.fits(1, Some("C"), None));
}

#[test]
fn a_row_that_is_not_there_has_nothing() {
    assert_eq!(drawn("A", &["."]).vacant_in_row(1, None), vacant(0, 0));
    let nothing = drawn("A", &[]);
    assert_eq!(nothing.vacant(None), vacant(0, 0));
    assert!(!nothing.fits(1, None));
}

#[test]
fn types_are_told_apart_within_a_row_in_any_case() {
    let map = drawn("A", &["..vvv.", "wv...."]);
    assert_eq!(map.tickets().types().collect::<Vec<_>>(), ["regular", "VIP"]);
    assert_eq!(map.vacant(Some("vip")), vacant(4, 3));
    assert_eq!(map.vacant(Some("Regular")), vacant(7, 4));
    assert_eq!(map.vacant(None), vacant(11, 6));
    assert_eq!(map.vacant_in_row(1, Some("VIP")), vacant(1, 1));
    assert_eq!(map.vacant(Some("economy")), vacant(0, 0));
    assert!(!map.fits(1, Some("economy")));
}

#[test]
fn a_section_of_one_type_is_all_of_that_type() {
    let map = drawn("A", &[".s."]);
    assert_eq!(map.vacant(Some("REGULAR")), map.vacant(None));
    assert_eq!(map.vacant(Some("VIP")), vacant(0, 0));
}

#[test]
fn accessible_seats_are_free_only_for_who_asks() {
    let map = drawn("A", &["..aa..", "aaa"]);
    assert_eq!(map.vacant(None), vacant(4, 2));
    assert_eq!(map.vacant(Some("Wheelchair")), vacant(5, 3));
    assert_eq!(map.longest(), 6, "an upper bound for any group");
    assert!(map.fits(2, None) && !map.fits(3, None) && map.fits(3, Some("wheelchair")));
    let all = drawn("A", &["aa"]);
    assert_eq!(all.vacant(None), vacant(0, 0));
    assert_eq!(all.vacant(Some("wheelchair")), vacant(2, 2));
}

#[test]
fn counts_by_type_add_up() {
    let map = drawn("A", &["..va", "sww"]);
    let counts: Vec<_> =
        map.counts_by_type().into_iter().map(|(name, c)| (name, c.available, c.sold)).collect();
    assert_eq!(counts, [("regular", 2, 1), ("VIP", 1, 2), ("wheelchair", 1, 0)]);
}

#[test]
fn a_change_is_noted_in_its_row_and_in_the_sums() {
    let mut map = drawn("A", &["....", "..s."]);
    assert_eq!(map.set(1, TicketStatus::Held), Some(TicketStatus::Available));
    assert_eq!(map.vacant_in_row(0, None), vacant(3, 2));
    assert_eq!(map.vacant(None), vacant(6, 2));
    assert_eq!(map.set(6, TicketStatus::Available), Some(TicketStatus::Sold));
    assert_eq!(map.vacant(None), vacant(7, 4));
    assert_eq!((map.counts().held, map.counts().sold), (1, 0));
    assert_eq!(map.set(8, TicketStatus::Sold), None, "there is no such place");
}

fn statuses() -> impl Strategy<Value = TicketStatus> {
    prop::sample::select(TicketStatus::ALL.to_vec())
}

proptest! {
    #[test]
    fn after_any_changes_a_map_is_the_same_as_one_made_anew(
        rows in prop::collection::vec("[.vasxh ]{0,9}", 0..5),
        changes in prop::collection::vec((0_usize..50, statuses()), 0..40),
    ) {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let mut map = drawn("A", &rows);
        for (place, status) in changes {
            let before = map.statuses().get(place).copied();
            prop_assert_eq!(map.set(place, status), before);
            let anew = SectionMap::new(Arc::clone(map.tickets()), map.statuses().to_vec());
            prop_assert_eq!(&map, &anew);
        }
        for ticket_type in [None, Some("VIP"), Some("regular"), Some("wheelchair")] {
            let mut sum = Vacant::default();
            for depth in 0..map.tickets().rows().len() {
                let row = looked_at(&map, depth, ticket_type);
                prop_assert_eq!(map.vacant_in_row(depth, ticket_type), row);
                sum.free += row.free;
                sum.longest = sum.longest.max(row.longest);
            }
            prop_assert_eq!(map.vacant(ticket_type), sum);
        }
        let by_type = map.counts_by_type();
        for status in TicketStatus::ALL {
            let of_types: u64 = by_type.iter().map(|(_, counts)| counts.of(status)).sum();
            prop_assert_eq!(map.counts().of(status), of_types);
            let counted = map.statuses().iter().filter(|other| **other == status).count();
            prop_assert_eq!(map.counts().of(status), counted as u64);
        }
    }
}
