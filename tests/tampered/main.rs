//! A ScyllaDB store that somebody has written into by hand: the audit finds every rule that is
//! broken like this, and nothing where nothing is.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod at_work;
mod corrupt;
mod repairs;
mod scene;

#[path = "../support/hamlet.rs"]
mod hamlet;
#[path = "../support/node.rs"]
mod node;

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use scene::{Scene, TIME_TO_PAY};
use tix::audit::{Answer, Told};
use tix::domain::{BuyerId, ConfirmationNumber, HoldId, OrderId};

/// What is done to a sale that was in order, and which rule is broken then.
type Case = (&'static str, fn(&Scene) -> Vec<String>, &'static str);

const CASES: &[Case] = &[
    ("a sold ticket loses its order", no_order, "sold_is_paid"),
    ("the money of a lost order is missing", no_order, "money"),
    ("a paid order loses a ticket", no_ticket, "paid_has_tickets"),
    ("a group loses a ticket", half_a_group, "whole_groups"),
    ("an order costs less than its tickets", cheap_order, "money"),
    ("an order is under another reference", other_reference, "orders_legal"),
    ("a held ticket is taken away", taken_away, "one_owner"),
    ("a sold ticket is sold again", sold_again, "sold_once"),
    ("a buyer holds more than he may", too_many, "limit"),
    ("somebody is served before one who stood in front", jumped_the_line, "waitlist_order"),
    ("somebody is offered the hold of somebody else", offered_to_another, "waitlist_order"),
    ("a ticket is paid for after the deadline", paid_late, "paid_in_time"),
    ("a payment is given up before its time", given_up_early, "legal_steps"),
    ("a ticket comes free that nobody had", freed_for_nothing, "legal_steps"),
    ("a held ticket is blocked", blocked_while_held, "legal_steps"),
    ("a hold is prolonged", prolonged, "deadline_kept"),
    ("a row is prolonged", prolonged_row, "deadline_kept"),
    ("a hold is lost", no_hold, "row_has_hold"),
    ("a row names another buyer", other_buyer, "row_has_hold"),
    ("a minted ticket is lost", no_minted_ticket, "conservation"),
    ("an event promises more tickets", more_promised, "conservation"),
    ("a ticket is owned that was not minted", not_minted, "conservation"),
    ("a status means nothing", no_such_status, "readable"),
    ("an order's status means nothing", no_such_order_status, "readable"),
    ("a column is written by itself", one_column, "readable"),
    ("an entry of the waitlist says nothing", no_such_entry, "readable"),
    (
        "an offer is not the hold that is derived from its entry",
        offered_to_another,
        "waitlist_entries",
    ),
    ("a declined order is removed", no_declined_order, "orders_logged"),
    ("a declined order says that it was aborted", aborted_order, "orders_logged"),
    ("an order is decided after its tickets are sold", decided_late, "orders_logged"),
    ("an order has the confirmation number of another", other_number, "orders_legal"),
    ("a sold hold says that it was given up", sold_and_given_up, "hold_ends"),
    ("a hold that was given up says nothing of it", no_end, "hold_ends"),
    ("a hold is for no tickets", hold_for_nothing, "holds_logged"),
    ("a hold copies another price", other_copy, "row_has_hold"),
    ("an order names another session", other_session, "row_has_hold"),
    ("a payment has more time than the event allows", prolonged_payment, "deadline_kept"),
    ("a seat is renamed", renamed_seat, "venue_as_minted"),
    ("a section is renamed", renamed_section, "venue_as_minted"),
    ("a ticket costs more than its layout says", other_price, "venue_as_minted"),
    ("an event has another digest", other_digest, "venue_as_minted"),
    ("an event has another slug", other_slug, "venue_as_minted"),
    ("an event has no name", no_name, "readable"),
    ("a price is no price", no_price, "readable"),
    ("a price is below zero", price_below_zero, "readable"),
    ("a reference is that of another buyer's hold", reference_of_another, "references"),
    ("a reference belongs to no hold", no_reference, "references"),
    ("a hold begins after the event", begun_event, "sale_open"),
    ("a buyer waits too often", waits_too_often, "waitlist_bounds"),
];

fn begun_event(scene: &Scene) -> Vec<String> {
    let (event, begun) = (scene.event, scene.held.started_at.as_millis());
    vec![format!(
        "UPDATE events SET doors_at = {begun}, starts_at = {begun} WHERE event_id = {event}"
    )]
}

fn price_below_zero(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE tickets SET price = -1 WHERE {}", ticket_key(scene))]
}

fn reference_of_another(scene: &Scene) -> Vec<String> {
    let (sold, held) = (scene.sold.buyer_id, scene.held.hold_id);
    vec![format!(
        "UPDATE payment_references SET hold_id = {held}
          WHERE buyer_id = {sold} AND payment_reference = 'card'"
    )]
}

fn no_reference(scene: &Scene) -> Vec<String> {
    let sold = scene.sold.buyer_id;
    vec![format!(
        "DELETE FROM payment_references WHERE buyer_id = {sold} AND payment_reference = 'card'"
    )]
}

fn waits_too_often(scene: &Scene) -> Vec<String> {
    let buyer = BuyerId::fresh();
    let left = |number: u32| entry(scene, number, buyer, 1, "status = 'left'");
    (100..=110).flat_map(left).collect()
}

fn no_order(scene: &Scene) -> Vec<String> {
    vec![format!("DELETE FROM orders WHERE order_id = {}", scene.order.order_id)]
}

/// The order under which the payment for the held tickets was declined.
fn declined(scene: &Scene) -> OrderId {
    OrderId::of_payment(scene.held.hold_id, &"card".parse().unwrap())
}

fn no_declined_order(scene: &Scene) -> Vec<String> {
    vec![format!("DELETE FROM orders WHERE order_id = {}", declined(scene))]
}

fn aborted_order(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE orders SET status = 'aborted' WHERE order_id = {}", declined(scene))]
}

fn decided_late(scene: &Scene) -> Vec<String> {
    let (order, at) = (scene.order.order_id, scene.order.decided_at.as_millis() + 60_000);
    vec![format!("UPDATE orders SET decided_at = {at}, updated_at = {at} WHERE order_id = {order}")]
}

fn other_number(scene: &Scene) -> Vec<String> {
    let (order, other) = (scene.order.order_id, ConfirmationNumber::of_order(declined(scene)));
    vec![format!("UPDATE orders SET confirmation_number = '{other}' WHERE order_id = {order}")]
}

fn sold_and_given_up(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE holds SET ended_as = 'abandoned' WHERE hold_id = {}", scene.sold.hold_id)]
}

fn no_end(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE holds SET ended_as = null WHERE hold_id = {}", scene.given_up.hold_id)]
}

fn hold_for_nothing(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE holds SET tickets = [] WHERE hold_id = {}", scene.given_up.hold_id)]
}

fn other_copy(scene: &Scene) -> Vec<String> {
    let ticket = scene.given_up.tickets[0];
    let copy = format!(
        "{{ticket_id: {ticket}, section_id: 0, place: 7, section: 'A', row_name: '1', \
         seat_name: '8', type_id: 'regular', price: 49.99}}"
    );
    vec![format!("UPDATE holds SET tickets = [{copy}] WHERE hold_id = {}", scene.given_up.hold_id)]
}

fn other_session(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE orders SET session_id = 'eve' WHERE order_id = {}", scene.order.order_id)]
}

fn prolonged_payment(scene: &Scene) -> Vec<String> {
    let paying = scene.as_held(&scene.paying, 0);
    vec![paying.queue_row("paying", Some(paying.order_id()))]
}

fn ticket_key(scene: &Scene) -> String {
    format!("section_id = 0 AND {}", scene.key_of(&scene.free, 0))
}

fn renamed_seat(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE tickets SET seat_name = '99' WHERE {}", ticket_key(scene))]
}

fn other_price(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE tickets SET price = 50.01 WHERE {}", ticket_key(scene))]
}

fn no_price(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE tickets SET price = 1e40 WHERE {}", ticket_key(scene))]
}

fn renamed_section(scene: &Scene) -> Vec<String> {
    let key = format!("event_id = {} AND section_id = 0", scene.event);
    vec![format!("UPDATE venue_sections SET name = 'B' WHERE {key}")]
}

fn other_digest(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE events SET layout_digest = 'x' WHERE event_id = {}", scene.event)]
}

fn other_slug(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE events SET slug = 'x' WHERE event_id = {}", scene.event)]
}

fn no_name(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE events SET name = null WHERE event_id = {}", scene.event)]
}

fn no_ticket(scene: &Scene) -> Vec<String> {
    vec![format!("DELETE FROM order_queue WHERE {}", scene.key_of(&scene.sold, 0))]
}

fn half_a_group(scene: &Scene) -> Vec<String> {
    vec![format!("DELETE FROM order_queue WHERE {}", scene.key_of(&scene.held, 0))]
}

fn cheap_order(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE orders SET amount = 0.01 WHERE order_id = {}", scene.order.order_id)]
}

fn other_reference(scene: &Scene) -> Vec<String> {
    let order = scene.order.order_id;
    vec![format!("UPDATE orders SET payment_reference = 'other' WHERE order_id = {order}")]
}

fn taken_away(scene: &Scene) -> Vec<String> {
    let thief = scene.stranger(&scene.held, 0, scene.held.started_at);
    vec![thief.hold_row(), thief.queue_row("held", None)]
}

fn sold_again(scene: &Scene) -> Vec<String> {
    let thief = scene.stranger(&scene.sold, 0, scene.sold.started_at);
    let order = thief.order_id();
    vec![
        thief.hold_row(),
        thief.order_row(),
        thief.queue_row("held", None),
        thief.queue_row("paying", Some(order)),
        thief.queue_row("sold", Some(order)),
    ]
}

fn too_many(scene: &Scene) -> Vec<String> {
    let mut greedy = scene.stranger(&scene.free, 0, scene.held.started_at);
    greedy.buyer = scene.held.buyer_id;
    let limit = format!("UPDATE events SET limit_per_buyer = 2 WHERE event_id = {}", scene.event);
    vec![limit, greedy.hold_row(), greedy.queue_row("held", None)]
}

/// An entry of the waitlist that joined so many seconds before the held tickets were held, and its
/// status since they are.
fn entry(scene: &Scene, number: u32, buyer: BuyerId, seconds: i64, status: &str) -> [String; 2] {
    let (event, size) = (scene.event, scene.held.tickets.len());
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let held = scene.held.started_at.as_millis() * 1_000;
    let joined = held - seconds * 1_000_000;
    [
        format!(
            "INSERT INTO waitlist (event_id, entry_id, session_id, buyer_id, size, status, attempt)
             VALUES ({event}, {id}, 'a session', {buyer}, {size}, 'waiting', 0)
             USING TIMESTAMP {joined}"
        ),
        format!(
            "UPDATE waitlist USING TIMESTAMP {held} SET {status}
              WHERE event_id = {event} AND entry_id = {id}"
        ),
    ]
}

fn offered(scene: &Scene) -> String {
    format!("status = 'offered', hold_id = {}", scene.held.hold_id)
}

fn jumped_the_line(scene: &Scene) -> Vec<String> {
    let in_front = entry(scene, 1, BuyerId::fresh(), 60, "status = 'waiting'");
    let served = entry(scene, 2, scene.held.buyer_id, 30, &offered(scene));
    [in_front, served].concat()
}

fn offered_to_another(scene: &Scene) -> Vec<String> {
    entry(scene, 1, BuyerId::fresh(), 60, &offered(scene)).into()
}

fn no_such_entry(scene: &Scene) -> Vec<String> {
    entry(scene, 1, BuyerId::fresh(), 60, "status = 'gone'").into()
}

fn paid_late(scene: &Scene) -> Vec<String> {
    let begun = scene.held.started_at.as_millis() - 1_000 * TIME_TO_PAY.as_secs().cast_signed();
    let late = scene.stranger(&scene.free, 0, tix::domain::Timestamp::from_millis(begun));
    let order = late.order_id();
    vec![late.hold_row(), late.queue_row("held", None), late.queue_row("paying", Some(order))]
}

fn given_up_early(scene: &Scene) -> Vec<String> {
    vec![
        format!("UPDATE holds SET ended_as = 'aborted' WHERE hold_id = {}", scene.paying.hold_id),
        format!("DELETE FROM order_queue WHERE {}", scene.key_of(&scene.paying, 0)),
    ]
}

fn freed_for_nothing(scene: &Scene) -> Vec<String> {
    vec![format!("DELETE FROM order_queue WHERE {}", scene.key_of(&scene.free, 0))]
}

fn blocked_while_held(scene: &Scene) -> Vec<String> {
    let key = scene.key_of(&scene.held, 0);
    vec![format!(
        "UPDATE order_queue SET status = 'blocked', hold_id = null, session_id = null, buyer_id = \
         null, expires_at = null, reason = 'broken' WHERE {key}"
    )]
}

fn prolonged(scene: &Scene) -> Vec<String> {
    let (hold, until) = (scene.held.hold_id, scene.held.expires_at.as_millis() + 1_000);
    vec![format!("UPDATE holds SET expires_at = {until} WHERE hold_id = {hold}")]
}

fn prolonged_row(scene: &Scene) -> Vec<String> {
    let mut longer = scene.as_held(&scene.held, 0);
    longer.until += 1_000;
    vec![longer.queue_row("held", None)]
}

fn no_hold(scene: &Scene) -> Vec<String> {
    vec![format!("DELETE FROM holds WHERE hold_id = {}", scene.sold.hold_id)]
}

fn other_buyer(scene: &Scene) -> Vec<String> {
    let (hold, buyer) = (scene.held.hold_id, BuyerId::fresh());
    vec![format!("UPDATE holds SET buyer_id = {buyer} WHERE hold_id = {hold}")]
}

fn no_minted_ticket(scene: &Scene) -> Vec<String> {
    let (event, ticket) = (scene.event, scene.free.tickets[0]);
    let key = format!("event_id = {event} AND section_id = 0 AND ticket_id = {ticket}");
    vec![format!("DELETE FROM tickets WHERE {key}")]
}

fn more_promised(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE events SET tickets = 99 WHERE event_id = {}", scene.event)]
}

fn not_minted(scene: &Scene) -> Vec<String> {
    let mut nowhere = scene.as_held(&scene.held, 0);
    nowhere.ticket = tix::domain::TicketId::of_seat(scene.event, "A", "9", "9");
    vec![nowhere.queue_row("held", None)]
}

fn no_such_status(scene: &Scene) -> Vec<String> {
    vec![scene.as_held(&scene.held, 0).queue_row("gone", None)]
}

fn no_such_order_status(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE orders SET status = 'gone' WHERE order_id = {}", scene.order.order_id)]
}

fn one_column(scene: &Scene) -> Vec<String> {
    vec![format!("UPDATE order_queue SET reason = 'why' WHERE {}", scene.key_of(&scene.held, 0))]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_that_is_broken_by_hand_is_found() {
    let Some(stage) = scene::Stage::new("tix_tampered").await else { return };
    let mut covered = BTreeSet::new();
    let cases = CASES.iter().map(|(what, tamper, rule)| {
        covered.insert(*rule);
        let stage = &stage;
        async move {
            let scene = stage.play().await;
            assert_eq!(scene.broken(&[]).await, BTreeSet::new(), "before: {what}");
            for statement in tamper(&scene) {
                scene.run(&statement).await;
            }
            let found = scene.broken(&[]).await;
            assert!(found.contains(*rule), "{what}: {found:?}");
        }
    });
    let cases: Vec<_> = cases.collect();
    join_all(cases).await;
    // The other rules are about the log and about what buyers were told: see below.
    let all: BTreeSet<_> = tix::audit::findings::Rule::ALL.iter().map(|rule| rule.name()).collect();
    let rest: Vec<_> = all.difference(&covered).copied().collect();
    assert_eq!(rest, ["acknowledged", "log_in_order", "log_matches_state", "log_unbroken"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_is_missing_from_the_log_is_found() {
    let Some(stage) = scene::Stage::new("tix_tampered").await else { return };
    let scene = stage.play().await;
    scene.forget_entries(&scene.blocked, |_| true).await;
    assert_eq!(scene.broken(&[]).await, BTreeSet::from(["log_matches_state"]));

    // A hold that goes on after a payment was declined sets some columns and nulls others, which
    // makes two rows, of which the second is missing.
    let scene = stage.play().await;
    scene.forget_entries(&scene.held, |entry| entry.number > 0).await;
    let found = scene.broken(&[]).await;
    assert!(found.contains("log_unbroken"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_logged_twice_is_one_write() {
    let Some(stage) = scene::Stage::new("tix_tampered").await else { return };
    let scene = stage.play().await;
    scene.repeat_block().await;
    assert_eq!(scene.broken(&[]).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_buyer_was_told_is_stored() {
    let Some(stage) = scene::Stage::new("tix_tampered").await else { return };
    let scene = stage.play().await;
    let held = Answer::Held { from: scene.held.started_at, until: scene.held.expires_at };
    let order_id = scene.order.order_id;
    let paid = Answer::Paid { order_id, amount_minor: scene.order.amount.minor() };
    let told = [scene.told(&scene.held, held), scene.told(&scene.sold, paid)];
    assert_eq!(scene.broken(&told).await, BTreeSet::new());

    // Nobody was told of a claim that was withdrawn, and of which a late statement left a ticket held.
    let late = scene.stranger(&scene.free, 0, scene.held.started_at);
    scene.run(&late.queue_row("held", None)).await;
    assert_eq!(scene.broken(&told).await, BTreeSet::new());
    // A claim that was made anew under the same id.
    let mut earlier = scene.as_held(&scene.paying, 0);
    (earlier.from, earlier.until) = (earlier.from - 5_000, earlier.until - 5_000);
    earlier.ticket = tix::domain::TicketId::of_seat(scene.event, "A", "1", "12");
    scene.run(&earlier.queue_row("held", None)).await;
    scene.run(&format!("DELETE FROM order_queue WHERE {}", earlier.key())).await;
    assert_eq!(scene.broken(&told).await, BTreeSet::new());

    // A hold that somebody was told of, and that has begun to pay, is not to be lost.
    let lost = BTreeSet::from(["acknowledged", "orders_legal", "row_has_hold"]);
    scene.run(&format!("DELETE FROM holds WHERE hold_id = {}", scene.held.hold_id)).await;
    assert_eq!(scene.broken(&told).await, lost);
    let scene = stage.play().await;
    let held = Answer::Held { from: scene.held.started_at, until: scene.held.expires_at };
    let told = [scene.told(&scene.held, held)];

    let other = Told { hold_id: HoldId::fresh(), ..told[0].clone() };
    assert_eq!(scene.broken(&[other]).await, BTreeSet::from(["acknowledged"]));
    let order_id = OrderId::of_payment(scene.held.hold_id, &"other".parse().unwrap());
    let never = scene.told(&scene.held, Answer::Paid { order_id, amount_minor: 1 });
    assert_eq!(scene.broken(&[never]).await, BTreeSet::from(["acknowledged"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_no_event_is_found() {
    let Some(stage) = scene::Stage::new("tix_strays").await else { return };
    let scene = stage.play().await;
    stage.start_over().await;
    let scene = {
        drop(scene);
        stage.play().await
    };
    assert!(scene.audit_of_all().await.passed);
    scene.run(&format!("DELETE FROM events WHERE event_id = {}", scene.event)).await;
    let report = scene.audit_of_all().await;
    let rules: BTreeSet<_> = report.violations.iter().map(|v| v.rule).collect();
    assert_eq!(rules, BTreeSet::from(["conservation"]));
    let told = |what: &str| report.violations.iter().any(|v| v.detail.contains(what));
    assert!(told("order_queue") && told("a hold") && told("an order") && told("the log"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_begins_in_the_middle_is_no_fault() {
    let Some(stage) = scene::Stage::new("tix_forgetful").await else { return };
    let scene = stage.play().await;
    let whole = scene.audit().await.log.unwrap();
    assert!(whole.whole);
    // The log now keeps its entries for so short that only the last ones are there.
    scene.run("ALTER TABLE order_queue WITH cdc = {'enabled': true, 'ttl': 2}").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    scene.go_on().await;
    let report = scene.audit().await;
    assert_eq!(report.violations, []);
    let log = report.log.unwrap();
    assert!(!log.whole && log.entries < whole.entries, "{log:?}");
    scene.run("ALTER TABLE order_queue WITH cdc = {'enabled': true, 'ttl': 604800}").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_was_not_followed_is_said_and_no_fault() {
    let Some(stage) = scene::Stage::new("tix_tampered").await else { return };
    let scene = stage.play().await;
    // Somebody decided that the payment is through, and died before the ticket was sold.
    let mut decided = scene.as_held(&scene.paying, 0);
    decided.reference = "card".into();
    scene.run(&decided.order_row()).await;
    let report = scene.audit().await;
    assert_eq!(report.violations, []);
    assert_eq!(report.unfinished, 1);

    // Somebody gave up a hold, and died before its tickets came free.
    let scene = stage.play().await;
    let hold = scene.held.hold_id;
    scene.run(&format!("UPDATE holds SET ended_as = 'abandoned' WHERE hold_id = {hold}")).await;
    let report = scene.audit().await;
    assert_eq!((report.violations, report.unfinished), (vec![], 2));
}
