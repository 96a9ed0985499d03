//! What a buyer does with a hold: pays, gives it up, or leaves it behind.

use std::ops::ControlFlow::{self, Break, Continue};

use tokio::time::Instant;

use super::box_office::{OwnHold, OwnOrder};
use super::buyer::Buyer;
use super::leaving::{Leaving, Reason};
use super::measure::Operation;
use super::plan::Intent;
use crate::audit::Answer;
use crate::domain::{HoldStatus, OrderId, PaymentReference, Refusal, Timestamp};
use crate::repository::{Error, Result};

/// How often a buyer repeats one attempt to pay that was neither taken nor refused for good.
const REPEATS_MAX: u32 = 5;
/// How long he waits before he repeats a request that met a busy store, in buyer time.
const BUSY_PAUSE_MS: u32 = 1000;

/// A buyer with a hold, on one of his visits.
pub(super) struct Checkout<'a, 'b> {
    pub(super) buyer: &'a mut Buyer<'b>,
    pub(super) hold: &'a OwnHold,
    pub(super) visit: usize,
}

/// What came of one attempt to pay.
enum Paid {
    Yes,
    /// Declined, and the hold stands: another card may do.
    NotByThisCard,
    /// The seats are gone.
    Never,
}

impl Checkout<'_, '_> {
    /// Breaks when the buyer leaves; goes on when he lost his seats and may come back.
    pub(super) async fn run(mut self) -> ControlFlow<Leaving> {
        let plan = self.buyer.plan;
        if plan.intent == Intent::FallsSilent {
            return self.fall_silent();
        }
        if self.buyer.pause(plan.checkout_ms).await.is_break() {
            return self.cut();
        }
        if plan.intent == Intent::GivesUp {
            return self.give_up().await;
        }
        match self.pay(1).await? {
            Paid::Yes => return Break(Leaving::Bought),
            Paid::Never => return Continue(()),
            Paid::NotByThisCard => {}
        }
        let Some(found_ms) = plan.second_card_ms else {
            return self.give_up().await;
        };
        if self.buyer.pause(found_ms).await.is_break() {
            return self.cut();
        }
        match self.pay(2).await? {
            Paid::Yes => Break(Leaving::Bought),
            Paid::Never => Continue(()),
            Paid::NotByThisCard => self.give_up().await,
        }
    }

    fn fall_silent(&self) -> ControlFlow<Leaving> {
        self.leave_hold_behind();
        Break(Leaving::Silent)
    }

    /// The run stops before the hold ends.
    fn cut(&self) -> ControlFlow<Leaving> {
        self.leave_hold_behind();
        Break(Leaving::Cut)
    }

    /// The buyer never learns what became of the hold.
    fn outcome_unknown(&self) {
        self.buyer.sale.progress.unknown(self.hold.tickets.len(), self.hold.expires_at);
    }

    fn leave_hold_behind(&self) {
        self.buyer.sale.progress.left_behind(self.hold.tickets.len(), self.hold.expires_at);
    }

    async fn give_up(&mut self) -> ControlFlow<Leaving> {
        let sale = self.buyer.sale;
        let sent_at = sale.office.now();
        let session = &self.buyer.plan.session_id;
        let call = || sale.office.abandon(self.hold.hold_id, session);
        let answer = match self.buyer.ask(Operation::Abandon, call).await {
            Continue(answer) => answer,
            Break(leaving) => {
                self.outcome_unknown();
                return Break(leaving);
            }
        };
        match answer {
            Ok(HoldStatus::Abandoned) => {
                sale.progress.abandoned(self.hold.tickets.len());
                sale.told(sent_at, self.hold, Answer::Abandoned);
            }
            // He took longer than he had: others may have his seats already.
            Ok(_) | Err(Error::Refused(_)) => self.leave_hold_behind(),
            Err(e) => {
                return self.failed("abandon a hold", &e);
            }
        }
        Break(Leaving::GaveUp)
    }

    /// Pays with his first or second card, and repeats it while the outcome is open.
    async fn pay(&mut self, card: u32) -> ControlFlow<Leaving, Paid> {
        let sale = self.buyer.sale;
        let number = self.buyer.plan.number;
        let reference = match sale.plan.payment_reference(sale.event, number, self.visit, card) {
            Ok(reference) => reference,
            Err(e) => return self.failed("name a payment", &e),
        };
        for _ in 0..REPEATS_MAX {
            let sent_at = sale.office.now();
            let refusal = match self.confirm(&reference).await? {
                Ok(order) => return Continue(self.paid(sent_at, &order)),
                Err(Error::Refused(refusal)) => refusal,
                Err(e @ Error::Store(_)) => return self.failed("confirm a hold", &e),
            };
            let pause_ms = match refusal {
                Refusal::Busy { .. } => BUSY_PAUSE_MS,
                Refusal::PaymentInProgress { until, .. } => {
                    self.wait_until(until).await;
                    0
                }
                refusal => return Continue(self.refused(sent_at, &reference, &refusal)),
            };
            if self.buyer.pause(pause_ms).await.is_break() {
                self.outcome_unknown();
                return Break(Leaving::Cut);
            }
        }
        self.outcome_unknown();
        Continue(Paid::Never)
    }

    fn paid(&self, sent_at: Timestamp, order: &OwnOrder) -> Paid {
        let sale = self.buyer.sale;
        let (order_id, amount_minor) = (order.order_id, order.amount.minor());
        sale.progress.confirmed(self.hold.tickets.len(), amount_minor);
        sale.told(sent_at, self.hold, Answer::Paid { order_id, amount_minor });
        Paid::Yes
    }

    fn refused(&self, sent_at: Timestamp, reference: &PaymentReference, why: &Refusal) -> Paid {
        let sale = self.buyer.sale;
        let order = OrderId::of_payment(self.hold.hold_id, reference);
        match why {
            Refusal::Declined { held_until, .. } => {
                sale.told(sent_at, self.hold, Answer::NotPaid { order_id: Some(order) });
                if held_until.is_some() {
                    return Paid::NotByThisCard;
                }
            }
            Refusal::Expired { .. } => {
                sale.told(sent_at, self.hold, Answer::NotPaid { order_id: None });
            }
            _ => {}
        }
        self.leave_hold_behind();
        Paid::Never
    }

    fn failed<T>(&self, tried: &str, error: &dyn std::error::Error) -> ControlFlow<Leaving, T> {
        self.buyer.sale.failures.add(tried, error);
        self.outcome_unknown();
        Break(Leaving::EmptyHanded(Reason::StoreFailed))
    }

    /// Confirms the hold; what the provider takes does not count as the store's time.
    async fn confirm(
        &mut self,
        reference: &PaymentReference,
    ) -> ControlFlow<Leaving, Result<OwnOrder>> {
        let (sale, plan, hold) = (self.buyer.sale, self.buyer.plan, self.hold);
        let call = || sale.office.confirm(hold, &plan.session_id, reference);
        let answer = self.buyer.ask(Operation::Confirm, call).await;
        if answer.is_break() {
            self.outcome_unknown();
        }
        answer
    }

    /// Waits for a deadline of the store's clock, which is clock time already.
    async fn wait_until(&mut self, deadline: Timestamp) {
        let span = deadline.since(self.buyer.sale.office.now());
        tokio::select! {
            biased;
            () = tokio::time::sleep(span) => {}
            () = self.buyer.sale.winding_down() => {}
        }
        self.buyer.due = Instant::now();
    }
}
