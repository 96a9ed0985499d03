//! Choosing seats: adjacent ones in one row, near the front and the middle, leaving no orphan.
//!
//! Sections are looked at in the order in which they are preferred, which is that of the venue where
//! nobody says otherwise. The first one with a block that leaves no orphan has the choice; where
//! every block of every section leaves one, the first section with the fewest. Nothing here decides
//! a sale: whoever was chosen seats for has to claim them like anybody else.

use std::ops::Range;
use std::sync::Arc;

use super::choice::{Choice, Reason};
use super::section_tickets::Kind;
use super::shortage::{Looked, RowName, Shortage};
use super::{Money, Refusal, SectionMap, SectionTickets};

#[cfg(test)]
mod tests;

/// Seats side by side in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The depth of the row, 0 for the first.
    pub depth: usize,
    /// The places of the seats in their section.
    pub places: Range<usize>,
    /// Single seats that would be left at either side, of which nobody in company has any use.
    pub orphans: u32,
}

/// How well a block is placed, whatever its orphans; the smallest is the best: rows from the front
/// and seats from the middle, weighed alike, then the first row, the first seat. It is the same for
/// the same map, and for no two blocks.
type Merit = (usize, usize, usize);

impl Block {
    fn new(map: &SectionMap, depth: usize, places: Range<usize>) -> Self {
        // A single seat is one without free neighbors of any type that others may be given.
        let general = map.tickets().general();
        let free = |place: usize| map.is_free(place, general);
        let joined = |place: usize| map.tickets().is_joined(place);
        // The first seat of a row is not joined to any before it.
        let lone_before =
            |at: usize| joined(at) && free(at - 1) && !(joined(at - 1) && free(at - 2));
        let lone_behind = |at: usize| joined(at) && free(at) && !(joined(at + 1) && free(at + 1));
        let orphans = u32::from(lone_before(places.start)) + u32::from(lone_behind(places.end));
        Self { depth, places, orphans }
    }

    fn merit(&self, tickets: &SectionTickets) -> Merit {
        let row = &tickets.rows()[self.depth];
        let (start, end) = (self.places.start - row.start, self.places.end - row.start);
        // Twice the distance between the middle of the block and the middle of the row, so that
        // halves stay whole numbers.
        let off_middle = (start + end).abs_diff(row.len());
        (2 * self.depth + off_middle, self.depth, start)
    }
}

/// The blocks of one row that a group fits into, with all of their seats in the `stretch`.
fn blocks(
    map: &SectionMap,
    depth: usize,
    stretch: Range<usize>,
    size: u32,
    kind: Kind,
) -> impl Iterator<Item = Block> {
    let mut run = 0;
    stretch.filter_map(move |place| {
        let goes_on = run > 0 && map.tickets().is_joined(place);
        run = match (map.is_free(place, kind), goes_on) {
            (true, true) => run + 1,
            (true, false) => 1,
            (false, _) => 0,
        };
        let end = place + 1;
        (run >= size).then(|| Block::new(map, depth, end - size as usize..end))
    })
}

/// The blocks of a section that a group fits into, the first row first.
pub(super) fn blocks_of_section(
    map: &SectionMap,
    size: u32,
    kind: Kind,
) -> impl Iterator<Item = Block> {
    let size = size.max(1);
    let row = |depth: usize| map.tickets().rows()[depth].clone();
    let depths = map.rows_that_fit(size, kind);
    depths.flat_map(move |depth| blocks(map, depth, row(depth), size, kind))
}

/// The best block of one row whose seats all lie in a stretch of places; none if no run there is
/// long enough.
#[must_use]
pub fn best_of_stretch(
    map: &SectionMap,
    depth: usize,
    stretch: Range<usize>,
    size: u32,
) -> Option<Block> {
    let blocks = blocks(map, depth, stretch, size.max(1), map.tickets().general());
    blocks.min_by_key(|block| (block.orphans, block.merit(map.tickets())))
}

/// The best block of a section; none if no run there is long enough.
#[must_use]
pub fn best_of_section(map: &SectionMap, size: u32) -> Option<Block> {
    best_of(map, size.max(1), map.tickets().general()).map(|found| found.block)
}

/// What the cheapest seat costs of those where a group can sit side by side, on tickets of a type if
/// one is named; none if it cannot.
#[must_use]
pub fn price_from(map: &SectionMap, size: u32, ticket_type: Option<&str>) -> Option<Money> {
    let kind = map.tickets().kind(ticket_type)?;
    let blocks = blocks_of_section(map, size, kind);
    let seats = blocks.flat_map(|block| &map.tickets().tickets()[block.places]);
    seats.map(|ticket| ticket.price).min_by_key(|price| price.minor())
}

/// A search for seats, section by section, the most preferred first.
#[derive(Debug)]
pub struct Search {
    size: u32,
    ticket_type: Option<String>,
    found: Option<Found>,
    /// How many sections were looked at or skipped.
    sections: u32,
    /// How many of them have a block.
    sections_with_block: u32,
    first: Option<String>,
    available: u64,
    /// Free seats that were left out because they are accessible.
    accessible: u32,
    longest: u32,
    longest_in: Option<RowName>,
}

/// The best block so far.
#[derive(Debug)]
struct Found {
    tickets: Arc<SectionTickets>,
    block: Block,
    /// Whether a block that is better placed would leave more orphans.
    avoids_orphan: bool,
    /// How many sections come before its own, and how many of them have a block, too.
    sections_before: u32,
    sections_before_with_block: u32,
    /// How many blocks its section has.
    blocks: u64,
    /// Of the rows in front of it, those that have a block.
    rows_that_fit: u32,
    /// Of these, those that have one that leaves no more orphans.
    rows_as_good: u32,
}

impl Search {
    /// A search for seats for a group of this size, on tickets of a type, in any case, if one is
    /// named.
    #[must_use]
    pub fn new(size: u32, ticket_type: Option<&str>) -> Self {
        Self {
            size: size.max(1),
            ticket_type: ticket_type.map(str::to_owned),
            found: None,
            sections: 0,
            sections_with_block: 0,
            first: None,
            available: 0,
            accessible: 0,
            longest: 0,
            longest_in: None,
        }
    }

    /// Whether nothing that may still be looked at can be better.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.block.orphans == 0)
    }

    /// Whether any section so far has such tickets, free or not.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.sections > 0
    }

    /// Whether there are seats to choose.
    #[must_use]
    pub const fn has_choice(&self) -> bool {
        self.found.is_some()
    }

    /// Looks at the next section. One that has no tickets of the type is no part of the search.
    pub fn look(&mut self, map: &SectionMap) {
        let ticket_type = self.ticket_type.as_deref();
        let Some(kind) = map.tickets().kind(ticket_type) else { return };
        // What is hopeless is known from the counters alone.
        let fits = map.fits(self.size, ticket_type);
        let found = fits.then(|| best_of(map, self.size, kind)).flatten();
        self.available += u64::from(map.vacant(ticket_type).free);
        if ticket_type.is_none() {
            self.accessible = self.accessible.saturating_add(map.accessible());
        }
        // From here on the type is written as the venue writes it.
        self.ticket_type = map.tickets().type_named(ticket_type).map(str::to_owned);
        self.note_section(&map.section().name);
        self.note_longest(map);
        let Some(mut found) = found else { return };
        found.sections_before = self.sections - 1;
        found.sections_before_with_block = self.sections_with_block;
        self.sections_with_block += 1;
        match &self.found {
            Some(best) if best.block.orphans <= found.block.orphans => {}
            best => {
                found.avoids_orphan |= best.is_some();
                self.found = Some(found);
            }
        }
    }

    /// Names the type that is asked for as the venue writes it.
    pub fn name_type(&mut self, ticket_type: &str) {
        self.ticket_type = Some(ticket_type.to_owned());
    }

    /// Passes over the next section, of which it is known that it has too few tickets left; and how
    /// many accessible ones are free, which matter where no type is named.
    pub fn skip(&mut self, section: &str, available: u64, accessible: u64) {
        self.note_section(section);
        self.available += available;
        if self.ticket_type.is_none() {
            let accessible = u32::try_from(accessible).unwrap_or(u32::MAX);
            self.accessible = self.accessible.saturating_add(accessible);
        }
    }

    fn note_section(&mut self, name: &str) {
        self.sections += 1;
        self.first.get_or_insert_with(|| name.to_owned());
    }

    /// The longest run so far of seats that are free side by side.
    #[must_use]
    pub const fn longest(&self) -> u32 {
        self.longest
    }

    /// Looks into a section that was skipped, for where the longest run is.
    pub fn note_longest(&mut self, map: &SectionMap) {
        let ticket_type = self.ticket_type.as_deref();
        let longest = map.vacant(ticket_type).longest;
        if longest > self.longest {
            let kind = map.tickets().kind(ticket_type).unwrap_or(Kind::Every);
            let depth = map.rows_that_fit(longest, kind).next().unwrap_or(0);
            self.longest = longest;
            self.longest_in = Some(RowName {
                section: map.section().name.clone(),
                row: map.tickets().row_name(depth).to_owned(),
            });
        }
    }

    /// What was chosen, or why there is no choice.
    ///
    /// # Errors
    /// [`Refusal::SoldOut`] if fewer seats are free than asked for, [`Refusal::NoAdjacentBlock`] if
    /// enough are free but nowhere side by side.
    pub fn finish(self) -> Result<Choice, Refusal> {
        match self.found {
            Some(found) => Ok(found.choice(self.size, self.ticket_type)),
            None => Err(self.refusal()),
        }
    }

    /// Why a search that found nothing has no choice.
    #[must_use]
    pub fn refusal(self) -> Refusal {
        let enough = self.available >= u64::from(self.size);
        let shortage = Box::new(Shortage {
            asked: self.size,
            available: u32::try_from(self.available).unwrap_or(u32::MAX),
            longest: self.longest,
            longest_in: self.longest_in,
            accessible: self.accessible,
            looked_in: Looked {
                sections: self.sections,
                section: self.first.filter(|_| self.sections == 1),
                ticket_type: self.ticket_type,
            },
            elsewhere: None,
        });
        if enough { Refusal::NoAdjacentBlock(shortage) } else { Refusal::SoldOut(shortage) }
    }
}

impl Found {
    fn choice(&self, asked: u32, ticket_type: Option<String>) -> Choice {
        let (tickets, block) = (&self.tickets, &self.block);
        Choice {
            tickets: tickets.tickets()[block.places.clone()].iter().map(|t| t.ticket_id).collect(),
            places: block.places.clone(),
            asked,
            ticket_type,
            section: tickets.section().name.clone(),
            row: tickets.row_name(block.depth).to_owned(),
            blocks: self.blocks,
            rows_in_front: u32::try_from(block.depth).unwrap_or(u32::MAX),
            rows_in_front_with_block: self.rows_that_fit,
            sections_before: self.sections_before,
            sections_before_with_block: self.sections_before_with_block,
            orphans: block.orphans,
            reasons: self.reasons(),
            tries: 1,
        }
    }

    fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.sections_before > 0 && self.sections_before_with_block == 0 {
            reasons.push(Reason::FirstSectionWithBlock);
        }
        reasons.extend(match (self.blocks, self.block.depth, self.rows_that_fit) {
            (1, ..) => Some(Reason::OnlyBlock),
            (_, 0, _) => Some(Reason::FrontRow),
            (.., 0) => Some(Reason::NearestRow),
            _ if self.rows_as_good > 0 => Some(Reason::NearerMiddle),
            _ => None,
        });
        reasons.push(match self.block.orphans {
            0 if self.avoids_orphan => Reason::OrphanAvoided,
            0 => Reason::NoOrphan,
            _ => Reason::OrphanUnavoidable,
        });
        reasons
    }
}

/// The best block of a section, and what there is to say about it.
fn best_of(map: &SectionMap, size: u32, kind: Kind) -> Option<Found> {
    let tickets = map.tickets();
    let mut count = 0;
    let mut best: Option<((u32, Merit), Block)> = None;
    let mut best_placed: Option<(Merit, u32)> = None;
    // Of each row with a block: the fewest orphans that one of them leaves.
    let mut rows: Vec<(usize, u32)> = Vec::new();
    for depth in map.rows_that_fit(size, kind) {
        let mut fewest = u32::MAX;
        for block in blocks(map, depth, tickets.rows()[depth].clone(), size, kind) {
            count += 1;
            let (orphans, merit) = (block.orphans, block.merit(tickets));
            fewest = fewest.min(orphans);
            if best_placed.is_none_or(|(other, _)| merit < other) {
                best_placed = Some((merit, orphans));
            }
            if best.as_ref().is_none_or(|(other, _)| (orphans, merit) < *other) {
                best = Some(((orphans, merit), block));
            }
        }
        rows.push((depth, fewest));
    }
    let ((_, block), (_, orphans_of_best_placed)) = (best?, best_placed?);
    let in_front = rows.iter().filter(|(depth, _)| *depth < block.depth);
    let as_good = in_front.clone().filter(|(_, orphans)| *orphans <= block.orphans);
    let counted = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
    Some(Found {
        tickets: Arc::clone(tickets),
        avoids_orphan: orphans_of_best_placed > block.orphans,
        sections_before: 0,
        sections_before_with_block: 0,
        blocks: count,
        rows_that_fit: counted(in_front.count()),
        rows_as_good: counted(as_good.count()),
        block,
    })
}
