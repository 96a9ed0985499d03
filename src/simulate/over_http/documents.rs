//! The documents of the server, as far as buyers go by them, and what they are in the words of the
//! domain. Fields that nobody needs here may come and go.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{
    BuyerId, EntryId, EventId, HoldId, HoldStatus, Money, NewEntry, NewHold, OrderId,
    PaymentReference, SeatLabel, Section, SectionMap, SectionTickets, StatusCounts, Ticket,
    TicketId, TicketStatus, Timestamp,
};
use crate::repository::{Error, PaymentOutcome, Result, StoreError, StoreFault};
use crate::simulate::box_office::{Joined, OwnHold, OwnOrder, Stock};

/// Which tickets to hold.
#[derive(Debug, Serialize)]
pub(super) struct ReserveRequest<'a> {
    event: EventId,
    hold_id: HoldId,
    tickets: &'a [TicketId],
}

impl<'a> From<&'a NewHold> for ReserveRequest<'a> {
    fn from(hold: &'a NewHold) -> Self {
        Self { event: hold.event_id, hold_id: hold.hold_id, tickets: &hold.tickets }
    }
}

/// How to pay.
#[derive(Debug, Serialize)]
pub(super) struct ConfirmRequest<'a> {
    hold_id: HoldId,
    payment_reference: &'a PaymentReference,
    /// What the provider answered.
    payment: &'static str,
}

impl<'a> ConfirmRequest<'a> {
    /// Pays under a reference, to which the provider gave this answer, or none.
    pub(super) const fn new(
        hold_id: HoldId,
        payment_reference: &'a PaymentReference,
        answer: Option<PaymentOutcome>,
    ) -> Self {
        let payment = match answer {
            Some(PaymentOutcome::Captured) => "captured",
            Some(PaymentOutcome::Declined) => "declined",
            None => "silent",
        };
        Self { hold_id, payment_reference, payment }
    }
}

/// What to wait for.
#[derive(Debug, Serialize)]
pub(super) struct JoinRequest<'a> {
    event: EventId,
    entry_id: EntryId,
    size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    ticket_type: Option<&'a str>,
}

impl<'a> From<&'a NewEntry> for JoinRequest<'a> {
    fn from(entry: &'a NewEntry) -> Self {
        Self {
            event: entry.event_id,
            entry_id: entry.entry_id,
            size: entry.wish.size,
            section: entry.wish.section.as_deref(),
            ticket_type: entry.wish.ticket_type.as_deref(),
        }
    }
}

/// How many tickets are in which condition.
#[derive(Debug, Deserialize)]
pub(super) struct CountsDocument {
    pub(super) sections: Vec<SectionCountsDocument>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SectionCountsDocument {
    section: String,
    available: u64,
    held: u64,
    paying: u64,
    sold: u64,
    blocked: u64,
}

impl From<SectionCountsDocument> for Stock {
    fn from(document: SectionCountsDocument) -> Self {
        let SectionCountsDocument { section, available, held, paying, sold, blocked } = document;
        Self { section, counts: StatusCounts { available, held, paying, sold, blocked } }
    }
}

/// Sections, rows, seats and prices.
#[derive(Debug, Deserialize)]
pub(super) struct LayoutDocument {
    pub(super) sections: Vec<SectionLayoutDocument>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SectionLayoutDocument {
    section: String,
    #[serde(rename = "type")]
    type_id: String,
    entrance: String,
    kinds: Vec<KindDocument>,
    rows: Vec<RowDocument>,
}

/// A ticket type, and what its tickets cost.
#[derive(Debug, Deserialize)]
struct KindDocument {
    #[serde(rename = "type")]
    type_id: Arc<str>,
    price: Money,
}

#[derive(Debug, Deserialize)]
struct RowDocument {
    row: Arc<str>,
    seats: Vec<Arc<str>>,
    /// The kind of each seat, by its number from 0; none where all are of the first.
    #[serde(default)]
    kinds: Vec<usize>,
    /// The places, from 0, that an aisle parts from the seat before.
    #[serde(default)]
    gaps: Vec<usize>,
}

impl SectionLayoutDocument {
    /// The section of an event as it was minted.
    ///
    /// # Errors
    /// A seat is of no kind that there is.
    pub(super) fn tickets(self, event: EventId) -> Result<SectionTickets> {
        let name: Arc<str> = self.section.as_str().into();
        let (mut tickets, mut aisles) = (Vec::new(), Vec::new());
        for RowDocument { row, seats, kinds, gaps } in &self.rows {
            let start = tickets.len();
            aisles.extend((1..seats.len()).map(|at| (start + at - 1, gaps.contains(&at))));
            for (place, seat) in seats.iter().enumerate() {
                let number = kinds.get(place).copied().unwrap_or_default();
                let kind = self.kinds.get(number).ok_or_else(|| {
                    odd(&format!("seat {name}/{row}/{seat} is of kind {number}, which is none"))
                })?;
                tickets.push(Ticket {
                    ticket_id: TicketId::of_seat(event, &name, row, seat),
                    label: SeatLabel {
                        section: Arc::clone(&name),
                        row: Arc::clone(row),
                        seat: Arc::clone(seat),
                    },
                    type_id: Arc::clone(&kind.type_id),
                    price: kind.price,
                });
            }
        }
        let section = Section {
            name: self.section,
            type_id: self.type_id,
            entrance: self.entrance,
            rows: u32::try_from(self.rows.len()).unwrap_or(u32::MAX),
            seats: tickets.len() as u64,
        };
        Ok(SectionTickets::with_aisles(section, tickets, &aisles))
    }
}

/// The condition of every seat of some sections.
#[derive(Debug, Deserialize)]
pub(super) struct MapDocument {
    sections: Vec<StatusesDocument>,
}

#[derive(Debug, Deserialize)]
struct StatusesDocument {
    section: String,
    /// A letter for each seat, in the order of the layout.
    statuses: String,
}

impl MapDocument {
    /// The map of one section, which has these tickets.
    ///
    /// # Errors
    /// The section is not there, or has other seats.
    pub(super) fn section(self, tickets: &Arc<SectionTickets>) -> Result<SectionMap> {
        let name = &tickets.section().name;
        let section = self.sections.into_iter().find(|section| section.section == *name);
        let section = section.ok_or_else(|| odd(&format!("the map has no section {name}")))?;
        let statuses: Option<Vec<TicketStatus>> = section.statuses.chars().map(status).collect();
        let statuses = statuses.filter(|statuses| statuses.len() == tickets.tickets().len());
        let statuses =
            statuses.ok_or_else(|| odd(&format!("the map of {name} does not fit its layout")))?;
        Ok(SectionMap::new(Arc::clone(tickets), statuses))
    }
}

/// The condition that a letter stands for.
const fn status(letter: char) -> Option<TicketStatus> {
    Some(match letter {
        'a' => TicketStatus::Available,
        'h' => TicketStatus::Held,
        'p' => TicketStatus::Paying,
        's' => TicketStatus::Sold,
        'b' => TicketStatus::Blocked,
        _ => return None,
    })
}

/// A hold: one that was granted, given up or asked for.
#[derive(Debug, Deserialize)]
pub(super) struct BookingDocument {
    pub(super) hold: HoldDocument,
}

#[derive(Debug, Deserialize)]
pub(super) struct HoldDocument {
    hold_id: HoldId,
    status: String,
    tickets: Vec<TicketDocument>,
    amount: Money,
    started_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct TicketDocument {
    ticket_id: TicketId,
}

impl HoldDocument {
    /// What has become of it.
    ///
    /// # Errors
    /// Something that nobody knows.
    pub(super) fn status(&self) -> Result<HoldStatus> {
        let odd = || odd(&format!("hold {} is {}", self.hold_id, self.status));
        HoldStatus::of_word(&self.status).ok_or_else(odd)
    }

    /// The hold, as this buyer knows it.
    ///
    /// # Errors
    /// As [`status`](Self::status).
    pub(super) fn of_buyer(self, buyer_id: BuyerId) -> Result<OwnHold> {
        Ok(OwnHold {
            hold_id: self.hold_id,
            buyer_id,
            status: self.status()?,
            tickets: self.tickets.into_iter().map(|ticket| ticket.ticket_id).collect(),
            amount: self.amount,
            started_at: self.started_at,
            expires_at: self.expires_at,
        })
    }
}

/// An order that is paid.
#[derive(Debug, Deserialize)]
pub(super) struct ConfirmedDocument {
    order: OrderDocument,
}

#[derive(Debug, Deserialize)]
struct OrderDocument {
    order_id: OrderId,
    amount: Money,
}

impl From<ConfirmedDocument> for OwnOrder {
    fn from(ConfirmedDocument { order }: ConfirmedDocument) -> Self {
        Self { order_id: order.order_id, amount: order.amount }
    }
}

/// One place in the waitlist.
#[derive(Debug, Deserialize)]
pub(super) struct OneEntryDocument {
    pub(super) entry: EntryDocument,
}

#[derive(Debug, Deserialize)]
pub(super) struct EntryDocument {
    entry_id: EntryId,
    place: Option<u64>,
    pub(super) hold_id: Option<HoldId>,
}

impl From<EntryDocument> for Joined {
    fn from(entry: EntryDocument) -> Self {
        Self { place: entry.place, hold_id: entry.hold_id }
    }
}

/// A session's places in a waitlist.
#[derive(Debug, Deserialize)]
pub(super) struct EntriesDocument {
    entries: Vec<EntryDocument>,
}

impl EntriesDocument {
    /// What one of them was offered.
    pub(super) fn offer_to(&self, entry: EntryId) -> Option<(EntryId, HoldId)> {
        let own = self.entries.iter().find(|own| own.entry_id == entry)?;
        Some((entry, own.hold_id?))
    }
}

/// A document that says what cannot be.
fn odd(what: &str) -> Error {
    let tried = format!("the server tells what cannot be: {what}");
    StoreError::new(StoreFault::Failed, tried).into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read<T: serde::de::DeserializeOwned>(document: Value) -> T {
        serde_json::from_value(document).unwrap()
    }

    fn event() -> EventId {
        EventId::of_slug("hall")
    }

    /// Two rows, the second with a gap and a seat of another kind.
    fn tickets() -> Arc<SectionTickets> {
        let price = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
        let layout: LayoutDocument = read(json!({
            "event_id": event(),
            "sections": [{
                "section": "Stalls", "type": "regular", "entrance": "Main door",
                "kinds": [
                    { "type": "regular", "price": price("49.50") },
                    { "type": "wheelchair", "price": price("20.00") },
                ],
                "rows": [
                    { "row": "1", "seats": ["1", "2", "3"] },
                    { "row": "2", "seats": ["1", "3", "4"], "gaps": [1], "kinds": [0, 0, 1] },
                ],
            }],
        }));
        let section = layout.sections.into_iter().next().unwrap();
        Arc::new(section.tickets(event()).unwrap())
    }

    #[test]
    fn a_layout_is_the_section_as_it_was_minted() {
        let tickets = tickets();
        let last = &tickets.tickets()[5];
        assert_eq!(last.label.to_string(), "Stalls/2/4");
        assert_eq!(last.ticket_id, TicketId::of_seat(event(), "Stalls", "2", "4"));
        assert_eq!((&*last.type_id, last.price.minor()), ("wheelchair", 2000));
        assert_eq!((tickets.section().rows, tickets.section().seats), (2, 6));
        assert!(!tickets.is_joined(4) && tickets.is_joined(5), "the second row has a gap");
    }

    #[test]
    fn a_map_has_a_letter_for_each_seat() {
        let map = |statuses: &str| -> MapDocument {
            read(json!({ "version": 7, "sections": [
                { "section": "Balcony", "statuses": "a" },
                { "section": "Stalls", "statuses": statuses },
            ] }))
        };
        let stalls = map("ahpsba").section(&tickets()).unwrap();
        let statuses: Vec<&str> = stalls.statuses().iter().map(|status| status.word()).collect();
        assert_eq!(statuses, ["available", "held", "paying", "sold", "blocked", "available"]);
        for wrong in ["", "aaaaa", "aaaaaaa", "aaaaax"] {
            let error = map(wrong).section(&tickets()).unwrap_err().to_string();
            assert!(error.contains("the map of Stalls does not fit"), "{error}");
        }
        let error = read::<MapDocument>(json!({ "sections": [] })).section(&tickets());
        assert!(error.unwrap_err().to_string().contains("no section Stalls"));
    }

    #[test]
    fn a_hold_is_known_by_what_it_has_and_until_when() {
        let (hold, buyer) = (HoldId::fresh(), BuyerId::fresh());
        let ticket = TicketId::of_seat(event(), "Stalls", "1", "1");
        let document = |status| -> BookingDocument {
            read(json!({
                "hold": {
                    "hold_id": hold, "event_id": event(), "status": status,
                    "tickets": [{
                        "ticket_id": ticket, "seat": "Stalls/1/1", "type": "regular",
                        "price": { "amount": "49.50", "currency": "EUR" },
                    }],
                    "amount": { "amount": "49.50", "currency": "EUR" },
                    "started_at": "2026-12-01T19:30:00.000Z",
                    "expires_at": "2026-12-01T19:45:00.000Z",
                    "payment_deadline": null, "order_id": null,
                },
                "chosen": null, "now": "2026-12-01T19:30:00.010Z",
            }))
        };
        let own = document("held").hold.of_buyer(buyer).unwrap();
        assert_eq!((own.hold_id, own.buyer_id, own.status), (hold, buyer, HoldStatus::Held));
        assert_eq!((own.tickets, own.amount.minor()), (vec![ticket], 4950));
        assert_eq!(own.expires_at.since(own.started_at).as_secs(), 900);
        let error = document("lost").hold.of_buyer(buyer).unwrap_err();
        assert!(error.to_string().ends_with("is lost"), "{error}");
    }

    #[test]
    fn what_was_offered_belongs_to_one_entry() {
        let [own, other, hold] = [1, 2, 3].map(uuid::Uuid::from_u128);
        let entries: EntriesDocument = read(json!({ "entries": [
            { "entry_id": other, "status": "waiting", "place": 4, "hold_id": null },
            { "entry_id": own, "status": "offered", "place": null, "hold_id": hold },
        ] }));
        let [own, other] = [own, other].map(EntryId::from_uuid);
        assert_eq!(entries.offer_to(own), Some((own, HoldId::from_uuid(hold))));
        assert_eq!(entries.offer_to(other), None);
    }

    #[test]
    fn a_request_says_nothing_that_is_not_asked_for() {
        let entry = NewEntry {
            entry_id: EntryId::from_uuid(uuid::Uuid::nil()),
            event_id: event(),
            session_id: "ann".parse().unwrap(),
            buyer_id: BuyerId::fresh(),
            wish: crate::domain::Wish { section: None, ticket_type: None, size: 2 },
        };
        let request = serde_json::to_value(JoinRequest::from(&entry)).unwrap();
        let nil = "00000000-0000-0000-0000-000000000000";
        assert_eq!(request, json!({ "event": event(), "entry_id": nil, "size": 2 }));
        let (hold, card) = (HoldId::from_uuid(uuid::Uuid::nil()), "card".parse().unwrap());
        let request = serde_json::to_value(ConfirmRequest::new(hold, &card, None)).unwrap();
        assert_eq!(
            request,
            json!({ "hold_id": nil, "payment_reference": "card", "payment": "silent" })
        );
    }
}
