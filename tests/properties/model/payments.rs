//! Paying, and giving back.

use tix::domain::HoldStatus;

use super::{Model, Order, PAYMENT_TIME, SEATS, Seat};

impl Model {
    /// The card that a hold is being paid with or was, and until when.
    pub(super) fn pinned(&self, hold: usize) -> Option<(u8, Option<u64>)> {
        self.asked[hold].seats.iter().find_map(|seat| match self.seats[*seat] {
            Seat::Paying { hold: own, card, deadline } if own == hold => {
                Some((card, Some(deadline)))
            }
            Seat::Sold { hold: own, card } if own == hold => Some((card, None)),
            _ => None,
        })
    }

    pub(super) fn order(&self, hold: usize, card: u8) -> Option<usize> {
        self.orders.iter().position(|o| o.hold == hold && o.card == card)
    }

    /// Whether the buyer of a hold has used the card for another hold.
    fn is_used_elsewhere(&self, hold: usize, card: u8) -> bool {
        let owner = self.references.get(&(self.asked[hold].buyer, card));
        card != 0 && owner.is_some_and(|owner| *owner != hold)
    }

    pub(super) fn abort(&mut self, hold: usize, card: u8) {
        self.orders.push(Order { hold, card, status: "aborted" });
        self.free(hold);
        self.asked[hold].ended = Some(HoldStatus::Aborted);
        self.came_free(hold);
    }

    pub(super) fn begin(&mut self, hold: usize, session: u8, card: u8) -> String {
        if self.asked[hold].expires.is_none() {
            return "unknown_hold".into();
        }
        if self.asked[hold].session != session {
            return "not_yours".into();
        }
        if let Some(order) = self.order(hold, card) {
            return self.orders[order].status.into();
        }
        if self.is_used_elsewhere(hold, card) {
            return "idempotency_mismatch".into();
        }
        match self.pinned(hold) {
            Some((own, Some(_))) if own == card => return "ok".into(),
            Some((other, Some(deadline))) if deadline <= self.now => {
                self.abort(hold, other);
                return "expired".into();
            }
            Some((_, Some(_))) => return "payment_in_progress".into(),
            Some((_, None)) => return "already_paid".into(),
            None => {}
        }
        let own = |s: &usize| self.seats[*s] == Seat::Held { hold };
        if !self.is_live(hold) || !self.asked[hold].seats.iter().all(own) {
            return "expired".into();
        }
        self.references.insert((self.asked[hold].buyer, card), hold);
        let deadline = self.now + PAYMENT_TIME;
        for seat in self.asked[hold].seats.clone() {
            self.seats[seat] = Seat::Paying { hold, card, deadline };
        }
        "ok".into()
    }

    pub(super) fn record(&mut self, hold: usize, card: u8, captured: bool) -> String {
        if self.asked[hold].expires.is_none() {
            return "unknown_hold".into();
        }
        if let Some(order) = self.order(hold, card) {
            let order = &mut self.orders[order];
            if captured && matches!(order.status, "aborted" | "declined") {
                order.status = "refund_due";
            }
            return order.status.into();
        }
        if self.is_used_elsewhere(hold, card) {
            return "idempotency_mismatch".into();
        }
        self.references.insert((self.asked[hold].buyer, card), hold);
        let stands = matches!(self.pinned(hold), Some((own, Some(_))) if own == card);
        let status = match (captured, stands) {
            (true, true) => "paid",
            (true, false) => "refund_due",
            (false, _) => "declined",
        };
        self.orders.push(Order { hold, card, status });
        if stands && captured {
            for seat in self.asked[hold].seats.clone() {
                self.seats[seat] = Seat::Sold { hold, card };
            }
        } else if stands && self.is_live(hold) {
            for seat in self.asked[hold].seats.clone() {
                self.seats[seat] = Seat::Held { hold };
            }
        } else if stands {
            self.free(hold);
            self.asked[hold].ended = Some(HoldStatus::Declined);
            self.came_free(hold);
        }
        status.into()
    }

    pub(super) fn begin_refund(&mut self, hold: usize, card: u8) -> String {
        let Some(order) = self.order(hold, card) else { return "unknown_hold".into() };
        match self.orders[order].status {
            "paid" => {
                self.free(hold);
                self.asked[hold].ended = Some(HoldStatus::Refunded);
                self.came_free(hold);
            }
            "declined" | "aborted" => return "declined".into(),
            "refunded" => return "refunded".into(),
            _ => {}
        }
        self.orders[order].status = "refunding";
        "refunding".into()
    }

    pub(super) fn finish_refund(&mut self, hold: usize, card: u8) -> String {
        let Some(order) = self.order(hold, card) else { return "unknown_hold".into() };
        match self.orders[order].status {
            "refunding" | "refunded" => {
                self.orders[order].status = "refunded";
                "refunded".into()
            }
            _ => "declined".into(),
        }
    }

    pub(super) fn recover(&mut self) -> String {
        let mut recovered = 0;
        for seat in 0..SEATS {
            if let Seat::Paying { hold, card, deadline } = self.seats[seat]
                && deadline <= self.now
            {
                self.abort(hold, card);
                recovered += 1;
            }
        }
        recovered.to_string()
    }
}
