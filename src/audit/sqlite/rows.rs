//! Reads the rows of one event. A row that cannot be understood is named, not guessed at.

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Params, Row, params};

use super::events::{EventPlace, LogSpan, SectionPlace};
use crate::audit::evidence::{
    EngineManner, EventFacts, Evidence, HoldRow, LineEntry, LogEntry, MintedTicket, OrderRow,
    Owner, QueueRow, ReferenceRow, Restless, SessionPrint, Standing, Table, TicketNo,
};
use crate::audit::store::note;
use crate::audit::venue::{StoredTicket, Venue, VenueFacts};
use crate::domain::{
    ChangeKind, ConfirmationNumber, HoldId, HoldStatus, OrderId, OrderStatus, PaymentReference,
    SessionId, Timestamp, Wish,
};

/// Reads everything that is stored about an event.
pub(super) fn evidence(
    connection: &Connection,
    place: EventPlace,
    span: &LogSpan,
    unordered_until: Option<Timestamp>,
) -> rusqlite::Result<Evidence> {
    let EventPlace { event_no, first, last, currency, sections, facts } = place;
    let venue = Venue::of(facts.event_id, Some(currency));
    let mut reader = Reader::new(connection, (event_no, (first, last)), facts);
    reader.evidence.engine.unordered_until = unordered_until;
    reader.evidence.engine.unbounded_until = unordered_until;
    reader.tickets(&sections, venue)?;
    reader.holds()?;
    reader.orders()?;
    reader.references()?;
    reader.line()?;
    reader.queue()?;
    reader.log(span)?;
    Ok(reader.evidence)
}

/// What is read so far of one event.
struct Reader<'c> {
    connection: &'c Connection,
    event_no: i64,
    /// The numbers that the event's tickets may have.
    numbers: (i64, i64),
    /// The numbers that they do have, in their order.
    minted: Vec<i64>,
    evidence: Evidence,
}

impl<'c> Reader<'c> {
    fn new(
        connection: &'c Connection,
        (event_no, numbers): (i64, (i64, i64)),
        event: EventFacts,
    ) -> Self {
        let evidence = Evidence {
            event,
            tickets: Vec::new(),
            areas: Vec::new(),
            venue: VenueFacts::default(),
            line: Vec::new(),
            queue: Vec::new(),
            holds: Table::default(),
            hold_tickets: Vec::new(),
            orders: Table::default(),
            references: Vec::new(),
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
        Self { connection, event_no, numbers, minted: Vec::new(), evidence }
    }

    /// Reads the tickets in the order of their numbers, which is that of the venue.
    fn tickets(&mut self, sections: &[SectionPlace], mut venue: Venue) -> rusqlite::Result<()> {
        let sql = "SELECT ticket_no, ticket_id, price, section_no, type_id, row_name, seat_name,
                            aisle_after
                     FROM tickets WHERE ticket_no BETWEEN ?1 AND ?2 ORDER BY ticket_no";
        let mut walk = Walk { next: self.numbers.0, sections: sections.iter(), current: None };
        self.each("tickets", sql, self.numbers, |reader, row| {
            let number: i64 = row.get(0)?;
            let (ticket_id, section_no) = (row.get(1)?, row.get(3)?);
            let price_minor: i64 = row.get(2)?;
            if price_minor < 0 {
                return Err(nonsense(2, format!("the price {price_minor} is below zero")));
            }
            let stored = StoredTicket {
                ticket_id,
                price_minor,
                type_id: row.get_ref(4)?.as_str()?,
                row: row.get_ref(5)?.as_str()?,
                seat: row.get_ref(6)?.as_str()?,
                aisle_after: row.get(7)?,
            };
            walk.go_to(number, &mut venue);
            let (own, name) = walk.current.map_or((None, ""), |section: &SectionPlace| {
                (Some(section.section_no), section.stored.name.as_str())
            });
            if own != Some(section_no) {
                venue.fault(Some(ticket_id), || {
                    format!("number {number} is not among those of its section, {section_no}")
                });
            }
            venue.ticket(stored);
            let area = reader.evidence.area_number(name, stored.type_id);
            reader.minted.push(number);
            reader.evidence.tickets.push(MintedTicket { ticket_id, price_minor, area });
            Ok(())
        })?;
        walk.go_to(self.numbers.1.saturating_add(1), &mut venue);
        self.evidence.venue = venue.finish();
        Ok(())
    }

    fn line(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT entry_no, entry_id, buyer_id, section, type_id, size, joined_at, status,
                          ended_at, hold_id, session_id
                     FROM waitlist WHERE event_no = ?1 ORDER BY entry_no";
        self.each("waitlist", sql, [self.event_no], |reader, row| {
            let (offer, word): (Option<HoldId>, _) = (row.get(9)?, row.get_ref(7)?.as_str()?);
            let ended_at: Option<Timestamp> = row.get(8)?;
            // Whoever waits has neither been offered anything nor come to an end.
            match (word, ended_at, offer) {
                ("waiting", None, None)
                | ("left", Some(_), None)
                | ("offered", Some(_), Some(_)) => {}
                _ => return Err(unknown(7, word)),
            }
            let entry = LineEntry {
                entry_id: row.get(1)?,
                buyer: reader.evidence.buyers.number(row.get(2)?),
                session: SessionPrint::of(&session(row, 10)?),
                wish: Wish { section: row.get(3)?, ticket_type: row.get(4)?, size: row.get(5)? },
                joined_at: row.get(6)?,
                ended_at,
                offer: offer.map(|hold| reader.evidence.holds.number(hold)),
                attempt: 0,
            };
            reader.evidence.line.push(entry);
            Ok(())
        })
    }

    fn holds(&mut self) -> rusqlite::Result<()> {
        let sql =
            "SELECT hex(hold_id), hold_id, buyer_id, tickets, started_at, expires_at, ended_as,
                    session_id, payment_reference
                     FROM holds WHERE event_no = ?1";
        self.each("holds", sql, [self.event_no], Self::hold)
    }

    fn hold(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let hold_id: HoldId = row.get(1)?;
        let numbers: Vec<i64> = serde_json::from_str(row.get_ref(3)?.as_str()?)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(3, Type::Text, e.into()))?;
        let ended_as = match row.get_ref(6)? {
            ValueRef::Null => None,
            word => Some(known(6, word, HoldStatus::ALL, HoldStatus::word)?),
        };
        let session = SessionPrint::of(&session(row, 7)?);
        let reference = match row.get_ref(8)? {
            ValueRef::Null => None,
            _ => Some(reference(row, 8)?),
        };
        let attempt = reference.map(|reference| OrderId::of_payment(hold_id, &reference));
        let (buyer, started_at, expires_at) = (row.get(2)?, row.get(4)?, row.get(5)?);
        let before = self.evidence.hold_tickets.len();
        for number in numbers {
            if let Some(ticket) = self.minted(number, || format!("hold {hold_id}")) {
                self.evidence.hold_tickets.push(ticket);
            }
        }
        let count = |tickets: usize| u32::try_from(tickets).unwrap_or(u32::MAX);
        let hold = HoldRow {
            tickets_from: count(before),
            ticket_count: count(self.evidence.hold_tickets.len() - before),
            buyer: self.evidence.buyers.number(buyer),
            session,
            attempt: attempt.map(|order| self.evidence.orders.number(order)),
            started_at,
            expires_at,
            ended_as,
            ended_at: None,
        };
        self.evidence.holds.store(hold_id, hold);
        Ok(())
    }

    fn orders(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT hex(order_id), order_id, hold_id, status, amount, payment_reference,
                          decided_at, updated_at, confirmation_number
                     FROM orders WHERE event_no = ?1";
        self.each("orders", sql, [self.event_no], |reader, row| {
            let (order_id, hold_id): (OrderId, HoldId) = (row.get(1)?, row.get(2)?);
            let order = OrderRow {
                hold: reader.evidence.holds.number(hold_id),
                confirmation: confirmation(row, 8)?,
                status: known(3, row.get_ref(3)?, OrderStatus::ALL, OrderStatus::word)?,
                amount_minor: row.get(4)?,
                payment_reference: reference(row, 5)?,
                decided_at: row.get(6)?,
                updated_at: row.get(7)?,
            };
            reader.evidence.orders.store(order_id, order);
            Ok(())
        })
    }

    /// The references of everybody who ever held tickets of the event: they may be those of holds of
    /// other events.
    fn references(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT hex(buyer_id) || ' ' || payment_reference, buyer_id, payment_reference,
                          hold_id, claimed_at
                     FROM payment_references
                    WHERE buyer_id IN (SELECT buyer_id FROM holds WHERE event_no = ?1)";
        self.each("payment_references", sql, [self.event_no], |reader, row| {
            let reference = ReferenceRow {
                buyer: reader.evidence.buyers.number(row.get(1)?),
                reference: reference(row, 2)?,
                hold_id: row.get(3)?,
                claimed_at: row.get(4)?,
            };
            reader.evidence.references.push(reference);
            Ok(())
        })
    }

    fn queue(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT ticket_no, status, hold_id, buyer_id, expires_at, order_id,
                          payment_deadline, reason
                     FROM order_queue WHERE ticket_no BETWEEN ?1 AND ?2";
        self.each("order_queue", sql, self.numbers, |reader, row| {
            let Some(ticket) = reader.minted(row.get(0)?, || "order_queue".into()) else {
                return Ok(());
            };
            let queue_row = reader.queue_row(ticket, row)?;
            reader.evidence.queue.push(queue_row);
            Ok(())
        })
    }

    fn queue_row(&mut self, ticket: TicketNo, row: &Row<'_>) -> rusqlite::Result<QueueRow> {
        let word = row.get_ref(1)?.as_str()?;
        // Columns that a row of this status has; the others are null.
        let (status, has): (fn(_) -> _, &[usize]) = match word {
            "held" => (Standing::Held, &[2, 3, 4]),
            "paying" => (Standing::Paying, &[2, 3, 4, 5, 6]),
            "sold" => (Standing::Sold, &[2, 3, 4, 5]),
            "blocked" => (|_| Standing::Blocked, &[7]),
            _ => return Err(unknown(1, word)),
        };
        for column in 2..=7 {
            if (row.get_ref(column)? == ValueRef::Null) == has.contains(&column) {
                let name = row.as_ref().column_name(column)?;
                let is = if has.contains(&column) { "not set" } else { "set" };
                return Err(nonsense(column, format!("{name} is {is} while {word}")));
            }
        }
        if word == "blocked" {
            row.get_ref(7)?.as_str()?;
            return Ok(QueueRow { ticket, standing: Standing::Blocked, owner: None });
        }
        let (hold_id, buyer_id, expires_at) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let order_id: Option<OrderId> = row.get(5)?;
        let owner = Owner {
            buyer: self.evidence.buyers.number(buyer_id),
            expires_at,
            order: order_id.map(|order_id| self.evidence.orders.number(order_id)),
            payment_deadline: row.get(6)?,
        };
        let standing = status(self.evidence.holds.number(hold_id));
        Ok(QueueRow { ticket, standing, owner: Some(owner) })
    }

    fn log(&mut self, span: &LogSpan) -> rusqlite::Result<()> {
        let Some((from, to)) = span.positions else { return Ok(()) };
        self.evidence.log.reserve_exact(usize::try_from(span.entries).unwrap_or(0));
        let (first, last) = self.numbers;
        let sql = "SELECT position, ticket_no, at, change, hold_id FROM change_log
                    WHERE position BETWEEN ?1 AND ?2 AND ticket_no BETWEEN ?3 AND ?4
                    ORDER BY position";
        self.each("change_log", sql, params![from, to, first, last], |reader, row| {
            let Some(ticket) = reader.minted(row.get(1)?, || "the log".into()) else {
                return Ok(());
            };
            let change = known(3, row.get_ref(3)?, ChangeKind::ALL, ChangeKind::word)?;
            let hold = match change {
                ChangeKind::Blocked | ChangeKind::Unblocked => {
                    if row.get_ref(4)? != ValueRef::Null {
                        return Err(nonsense(4, format!("{change} names a hold")));
                    }
                    None
                }
                _ => Some(reader.evidence.holds.number(row.get(4)?)),
            };
            let (at, order, payment_until) = (row.get(2)?, None, None);
            reader.evidence.log.push(LogEntry { at, ticket, hold, order, change, payment_until });
            Ok(())
        })
    }

    /// Hands every row to `read`; one that it cannot understand is named by its first column.
    fn each(
        &mut self,
        table: &str,
        sql: &str,
        values: impl Params,
        mut read: impl FnMut(&mut Self, &Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            match read(self, row) {
                Err(e) if is_about_a_value(&e) => {
                    let key = key_of(row);
                    note(&mut self.evidence.unreadable, || format!("{table} {key}: {e}"));
                }
                read => read?,
            }
        }
        Ok(())
    }

    /// The ticket with this number. Where none was minted, `whose` says who speaks of it.
    fn minted(&mut self, number: i64, whose: impl FnOnce() -> String) -> Option<TicketNo> {
        let guess = usize::try_from(number.saturating_sub(self.numbers.0)).ok();
        let there = guess.filter(|place| self.minted.get(*place) == Some(&number));
        let place = there.or_else(|| self.minted.binary_search(&number).ok());
        if place.is_none() {
            note(&mut self.evidence.strays, || {
                format!("{} speaks of ticket {number}, which is not minted", whose())
            });
        }
        place.map(TicketNo::at)
    }
}

/// Goes through the sections of an event by the numbers of their tickets.
struct Walk<'s> {
    /// The number that the next section begins with.
    next: i64,
    sections: std::slice::Iter<'s, SectionPlace>,
    current: Option<&'s SectionPlace>,
}

impl Walk<'_> {
    /// Begins every section up to the one that has this number.
    fn go_to(&mut self, number: i64, venue: &mut Venue) {
        while number >= self.next
            && let Some(section) = self.sections.next()
        {
            if section.first != self.next {
                venue.fault(None, || {
                    let (name, first, next) = (&section.stored.name, section.first, self.next);
                    format!("section {name} begins with number {first}, not with {next}")
                });
            }
            self.next = self.next.saturating_add_unsigned(section.stored.tickets);
            self.current = Some(section);
            venue.section(section.stored.clone());
        }
    }
}

/// A session, exactly as it is stored.
fn session(row: &Row<'_>, column: usize) -> rusqlite::Result<SessionId> {
    let session: SessionId = row.get(column)?;
    as_stored(row, column, session.as_str()).map(|()| session)
}

/// A payment reference, exactly as it is stored.
fn reference(row: &Row<'_>, column: usize) -> rusqlite::Result<PaymentReference> {
    let reference: PaymentReference = row.get(column)?;
    as_stored(row, column, reference.as_str()).map(|()| reference)
}

/// A confirmation number, exactly as it is stored.
fn confirmation(row: &Row<'_>, column: usize) -> rusqlite::Result<ConfirmationNumber> {
    let text = row.get_ref(column)?.as_str()?;
    let number: ConfirmationNumber = text.parse().map_err(|_| unknown(column, text))?;
    as_stored(row, column, &number.to_string()).map(|()| number)
}

/// A text that means the same as `text` but is another one is not found where it is looked for.
fn as_stored(row: &Row<'_>, column: usize, text: &str) -> rusqlite::Result<()> {
    let stored = row.get_ref(column)?.as_str()?;
    if stored == text { Ok(()) } else { Err(nonsense(column, format!("`{stored}` for `{text}`"))) }
}

fn key_of(row: &Row<'_>) -> String {
    match row.get_ref(0) {
        Ok(ValueRef::Integer(number)) => number.to_string(),
        Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => "with an unknown key".into(),
    }
}

/// The value with this word.
fn known<T: Copy, const N: usize>(
    column: usize,
    value: ValueRef<'_>,
    all: [T; N],
    word_of: impl Fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    let word = value.as_str()?;
    all.into_iter().find(|value| word_of(*value) == word).ok_or_else(|| unknown(column, word))
}

fn unknown(column: usize, word: &str) -> rusqlite::Error {
    nonsense(column, format!("`{word}` means nothing"))
}

/// A value that cannot be what it is stored as.
pub(super) fn nonsense(column: usize, why: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
}

/// Whether an error is about what is stored, and not about reading it.
pub(super) const fn is_about_a_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
    };
    matches!(
        error,
        FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | Utf8Error(..)
    )
}
