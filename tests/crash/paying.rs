//! Confirms and cancels that are killed between any two of their steps.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tix::domain::{OrderStatus, PaymentReference, SessionId};
use tix::repository::Error;

use crate::errand::{Errand, Moment, Task};
use crate::process::{Answer, Process};
use crate::sandbox::{Sandbox, text};

/// How long a payment may take where it has to become overdue.
const PAYMENT_TIME: Duration = Duration::from_secs(1);

const GROUP: [&str; 2] = ["Stalls/1/1", "Stalls/1/2"];

/// Ann's checkout of two seats, and the card she pays with.
struct Checkout {
    sandbox: Sandbox,
    hold: String,
    begun: Instant,
}

impl Checkout {
    /// One whose payment has all the time there is.
    fn unhurried() -> Self {
        Self::on(Sandbox::with_hall(&[]))
    }

    /// One whose payment is overdue after a second.
    fn hurried() -> Self {
        Self::on(Sandbox::with_hall(&["--payment-time", "1s"]))
    }

    fn on(sandbox: Sandbox) -> Self {
        let hold = sandbox.hold("ann", &GROUP);
        Self { sandbox, hold, begun: Instant::now() }
    }

    /// Ann's confirm, as a process that can be killed between its steps.
    fn errand(&self) -> Errand {
        let session = SessionId::new("ann").unwrap();
        let reference = PaymentReference::new("card").unwrap();
        let hold = self.hold.parse().unwrap();
        Errand::new(&self.sandbox, Task::Confirm(hold, session, reference))
    }

    /// Has ann's confirm killed at this moment.
    fn killed_at(mut self, moment: Moment) -> Self {
        self.errand().killed_at(moment);
        self.begun = Instant::now();
        self
    }

    /// Waits until the payment is overdue.
    fn overdue(&self) {
        sleep((PAYMENT_TIME + Duration::from_millis(50)).saturating_sub(self.begun.elapsed()));
    }

    /// Ann confirms, with `tix` itself.
    fn confirm(&self, card: &str) -> Answer {
        self.sandbox.tix(&self.confirm_with(card))
    }

    fn confirm_with<'a>(&'a self, card: &'a str) -> [&'a str; 7] {
        ["hold", "confirm", &self.hold, "--session", "ann", "--payment-reference", card]
    }

    /// Ann confirms, but the provider never answers.
    #[track_caller]
    fn confirm_in_vain(&self) {
        let silent = [&self.confirm_with("card")[..], &["--payment", "silent"]].concat();
        self.sandbox.tix(&silent).refused("payment_in_progress");
    }

    /// Ann's confirm must give her the order.
    #[track_caller]
    fn is_paid_for(&self, card: &str) -> Value {
        let document = self.sandbox.json(&self.confirm_with(card));
        assert_eq!(document["order"]["status"], "paid");
        assert_eq!(document["order"]["tickets"].as_array().unwrap().len(), GROUP.len());
        assert_eq!(self.hold_status(), "sold");
        document
    }

    /// Ann's confirm, by the same provider as before, must tell her that she is too late.
    #[track_caller]
    fn is_too_late(&self) {
        match self.errand().run() {
            Err(Error::Refused(refusal)) => assert_eq!(refusal.code(), "expired"),
            other => panic!("{other:?}"),
        }
    }

    /// Somebody wants the second seat of ann's group, and another one beside it.
    fn try_hold(&self, session: &str) -> Answer {
        let seats = ["--seat", GROUP[1], "--seat", "Stalls/1/3", "--event", "hall"];
        self.sandbox.tix(&[&["hold", "start", "--session", session], &seats[..]].concat())
    }

    /// The one order there is; its status must be this.
    #[track_caller]
    fn has_order(&self, status: OrderStatus) -> Value {
        let document = self.sandbox.json(&["order", "list"]);
        let orders = document["orders"].as_array().unwrap();
        assert_eq!(orders.len(), 1, "{document:#}");
        assert_eq!(orders[0]["status"], status.word());
        orders[0].clone()
    }

    fn hold_status(&self) -> String {
        text(&self.sandbox.json(&["hold", "show", &self.hold])["hold"]["status"])
    }

    /// How many tickets are available; of 26.
    #[track_caller]
    fn leaves_available(&self, tickets: u64) {
        let counts = self.sandbox.json(&["ticket", "counts"]);
        assert_eq!(counts["total"]["available"], tickets, "{counts:#}");
        self.sandbox.passes_its_audit();
    }
}

#[test]
fn a_confirm_killed_before_the_charge_is_finished_by_its_repeat() {
    let ann = Checkout::unhurried().killed_at(Moment::PaymentBegun);
    assert_eq!(ann.hold_status(), "paying");
    ann.try_hold("bob").refused("taken");
    ann.confirm("another-card").refused("payment_in_progress");
    ann.is_paid_for("card");
    ann.leaves_available(24);
}

#[test]
fn a_confirm_killed_before_the_charge_is_undone_by_the_next_claimant() {
    let ann = Checkout::hurried().killed_at(Moment::PaymentBegun);
    ann.try_hold("bob").refused("taken");
    ann.overdue();
    ann.try_hold("bob").done();
    ann.confirm("card").refused("expired");
    ann.is_too_late();
    assert_eq!(ann.errand().books(), Vec::<String>::new(), "there is nothing to give back");
    ann.has_order(OrderStatus::Aborted);
    assert_eq!(ann.hold_status(), "aborted");
    ann.leaves_available(24);
}

#[test]
fn a_confirm_killed_before_the_charge_is_undone_by_whoever_gives_the_hold_up() {
    let ann = Checkout::hurried().killed_at(Moment::PaymentBegun);
    let abandon = ["hold", "abandon", &ann.hold, "--session", "ann"];
    ann.sandbox.tix(&abandon).refused("payment_in_progress");
    ann.overdue();
    ann.sandbox.tix(&abandon).done();
    ann.has_order(OrderStatus::Aborted);
    ann.leaves_available(26);
}

#[test]
fn a_confirm_killed_before_the_charge_is_undone_by_another_card() {
    let ann = Checkout::hurried().killed_at(Moment::PaymentBegun);
    ann.overdue();
    ann.confirm("another-card").refused("expired");
    ann.has_order(OrderStatus::Aborted);
    ann.leaves_available(26);
}

#[test]
fn a_confirm_killed_after_the_capture_is_finished_by_its_repeat_and_charged_once() {
    let ann = Checkout::unhurried().killed_at(Moment::Captured);
    assert_eq!(ann.hold_status(), "paying");
    assert_eq!(ann.errand().run().unwrap().status, OrderStatus::Paid);
    assert_eq!(ann.errand().books(), ["captured card"]);
    ann.is_paid_for("card");
    ann.leaves_available(24);
}

#[test]
fn money_captured_for_seats_that_are_gone_is_given_back_when_the_payer_returns() {
    let ann = Checkout::hurried().killed_at(Moment::Captured);
    ann.overdue();
    ann.try_hold("bob").done();
    ann.has_order(OrderStatus::Aborted);
    ann.is_too_late();
    ann.has_order(OrderStatus::Refunded);
    ann.is_too_late();
    assert_eq!(ann.errand().books(), ["captured card", "gave back card"]);
    ann.try_hold("eve").refused("taken");
    ann.leaves_available(24);
}

#[test]
fn giving_late_money_back_goes_on_after_a_death_at_any_of_its_steps() {
    for moment in [Moment::RefundBegun, Moment::GaveBack] {
        let ann = Checkout::hurried().killed_at(Moment::Captured);
        ann.overdue();
        ann.try_hold("bob").done();
        ann.errand().killed_at(moment);
        ann.has_order(OrderStatus::Refunding);
        ann.is_too_late();
        ann.has_order(OrderStatus::Refunded);
        assert_eq!(ann.errand().books(), ["captured card", "gave back card"]);
        ann.leaves_available(24);
    }
}

#[test]
fn a_confirm_killed_after_it_was_recorded_is_answered_with_the_same_order() {
    let ann = Checkout::hurried().killed_at(Moment::Recorded);
    let recorded = ann.has_order(OrderStatus::Paid);
    ann.overdue();
    let repeated = ann.is_paid_for("card");
    for what in ["order_id", "confirmation_number", "decided_at"] {
        assert_eq!(repeated["order"][what], recorded[what]);
    }
    ann.confirm("another-card").refused("already_paid");
    assert_eq!(ann.errand().run().unwrap().status, OrderStatus::Paid);
    assert_eq!(ann.errand().books(), ["captured card"]);
    ann.leaves_available(24);
}

#[test]
fn a_cancel_killed_at_any_of_its_steps_is_finished_by_its_repeat() {
    for moment in [Moment::RefundBegun, Moment::GaveBack, Moment::Recorded] {
        let ann = Checkout::unhurried();
        let order = ann.errand().run().unwrap();
        let cancel = Errand::new(&ann.sandbox, Task::Cancel(order.order_id));
        cancel.killed_at(moment);
        let done = moment == Moment::Recorded;
        ann.has_order(if done { OrderStatus::Refunded } else { OrderStatus::Refunding });
        ann.leaves_available(26);
        ann.try_hold("bob").done();
        assert_eq!(cancel.run().unwrap().status, OrderStatus::Refunded);
        let again = ann.sandbox.json(&["order", "cancel", &order.order_id.to_string()]);
        assert_eq!(again["order"]["status"], "refunded");
        assert_eq!(cancel.books(), ["captured card", "gave back card"]);
        ann.leaves_available(24);
    }
}

#[test]
fn a_confirm_that_nobody_answers_is_finished_by_its_repeat_or_undone() {
    let ann = Checkout::hurried();
    ann.confirm_in_vain();
    assert_eq!(ann.hold_status(), "paying");
    ann.overdue();
    ann.try_hold("bob").done();
    ann.confirm("card").refused("expired");
    ann.leaves_available(24);

    let ann = Checkout::unhurried();
    ann.confirm_in_vain();
    ann.is_paid_for("card");
    ann.leaves_available(24);
}

#[test]
fn a_confirm_killed_at_any_moment_is_finished_by_its_repeat() {
    let moments = 16;
    let sandbox = Sandbox::with_hall(&["--limit", "1"]);
    let hold = |n: u32| sandbox.hold(&format!("session-{n}"), &[&seat(n)]);
    let confirm = |n: u32, hold: &str| {
        sandbox.command(&["hold", "confirm", hold, "--session", &format!("session-{n}")])
    };
    let first = hold(0);
    let sent = Instant::now();
    Process::start(&mut confirm(0, &first)).end().done();
    let whole = sent.elapsed();

    let mut left = Vec::new();
    for n in 1..=moments {
        let hold = hold(n);
        let process = Process::start(&mut confirm(n, &hold));
        sleep(whole * n / moments);
        // It is killed as it is dropped; the last ones may be through by then.
        drop(process);
        left.push(text(&sandbox.json(&["hold", "show", &hold])["hold"]["status"]));
        Process::start(&mut confirm(n, &hold)).end().done();
    }
    eprintln!("confirms that were killed within {whole:?} left their holds {}", left.join(", "));
    let counts = sandbox.json(&["ticket", "counts"]);
    assert_eq!(counts["total"]["sold"], moments + 1);
    sandbox.passes_its_audit();
}

/// The seats downstairs, one after the other.
fn seat(n: u32) -> String {
    format!("Stalls/{}/{}", n / 6 + 1, n % 6 + 1)
}
