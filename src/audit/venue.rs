//! What follows from the names and prices of an event's tickets: their ids, and the layout's digest.
//!
//! Engines hand over ticket by ticket, so that no name stays in memory. The digest is computed by
//! code of the audit's own, from the rows that are stored.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::store::note;
use crate::domain::{Currency, EventId, TicketId};

/// Names the way in which a layout is hashed.
const FORMAT: &str = "tix layout 1";

/// What was recomputed from the rows of one event.
#[derive(Debug, Clone, Default)]
pub struct VenueFacts {
    /// The digests that a layout with these sections and tickets can have; none before all of them
    /// were read.
    pub digests: Vec<String>,
    /// Sections and tickets that contradict their own names and numbers, one sentence each.
    pub faults: Vec<(Option<TicketId>, String)>,
}

/// A section as it is stored.
#[derive(Debug, Clone)]
pub(super) struct StoredSection {
    pub(super) name: String,
    pub(super) type_id: String,
    pub(super) entrance: String,
    pub(super) rows: u64,
    pub(super) tickets: u64,
}

/// A ticket as it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredTicket<'a> {
    pub(super) ticket_id: TicketId,
    pub(super) row: &'a str,
    pub(super) seat: &'a str,
    pub(super) type_id: &'a str,
    pub(super) price_minor: i64,
    /// Whether the venue file says that an aisle follows.
    pub(super) aisle_after: Option<bool>,
}

/// Recomputes ids and digests while sections and tickets are read, in the order of the venue.
#[derive(Debug)]
pub(super) struct Venue {
    event: EventId,
    currency: Option<Currency>,
    /// As a layout of which every seat is listed.
    listed: LayoutHash,
    /// As a layout of which those sections are grids that look like one.
    grids: LayoutHash,
    section: Option<Section>,
    facts: VenueFacts,
}

/// The section that is being read.
#[derive(Debug)]
struct Section {
    stored: StoredSection,
    /// What [`Venue::listed`] becomes.
    listed: Listing,
    /// What [`Venue::grids`] becomes if the section is no grid.
    as_listed: Listing,
    has_aisles: bool,
    shape: Shape,
    last_row: Option<String>,
    rows: u64,
    tickets: u64,
}

/// What the tickets of a section look like so far.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Empty,
    Grid(Grid),
    Other,
}

/// A section that looks like a grid so far: rows and seats count from 1, at one price.
#[derive(Debug, Clone, Copy)]
struct Grid {
    price_minor: i64,
    row: u32,
    seat: u32,
    /// Seats per row, known from the second row on.
    per_row: Option<u32>,
}

impl Venue {
    /// Nothing is read yet. Without a currency no digest is computed.
    pub(super) fn of(event: EventId, currency: Option<Currency>) -> Self {
        let hash = LayoutHash::new();
        Self {
            event,
            currency,
            listed: hash.clone(),
            grids: hash,
            section: None,
            facts: VenueFacts::default(),
        }
    }

    /// The section whose tickets follow.
    pub(super) fn section(&mut self, stored: StoredSection) {
        self.end_section();
        self.section = Some(Section {
            listed: Listing::behind(&self.listed, &stored),
            as_listed: Listing::behind(&self.grids, &stored),
            stored,
            has_aisles: false,
            shape: Shape::Empty,
            last_row: None,
            rows: 0,
            tickets: 0,
        });
    }

    /// The next ticket of the section.
    pub(super) fn ticket(&mut self, ticket: StoredTicket<'_>) {
        let Some(section) = &mut self.section else { return };
        let StoredTicket { ticket_id, row, seat, .. } = ticket;
        let name = section.stored.name.as_str();
        if ticket_id != TicketId::of_seat(self.event, name, row, seat) {
            note(&mut self.facts.faults, || {
                let label = format!("{name}/{row}/{seat}");
                (Some(ticket_id), format!("its id is not the one of {label}, where it is stored"))
            });
        }
        section.take(ticket);
        if let Some(currency) = self.currency {
            section.listed.seat(ticket, currency);
            section.as_listed.seat(ticket, currency);
        }
    }

    /// Names something else that contradicts itself.
    pub(super) fn fault(&mut self, ticket: Option<TicketId>, what: impl FnOnce() -> String) {
        note(&mut self.facts.faults, || (ticket, what()));
    }

    /// What was found out, now that everything is read.
    pub(super) fn finish(mut self) -> VenueFacts {
        self.end_section();
        if self.currency.is_some() {
            self.facts.digests = vec![self.grids.hexadecimal(), self.listed.hexadecimal()];
        }
        self.facts
    }

    fn end_section(&mut self) {
        let Some(section) = self.section.take() else { return };
        let Section { stored, listed, as_listed, has_aisles, shape, rows, tickets, .. } = section;
        self.listed = listed.end(has_aisles);
        // Tickets that are missing are counted elsewhere: their minting may not be complete.
        if rows != stored.rows && tickets == stored.tickets {
            self.fault(None, || {
                let StoredSection { name, rows: declared, .. } = &stored;
                format!("section {name} says that it has {declared} rows, its tickets have {rows}")
            });
        }
        match (shape, self.currency) {
            (Shape::Grid(grid), Some(currency)) if grid.size().is_some() => {
                self.grids.grid(&stored, grid, currency);
            }
            _ => self.grids = as_listed.end(has_aisles),
        }
    }
}

impl Section {
    fn take(&mut self, ticket: StoredTicket<'_>) {
        if self.last_row.as_deref() != Some(ticket.row) {
            self.rows += 1;
            self.last_row = Some(ticket.row.to_owned());
        }
        self.tickets += 1;
        self.has_aisles |= ticket.aisle_after.is_some();
        let grid = match self.shape {
            _ if self.has_aisles || ticket.type_id != self.stored.type_id => None,
            Shape::Empty => Grid::of(ticket),
            Shape::Grid(grid) => grid.with(ticket),
            Shape::Other => None,
        };
        self.shape = grid.map_or(Shape::Other, Shape::Grid);
    }
}

impl Grid {
    fn of(first: StoredTicket<'_>) -> Option<Self> {
        let grid = Self { price_minor: first.price_minor, row: 1, seat: 1, per_row: None };
        (is_number(first.row, 1) && is_number(first.seat, 1)).then_some(grid)
    }

    fn with(self, next: StoredTicket<'_>) -> Option<Self> {
        let Self { price_minor, row, seat, per_row } = self;
        if next.price_minor != price_minor {
            return None;
        }
        if is_number(next.row, row) {
            let seat = seat.checked_add(1)?;
            let fits = per_row.is_none_or(|per_row| seat <= per_row);
            (fits && is_number(next.seat, seat)).then_some(Self { seat, ..self })
        } else {
            let row = row.checked_add(1)?;
            let is_whole = per_row.is_none_or(|per_row| seat == per_row);
            let begins = is_number(next.row, row) && is_number(next.seat, 1);
            (is_whole && begins).then_some(Self { row, seat: 1, per_row: Some(seat), ..self })
        }
    }

    /// Rows and seats per row; none where the last row is not whole.
    fn size(self) -> Option<(u32, u32)> {
        let per_row = self.per_row.unwrap_or(self.seat);
        (self.seat == per_row).then_some((self.row, per_row))
    }
}

/// Whether a name is this number as a grid writes it.
fn is_number(name: &str, number: u32) -> bool {
    !name.starts_with(['0', '+']) && name.parse() == Ok(number)
}

/// A section of which every seat is listed, hashed in both ways that there are: whether the file says
/// where aisles are is known at its last seat.
#[derive(Debug)]
struct Listing {
    plain: LayoutHash,
    with_aisles: LayoutHash,
}

impl Listing {
    /// The section behind what was hashed before it.
    fn behind(before: &LayoutHash, section: &StoredSection) -> Self {
        let (mut plain, mut with_aisles) = (before.clone(), before.clone());
        plain.begin_listed(section, "listed");
        with_aisles.begin_listed(section, "listed with aisles");
        Self { plain, with_aisles }
    }

    fn seat(&mut self, ticket: StoredTicket<'_>, currency: Currency) {
        self.plain.seat(ticket, currency);
        self.with_aisles.seat(ticket, currency);
        self.with_aisles.number(match ticket.aisle_after {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        });
    }

    fn end(self, has_aisles: bool) -> LayoutHash {
        if has_aisles { self.with_aisles } else { self.plain }
    }
}

/// The hash of a layout: every text behind its length, every number in eight bytes.
#[derive(Debug, Clone)]
struct LayoutHash(Sha256);

impl LayoutHash {
    fn new() -> Self {
        let mut hash = Self(Sha256::new());
        hash.text(FORMAT);
        hash
    }

    fn head(&mut self, section: &StoredSection) {
        self.text(&section.name);
        self.text(&section.type_id);
        self.text(&section.entrance);
    }

    fn begin_listed(&mut self, section: &StoredSection, how: &str) {
        self.head(section);
        self.text(how);
        self.number(section.tickets);
    }

    fn seat(&mut self, ticket: StoredTicket<'_>, currency: Currency) {
        self.text(ticket.row);
        self.text(ticket.seat);
        self.text(ticket.type_id);
        self.price(ticket.price_minor, currency);
    }

    fn grid(&mut self, section: &StoredSection, grid: Grid, currency: Currency) {
        let Some((rows, per_row)) = grid.size() else { return };
        self.head(section);
        self.text("grid");
        self.number(rows.into());
        self.number(per_row.into());
        self.price(grid.price_minor, currency);
    }

    fn price(&mut self, minor: i64, currency: Currency) {
        self.0.update(minor.to_le_bytes());
        self.0.update(currency.code());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn hexadecimal(self) -> String {
        self.0.finalize().iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::minting::{Layout, ListedSeat, Seating, arena_of, builtin_arena, read_layout};

    fn recomputed(layout: &Layout, currency: Currency) -> VenueFacts {
        let event = EventId::of_slug("show");
        let mut venue = Venue::of(event, Some(currency));
        for section in &layout.sections {
            venue.section(StoredSection {
                name: section.name.clone(),
                type_id: section.type_id.to_string(),
                entrance: section.entrance.clone(),
                rows: section.rows().into(),
                tickets: section.seats(),
            });
            for seat in (0..).map_while(|index| section.seat(index)) {
                let ListedSeat { row, seat, type_id, price, aisle_after } = &seat;
                venue.ticket(StoredTicket {
                    ticket_id: TicketId::of_seat(event, &section.name, row, seat),
                    row,
                    seat,
                    type_id,
                    price_minor: price.minor(),
                    aisle_after: *aisle_after,
                });
            }
        }
        venue.finish()
    }

    #[test]
    fn rows_give_the_digest_of_their_layout() {
        let eur = Currency::EUR;
        let mut layouts: Vec<Layout> = (1..60).map(|seats| arena_of(seats, eur)).collect();
        layouts.push(builtin_arena(eur));
        for csv in [
            "section,type,price,row,seat\nA,r,5,1,1\nA,r,5,1,2\nB,r,5,2,1\nB,v,6,2,2\n",
            "section,type,price,row,seat\nA,r,5,1,1\nA,r,5,2,1\nA,r,5,3,1\n",
            "section,type,price,row,seat\nA,r,5,1,1\nA,r,5,1,2\nA,r,5,2,1\nA,r,5,2,2\n",
            "section,type,price,row,seat\nA,r,5,01,1\nA,r,5,2,1\n",
            "section,type,price,rows,seats_per_row\nA,r,5,1,1\nB,v,9,2,3\nC,v,9,4,1\n",
            "section,type,price,row,seat,aisle_after\nA,r,5,1,1,yes\nA,r,5,1,2,no\nB,r,5,1,1,\n",
        ] {
            layouts.push(read_layout(csv.as_bytes(), eur).unwrap());
        }
        for layout in layouts {
            let facts = recomputed(&layout, eur);
            assert!(facts.digests.contains(&layout.digest), "{layout:?}");
            assert_eq!(facts.faults, []);
        }
    }

    #[test]
    fn another_price_or_name_gives_another_digest() {
        let csv = "section,type,price,row,seat\nA,r,5,1,1\nA,r,5,1,2\n";
        let layout = read_layout(csv.as_bytes(), Currency::EUR).unwrap();
        let changed = |change: fn(&mut ListedSeat)| {
            let mut layout = layout.clone();
            let Seating::Listed(seats) = &mut layout.sections[0].seating else { unreachable!() };
            change(&mut seats[1]);
            recomputed(&layout, Currency::EUR).digests.contains(&layout.digest)
        };
        assert!(changed(|_| {}));
        let dearer = crate::domain::Money::from_minor(501, Currency::EUR);
        assert!(!changed(|seat| seat.row = "2".into()));
        assert!(!changed(|seat| seat.type_id = "v".into()));
        assert!(!changed(|seat| seat.aisle_after = Some(false)));
        let mut layout = layout.clone();
        let Seating::Listed(seats) = &mut layout.sections[0].seating else { unreachable!() };
        seats[1].price = dearer;
        assert!(!recomputed(&layout, Currency::EUR).digests.contains(&layout.digest));
    }
}
