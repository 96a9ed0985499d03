//! What is free, as those who wait see it.

use std::collections::HashMap;

use super::Wish;
use crate::domain::seating::Search;
use crate::domain::{SectionMap, TicketId, TicketStatus};

/// Free and taken seats of some sections, and which group of the line fits into them.
///
/// Seats only ever become fewer here: what did not fit once is not looked for again.
#[derive(Debug, Clone, Default)]
pub struct Vacancies {
    sections: Vec<SectionMap>,
    /// The smallest group that did not fit, for each place in which one was looked for.
    hopeless: HashMap<Place, u32>,
}

/// Section and type of a wish.
type Place = (Option<Box<str>>, Option<Box<str>>);

impl Vacancies {
    /// What is free in these sections, the most preferred first.
    #[must_use]
    pub fn of(sections: Vec<SectionMap>) -> Self {
        Self { sections, hopeless: HashMap::new() }
    }

    /// The largest group that could sit side by side somewhere, whatever it wished for.
    #[must_use]
    pub fn largest_group(&self) -> u32 {
        self.sections.iter().map(SectionMap::longest).max().unwrap_or(0)
    }

    /// The best seats for a group, as a [`Search`] finds them, in the order of the venue; none where
    /// it does not fit.
    pub fn fit(&mut self, wish: &Wish) -> Option<Vec<TicketId>> {
        let place = (wish.section.clone(), wish.ticket_type.clone());
        if self.hopeless.get(&place).is_some_and(|size| *size <= wish.size) {
            return None;
        }
        let mut search = Search::new(wish.size, wish.ticket_type.as_deref());
        let is_meant = |map: &&SectionMap| {
            wish.section.as_deref().is_none_or(|name| name == map.section().name)
        };
        for map in self.sections.iter().filter(is_meant) {
            search.look(map);
            if search.is_settled() {
                break;
            }
        }
        let found = search.finish().ok().map(|choice| choice.tickets);
        if found.is_none() {
            self.hopeless.insert(place, wish.size);
        }
        found
    }

    /// Notes that somebody has these tickets now.
    pub fn take(&mut self, tickets: &[TicketId]) {
        for map in &mut self.sections {
            let places: Vec<usize> = map
                .seats()
                .enumerate()
                .filter(|(_, (ticket, _))| tickets.contains(&ticket.ticket_id))
                .map(|(place, _)| place)
                .collect();
            for place in places {
                map.set(place, TicketStatus::Held);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Currency, EventId, Money, Section, SectionTickets, Ticket};

    fn id(label: &str) -> TicketId {
        TicketId::of_seat(EventId::of_slug("hamlet"), "", "", label)
    }

    /// Seats with their types, of which those that end with `!` are taken.
    fn section(name: &str, seats: &[(&str, &str)]) -> SectionMap {
        let tickets = seats.iter().map(|(label, ticket_type)| {
            let label = label.trim_end_matches('!');
            Ticket {
                ticket_id: id(label),
                label: label.parse().unwrap(),
                type_id: (*ticket_type).into(),
                price: Money::zero(Currency::EUR),
            }
        });
        let section = Section {
            name: name.into(),
            type_id: "regular".into(),
            entrance: String::new(),
            rows: 1,
            seats: seats.len() as u64,
        };
        let status = |(label, _): &(&str, &str)| {
            if label.ends_with('!') { TicketStatus::Sold } else { TicketStatus::Available }
        };
        let statuses = seats.iter().map(status).collect();
        SectionMap::new(Arc::new(SectionTickets::new(section, tickets.collect())), statuses)
    }

    /// Section A has two pairs, of which one seat is taken, section B three seats, one of them VIP.
    fn vacancies() -> Vacancies {
        let regular = |label: &'static str| (label, "regular");
        let a = ["A/1/1", "A/1/2!", "A/2/1", "A/2/2"].map(regular);
        let b = [regular("B/1/1"), regular("B/1/2"), ("B/1/3", "VIP")];
        Vacancies::of(vec![section("A", &a), section("B", &b)])
    }

    fn fit(vacancies: &mut Vacancies, wish: (Option<&str>, Option<&str>, u32)) -> Vec<TicketId> {
        let (section, ticket_type, size) = wish;
        let wish = Wish {
            section: section.map(Into::into),
            ticket_type: ticket_type.map(Into::into),
            size,
        };
        vacancies.fit(&wish).unwrap_or_default()
    }

    #[test]
    fn a_group_fits_where_it_sits_side_by_side_in_one_row() {
        let mut free = vacancies();
        assert_eq!(free.largest_group(), 3);
        assert_eq!(fit(&mut free, (None, None, 2)), [id("A/2/1"), id("A/2/2")]);
        assert_eq!(fit(&mut free, (Some("B"), None, 3)), ["B/1/1", "B/1/2", "B/1/3"].map(id));
        assert_eq!(fit(&mut free, (Some("A"), None, 3)), []);
        assert_eq!(fit(&mut free, (None, None, 3)), ["B/1/1", "B/1/2", "B/1/3"].map(id));
    }

    #[test]
    fn a_wish_for_a_type_is_met_with_that_type_only() {
        let mut free = vacancies();
        assert_eq!(fit(&mut free, (None, Some("VIP"), 1)), [id("B/1/3")]);
        assert_eq!(fit(&mut free, (None, Some("VIP"), 2)), []);
        assert_eq!(fit(&mut free, (Some("A"), Some("VIP"), 1)), []);
    }

    #[test]
    fn what_was_taken_is_free_no_more() {
        let mut free = vacancies();
        free.take(&fit(&mut free.clone(), (Some("B"), None, 2)));
        assert_eq!(fit(&mut free, (Some("B"), None, 2)), []);
        assert_eq!(fit(&mut free, (Some("B"), None, 3)), [], "known without looking");
        assert_eq!(fit(&mut free, (Some("B"), None, 1)).len(), 1, "a smaller group may fit");
        free.take(&["A/1/1", "A/2/1", "A/2/2", "B/1/1", "B/1/2", "B/1/3"].map(id));
        assert_eq!(free.largest_group(), 0);
    }
}
