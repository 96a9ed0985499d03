//! A tiny sale for the tests of the rules: writes evidence as an engine without faults would.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use crate::audit::evidence::{
    Area, EngineManner, EventFacts, Evidence, HoldNo, HoldRow, LineEntry, LogEntry, MintedTicket,
    OrderNo, OrderRow, Owner, QueueRow, ReferenceRow, Restless, SessionPrint, Standing, Table,
    TicketNo,
};
use crate::audit::findings::{Findings, Rule};
use crate::audit::history::{Answer, History, Told};
use crate::audit::report::Violation;
use crate::audit::venue::VenueFacts;
use crate::domain::{
    BuyerId, ChangeKind, ConfirmationNumber, EntryId, EventId, HoldId, HoldStatus, OrderId,
    OrderStatus, PaymentReference, SaleTerms, SessionId, TicketId, Timestamp, Wish,
};

/// The deadline of a hold that was started at 0: the time to pay, in milliseconds.
pub(crate) const DEADLINE: i64 = 1_000;
/// What every ticket costs, in minor units.
const PRICE: i64 = 100;

/// A sale of a few tickets; times are milliseconds.
pub(crate) struct Sale {
    pub(crate) evidence: Evidence,
    pub(crate) history: Vec<Told>,
}

/// A time of the sale.
pub(crate) fn ms(at: i64) -> Timestamp {
    Timestamp::from_millis(at)
}

fn id(kind: u128, number: usize) -> Uuid {
    Uuid::from_u128((kind << 64) + number as u128)
}

/// A buyer has one session.
fn session_of(buyer: BuyerId) -> SessionPrint {
    SessionPrint::of(&SessionId::new(&buyer.to_string()).unwrap())
}

/// The reference under which a hold is paid for.
fn reference_of(hold: HoldNo) -> PaymentReference {
    PaymentReference::new(&format!("card {}", hold.place())).unwrap()
}

/// The order that [`Sale::sold`] makes for a hold.
pub(crate) fn order_id(sale: &Sale, hold: HoldNo) -> OrderId {
    OrderId::of_payment(sale.evidence.holds.id(hold), &reference_of(hold))
}

impl Sale {
    /// A minted event with this many tickets.
    pub(crate) fn of(tickets: usize) -> Self {
        let ticket = |n| MintedTicket {
            ticket_id: TicketId::from_uuid(id(1, n)),
            price_minor: PRICE,
            area: 0,
        };
        let terms = SaleTerms {
            limit: 10,
            time_to_pay: Duration::from_secs(1),
            payment_time: Duration::from_millis(200),
        };
        let evidence = Evidence {
            event: EventFacts {
                event_id: EventId::of_slug("show"),
                slug: "show".into(),
                terms,
                declared_tickets: tickets as u64,
                section_tickets: tickets as u64,
                layout_digest: Some("a digest".into()),
                minted_at: Some(ms(0)),
                closes_at: None,
            },
            tickets: (0..tickets).map(ticket).collect(),
            areas: vec![Area { section: "A".into(), ticket_type: "regular".into() }],
            venue: VenueFacts::default(),
            queue: Vec::new(),
            holds: Table::default(),
            hold_tickets: Vec::new(),
            orders: Table::default(),
            references: Vec::new(),
            line: Vec::new(),
            buyers: Table::default(),
            log: Vec::new(),
            before_log: None,
            engine: EngineManner::default(),
            restless: Restless::default(),
            seen_at: None,
            strays: Vec::new(),
            unreadable: Vec::new(),
            copies: Vec::new(),
        };
        Self { evidence, history: Vec::new() }
    }

    pub(crate) fn held(&mut self, buyer: u32, tickets: &[usize], at: i64) -> HoldNo {
        let hold_id = HoldId::from_uuid(id(2, self.evidence.holds.ids_met()));
        self.held_as(hold_id, buyer, tickets, at)
    }

    pub(crate) fn held_as(
        &mut self,
        hold_id: HoldId,
        buyer: u32,
        tickets: &[usize],
        at: i64,
    ) -> HoldNo {
        let evidence = &mut self.evidence;
        let buyer = evidence.buyers.number(BuyerId::from_uuid(id(3, buyer as usize)));
        let row = HoldRow {
            tickets_from: evidence.hold_tickets.len().try_into().unwrap(),
            ticket_count: tickets.len().try_into().unwrap(),
            buyer,
            session: session_of(evidence.buyers.id(buyer)),
            attempt: None,
            started_at: ms(at),
            expires_at: ms(at + DEADLINE),
            ended_as: None,
            ended_at: None,
        };
        let hold = evidence.holds.store(hold_id, row);
        evidence.hold_tickets.extend(tickets.iter().map(|ticket| TicketNo::at(*ticket)));
        self.put(hold, Standing::Held(hold), ChangeKind::Held, at);
        hold
    }

    /// Somebody joins the line.
    pub(crate) fn waits(&mut self, buyer: u32, size: u32, at: i64) {
        let number = self.evidence.line.len();
        let buyer = self.evidence.buyers.number(BuyerId::from_uuid(id(3, buyer as usize)));
        self.evidence.line.push(LineEntry {
            entry_id: EntryId::from_uuid(id(4, number)),
            buyer,
            session: session_of(self.evidence.buyers.id(buyer)),
            attempt: 0,
            wish: Wish { section: None, ticket_type: None, size },
            joined_at: ms(at),
            ended_at: None,
            offer: None,
        });
    }

    /// The entry at this place of the line leaves it.
    pub(crate) fn leaves(&mut self, place: usize, at: i64) {
        self.evidence.line[place].ended_at = Some(ms(at));
    }

    /// The entry at this place of the line is offered tickets.
    pub(crate) fn offered(&mut self, place: usize, tickets: &[usize], at: i64) -> HoldNo {
        let buyer = self.evidence.buyers.id(self.evidence.line[place].buyer);
        let buyer = u32::try_from(buyer.as_uuid().as_u128() & u128::from(u32::MAX)).unwrap();
        let hold_id = {
            let LineEntry { entry_id, attempt, .. } = self.evidence.line[place];
            HoldId::of_offer(entry_id, attempt)
        };
        let hold = self.held_as(hold_id, buyer, tickets, at);
        self.evidence.line[place].offer = Some(hold);
        self.leaves(place, at);
        hold
    }

    pub(crate) fn paying(&mut self, hold: HoldNo, at: i64) {
        let order_id = order_id(self, hold);
        let order = self.evidence.orders.number(order_id);
        self.hold_row(hold.place()).attempt = Some(order);
        self.claim_reference(hold, at);
        self.put(hold, Standing::Paying(hold), ChangeKind::Paying, at);
    }

    pub(crate) fn held_again(&mut self, hold: HoldNo, at: i64) {
        self.put(hold, Standing::Held(hold), ChangeKind::HeldAgain, at);
    }

    pub(crate) fn sold(&mut self, hold: HoldNo, at: i64) {
        self.put(hold, Standing::Sold(hold), ChangeKind::Sold, at);
        self.order(hold, OrderStatus::Paid, at);
    }

    pub(crate) fn refunded(&mut self, hold: HoldNo, at: i64) {
        self.freed(hold, ChangeKind::Refunded, at);
        let order = self.evidence.orders.find(order_id(self, hold)).unwrap();
        let order = self.order_row(order.place());
        (order.status, order.updated_at) = (OrderStatus::Refunded, ms(at));
    }

    /// The order of a hold gets a status.
    pub(crate) fn order(&mut self, hold: HoldNo, status: OrderStatus, at: i64) {
        let order_id = order_id(self, hold);
        let order = OrderRow {
            hold,
            confirmation: ConfirmationNumber::of_order(order_id),
            status,
            amount_minor: PRICE * i64::try_from(self.evidence.tickets_of(hold).len()).unwrap(),
            payment_reference: reference_of(hold),
            decided_at: ms(at),
            updated_at: ms(at),
        };
        self.evidence.orders.store(order_id, order);
        self.claim_reference(hold, at);
    }

    /// The reference of a hold is claimed, unless it was before.
    fn claim_reference(&mut self, hold: HoldNo, at: i64) {
        let hold_id = self.evidence.holds.id(hold);
        if self.evidence.references.iter().any(|row| row.hold_id == hold_id) {
            return;
        }
        let buyer = self.evidence.holds.get(hold).unwrap().buyer;
        let (reference, claimed_at) = (reference_of(hold), ms(at));
        self.evidence.references.push(ReferenceRow { buyer, reference, hold_id, claimed_at });
    }

    /// A hold's row, to be tampered with.
    pub(crate) fn hold_row(&mut self, place: usize) -> &mut HoldRow {
        self.evidence.holds.row_mut(HoldNo::at(place)).as_mut().unwrap()
    }

    /// An order's row, to be tampered with.
    pub(crate) fn order_row(&mut self, place: usize) -> &mut OrderRow {
        self.evidence.orders.row_mut(OrderNo::at(place)).as_mut().unwrap()
    }

    /// All tickets of a hold come free.
    pub(crate) fn freed(&mut self, hold: HoldNo, change: ChangeKind, at: i64) {
        self.put(hold, Standing::Free, change, at);
        self.hold_row(hold.place()).ended_as = HoldStatus::of_word(change.word());
    }

    /// Tickets that a lapsed hold still has come free.
    pub(crate) fn expires(&mut self, hold: HoldNo, tickets: &[usize], at: i64) {
        for ticket in tickets.iter().map(|ticket| TicketNo::at(*ticket)) {
            self.evidence.queue.retain(|row| row.ticket != ticket);
            self.log(ticket, Some(hold), ChangeKind::Expired, at);
        }
    }

    /// The engine decides first and lets tickets follow, and its log names orders.
    pub(crate) fn in_steps(&mut self) {
        self.evidence.engine.in_steps = true;
        for place in 0..self.evidence.log.len() {
            let LogEntry { hold, change, at, .. } = self.evidence.log[place];
            let pinned = !matches!(change, ChangeKind::Held | ChangeKind::Abandoned);
            let Some(hold) = hold.filter(|_| pinned) else { continue };
            let order = self.evidence.orders.find(order_id(self, hold));
            self.evidence.log[place].order = order;
            if change == ChangeKind::Paying {
                let until = at.plus(self.evidence.event.terms.payment_time);
                self.evidence.log[place].payment_until = Some(until);
            }
        }
    }

    pub(crate) fn blocked(&mut self, ticket: usize, at: i64) {
        let ticket = TicketNo::at(ticket);
        self.evidence.queue.retain(|row| row.ticket != ticket);
        self.evidence.queue.push(QueueRow { ticket, standing: Standing::Blocked, owner: None });
        self.log(ticket, None, ChangeKind::Blocked, at);
    }

    /// Puts all tickets of a hold into one condition, and logs it.
    fn put(&mut self, hold: HoldNo, standing: Standing, change: ChangeKind, at: i64) {
        let row = *self.evidence.holds.get(hold).unwrap();
        let pinned = matches!(standing, Standing::Paying(_) | Standing::Sold(_));
        let order_id = order_id(self, hold);
        let order = pinned.then(|| self.evidence.orders.number(order_id));
        let payment_time = self.evidence.event.terms.payment_time;
        let is_paying = matches!(standing, Standing::Paying(_));
        let payment_deadline = is_paying.then(|| ms(at).plus(payment_time));
        let HoldRow { buyer, expires_at, .. } = row;
        let owner = Owner { buyer, expires_at, order, payment_deadline };
        for ticket in self.evidence.tickets_of(hold).to_vec() {
            self.evidence.queue.retain(|row| row.ticket != ticket);
            if standing != Standing::Free {
                self.evidence.queue.push(QueueRow { ticket, standing, owner: Some(owner) });
            }
            self.log(ticket, Some(hold), change, at);
        }
    }

    fn log(&mut self, ticket: TicketNo, hold: Option<HoldNo>, change: ChangeKind, at: i64) {
        let (order, payment_until) = (None, None);
        let entry = LogEntry { at: ms(at), ticket, hold, order, change, payment_until };
        self.evidence.log.push(entry);
    }

    /// The store loses everything but the tickets.
    pub(crate) fn forget(&mut self) {
        let history = std::mem::take(&mut self.history);
        *self = Self { history, ..Self::of(self.evidence.tickets.len()) };
    }

    pub(crate) fn tell(&mut self, hold: HoldNo, sent_at: i64, answer: Answer) {
        let evidence = &self.evidence;
        let tickets = evidence.tickets_of(hold).iter().map(|ticket| evidence.ticket_id(*ticket));
        self.history.push(Told {
            sent_at: ms(sent_at),
            told_at: ms(sent_at + 10),
            event_id: evidence.event.event_id,
            hold_id: evidence.holds.id(hold),
            buyer_id: evidence.buyers.id(evidence.holds.get(hold).unwrap().buyer),
            tickets: tickets.collect(),
            answer,
        });
    }

    pub(crate) fn tell_held(&mut self, hold: HoldNo) {
        let row = *self.evidence.holds.get(hold).unwrap();
        let answer = Answer::Held { from: row.started_at, until: row.expires_at };
        self.tell(hold, row.started_at.as_millis() - 1, answer);
    }

    pub(crate) fn tell_paid(&mut self, hold: HoldNo, sent_at: i64) {
        let order_id = order_id(self, hold);
        let order = self.evidence.orders.find(order_id).unwrap();
        let amount_minor = self.evidence.orders.get(order).unwrap().amount_minor;
        self.tell(hold, sent_at, Answer::Paid { order_id, amount_minor });
    }

    /// Asserts that no rule is broken.
    pub(crate) fn passes(&self) {
        self.breaks(&[]);
    }

    /// The rules that are broken.
    pub(crate) fn broken(&self) -> BTreeSet<&'static str> {
        self.violations().iter().map(|violation| violation.rule).collect()
    }

    fn violations(&self) -> Vec<Violation> {
        let mut findings = Findings::default();
        let history = History::default();
        for told in &self.history {
            history.record(told).unwrap();
        }
        super::judge(&self.evidence, &history, &mut findings).unwrap();
        findings.violations()
    }

    /// Asserts that exactly these rules are broken.
    pub(crate) fn breaks(&self, rules: &[Rule]) {
        let (violations, broken) = (self.violations(), self.broken());
        let expected: BTreeSet<_> = rules.iter().map(|rule| rule.name()).collect();
        assert_eq!(broken, expected, "{violations:#?}");
    }
}
