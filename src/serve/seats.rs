//! The seats of one show in memory: what is known of each, and what is told of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::documents::event::SectionDocument;
use super::documents::seats::{
    EventCountsDocument, LayoutDocument, MapDocument, TicketStateDocument, TicketsDocument,
};
use super::live::{Frame, Kept};
use super::reply::Answer;
use crate::domain::accessible::is_accessible;
use crate::domain::obstacles;
use crate::domain::seating::Search;
use crate::domain::{
    Change, Choice, EventId, HoldId, Obstacle, Refusal, SeatLabel, SectionMap, SectionTickets,
    Ticket, TicketId, TicketStatus, Timestamp, Wish, name,
};
use crate::repository::{SectionOffer, TypeOffer};
use crate::watch::{LiveMap, Spot};

/// How long seats that were chosen for somebody are chosen for nobody else, unless the log tells what
/// became of them.
const CHOSEN_FOR: Duration = Duration::from_secs(5);

/// The seats of a show.
#[derive(Debug)]
pub(super) struct Seats {
    event_id: EventId,
    epoch: String,
    map: LiveMap,
    /// The number of each section, by its name.
    numbers: HashMap<String, usize>,
    /// What each section would offer if nothing of it were available.
    offers: Vec<Vec<TypeOffer>>,
    /// Grows with every step of the log that changes something.
    version: u64,
    kept: Kept,
    /// Seats that were chosen for somebody a moment ago, and when.
    chosen: HashMap<Spot, Instant>,
    layout: Answer,
    counts: Option<Answer>,
    counts_by_section: Option<Answer>,
    whole: Option<Answer>,
    sections: Vec<Option<Answer>>,
}

/// Which tickets a listing is about.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) section: Option<&'a str>,
    pub(super) status: Option<TicketStatus>,
    pub(super) offset: u64,
    pub(super) limit: u64,
}

/// Seats that were chosen, or why none were.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) choice: Result<Choice, Refusal>,
    /// Whether some were left out that are chosen for others, who may not get them.
    pub(super) others_choose: bool,
}

impl Seats {
    /// Seats as they are on the map.
    pub(super) fn new(event_id: EventId, epoch: String, map: LiveMap) -> Self {
        let sections = map.sections();
        let layout = LayoutDocument::new(event_id, sections);
        let numbered = sections.iter().zip(0..);
        Self {
            layout: Answer::lasting(&layout),
            numbers: numbered.map(|(map, at)| (map.section().name.clone(), at)).collect(),
            offers: sections.iter().map(|map| types(map.tickets())).collect(),
            sections: vec![None; sections.len()],
            event_id,
            epoch,
            map,
            version: 1,
            kept: Kept::default(),
            chosen: HashMap::new(),
            counts: None,
            counts_by_section: None,
            whole: None,
        }
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// Takes over changes; returns what is to be told of them, if they change anything.
    pub(super) fn happened(&mut self, changes: &[Change], at: Timestamp) -> Option<Arc<Frame>> {
        let turns: Vec<_> = changes.iter().filter_map(|change| self.map.apply(change)).collect();
        if turns.is_empty() {
            return None;
        }
        self.version += 1;
        (self.counts, self.counts_by_section, self.whole) = (None, None, None);
        for turn in &turns {
            self.sections[turn.spot.section] = None;
            self.chosen.remove(&turn.spot);
        }
        let counts = self.map.counts().into();
        let frame = Arc::new(Frame::new(&self.epoch, self.version, at, counts, &turns));
        self.kept.push(Arc::clone(&frame));
        Some(frame)
    }

    /// Tells versions of this reading of the seats from those of another one.
    pub(super) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// What was told since the event of this id, if that was of this epoch and not too long ago.
    pub(super) fn since(&self, id: &str) -> Option<Vec<Arc<Frame>>> {
        let version = id.strip_prefix(&self.epoch)?.strip_prefix('-')?.parse().ok()?;
        self.kept.since(version, self.version)
    }

    // ── what is read ──────────────────────────────────────────────────────────────────────────

    /// Sections, rows, seats and prices.
    pub(super) fn layout(&self) -> Answer {
        self.layout.clone()
    }

    /// How many tickets are in which condition.
    pub(super) fn counts(&mut self) -> Answer {
        let counts = self.counts.take();
        let counts = counts.unwrap_or_else(|| self.write_counts(&[]));
        self.counts.insert(counts).clone()
    }

    /// How many tickets are in which condition, and of each section.
    pub(super) fn counts_by_section(&mut self) -> Answer {
        let counts = self.counts_by_section.take();
        let counts = counts.unwrap_or_else(|| self.write_counts(self.map.sections()));
        self.counts_by_section.insert(counts).clone()
    }

    fn write_counts(&self, sections: &[SectionMap]) -> Answer {
        let (epoch, version) = (&*self.epoch, self.version);
        let document = EventCountsDocument {
            event_id: self.event_id,
            epoch,
            version,
            total: self.map.counts().into(),
            sections: sections.iter().map(Into::into).collect(),
        };
        Answer::changing(&document, epoch, version)
    }

    /// The condition of every seat.
    pub(super) fn map(&mut self) -> Answer {
        let document = MapDocument {
            event_id: self.event_id,
            epoch: &self.epoch,
            version: self.version,
            sections: Vec::new(),
        };
        let map = &self.map;
        let write = || {
            let sections = map.sections().iter().map(Into::into).collect();
            Answer::changing(&MapDocument { sections, ..document }, &self.epoch, self.version)
        };
        self.whole.get_or_insert_with(write).clone()
    }

    /// The condition of every seat of a section.
    ///
    /// # Errors
    /// There is no such section.
    pub(super) fn section_map(&mut self, section: &str) -> Result<Answer, Refusal> {
        let number = self.number(section)?;
        let map = &self.map.sections()[number];
        let write = || {
            let document = MapDocument {
                event_id: self.event_id,
                epoch: &self.epoch,
                version: self.version,
                sections: vec![map.into()],
            };
            Answer::changing(&document, &self.epoch, self.version)
        };
        Ok(self.sections[number].get_or_insert_with(write).clone())
    }

    fn number(&self, section: &str) -> Result<usize, Refusal> {
        let unknown = || Refusal::UnknownSeat { seats: vec![section.to_owned()] };
        self.named(section).ok_or_else(unknown)
    }

    /// The number of the section that a text names, in any spelling that only one has.
    fn named(&self, section: &str) -> Option<usize> {
        let any_spelling = || {
            let numbered = (0..).zip(self.map.sections());
            name::find(numbered, |(_, map)| &map.section().name, section)
        };
        self.numbers.get(section).copied().or_else(|| any_spelling().map(|(number, _)| number))
    }

    /// A section, by its name in any spelling.
    ///
    /// # Errors
    /// There is no such section.
    pub(super) fn section(&self, name: &str) -> Result<&SectionMap, Refusal> {
        self.number(name).map(|number| &self.map.sections()[number])
    }

    /// What each section has to offer.
    pub(super) fn offers(&self) -> Vec<SectionDocument> {
        let offer = |(map, types): (&SectionMap, &Vec<TypeOffer>)| {
            let available = map.available_by_type().map(u64::from);
            let types = types.iter().cloned().zip(available);
            let types = types.map(|(of, available)| TypeOffer { available, ..of }).collect();
            SectionOffer::of_types(map.section().clone(), types).into()
        };
        self.map.sections().iter().zip(&self.offers).map(offer).collect()
    }

    /// Tickets one by one, in the order of the venue.
    ///
    /// # Errors
    /// There is no such section.
    pub(super) fn tickets(&self, page: &Page<'_>) -> Result<TicketsDocument, Refusal> {
        let sections = match page.section {
            None => self.map.sections(),
            Some(name) => std::slice::from_ref(&self.map.sections()[self.number(name)?]),
        };
        let counted = |map: &SectionMap| match page.status {
            None => map.section().seats,
            Some(status) => map.counts().of(status),
        };
        let total = sections.iter().map(counted).sum();
        let asked = |status: TicketStatus| page.status.is_none_or(|only| only == status);
        let clamped = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let tickets = sections.iter().flat_map(SectionMap::seats);
        let tickets = tickets
            .filter(|(_, status)| asked(*status))
            .skip(clamped(page.offset))
            .take(clamped(page.limit))
            .map(|(ticket, status)| TicketStateDocument::new(ticket, status))
            .collect();
        Ok(TicketsDocument { tickets, total })
    }

    /// Every section with the condition of its seats.
    pub(super) fn sections(&self) -> &[SectionMap] {
        self.map.sections()
    }

    /// Whether a group of those who wait fits somewhere.
    pub(super) fn fits(&self, wish: &Wish) -> bool {
        self.map.fits(wish.size, wish.section.as_deref(), wish.ticket_type.as_deref())
    }

    // ── what is wanted ────────────────────────────────────────────────────────────────────────

    /// The tickets for these seats, in any spelling.
    ///
    /// # Errors
    /// The show has no such seats; all of them are named.
    pub(super) fn find(&self, seats: &[String]) -> Result<Vec<TicketId>, Refusal> {
        let find = |name: &String| {
            let [section, row, seat] = SeatLabel::split(name)?;
            let ticket = TicketId::of_seat(self.event_id, section, row, seat);
            if self.map.spot(ticket).is_some() {
                return Some(ticket);
            }
            let map = &self.map.sections()[self.named(section)?];
            map.tickets().find(row, seat).map(|ticket| ticket.ticket_id)
        };
        let found: Vec<Option<TicketId>> = seats.iter().map(find).collect();
        let unknown: Vec<String> = seats
            .iter()
            .zip(&found)
            .filter(|(_, ticket)| ticket.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        if unknown.is_empty() {
            Ok(found.into_iter().flatten().collect())
        } else {
            Err(Refusal::UnknownSeat { seats: unknown })
        }
    }

    /// Refuses what is hopeless: tickets that somebody has, as far as is known. What somebody may have
    /// to meet is let through: the repeat of an attempt, a hold that may be over, a payment that may be
    /// overdue.
    ///
    /// # Errors
    /// Refused with `taken`, `blocked` or `unknown_seat`.
    pub(super) fn check(
        &self,
        tickets: &[TicketId],
        attempt: Option<HoldId>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut spots = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            let unknown = || Refusal::UnknownSeat { seats: vec![ticket.to_string()] };
            spots.push(self.map.spot(*ticket).ok_or_else(unknown)?);
        }
        spots.sort_unstable();
        let (mut in_the_way, mut is_hopeless) = (Vec::new(), false);
        for spot in spots {
            let map = &self.map.sections()[spot.section];
            let status = map.statuses()[spot.place];
            if status == TicketStatus::Available {
                continue;
            }
            let holder = self.map.holder(spot);
            let may_be_own = attempt.is_some_and(|own| holder.is_some_and(|of| of.hold_id == own));
            if may_be_own && status != TicketStatus::Blocked {
                return Ok(());
            }
            let held_until = holder.and_then(|holder| holder.expires_at);
            is_hopeless |= match status {
                TicketStatus::Held => held_until.is_some_and(|until| until > now),
                TicketStatus::Sold | TicketStatus::Blocked => true,
                TicketStatus::Available | TicketStatus::Paying => false,
            };
            in_the_way.push(Obstacle {
                seat: map.tickets().tickets()[spot.place].label.clone(),
                status,
                hold_id: holder.map(|holder| holder.hold_id),
                order_id: None,
                until: held_until.filter(|_| status == TicketStatus::Held),
                reason: None,
            });
        }
        if is_hopeless { obstacles::check(in_the_way) } else { Ok(()) }
    }

    /// Chooses seats, which are chosen for nobody else for a moment; in these sections only, the most
    /// preferred first, if any are named. The choice is refused with `sold_out`, `no_adjacent_block`, or
    /// `unknown_seat` where there is no such section or type.
    pub(super) fn choose(
        &mut self,
        count: u32,
        sections: &[String],
        ticket_type: Option<&str>,
    ) -> Chosen {
        self.chosen.retain(|_, since| since.elapsed() < CHOSEN_FOR);
        let others_choose = !self.chosen.is_empty();
        let choice = self.choose_of_the_rest(count, sections, ticket_type);
        let is_unknown = matches!(choice, Err(Refusal::UnknownSeat { .. }));
        Chosen { choice, others_choose: others_choose && !is_unknown }
    }

    /// Whether such a request could have chosen these tickets, whatever was available: each is in one
    /// of its sections and of its type.
    pub(super) fn could_choose(
        &self,
        sections: &[String],
        ticket_type: Option<&str>,
        tickets: &[Ticket],
    ) -> bool {
        // A request that names an unknown section never chooses seats.
        let numbers: Option<Vec<usize>> = sections.iter().map(|name| self.named(name)).collect();
        let Some(numbers) = numbers else { return false };
        tickets.iter().all(|ticket| {
            let number = self.numbers.get(&*ticket.label.section);
            let is_of_type = match ticket_type {
                Some(wanted) => name::same(&ticket.type_id, wanted),
                None => !is_accessible(&ticket.type_id),
            };
            is_of_type && (numbers.is_empty() || number.is_some_and(|at| numbers.contains(at)))
        })
    }

    fn choose_of_the_rest(
        &mut self,
        count: u32,
        sections: &[String],
        ticket_type: Option<&str>,
    ) -> Result<Choice, Refusal> {
        let numbers: Vec<usize> = match sections {
            [] => (0..self.map.sections().len()).collect(),
            named => {
                let mut numbers = Vec::with_capacity(named.len());
                for name in named {
                    let number = self.number(name)?;
                    if !numbers.contains(&number) {
                        numbers.push(number);
                    }
                }
                numbers
            }
        };
        let mut search = Search::new(count, ticket_type);
        for number in numbers {
            search.look(&self.section_but_chosen(number));
            if search.is_settled() {
                break;
            }
        }
        if !search.has_begun()
            && let Some(unknown) = ticket_type
        {
            return Err(Refusal::UnknownSeat { seats: vec![unknown.to_owned()] });
        }
        let choice = search.finish()?;
        let now = Instant::now();
        let spots = choice.tickets.iter().filter_map(|ticket| self.map.spot(*ticket));
        self.chosen.extend(spots.map(|spot| (spot, now)));
        Ok(choice)
    }

    /// A section as it will be once those have their seats for whom some were chosen.
    fn section_but_chosen(&self, number: usize) -> SectionMap {
        let mut map = self.map.sections()[number].clone();
        for spot in self.chosen.keys().filter(|spot| spot.section == number) {
            map.set(spot.place, TicketStatus::Held);
        }
        map
    }

    /// These tickets were not taken after all.
    pub(super) fn let_go(&mut self, tickets: &[TicketId]) {
        for spot in tickets.iter().filter_map(|ticket| self.map.spot(*ticket)) {
            self.chosen.remove(&spot);
        }
    }
}

/// The ticket types of a section, and what they cost.
fn types(section: &SectionTickets) -> Vec<TypeOffer> {
    let mut types: Vec<TypeOffer> = section.types().map(TypeOffer::empty).collect();
    for (place, ticket) in section.tickets().iter().enumerate() {
        types[section.type_number(place)].add(ticket.price, false);
    }
    types
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ChangeKind;
    use crate::domain::seat_map::drawn::drawn;
    use crate::watch::story::Story;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn seats(drawing: &str) -> Seats {
        let map = LiveMap::new(vec![drawn("A", &[drawing])]);
        Seats::new(EventId::of_slug("hamlet"), "e".into(), map)
    }

    fn tickets(seats: &Seats, names: &[&str]) -> Vec<TicketId> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        seats.find(&names).unwrap()
    }

    /// What is refused at this time, as `code`; whoever asks may have made that attempt before.
    fn refused(
        seats: &Seats,
        name: &str,
        attempt: Option<HoldId>,
        now: i64,
    ) -> Option<&'static str> {
        let checked = seats.check(&tickets(seats, &[name]), attempt, at(now));
        checked.err().map(|refusal| refusal.code())
    }

    #[test]
    fn what_somebody_has_for_sure_is_refused_and_whatever_may_be_over_is_not() {
        let mut seats = seats(".hpsx");
        assert_eq!(refused(&seats, "A/1/1", None, 0), None);
        assert_eq!(refused(&seats, "A/1/2", None, 0), None, "held since nobody knows when");
        assert_eq!(refused(&seats, "A/1/3", None, 0), None, "the payment may be overdue");
        assert_eq!(refused(&seats, "A/1/4", None, 0), Some("taken"));
        assert_eq!(refused(&seats, "A/1/5", None, 0), Some("blocked"));
        let mut story = Story::default();
        let held = story.change(ChangeKind::Held, "A/1/1");
        seats.happened(&[held], at(0)).unwrap();
        assert_eq!(refused(&seats, "A/1/1", None, 59_999), Some("taken"));
        assert_eq!(refused(&seats, "A/1/1", None, 60_000), None, "its minute is over");
    }

    #[test]
    fn who_repeats_an_attempt_is_told_by_the_store_and_others_are_told_at_once() {
        let mut seats = seats(".s");
        let held = Story::default().change(ChangeKind::Held, "A/1/1");
        let own = held.hold_id;
        seats.happened(&[held], at(0)).unwrap();
        assert_eq!(refused(&seats, "A/1/1", own, 0), None);
        assert_eq!(refused(&seats, "A/1/1", Some(HoldId::fresh()), 0), Some("taken"));
        assert_eq!(refused(&seats, "A/1/2", Some(HoldId::fresh()), 0), Some("taken"));
    }

    #[test]
    fn seat_is_found_by_any_spelling() {
        let map = LiveMap::new(vec![drawn("Caf\u{e9}", &[".."])]);
        let seats = Seats::new(EventId::of_slug("hamlet"), "e".into(), map);
        let stored = tickets(&seats, &["Caf\u{e9}/1/2"]);
        for other in ["CAFE\u{301}/1/2", "caf\u{e9} / 1\u{200b}/2"] {
            assert_eq!(tickets(&seats, &[other]), stored);
        }
        assert!(seats.number("cafe\u{301}").is_ok());
        assert!(seats.number("cafe").is_err());
    }

    #[test]
    fn what_is_chosen_for_one_is_chosen_for_no_other_until_it_is_let_go() {
        let mut seats = seats("..");
        let pair = seats.choose(2, &[], None);
        assert!(!pair.others_choose);
        let pair = pair.choice.unwrap();
        let none = seats.choose(1, &[], None);
        assert_eq!(none.choice.unwrap_err().code(), "sold_out");
        assert!(none.others_choose, "they may not get them");
        seats.let_go(&pair.tickets);
        assert!(seats.choose(2, &[], None).choice.is_ok());
        let unknown = seats.choose(1, &["B".into()], None);
        assert_eq!(unknown.choice.unwrap_err().code(), "unknown_seat");
        assert!(!unknown.others_choose, "that will not change");
    }
}
