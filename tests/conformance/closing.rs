//! The end of a sale: the moment in which the event begins.

use std::sync::Arc;
use std::time::Duration;

use tix::domain::{
    Availability, EntryId, EventDraft, EventQuery, HoldStatus, NewEntry, NewHold, OrderStatus,
    Refusal, WaitlistStatus, Wish,
};
use tix::repository::PaymentOutcome;

use crate::world::{Buyer, World, buyer, code, draft, layout, refusal};

/// How long the sale goes on: long enough for a slow machine to make its holds, shorter than a hold.
const SALE: Duration = Duration::from_millis(1_500);

/// The world with an event whose sale closes soon, as its event.
async fn closing(world: &World) -> World {
    let starts_at = world.repository.now().plus(SALE);
    let draft = EventDraft { starts_at, doors_at: starts_at, ..draft(&world.slug("closing")) };
    let event = world.repository.add_event(&draft).await.unwrap().event_id;
    world.repository.mint(event, Arc::new(layout()), &|_| {}).await.unwrap();
    world.at(event)
}

fn joins(world: &World, who: &Buyer) -> NewEntry {
    NewEntry {
        entry_id: EntryId::fresh(),
        event_id: world.event,
        session_id: who.session.clone(),
        buyer_id: who.buyer,
        wish: Wish { section: None, ticket_type: None, size: 1 },
    }
}

pub(crate) async fn sale_closes_when_the_event_begins(world: &World) {
    let world = closing(world).await;
    let event = world.repository.event(world.event).await.unwrap();
    world.pass(SALE);
    let late = refusal(world.try_hold(&buyer("ann"), &["A/1/1"]).await);
    assert_eq!(late, Refusal::SaleClosed { at: event.starts_at });
    let entry = joins(&world, &buyer("bob"));
    assert_eq!(code(world.repository.join_waitlist(&entry).await), "sale_closed");
    assert!(world.repository.waitlist(world.event).await.unwrap().is_empty());
}

pub(crate) async fn hold_made_before_the_start_can_be_paid_and_refunded(world: &World) {
    let world = closing(world).await;
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let (paid, abandoned) =
        (world.hold(&ann, &["A/1/1"]).await, world.hold(&bob, &["A/1/2"]).await);
    world.begin(&ann, &paid, "card").await.unwrap();
    world.pass(SALE);
    let order = world.record(&paid, "card", PaymentOutcome::Captured).await;
    assert_eq!(order.status, OrderStatus::Paid);
    let ended = world.repository.abandon(abandoned.hold_id, &bob.session).await.unwrap();
    assert_ne!(ended.status, HoldStatus::Held);
    world.repository.begin_refund(order.order_id).await.unwrap();
    let refunded = world.repository.finish_refund(order.order_id).await.unwrap();
    assert_eq!(refunded.status, OrderStatus::Refunded);
}

pub(crate) async fn repeat_of_a_hold_is_answered_after_the_start(world: &World) {
    let world = closing(world).await;
    let claim: NewHold = world.claim(&buyer("ann"), &["A/1/1"]).await;
    let hold = world.repository.start_hold(&claim).await.unwrap();
    let entry = joins(&world, &buyer("bob"));
    let joined = world.repository.join_waitlist(&entry).await.unwrap();
    let left = hold.expires_at.since(world.repository.now());
    world.pass(SALE.min(left));
    let again = world.repository.start_hold(&claim).await;
    // On a slow machine the hold is over by now, which is the answer to a repeat, too.
    match again {
        Ok(again) => assert_eq!(again.hold_id, hold.hold_id),
        refused => assert_eq!(code(refused), "expired"),
    }
    let again = world.repository.join_waitlist(&entry).await.unwrap();
    assert_eq!(again.entry_id, joined.entry_id);
}

pub(crate) async fn nothing_is_offered_after_the_start(world: &World) {
    let world = closing(world).await;
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let seat = |place: u32| format!("B/{}/{}", place / 5 + 1, place % 5 + 1);
    let seats: Vec<String> = (0..10).map(seat).collect();
    let seats: Vec<&str> = seats.iter().map(String::as_str).collect();
    let hold = world.hold(&ann, &seats).await;
    let mut entry = joins(&world, &bob);
    entry.wish.section = Some("B".into());
    let joined = world.repository.join_waitlist(&entry).await.unwrap();
    assert_eq!(joined.status, WaitlistStatus::Waiting);
    world.pass(SALE);
    world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    assert_eq!(world.repository.serve_waitlist(world.event).await.unwrap(), []);
    let line = world.repository.waitlist(world.event).await.unwrap();
    assert_eq!(line[0].status, WaitlistStatus::Waiting);
    world.repository.leave_waitlist(entry.entry_id, &bob.session).await.unwrap();
}

pub(crate) async fn closed_event_is_not_available(world: &World) {
    let closing = closing(world).await;
    let query = EventQuery {
        words: "hamlet".into(),
        availability: Availability::Required,
        limit: 10_000,
        ..EventQuery::default()
    };
    world.pass(SALE);
    world.settle();
    let found = world.repository.search_events(&query).await.unwrap();
    let ids: Vec<_> = found.hits.iter().map(|hit| hit.event.event_id).collect();
    assert!(ids.contains(&world.event));
    assert!(!ids.contains(&closing.event));
}
