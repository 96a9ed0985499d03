//! Waiting for tickets to come free.

use std::sync::Arc;
use std::time::Duration;

use tix::domain::{
    EntryId, HoldStatus, NewEntry, TicketStatus, WaitlistEntry, WaitlistStatus, Wish,
};
use tix::repository::{PaymentOutcome, PaymentStart, Result};
use uuid::Uuid;

use crate::world::{Buyer, MOMENT, PAYMENT_TIME, TIME_TO_PAY, World, buyer, code};

/// Every seat of the world, by section.
fn seats(section: &str) -> Vec<String> {
    let (rows, seats) = if section == "A" { (4, 10) } else { (2, 5) };
    (1..=rows)
        .flat_map(|row| (1..=seats).map(move |seat| (row, seat)))
        .map(|(row, seat)| format!("{section}/{row}/{seat}"))
        .collect()
}

/// Keeps every seat from the sale but these.
async fn only(world: &World, open: &[&str]) {
    let all = [seats("A"), seats("B")].concat();
    let closed: Vec<&str> =
        all.iter().map(String::as_str).filter(|seat| !open.contains(seat)).collect();
    let tickets = world.tickets(&closed).await;
    world.repository.block(world.event, &tickets, "not in this story").await.unwrap();
}

fn any(size: u32) -> Wish {
    Wish { section: None, ticket_type: None, size }
}

fn in_section(section: &str, size: u32) -> Wish {
    Wish { section: Some(section.into()), ..any(size) }
}

fn entry(world: &World, who: &Buyer, wish: Wish) -> NewEntry {
    NewEntry {
        entry_id: EntryId::fresh(),
        event_id: world.event,
        session_id: who.session.clone(),
        buyer_id: who.buyer,
        wish,
    }
}

async fn try_join(world: &World, who: &Buyer, wish: Wish) -> Result<WaitlistEntry> {
    world.repository.join_waitlist(&entry(world, who, wish)).await
}

async fn join(world: &World, who: &Buyer, wish: Wish) -> WaitlistEntry {
    try_join(world, who, wish).await.unwrap()
}

/// The entry as it is now.
async fn now(world: &World, entry: &WaitlistEntry) -> WaitlistEntry {
    let line = world.repository.waitlist(world.event).await.unwrap();
    line.into_iter().find(|other| other.entry_id == entry.entry_id).unwrap()
}

/// Checks that an entry is offered exactly these seats, in its own session and with its own time.
async fn assert_offered(world: &World, entry: &WaitlistEntry, seats: &[&str]) -> tix::domain::Hold {
    let entry = now(world, entry).await;
    assert_eq!(entry.status, WaitlistStatus::Offered, "{entry:?}");
    assert_eq!(entry.place, None);
    let hold = world.repository.hold(entry.hold_id.unwrap()).await.unwrap();
    let labels: Vec<String> = hold.tickets.iter().map(|t| t.label.to_string()).collect();
    assert_eq!(labels, seats);
    assert_eq!(hold.status, HoldStatus::Held);
    assert_eq!((&hold.session_id, hold.buyer_id), (&entry.session_id, entry.buyer_id));
    assert_eq!(hold.expires_at, hold.started_at.plus(TIME_TO_PAY));
    hold
}

async fn assert_waits(world: &World, entry: &WaitlistEntry, place: u64) {
    let entry = now(world, entry).await;
    assert_eq!((entry.status, entry.place), (WaitlistStatus::Waiting, Some(place)));
    assert_eq!((entry.hold_id, entry.offered_at), (None, None));
}

pub(crate) async fn whoever_joins_is_offered_at_once_what_is_available(world: &World) {
    only(world, &["A/1/1", "A/1/2"]).await;
    let ann = join(world, &buyer("ann"), any(2)).await;
    assert_offered(world, &ann, &["A/1/1", "A/1/2"]).await;
    assert_eq!(code(world.try_hold(&buyer("bob"), &["A/1/1"]).await), "taken");
}

pub(crate) async fn what_comes_free_goes_to_the_first_in_line(world: &World) {
    only(world, &["A/1/1"]).await;
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let bob = join(world, &buyer("bob"), any(1)).await;
    let cleo = join(world, &buyer("cleo"), any(1)).await;
    assert_waits(world, &bob, 1).await;
    assert_waits(world, &cleo, 2).await;
    world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    let offer = assert_offered(world, &bob, &["A/1/1"]).await;
    assert_waits(world, &cleo, 1).await;
    assert_eq!(code(world.try_hold(&buyer("dan"), &["A/1/1"]).await), "taken");
    // Paid for like every hold.
    world.pay(&buyer("bob"), &offer, "card").await;
    assert_eq!(now(world, &bob).await.status, WaitlistStatus::Bought);
    assert_eq!(world.status("A/1/1").await, TicketStatus::Sold);
    assert_waits(world, &cleo, 1).await;
}

pub(crate) async fn a_claimant_who_meets_a_lapsed_hold_leaves_it_to_the_line(world: &World) {
    only(world, &["A/1/1"]).await;
    world.hold(&buyer("ann"), &["A/1/1"]).await;
    let bob = join(world, &buyer("bob"), any(1)).await;
    world.pass(TIME_TO_PAY);
    let walk_up = world.try_hold(&buyer("dan"), &["A/1/1"]).await;
    assert_eq!(code(walk_up), "reserved_for_waitlist");
    assert_offered(world, &bob, &["A/1/1"]).await;
}

pub(crate) async fn whoever_serves_the_line_hands_out_what_lapsed(world: &World) {
    only(world, &["A/1/1", "A/1/2", "B/1/1"]).await;
    world.hold(&buyer("ann"), &["A/1/1", "A/1/2"]).await;
    world.hold(&buyer("ann"), &["B/1/1"]).await;
    let bob = join(world, &buyer("bob"), any(2)).await;
    let cleo = join(world, &buyer("cleo"), any(1)).await;
    assert_eq!(world.repository.serve_waitlist(world.event).await.unwrap(), []);
    world.pass(TIME_TO_PAY);
    world.settle();
    let offers = world.repository.serve_waitlist(world.event).await.unwrap();
    let served: Vec<EntryId> = offers.iter().map(|offer| offer.entry_id).collect();
    assert_eq!(served, [bob.entry_id, cleo.entry_id], "in the order of the line");
    let hold = assert_offered(world, &bob, &["A/1/1", "A/1/2"]).await;
    assert_eq!(offers[0].hold_id, hold.hold_id);
    assert_eq!(offers[0].tickets.len(), 2);
    assert_offered(world, &cleo, &["B/1/1"]).await;
}

pub(crate) async fn a_refund_hands_its_tickets_to_the_line(world: &World) {
    only(world, &["A/1/1", "A/1/2"]).await;
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    let order = world.pay(&ann, &hold, "card").await;
    let bob = join(world, &buyer("bob"), any(1)).await;
    let cleo = join(world, &buyer("cleo"), any(1)).await;
    world.repository.begin_refund(order.order_id).await.unwrap();
    assert_offered(world, &bob, &["A/1/2"]).await;
    assert_offered(world, &cleo, &["A/1/1"]).await;
    let hold = world.repository.hold(hold.hold_id).await.unwrap();
    assert_eq!(hold.status, HoldStatus::Refunded);
}

/// The only seat is being paid for, and Bob waits for it.
async fn paying_and_waiting(world: &World) -> (tix::domain::Hold, WaitlistEntry) {
    only(world, &["A/1/1"]).await;
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    world.begin(&ann, &hold, "card").await.unwrap();
    (hold, join(world, &buyer("bob"), any(1)).await)
}

pub(crate) async fn a_late_decline_hands_its_tickets_to_the_line(world: &World) {
    let (hold, bob) = paying_and_waiting(world).await;
    world.pass(TIME_TO_PAY);
    world.record(&hold, "card", PaymentOutcome::Declined).await;
    assert_offered(world, &bob, &["A/1/1"]).await;
}

pub(crate) async fn a_decline_in_time_frees_nothing(world: &World) {
    only(world, &["A/1/1"]).await;
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let bob = join(world, &buyer("bob"), any(1)).await;
    world.begin(&ann, &hold, "card").await.unwrap();
    world.record(&hold, "card", PaymentOutcome::Declined).await;
    assert_waits(world, &bob, 1).await;
    world.pay(&ann, &hold, "another card").await;
}

pub(crate) async fn a_payment_that_is_given_up_hands_its_tickets_to_the_line(world: &World) {
    let (hold, bob) = paying_and_waiting(world).await;
    world.pass(PAYMENT_TIME);
    // Whoever meets it gives it up, but not for himself.
    let walk_up = world.try_hold(&buyer("dan"), &["A/1/1"]).await;
    assert_eq!(code(walk_up), "reserved_for_waitlist");
    let offer = assert_offered(world, &bob, &["A/1/1"]).await;
    // The late answer of the provider does not take it from him.
    world.record(&hold, "card", PaymentOutcome::Captured).await;
    assert!(matches!(
        world.begin(&buyer("bob"), &offer, "bob's card").await.unwrap(),
        PaymentStart::Pay { .. }
    ));
}

pub(crate) async fn recovery_hands_tickets_to_the_line(world: &World) {
    let (_, bob) = paying_and_waiting(world).await;
    world.pass(PAYMENT_TIME);
    world.repository.recover_payments(world.event).await.unwrap();
    assert_offered(world, &bob, &["A/1/1"]).await;
}

pub(crate) async fn what_is_unblocked_goes_to_the_line(world: &World) {
    only(world, &[]).await;
    let bob = join(world, &buyer("bob"), any(1)).await;
    let tickets = world.tickets(&["A/1/1", "A/1/2"]).await;
    assert_eq!(world.repository.unblock(world.event, &tickets).await.unwrap(), 2);
    assert_offered(world, &bob, &["A/1/2"]).await;
    // What nobody in line wants is free for everybody.
    assert_eq!(world.status("A/1/1").await, TicketStatus::Available);
    world.hold(&buyer("dan"), &["A/1/1"]).await;
}

pub(crate) async fn a_group_is_passed_over_where_it_does_not_fit(world: &World) {
    only(world, &["A/1/1", "A/1/2", "A/3/5"]).await;
    let (ann, eve) = (buyer("ann"), buyer("eve"));
    let single = world.hold(&ann, &["A/3/5"]).await;
    let pair = world.hold(&eve, &["A/1/1", "A/1/2"]).await;
    let group = join(world, &buyer("group"), any(2)).await;
    let other = join(world, &buyer("other"), in_section("B", 2)).await;
    let alone = join(world, &buyer("alone"), any(1)).await;
    world.repository.abandon(single.hold_id, &ann.session).await.unwrap();
    assert_offered(world, &alone, &["A/3/5"]).await;
    assert_waits(world, &group, 1).await;
    assert_eq!(now(world, &group).await.passed_over, 1);
    assert_eq!(now(world, &other).await.passed_over, 0, "it would not have liked it");
    world.pass(Duration::from_millis(2));
    world.repository.abandon(pair.hold_id, &eve.session).await.unwrap();
    assert_offered(world, &group, &["A/1/1", "A/1/2"]).await;
    assert_eq!(now(world, &group).await.passed_over, 1, "it is still known");
    assert_waits(world, &other, 1).await;
}

pub(crate) async fn tickets_of_two_who_give_up_make_room_for_a_group(world: &World) {
    only(world, &["A/1/1", "A/1/2", "A/1/3"]).await;
    let (ann, eve) = (buyer("ann"), buyer("eve"));
    let first = world.hold(&ann, &["A/1/1"]).await;
    let rest = world.hold(&eve, &["A/1/2", "A/1/3"]).await;
    let group = join(world, &buyer("group"), any(3)).await;
    world.repository.abandon(first.hold_id, &ann.session).await.unwrap();
    assert_waits(world, &group, 1).await;
    assert_eq!(world.status("A/1/1").await, TicketStatus::Available);
    world.repository.abandon(rest.hold_id, &eve.session).await.unwrap();
    assert_offered(world, &group, &["A/1/1", "A/1/2", "A/1/3"]).await;
}

pub(crate) async fn a_wish_for_a_section_or_type_is_met_with_nothing_else(world: &World) {
    only(world, &["A/1/1", "B/1/1"]).await;
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1", "B/1/1"]).await;
    let of_type = |ticket_type: &str| Wish { ticket_type: Some(ticket_type.into()), ..any(1) };
    let vip = join(world, &buyer("vip"), of_type("VIP")).await;
    let in_b = join(world, &buyer("in b"), in_section("B", 1)).await;
    let regular = join(world, &buyer("regular"), of_type("regular")).await;
    world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    assert_offered(world, &in_b, &["B/1/1"]).await;
    assert_offered(world, &regular, &["A/1/1"]).await;
    assert_waits(world, &vip, 1).await;
}

pub(crate) async fn an_offer_that_lapses_goes_on_to_the_next(world: &World) {
    only(world, &["A/1/1"]).await;
    let bob = join(world, &buyer("bob"), any(1)).await;
    let cleo = join(world, &buyer("cleo"), any(1)).await;
    let offer = assert_offered(world, &bob, &["A/1/1"]).await;
    world.pass(TIME_TO_PAY);
    assert_eq!(code(world.begin(&buyer("bob"), &offer, "card").await), "expired");
    assert_eq!(now(world, &bob).await.status, WaitlistStatus::Lapsed);
    let walk_up = world.try_hold(&buyer("dan"), &["A/1/1"]).await;
    assert_eq!(code(walk_up), "reserved_for_waitlist");
    let offer = assert_offered(world, &cleo, &["A/1/1"]).await;
    assert_eq!(now(world, &bob).await.status, WaitlistStatus::Lapsed, "it had its turn");
    // Given up by hand, it goes on as well; nobody waits any more.
    world.repository.abandon(offer.hold_id, &offer.session_id).await.unwrap();
    assert_eq!(now(world, &cleo).await.status, WaitlistStatus::Declined);
    world.hold(&buyer("dan"), &["A/1/1"]).await;
}

pub(crate) async fn whoever_leaves_is_offered_nothing(world: &World) {
    only(world, &["A/1/1"]).await;
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let (bob, cleo) = (buyer("bob"), buyer("cleo"));
    let first = join(world, &bob, any(1)).await;
    let second = join(world, &cleo, any(1)).await;
    let leave = async |entry: &WaitlistEntry, who: &Buyer| {
        world.repository.leave_waitlist(entry.entry_id, &who.session).await
    };
    assert_eq!(code(leave(&first, &cleo).await), "not_yours");
    let left = leave(&first, &bob).await.unwrap();
    assert_eq!((left.status, left.place), (WaitlistStatus::Left, None));
    assert_eq!(leave(&first, &bob).await.unwrap(), left, "leaving again succeeds");
    assert_waits(world, &second, 1).await;
    world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    let offer = assert_offered(world, &second, &["A/1/1"]).await;
    assert_eq!(now(world, &first).await.status, WaitlistStatus::Left);
    // Whoever leaves with an offer in hand gives it up.
    let third = join(world, &buyer("dan"), any(1)).await;
    let declined = leave(&second, &cleo).await.unwrap();
    assert_eq!(declined.status, WaitlistStatus::Declined);
    let hold = world.repository.hold(offer.hold_id).await.unwrap();
    assert_eq!(hold.status, HoldStatus::Abandoned);
    let offer = assert_offered(world, &third, &["A/1/1"]).await;
    world.pay(&buyer("dan"), &offer, "card").await;
    assert_eq!(code(leave(&third, &buyer("dan")).await), "already_paid");
    let unknown = EntryId::from_uuid(Uuid::from_u128(7));
    let left = world.repository.leave_waitlist(unknown, &bob.session).await;
    assert_eq!(code(left), "unknown_hold");
}

pub(crate) async fn joining_again_keeps_the_place(world: &World) {
    only(world, &[]).await;
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let new = entry(world, &ann, any(2));
    let first = world.repository.join_waitlist(&new).await.unwrap();
    join(world, &bob, any(1)).await;
    world.pass(MOMENT);
    assert_eq!(world.repository.join_waitlist(&new).await.unwrap(), first);
    assert_eq!(world.repository.waitlist(world.event).await.unwrap().len(), 2);
    let stolen = NewEntry { session_id: bob.session.clone(), buyer_id: bob.buyer, ..new.clone() };
    assert_eq!(code(world.repository.join_waitlist(&stolen).await), "idempotency_mismatch");
    let other = NewEntry { wish: any(1), ..new };
    assert_eq!(code(world.repository.join_waitlist(&other).await), "idempotency_mismatch");
}

pub(crate) async fn whoever_asks_is_told_of_the_offers_he_asked_for(world: &World) {
    only(world, &["A/1/1", "B/1/1"]).await;
    let first = join(world, &buyer("ann"), any(1)).await.entry_id;
    let lapsed = join(world, &buyer("bob"), any(1)).await;
    let waits = join(world, &buyer("cleo"), any(2)).await.entry_id;
    let unknown = EntryId::from_uuid(Uuid::from_u128(7));
    let offers = async |asked: &[EntryId]| {
        let offers = world.repository.offers_to(world.event, asked).await.unwrap();
        offers.into_iter().collect::<std::collections::HashMap<_, _>>()
    };
    assert_eq!(offers(&[]).await, [].into());
    assert_eq!(offers(&[waits, unknown]).await, [].into());
    let offer = (lapsed.entry_id, lapsed.hold_id.unwrap());
    assert_eq!(offers(&[waits, lapsed.entry_id]).await, [offer].into());
    world.pass(TIME_TO_PAY);
    let both = offers(&[lapsed.entry_id, waits, first]).await;
    assert_eq!((both.len(), both.get(&offer.0)), (2, Some(&offer.1)), "also once it is over");
}

pub(crate) async fn the_limit_holds_for_those_who_wait(world: &World) {
    let nine: Vec<String> = (1..=9).map(|seat| format!("A/2/{seat}")).collect();
    let nine: Vec<&str> = nine.iter().map(String::as_str).collect();
    only(world, &[nine.as_slice(), &["A/1/1"]].concat()).await;
    let (ann, dan) = (buyer("ann"), buyer("dan"));
    let nine = world.hold(&ann, &nine).await;
    let single = world.hold(&dan, &["A/1/1"]).await;
    assert_eq!(code(try_join(world, &ann, any(2)).await), "limit");
    let first = join(world, &ann, in_section("A", 1)).await;
    let second = join(world, &buyer("cleo"), in_section("A", 1)).await;
    // Meanwhile the first in line comes to own as many as she may.
    let extra = world.tickets(&["B/1/1"]).await;
    world.repository.unblock(world.event, &extra).await.unwrap();
    world.hold(&ann, &["B/1/1"]).await;
    world.repository.abandon(single.hold_id, &dan.session).await.unwrap();
    assert_offered(world, &second, &["A/1/1"]).await;
    assert_waits(world, &first, 1).await;
    assert_eq!(now(world, &first).await.passed_over, 0, "her group would have fitted");
    // What she gives up herself makes room for her, too.
    world.repository.abandon(nine.hold_id, &ann.session).await.unwrap();
    assert_eq!(now(world, &first).await.status, WaitlistStatus::Offered);
}

pub(crate) async fn who_waits_and_claims_owns_no_more_than_the_limit(world: &World) {
    let eight: Vec<String> = (1..=8).map(|seat| format!("A/2/{seat}")).collect();
    let eight: Vec<&str> = eight.iter().map(String::as_str).collect();
    let lapsing = ["A/1/1", "A/1/2", "A/1/3", "A/1/4"];
    only(world, &[eight.as_slice(), &lapsing].concat()).await;
    world.hold(&buyer("bob"), &lapsing).await;
    world.pass(TIME_TO_PAY - MOMENT);
    let ann = buyer("ann");
    world.hold(&ann, &eight).await;
    let entry = join(world, &ann, any(2)).await;
    assert_waits(world, &entry, 1).await;
    world.pass(MOMENT);
    // Her claim meets what lapsed, of which the better half goes to herself, who waits.
    assert_eq!(code(world.try_hold(&ann, &["A/1/1", "A/1/2"]).await), "limit");
    assert_offered(world, &entry, &["A/1/3", "A/1/4"]).await;
    world.hold(&buyer("dan"), &["A/1/1", "A/1/2"]).await;
}

pub(crate) async fn what_cannot_be_waited_for_is_refused(world: &World) {
    let ann = buyer("ann");
    assert_eq!(code(try_join(world, &ann, in_section("Z", 1)).await), "unknown_seat");
    let nowhere = NewEntry {
        event_id: tix::domain::EventId::of_slug(&world.slug("nowhere")),
        ..entry(world, &ann, any(1))
    };
    assert_eq!(code(world.repository.join_waitlist(&nowhere).await), "unknown_event");
    assert_eq!(world.repository.waitlist(world.event).await.unwrap(), []);
}

/// Frees ten tickets at once, each by a hand of its own, while others serve and join the line.
pub(crate) async fn many_helpers_at_once_serve_each_entry_once(world: &World) {
    let world = &world.for_a_crowd().await;
    let row: Vec<String> = (1..=10).map(|seat| format!("A/1/{seat}")).collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    only(world, &row).await;
    let mut holds = Vec::new();
    for seat in &row {
        holds.push(world.hold(&buyer(&format!("holder of {seat}")), &[seat]).await);
    }
    let mut line = Vec::new();
    for number in 0..6 {
        line.push(join(world, &buyer(&format!("waits {number}")), any(1)).await);
    }
    let mut hands = tokio::task::JoinSet::new();
    for hold in holds {
        let store = Arc::clone(&world.repository);
        hands.spawn(async move {
            store.abandon(hold.hold_id, &hold.session_id).await.unwrap();
        });
    }
    for number in 0..4 {
        let (store, event) = (Arc::clone(&world.repository), world.event);
        let late = entry(world, &buyer(&format!("late {number}")), any(1));
        hands.spawn(async move {
            store.serve_waitlist(event).await.unwrap();
        });
        let store = Arc::clone(&world.repository);
        hands.spawn(async move {
            store.join_waitlist(&late).await.unwrap();
        });
    }
    hands.join_all().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.repository.serve_waitlist(world.event).await.unwrap();
    let line = world.repository.waitlist(world.event).await.unwrap();
    assert_eq!(line.len(), 10);
    let mut seats = Vec::new();
    for entry in line {
        assert_eq!(entry.status, WaitlistStatus::Offered, "{entry:?}");
        let hold = world.repository.hold(entry.hold_id.unwrap()).await.unwrap();
        assert_eq!((hold.status, &hold.session_id), (HoldStatus::Held, &entry.session_id));
        seats.extend(hold.tickets.iter().map(|ticket| ticket.label.to_string()));
    }
    seats.sort();
    let mut row = row;
    row.sort_unstable();
    assert_eq!(seats, row, "each ticket to one, none left");
}
