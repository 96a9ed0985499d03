//! Reads the rows of one event. A row that cannot be understood is named, not guessed at.

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Params, Row, params};

use super::events::{EventPlace, LogSpan};
use crate::audit::evidence::{
    EngineManner, Evidence, HoldRow, LineEntry, LogEntry, MintedTicket, OrderRow, Owner, QueueRow,
    Restless, Standing, Table, TicketNo,
};
use crate::audit::store::note;
use crate::domain::{ChangeKind, HoldId, HoldStatus, OrderId, OrderStatus, Timestamp, Wish};

/// Reads everything that is stored about an event.
pub(super) fn evidence(
    connection: &Connection,
    place: EventPlace,
    span: &LogSpan,
) -> rusqlite::Result<Evidence> {
    let mut reader = Reader::new(connection, place);
    reader.tickets()?;
    reader.holds()?;
    reader.orders()?;
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
    fn new(connection: &'c Connection, place: EventPlace) -> Self {
        let evidence = Evidence {
            event: place.facts,
            tickets: Vec::new(),
            areas: Vec::new(),
            line: Vec::new(),
            queue: Vec::new(),
            holds: Table::default(),
            hold_tickets: Vec::new(),
            orders: Table::default(),
            buyers: Table::default(),
            log: Vec::new(),
            before_log: None,
            engine: EngineManner::default(),
            restless: Restless::default(),
            seen_at: None,
            strays: Vec::new(),
            unreadable: Vec::new(),
        };
        let numbers = (place.first, place.last);
        Self { connection, event_no: place.event_no, numbers, minted: Vec::new(), evidence }
    }

    fn tickets(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT t.ticket_no, t.ticket_id, t.price, s.name, t.type_id
                     FROM tickets t JOIN venue_sections s USING (section_no)
                    WHERE t.ticket_no BETWEEN ?1 AND ?2 ORDER BY t.ticket_no";
        self.each("tickets", sql, self.numbers, |reader, row| {
            let area =
                reader.evidence.area_number(row.get_ref(3)?.as_str()?, row.get_ref(4)?.as_str()?);
            let ticket = MintedTicket { ticket_id: row.get(1)?, price_minor: row.get(2)?, area };
            reader.minted.push(row.get(0)?);
            reader.evidence.tickets.push(ticket);
            Ok(())
        })
    }

    fn line(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT entry_no, entry_id, buyer_id, section, type_id, size, joined_at, status,
                          ended_at, hold_id
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
                wish: Wish { section: row.get(3)?, ticket_type: row.get(4)?, size: row.get(5)? },
                joined_at: row.get(6)?,
                ended_at,
                offer: offer.map(|hold| reader.evidence.holds.number(hold)),
            };
            reader.evidence.line.push(entry);
            Ok(())
        })
    }

    fn holds(&mut self) -> rusqlite::Result<()> {
        let sql =
            "SELECT hex(hold_id), hold_id, buyer_id, tickets, started_at, expires_at, ended_as
                     FROM holds WHERE event_no = ?1";
        self.each("holds", sql, [self.event_no], Self::hold)
    }

    fn hold(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let hold_id: HoldId = row.get(1)?;
        let numbers: Vec<i64> = serde_json::from_str(row.get_ref(3)?.as_str()?)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(3, Type::Text, e.into()))?;
        let ended = match row.get_ref(6)? {
            ValueRef::Null => false,
            word => known(6, word, HoldStatus::ALL, HoldStatus::word).map(|_| true)?,
        };
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
            started_at,
            expires_at,
            ended,
            ended_at: None,
        };
        self.evidence.holds.store(hold_id, hold);
        Ok(())
    }

    fn orders(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT hex(order_id), order_id, hold_id, status, amount, payment_reference,
                          decided_at, updated_at
                     FROM orders WHERE event_no = ?1";
        self.each("orders", sql, [self.event_no], |reader, row| {
            let (order_id, hold_id): (OrderId, HoldId) = (row.get(1)?, row.get(2)?);
            let order = OrderRow {
                hold: reader.evidence.holds.number(hold_id),
                status: known(3, row.get_ref(3)?, OrderStatus::ALL, OrderStatus::word)?,
                amount_minor: row.get(4)?,
                payment_reference: row.get(5)?,
                decided_at: row.get(6)?,
                updated_at: row.get(7)?,
            };
            reader.evidence.orders.store(order_id, order);
            Ok(())
        })
    }

    fn queue(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT ticket_no, status, hold_id, buyer_id, expires_at, order_id
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
        if word == "blocked" {
            return Ok(QueueRow { ticket, standing: Standing::Blocked, owner: None });
        }
        let status = match word {
            "held" => Standing::Held,
            "paying" => Standing::Paying,
            "sold" => Standing::Sold,
            _ => return Err(unknown(1, word)),
        };
        let (hold_id, buyer_id, expires_at) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let order_id: Option<OrderId> = row.get(5)?;
        let owner = Owner {
            buyer: self.evidence.buyers.number(buyer_id),
            expires_at,
            order: order_id.map(|order_id| self.evidence.orders.number(order_id)),
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
                ChangeKind::Blocked | ChangeKind::Unblocked => None,
                _ => Some(reader.evidence.holds.number(row.get(4)?)),
            };
            let (at, payment_until) = (row.get(2)?, None);
            reader.evidence.log.push(LogEntry { at, ticket, hold, change, payment_until });
            Ok(())
        })
    }

    /// Hands every row to `read`; one that it cannot understand is named by its first column.
    fn each(
        &mut self,
        table: &str,
        sql: &str,
        values: impl Params,
        read: impl Fn(&mut Self, &Row<'_>) -> rusqlite::Result<()>,
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
    let why = format!("`{word}` means nothing");
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
}

/// Whether an error is about what is stored, and not about reading it.
const fn is_about_a_value(error: &rusqlite::Error) -> bool {
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
