//! An independent judge of a store: replays its log as the engine would have written it, and compares
//! what follows with what is stored. It shares no code with the audit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::Connection;
use rusqlite::types::Value;
use tix::domain::{ConfirmationNumber, Currency, OrderId};
use uuid::Uuid;

use crate::tamper;

/// The namespace of event ids.
const EVENTS: Uuid = Uuid::from_u128(0x5f0c_7a4e_90d1_5b0e_8c55_74d3_a3c1_9e20);

type Judged<T> = Result<T, String>;

/// Whether what is stored is a legal history; else why not.
pub(crate) fn legal(connection: &Connection) -> Judged<()> {
    let read = |table: &'static str| Table::of(connection, table);
    let events = events(&read("events"))?;
    let venue = venue(&events, &read("venue_sections"), &read("tickets"))?;
    let holds = holds(&read("holds"), &events)?;
    let mut sale = Sale::new(&events, &venue, &holds);
    sale.replay(&read("change_log"))?;
    sale.compare_queue(&read("order_queue"))?;
    let orders = orders(&read("orders"), &holds, &venue)?;
    sale.compare_holds(&orders)?;
    sale.compare_references(&read("payment_references"), &orders)?;
    waitlist(&read("waitlist"), &events, &venue, &holds)?;
    progress(&read("log_progress"), sale.entries)
}

/// A table with the names of its columns.
struct Table {
    name: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// One row of it.
#[derive(Clone, Copy)]
struct Row<'t> {
    table: &'t Table,
    values: &'t [Value],
}

impl Table {
    fn of(connection: &Connection, name: &'static str) -> Self {
        let columns = tamper::columns(connection, name);
        Self { name, columns, rows: tamper::rows(connection, name) }
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row { table: self, values })
    }
}

impl<'t> Row<'t> {
    fn get(self, column: &str) -> &'t Value {
        let place = self.table.columns.iter().position(|name| name == column);
        &self.values[place.unwrap_or_else(|| panic!("no column {column}"))]
    }

    fn fault<T>(self, why: &str) -> Judged<T> {
        Err(format!("{} {:?}: {why}", self.table.name, self.values))
    }

    fn int(self, column: &str) -> Judged<i64> {
        match self.get(column) {
            Value::Integer(number) => Ok(*number),
            other => self.fault(&format!("{column} is {other:?}")),
        }
    }

    fn text(self, column: &str) -> Judged<&'t str> {
        match self.get(column) {
            Value::Text(text) => Ok(text),
            other => self.fault(&format!("{column} is {other:?}")),
        }
    }

    /// A text that names something: not empty, of bounded length, without white space around it.
    fn label(self, column: &str) -> Judged<&'t str> {
        let text = self.text(column)?;
        let fine = !text.is_empty()
            && text.trim() == text
            && text.len() <= 200
            && !text.chars().any(char::is_control);
        if fine { Ok(text) } else { self.fault(&format!("{column} is no name")) }
    }

    fn id(self, column: &str) -> Judged<Uuid> {
        match self.get(column) {
            Value::Blob(bytes) => {
                Uuid::from_slice(bytes).or_else(|_| self.fault(&format!("{column} is no id")))
            }
            other => self.fault(&format!("{column} is {other:?}")),
        }
    }

    fn is_null(self, column: &str) -> bool {
        *self.get(column) == Value::Null
    }

    fn nullable<T>(self, column: &str, read: impl FnOnce(&str) -> Judged<T>) -> Judged<Option<T>> {
        if self.is_null(column) { Ok(None) } else { read(column).map(Some) }
    }
}

#[derive(Debug)]
struct Event {
    id: Uuid,
    limit: i64,
    time_to_pay: i64,
    payment_time: i64,
    first: i64,
    tickets: i64,
    digest: Option<String>,
    minted_at: Option<i64>,
    starts_at: i64,
}

/// Names, texts, times and places are what people read: nothing else in the store follows from them,
/// so that they are free as long as they can be read.
fn events(table: &Table) -> Judged<BTreeMap<i64, Event>> {
    let mut events = BTreeMap::new();
    for row in table.rows() {
        let id = row.id("event_id")?;
        if id != Uuid::new_v5(&EVENTS, row.text("slug")?.as_bytes()) {
            return row.fault("the id is not that of the slug");
        }
        let currency = row.text("currency")?;
        if Currency::of_code(currency).is_none_or(|known| known.code() != currency) {
            return row.fault("no currency");
        }
        if serde_json::from_str::<Vec<String>>(row.text("performers")?).is_err()
            || !(0..=1).contains(&row.int("simulated")?)
            || u32::try_from(row.int("duration_minutes")?).is_err()
        {
            return row.fault("a free column that cannot be read");
        }
        for column in ["name", "series", "event_type", "description", "language", "venue", "city"] {
            row.text(column)?;
        }
        let event = Event {
            id,
            limit: row.int("limit_per_buyer")?,
            time_to_pay: row.int("time_to_pay_ms")?,
            payment_time: row.int("payment_time_ms")?,
            first: row.int("first_ticket")?,
            tickets: row.int("tickets")?,
            digest: row.nullable("layout_digest", |c| row.text(c).map(Into::into))?,
            minted_at: row.nullable("minted_at", |c| row.int(c))?,
            starts_at: row.int("starts_at")?,
        };
        if !(1..=10).contains(&event.limit) || event.time_to_pay < 0 || event.payment_time < 0 {
            return row.fault("terms that no event has");
        }
        events.insert(row.int("event_no")?, event);
    }
    Ok(events)
}

struct Seat {
    event: i64,
    section: String,
    kind: String,
    price: i64,
}

/// What was minted. It is known what that was, so nothing in it is free: see `untouched`.
struct Venue {
    seats: BTreeMap<i64, Seat>,
    sections: BTreeSet<(i64, String)>,
}

fn venue(events: &BTreeMap<i64, Event>, sections: &Table, tickets: &Table) -> Judged<Venue> {
    let mut names = HashMap::new();
    let mut known = BTreeSet::new();
    for row in sections.rows() {
        let (event, name) = (row.int("event_no")?, row.text("name")?.to_owned());
        names.insert(row.int("section_no")?, (event, name.clone()));
        known.insert((event, name));
    }
    let mut seats = BTreeMap::new();
    for row in tickets.rows() {
        let number = row.int("ticket_no")?;
        let Some((event, section)) = names.get(&row.int("section_no")?) else {
            return row.fault("of no section");
        };
        let Some(stored) = events.get(event) else { return row.fault("of no event") };
        let labels = [section.as_str(), row.text("row_name")?, row.text("seat_name")?];
        if row.id("ticket_id")? != Uuid::new_v5(&stored.id, labels.join("\u{1f}").as_bytes()) {
            return row.fault("the id is not that of the seat");
        }
        if !(stored.first..stored.first.saturating_add(stored.tickets)).contains(&number) {
            return row.fault("not among the numbers of its event");
        }
        let seat = Seat {
            event: *event,
            section: section.clone(),
            kind: row.text("type_id")?.into(),
            price: row.int("price")?,
        };
        seats.insert(number, seat);
    }
    let mut next = 1;
    for (number, event) in events.iter().filter(|(_, event)| event.digest.is_some()) {
        if event.first != next || event.tickets == 0 || event.minted_at.is_none() {
            return Err(format!("event {number} has other tickets than it was given"));
        }
        next = next.saturating_add(event.tickets);
    }
    for (number, event) in events.iter().filter(|(_, event)| event.digest.is_none()) {
        if event.first != 0 || event.tickets != 0 || event.minted_at.is_some() {
            return Err(format!("event {number} is minted from nothing"));
        }
    }
    if seats.len() as i64 != next - 1 {
        return Err("tickets are missing, or there are too many".into());
    }
    untouched(sections, tickets, events)?;
    Ok(Venue { seats, sections: known })
}

/// The layouts are those of `store.rs`, of which every name, number and price is in the digest.
fn untouched(sections: &Table, tickets: &Table, events: &BTreeMap<i64, Event>) -> Judged<()> {
    let expected = [
        (1, "Stalls", "regular", "Gate Stalls", 2, 1, 16),
        (1, "Box", "box", "Gate Box", 2, 17, 6),
        (2, "A", "regular", "Gate A", 1, 23, 3),
        (2, "B", "regular", "Gate B", 2, 26, 4),
    ];
    if sections.rows.len() != expected.len() {
        return Err("sections are missing, or there are too many".into());
    }
    for (row, expected) in sections.rows().zip(expected) {
        let (event, name, kind, entrance, rows, first, seats) = expected;
        let stored = (
            row.int("event_no")?,
            row.text("name")?,
            row.text("type_id")?,
            row.text("entrance")?,
            row.int("row_count")?,
            row.int("first_ticket")?,
            row.int("tickets")?,
        );
        if stored != (event, name, kind, entrance, rows, first, seats) {
            return row.fault("not as it was minted");
        }
    }
    for row in tickets.rows() {
        let number = row.int("ticket_no")?;
        let (kind, price, place) = match number {
            1..=16 => ("regular", 5_000, grid(number - 1, 8)),
            17..=20 => ("box", 9_000, ("front".into(), number - 16)),
            21..=22 => ("view", 4_500, ("back".into(), number - 20)),
            23..=25 => ("regular", 2_000, grid(number - 23, 3)),
            _ => ("regular", 3_000, grid(number - 26, 2)),
        };
        let stored = (row.text("row_name")?.to_owned(), row.text("seat_name")?);
        let is_there = stored == (place.0, place.1.to_string().as_str());
        let is_there = is_there && row.is_null("aisle_after");
        if (row.text("type_id")?, row.int("price")?) != (kind, price) || !is_there {
            return row.fault("not as it was minted");
        }
    }
    let digest = |number| events.get(&number).and_then(|event| event.digest.as_deref());
    let (hamlet, lear) = (digest(1), digest(2));
    let known = crate::store::digests();
    if hamlet != Some(&known[0]) || lear != Some(&known[1]) {
        return Err("a digest is not that of its layout".into());
    }
    Ok(())
}

/// Row and seat of a place in a grid.
fn grid(index: i64, per_row: i64) -> (String, i64) {
    ((index / per_row + 1).to_string(), index % per_row + 1)
}

struct Hold {
    event: i64,
    session: String,
    buyer: Uuid,
    tickets: Vec<i64>,
    started_at: i64,
    expires_at: i64,
    reference: Option<String>,
    ended_as: Option<String>,
}

fn holds(table: &Table, events: &BTreeMap<i64, Event>) -> Judged<BTreeMap<Uuid, Hold>> {
    let mut holds = BTreeMap::new();
    for row in table.rows() {
        let hold = Hold {
            event: row.int("event_no")?,
            session: row.label("session_id")?.into(),
            buyer: row.id("buyer_id")?,
            tickets: serde_json::from_str(row.text("tickets")?).map_err(|e| e.to_string())?,
            started_at: row.int("started_at")?,
            expires_at: row.int("expires_at")?,
            reference: row.nullable("payment_reference", |c| row.label(c).map(Into::into))?,
            ended_as: row.nullable("ended_as", |c| row.text(c).map(Into::into))?,
        };
        let Some(event) = events.get(&hold.event) else { return row.fault("of no event") };
        let range = event.first..event.first.saturating_add(event.tickets);
        if hold.tickets.is_empty() || !hold.tickets.iter().all(|no| range.contains(no)) {
            return row.fault("not for tickets of its event");
        }
        if hold.started_at >= event.starts_at {
            return row.fault("started when the event had begun");
        }
        if hold.expires_at != hold.started_at.saturating_add(event.time_to_pay) {
            return row.fault("not as long as the event says");
        }
        holds.insert(row.id("hold_id")?, hold);
    }
    Ok(holds)
}

/// How one ticket stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Blocked,
    Held(Uuid),
    Paying(Uuid, i64),
    Sold(Uuid, i64),
}

/// An attempt to pay that ended: how, when, and when it was refunded.
#[derive(Debug, Clone)]
struct Ended {
    how: &'static str,
    begun_at: i64,
    at: i64,
    refunded_at: Option<i64>,
}

/// What the log says of a hold.
#[derive(Debug, Default)]
struct Course {
    begun: bool,
    paying_since: Option<i64>,
    ended: Vec<Ended>,
    end: Option<&'static str>,
}

struct Sale<'s> {
    events: &'s BTreeMap<i64, Event>,
    venue: &'s Venue,
    holds: &'s BTreeMap<Uuid, Hold>,
    standings: BTreeMap<i64, Standing>,
    courses: HashMap<Uuid, Course>,
    entries: i64,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    at: i64,
    ticket: i64,
    change: String,
    hold: Option<Uuid>,
}

impl<'s> Sale<'s> {
    fn new(
        events: &'s BTreeMap<i64, Event>,
        venue: &'s Venue,
        holds: &'s BTreeMap<Uuid, Hold>,
    ) -> Self {
        let (standings, courses) = (BTreeMap::new(), HashMap::new());
        Self { events, venue, holds, standings, courses, entries: 0 }
    }

    fn replay(&mut self, log: &Table) -> Judged<()> {
        let mut entries = Vec::new();
        let mut latest = i64::MIN;
        for (position, row) in (1..).zip(log.rows()) {
            if row.int("position")? != position {
                return row.fault("not at its position");
            }
            let entry = Entry {
                at: row.int("at")?,
                ticket: row.int("ticket_no")?,
                change: row.text("change")?.into(),
                hold: row.nullable("hold_id", |c| row.id(c))?,
            };
            if entry.at < latest || !self.venue.seats.contains_key(&entry.ticket) {
                return row.fault("out of order, or of no ticket");
            }
            latest = entry.at;
            entries.push(entry);
        }
        self.entries = entries.len() as i64;
        let mut rest = entries.as_slice();
        while let Some(entry) = rest.first() {
            let taken = match entry.hold {
                None => self.block(entry)?,
                Some(hold) => self.step(entry, hold, rest)?,
            };
            rest = &rest[taken..];
        }
        Ok(())
    }

    fn block(&mut self, entry: &Entry) -> Judged<usize> {
        let standing = self.standings.get(&entry.ticket);
        let fine = match (entry.change.as_str(), standing) {
            ("blocked", None) | ("unblocked", Some(Standing::Blocked)) => true,
            ("blocked", Some(Standing::Held(hold))) => self.holds[hold].expires_at <= entry.at,
            _ => false,
        };
        if !fine {
            return Err(format!("{entry:?} when it was {standing:?}"));
        }
        if entry.change == "blocked" {
            self.standings.insert(entry.ticket, Standing::Blocked);
        } else {
            self.standings.remove(&entry.ticket);
        }
        Ok(1)
    }

    /// A step of a hold: an entry for each ticket that it changes, one after the other.
    fn step(&mut self, entry: &Entry, hold_id: Uuid, rest: &[Entry]) -> Judged<usize> {
        let Some(hold) = self.holds.get(&hold_id) else {
            return Err(format!("{entry:?} by a hold that is not stored"));
        };
        let change = entry.change.as_str();
        let mut tickets = hold.tickets.clone();
        if change == "expired" {
            tickets.retain(|no| self.standings.get(no) == Some(&Standing::Held(hold_id)));
        }
        let expected = tickets.iter().map(|ticket| Entry { ticket: *ticket, ..entry.clone() });
        if !rest.iter().take(tickets.len()).cloned().eq(expected) || tickets.is_empty() {
            return Err(format!("{entry:?} does not change all of {tickets:?}"));
        }
        for (place, ticket) in tickets.iter().enumerate() {
            self.change(entry, (hold_id, hold), *ticket, place == 0)?;
        }
        if change == "held" {
            self.check_limit(hold, entry.at)?;
        }
        Ok(tickets.len())
    }

    fn change(
        &mut self,
        entry: &Entry,
        (hold_id, hold): (Uuid, &Hold),
        ticket: i64,
        is_first: bool,
    ) -> Judged<()> {
        let (at, event) = (entry.at, &self.events[&hold.event]);
        let course = self.courses.entry(hold_id).or_default();
        let before = self.standings.get(&ticket).cloned();
        let own_held = before == Some(Standing::Held(hold_id));
        let paying = match before {
            Some(Standing::Paying(owner, since)) if owner == hold_id => Some(since),
            _ => None,
        };
        let in_time = at < hold.expires_at;
        let mut end_attempt = |how: &'static str| {
            if is_first {
                let begun_at = course.paying_since.take().unwrap_or(at);
                course.ended.push(Ended { how, begun_at, at, refunded_at: None });
            }
        };
        let after = match entry.change.as_str() {
            "held" => {
                let free = match &before {
                    None => true,
                    Some(Standing::Held(other)) => self.holds[other].expires_at <= at,
                    _ => false,
                };
                let is_new = !std::mem::replace(&mut course.begun, true) || !is_first;
                let minted = event.minted_at.is_some_and(|minted_at| minted_at <= at);
                (free && is_new && minted && at == hold.started_at)
                    .then_some(Some(Standing::Held(hold_id)))
            }
            "paying" => {
                course.paying_since = Some(at);
                (own_held && in_time).then_some(Some(Standing::Paying(hold_id, at)))
            }
            "sold" => {
                end_attempt("sold");
                paying.map(|_| Some(Standing::Sold(hold_id, at)))
            }
            "held_again" => {
                end_attempt("declined");
                paying.filter(|_| in_time).map(|_| Some(Standing::Held(hold_id)))
            }
            "declined" => {
                end_attempt("declined");
                course.end = Some("declined");
                paying.filter(|_| !in_time).map(|_| None)
            }
            "aborted" => {
                end_attempt("aborted");
                course.end = Some("aborted");
                paying.filter(|since| since.saturating_add(event.payment_time) <= at).map(|_| None)
            }
            "abandoned" => {
                course.end = Some("abandoned");
                (own_held && in_time).then_some(None)
            }
            "expired" => (own_held && !in_time).then_some(None),
            "refunded" => {
                course.end = Some("refunded");
                if let Some(last) = course.ended.last_mut() {
                    last.refunded_at = Some(at);
                }
                let sold = matches!(before, Some(Standing::Sold(owner, _)) if owner == hold_id);
                sold.then_some(None)
            }
            _ => None,
        };
        match after {
            None => Err(format!("{entry:?} of ticket {ticket}, when it was {before:?}")),
            Some(None) => {
                self.standings.remove(&ticket);
                Ok(())
            }
            Some(Some(standing)) => {
                self.standings.insert(ticket, standing);
                Ok(())
            }
        }
    }

    /// The buyer of a hold owns no more than the event allows, when it has all of its tickets.
    fn check_limit(&self, hold: &Hold, at: i64) -> Judged<()> {
        let counts = |(ticket, standing): &(&i64, &Standing)| {
            let (owner, pinned) = match standing {
                Standing::Blocked => return false,
                Standing::Held(owner) => (&self.holds[owner], false),
                Standing::Paying(owner, _) | Standing::Sold(owner, _) => (&self.holds[owner], true),
            };
            self.venue.seats[*ticket].event == hold.event
                && owner.buyer == hold.buyer
                && (pinned || owner.expires_at > at)
        };
        let owned = self.standings.iter().filter(counts).count() as i64;
        if owned > self.events[&hold.event].limit {
            return Err(format!("buyer {} owned {owned} tickets at {at}", hold.buyer));
        }
        Ok(())
    }

    fn compare_queue(&self, table: &Table) -> Judged<()> {
        if table.rows.len() != self.standings.len() {
            return Err("a ticket has an owner too many, or too few".into());
        }
        for row in table.rows() {
            let Some(standing) = self.standings.get(&row.int("ticket_no")?) else {
                return row.fault("the log says that nobody has it");
            };
            let null = |columns: &[&str]| columns.iter().all(|column| row.is_null(column));
            let (word, owner) = match standing {
                Standing::Blocked => {
                    row.text("reason")?;
                    let owner =
                        ["hold_id", "buyer_id", "expires_at", "order_id", "payment_deadline"];
                    if row.text("status")? != "blocked" || !null(&owner) {
                        return row.fault("the log says that it is blocked");
                    }
                    continue;
                }
                Standing::Held(hold) => ("held", hold),
                Standing::Paying(hold, _) => ("paying", hold),
                Standing::Sold(hold, _) => ("sold", hold),
            };
            let hold = &self.holds[owner];
            let same = row.text("status")? == word
                && row.id("hold_id")? == *owner
                && row.id("buyer_id")? == hold.buyer
                && row.int("expires_at")? == hold.expires_at
                && row.is_null("reason");
            let reference = hold.reference.as_deref().unwrap_or_default();
            let order = Uuid::new_v5(owner, reference.as_bytes());
            let fits = match standing {
                Standing::Paying(_, since) => {
                    let payment_time = self.events[&hold.event].payment_time;
                    row.id("order_id")? == order
                        && row.int("payment_deadline")? == since.saturating_add(payment_time)
                }
                Standing::Sold(..) => {
                    row.id("order_id")? == order && row.is_null("payment_deadline")
                }
                _ => null(&["order_id", "payment_deadline"]),
            };
            if !same || !fits {
                return row.fault(&format!("the log says {standing:?}"));
            }
        }
        Ok(())
    }

    /// Each attempt to pay claimed its reference for its hold when it began; an order that was recorded
    /// without one did so when it was decided.
    fn compare_references(&self, table: &Table, orders: &HashMap<Uuid, Vec<Order>>) -> Judged<()> {
        let mut wanted = BTreeMap::new();
        for (hold_id, hold) in self.holds {
            let mut claim = |reference: &str, at: i64| {
                let owner =
                    wanted.entry((hold.buyer, reference.to_owned())).or_insert((*hold_id, at));
                if owner.0 == *hold_id {
                    owner.1 = owner.1.min(at);
                    return Ok(());
                }
                Err(format!("two holds are paid for under reference {reference}"))
            };
            let course = self.courses.get(hold_id);
            for order in orders.get(hold_id).into_iter().flatten() {
                let ended = course.into_iter().flat_map(|course| &course.ended);
                let mut own = ended.filter(|ended| ended.at == order.decided_at);
                claim(&order.reference, own.next().map_or(order.decided_at, |own| own.begun_at))?;
            }
            if let (Some(since), Some(reference)) =
                (course.and_then(|course| course.paying_since), &hold.reference)
            {
                claim(reference, since)?;
            }
        }
        let mut found = BTreeMap::new();
        for row in table.rows() {
            let key = (row.id("buyer_id")?, row.label("payment_reference")?.to_owned());
            found.insert(key, (row.id("hold_id")?, row.int("claimed_at")?));
        }
        if found == wanted { Ok(()) } else { Err(format!("{found:?} against {wanted:?}")) }
    }

    fn compare_holds(&self, orders: &HashMap<Uuid, Vec<Order>>) -> Judged<()> {
        let none = Course::default();
        for (hold_id, hold) in self.holds {
            let course = self.courses.get(hold_id).unwrap_or(&none);
            let own = orders.get(hold_id).map(Vec::as_slice).unwrap_or_default();
            if !course.begun {
                return Err(format!("hold {hold_id} is not in the log"));
            }
            if hold.ended_as.as_deref() != course.end {
                return Err(format!("hold {hold_id} ended as {:?}", course.end));
            }
            let has_attempts = course.paying_since.is_some() || !course.ended.is_empty();
            if hold.reference.is_some() != has_attempts {
                return Err(format!("hold {hold_id} has another payment reference"));
            }
            if course.paying_since.is_some() {
                let reference = hold.reference.as_deref().unwrap_or_default();
                if own.iter().any(|order| order.reference == reference) {
                    return Err(format!("hold {hold_id} is being paid for under a decided order"));
                }
            }
            let last = match (course.paying_since, course.ended.len()) {
                (None, ended) if ended > 0 => hold.reference.as_deref(),
                _ => None,
            };
            let mut used = vec![false; own.len()];
            if !assign(&course.ended, own, last, &mut used) {
                return Err(format!("hold {hold_id}: {:?} against {own:?}", course.ended));
            }
        }
        Ok(())
    }
}

/// Whether there is a way to give each attempt an order of its own, the last one of this reference,
/// so that no order is left that only an attempt explains.
fn assign(ended: &[Ended], orders: &[Order], last: Option<&str>, used: &mut [bool]) -> bool {
    let Some((attempt, rest)) = ended.split_first() else {
        let explained = |order: &Order| !matches!(order.status.as_str(), "paid" | "aborted");
        return orders.iter().zip(used).all(|(order, used)| *used || explained(order));
    };
    for (place, order) in orders.iter().enumerate() {
        let is_last = !rest.is_empty() || last.is_none_or(|last| order.reference == last);
        if !used[place] && is_last && order.explains(attempt) {
            used[place] = true;
            if assign(rest, orders, last, used) {
                return true;
            }
            used[place] = false;
        }
    }
    false
}

#[derive(Debug)]
struct Order {
    reference: String,
    status: String,
    decided_at: i64,
    updated_at: i64,
}

impl Order {
    fn explains(&self, attempt: &Ended) -> bool {
        let status = self.status.as_str();
        self.decided_at == attempt.at
            && match (attempt.how, attempt.refunded_at) {
                ("sold", None) => status == "paid",
                ("sold", Some(at)) => {
                    (status == "refunding" && self.updated_at == at)
                        || (status == "refunded" && self.updated_at >= at)
                }
                (how, _) => {
                    status == how || matches!(status, "refund_due" | "refunding" | "refunded")
                }
            }
    }
}

fn orders(
    table: &Table,
    holds: &BTreeMap<Uuid, Hold>,
    venue: &Venue,
) -> Judged<HashMap<Uuid, Vec<Order>>> {
    let mut orders: HashMap<Uuid, Vec<Order>> = HashMap::new();
    for row in table.rows() {
        let (id, hold_id) = (row.id("order_id")?, row.id("hold_id")?);
        let Some(hold) = holds.get(&hold_id) else { return row.fault("of no hold") };
        let order = Order {
            reference: row.label("payment_reference")?.into(),
            status: row.text("status")?.into(),
            decided_at: row.int("decided_at")?,
            updated_at: row.int("updated_at")?,
        };
        let price: i64 = hold.tickets.iter().map(|no| venue.seats[no].price).sum();
        let number = ConfirmationNumber::of_order(OrderId::from_uuid(id)).to_string();
        let moved = ["refund_due", "refunding", "refunded"].contains(&order.status.as_str());
        let known = moved || ["paid", "declined", "aborted"].contains(&order.status.as_str());
        let fine = known
            && row.int("event_no")? == hold.event
            && id == Uuid::new_v5(&hold_id, order.reference.as_bytes())
            && row.text("confirmation_number")? == number
            && row.int("amount")? == price
            && order.decided_at >= hold.started_at
            && (order.updated_at == order.decided_at
                || (moved && order.updated_at > order.decided_at));
        if !fine {
            return row.fault("contradicts itself or its hold");
        }
        orders.entry(hold_id).or_default().push(order);
    }
    Ok(orders)
}

fn waitlist(
    table: &Table,
    events: &BTreeMap<i64, Event>,
    venue: &Venue,
    holds: &BTreeMap<Uuid, Hold>,
) -> Judged<()> {
    let mut latest = i64::MIN;
    let mut waiting: HashMap<(i64, String), Vec<Option<i64>>> = HashMap::new();
    for (number, row) in (1..).zip(table.rows()) {
        let event_no = row.int("event_no")?;
        let Some(event) = events.get(&event_no) else { return row.fault("of no event") };
        let entry_id = row.id("entry_id")?;
        let (session, buyer) = (row.label("session_id")?, row.id("buyer_id")?);
        let section = row.nullable("section", |c| row.text(c))?;
        let kind = row.nullable("type_id", |c| row.text(c))?;
        let (size, joined_at) = (row.int("size")?, row.int("joined_at")?);
        let ended_at = row.nullable("ended_at", |c| row.int(c))?;
        let offer = row.nullable("hold_id", |c| row.id(c))?;
        let known = |name: &str| venue.sections.contains(&(event_no, name.to_owned()));
        if row.int("entry_no")? != number
            || joined_at < latest
            || !(1..=event.limit).contains(&size)
            || !section.is_none_or(known)
            || ended_at.is_some_and(|ended_at| ended_at < joined_at)
        {
            return row.fault("cannot have joined so");
        }
        latest = joined_at;
        for owner in [format!("session {session}"), format!("buyer {buyer}")] {
            let others = waiting.entry((event_no, owner)).or_default();
            others.retain(|ended_at| ended_at.is_none_or(|ended_at| ended_at > joined_at));
            if others.len() >= 10 {
                return row.fault("one too many that waits");
            }
            others.push(ended_at);
        }
        let derived = Uuid::new_v5(&entry_id, &0_u32.to_be_bytes());
        match (row.text("status")?, ended_at, offer) {
            ("waiting", None, None) | ("left", Some(_), None) => {
                if holds.contains_key(&derived) {
                    return row.fault("was offered a hold");
                }
            }
            ("offered", Some(ended_at), Some(hold_id)) => {
                let Some(hold) = holds.get(&hold_id) else { return row.fault("of no hold") };
                let wanted = |no: &i64| {
                    let seat = &venue.seats[no];
                    section.is_none_or(|section| seat.section == section)
                        && kind.is_none_or(|kind| seat.kind.eq_ignore_ascii_case(kind))
                };
                let fine = hold_id == derived
                    && hold.event == event_no
                    && hold.session == session
                    && hold.buyer == buyer
                    && hold.started_at == ended_at
                    && hold.tickets.len() as i64 == size
                    && hold.tickets.iter().all(wanted);
                if !fine {
                    return row.fault("was offered something else");
                }
            }
            _ => return row.fault("has no such status"),
        }
    }
    Ok(())
}

fn progress(table: &Table, entries: i64) -> Judged<()> {
    for row in table.rows() {
        if !(0..=entries).contains(&row.int("position")?) {
            return row.fault("has read what is not there");
        }
    }
    Ok(())
}
