//! Which seats a buyer asks for when he looks at the map of a section.
//!
//! If everybody asked for the very best seats, all who look at the same time would want the same
//! ones; so part of them begin to look further back.

use std::ops::Range;

use super::plan::Spot;
use crate::domain::seating::{self, Row, Seat};
use crate::domain::{Refusal, Ticket, TicketId, TicketStatus};
use crate::repository::{SectionMap, SectionTickets};

/// A buyer with a taste of his own looks at as many seats as so many parties of his size fill.
const STRETCH_PARTIES: usize = 2;

/// How the tickets of a section sit side by side; the same for every map of the section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The tickets of each row.
    rows: Vec<Range<usize>>,
    /// For each ticket, whether a gap parts it from the one before.
    gap_before: Vec<bool>,
}

impl Shape {
    /// Reads the shape off the names of rows and seats.
    #[must_use]
    pub fn of(section: &SectionTickets) -> Self {
        let tickets = &section.tickets;
        let mut rows = Vec::new();
        let mut start = 0;
        for row in tickets.chunk_by(|a, b| a.label.row == b.label.row) {
            rows.push(start..start + row.len());
            start += row.len();
        }
        let mut gap_before = vec![false; tickets.len()];
        for (before, pair) in tickets.windows(2).enumerate() {
            gap_before[before + 1] = !are_neighbours(&pair[0], &pair[1]);
        }
        Self { rows, gap_before }
    }

    fn row(&self, depth: usize, statuses: &[TicketStatus]) -> Row<usize> {
        let seat = |at: usize| Seat {
            key: at,
            free: statuses.get(at) == Some(&TicketStatus::Available),
            gap_before: self.gap_before[at],
        };
        Row { depth, seats: self.rows[depth].clone().map(seat).collect() }
    }
}

/// Seats whose names are numbers sit side by side if the numbers follow each other; other names say
/// nothing against it.
fn are_neighbours(a: &Ticket, b: &Ticket) -> bool {
    match (a.label.seat.parse::<u32>(), b.label.seat.parse::<u32>()) {
        (Ok(a), Ok(b)) => a.abs_diff(b) == 1,
        _ => true,
    }
}

/// Chooses `party` seats side by side: near the spot that the buyer fancies, in the first row from
/// there on that has enough; the best of the section where he fancies none.
///
/// # Errors
/// As [`seating::best`].
pub fn choose(
    map: &SectionMap,
    shape: &Shape,
    party: u32,
    spot: Option<Spot>,
) -> Result<Vec<TicketId>, Refusal> {
    let fancied = spot.and_then(|spot| near(map, shape, party, spot));
    let chosen = fancied.map_or_else(|| best(map, shape, party), Ok)?;
    Ok(chosen.into_iter().map(|at| map.section.tickets[at].ticket_id).collect())
}

fn best(map: &SectionMap, shape: &Shape, party: u32) -> Result<Vec<usize>, Refusal> {
    let rows = 0..shape.rows.len();
    let rows: Vec<_> = rows.map(|depth| shape.row(depth, &map.statuses)).collect();
    seating::best(&rows, party)
}

/// Seats near a spot: first in a stretch of its row, then anywhere in this row or one behind it, at
/// last in front of it.
fn near(map: &SectionMap, shape: &Shape, party: u32, spot: Spot) -> Option<Vec<usize>> {
    let rows = shape.rows.len();
    let first = rows * usize::from(spot.depth_permille) / 1000;
    (first..rows).chain(0..first).find_map(|depth| {
        let row = shape.row(depth, &map.statuses);
        let mut stretch = row.clone();
        keep_stretch(&mut stretch, party, spot.side_permille);
        seating::best(&[stretch], party).or_else(|_| seating::best(&[row], party)).ok()
    })
}

/// Leaves only seats of a stretch around the fancied place free.
fn keep_stretch(row: &mut Row<usize>, party: u32, side_permille: u16) {
    let width = STRETCH_PARTIES * party as usize;
    let first = row.seats.len().saturating_sub(width) * usize::from(side_permille) / 1000;
    let stretch = first..first + width;
    for (place, seat) in row.seats.iter_mut().enumerate() {
        seat.free &= stretch.contains(&place);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Currency, EventId, Money, SeatLabel, Section};

    /// A section of the seats `row/seat`; those named in `taken` are sold.
    fn map(seats: &[&str], taken: &[&str]) -> SectionMap {
        let event = EventId::of_slug("x");
        let ticket = |seat: &&str| {
            let label: SeatLabel = format!("A/{seat}").parse().unwrap();
            let ticket_id = TicketId::of_seat(event, "A", &label.row, &label.seat);
            let price = Money::zero(Currency::EUR);
            Ticket { ticket_id, label, type_id: "regular".into(), price }
        };
        let status = |seat: &&str| {
            if taken.contains(seat) { TicketStatus::Sold } else { TicketStatus::Available }
        };
        let section = Section {
            name: "A".into(),
            type_id: "regular".into(),
            entrance: String::new(),
            rows: 0,
            seats: seats.len() as u64,
        };
        let tickets = seats.iter().map(ticket).collect();
        SectionMap {
            section: Arc::new(SectionTickets { section, tickets }),
            statuses: seats.iter().map(status).collect(),
        }
    }

    fn chosen(map: &SectionMap, party: u32, spot: Option<Spot>) -> Result<Vec<String>, Refusal> {
        let tickets = &map.section.tickets;
        let name = |id| {
            let ticket = tickets.iter().find(|t| t.ticket_id == id).unwrap();
            format!("{}/{}", ticket.label.row, ticket.label.seat)
        };
        let ids = choose(map, &Shape::of(&map.section), party, spot)?;
        Ok(ids.into_iter().map(name).collect())
    }

    const TWO_ROWS: [&str; 12] =
        ["1/1", "1/2", "1/3", "1/4", "1/5", "1/6", "2/1", "2/2", "2/3", "2/4", "2/5", "2/6"];

    fn spot(depth_permille: u16, side_permille: u16) -> Spot {
        Spot { depth_permille, side_permille }
    }

    #[test]
    fn some_want_the_best_and_others_sit_further_back_or_to_a_side() {
        let map = map(&TWO_ROWS, &[]);
        assert_eq!(chosen(&map, 2, None).unwrap(), ["1/3", "1/4"]);
        assert_eq!(chosen(&map, 1, Some(spot(499, 0))).unwrap(), ["1/2"]);
        assert_eq!(chosen(&map, 1, Some(spot(999, 999))).unwrap(), ["2/4"]);
    }

    #[test]
    fn whoever_looks_at_the_back_finds_what_is_left_in_front() {
        let map = map(&TWO_ROWS, &["2/3"]);
        assert_eq!(chosen(&map, 4, Some(spot(999, 500))).unwrap()[0], "1/1");
        let six = chosen(&map, 7, Some(spot(999, 999)));
        assert!(matches!(six, Err(Refusal::NoAdjacentBlock { longest: 6, .. })));
    }

    #[test]
    fn numbers_that_do_not_follow_each_other_are_parted_by_a_gap() {
        let aisle = map(&["1/1", "1/2", "1/4", "1/5"], &[]);
        assert!(matches!(
            chosen(&aisle, 3, None),
            Err(Refusal::NoAdjacentBlock { longest: 2, .. })
        ));
        let falling = map(&["1/4", "1/3", "1/2"], &[]);
        assert_eq!(chosen(&falling, 3, None).unwrap(), ["1/4", "1/3", "1/2"]);
        let letters = map(&["1/A", "1/C", "1/B"], &[]);
        assert_eq!(chosen(&letters, 3, None).unwrap().len(), 3);
    }
}
