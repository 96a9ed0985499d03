//! Serving the line: who gets which tickets, and handing them to him.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::handover::take;
use super::line::{self, EntryRow, Line, Offered};
use super::mending::withdraw;
use crate::domain::waitlist::Vacancies;
use crate::domain::{
    EntryId, Event, EventId, HoldId, Offer, SectionMap, Ticket, TicketId, TicketStatus,
};
use crate::repository::scylla::at_once::at_once;
use crate::repository::scylla::catalogue::{self, StoredTicket};
use crate::repository::scylla::claims;
use crate::repository::scylla::database::Database;
use crate::repository::scylla::holds::{self, queue_rows};
use crate::repository::scylla::limits;
use crate::repository::scylla::projection::{Shown, show};
use crate::repository::scylla::queue::{self, Step};
use crate::repository::scylla::rows::{HoldRow, QueueRow, TicketCopy};
use crate::repository::scylla::tickets;
use crate::repository::{Error, Result};

/// How often an entry is offered other tickets after somebody was quicker.
const TRIES_MAX: u32 = 4;

/// How often the line is looked at anew because an entry was put back into it.
const ROUNDS_MAX: u32 = 4;

/// How often one look begins again because others made offers meanwhile.
const PASSES_MAX: u32 = 100;

/// Sections that are read at the same time.
const SECTIONS_AT_ONCE: usize = 8;

/// An offer whose making takes so long, which is well before others take it for given up, is looked
/// at again afterwards.
const LOOKS_BACK_AFTER: Duration = Duration::from_secs(1);

/// What came of passing tickets on.
#[derive(Debug, Default)]
pub(in crate::repository::scylla) struct Passed {
    /// The tickets that somebody who waited has now.
    pub(in crate::repository::scylla) tickets: HashSet<TicketId>,
    /// Whether somebody was put back into the line, so that all of the event is to be looked at.
    anew: bool,
}

/// Offers tickets that are about to come free to those who wait, with whatever else is free in their
/// sections. `rows` are the tickets' rows as they stand, and nobody else's any more: what is passed
/// on is not to be freed. Those of the hold that `ended` do not count towards its buyer's limit.
pub(in crate::repository::scylla) async fn pass_on(
    db: &Database,
    event: EventId,
    rows: impl AsyncFnOnce() -> Result<Vec<QueueRow>>,
    concerned: &[TicketCopy],
    ended: Option<&HoldRow>,
) -> Result<Passed> {
    if !line::is_open(db, event).await? {
        return Ok(Passed::default());
    }
    if let Some(hold) = ended {
        db.remembered.owns_less(event, hold.buyer_id);
    }
    let mut round = Round::new(db, event, ended.map(|hold| hold.hold_id)).await?;
    round.in_hand = rows().await?.into_iter().map(|row| (row.ticket_id, row)).collect();
    let sections = concerned.iter().map(|ticket| ticket.section_id).collect();
    round.serve(Some(&sections)).await?;
    let anew = round.finish().await?;
    Ok(Passed { tickets: round.passed, anew })
}

/// Looks at the line once more after tickets came free, and were shown so: somebody may have joined
/// meanwhile, or another may have freed the seat beside.
///
/// What came free is free: where this fails, `tix worker` serves the line.
pub(in crate::repository::scylla) async fn look_again<'t>(
    db: &Database,
    event: EventId,
    concerned: impl IntoIterator<Item = &'t TicketCopy>,
    passed: &Passed,
) {
    let sections = concerned.into_iter().map(|ticket| ticket.section_id).collect();
    let scope = if passed.anew { None } else { Some(&sections) };
    if let Err(error) = look(db, event, scope).await {
        tracing::warn!(%error, "those who wait were not looked after");
    }
}

/// Offers what is available in some sections of an event, or in all of them, to those who wait.
pub(in crate::repository::scylla) async fn look(
    db: &Database,
    event: EventId,
    sections: Option<&HashSet<i32>>,
) -> Result<Vec<Offer>> {
    let mut offers = Vec::new();
    let mut scope = sections;
    for _ in 0..ROUNDS_MAX {
        if !line::is_open(db, event).await? {
            break;
        }
        let mut round = Round::new(db, event, None).await?;
        round.serve(scope).await?;
        let anew = round.finish().await?;
        offers.append(&mut round.offers);
        if !anew {
            break;
        }
        scope = None;
    }
    Ok(offers)
}

/// One look at the line.
pub(super) struct Round<'d> {
    pub(super) db: &'d Database,
    pub(super) event: Arc<Event>,
    /// Rows of tickets that may be handed over.
    in_hand: HashMap<TicketId, QueueRow>,
    /// The holds whose tickets are in hand.
    ended: Vec<HoldId>,
    /// Offers that could not be made good, and whether a ticket may yet be claimed for them.
    withdrawn: Vec<(HoldRow, bool)>,
    /// Tickets that were in hand and are somebody's now.
    passed: HashSet<TicketId>,
    offers: Vec<Offer>,
}

/// What came of serving an entry.
enum Served {
    /// It has an offer.
    Offered,
    /// Nothing that is free fits it.
    DoesNotFit,
    /// Its buyer may own no more.
    MayOwnNoMore,
    /// It waits no more, or was put back more often than it is tried again.
    Elsewhere,
    /// The line is not as it was read, so nobody else of it is served.
    Overtaken,
}

/// What came of an offer.
enum Made {
    /// It is made.
    Good,
    /// These tickets cannot be had; the entry waits as before.
    Lost(Vec<TicketId>),
    /// A hold has the id of the offer that is not of this entry: its client chose the id in a store of an
    /// earlier version. The entry waits as before, for an offer with the next id.
    IdIsTaken,
    /// It waits no more.
    Elsewhere,
    /// The line is not as it was read.
    Overtaken,
}

impl<'d> Round<'d> {
    async fn new(db: &'d Database, event: EventId, ended: Option<HoldId>) -> Result<Self> {
        Ok(Self {
            db,
            event: catalogue::event(db, event).await?,
            in_hand: HashMap::new(),
            ended: ended.into_iter().collect(),
            withdrawn: Vec::new(),
            passed: HashSet::new(),
            offers: Vec::new(),
        })
    }

    /// Offers what is free in these sections, or in all, to those who wait, in their order.
    async fn serve(&mut self, sections: Option<&HashSet<i32>>) -> Result<()> {
        let (db, event) = (self.db, self.event.event_id);
        let last_look = db.looks.last(event);
        let _turn = db.serving.turn(event.as_uuid()).await?;
        if self.in_hand.is_empty() && db.looks.have_ended_since(event, last_look, sections) {
            // Somebody else of this process has seen whatever was there to be seen.
            return Ok(());
        }
        let look = db.looks.begin(event);
        let mut line = line::open(db, event).await?;
        for _ in 0..PASSES_MAX {
            if !line.being_served.is_empty() {
                for entry in std::mem::take(&mut line.being_served) {
                    self.settle(entry).await?;
                }
                line = line::open_still(db, event, line).await?;
                continue;
            }
            // An offer is a hold.
            if !line.is_empty() && !self.event.is_sale_closed(db.now()) {
                let venue = self.venue(sections).await?;
                // After the map: who joins later finds there himself what is free.
                line = line::open_still(db, event, line).await?;
                if !line.being_served.is_empty() {
                    continue;
                }
                if !self.serve_line(&venue, &mut line).await? {
                    line = line::open_still(db, event, line).await?;
                    continue;
                }
                if sections.is_none() {
                    db.looks.note(event, line.waiting().into_iter());
                }
            }
            db.remembered.keep(event, line);
            db.looks.end(event, look, sections);
            return Ok(());
        }
        Err(queue::busy("serve the waitlist"))
    }

    /// Serves those who wait, the first in front. False where the line is not as it was read: it has
    /// to be opened again before anybody else is served.
    async fn serve_line(&mut self, venue: &[(i32, SectionMap)], line: &mut Line) -> Result<bool> {
        let event = self.event.event_id;
        let mut vacancies = self.vacancies(venue);
        let mut walk = line.walk(vacancies.largest_group().min(self.event.terms.limit));
        while let Some((met, mut entry)) = walk.next() {
            match self.serve_entry(&mut entry, walk.offering(), venue, &mut vacancies).await? {
                // Nor does anybody else of its group.
                Served::DoesNotFit => {}
                Served::MayOwnNoMore => {
                    self.db.remembered.note_full(event, entry.buyer_id);
                    walk.pass(met);
                }
                Served::Offered | Served::Elsewhere => walk.remove(met),
                Served::Overtaken => return Ok(false),
            }
        }
        Ok(true)
    }

    async fn venue(&self, sections: Option<&HashSet<i32>>) -> Result<Vec<(i32, SectionMap)>> {
        let all = catalogue::sections(self.db, &self.event).await?;
        let concerned = |id: i32| sections.is_none_or(|sections| sections.contains(&id));
        let reads = all.iter().filter(|stored| concerned(stored.section_id)).map(async |stored| {
            let map = tickets::map(self.db, &self.event, &stored.section.name).await?;
            Ok((stored.section_id, map))
        });
        at_once(SECTIONS_AT_ONCE, reads.collect()).await
    }

    fn vacancies(&self, venue: &[(i32, SectionMap)]) -> Vacancies {
        let map = |(_, map): &(i32, SectionMap)| {
            let mut map = map.clone();
            let in_hand =
                |(ticket, _): (&Ticket, TicketStatus)| self.in_hand.contains_key(&ticket.ticket_id);
            let places: Vec<usize> = map
                .seats()
                .enumerate()
                .filter(|(_, seat)| in_hand(*seat))
                .map(|(p, _)| p)
                .collect();
            for place in places {
                map.set(place, TicketStatus::Available);
            }
            map
        };
        Vacancies::of(venue.iter().map(map).collect())
    }

    /// Offers an entry the best of what is free and fits it.
    async fn serve_entry(
        &mut self,
        entry: &mut EntryRow,
        offering: &mut Option<EntryId>,
        venue: &[(i32, SectionMap)],
        vacancies: &mut Vacancies,
    ) -> Result<Served> {
        let wish = entry.wish();
        let mut tries = 0;
        while let Some(chosen) = vacancies.fit(&wish) {
            let tickets = self.copies(venue, &chosen);
            let gone = self.gone(&tickets).await?;
            if !gone.is_empty() {
                vacancies.take(&gone);
                continue;
            }
            let (id, terms) = (self.event.event_id, &self.event.terms);
            if self.db.remembered.is_full(id, entry.buyer_id) {
                return Ok(Served::MayOwnNoMore);
            }
            let owned = limits::owned_by(self.db, id, entry.buyer_id, &self.ended).await?;
            if owned.saturating_add(wish.size) > terms.limit {
                return Ok(Served::MayOwnNoMore);
            }
            match self.offer(entry, offering, tickets.clone()).await? {
                Made::Good => {
                    vacancies.take(&chosen);
                    return Ok(Served::Offered);
                }
                Made::Lost(gone) if !gone.is_empty() && tries < TRIES_MAX => {
                    vacancies.take(&gone);
                    entry.attempt.0 = entry.attempt.0.saturating_add(1);
                    tries += 1;
                }
                Made::IdIsTaken if tries < TRIES_MAX => {
                    entry.attempt.0 = entry.attempt.0.saturating_add(1);
                    tries += 1;
                }
                // It was put back, and so changed the mark of the line.
                Made::Lost(_) | Made::IdIsTaken | Made::Elsewhere => return Ok(Served::Elsewhere),
                Made::Overtaken => return Ok(Served::Overtaken),
            }
        }
        Ok(Served::DoesNotFit)
    }

    /// These tickets as a hold names them, in the order of the venue.
    fn copies(&self, venue: &[(i32, SectionMap)], chosen: &[TicketId]) -> Vec<TicketCopy> {
        let copies = venue.iter().flat_map(|(section_id, map)| {
            let seats = (0..).zip(map.tickets().tickets());
            let seats = seats.filter(|(_, ticket)| chosen.contains(&ticket.ticket_id));
            seats.map(|(place, ticket)| {
                let (event_id, section_id) = (self.event.event_id, *section_id);
                StoredTicket { event_id, section_id, place, ticket: ticket.clone() }.copy()
            })
        });
        let mut tickets: Vec<TicketCopy> = copies.collect();
        tickets.sort_by_key(|ticket| (ticket.section_id, ticket.place));
        tickets
    }

    /// Those of the tickets that somebody has, whatever the map shows.
    async fn gone(&self, tickets: &[TicketCopy]) -> Result<Vec<TicketId>> {
        let rows = queue_rows(self.db, self.event.event_id, tickets).await?;
        let now = self.db.now();
        let is_gone = |row: &&QueueRow| {
            let own = self.in_hand.get(&row.ticket_id).is_some_and(|own| own.stands_as(row));
            !own && !row.is_lapsed(now)
        };
        Ok(rows.iter().flatten().filter(is_gone).map(|row| row.ticket_id).collect())
    }

    /// Offers tickets to an entry, which decides who does. The offer before it, to `offering`, is made
    /// or withdrawn by now; from here on this is the last one.
    async fn offer(
        &mut self,
        entry: &EntryRow,
        offering: &mut Option<EntryId>,
        tickets: Vec<TicketCopy>,
    ) -> Result<Made> {
        let (hold_id, started_at) = (entry.next_hold(), self.db.now());
        if self.event.is_sale_closed(started_at) {
            return Ok(Made::Elsewhere);
        }
        let hold = HoldRow::begun(hold_id, &self.event, entry.caller(), tickets, started_at);
        match line::offer(self.db, entry, &hold, *offering).await? {
            Offered::Done => *offering = Some(entry.entry_id),
            Offered::WaitsNoMore => return Ok(Made::Elsewhere),
            Offered::Overtaken => return Ok(Made::Overtaken),
        }
        let begun = Instant::now();
        let limit = self.event.terms.limit;
        match limits::reserve(self.db, &hold, limit, &self.ended).await {
            Ok(()) => {}
            Err(Error::Refused(_)) => {
                // Meanwhile the buyer got something elsewhere.
                line::wait_again(self.db, entry, hold.hold_id).await?;
                return Ok(Made::Lost(Vec::new()));
            }
            Err(error) => return Err(error),
        }
        if let Some(other) = claims::insert(self.db, &hold).await? {
            limits::take_back(self.db, &hold).await?;
            if other.is_same_offer(&hold) {
                // Another process makes it: nobody else is served before that is done.
                *offering = None;
                return Ok(Made::Overtaken);
            }
            line::wait_again(self.db, entry, hold.hold_id).await?;
            return Ok(Made::IdIsTaken);
        }
        let mut may_land = false;
        let lost = self.take_all(&hold, &mut may_land).await?;
        if lost.is_empty() && (begun.elapsed() < LOOKS_BACK_AFTER || self.stands(&hold).await?) {
            let offer = Offer {
                entry_id: entry.entry_id,
                session_id: hold.session_id,
                hold_id: hold.hold_id,
                tickets: hold.tickets.iter().map(|ticket| ticket.ticket_id).collect(),
                expires_at: hold.expires_at,
            };
            line::made(self.db, entry, hold.hold_id).await?;
            self.offers.push(offer);
            return Ok(Made::Good);
        }
        let is_withdrawn = withdraw(self.db, &hold).await?;
        if is_withdrawn || self.has_ended(&hold).await? {
            self.regain(&hold, may_land).await?;
        }
        if is_withdrawn && line::wait_again(self.db, entry, hold.hold_id).await? {
            return Ok(Made::Lost(lost));
        }
        *offering = None;
        Ok(Made::Overtaken)
    }

    /// Takes all tickets of an offer and shows them held; returns the first that could not be had.
    async fn take_all(&mut self, hold: &HoldRow, may_land: &mut bool) -> Result<Vec<TicketId>> {
        let mut taken = Vec::with_capacity(hold.tickets.len());
        for ticket in &hold.tickets {
            let id = ticket.ticket_id;
            match take(self.db, hold, id, self.in_hand.get(&id), may_land).await? {
                Step::Done(at) => taken.push((ticket, at)),
                Step::Otherwise(_) => return Ok(vec![id]),
            }
        }
        for ticket in &hold.tickets {
            if self.in_hand.remove(&ticket.ticket_id).is_some() {
                self.passed.insert(ticket.ticket_id);
            }
        }
        show(self.db, hold.event_id, &taken, Shown::held(hold)).await;
        Ok(Vec::new())
    }

    /// Whether an offer stands that took long to make.
    async fn stands(&self, hold: &HoldRow) -> Result<bool> {
        let row = holds::find(self.db, hold.hold_id).await?;
        Ok(row.is_some_and(|row| row.started_at == hold.started_at && row.ended_as.is_none()))
    }

    /// Whether somebody gave an offer up that was not made yet. Nobody frees then what it gets later.
    async fn has_ended(&self, hold: &HoldRow) -> Result<bool> {
        let row = holds::find(self.db, hold.hold_id).await?;
        Ok(row.is_some_and(|row| row.ended_as.is_some() && row.order_id.is_none()))
    }

    /// Takes the tickets of a withdrawn offer back into hand: the next may have them.
    pub(super) async fn regain(&mut self, hold: &HoldRow, may_land: bool) -> Result<()> {
        let rows = queue_rows(self.db, hold.event_id, &hold.tickets).await?;
        for row in rows.into_iter().flatten().filter(|row| row.is_of(hold)) {
            self.in_hand.insert(row.ticket_id, row);
        }
        self.ended.push(hold.hold_id);
        self.withdrawn.push((hold.clone(), may_land));
        Ok(())
    }

    /// Frees what is left of offers that could not be made good. Says whether there were any, so that
    /// somebody was put back into the line.
    async fn finish(&mut self) -> Result<bool> {
        for (hold, may_land) in &self.withdrawn {
            let own = hold.tickets.iter().filter_map(|ticket| {
                let row = self.in_hand.get(&ticket.ticket_id).filter(|row| row.is_of(hold))?;
                Some((ticket, row))
            });
            let own: Vec<(&TicketCopy, &QueueRow)> = own.collect();
            let mut steps = Vec::with_capacity(own.len());
            for (ticket, row) in &own {
                steps.push(queue::free_held(self.db, row).await?);
                self.passed.insert(ticket.ticket_id);
            }
            let freed = holds::done(own.iter().map(|(ticket, _)| *ticket), &steps);
            if !may_land {
                limits::let_go(self.db, hold).await?;
            }
            holds::unlist(self.db, hold, self.db.clock.write_time()).await?;
            show(self.db, hold.event_id, &freed, Shown::AVAILABLE).await;
        }
        Ok(!self.withdrawn.is_empty())
    }
}
