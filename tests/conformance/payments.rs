//! Paying for a hold.

use tix::domain::{HoldStatus, OrderStatus, Refusal, TicketStatus};
use tix::repository::{PaymentOutcome, PaymentStart};

use crate::world::{
    MOMENT, PAYMENT_TIME, TIME_TO_PAY, World, buyer, code, elsewhere, eur, refusal,
};

pub(crate) async fn a_hold_that_is_paid_for_is_sold_with_all_of_its_tickets(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1", "B/1/1"]).await;
    let start = world.begin(&ann, &hold, "card").await.unwrap();
    let PaymentStart::Pay { order_id, amount, .. } = start else { panic!("{start:?}") };
    assert_eq!(amount, eur(8000 + 3550));
    assert_eq!(world.status("A/1/1").await, TicketStatus::Paying);
    let order = world.record(&hold, "card", PaymentOutcome::Captured).await;
    assert_eq!((order.order_id, order.status), (order_id, OrderStatus::Paid));
    assert_eq!(order.amount, amount);
    assert_eq!(order.tickets, hold.tickets);
    assert_eq!(world.status("A/1/1").await, TicketStatus::Sold);
    assert_eq!(world.status("B/1/1").await, TicketStatus::Sold);
    assert_eq!(world.repository.order(order_id).await.unwrap(), order);
    let hold = world.repository.hold(hold.hold_id).await.unwrap();
    assert_eq!((hold.status, hold.order_id), (HoldStatus::Sold, Some(order_id)));
}

pub(crate) async fn beginning_a_payment_again_goes_on_with_it(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let first = world.begin(&ann, &hold, "card").await.unwrap();
    world.pass(MOMENT);
    assert_eq!(world.begin(&ann, &hold, "card").await.unwrap(), first, "and is not prolonged");
    let order = world.record(&hold, "card", PaymentOutcome::Captured).await;
    let again = world.begin(&ann, &hold, "card").await.unwrap();
    assert_eq!(again, PaymentStart::Decided(Box::new(order)));
}

pub(crate) async fn a_second_payment_waits_for_the_first(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let first = world.begin(&ann, &hold, "card").await.unwrap();
    let PaymentStart::Pay { order_id, deadline, .. } = first else { panic!("{first:?}") };
    let other = world.begin(&ann, &hold, "another card").await;
    assert_eq!(refusal(other), Refusal::PaymentInProgress { order_id, until: deadline });
    world.record(&hold, "card", PaymentOutcome::Captured).await;
    let other = world.begin(&ann, &hold, "another card").await;
    assert_eq!(refusal(other), Refusal::AlreadyPaid { order_id });
}

pub(crate) async fn from_its_deadline_on_a_hold_cannot_be_paid_for(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    world.pass(TIME_TO_PAY);
    let late = world.begin(&ann, &hold, "card").await;
    assert_eq!(refusal(late), Refusal::over(hold.expires_at, None));
    assert_eq!(world.status("A/1/1").await, TicketStatus::Available);
}

pub(crate) async fn a_payment_begun_in_time_may_end_after_the_holds_deadline(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    world.pass(TIME_TO_PAY - MOMENT);
    world.begin(&ann, &hold, "card").await.unwrap();
    world.pass(2 * MOMENT);
    assert_eq!(code(world.try_hold(&buyer("bob"), &["A/1/1"]).await), "taken");
    let order = world.record(&hold, "card", PaymentOutcome::Captured).await;
    assert_eq!(order.status, OrderStatus::Paid);
}

pub(crate) async fn a_decline_in_time_gives_the_hold_back_with_the_time_that_was_left(
    world: &World,
) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.begin(&ann, &hold, "card").await.unwrap();
    world.pass(MOMENT);
    let order = world.record(&hold, "card", PaymentOutcome::Declined).await;
    assert_eq!(order.status, OrderStatus::Declined);
    assert_eq!(world.repository.hold(hold.hold_id).await.unwrap(), hold, "as it was");
    world.pass(TIME_TO_PAY - MOMENT);
    world.hold(&buyer("bob"), &["A/1/1"]).await;
}

pub(crate) async fn another_card_pays_after_a_decline(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    world.begin(&ann, &hold, "card").await.unwrap();
    let declined = world.record(&hold, "card", PaymentOutcome::Declined).await;
    let again = world.begin(&ann, &hold, "card").await.unwrap();
    assert_eq!(again, PaymentStart::Decided(Box::new(declined)), "the first card stays declined");
    let order = world.pay(&ann, &hold, "another card").await;
    assert_eq!(order.status, OrderStatus::Paid);
    assert_eq!(world.status("A/1/1").await, TicketStatus::Sold);
}

pub(crate) async fn a_late_decline_frees_the_tickets(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.pass(TIME_TO_PAY - MOMENT);
    world.begin(&ann, &hold, "card").await.unwrap();
    world.pass(2 * MOMENT);
    world.record(&hold, "card", PaymentOutcome::Declined).await;
    let hold = world.repository.hold(hold.hold_id).await.unwrap();
    assert_eq!(hold.status, HoldStatus::Declined);
    world.hold(&buyer("bob"), &["A/1/1", "A/1/2"]).await;
}

pub(crate) async fn an_overdue_payment_is_given_up_by_the_next_claimant(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.begin(&ann, &hold, "card").await.unwrap();
    world.pass(PAYMENT_TIME - MOMENT);
    assert_eq!(code(world.try_hold(&buyer("bob"), &["A/1/1"]).await), "taken");
    world.pass(MOMENT);
    world.hold(&buyer("bob"), &["A/1/1"]).await;
    // The whole group came free, not only the ticket that was met.
    assert_eq!(world.status("A/1/2").await, TicketStatus::Available);
    let orders = world.repository.orders(world.event).await.unwrap();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].status, OrderStatus::Aborted);
    let hold = world.repository.hold(hold.hold_id).await.unwrap();
    assert_eq!(hold.status, HoldStatus::Aborted);
}

pub(crate) async fn recovery_gives_up_overdue_payments_and_only_those(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let overdue = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.begin(&ann, &overdue, "card").await.unwrap();
    world.pass(PAYMENT_TIME);
    let timely = world.hold(&bob, &["A/2/1"]).await;
    world.begin(&bob, &timely, "card").await.unwrap();
    let aborted = world.repository.recover_payments(world.event).await.unwrap();
    assert_eq!(aborted.len(), 1);
    assert_eq!((aborted[0].hold_id, aborted[0].status), (overdue.hold_id, OrderStatus::Aborted));
    assert_eq!(world.status("A/1/2").await, TicketStatus::Available);
    assert_eq!(world.status("A/2/1").await, TicketStatus::Paying);
    assert!(world.repository.recover_payments(world.event).await.unwrap().is_empty());
}

pub(crate) async fn overdue_payments_end_in_the_order_of_the_venue(world: &World) {
    // Neither in the order in which they began nor in that of their ids.
    let seats = ["B/1/1", "A/2/1", "A/1/1", "B/2/1", "A/1/2"];
    for (seat, name) in seats.into_iter().zip(["ann", "bob", "cleo", "dora", "eve"]) {
        let who = buyer(name);
        let hold = world.hold(&who, &[seat]).await;
        world.begin(&who, &hold, name).await.unwrap();
    }
    world.pass(PAYMENT_TIME);
    let aborted = world.repository.recover_payments(world.event).await.unwrap();
    let seats: Vec<String> =
        aborted.iter().map(|order| order.tickets[0].label.to_string()).collect();
    assert_eq!(seats, ["A/1/1", "A/1/2", "A/2/1", "B/1/1", "B/2/1"]);
}

pub(crate) async fn money_captured_too_late_never_takes_a_ticket_from_its_next_owner(
    world: &World,
) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let late = world.hold(&ann, &["A/1/1"]).await;
    world.begin(&ann, &late, "card").await.unwrap();
    world.pass(PAYMENT_TIME);
    let next = world.hold(&bob, &["A/1/1"]).await;
    let order = world.record(&late, "card", PaymentOutcome::Captured).await;
    assert_eq!(order.status, OrderStatus::RefundDue);
    let paid = world.pay(&bob, &next, "bob's card").await;
    assert_eq!(paid.status, OrderStatus::Paid);
    let hold = world.repository.hold(next.hold_id).await.unwrap();
    assert_eq!(hold.status, HoldStatus::Sold);
}

pub(crate) async fn recording_the_same_outcome_again_changes_nothing(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let order = world.pay(&ann, &hold, "card").await;
    world.pass(MOMENT);
    assert_eq!(world.record(&hold, "card", PaymentOutcome::Captured).await, order);
    assert_eq!(world.record(&hold, "card", PaymentOutcome::Declined).await, order);
}

pub(crate) async fn a_hold_being_paid_for_cannot_be_abandoned(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    world.begin(&ann, &hold, "card").await.unwrap();
    let answer = world.repository.abandon(hold.hold_id, &ann.session).await;
    assert_eq!(code(answer), "payment_in_progress");
    world.pass(PAYMENT_TIME);
    let ended = world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    assert_eq!(ended.status, HoldStatus::Aborted, "an overdue payment is given up first");
}

pub(crate) async fn a_sold_ticket_cannot_be_abandoned_or_claimed(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    world.pay(&ann, &hold, "card").await;
    let answer = world.repository.abandon(hold.hold_id, &ann.session).await;
    assert_eq!(code(answer), "already_paid");
    world.pass(TIME_TO_PAY + PAYMENT_TIME);
    match refusal(world.try_hold(&buyer("bob"), &["A/1/1"]).await) {
        Refusal::Taken { in_the_way } => {
            assert_eq!(in_the_way[0].until, None, "it does not come free");
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn only_its_session_can_pay_for_a_hold(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let other = elsewhere(&ann, "another session");
    assert_eq!(code(world.begin(&other, &hold, "card").await), "not_yours");
}

pub(crate) async fn a_lapsed_hold_that_lost_a_ticket_cannot_be_paid_for(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let group = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.pass(TIME_TO_PAY);
    world.hold(&bob, &["A/1/2"]).await;
    assert_eq!(code(world.begin(&ann, &group, "card").await), "expired");
    assert_eq!(world.status("A/1/1").await, TicketStatus::Available);
    assert_eq!(world.status("A/1/2").await, TicketStatus::Held);
}

pub(crate) async fn paying_tickets_count_towards_the_limit_beyond_the_holds_deadline(
    world: &World,
) {
    let ann = buyer("ann");
    let row: Vec<String> = (1..=10).map(|seat| format!("A/1/{seat}")).collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    let hold = world.hold(&ann, &row).await;
    world.pass(TIME_TO_PAY - MOMENT);
    world.begin(&ann, &hold, "card").await.unwrap();
    world.pass(2 * MOMENT);
    assert_eq!(code(world.try_hold(&ann, &["A/2/1"]).await), "limit");
}
