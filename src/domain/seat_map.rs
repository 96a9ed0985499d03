//! What is free where, known without looking at the seats one by one: counters by status, and for
//! each row how much of it is free and how many of these sit side by side.
//!
//! A map says what was so when it was read, or as far as it was told of changes. It rejects what is
//! hopeless and decides nothing.

use std::sync::Arc;

use fixedbitset::FixedBitSet;
use serde::Serialize;

use super::section_tickets::Kind;
use super::{Section, SectionTickets, Ticket, TicketStatus};

#[cfg(test)]
pub(crate) mod drawn;
#[cfg(test)]
mod tests;

/// How many tickets are in which condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StatusCounts {
    /// Tickets anybody may claim.
    pub available: u64,
    /// Tickets held until a deadline.
    pub held: u64,
    /// Tickets being paid for.
    pub paying: u64,
    /// Tickets sold.
    pub sold: u64,
    /// Tickets kept from the sale.
    pub blocked: u64,
}

impl StatusCounts {
    /// How many are in this condition.
    #[must_use]
    pub const fn of(&self, status: TicketStatus) -> u64 {
        match status {
            TicketStatus::Available => self.available,
            TicketStatus::Held => self.held,
            TicketStatus::Paying => self.paying,
            TicketStatus::Sold => self.sold,
            TicketStatus::Blocked => self.blocked,
        }
    }

    const fn of_mut(&mut self, status: TicketStatus) -> &mut u64 {
        match status {
            TicketStatus::Available => &mut self.available,
            TicketStatus::Held => &mut self.held,
            TicketStatus::Paying => &mut self.paying,
            TicketStatus::Sold => &mut self.sold,
            TicketStatus::Blocked => &mut self.blocked,
        }
    }
}

/// What is free in a row, or in a whole section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vacant {
    /// Seats that are free.
    pub free: u32,
    /// The most of them that sit side by side.
    pub longest: u32,
}

/// A section with the condition of every ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionMap {
    tickets: Arc<SectionTickets>,
    statuses: Vec<TicketStatus>,
    /// The places of the tickets that are available.
    free: FixedBitSet,
    counts: StatusCounts,
    every: Tally,
    /// Of the tickets that are chosen where no type is asked for, if these are not all.
    general: Tally,
    /// For each ticket type, if there are several.
    by_type: Vec<Tally>,
}

/// What is free of some tickets of a section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Tally {
    vacant: Vacant,
    /// The rows that have such tickets: their depth, and what is free in them.
    rows: Vec<(usize, Vacant)>,
    /// How many rows have a longest run of this length.
    rows_by_longest: Vec<u32>,
}

impl Tally {
    /// Counts a ticket of the last row, and the run of free ones that ends with it: 0 if it is not
    /// free itself.
    fn push(&mut self, depth: usize, run: u32) {
        if self.rows.last().is_none_or(|(last, _)| *last != depth) {
            self.rows.push((depth, Vacant::default()));
        }
        if let Some((_, row)) = self.rows.last_mut() {
            row.free += u32::from(run > 0);
            row.longest = row.longest.max(run);
        }
    }

    /// Sums up the rows once all are there.
    fn sum_up(&mut self) {
        self.vacant.free = self.rows.iter().map(|(_, row)| row.free).sum();
        self.vacant.longest = self.rows.iter().map(|(_, row)| row.longest).max().unwrap_or(0);
        self.rows_by_longest = vec![0; self.vacant.longest as usize + 1];
        for (_, row) in &self.rows {
            self.rows_by_longest[row.longest as usize] += 1;
        }
    }

    fn row(&self, depth: usize) -> Vacant {
        let found = self.rows.binary_search_by_key(&depth, |(depth, _)| *depth);
        found.map_or_else(|_| Vacant::default(), |at| self.rows[at].1)
    }

    /// Puts something else in the place of what a row had.
    fn replace(&mut self, depth: usize, fresh: Vacant) {
        let Ok(at) = self.rows.binary_search_by_key(&depth, |(depth, _)| *depth) else { return };
        let before = std::mem::replace(&mut self.rows[at].1, fresh);
        self.vacant.free = self.vacant.free - before.free + fresh.free;
        let (from, to) = (before.longest as usize, fresh.longest as usize);
        if self.rows_by_longest.len() <= to {
            self.rows_by_longest.resize(to + 1, 0);
        }
        self.rows_by_longest[from] -= 1;
        self.rows_by_longest[to] += 1;
        while self.rows_by_longest.last() == Some(&0) {
            self.rows_by_longest.pop();
        }
        let longest = self.rows_by_longest.len().saturating_sub(1);
        self.vacant.longest = u32::try_from(longest).unwrap_or(u32::MAX);
    }
}

impl SectionMap {
    /// A map of a section whose tickets are in these conditions, in the order of its tickets.
    /// Tickets that no condition is named for are available.
    #[must_use]
    pub fn new(tickets: Arc<SectionTickets>, mut statuses: Vec<TicketStatus>) -> Self {
        statuses.resize(tickets.tickets().len(), TicketStatus::Available);
        let mut map = Self {
            free: FixedBitSet::with_capacity(statuses.len()),
            tickets,
            statuses,
            counts: StatusCounts::default(),
            every: Tally::default(),
            general: Tally::default(),
            by_type: Vec::new(),
        };
        map.count();
        map
    }

    fn count(&mut self) {
        for (place, status) in self.statuses.iter().enumerate() {
            *self.counts.of_mut(*status) += 1;
            self.free.set(place, *status == TicketStatus::Available);
        }
        let tickets = Arc::clone(&self.tickets);
        for (depth, row) in tickets.rows().iter().enumerate() {
            let (mut run, mut general, mut run_of_type) = (0, 0, 0);
            for place in row.clone() {
                run = self.run(place, run, Kind::Every);
                self.every.push(depth, run);
                if tickets.general() == Kind::General {
                    general = self.run(place, general, Kind::General);
                    self.general.push(depth, general);
                }
                if let Some(number) = tickets.type_at(place) {
                    let same = place > row.start && tickets.type_at(place - 1) == Some(number);
                    let before = if same { run_of_type } else { 0 };
                    run_of_type = self.run(place, before, Kind::Type(number));
                    self.tally_of_type(number).push(depth, run_of_type);
                }
            }
        }
        self.every.sum_up();
        self.general.sum_up();
        self.by_type.iter_mut().for_each(Tally::sum_up);
    }

    fn tally_of_type(&mut self, number: u32) -> &mut Tally {
        let at = number as usize;
        if self.by_type.len() <= at {
            self.by_type.resize_with(at + 1, Tally::default);
        }
        &mut self.by_type[at]
    }

    /// How long the run of free tickets of a kind is that ends at a place, if it was `before` long at
    /// the place before.
    fn run(&self, place: usize, before: u32, kind: Kind) -> u32 {
        match (self.is_free(place, kind), self.tickets.is_joined(place)) {
            (true, true) => before + 1,
            (true, false) => 1,
            (false, _) => 0,
        }
    }

    /// Whether the ticket at a place is available and of this kind.
    pub(super) fn is_free(&self, place: usize, kind: Kind) -> bool {
        let fits = match kind {
            Kind::Every => true,
            Kind::General => !self.tickets.is_accessible(place),
            Kind::Type(number) => self.tickets.type_at(place) == Some(number),
        };
        fits && self.free.contains(place)
    }

    /// Notes the condition that a ticket has now; looks at no row but its own. Returns the one it
    /// had, or none where the section has no such place.
    pub fn set(&mut self, place: usize, status: TicketStatus) -> Option<TicketStatus> {
        let before = std::mem::replace(self.statuses.get_mut(place)?, status);
        *self.counts.of_mut(before) -= 1;
        *self.counts.of_mut(status) += 1;
        let is_free = status == TicketStatus::Available;
        if self.free.contains(place) != is_free {
            self.free.set(place, is_free);
            let depth = self.tickets.depth_of(place);
            let row = self.look_along(depth, Kind::Every);
            self.every.replace(depth, row);
            if self.tickets.general() == Kind::General {
                let row = self.look_along(depth, Kind::General);
                self.general.replace(depth, row);
            }
            if let Some(number) = self.tickets.type_at(place) {
                let row = self.look_along(depth, Kind::Type(number));
                self.tally_of_type(number).replace(depth, row);
            }
        }
        Some(before)
    }

    fn look_along(&self, depth: usize, kind: Kind) -> Vacant {
        let (mut row, mut run) = (Vacant::default(), 0);
        for place in self.tickets.rows()[depth].clone() {
            run = self.run(place, run, kind);
            row.free += u32::from(run > 0);
            row.longest = row.longest.max(run);
        }
        row
    }

    /// The section and its tickets, which never change.
    #[must_use]
    pub const fn tickets(&self) -> &Arc<SectionTickets> {
        &self.tickets
    }

    /// The section.
    #[must_use]
    pub fn section(&self) -> &Section {
        self.tickets.section()
    }

    /// The condition of each ticket, in the order of the tickets.
    #[must_use]
    pub fn statuses(&self) -> &[TicketStatus] {
        &self.statuses
    }

    /// Every ticket with its condition.
    pub fn seats(&self) -> impl Iterator<Item = (&Ticket, TicketStatus)> {
        self.tickets.tickets().iter().zip(self.statuses.iter().copied())
    }

    /// How many tickets are in which condition.
    #[must_use]
    pub const fn counts(&self) -> StatusCounts {
        self.counts
    }

    fn tally(&self, kind: Kind) -> &Tally {
        match kind {
            Kind::Every => &self.every,
            Kind::General => &self.general,
            // Every type was counted when the map was made.
            Kind::Type(number) => &self.by_type[number as usize],
        }
    }

    /// How many tickets of each type are in which status; the types in the order of their first
    /// tickets.
    #[must_use]
    pub fn counts_by_type(&self) -> Vec<(&str, StatusCounts)> {
        let mut types: Vec<_> =
            self.tickets.types().map(|name| (name, StatusCounts::default())).collect();
        if let [(_, only)] = &mut types[..] {
            *only = self.counts;
            return types;
        }
        for (place, status) in self.statuses.iter().enumerate() {
            *types[self.tickets.type_number(place)].1.of_mut(*status) += 1;
        }
        types
    }

    /// How many tickets of each type are available, in the order of the types.
    pub fn available_by_type(&self) -> impl Iterator<Item = u32> {
        let tallies =
            if self.by_type.is_empty() { std::slice::from_ref(&self.every) } else { &self.by_type };
        tallies.iter().map(|tally| tally.vacant.free)
    }

    /// How many free seats are left out where no type is asked for.
    #[must_use]
    pub fn accessible(&self) -> u32 {
        self.every.vacant.free - self.vacant(None).free
    }

    /// The longest run of free seats side by side, whatever their types: no group that is larger fits,
    /// whatever it asks for.
    #[must_use]
    pub const fn longest(&self) -> u32 {
        self.every.vacant.longest
    }

    /// What is free of the tickets of a type, in any case; where none is named, of those that are
    /// chosen without being asked for.
    #[must_use]
    pub fn vacant(&self, ticket_type: Option<&str>) -> Vacant {
        let kind = self.tickets.kind(ticket_type);
        kind.map_or_else(Vacant::default, |kind| self.tally(kind).vacant)
    }

    /// What is free of these in one row; `depth` is 0 for the first.
    #[must_use]
    pub fn vacant_in_row(&self, depth: usize, ticket_type: Option<&str>) -> Vacant {
        let kind = self.tickets.kind(ticket_type);
        kind.map_or_else(Vacant::default, |kind| self.tally(kind).row(depth))
    }

    /// Whether a group of this size fits: side by side in one row, with no aisle between, on tickets
    /// of a type if one is named, else on any but accessible ones.
    #[must_use]
    pub fn fits(&self, size: u32, ticket_type: Option<&str>) -> bool {
        self.vacant(ticket_type).longest >= size
    }

    /// The rows where a group fits, the first one first.
    pub(super) fn rows_that_fit(&self, size: u32, kind: Kind) -> impl Iterator<Item = usize> {
        let fits = move |(_, row): &&(usize, Vacant)| row.longest >= size;
        self.tally(kind).rows.iter().filter(fits).map(|(depth, _)| *depth)
    }
}

/// The venue of an event, seat by seat.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeatMap {
    /// Its sections, in the order of the venue.
    pub sections: Vec<SectionMap>,
}

impl SeatMap {
    /// How many tickets of the whole venue are in which condition.
    #[must_use]
    pub fn counts(&self) -> StatusCounts {
        let mut sum = StatusCounts::default();
        for section in &self.sections {
            for status in TicketStatus::ALL {
                *sum.of_mut(status) += section.counts.of(status);
            }
        }
        sum
    }

    /// Whether a group of this size fits anywhere: side by side in one row, in the section if one is
    /// named, on tickets of a type, in any case, if one is named.
    #[must_use]
    pub fn fits(&self, size: u32, section: Option<&str>, ticket_type: Option<&str>) -> bool {
        let named = |map: &&SectionMap| section.is_none_or(|name| map.section().name == name);
        self.sections.iter().filter(named).any(|map| map.fits(size, ticket_type))
    }
}
