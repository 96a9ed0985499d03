//! What a repair mended.

use crate::domain::{HoldId, Offer, Order, TicketId};

/// What a repair mended. An engine whose steps are whole transactions leaves nothing half done: there
/// only overdue payments are given up, and what lapsed is offered to those who wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Payments that were overdue and are given up now.
    pub given_up: Vec<Order>,
    /// Orders whose tickets had not followed what is decided, and have now.
    pub followed: Vec<Order>,
    /// Holds that had come to their end, and whose tickets came free now.
    pub freed: Vec<HoldId>,
    /// What is offered now to those who wait.
    pub offers: Vec<Offer>,
    /// Tickets that were shown in a condition that they no longer have.
    pub shown: Vec<TicketId>,
    /// Whether the event has tickets left, if it said something else before.
    pub on_sale: Option<bool>,
    /// What could not be repaired because of a row that cannot be read, one sentence each. It kept
    /// nothing else from being repaired.
    pub faults: Vec<String>,
}

impl Repaired {
    /// An overdue payment was given up.
    #[must_use]
    pub fn given_up(order: Order) -> Self {
        Self { given_up: vec![order], ..Self::default() }
    }

    /// A decision was followed.
    #[must_use]
    pub fn followed(order: Order) -> Self {
        Self { followed: vec![order], ..Self::default() }
    }

    /// Whether there was nothing to mend.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another repair mended.
    pub fn add(&mut self, more: Self) {
        self.given_up.extend(more.given_up);
        self.followed.extend(more.followed);
        self.freed.extend(more.freed);
        self.offers.extend(more.offers);
        self.shown.extend(more.shown);
        self.on_sale = more.on_sale.or(self.on_sale);
        self.faults.extend(more.faults);
    }
}
