//! Those who wait, and choosing seats for them.

use std::sync::Arc;

use tix::domain::seating::Search;
use tix::domain::waitlist::WAITING_MAX;
use tix::domain::{
    Currency, Money, Section, SectionMap, SectionTickets, Ticket, TicketId, WaitlistStatus, Wish,
};
use uuid::Uuid;

use super::{Asked, LIMIT, Model, SEATS, SECTIONS, Seat, TIME_TO_PAY, seats_of};

/// Somebody who joined the waitlist.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    buyer: u8,
    session: u8,
    wish: Wish,
    left: bool,
    pub(super) offer: Option<usize>,
}

impl Model {
    /// Offers what is free in these sections to those who wait; returns how many were served.
    pub(super) fn serve(&mut self, sections: &[usize]) -> usize {
        let mut served = 0;
        for place in 0..self.line.len() {
            let Entry { buyer, session, wish, .. } = self.line[place].clone();
            let has_room = self.owns(buyer) + wish.size <= LIMIT;
            if !self.waits(place) || !has_room {
                continue;
            }
            let Some(seats) = self.best(sections, &wish) else { continue };
            let hold = self.asked.len();
            for seat in &seats {
                self.seats[*seat] = Seat::Held { hold };
            }
            let expires = Some(self.now + TIME_TO_PAY);
            self.asked.push(Asked { buyer, session, seats, expires, ended: None });
            self.line[place].offer = Some(hold);
            served += 1;
        }
        served
    }

    /// The best seats of these sections that are free and fulfil a wish.
    pub(super) fn best(&self, sections: &[usize], wish: &Wish) -> Option<Vec<usize>> {
        Some(seats_with(&self.search(sections, wish).finish().ok()?.tickets))
    }

    pub(super) fn search(&self, sections: &[usize], wish: &Wish) -> Search {
        let mut search = Search::new(wish.size, wish.ticket_type.as_deref());
        for section in sections {
            if wish.section.as_deref().is_none_or(|name| name == SECTIONS[*section].0) {
                search.look(&self.map(*section));
            }
        }
        search
    }

    fn map(&self, section: usize) -> SectionMap {
        let (name, ticket_type, seats) = SECTIONS[section];
        let ticket = |(number, seat): (usize, usize)| Ticket {
            ticket_id: ticket_id(seat),
            label: format!("{name}/1/{}", number + 1).parse().unwrap(),
            type_id: ticket_type.into(),
            price: Money::zero(Currency::EUR),
        };
        let section_of = Section {
            name: name.into(),
            type_id: ticket_type.into(),
            entrance: String::new(),
            rows: 1,
            seats: seats.into(),
        };
        let tickets =
            SectionTickets::new(section_of, seats_of(section).enumerate().map(ticket).collect());
        SectionMap::new(Arc::new(tickets), self.statuses()[seats_of(section)].to_vec())
    }

    fn waits(&self, place: usize) -> bool {
        !self.line[place].left && self.line[place].offer.is_none()
    }

    pub(super) fn entry_status(&self, place: usize) -> WaitlistStatus {
        match self.line[place].offer.and_then(|hold| self.hold_status(hold)) {
            Some(hold) => WaitlistStatus::of_offer(hold),
            None if self.line[place].left => WaitlistStatus::Left,
            None => WaitlistStatus::Waiting,
        }
    }

    /// The status and the place of everybody who ever joined the waitlist.
    pub(crate) fn places(&self) -> Vec<(WaitlistStatus, Option<u64>)> {
        let mut in_line = 0;
        let place = |place: usize| {
            in_line += u64::from(self.waits(place));
            (self.entry_status(place), self.waits(place).then_some(in_line))
        };
        (0..self.line.len()).map(place).collect()
    }

    pub(super) fn join(&mut self, buyer: u8, session: u8, wish: &Wish) -> String {
        if self.owns(buyer) + wish.size > LIMIT {
            return "limit".into();
        }
        let waits = |place: &usize| self.line[*place].buyer == buyer && self.waits(*place);
        if (0..self.line.len()).filter(waits).count() >= WAITING_MAX as usize {
            return "waitlist_limit".into();
        }
        self.line.push(Entry { buyer, session, wish: wish.clone(), left: false, offer: None });
        self.serve(&(0..SECTIONS.len()).collect::<Vec<_>>());
        self.entry_status(self.line.len() - 1).word().into()
    }

    pub(super) fn leave(&mut self, back: usize, session: u8) -> String {
        let Some(place) = self.line.len().checked_sub(1 + back) else { return "none".into() };
        if self.line[place].session != session {
            return "not_yours".into();
        }
        match self.line[place].offer {
            Some(hold) => match self.abandon(hold, session).as_str() {
                "ok" => {}
                refused => return refused.into(),
            },
            None => self.line[place].left = true,
        }
        self.entry_status(place).word().into()
    }
}

/// The seats that have these tickets.
pub(super) fn seats_with(tickets: &[TicketId]) -> Vec<usize> {
    (0..SEATS).filter(|seat| tickets.contains(&ticket_id(*seat))).collect()
}

fn ticket_id(seat: usize) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(seat as u128))
}
