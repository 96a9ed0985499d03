//! What the audit looks at: one event and everything that is stored about it, as plain values.
//!
//! No engine's types are in here, and none of its rules. Ids are numbered, so that a row names a
//! hold or a ticket in four bytes: an event of a million tickets, all sold, takes about 300 MiB.

use std::hash::{BuildHasher, Hash, RandomState};
use std::marker::PhantomData;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use hashbrown::HashTable;

use super::venue::VenueFacts;
use crate::domain::{
    BuyerId, ChangeKind, ConfirmationNumber, EntryId, EventId, HoldId, HoldStatus, OrderId,
    OrderStatus, PaymentReference, SaleTerms, SessionId, TicketId, Timestamp, Wish,
};

/// The short number that stands for an id of type `T` within one [`Evidence`].
#[derive(Debug)]
pub struct No<T> {
    /// One more than the place: none of something takes no more memory than one then.
    number: NonZeroU32,
    of: PhantomData<fn() -> T>,
}

impl<T> No<T> {
    /// The number of the thing at this place.
    ///
    /// An event has far fewer things than a `u32` can count; beyond that, all share the last one.
    #[must_use]
    pub fn at(place: usize) -> Self {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        Self { number: NonZeroU32::MIN.saturating_add(place), of: PhantomData }
    }

    /// The place of the thing in a table that has an entry for each.
    #[must_use]
    pub const fn place(self) -> usize {
        self.number.get() as usize - 1
    }
}

impl<T> Clone for No<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for No<T> {}

impl<T> PartialEq for No<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for No<T> {}

/// A ticket's number: its place among the tickets of the event.
pub type TicketNo = No<TicketId>;
/// A hold's number.
pub type HoldNo = No<HoldId>;
/// An order's number.
pub type OrderNo = No<OrderId>;
/// A buyer's number.
pub type BuyerNo = No<BuyerId>;

/// Rows by their ids, which are numbered in the order in which they are first met.
///
/// An id can be met before its row, and without one: a ticket may name a hold that is not stored.
#[derive(Debug, Clone)]
pub struct Table<Id, Row> {
    ids: Vec<Id>,
    rows: Vec<Option<Row>>,
    /// The numbers of the ids, found by the ids: nothing of them is in memory twice.
    numbers: HashTable<No<Id>>,
    hasher: RandomState,
}

impl<Id, Row> Default for Table<Id, Row> {
    fn default() -> Self {
        let (numbers, hasher) = (HashTable::new(), RandomState::new());
        Self { ids: Vec::new(), rows: Vec::new(), numbers, hasher }
    }
}

impl<Id: Copy + Eq + Hash, Row> Table<Id, Row> {
    /// The number of `id`, a new one if it was not met before.
    pub fn number(&mut self, id: Id) -> No<Id> {
        if let Some(known) = self.find(id) {
            return known;
        }
        let Self { ids, rows, numbers, hasher } = self;
        let number = No::at(ids.len());
        ids.push(id);
        rows.push(None);
        numbers.insert_unique(hasher.hash_one(id), number, |n| hasher.hash_one(ids[n.place()]));
        number
    }

    /// Stores the row of `id`, in place of an earlier one.
    pub fn store(&mut self, id: Id, row: Row) -> No<Id> {
        let number = self.number(id);
        self.rows[number.place()] = Some(row);
        number
    }

    /// The row with this number, if there is one.
    #[must_use]
    pub fn get(&self, number: No<Id>) -> Option<&Row> {
        self.rows[number.place()].as_ref()
    }

    /// All rows with their numbers.
    pub fn rows(&self) -> impl Iterator<Item = (No<Id>, &Row)> {
        let numbered = self.rows.iter().enumerate();
        numbered.filter_map(|(place, row)| Some((No::at(place), row.as_ref()?)))
    }

    /// The number of `id`, if it was met.
    #[must_use]
    pub fn find(&self, id: Id) -> Option<No<Id>> {
        let is_it = |number: &No<Id>| self.ids[number.place()] == id;
        self.numbers.find(self.hasher.hash_one(id), is_it).copied()
    }

    /// The id with this number.
    #[must_use]
    pub fn id(&self, number: No<Id>) -> Id {
        self.ids[number.place()]
    }

    /// All ids that were met, by their numbers.
    pub fn ids(&self) -> impl Iterator<Item = Id> {
        self.ids.iter().copied()
    }

    /// How many ids were met.
    #[must_use]
    pub const fn ids_met(&self) -> usize {
        self.ids.len()
    }

    /// The row with this number, to be tampered with.
    #[cfg(test)]
    pub(crate) fn row_mut(&mut self, number: No<Id>) -> &mut Option<Row> {
        &mut self.rows[number.place()]
    }
}

/// One event and everything that is stored about it, as of one moment. Where an engine cannot be read
/// at one moment, [`Restless`] names what does not belong to it.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The event.
    pub event: EventFacts,
    /// Its tickets, in the order of their numbers.
    pub tickets: Vec<MintedTicket>,
    /// Where its tickets are.
    pub areas: Vec<Area>,
    /// What follows from the names and prices of its tickets.
    pub venue: VenueFacts,
    /// Who has which ticket now.
    pub queue: Vec<QueueRow>,
    /// Its holds.
    pub holds: Table<HoldId, HoldRow>,
    /// The tickets of all holds, one hold after the other.
    pub hold_tickets: Vec<TicketNo>,
    /// Its orders. An attempt to pay that is not decided has no row.
    pub orders: Table<OrderId, OrderRow>,
    /// The payment references of its buyers, also those that belong to holds of other events.
    pub references: Vec<ReferenceRow>,
    /// Its waitlist, in the order of the line.
    pub line: Vec<LineEntry>,
    /// Its buyers, of whom nothing is stored but the id.
    pub buyers: Table<BuyerId, ()>,
    /// What the change log says of its tickets, oldest first.
    pub log: Vec<LogEntry>,
    /// Where the log does not go back to the beginning of the sale: what stood when it began.
    pub before_log: Option<BeforeLog>,
    /// How the engine works that stored all this.
    pub engine: EngineManner,
    /// What changed while it was read, and is therefore judged by the log alone.
    pub restless: Restless,
    /// When it was read, by the clock that judges deadlines; none where nobody looked at it.
    pub seen_at: Option<Timestamp>,
    /// Rows about tickets that are not minted, one sentence each.
    pub strays: Vec<String>,
    /// Rows that could not be understood and are left out above, one sentence each.
    pub unreadable: Vec<String>,
    /// Rows that differ from a row whose values they copy, one sentence each.
    pub copies: Vec<String>,
}

/// Stands for a session, of which only equality matters: a hash that is never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionPrint(NonZeroU64);

impl SessionPrint {
    /// The print of a session; the same session has the same print within one process.
    #[must_use]
    pub fn of(session: &SessionId) -> Self {
        let hash = foldhash::quality::FixedState::default().hash_one(session.as_str());
        Self(NonZeroU64::MIN.saturating_add(hash))
    }
}

/// How an engine works, as far as the rules have to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct EngineManner {
    /// Whether it changes one row at a time. Then a decision comes first and the tickets follow it,
    /// and whoever dies in between leaves them for others to follow.
    pub in_steps: bool,
    /// How far apart the clocks may be that wrote the times.
    pub clocks_apart: Duration,
    /// Up to which time the store was written by a version whose clock could step back.
    pub unordered_until: Option<Timestamp>,
    /// Up to which time the store was written by a version that neither kept payment references nor
    /// counted the entries that wait; none where no such version has written it.
    pub unbounded_until: Option<Timestamp>,
}

/// What stood when the log began.
#[derive(Debug, Clone)]
pub struct BeforeLog {
    /// When it began.
    pub at: Timestamp,
    /// The condition of every ticket, in the order of the tickets.
    pub standings: Vec<Standing>,
}

/// What changed while it was read. Its rows were seen at different moments, so that they need not
/// agree with each other.
#[derive(Debug, Clone, Default)]
pub struct Restless {
    /// Tickets; those beyond the end are settled.
    pub tickets: Vec<bool>,
    /// Holds, where a ticket, the hold itself or its order changed.
    pub holds: Vec<bool>,
}

/// What is stored about the event itself.
#[derive(Debug, Clone)]
pub struct EventFacts {
    /// Its id.
    pub event_id: EventId,
    /// The short name from which its id is derived.
    pub slug: Box<str>,
    /// The terms of its sale.
    pub terms: SaleTerms,
    /// How many tickets it says it has.
    pub declared_tickets: u64,
    /// How many tickets its sections say they have.
    pub section_tickets: u64,
    /// The digest of the layout it is minted from; none before minting began.
    pub layout_digest: Option<Box<str>>,
    /// When minting came to its end.
    pub minted_at: Option<Timestamp>,
    /// When its sale closes; none where it had begun before its store closed any sale.
    pub closes_at: Option<Timestamp>,
}

/// A ticket as it was minted.
#[derive(Debug, Clone, Copy)]
pub struct MintedTicket {
    /// Its id.
    pub ticket_id: TicketId,
    /// What it costs, in minor units.
    pub price_minor: i64,
    /// Where it is, by its place among [`Evidence::areas`].
    pub area: u32,
}

/// Tickets of one section and one type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Area {
    /// The section's name.
    pub section: Box<str>,
    /// The type of the tickets.
    pub ticket_type: Box<str>,
}

/// An entry of the waitlist.
#[derive(Debug, Clone)]
pub struct LineEntry {
    /// Its id.
    pub entry_id: EntryId,
    /// The buyer that waits.
    pub buyer: BuyerNo,
    /// The session that waits.
    pub session: SessionPrint,
    /// What for.
    pub wish: Wish,
    /// Since when.
    pub joined_at: Timestamp,
    /// When it stopped to wait; none while it does.
    pub ended_at: Option<Timestamp>,
    /// The hold that it was offered.
    pub offer: Option<HoldNo>,
    /// How many offers before were withdrawn.
    pub attempt: u32,
}

/// Who has a ticket, or why it is kept from the sale.
#[derive(Debug, Clone, Copy)]
pub struct QueueRow {
    /// The ticket.
    pub ticket: TicketNo,
    /// Its condition.
    pub standing: Standing,
    /// Who has it; none where it is blocked.
    pub owner: Option<Owner>,
}

/// Who has a ticket.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// The buyer that the limit counts.
    pub buyer: BuyerNo,
    /// The deadline of the hold.
    pub expires_at: Timestamp,
    /// The order: while paying and once sold.
    pub order: Option<OrderNo>,
    /// Until when the payment may take.
    pub payment_deadline: Option<Timestamp>,
}

/// A ticket's condition, and the hold that put it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has it.
    Free,
    /// A hold has it, perhaps one that has lapsed.
    Held(HoldNo),
    /// A payment for the hold is under way.
    Paying(HoldNo),
    /// The hold is paid for.
    Sold(HoldNo),
    /// Ops keep it from the sale.
    Blocked,
}

impl Standing {
    /// The hold that has the ticket.
    #[must_use]
    pub const fn hold(self) -> Option<HoldNo> {
        match self {
            Self::Held(hold) | Self::Paying(hold) | Self::Sold(hold) => Some(hold),
            Self::Free | Self::Blocked => None,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Held(_) => "held",
            Self::Paying(_) => "paying",
            Self::Sold(_) => "sold",
            Self::Blocked => "blocked",
        }
    }
}

/// A hold as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct HoldRow {
    /// Where its tickets begin in [`Evidence::hold_tickets`].
    pub tickets_from: u32,
    /// How many tickets it was started for.
    pub ticket_count: u32,
    /// Whom the limit counts.
    pub buyer: BuyerNo,
    /// When it was started.
    pub started_at: Timestamp,
    /// Its deadline.
    pub expires_at: Timestamp,
    /// The session that started it.
    pub session: SessionPrint,
    /// The order of the payment reference that it stores.
    pub attempt: Option<OrderNo>,
    /// How it ended, where a step ended it and not its deadline alone.
    pub ended_as: Option<HoldStatus>,
    /// Since when it says so, where it works in steps: its tickets come free one after the other then.
    pub ended_at: Option<Timestamp>,
}

impl HoldRow {
    /// Whether the store says that a step ended it, before its deadline or after.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended_as.is_some()
    }
}

/// An order as it is stored.
#[derive(Debug, Clone)]
pub struct OrderRow {
    /// The hold it pays for.
    pub hold: HoldNo,
    /// The number that its buyer shows.
    pub confirmation: ConfirmationNumber,
    /// How it stands.
    pub status: OrderStatus,
    /// What its tickets cost together, in minor units.
    pub amount_minor: i64,
    /// The provider's idempotency key.
    pub payment_reference: PaymentReference,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}

/// The hold that a payment reference of a buyer belongs to.
#[derive(Debug, Clone)]
pub struct ReferenceRow {
    /// The buyer.
    pub buyer: BuyerNo,
    /// The reference.
    pub reference: PaymentReference,
    /// The hold, of this event or another.
    pub hold_id: HoldId,
    /// Since when it belongs to it.
    pub claimed_at: Timestamp,
}

/// One entry of the change log.
#[derive(Debug, Clone, Copy)]
pub struct LogEntry {
    /// When it happened.
    pub at: Timestamp,
    /// The ticket.
    pub ticket: TicketNo,
    /// The hold; none for blocked and unblocked.
    pub hold: Option<HoldNo>,
    /// The order that the ticket is, or was, pinned to, where the log says so.
    pub order: Option<OrderNo>,
    /// What happened.
    pub change: ChangeKind,
    /// Until when the payment may take that begins here, where the log says so.
    pub payment_until: Option<Timestamp>,
}

impl Evidence {
    /// The tickets that a hold was started for; none if it is not stored.
    #[must_use]
    pub fn tickets_of(&self, hold: HoldNo) -> &[TicketNo] {
        let Some(row) = self.holds.get(hold) else { return &[] };
        let from = row.tickets_from as usize;
        &self.hold_tickets[from..from + row.ticket_count as usize]
    }

    /// The id of a ticket.
    #[must_use]
    pub fn ticket_id(&self, ticket: TicketNo) -> TicketId {
        self.tickets[ticket.place()].ticket_id
    }

    /// The place of an area among those of the event: as a rule, that of the ticket before.
    pub fn area_number(&mut self, section: &str, ticket_type: &str) -> u32 {
        let is_it = |area: &Area| &*area.section == section && &*area.ticket_type == ticket_type;
        let place = self.areas.iter().rposition(is_it).unwrap_or_else(|| {
            self.areas.push(Area { section: section.into(), ticket_type: ticket_type.into() });
            self.areas.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// Where a ticket is.
    #[must_use]
    pub fn area(&self, ticket: TicketNo) -> &Area {
        &self.areas[self.tickets[ticket.place()].area as usize]
    }

    /// The condition of every ticket, in the order of the tickets.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let mut standings = vec![Standing::Free; self.tickets.len()];
        for row in &self.queue {
            standings[row.ticket.place()] = row.standing;
        }
        standings
    }

    /// The moment that the audit takes for the present.
    ///
    /// Where nobody looked at a clock, it is the latest moment that the log knows of: whatever had
    /// lapsed when somebody last decided anything had lapsed by then, and a deadline that nobody has
    /// met since has changed nothing.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        let latest = || self.log.iter().map(|entry| entry.at).max();
        let seen_at = self.seen_at.or_else(latest);
        seen_at.unwrap_or(Timestamp::from_millis(i64::MIN))
    }

    /// Whether a hold may be over at `time` because of its deadline, as exactly as the clocks agree;
    /// unknown holds never are.
    #[must_use]
    pub fn may_be_lapsed(&self, hold: HoldNo, time: Timestamp) -> bool {
        self.holds.get(hold).is_some_and(|row| !self.is_later(row.expires_at, time))
    }

    /// Whether somebody may have ended a hold by `time`, as exactly as the clocks agree.
    #[must_use]
    pub fn may_have_ended(&self, hold: HoldNo, time: Timestamp) -> bool {
        let ended_at = self.holds.get(hold).and_then(|row| row.ended_at);
        ended_at.is_some_and(|ended_at| !self.is_later(ended_at, time))
    }

    /// Whether a hold may not be over yet at `time`, as exactly as the clocks agree.
    #[must_use]
    pub fn may_stand(&self, hold: HoldNo, time: Timestamp) -> bool {
        let end = |row: &HoldRow| row.expires_at.plus(self.engine.clocks_apart);
        self.holds.get(hold).is_none_or(|row| end(row) > time)
    }

    /// Whether times up to this one may have been written by a clock that stepped back since.
    #[must_use]
    pub fn may_be_unordered(&self, time: Timestamp) -> bool {
        self.engine.unordered_until.is_some_and(|until| time <= until)
    }

    /// Whether what is of this time may have been written by a version that neither kept payment
    /// references nor counted the entries that wait.
    #[must_use]
    pub fn may_be_unbounded(&self, time: Timestamp) -> bool {
        self.engine.unbounded_until.is_some_and(|until| !self.is_later(time, until))
    }

    /// Whether one time is surely later than another, whichever clocks they are from.
    #[must_use]
    pub fn is_later(&self, time: Timestamp, than: Timestamp) -> bool {
        time > than.plus(self.engine.clocks_apart)
    }

    /// Whether what is stored about a ticket is of one moment.
    #[must_use]
    pub fn is_settled(&self, ticket: TicketNo) -> bool {
        !self.restless.tickets.get(ticket.place()).is_some_and(|restless| *restless)
    }

    /// Whether what is stored about a hold, its tickets and its orders is of one moment.
    #[must_use]
    pub fn is_hold_settled(&self, hold: HoldNo) -> bool {
        !self.restless.holds.get(hold.place()).is_some_and(|restless| *restless)
    }

    /// Whether the log goes back to the beginning of a hold.
    #[must_use]
    pub fn log_covers(&self, hold: &HoldRow) -> bool {
        self.before_log.as_ref().is_none_or(|before| hold.started_at > before.at)
    }
}
