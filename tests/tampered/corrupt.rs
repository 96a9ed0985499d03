//! A row that cannot be read is an error with its table and key wherever something is decided by it,
//! never a default.

use tix::domain::{
    BuyerId, EntryId, HoldId, NewEntry, NewHold, PaymentReference, SessionId, TicketId, Wish,
};
use tix::repository::{Access, Error, PaymentOutcome, Repository, Result, StoreFault};

use crate::scene::{Scene, Stage};

/// Who wants these tickets.
fn claim(scene: &Scene, buyer: BuyerId, tickets: &[TicketId]) -> NewHold {
    NewHold {
        hold_id: HoldId::fresh(),
        event_id: scene.event,
        session_id: SessionId::new("zoe").unwrap(),
        buyer_id: buyer,
        tickets: tickets.to_vec(),
    }
}

/// The answer names the row, and says that it cannot be read.
fn names<T: std::fmt::Debug>(answer: Result<T>, table: &str, key: impl std::fmt::Display) {
    match answer {
        Err(Error::Store(error)) => {
            assert_eq!(error.fault, StoreFault::Corrupt, "{error}");
            let (message, table) = (error.to_string(), format!("`{table}`"));
            assert!(message.contains(&table) && message.contains(&key.to_string()), "{message}");
        }
        other => panic!("{table}: {other:?}"),
    }
}

/// The same store in another process, which remembers nothing.
async fn opened_again(stage: &Stage) -> std::sync::Arc<dyn Repository> {
    let clock = std::sync::Arc::new(tix::clock::SystemClock);
    tix::repository::open(&stage.url, Access::Existing, clock).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_cannot_be_read_is_named() {
    let Some(stage) = Stage::new("tix_corrupt").await else { return };
    for broken in [
        "tickets = null",
        "tickets = [{ticket_id: null}]",
        "session_id = null",
        "started_at = null",
        "expires_at = null",
        "ended_as = 'gone'",
    ] {
        let scene = stage.play().await;
        let (hold, session) = (scene.held.hold_id, &scene.held.session_id);
        scene.run(&format!("UPDATE holds SET {broken} WHERE hold_id = {hold}")).await;
        let (store, card) = (&stage.repository, PaymentReference::new("other").unwrap());
        names(store.abandon(hold, session).await, "holds", hold);
        names(store.begin_payment(hold, session, &card).await, "holds", hold);
        let outcome = PaymentOutcome::Captured;
        names(store.record_payment(hold, &card, outcome).await, "holds", hold);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_cannot_be_read_is_named() {
    let Some(stage) = Stage::new("tix_corrupt").await else { return };
    let scene = stage.play().await;
    let ticket = scene.held.tickets[0];
    let key = scene.key_of(&scene.held, 0);
    scene.run(&format!("UPDATE order_queue SET status = 'gone' WHERE {key}")).await;
    let claim = claim(&scene, BuyerId::fresh(), &[ticket]);
    names(stage.repository.start_hold(&claim).await, "order_queue", ticket);
    let blocked = stage.repository.block(scene.event, &[ticket], "paint").await;
    names(blocked, "order_queue", ticket);
    let session = &scene.held.session_id;
    names(stage.repository.abandon(scene.held.hold_id, session).await, "order_queue", ticket);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_cannot_be_read_is_named() {
    let Some(stage) = Stage::new("tix_corrupt").await else { return };
    for broken in ["status = 'gone'", "amount = null", "amount = -1", "tickets = null"] {
        let scene = stage.play().await;
        let order = scene.order.order_id;
        scene.run(&format!("UPDATE orders SET {broken} WHERE order_id = {order}")).await;
        names(stage.repository.begin_refund(order).await, "orders", order);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_of_a_buyer_that_cannot_be_read_are_named() {
    let Some(stage) = Stage::new("tix_corrupt").await else { return };
    let scene = stage.play().await;
    let (event, buyer) = (scene.event, scene.held.buyer_id);
    let ticket = scene.free.tickets[0];
    scene
        .run(&format!(
            "UPDATE limits SET owned = [{{ticket_id: {ticket}}}]
              WHERE event_id = {event} AND buyer_id = {buyer}"
        ))
        .await;
    let claim = claim(&scene, buyer, &[ticket]);
    names(stage.repository.start_hold(&claim).await, "limits", buyer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_cannot_be_read_is_named() {
    let Some(stage) = Stage::new("tix_corrupt").await else { return };
    let scene = stage.play().await;
    let new = NewEntry {
        entry_id: EntryId::fresh(),
        event_id: scene.event,
        session_id: SessionId::new("zoe").unwrap(),
        buyer_id: BuyerId::fresh(),
        wish: Wish { section: None, ticket_type: None, size: 8 },
    };
    stage.repository.join_waitlist(&new).await.unwrap();
    let (event, entry) = (scene.event, new.entry_id);
    let key = format!("event_id = {event} AND entry_id = {entry}");
    scene.run(&format!("UPDATE waitlist SET size = -1 WHERE {key}")).await;
    let left = stage.repository.leave_waitlist(entry, &new.session_id).await;
    names(left, "waitlist", entry);
    // A process that has not read the line.
    let fresh = opened_again(&stage).await;
    names(fresh.waitlist(event).await, "waitlist", event);
    fresh.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sold_that_cannot_be_read_is_named() {
    let Some(stage) = Stage::new("tix_corrupt_venue").await else { return };
    stage.start_over().await;
    let scene = stage.play().await;
    let (event, ticket) = (scene.event, scene.free.tickets[0]);
    let key = format!("section_id = 0 AND {}", scene.key_of(&scene.free, 0));
    let claim = claim(&scene, BuyerId::fresh(), &[ticket]);
    scene.run(&format!("UPDATE tickets SET price = -1 WHERE {key}")).await;
    let fresh = opened_again(&stage).await;
    names(fresh.start_hold(&claim).await, "tickets", event);
    scene
        .run(&format!(
            "UPDATE venue_sections SET seats = -1 WHERE event_id = {event} AND section_id = 0"
        ))
        .await;
    let fresh = opened_again(&stage).await;
    names(fresh.start_hold(&claim).await, "venue_sections", event);
    scene.run(&format!("UPDATE events SET limit_per_buyer = null WHERE event_id = {event}")).await;
    let fresh = opened_again(&stage).await;
    names(fresh.start_hold(&claim).await, "events", event);
    names(fresh.events().await, "events", event);
}
