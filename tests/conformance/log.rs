//! The change log.

use tix::domain::{Change, ChangeKind, Position};
use tix::repository::PaymentOutcome;

use crate::world::{MOMENT, PAYMENT_TIME, TIME_TO_PAY, World, buyer, code};

async fn changes(world: &World) -> Vec<Change> {
    world.repository.changes(Position(0), 1000).await.unwrap()
}

fn told(changes: &[Change]) -> Vec<(&'static str, String)> {
    changes.iter().map(|c| (c.change.word(), c.label.to_string())).collect()
}

pub(crate) async fn every_change_is_one_entry_in_order(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.begin(&ann, &hold, "card").await.unwrap();
    world.record(&hold, "card", PaymentOutcome::Declined).await;
    let order = world.pay(&ann, &hold, "another card").await;
    world.repository.begin_refund(order.order_id).await.unwrap();
    let hold = world.hold(&bob, &["A/1/1"]).await;
    world.repository.abandon(hold.hold_id, &bob.session).await.unwrap();
    let overdue = world.hold(&bob, &["A/1/1"]).await;
    world.begin(&bob, &overdue, "card").await.unwrap();
    world.pass(PAYMENT_TIME);
    world.repository.recover_payments(world.event).await.unwrap();
    let ticket = world.tickets(&["A/1/1"]).await;
    world.repository.block(world.event, &ticket, "house").await.unwrap();
    world.repository.unblock(world.event, &ticket).await.unwrap();
    let changes = changes(world).await;
    let one = "A/1/1".to_string();
    let of_one: Vec<&str> =
        told(&changes).into_iter().filter(|(_, seat)| *seat == one).map(|(what, _)| what).collect();
    assert_eq!(
        of_one,
        [
            "held",
            "paying",
            "held_again",
            "paying",
            "sold",
            "refunded",
            "held",
            "abandoned",
            "held",
            "paying",
            "aborted",
            "blocked",
            "unblocked",
        ]
    );
    assert!(changes.windows(2).all(|pair| pair[0].position < pair[1].position));
    let first = &changes[0];
    assert_eq!(first.session_id.as_ref(), Some(&ann.session));
    assert_eq!(first.buyer_id, Some(ann.buyer));
    assert_eq!(first.event_id, world.event);
    let last = changes.last().unwrap();
    assert_eq!((last.change, last.hold_id), (ChangeKind::Unblocked, None));
    let rest = world.repository.changes(changes[4].position, 3).await.unwrap();
    assert_eq!(rest, changes[5..8]);
}

pub(crate) async fn a_refusal_leaves_no_entry(world: &World) {
    world.hold(&buyer("ann"), &["A/1/1"]).await;
    let before = changes(world).await;
    assert_eq!(code(world.try_hold(&buyer("bob"), &["A/1/1"]).await), "taken");
    assert_eq!(changes(world).await, before);
}

pub(crate) async fn the_end_of_the_log_names_what_is_held(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    world.hold(&ann, &["A/2/1"]).await;
    world.pass(TIME_TO_PAY);
    let paying = world.hold(&bob, &["A/1/2"]).await;
    world.begin(&bob, &paying, "card").await.unwrap();
    let held = world.hold(&ann, &["A/1/1"]).await;
    let (position, standing) = world.repository.log_end().await.unwrap();
    assert_eq!(position, changes(world).await.last().unwrap().position);
    assert_eq!(
        told(&standing),
        [("held", "A/1/1".to_string()), ("paying", "A/1/2".to_string())],
        "and not the one that lapsed"
    );
    assert_eq!(standing[0].expires_at, Some(held.expires_at));
    assert!(world.repository.changes(position, 10).await.unwrap().is_empty());
}

pub(crate) async fn a_time_is_found_in_the_log(world: &World) {
    let ann = buyer("ann");
    let start = world.repository.now();
    for seat in ["A/1/1", "A/1/2", "A/1/3"] {
        world.hold(&ann, &[seat]).await;
        world.pass(MOMENT);
    }
    let all = changes(world).await;
    let before = |time| world.repository.position_before(time);
    assert_eq!(before(start).await.unwrap(), Position(0));
    assert_eq!(before(all[1].at).await.unwrap(), all[0].position);
    assert_eq!(before(all[2].at.plus(MOMENT)).await.unwrap(), all[2].position);
}
