//! What a section has of each ticket type, and the sums: counts by status, and what is on offer.
//!
//! Engines fill in the types; a section's own figures are their sums, so that both agree.

use serde::Serialize;

use crate::domain::accessible::is_accessible;
use crate::domain::money::total;
use crate::domain::{Currency, Money, Section, TicketStatus, name};

/// How many tickets of a section have which status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SectionCounts {
    /// The section's name.
    pub section: String,
    /// The ticket type of its first seat.
    #[serde(rename = "type")]
    pub type_id: String,
    /// Every ticket.
    pub minted: u64,
    /// Tickets anybody may claim, those of lapsed holds among them.
    pub available: u64,
    /// Tickets held until a deadline.
    pub held: u64,
    /// Tickets being paid for.
    pub paying: u64,
    /// Tickets sold.
    pub sold: u64,
    /// Tickets kept from the sale.
    pub blocked: u64,
    /// What the sold ones cost together.
    pub revenue: Money,
    /// The same of each ticket type, in the order of their first seats.
    pub types: Vec<TypeCounts>,
}

/// How many tickets of one type in a section have which status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeCounts {
    /// The ticket type.
    #[serde(rename = "type")]
    pub type_id: String,
    /// Every ticket.
    pub minted: u64,
    /// Tickets anybody may claim, those of lapsed holds among them.
    pub available: u64,
    /// Tickets held until a deadline.
    pub held: u64,
    /// Tickets being paid for.
    pub paying: u64,
    /// Tickets sold.
    pub sold: u64,
    /// Tickets kept from the sale.
    pub blocked: u64,
    /// What the sold ones cost together.
    pub revenue: Money,
}

impl TypeCounts {
    /// As many tickets of a type as were minted, all of them available.
    #[must_use]
    pub fn minted(type_id: &str, minted: u64, currency: Currency) -> Self {
        Self {
            type_id: type_id.to_owned(),
            minted,
            available: minted,
            held: 0,
            paying: 0,
            sold: 0,
            blocked: 0,
            revenue: Money::zero(currency),
        }
    }

    /// Notes tickets that are not available, and what they cost together.
    pub fn note(&mut self, status: TicketStatus, count: u64, price: Money) {
        let counter = match status {
            TicketStatus::Available => return,
            TicketStatus::Held => &mut self.held,
            TicketStatus::Paying => &mut self.paying,
            TicketStatus::Blocked => &mut self.blocked,
            TicketStatus::Sold => {
                self.revenue = self.revenue + price;
                &mut self.sold
            }
        };
        *counter += count;
        self.available = self.available.saturating_sub(count);
    }
}

impl SectionCounts {
    /// The counts of a section, as the sums of those of its types.
    #[must_use]
    pub fn of_types(section: &Section, mut types: Vec<TypeCounts>, currency: Currency) -> Self {
        if types.is_empty() {
            // None of its tickets is minted yet.
            types.push(TypeCounts::minted(&section.type_id, 0, currency));
        }
        let sum = |count: fn(&TypeCounts) -> u64| types.iter().map(count).sum();
        Self {
            section: section.name.clone(),
            type_id: section.type_id.clone(),
            minted: sum(|t| t.minted),
            available: sum(|t| t.available),
            held: sum(|t| t.held),
            paying: sum(|t| t.paying),
            sold: sum(|t| t.sold),
            blocked: sum(|t| t.blocked),
            revenue: total(types.iter().map(|t| t.revenue), currency),
            types,
        }
    }

    /// Whether it has tickets of a type, in any spelling; or any where no type is named.
    #[must_use]
    pub fn has_type(&self, ticket_type: Option<&str>) -> bool {
        let is_named = |name: &str| ticket_type.is_none_or(|of| name::same(of, name));
        self.types.iter().any(|of| is_named(&of.type_id))
    }

    /// A type as the venue writes it.
    #[must_use]
    pub fn type_named(&self, ticket_type: Option<&str>) -> Option<&str> {
        let names = self.types.iter().map(|of| &*of.type_id);
        names.into_iter().find(|name| ticket_type.is_some_and(|of| name::same(of, name)))
    }

    /// How many tickets are available for a group: of a type, in any spelling; where none is named, of
    /// those that are chosen without being asked for.
    #[must_use]
    pub fn available_to(&self, ticket_type: Option<&str>) -> u64 {
        let wanted = |of: &&TypeCounts| is_wanted(&of.type_id, ticket_type);
        self.types.iter().filter(wanted).map(|of| of.available).sum()
    }
}

fn is_wanted(type_id: &str, wanted: Option<&str>) -> bool {
    wanted.map_or_else(|| !is_accessible(type_id), |wanted| name::same(wanted, type_id))
}

/// What a section has to offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SectionOffer {
    /// The section.
    #[serde(flatten)]
    pub section: Section,
    /// What its cheapest ticket costs, sold or not; none before it is minted.
    pub price_min: Option<Money>,
    /// What its dearest ticket costs, sold or not.
    pub price_max: Option<Money>,
    /// Tickets anybody may claim, those of lapsed holds among them.
    pub available: u64,
    /// What the cheapest of these costs; none where there is none.
    pub available_from: Option<Money>,
    /// The same of each ticket type, in the order of their first seats.
    pub types: Vec<TypeOffer>,
}

/// What a section has to offer of one ticket type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeOffer {
    /// The ticket type.
    #[serde(rename = "type")]
    pub type_id: String,
    /// How many seats are of this type.
    pub seats: u64,
    /// What the cheapest ticket costs, sold or not.
    pub price_min: Option<Money>,
    /// What the dearest ticket costs, sold or not.
    pub price_max: Option<Money>,
    /// Tickets anybody may claim, those of lapsed holds among them.
    pub available: u64,
    /// What the cheapest of these costs; none where there is none.
    pub available_from: Option<Money>,
}

impl TypeOffer {
    /// A type without tickets.
    #[must_use]
    pub fn empty(type_id: &str) -> Self {
        Self {
            type_id: type_id.to_owned(),
            seats: 0,
            price_min: None,
            price_max: None,
            available: 0,
            available_from: None,
        }
    }

    /// Adds a ticket.
    pub fn add(&mut self, price: Money, is_available: bool) {
        let lower = |known: Option<Money>| known.filter(|known| known.minor() <= price.minor());
        let higher = |known: Option<Money>| known.filter(|known| known.minor() >= price.minor());
        self.seats += 1;
        self.price_min = lower(self.price_min).or(Some(price));
        self.price_max = higher(self.price_max).or(Some(price));
        if is_available {
            self.available += 1;
            self.available_from = lower(self.available_from).or(Some(price));
        }
    }
}

impl SectionOffer {
    /// What a section has to offer, given what it has of each type.
    #[must_use]
    pub fn of_types(section: Section, mut types: Vec<TypeOffer>) -> Self {
        if types.is_empty() {
            // None of its tickets is minted yet.
            types.push(TypeOffer { seats: section.seats, ..TypeOffer::empty(&section.type_id) });
        }
        let by_amount = |price: &Money| price.minor();
        Self {
            section,
            price_min: types.iter().filter_map(|t| t.price_min).min_by_key(by_amount),
            price_max: types.iter().filter_map(|t| t.price_max).max_by_key(by_amount),
            available: types.iter().map(|t| t.available).sum(),
            available_from: types.iter().filter_map(|t| t.available_from).min_by_key(by_amount),
            types,
        }
    }
}
