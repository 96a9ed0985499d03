//! Puts the evidence of one event together from rows that come in any order, the log last.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::log::{Columns, LoggedWrite};
use super::rows::{
    HoldRow, OrderRow, QueueRow, ReferenceRow, TicketCopy, TicketPrint, TicketRow, WaitlistRow,
    minor_of,
};
use super::timeline::{self, Stranger, Write, Written};
use super::{CLOCKS_APART, Window, period};
use crate::audit::evidence::{
    self, EngineManner, EventFacts, Evidence, HoldNo, LineEntry, MintedTicket, OrderNo, Owner,
    Restless, SessionPrint, Standing, Table, TicketNo,
};
use crate::audit::report::LogPeriod;
use crate::audit::store::note;
use crate::audit::venue::{StoredSection, StoredTicket, Venue, VenueFacts};
use crate::domain::{
    BuyerId, ConfirmationNumber, Currency, HoldId, HoldStatus, OrderId, OrderStatus,
    PaymentReference, SessionId, TicketId, Timestamp, Wish,
};

/// What is read so far of one event.
#[derive(Debug)]
pub(super) struct Builder {
    window: Window,
    currency: Currency,
    /// Whether the log goes back to the beginning of the event.
    log_is_whole: bool,
    minted: HashMap<TicketId, TicketNo>,
    /// Recomputes what follows from names and prices.
    venue: Venue,
    /// What was minted, as holds, orders and offers copy it, in the order of the tickets.
    prints: Vec<TicketPrint>,
    evidence: Evidence,
    /// Holds whose rows, or those of whose orders, were written since the cut.
    restless_holds: HashSet<usize>,
    /// Tickets whose rows were.
    restless_tickets: HashSet<usize>,
    /// Entries of the waitlist, with when they joined in microseconds since 1970.
    line: Vec<(Option<i64>, LineEntry)>,
    log: Vec<Write>,
    /// What the log says of holds that have no row.
    strangers: HashMap<usize, Stranger>,
}

impl Builder {
    pub(super) fn new(
        event: EventFacts,
        currency: Currency,
        added_at: Option<Timestamp>,
        window: Window,
    ) -> Self {
        let venue = Venue::of(event.event_id, Some(currency));
        let evidence = Evidence {
            event,
            venue: VenueFacts::default(),
            tickets: Vec::new(),
            areas: Vec::new(),
            line: Vec::new(),
            queue: Vec::new(),
            holds: Table::default(),
            hold_tickets: Vec::new(),
            orders: Table::default(),
            references: Vec::new(),
            buyers: Table::default(),
            log: Vec::new(),
            before_log: None,
            engine: EngineManner {
                in_steps: true,
                clocks_apart: CLOCKS_APART,
                unordered_until: None,
                unbounded_until: window.unbounded_until,
            },
            restless: Restless::default(),
            seen_at: Some(window.cut),
            strays: Vec::new(),
            unreadable: Vec::new(),
            copies: Vec::new(),
        };
        let log_is_whole = window.log_from.is_none_or(|from| added_at.is_some_and(|at| at >= from));
        Self {
            window,
            currency,
            log_is_whole,
            minted: HashMap::new(),
            venue,
            prints: Vec::new(),
            evidence,
            restless_holds: HashSet::new(),
            restless_tickets: HashSet::new(),
            line: Vec::new(),
            log: Vec::new(),
            strangers: HashMap::new(),
        }
    }

    /// Adds rows of the event itself that could not be understood.
    pub(super) fn could_not_read(&mut self, what: Vec<String>) {
        self.evidence.unreadable.extend(what);
    }

    /// The next section of the venue, with its tickets in the order of their places.
    pub(super) fn section(&mut self, section_id: i32, section: StoredSection, rows: &[TicketRow]) {
        let name = section.name.clone();
        self.venue.section(section);
        for (place, row) in (0..).zip(rows) {
            if self.ticket((section_id, place), &name, row).is_none() {
                let id = row.ticket_id;
                self.unreadable(|| format!("tickets {id}: a value is missing or means nothing"));
            }
        }
    }

    fn ticket(&mut self, place: (i32, i32), section: &str, row: &TicketRow) -> Option<()> {
        let ticket_id = row.ticket_id;
        let names = [&row.row_name, &row.seat_name, &row.type_id].map(Option::as_deref);
        let ([row_name, seat, type_id], stored_place) = (names, row.place?);
        let (row_name, seat, type_id) = (row_name?, seat?, type_id?);
        let price_minor =
            minor_of(row.price.as_ref()?, self.currency).filter(|price| *price >= 0)?;
        if stored_place != place.1 {
            self.venue.fault(Some(ticket_id), || {
                format!("it is at place {stored_place} of its section, and not at {}", place.1)
            });
        }
        let aisle_after = row.aisle_after;
        let stored =
            StoredTicket { ticket_id, row: row_name, seat, type_id, price_minor, aisle_after };
        self.venue.ticket(stored);
        let names = [section, row_name, seat, type_id];
        self.prints.push(TicketPrint::of(place, names, price_minor));
        let number = TicketNo::at(self.evidence.tickets.len());
        let area = self.evidence.area_number(section, type_id);
        self.evidence.tickets.push(MintedTicket { ticket_id, price_minor, area });
        self.minted.insert(ticket_id, number);
        Some(())
    }

    /// All sections were handed over.
    pub(super) fn end_venue(&mut self) {
        let event = self.evidence.event.event_id;
        let venue = std::mem::replace(&mut self.venue, Venue::of(event, None));
        self.evidence.venue = venue.finish();
    }

    /// Notes a hold, an order or an offer that copies a ticket and differs from it, or from the hold.
    fn judge_copies(&mut self, whose: &str, copies: &[TicketCopy], hold: Option<HoldNo>) {
        let minted =
            |copy: &TicketCopy| copy.ticket_id.and_then(|id| self.minted.get(&id).copied());
        let differs = |copy: &&TicketCopy| {
            let ticket = minted(copy);
            ticket.is_some_and(|ticket| {
                self.prints.get(ticket.place()).copied() != copy.print(self.currency)
            })
        };
        let differing = copies.iter().find(differs).and_then(|copy| copy.ticket_id);
        let is_other = hold.is_some_and(|hold| {
            let own = self.evidence.tickets_of(hold).iter().copied().map(Some);
            self.evidence.holds.get(hold).is_some() && !own.eq(copies.iter().map(minted))
        });
        if let Some(ticket) = differing {
            self.differs(|| format!("{whose} copies ticket {ticket} as it was not minted"));
        }
        if is_other {
            self.differs(|| format!("{whose} is for other tickets than its hold"));
        }
    }

    fn differs(&mut self, what: impl FnOnce() -> String) {
        note(&mut self.evidence.copies, what);
    }

    pub(super) fn queue(&mut self, row: &QueueRow) {
        let Some(ticket) = self.minted(row.ticket_id, || "order_queue".into()) else { return };
        if self.window.is_open(row.written_at) {
            self.restless_tickets.insert(ticket.place());
        }
        match self.queue_row(ticket, row) {
            Some(row) => self.evidence.queue.push(row),
            None => self.unreadable(|| {
                let (id, status) = (row.ticket_id, row.status.as_deref().unwrap_or("no status"));
                format!("order_queue {id}: `{status}`, or what belongs to it, means nothing")
            }),
        }
    }

    fn queue_row(&mut self, ticket: TicketNo, row: &QueueRow) -> Option<evidence::QueueRow> {
        let has_owner = row.hold_id.is_some() || row.buyer_id.is_some() || row.session_id.is_some();
        let (has_order, has_deadline) = (row.order_id.is_some(), row.payment_deadline.is_some());
        let (status, order, deadline): (fn(_) -> _, _, _) = match row.status.as_deref()? {
            "blocked" => {
                let is_clear = !has_owner && !has_order && !has_deadline;
                let is_clear = is_clear && row.expires_at.is_none() && row.reason.is_some();
                let standing = Standing::Blocked;
                return is_clear.then_some(evidence::QueueRow { ticket, standing, owner: None });
            }
            "held" => (Standing::Held, false, false),
            "paying" => (Standing::Paying, true, true),
            "sold" => (Standing::Sold, true, false),
            _ => return None,
        };
        if (order, deadline) != (has_order, has_deadline) || row.reason.is_some() {
            return None;
        }
        let (buyer_id, expires_at) = (row.buyer_id?, row.expires_at?);
        let session = session_print(row.session_id.as_deref())?;
        let hold_id = self.attempt(row.hold_id?, row.started_at?);
        let owner = Owner {
            buyer: self.evidence.buyers.number(buyer_id),
            expires_at,
            order: row.order_id.map(|order_id| self.evidence.orders.number(order_id)),
            payment_deadline: row.payment_deadline,
        };
        let hold = self.evidence.holds.number(hold_id);
        if self.evidence.holds.get(hold).is_some_and(|stored| stored.session != session) {
            let id = row.ticket_id;
            self.differs(|| format!("order_queue {id} names another session than hold {hold_id}"));
        }
        Some(evidence::QueueRow { ticket, standing: status(hold), owner: Some(owner) })
    }

    pub(super) fn hold(&mut self, row: HoldRow) {
        let hold_id = row.hold_id;
        let number = self.evidence.holds.number(hold_id);
        let written = [row.started_written_at, row.order_written_at, row.end_written_at];
        if written.into_iter().any(|at| self.window.is_open(at)) {
            self.restless_holds.insert(number.place());
        }
        if self.hold_row(row).is_none() {
            self.unreadable(|| format!("holds {hold_id}: a value is missing or means nothing"));
        }
    }

    fn hold_row(&mut self, row: HoldRow) -> Option<()> {
        let end = match row.ended_as.as_deref() {
            None => None,
            Some(word) => Some(HoldStatus::of_word(word)?),
        };
        let session = session_print(row.session_id.as_deref())?;
        let attempt = match (row.order_id, row.payment_reference.as_deref(), row.payment_deadline) {
            (None, None, None) => None,
            (Some(order_id), Some(reference), Some(_)) => {
                let reference = as_stored(reference, PaymentReference::stored, |r| r.as_str())?;
                (order_id == OrderId::of_payment(row.hold_id, &reference)).then_some(())?;
                Some(self.evidence.orders.number(order_id))
            }
            _ => return None,
        };
        let ended_at = row.end_written_at.filter(|_| end.is_some());
        let ended_at = ended_at.map(|micros| Timestamp::from_millis(micros.div_euclid(1000)));
        let (started_at, expires_at) = (row.started_at?, row.expires_at?);
        let buyer = self.evidence.buyers.number(row.buyer_id?);
        let (hold_id, before) = (row.hold_id, self.evidence.hold_tickets.len());
        let tickets = row.tickets?;
        for ticket in &tickets {
            if let Some(ticket) = self.minted(ticket.ticket_id?, || format!("hold {hold_id}")) {
                self.evidence.hold_tickets.push(ticket);
            }
        }
        self.judge_copies(&format!("hold {hold_id}"), &tickets, None);
        let hold = evidence::HoldRow {
            tickets_from: count(before),
            ticket_count: count(self.evidence.hold_tickets.len() - before),
            buyer,
            session,
            attempt,
            started_at,
            expires_at,
            ended_as: end,
            ended_at,
        };
        self.evidence.holds.store(hold_id, hold);
        Some(())
    }

    /// An entry of the waitlist, as it stood at the cut. What came after it is not judged.
    pub(super) fn waits(&mut self, row: &WaitlistRow) {
        if self.window.is_open(row.joined_written_at) {
            return;
        }
        let written_at = row.joined_written_at;
        match self.line_entry(row) {
            Some(entry) => self.line.push((written_at, entry)),
            None => self.unreadable(|| {
                let id = row.entry_id.map(|id| id.to_string()).unwrap_or_default();
                format!("waitlist {id}: a value is missing or means nothing")
            }),
        }
    }

    fn line_entry(&mut self, row: &WaitlistRow) -> Option<LineEntry> {
        let at = |micros: i64| Timestamp::from_millis(micros.div_euclid(1000));
        let ended_at = at(row.status_written_at?);
        let (ended_at, offer) = match row.status.as_deref()? {
            _ if self.window.is_open(row.status_written_at) => (None, None),
            "waiting" => (None, None),
            "left" => (Some(ended_at), None),
            "offered" => (Some(ended_at), Some(row.hold_id?)),
            _ => return None,
        };
        Some(LineEntry {
            entry_id: row.entry_id?,
            buyer: self.evidence.buyers.number(row.buyer_id?),
            session: session_print(row.session_id.as_deref())?,
            attempt: u32::try_from(row.attempt?).ok()?,
            wish: Wish {
                section: row.section.as_deref().map(Into::into),
                ticket_type: row.type_id.as_deref().map(Into::into),
                size: u32::try_from(row.size?).ok()?,
            },
            joined_at: at(row.joined_written_at?),
            ended_at,
            offer: offer.map(|hold| self.evidence.holds.number(hold)),
        })
    }

    pub(super) fn order(&mut self, row: &OrderRow) {
        let order_id = row.order_id;
        if self.order_row(row).is_none() {
            self.unreadable(|| format!("orders {order_id}: a value is missing or means nothing"));
        }
    }

    fn order_row(&mut self, row: &OrderRow) -> Option<()> {
        let hold = self.evidence.holds.number(row.hold_id?);
        if self.window.is_open(row.written_at) {
            self.restless_holds.insert(hold.place());
        }
        let reference = row.payment_reference.as_deref()?;
        let order = evidence::OrderRow {
            hold,
            confirmation: as_stored_number(row.confirmation_number.as_deref()?)?,
            status: OrderStatus::of_word(row.status.as_deref()?)?,
            amount_minor: minor_of(row.amount.as_ref()?, self.currency)?,
            payment_reference: as_stored(reference, PaymentReference::stored, |r| r.as_str())?,
            decided_at: row.decided_at?,
            updated_at: row.updated_at?,
        };
        let (buyer, session) = (row.buyer_id?, session_print(row.session_id.as_deref())?);
        let order_id = row.order_id;
        self.judge_copies(&format!("order {order_id}"), row.tickets.as_deref()?, Some(hold));
        let same = |stored: &evidence::HoldRow| {
            stored.session == session && self.evidence.buyers.id(stored.buyer) == buyer
        };
        if !self.evidence.holds.get(hold).is_none_or(same) {
            self.differs(|| format!("order {order_id} names another buyer than its hold"));
        }
        self.evidence.orders.store(order_id, order);
        Some(())
    }

    /// The buyers that were met so far.
    pub(super) fn buyers(&self) -> impl Iterator<Item = BuyerId> {
        self.evidence.buyers.ids()
    }

    /// A payment reference of one of the buyers.
    pub(super) fn reference(&mut self, row: &ReferenceRow) {
        let text = row.payment_reference.as_str();
        let read = || {
            let reference = as_stored(text, PaymentReference::stored, |r| r.as_str())?;
            Some((reference, row.hold_id?, row.claimed_at?))
        };
        let Some((reference, hold_id, claimed_at)) = read() else {
            let buyer = row.buyer_id;
            return self.unreadable(|| {
                format!("payment_references {buyer} {text}: a value is missing or means nothing")
            });
        };
        let buyer = self.evidence.buyers.number(row.buyer_id);
        self.evidence.references.push(evidence::ReferenceRow {
            buyer,
            reference,
            hold_id,
            claimed_at,
        });
    }

    pub(super) fn write(&mut self, write: &LoggedWrite) {
        if self.window.log_from.is_some_and(|from| write.at < from) {
            return;
        }
        let Some(id) = write.ticket_id else {
            self.unreadable(|| format!("the log has an entry of {} without a ticket", write.at));
            return;
        };
        let Some(ticket) = self.minted(id, || format!("the log, at {},", write.at)) else { return };
        let written = match &write.row {
            None => Some(Written::Freed),
            Some(row) => self.written(ticket, row),
        };
        match written {
            Some(written) => {
                let LoggedWrite { at, ticks, .. } = *write;
                self.log.push(Write { at, ticks, ticket, written });
            }
            None => self.unreadable(|| {
                format!("the log, at {}, of ticket {id}: it does not set every column", write.at)
            }),
        }
    }

    fn written(&mut self, ticket: TicketNo, row: &Columns) -> Option<Written> {
        let status = row.status.as_deref()?;
        if status == "blocked" {
            return Some(Written::Blocked);
        }
        let hold = self.named(row.hold_id?, ticket, row)?;
        let order = row.order_id.map(|order_id| self.evidence.orders.number(order_id));
        match status {
            "held" => Some(Written::Held(hold)),
            "paying" => Some(Written::Paying(hold, order?, row.payment_deadline?)),
            "sold" => Some(Written::Sold(hold, order?)),
            _ => None,
        }
    }

    /// The number of a hold that the log names. Where it has no row, what the log says is kept.
    fn named(&mut self, hold_id: HoldId, ticket: TicketNo, row: &Columns) -> Option<HoldNo> {
        let buyer = self.evidence.buyers.number(row.buyer_id?);
        let session = session_print(row.session_id.as_deref())?;
        let (started_at, expires_at) = (row.started_at?, row.expires_at?);
        let hold_id = self.attempt(hold_id, started_at);
        let hold = self.evidence.holds.number(hold_id);
        if self.evidence.holds.get(hold).is_none() {
            let new = || Stranger::new(hold_id, (buyer, session), started_at, expires_at);
            self.strangers.entry(hold.place()).or_insert_with(new).add(ticket);
        }
        Some(hold)
    }

    /// The id of the hold that was started with this id at this time. A claim that was refused may be
    /// made anew under the same id, at another time: then the earlier one gets an id of its own.
    fn attempt(&self, hold_id: HoldId, started_at: Timestamp) -> HoldId {
        let number = self.evidence.holds.find(hold_id);
        let stored = number.and_then(|n| self.evidence.holds.get(n)).map(|row| row.started_at);
        let met = || self.strangers.get(&number?.place()).map(|stranger| stranger.started_at);
        if stored.or_else(met).is_none_or(|first| first == started_at) {
            return hold_id;
        }
        let time = started_at.as_millis().to_be_bytes();
        HoldId::from_uuid(Uuid::new_v5(hold_id.as_uuid(), &time))
    }

    /// The evidence, and the period that its log covers.
    pub(super) fn finish(mut self) -> (Evidence, Option<LogPeriod>) {
        let changed =
            timeline::tell(&mut self.evidence, self.log, self.window.cut, &mut self.strangers);
        self.restless_tickets.extend(changed);
        if let Some(from) = self.window.log_from.filter(|_| !self.log_is_whole) {
            timeline::begin_at(&mut self.evidence, from, &self.restless_tickets);
        }
        for (_, stranger) in self.strangers {
            stranger.introduce(&mut self.evidence);
        }
        self.line.sort_by_key(|(joined_at, entry)| (*joined_at, entry.entry_id));
        self.evidence.line = self.line.into_iter().map(|(_, entry)| entry).collect();
        settle(&mut self.evidence, &self.restless_tickets, self.restless_holds);
        let period = period(self.evidence.log.iter().map(|entry| entry.at), self.log_is_whole);
        (self.evidence, period)
    }

    /// The ticket with this id. Where none was minted, `whose` says who speaks of it.
    fn minted(&mut self, id: TicketId, whose: impl FnOnce() -> String) -> Option<TicketNo> {
        let found = self.minted.get(&id).copied();
        if found.is_none() {
            note(&mut self.evidence.strays, || {
                format!("{} speaks of ticket {id}, which is not minted", whose())
            });
        }
        found
    }

    fn unreadable(&mut self, what: impl FnOnce() -> String) {
        note(&mut self.evidence.unreadable, what);
    }
}

/// Marks what changed meanwhile, and with it whatever hangs together with it.
fn settle(evidence: &mut Evidence, tickets: &HashSet<usize>, mut holds: HashSet<usize>) {
    for (number, row) in evidence.holds.rows() {
        let from = row.tickets_from as usize;
        let own = &evidence.hold_tickets[from..from + row.ticket_count as usize];
        if own.iter().any(|ticket| tickets.contains(&ticket.place())) {
            holds.insert(number.place());
        }
    }
    evidence.queue.retain(|row| !tickets.contains(&row.ticket.place()));
    let marks = |marked: &HashSet<usize>, all: usize| -> Vec<bool> {
        (0..all).map(|place| marked.contains(&place)).collect()
    };
    evidence.restless = Restless {
        tickets: marks(tickets, evidence.tickets.len()),
        holds: marks(&holds, evidence.holds.ids_met()),
    };
}

/// The print of a session; none where the text is no session.
fn session_print(text: Option<&str>) -> Option<SessionPrint> {
    let session = as_stored(text?, SessionId::stored, |session| session.as_str())?;
    Some(SessionPrint::of(&session))
}

/// The value that a text means, where the text is exactly how that value is stored.
fn as_stored<T, E>(
    text: &str,
    read: impl FnOnce(&str) -> Result<T, E>,
    written: impl Fn(&T) -> &str,
) -> Option<T> {
    read(text).ok().filter(|value| written(value) == text)
}

/// A confirmation number, where the text is exactly how it is stored.
fn as_stored_number(text: &str) -> Option<ConfirmationNumber> {
    text.parse().ok().filter(|number: &ConfirmationNumber| number.to_string() == text)
}

/// A length in the form in which the evidence keeps it.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Whether the order that pinned a ticket tells why it came free.
pub(super) fn status_of(evidence: &Evidence, order: OrderNo) -> Option<OrderStatus> {
    evidence.orders.get(order).map(|order| order.status)
}
