//! What refusals say: who or what stands in the way, and until when.

use tix::domain::limit::Counted;
use tix::domain::{Hold, HoldStatus, Obstacle, OrderId, Refusal, Ticket, TicketStatus, Timestamp};
use tix::repository::{PaymentOutcome, PaymentStart};

use crate::world::{Buyer, PAYMENT_TIME, TIME_TO_PAY, World, buyer, code, elsewhere, refusal};

/// The obstacle that a ticket of a hold is.
fn held(hold: &Hold, ticket: &Ticket) -> Obstacle {
    Obstacle {
        seat: ticket.label.clone(),
        status: TicketStatus::Held,
        hold_id: Some(hold.hold_id),
        order_id: None,
        until: Some(hold.expires_at),
        reason: None,
    }
}

/// What counts of a hold towards the limit of its buyer.
fn counted(hold: &Hold) -> Counted {
    Counted {
        hold_id: hold.hold_id,
        order_id: None,
        status: TicketStatus::Held,
        tickets: u32::try_from(hold.tickets.len()).unwrap(),
        until: Some(hold.expires_at),
    }
}

/// Begins to pay for a hold; answers with the order and until when the payment may take.
async fn paying(world: &World, who: &Buyer, hold: &Hold) -> (OrderId, Timestamp) {
    match world.begin(who, hold, &format!("card of {}", hold.hold_id)).await.unwrap() {
        PaymentStart::Pay { order_id, deadline, .. } => (order_id, deadline),
        other @ PaymentStart::Decided(_) => panic!("{other:?}"),
    }
}

pub(crate) async fn who_is_refused_a_seat_is_told_who_or_what_has_each(world: &World) {
    let (ann, bob, eve) = (buyer("ann"), buyer("bob"), buyer("eve"));
    let house = world.tickets(&["A/1/2"]).await;
    world.repository.block(world.event, &house, "house seats").await.unwrap();
    let sold = world.hold(&bob, &["A/1/6"]).await;
    let order = world.pay(&bob, &sold, "card").await;
    let pays = world.hold(&eve, &["A/1/5"]).await;
    let (payment, deadline) = paying(world, &eve, &pays).await;
    let hold = world.hold(&ann, &["A/1/3", "A/1/4"]).await;
    let seats = ["A/1/6", "A/1/5", "A/1/4", "A/1/3", "A/1/2", "A/1/1"];
    let Refusal::Taken { in_the_way } = refusal(world.try_hold(&buyer("dan"), &seats).await) else {
        panic!("it is not taken")
    };
    let blocked = Obstacle {
        seat: "A/1/2".parse().unwrap(),
        status: TicketStatus::Blocked,
        hold_id: None,
        order_id: None,
        until: None,
        reason: Some("house seats".into()),
    };
    let pays = Obstacle {
        status: TicketStatus::Paying,
        order_id: Some(payment),
        until: Some(deadline),
        ..held(&pays, &pays.tickets[0])
    };
    let sold = Obstacle {
        status: TicketStatus::Sold,
        order_id: Some(order.order_id),
        until: None,
        ..held(&sold, &sold.tickets[0])
    };
    let [first, second] = &hold.tickets[..] else { panic!("{hold:?}") };
    let expected = [blocked, held(&hold, first), held(&hold, second), pays, sold];
    assert_eq!(in_the_way, expected, "in the order of the venue");
}

pub(crate) async fn what_is_free_by_now_does_not_stand_in_the_way(world: &World) {
    let (ann, bob, eve) = (buyer("ann"), buyer("bob"), buyer("eve"));
    world.hold(&ann, &["A/1/1"]).await;
    let overdue = world.hold(&bob, &["A/1/2"]).await;
    paying(world, &bob, &overdue).await;
    world.pass(PAYMENT_TIME);
    let hold = world.hold(&eve, &["A/1/3"]).await;
    let answer = world.try_hold(&buyer("dan"), &["A/1/1", "A/1/2", "A/1/3"]).await;
    let in_the_way = vec![held(&hold, &hold.tickets[0])];
    assert_eq!(refusal(answer), Refusal::Taken { in_the_way });
}

pub(crate) async fn ops_who_cannot_block_a_seat_are_told_who_has_it(world: &World) {
    let hold = world.hold(&buyer("ann"), &["A/1/2"]).await;
    let tickets = world.tickets(&["A/1/1", "A/1/2"]).await;
    let answer = world.repository.block(world.event, &tickets, "house").await;
    let in_the_way = vec![held(&hold, &hold.tickets[0])];
    assert_eq!(refusal(answer), Refusal::Taken { in_the_way });
}

pub(crate) async fn who_reaches_the_limit_is_told_what_counts(world: &World) {
    let ann = buyer("ann");
    let phone = elsewhere(&ann, "ann's phone");
    let lapsed = world.hold(&ann, &["B/2/1"]).await;
    world.pass(TIME_TO_PAY);
    let bought = world.hold(&ann, &["A/1/1", "A/1/2", "A/1/3"]).await;
    let order = world.pay(&ann, &bought, "card").await;
    let given_up = world.hold(&ann, &["B/1/1"]).await;
    world.repository.abandon(given_up.hold_id, &ann.session).await.unwrap();
    let pays = world.hold(&phone, &["A/2/1", "A/2/2"]).await;
    let (payment, deadline) = paying(world, &phone, &pays).await;
    let hold = world.hold(&phone, &["A/3/1"]).await;
    let five = ["A/4/1", "A/4/2", "A/4/3", "A/4/4", "A/4/5"];
    let sold = Counted {
        order_id: Some(order.order_id),
        status: TicketStatus::Sold,
        until: None,
        ..counted(&bought)
    };
    let pays = Counted {
        order_id: Some(payment),
        status: TicketStatus::Paying,
        until: Some(deadline),
        ..counted(&pays)
    };
    let counted = vec![sold, pays, counted(&hold)];
    assert_eq!(
        refusal(world.try_hold(&ann, &five).await),
        Refusal::Limit { owned: 6, asked: 5, allowed: 10, counted },
        "neither {} nor {}",
        lapsed.hold_id,
        given_up.hold_id
    );
}

pub(crate) async fn who_pays_for_a_hold_that_is_over_is_told_how_it_ended(world: &World) {
    let ann = buyer("ann");
    let over = |hold: &Hold, ended_as| Refusal::Expired { at: hold.expires_at, ended_as };
    let given_up = world.hold(&ann, &["A/1/1"]).await;
    world.repository.abandon(given_up.hold_id, &ann.session).await.unwrap();
    let answer = world.begin(&ann, &given_up, "first").await;
    assert_eq!(refusal(answer), over(&given_up, HoldStatus::Abandoned));
    let cancelled = world.hold(&ann, &["A/1/2"]).await;
    let order = world.pay(&ann, &cancelled, "second").await;
    world.repository.begin_refund(order.order_id).await.unwrap();
    let answer = world.begin(&ann, &cancelled, "third").await;
    assert_eq!(refusal(answer), over(&cancelled, HoldStatus::Refunded));
    let late = world.hold(&ann, &["A/1/3"]).await;
    world.begin(&ann, &late, "fourth").await.unwrap();
    let silent = world.hold(&ann, &["A/1/4"]).await;
    world.begin(&ann, &silent, "sixth").await.unwrap();
    world.pass(TIME_TO_PAY);
    world.record(&late, "fourth", PaymentOutcome::Declined).await;
    let answer = world.begin(&ann, &late, "fifth").await;
    assert_eq!(refusal(answer), over(&late, HoldStatus::Declined));
    let lapsed = world.hold(&ann, &["A/1/5"]).await;
    world.pass(PAYMENT_TIME);
    let answer = world.begin(&ann, &silent, "seventh").await;
    assert_eq!(refusal(answer), over(&silent, HoldStatus::Aborted));
    assert_eq!(
        refusal(world.begin(&ann, &lapsed, "eighth").await),
        over(&lapsed, HoldStatus::Expired)
    );
}

pub(crate) async fn a_payment_that_stands_in_the_way_is_named_with_its_order(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let (order_id, until) = paying(world, &ann, &hold).await;
    let stands = Refusal::PaymentInProgress { order_id, until };
    assert_eq!(refusal(world.begin(&ann, &hold, "another").await), stands);
    assert_eq!(refusal(world.repository.abandon(hold.hold_id, &ann.session).await), stands);
    let card = format!("card of {}", hold.hold_id);
    world.record(&hold, &card, PaymentOutcome::Captured).await;
    let paid = Refusal::AlreadyPaid { order_id };
    assert_eq!(refusal(world.begin(&ann, &hold, "another").await), paid);
    assert_eq!(refusal(world.repository.abandon(hold.hold_id, &ann.session).await), paid);
}

pub(crate) async fn no_refusal_tells_whose_a_hold_is(world: &World) {
    let (ann, bob) = (buyer("ann's own session"), buyer("bob"));
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let bought = world.hold(&ann, &["A/1/2"]).await;
    world.pay(&ann, &bought, "card").await;
    let pays = world.hold(&ann, &["A/1/3"]).await;
    world.begin(&ann, &pays, "another card").await.unwrap();
    let seats = ["A/1/1", "A/1/2", "A/1/3"];
    let taken = refusal(world.try_hold(&bob, &seats).await);
    let tickets = world.tickets(&seats).await;
    let blocking = refusal(world.repository.block(world.event, &tickets, "house").await);
    let paying = refusal(world.begin(&bob, &hold, "card").await);
    let giving_up = refusal(world.repository.abandon(hold.hold_id, &bob.session).await);
    assert_eq!(giving_up.code(), "not_yours");
    for refusal in [taken, blocking, paying, giving_up] {
        let told = format!("{refusal} {}", serde_json::to_string(&refusal).unwrap());
        assert!(!told.contains(ann.session.as_str()), "{told}");
        assert!(!told.contains(&ann.buyer.to_string()), "{told}");
    }
    assert_eq!(code(world.begin(&bob, &hold, "card").await), "not_yours");
}
