//! Venue files with one line per seat.
//!
//! Lines may come in any order: sections and rows are put together, in the order in which each is
//! first named: the order of the file is from the front to the back, and in a row from left to right. A name is kept once however many seats have it, since a file may have a million.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::fault::{Flaw, VenueFaults};
use super::header::Column;
use super::prices::Prices;
use super::records::{Record, Records};
use super::{ListedSeat, SECTIONS_MAX, Seating, SectionLayout, TICKETS_MAX};
use crate::domain::{Money, SeatLabel, name};

/// Reads the seats, section by section and row by row.
pub(super) fn read(
    records: &mut Records<'_>,
    prices: &mut Prices,
    faults: &mut VenueFaults,
) -> Vec<SectionLayout> {
    let mut plan = SeatPlan::default();
    while let Some(record) = records.next(faults) {
        if let Some(seat) = plan.read_seat(&record, prices, faults) {
            plan.seats.push(seat);
            // Told once, at the line that goes beyond.
            if plan.seats.len() as u64 == TICKETS_MAX + 1 {
                let tickets = TICKETS_MAX + 1;
                faults.push(record.line, None, Flaw::TooManyTickets { tickets });
            }
        }
    }
    plan.tell_duplicates(faults);
    if faults.is_empty() { plan.into_sections() } else { Vec::new() }
}

/// What stands for a spelling, a section, a row or a type: its place among its kind.
type Number = u32;

/// The spellings of names, each once.
#[derive(Debug, Default)]
struct Spellings {
    known: Vec<Arc<str>>,
    /// Of each spelling, the first one of the same name.
    firsts: Vec<Number>,
    by_spelling: HashMap<Arc<str>, Number>,
    /// The first spelling, by what all spellings of a name have in common.
    by_name: HashMap<String, Number>,
}

impl Spellings {
    fn number_of(&mut self, name: &str) -> Number {
        if let Some(known) = self.by_spelling.get(name) {
            return *known;
        }
        let number = number(self.known.len());
        let spelling: Arc<str> = name.into();
        self.firsts.push(*self.by_name.entry(name::folded(name)).or_insert(number));
        self.known.push(Arc::clone(&spelling));
        self.by_spelling.insert(spelling, number);
        number
    }

    /// What stands for the name, whichever way it is spelled.
    fn name_of(&self, spelling: Number) -> Number {
        self.firsts[spelling as usize]
    }

    fn spelling(&self, number: Number) -> Arc<str> {
        Arc::clone(&self.known[number as usize])
    }
}

/// Sections, rows or types in the order of their first mention, each in its first spelling.
#[derive(Debug)]
struct Mentioned<K> {
    spellings: Vec<Number>,
    numbers: HashMap<K, Number>,
}

impl<K> Default for Mentioned<K> {
    fn default() -> Self {
        Self { spellings: Vec::new(), numbers: HashMap::new() }
    }
}

impl<K: Eq + Hash> Mentioned<K> {
    fn number_of(&mut self, key: K, spelling: Number) -> Number {
        *self.numbers.entry(key).or_insert_with(|| {
            self.spellings.push(spelling);
            number(self.spellings.len() - 1)
        })
    }

    fn spelling(&self, number: Number) -> Number {
        self.spellings[number as usize]
    }
}

/// A file of 4 billion names does not fit into memory.
fn number(place: usize) -> Number {
    Number::try_from(place).unwrap_or(Number::MAX)
}

/// One line of the file.
#[derive(Debug, Clone, Copy)]
struct SeatLine {
    line: u64,
    section: Number,
    row: Number,
    /// As it is spelled.
    seat: Number,
    type_id: Number,
    price: Money,
    aisle_after: Option<bool>,
}

/// All that was read so far.
#[derive(Debug, Default)]
struct SeatPlan {
    names: Spellings,
    /// Sections by their names.
    sections: Mentioned<Number>,
    /// Rows by their sections and names.
    rows: Mentioned<(Number, Number)>,
    /// Types by their names.
    types: Mentioned<Number>,
    seats: Vec<SeatLine>,
}

impl SeatPlan {
    fn read_seat(
        &mut self,
        record: &Record<'_>,
        prices: &mut Prices,
        faults: &mut VenueFaults,
    ) -> Option<SeatLine> {
        let section = record.text(Column::Section, faults);
        let row = record.name(Column::Row, faults);
        let seat = record.name(Column::Seat, faults);
        let type_id = record.text(Column::Type, faults);
        let price = prices.read(record, faults);
        let aisle_after = record.yes_or_no(Column::AisleAfter, faults);
        let section = self.section(&section?, record, faults);
        let row = self.names.number_of(&row?);
        // A seat whose type or price is wrong is named all the same: a second one is a fault too.
        // What stands in for them is never minted, since the file has a fault.
        let type_id = self.names.number_of(&type_id.unwrap_or_default());
        Some(SeatLine {
            line: record.line,
            section,
            row: self.rows.number_of((section, self.names.name_of(row)), row),
            seat: self.names.number_of(&seat?),
            type_id: self.types.number_of(self.names.name_of(type_id), type_id),
            price: price.unwrap_or(prices.zero()),
            aisle_after,
        })
    }

    fn section(&mut self, name: &str, record: &Record<'_>, faults: &mut VenueFaults) -> Number {
        let spelling = self.names.number_of(name);
        let known = self.sections.spellings.len();
        let section = self.sections.number_of(self.names.name_of(spelling), spelling);
        if known == SECTIONS_MAX && self.sections.spellings.len() > known {
            record.fault(Column::Section, Flaw::TooManySections, faults);
        }
        section
    }

    /// Tells every seat that is there a second time. Sorting takes less room than a set would.
    fn tell_duplicates(&self, faults: &mut VenueFaults) {
        let key = |index: &usize| {
            let seat = &self.seats[*index];
            (seat.row, self.names.name_of(seat.seat))
        };
        let mut order: Vec<usize> = (0..self.seats.len()).collect();
        order.sort_by_key(key);
        for same in order.chunk_by(|a, b| key(a) == key(b)).filter(|same| same.len() > 1) {
            let first_line = self.seats[same[0]].line;
            for index in &same[1..] {
                let seat = &self.seats[*index];
                let label = self.label(seat).to_string();
                let flaw = Flaw::DuplicateSeat { label, first_line };
                faults.push(seat.line, Some(Column::Seat), flaw);
            }
        }
    }

    fn label(&self, seat: &SeatLine) -> SeatLabel {
        SeatLabel {
            section: self.section_name(seat),
            row: self.row_name(seat),
            seat: self.names.spelling(seat.seat),
        }
    }

    fn section_name(&self, seat: &SeatLine) -> Arc<str> {
        self.names.spelling(self.sections.spelling(seat.section))
    }

    fn row_name(&self, seat: &SeatLine) -> Arc<str> {
        self.names.spelling(self.rows.spelling(seat.row))
    }

    fn type_name(&self, seat: &SeatLine) -> Arc<str> {
        self.names.spelling(self.types.spelling(seat.type_id))
    }

    fn into_sections(mut self) -> Vec<SectionLayout> {
        // Numbers only serve to recognise names; without them there is more room for the seats.
        (self.names.by_spelling, self.names.by_name) = (HashMap::new(), HashMap::new());
        // A stable sort: the seats of a row stay in the order of the file.
        self.seats.sort_by_key(|seat| (seat.section, seat.row));
        let sections = self.seats.chunk_by(|a, b| a.section == b.section);
        sections.map(|seats| self.section_layout(seats)).collect()
    }

    /// Makes a section of its seats, of which there is at least one.
    fn section_layout(&self, seats: &[SeatLine]) -> SectionLayout {
        let first = &seats[0];
        SectionLayout {
            name: self.section_name(first).to_string(),
            type_id: self.type_name(first),
            entrance: String::new(),
            seating: Seating::Listed(seats.iter().map(|seat| self.listed_seat(seat)).collect()),
        }
    }

    fn listed_seat(&self, seat: &SeatLine) -> ListedSeat {
        ListedSeat {
            row: self.row_name(seat),
            seat: self.names.spelling(seat.seat),
            type_id: self.type_name(seat),
            price: seat.price,
            aisle_after: seat.aisle_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_layout;
    use super::*;
    use crate::domain::Currency;

    fn labels(section: &SectionLayout) -> Vec<String> {
        let seat = |index| section.seat(index).map(|seat| format!("{}/{}", seat.row, seat.seat));
        (0..section.seats()).filter_map(seat).collect()
    }

    #[test]
    fn sections_and_rows_are_put_together_in_the_order_of_first_mention() {
        let text = "section,row,seat,type,price\n\
            Stalls,B,2,regular,10\nBalcony,A,1,economy,5\nStalls,A,1,regular,10\n\
            Stalls,B,1,premium,15\nBalcony,A,0,economy,5\nStalls,A,10,regular,10\n";
        let layout = read_layout(text.as_bytes(), Currency::EUR).unwrap();
        let [stalls, balcony] = &*layout.sections else { panic!("{layout:?}") };
        assert_eq!((&*stalls.name, &*stalls.type_id, stalls.rows()), ("Stalls", "regular", 2));
        assert_eq!(labels(stalls), ["B/2", "B/1", "A/1", "A/10"]);
        assert_eq!((&*balcony.name, balcony.rows()), ("Balcony", 1));
        assert_eq!(labels(balcony), ["A/1", "A/0"]);
    }

    #[test]
    fn a_seat_is_listed_once_and_every_repeat_names_the_first() {
        let text = "section,row,seat,type,price\n\
            Stalls,A,1,regular,10\nBalcony,A,1,regular,10\nStalls,A,1,regular,ten\n\
            Stalls,B,1,regular,10\nStalls,A,1,,10\n";
        let faults = read_layout(text.as_bytes(), Currency::EUR).unwrap_err();
        insta::assert_snapshot!(faults, @"
        line 4, column price: `ten` is not a decimal number such as 49.50
        line 4, column seat: `Stalls/A/1` is already on line 2
        line 6, column type: empty
        line 6, column seat: `Stalls/A/1` is already on line 2
        ");
    }

    #[test]
    fn spellings_of_one_name_are_one_seat() {
        let text = "section,row,seat,type,price\n\
            Stalls,A,1,std,10\nStalls\u{200b},A,1,std,10\nstalls,A,1,std,10\n\
            Caf\u{e9},A,1,std,10\nCafe\u{301},A,1,std,10\n";
        let faults = read_layout(text.as_bytes(), Currency::EUR).unwrap_err();
        insta::assert_snapshot!(faults, @r"
        line 3, column section: `Stalls\u{200b}` contains U+200B (zero width space) as character 7; remove it
        line 3, column seat: `Stalls/A/1` is already on line 2
        line 4, column seat: `Stalls/A/1` is already on line 2
        line 6, column seat: `Café/A/1` is already on line 5
        ");
    }

    #[test]
    fn first_spelling_of_a_section_row_and_type_is_minted() {
        let text = "section,row,seat,type,price\n\
            Stalls,A,1a,VIP,10\n stalls ,a,1B,vip,10\nvip,1A,a,Stalls,10\n";
        let layout = read_layout(text.as_bytes(), Currency::EUR).unwrap();
        let names: Vec<&str> = layout.sections.iter().map(|s| &*s.name).collect();
        assert_eq!(names, ["Stalls", "vip"]);
        assert_eq!(labels(&layout.sections[0]), ["A/1a", "A/1B"]);
        let types = [0, 1].map(|at| layout.sections[0].seat(at).unwrap().type_id);
        assert_eq!(types, ["VIP".into(), "VIP".into()]);
        assert_eq!(&*layout.sections[1].type_id, "Stalls");
    }

    #[test]
    fn equal_names_are_kept_once() {
        let text = "section,row,seat,type,price\nA,1,1,x,1\nB,1,1,x,1\n";
        let layout = read_layout(text.as_bytes(), Currency::EUR).unwrap();
        let [a, b] = [0, 1].map(|section| layout.sections[section].seat(0).unwrap());
        assert!(Arc::ptr_eq(&a.row, &b.seat) && Arc::ptr_eq(&a.type_id, &b.type_id));
    }
}
