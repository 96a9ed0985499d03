//! A repair finishes what somebody left half done, and nothing else.

use std::collections::BTreeMap;

use tix::domain::{OrderStatus, TicketStatus};
use tix::repository::{Repaired, TicketFilter};

use crate::scene::{Scene, Stage};

/// What the map shows: how many tickets in which condition.
async fn shown(scene: &Scene<'_>) -> BTreeMap<&'static str, usize> {
    let repository = &scene.stage.repository;
    let tickets = repository.tickets(scene.event, &TicketFilter::default()).await.unwrap();
    let mut shown = BTreeMap::new();
    for ticket in tickets {
        *shown.entry(ticket.status.word()).or_insert(0) += 1;
    }
    shown
}

async fn repair(scene: &Scene<'_>) -> Repaired {
    let repaired = scene.stage.repository.repair(scene.event).await.unwrap();
    let again = scene.stage.repository.repair(scene.event).await.unwrap();
    assert!(again.is_nothing(), "a second repair has nothing to do: {again:?}");
    let report = scene.audit().await;
    assert_eq!((report.violations, report.unfinished), (vec![], 0));
    repaired
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_order_is_left_alone() {
    let Some(stage) = Stage::new("tix_repaired").await else { return };
    let scene = stage.play().await;
    let before = shown(&scene).await;
    assert!(repair(&scene).await.is_nothing());
    assert_eq!(shown(&scene).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_order_gets_its_tickets() {
    let Some(stage) = Stage::new("tix_repaired").await else { return };
    let scene = stage.play().await;
    let mut decided = scene.as_held(&scene.paying, 0);
    decided.reference = "card".into();
    scene.run(&decided.order_row()).await;
    let repaired = repair(&scene).await;
    assert_eq!(repaired.followed.len(), 1);
    assert_eq!(repaired.followed[0].status, OrderStatus::Paid);
    assert_eq!(shown(&scene).await["sold"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_money_goes_back_loses_its_tickets() {
    let Some(stage) = Stage::new("tix_repaired").await else { return };
    let scene = stage.play().await;
    let order = scene.order.order_id;
    let refunding = format!("UPDATE orders SET status = 'refunding' WHERE order_id = {order}");
    scene.run(&format!("{refunding} IF status = 'paid'")).await;
    assert_eq!(scene.audit().await.unfinished, 2);
    let repaired = repair(&scene).await;
    assert_eq!(repaired.followed[0].order_id, order);
    assert!(!shown(&scene).await.contains_key("sold"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overdue_payment_is_given_up() {
    let Some(stage) = Stage::new("tix_repaired").await else { return };
    let scene = stage.play().await;
    let hold = scene.paying.hold_id;
    let begun = scene.paying.started_at.as_millis();
    let overdue = format!("UPDATE holds SET payment_deadline = {begun} WHERE hold_id = {hold}");
    scene.run(&format!("{overdue} IF ended_as = null")).await;
    let repaired = stage.repository.repair(scene.event).await.unwrap();
    assert_eq!(repaired.given_up.len(), 1);
    assert_eq!(repaired.given_up[0].hold_id, hold);
    assert!(!shown(&scene).await.contains_key("paying"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_was_given_up_loses_its_tickets() {
    let Some(stage) = Stage::new("tix_repaired").await else { return };
    let scene = stage.play().await;
    let hold = scene.held.hold_id;
    let given_up = format!("UPDATE holds SET ended_as = 'abandoned' WHERE hold_id = {hold}");
    scene.run(&format!("{given_up} IF ended_as = null")).await;
    let repaired = repair(&scene).await;
    assert_eq!(repaired.freed, [hold]);
    assert!(!shown(&scene).await.contains_key("held"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_ticket_is_shown_as_it_is() {
    let Some(stage) = Stage::new("tix_repaired").await else { return };
    let scene = stage.play().await;
    let before = shown(&scene).await;
    for status in ["available", "held", "paying", "sold", "blocked", "gone"] {
        for seats in [&scene.sold, &scene.held, &scene.paying, &scene.blocked, &scene.free] {
            let key = format!("section_id = 0 AND {}", scene.key_of(seats, 0));
            let now = "held_until = 0, hold_id = null, reason = 'wrong'";
            scene.run(&format!("UPDATE tickets SET status = '{status}', {now} WHERE {key}")).await;
        }
        let event = scene.event;
        scene.run(&format!("UPDATE events SET has_tickets = false WHERE event_id = {event}")).await;
        let repaired = repair(&scene).await;
        assert_eq!((repaired.shown.len(), repaired.on_sale), (5, Some(true)), "{status}");
        assert_eq!(shown(&scene).await, before, "{status}");
    }
    let repository = &stage.repository;
    let blocked = TicketFilter { status: Some(TicketStatus::Blocked), ..TicketFilter::default() };
    let tickets = repository.tickets(scene.event, &blocked).await.unwrap();
    assert_eq!(tickets[0].reason.as_deref(), Some("broken seat"));
}
