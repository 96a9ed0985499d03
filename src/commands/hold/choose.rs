//! Choosing seats for `--best`: which sections are looked into, and what there is elsewhere if none
//! of them has the seats.

use std::collections::BTreeSet;

use crate::commands::pick;
use crate::domain::seating::{Search, price_from};
use crate::domain::shortage::Elsewhere;
use crate::domain::{
    Choice, Event, EventId, Refusal, SeatLabel, Section, SectionMap, Shortage, TicketStatus,
};
use crate::error::{Error, Result};
use crate::repository::{Repository, SectionCounts};

/// How many sections are looked into for seats elsewhere.
const ELSEWHERE_LOOKS_MAX: usize = 16;

/// What the buyer would like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// How many seats side by side.
    pub(super) size: u32,
    /// In these sections only, the most preferred first; anywhere, in the order of the venue, where
    /// none is named.
    pub(super) sections: &'a [String],
    /// On tickets of this type only, in any spelling.
    pub(super) ticket_type: Option<&'a str>,
    /// None of these, which were refused whatever the map says.
    pub(super) refused: &'a [SeatLabel],
}

/// Chooses seats, or says why there are none and what is to be had elsewhere.
///
/// # Errors
/// Refused where there is no such section, or no such seats; bad usage where no ticket is of that
/// type.
pub(super) async fn choose(
    store: &dyn Repository,
    event: &Event,
    wish: Wish<'_>,
) -> Result<Choice> {
    let sections = store.sections(event.event_id).await?;
    let allowed = allowed(&sections, wish.sections)?;
    if allowed.is_empty() {
        return Err(not_minted(event, wish.size));
    }
    let mut venue = Venue { store, event: event.event_id, refused: wish.refused, counts: None };
    let mut answer = venue.search(&allowed, wish).await?.finish();
    if let Err(Refusal::SoldOut(shortage) | Refusal::NoAdjacentBlock(shortage)) = &mut answer {
        shortage.elsewhere = venue.elsewhere(shortage, &sections, &allowed).await?;
    }
    Ok(answer?)
}

fn not_minted(event: &Event, size: u32) -> Error {
    let hint = format!(
        "mint its tickets from a venue file with --slug {}, as `tix seed --help` shows",
        event.slug
    );
    Error::refused(Search::new(size, None).refusal(), Some(hint))
}

/// The sections that are named, or all, each once.
fn allowed<'a>(sections: &'a [Section], named: &[String]) -> Result<Vec<&'a Section>> {
    if named.is_empty() {
        return Ok(sections.iter().collect());
    }
    let mut allowed: Vec<&Section> = Vec::new();
    for name in named {
        let section = pick::section(sections, name)?;
        if !allowed.contains(&section) {
            allowed.push(section);
        }
    }
    Ok(allowed)
}

/// The seats of an event, read as far as they are needed.
struct Venue<'a> {
    store: &'a dyn Repository,
    event: EventId,
    /// Seats that were refused.
    refused: &'a [SeatLabel],
    /// The counts of each section, once they are needed.
    counts: Option<Vec<SectionCounts>>,
}

impl Venue<'_> {
    async fn map(&self, section: &Section) -> Result<SectionMap> {
        let mut map = self.store.section_map(self.event, &section.name).await?;
        for seat in self.refused.iter().filter(|seat| *seat.section == *section.name) {
            let place = map.seats().position(|(ticket, _)| ticket.label == *seat);
            place.and_then(|place| map.set(place, TicketStatus::Held));
        }
        Ok(map)
    }

    /// The counts of a section by type.
    async fn counts(&mut self, section: &Section) -> Result<SectionCounts> {
        let counts = match self.counts.take() {
            Some(known) => known,
            None => self.store.counts(self.event).await?,
        };
        let counts = self.counts.insert(counts);
        let found = counts.iter().find(|counts| counts.section == section.name).cloned();
        found.ok_or_else(|| Refusal::UnknownSeat { seats: vec![section.name.clone()] }.into())
    }

    /// Looks into one section after the other until nothing better can come.
    ///
    /// Most searches end in the first section. Only then are the tickets counted, so that sections
    /// that cannot have the seats need not be read.
    async fn search(&mut self, allowed: &[&Section], wish: Wish<'_>) -> Result<Search> {
        let mut search = Search::new(wish.size, wish.ticket_type);
        let mut types = BTreeSet::new();
        let mut skipped = Vec::new();
        for (nth, section) in allowed.iter().enumerate() {
            if nth > 0 {
                let counts = self.counts(section).await?;
                types.extend(counts.types.iter().map(|of| of.type_id.clone()));
                if !counts.has_type(wish.ticket_type) {
                    continue;
                }
                if let Some(name) = counts.type_named(wish.ticket_type) {
                    search.name_type(name);
                }
                let available = counts.available_to(wish.ticket_type);
                if available < u64::from(wish.size) {
                    let accessible = counts.available - counts.available_to(None);
                    search.skip(&section.name, available, accessible);
                    skipped.push((*section, available));
                    continue;
                }
            }
            let map = self.map(section).await?;
            types.extend(map.tickets().types().map(str::to_owned));
            search.look(&map);
            if search.is_settled() {
                return Ok(search);
            }
        }
        match wish.ticket_type {
            Some(wanted) if !search.has_begun() => {
                let types: Vec<String> = types.into_iter().collect();
                Err(pick::unknown_type(wanted, &types))
            }
            _ => {
                self.look_for_longest(&mut search, &skipped).await?;
                Ok(search)
            }
        }
    }

    /// Looks into skipped sections that may have a longer run than any other: a refusal names it.
    async fn look_for_longest(
        &self,
        search: &mut Search,
        skipped: &[(&Section, u64)],
    ) -> Result<()> {
        for (section, available) in skipped {
            if !search.has_choice() && *available > u64::from(search.longest()) {
                search.note_longest(&self.map(section).await?);
            }
        }
        Ok(())
    }

    /// What is to be had where the buyer did not look.
    async fn elsewhere(
        &mut self,
        shortage: &Shortage,
        sections: &[Section],
        looked: &[&Section],
    ) -> Result<Option<Elsewhere>> {
        let wanted = shortage.looked_in.ticket_type.as_deref();
        let mut likely = Vec::new();
        // Where the buyer looked for some type, there may be others.
        for section in sections.iter().filter(|s| wanted.is_some() || !looked.contains(s)) {
            let counts = self.counts(section).await?;
            let available = counts.available_to(wanted).max(counts.available_to(None));
            if available > u64::from(shortage.longest) {
                let too_few = available < u64::from(shortage.asked);
                likely.push((!counts.has_type(wanted), too_few, section));
            }
        }
        likely.sort_by_key(|(other_type, too_few, _)| (*other_type, *too_few));
        let mut best: Option<Elsewhere> = None;
        for (.., section) in likely.into_iter().take(ELSEWHERE_LOOKS_MAX) {
            let map = self.map(section).await?;
            let offers = [wanted, None].map(|ticket_type| offer(&map, shortage, ticket_type));
            for offer in offers.into_iter().flatten() {
                if best.as_ref().is_none_or(|best| worth(&offer, shortage) > worth(best, shortage))
                {
                    best = Some(offer);
                }
            }
            if best.as_ref().is_some_and(|best| is_all(best, shortage)) {
                break;
            }
        }
        Ok(best)
    }
}

/// What a section offers to whom seats were refused elsewhere; none if it is nothing better.
fn offer(map: &SectionMap, shortage: &Shortage, ticket_type: Option<&str>) -> Option<Elsewhere> {
    let side_by_side = map.vacant(ticket_type).longest.min(shortage.asked);
    if side_by_side <= shortage.longest {
        return None;
    }
    Some(Elsewhere {
        section: map.section().name.clone(),
        ticket_type: ticket_type.map(str::to_owned),
        side_by_side,
        price_from: price_from(map, side_by_side, ticket_type)?,
    })
}

/// Whether an offer is all that was asked for, but for the place.
fn is_all(offer: &Elsewhere, shortage: &Shortage) -> bool {
    offer.side_by_side == shortage.asked && offer.ticket_type == shortage.looked_in.ticket_type
}

/// What an offer is worth: as many as were asked for, then of the type that was asked for, then as
/// many as possible.
fn worth(offer: &Elsewhere, shortage: &Shortage) -> (bool, bool, u32) {
    let enough = offer.side_by_side == shortage.asked;
    (enough, offer.ticket_type == shortage.looked_in.ticket_type, offer.side_by_side)
}
