//! The rules of choosing.

use proptest::prelude::*;

use super::*;
use crate::domain::TicketStatus;
use crate::domain::seat_map::drawn::drawn;

fn search(maps: &[SectionMap], size: u32, ticket_type: Option<&str>) -> Result<Choice, Refusal> {
    let mut search = Search::new(size, ticket_type);
    for map in maps {
        if search.is_settled() {
            break;
        }
        search.look(map);
    }
    search.finish()
}

/// The choice in one section, as `row/seat` of each.
fn seats(map: &SectionMap, choice: &Choice) -> Vec<String> {
    let of = |id| map.seats().find(|(ticket, _)| ticket.ticket_id == id).unwrap().0;
    let label = |id| format!("{}/{}", of(id).label.row, of(id).label.seat);
    choice.tickets.iter().map(|id| label(*id)).collect()
}

fn chosen(rows: &[&str], size: u32) -> Vec<String> {
    chosen_of(rows, size, None)
}

fn chosen_of(rows: &[&str], size: u32, ticket_type: Option<&str>) -> Vec<String> {
    let map = drawn("A", rows);
    let choice = search(std::slice::from_ref(&map), size, ticket_type).unwrap();
    seats(&map, &choice)
}

/// What is said of the choice in one section.
fn why(rows: &[&str], size: u32) -> String {
    search(&[drawn("A", rows)], size, None).unwrap().to_string()
}

fn refusal(maps: &[SectionMap], size: u32, ticket_type: Option<&str>) -> Refusal {
    search(maps, size, ticket_type).unwrap_err()
}

#[test]
fn the_middle_of_the_front_row_is_best() {
    assert_eq!(chosen(&["......", "......"], 2), ["1/3", "1/4"]);
    assert_eq!(chosen(&["ssssss", "......"], 2), ["2/3", "2/4"]);
}

#[test]
fn a_row_further_back_is_better_than_the_very_side_of_the_front_row() {
    assert_eq!(chosen(&["..ssssssss", ".........."], 2), ["2/5", "2/6"]);
    assert_eq!(
        why(&["..ssssssss", ".........."], 2),
        "row 2 of A, nearer the middle than what is free in front of it; \
         no single seat is left beside them"
    );
}

#[test]
fn a_row_in_front_that_would_leave_an_orphan_in_the_middle_is_not_said_to_be_at_the_side() {
    let rows = [".........", "......"];
    assert_eq!(chosen(&rows, 6)[0], "2/1");
    assert_eq!(
        why(&rows, 6),
        "row 2 of A; better placed ones would have left a single seat beside them"
    );
}

#[test]
fn of_two_that_are_as_good_the_first_is_chosen() {
    assert_eq!(chosen(&["..ssss.."], 2), ["1/1", "1/2"]);
    assert_eq!(chosen(&["sss..", "....."], 2), ["1/4", "1/5"]);
}

#[test]
fn no_orphan_is_left_where_another_choice_exists() {
    // Two in the middle of five would leave a single seat at one side.
    assert_eq!(chosen(&["....."], 2), ["1/1", "1/2"]);
    assert_eq!(chosen(&["...", "...."], 2), ["2/1", "2/2"]);
    assert_eq!(
        why(&["...", "...."], 2),
        "row 2 of A; better placed ones would have left a single seat beside them"
    );
}

#[test]
fn a_single_buyer_leaves_no_orphan_either() {
    assert_eq!(chosen(&[".. .."], 1), ["1/2"], "every choice leaves one: the middle decides");
    assert_eq!(chosen(&["..", "."], 1), ["2/1"]);
    assert_eq!(
        why(&["..", "."], 1),
        "row 2 of A; a better placed one would have left a single seat beside it"
    );
}

#[test]
fn the_last_possible_sale_is_not_refused_for_an_orphan() {
    assert_eq!(chosen(&["s...s"], 2), ["1/2", "1/3"]);
    assert_eq!(
        why(&["s...s"], 2),
        "row 1 of A, the nearest to the front; a single seat is left beside them, \
         as with every other choice"
    );
    assert_eq!(
        why(&["s...s"], 3),
        "row 1 of A, the only 3 seats left there side by side; no single seat is left beside them"
    );
    assert_eq!(
        why(&["s."], 1),
        "row 1 of A, the only seat left there; no single seat is left beside it"
    );
}

#[test]
fn where_every_choice_leaves_orphans_the_fewest_are_left() {
    let map = drawn("A", &["...", ".."]);
    let choice = search(std::slice::from_ref(&map), 1, None).unwrap();
    assert_eq!(choice.orphans, 0, "the end of three leaves two that can be sold together");
    assert_eq!(seats(&map, &choice), ["1/1"]);
}

#[test]
fn an_orphan_has_no_free_neighbour_of_any_type() {
    // The third VIP seat has a regular one beside it.
    assert_eq!(chosen_of(&["vvv..."], 2, Some("VIP")), ["1/1", "1/2"]);
    assert_eq!(chosen_of(&["vvvs.."], 2, Some("VIP")), ["1/2", "1/3"]);
    // In the front row a single regular seat would be left.
    let map = drawn("A", &["s.vvs", "svv.."]);
    let choice = search(std::slice::from_ref(&map), 2, Some("vip")).unwrap();
    assert_eq!(seats(&map, &choice), ["2/2", "2/3"]);
    assert_eq!(choice.reasons, [Reason::OrphanAvoided]);
}

#[test]
fn a_type_is_chosen_in_any_case_and_named_in_the_answer() {
    let map = drawn("A", &["..vv", "vvvv"]);
    let choice = search(&[map], 3, Some("vip")).unwrap();
    assert_eq!(
        choice.to_string(),
        "row 2 of A, the nearest to the front with 3 VIP seats free side by side; \
         a single seat is left beside them, as with every other choice"
    );
}

#[test]
fn a_party_is_not_parted_by_an_aisle() {
    let refused = refusal(&[drawn("A", &[".. .."])], 3, None);
    assert!(matches!(&refused, Refusal::NoAdjacentBlock(s) if s.longest == 2), "{refused:?}");
    // What an aisle parts from its neighbours is alone.
    assert_eq!(chosen(&["... ..", "ssssss"], 2), ["1/5", "1/6"]);
}

#[test]
fn the_first_section_that_leaves_no_orphan_has_the_choice() {
    let maps = [drawn("A", &["ss.", "sss"]), drawn("B", &["s...", "ssss"]), drawn("C", &["...."])];
    let choice = search(&maps, 2, None).unwrap();
    assert_eq!((choice.section.as_str(), choice.orphans), ("C", 0));
    assert_eq!((choice.sections_before, choice.sections_before_with_block), (2, 1));
    assert_eq!(choice.reasons, [Reason::FrontRow, Reason::OrphanAvoided]);
    assert_eq!(
        choice.to_string(),
        "row 1 of C, the nearest to the front; better placed ones would have left a single seat \
         beside them"
    );
    let choice = search(&maps[..2], 2, None).unwrap();
    assert_eq!((choice.section.as_str(), choice.orphans), ("B", 1));
    assert_eq!(
        choice.to_string(),
        "row 1 of B, the nearest to the front; no section before it has 2 seats left side by side; \
         a single seat is left beside them, as with every other choice"
    );
    let choice = search(&[drawn("A", &["sx"]), drawn("B", &["s."])], 1, None).unwrap();
    assert_eq!(
        choice.to_string(),
        "row 1 of B, the only seat left there; no section before it has a seat left"
    );
}

#[test]
fn a_front_row_further_on_in_the_venue_is_not_nearer() {
    let maps = [drawn("A", &["ssssss", "ssssss", "......"]), drawn("B", &["......"])];
    let choice = search(&maps, 2, None).unwrap();
    assert_eq!((choice.section.as_str(), choice.row.as_str()), ("A", "3"));
    assert_eq!(choice.reasons, [Reason::NearestRow, Reason::NoOrphan]);
    assert_eq!(
        choice.to_string(),
        "row 3 of A, the nearest to the front with 2 seats free side by side; no single seat is \
         left beside them"
    );
}

#[test]
fn the_facts_of_a_choice_are_counted() {
    let maps = [drawn("A", &["ss"]), drawn("B", &["....", "ssss", "......"])];
    let mut search = Search::new(4, None);
    search.skip("Z", 3, 0);
    for map in &maps {
        search.look(map);
    }
    let choice = search.finish().unwrap();
    assert_eq!((choice.section.as_str(), choice.places.clone()), ("B", 0..4));
    assert_eq!((choice.blocks, choice.rows_in_front), (4, 0));
    assert_eq!((choice.sections_before, choice.sections_before_with_block), (2, 0));
    assert_eq!((choice.asked, choice.tries), (4, 1));
}

#[test]
fn sold_out_and_scattered_are_told_apart() {
    let words = |maps: &[SectionMap], size| refusal(maps, size, None).to_string();
    assert_eq!(words(&[drawn("A", &["s.s"])], 2), "sold_out: 1 seat available in A, 2 asked for");
    assert_eq!(words(&[drawn("A", &["sss"])], 1), "sold_out: no seats available in A, 1 asked for");
    assert_eq!(
        words(&[drawn("A", &["sss"]), drawn("B", &["..s."])], 4),
        "sold_out: 3 seats available in the 2 sections, 4 asked for; the longest free run has 2, in \
         row 1 of B"
    );
    assert_eq!(
        words(&[drawn("A", &["ss", ".s."])], 2),
        "no_adjacent_block: no 2 seats side by side in A; the longest free run has 1, in row 2"
    );
    assert_eq!(
        words(&[drawn("A", &[".s."]), drawn("B", &["s", "..s"])], 3),
        "no_adjacent_block: no 3 seats side by side in any of the 2 sections; the longest free run \
         has 2, in row 2 of B"
    );
}

#[test]
fn a_refusal_for_a_type_tells_what_is_left_of_it() {
    let maps = [drawn("A", &["vsv..."]), drawn("B", &["...."])];
    let refused = refusal(&maps, 2, Some("vip"));
    assert_eq!(
        refused.to_string(),
        "no_adjacent_block: no 2 VIP seats side by side in A; the longest free run has 1, in row 1"
    );
    let Refusal::NoAdjacentBlock(shortage) = refused else { panic!("{refused:?}") };
    assert_eq!((shortage.available, shortage.looked_in.sections), (2, 1));
}

#[test]
fn a_section_that_was_skipped_counts_and_may_have_the_longest_run() {
    let mut search = Search::new(4, None);
    search.look(&drawn("A", &["..s..."]));
    search.skip("B", 3, 0);
    search.note_longest(&drawn("B", &["sss"]));
    assert_eq!(search.longest(), 3);
    let Err(Refusal::NoAdjacentBlock(shortage)) = search.finish() else { panic!() };
    assert_eq!((shortage.available, shortage.looked_in.sections), (8, 2));
    assert_eq!(shortage.longest_in.unwrap().section, "A");
}

#[test]
fn the_price_of_seats_side_by_side_is_that_of_the_cheapest_of_them() {
    let map = drawn("A", &["vv.", "s.s"]);
    assert_eq!(price_from(&map, 2, None).unwrap().to_string(), "89.50 EUR");
    assert_eq!(price_from(&map, 2, Some("VIP")).unwrap().to_string(), "120.00 EUR");
    assert_eq!(price_from(&map, 4, None), None);
}

#[test]
fn accessible_seats_are_chosen_only_where_asked_for() {
    let map = drawn("A", &["..aa.."]);
    let map = std::slice::from_ref(&map);
    let chosen = |size, ticket_type| search(map, size, ticket_type).map(|c| seats(&map[0], &c));
    assert_eq!(chosen(2, None).unwrap(), ["1/1", "1/2"]);
    assert_eq!(chosen(2, Some("Wheelchair")).unwrap(), ["1/3", "1/4"]);
    let refusal = chosen(3, None).unwrap_err();
    assert!(matches!(refusal, Refusal::NoAdjacentBlock(_)), "{refusal}");
    let refusal = chosen(5, None).unwrap_err();
    assert!(matches!(refusal, Refusal::SoldOut(_)), "{refusal}");
}

/// Whether a seat is free for buyers who ask for no type.
fn is_general(map: &SectionMap, place: usize) -> bool {
    map.statuses()[place] == TicketStatus::Available
        && &*map.tickets().tickets()[place].type_id != "wheelchair"
}

/// Every way to seat a group, found by trying every seat of every row.
fn tried(map: &SectionMap, size: usize) -> Vec<Range<usize>> {
    let rows = map.tickets().rows().iter().cloned();
    let starts = rows.flat_map(|row| row.clone().map(move |start| (row.clone(), start)));
    let free = |place: usize| is_general(map, place);
    starts
        .filter(|(row, start)| start + size <= row.end)
        .map(|(_, start)| start..start + size)
        .filter(|block| block.clone().all(free))
        .filter(|block| block.clone().skip(1).all(|place| map.tickets().is_joined(place)))
        .collect()
}

/// Whether a seat that is left free has neither neighbour, once a block is taken.
fn is_orphaned(map: &SectionMap, block: &Range<usize>, place: usize) -> bool {
    let left = |place: usize| !block.contains(&place) && is_general(map, place);
    let before = map.tickets().is_joined(place) && left(place - 1);
    let behind = map.tickets().is_joined(place + 1) && left(place + 1);
    left(place) && !before && !behind
}

/// How many seats beside a block are orphaned by taking it.
fn orphans(map: &SectionMap, block: &Range<usize>) -> usize {
    let mut beside = Vec::new();
    if map.tickets().is_joined(block.start) {
        beside.push(block.start - 1);
    }
    if map.tickets().is_joined(block.end) {
        beside.push(block.end);
    }
    beside.into_iter().filter(|place| is_orphaned(map, block, *place)).count()
}

#[test]
fn one_group_after_the_other_is_seated_on_a_map_that_is_kept() {
    let mut map = drawn("A", &["....", "..s."]);
    let mut seated = Vec::new();
    while let Ok(choice) = search(std::slice::from_ref(&map), 2, None) {
        seated.push(seats(&map, &choice));
        for place in choice.places {
            assert_eq!(map.set(place, TicketStatus::Held), Some(TicketStatus::Available));
        }
    }
    assert_eq!(seated, [["1/1", "1/2"], ["1/3", "1/4"], ["2/1", "2/2"]]);
    assert_eq!(map.counts().held, 6);
}

proptest! {
    #[test]
    fn a_choice_is_one_of_all_ways_and_leaves_the_fewest_orphans(
        rows in prop::collection::vec("[.sxa ]{0,12}", 0..6),
        size in 1_u32..6,
    ) {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let map = drawn("A", &rows);
        let ways = tried(&map, size as usize);
        match search(std::slice::from_ref(&map), size, None) {
            Ok(choice) => {
                let place = |id| map.seats().position(|(ticket, _)| ticket.ticket_id == id).unwrap();
                let places: Vec<usize> = choice.tickets.iter().map(|id| place(*id)).collect();
                let block = places[0]..places[0] + size as usize;
                prop_assert_eq!(&block.clone().collect::<Vec<_>>(), &places);
                prop_assert!(ways.contains(&block));
                prop_assert_eq!(choice.blocks, ways.len() as u64);
                let left = orphans(&map, &block);
                prop_assert_eq!(choice.orphans as usize, left);
                prop_assert_eq!(Some(left), ways.iter().map(|way| orphans(&map, way)).min());
                prop_assert_eq!(choice.reasons.contains(&Reason::OnlyBlock), ways.len() == 1);
            }
            Err(refusal) => {
                prop_assert!(ways.is_empty());
                prop_assert!(!map.fits(size, None));
                let free = (0..map.statuses().len()).filter(|place| is_general(&map, *place));
                let enough = free.count() >= size as usize;
                prop_assert_eq!(matches!(&refusal, Refusal::NoAdjacentBlock(_)), enough);
            }
        }
    }

    #[test]
    fn a_group_fits_exactly_where_a_choice_exists(
        rows in prop::collection::vec("[.vwsa ]{0,12}", 0..4),
        size in 1_u32..6,
    ) {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let map = drawn("A", &rows);
        for ticket_type in
            [None, Some("VIP"), Some("regular"), Some("wheelchair"), Some("economy")]
        {
            let choice = search(std::slice::from_ref(&map), size, ticket_type);
            prop_assert_eq!(map.fits(size, ticket_type), choice.is_ok());
            prop_assert_eq!(price_from(&map, size, ticket_type).is_some(), choice.is_ok());
            for id in choice.iter().flat_map(|choice| &choice.tickets) {
                let ticket = map.seats().find(|(ticket, _)| ticket.ticket_id == *id).unwrap().0;
                prop_assert!(ticket_type.map_or(
                    &*ticket.type_id != "wheelchair",
                    |wanted| *ticket.type_id == *wanted
                ));
            }
        }
    }
}
