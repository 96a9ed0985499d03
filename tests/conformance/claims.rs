//! Claiming and giving up.

use tix::domain::{HoldId, HoldStatus, NewHold, Refusal, TicketId, TicketStatus};
use uuid::Uuid;

use crate::world::{MOMENT, TIME_TO_PAY, World, buyer, code, elsewhere, refusal};

pub(crate) async fn a_claim_gives_every_ticket_asked_for_until_the_deadline(world: &World) {
    let ann = buyer("ann");
    let claim = world.claim(&ann, &["A/1/2", "A/1/1"]).await;
    let hold = world.repository.start_hold(&claim).await.unwrap();
    assert_eq!(hold.hold_id, claim.hold_id);
    assert_eq!(hold.expires_at, hold.started_at.plus(TIME_TO_PAY));
    let labels: Vec<String> = hold.tickets.iter().map(|t| t.label.to_string()).collect();
    assert_eq!(labels, ["A/1/1", "A/1/2"], "in the order of the venue");
    assert_eq!(world.repository.hold(hold.hold_id).await.unwrap(), hold);
    assert_eq!(world.status("A/1/1").await, TicketStatus::Held);
    assert_eq!(world.status("A/1/3").await, TicketStatus::Available);
}

pub(crate) async fn a_ticket_that_is_held_is_taken_for_everybody_else(world: &World) {
    let hold = world.hold(&buyer("ann"), &["A/1/1"]).await;
    match refusal(world.try_hold(&buyer("bob"), &["A/1/1"]).await) {
        Refusal::Taken { in_the_way } => {
            assert_eq!(in_the_way.len(), 1, "{in_the_way:?}");
            assert_eq!(in_the_way[0].seat, hold.tickets[0].label);
            assert_eq!(in_the_way[0].until, Some(hold.expires_at));
        }
        other => panic!("{other:?}"),
    }
    // Not even the same buyer gets it again.
    assert_eq!(code(world.try_hold(&buyer("ann"), &["A/1/1"]).await), "taken");
}

pub(crate) async fn a_group_gets_all_of_its_tickets_or_none(world: &World) {
    world.hold(&buyer("ann"), &["A/1/2"]).await;
    let party = ["A/1/1", "A/1/2", "A/1/3"];
    match refusal(world.try_hold(&buyer("bob"), &party).await) {
        Refusal::Taken { in_the_way } => assert_eq!(in_the_way.len(), 1, "{in_the_way:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.status("A/1/1").await, TicketStatus::Available);
    assert_eq!(world.status("A/1/3").await, TicketStatus::Available);
}

pub(crate) async fn a_lapsed_hold_is_taken_over_with_no_sweeper_running(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let lapsed = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.pass(TIME_TO_PAY);
    assert_eq!(world.status("A/1/1").await, TicketStatus::Available, "it reads as available");
    let hold = world.hold(&bob, &["A/1/1"]).await;
    assert_eq!(world.repository.hold(hold.hold_id).await.unwrap().status, HoldStatus::Held);
    let lapsed = world.repository.hold(lapsed.hold_id).await.unwrap();
    assert_eq!(lapsed.status, HoldStatus::Expired);
    assert_eq!(code(world.begin(&ann, &lapsed, "card").await), "expired");
}

pub(crate) async fn before_the_deadline_nobody_takes_over(world: &World) {
    world.hold(&buyer("ann"), &["A/1/1"]).await;
    world.pass(TIME_TO_PAY - MOMENT);
    assert_eq!(code(world.try_hold(&buyer("bob"), &["A/1/1"]).await), "taken");
}

pub(crate) async fn the_repeat_of_a_claim_gets_the_same_answer(world: &World) {
    let all_ten: Vec<String> = (1..=10).map(|seat| format!("A/1/{seat}")).collect();
    let all_ten: Vec<&str> = all_ten.iter().map(String::as_str).collect();
    let claim = world.claim(&buyer("ann"), &all_ten).await;
    let first = world.repository.start_hold(&claim).await.unwrap();
    world.pass(MOMENT);
    // Neither `taken` by himself, nor over the limit because of himself, nor prolonged.
    assert_eq!(world.repository.start_hold(&claim).await.unwrap(), first);
}

pub(crate) async fn the_repeat_of_a_claim_whose_time_is_over_is_refused(world: &World) {
    let ann = buyer("ann");
    let claim = world.claim(&ann, &["A/1/1"]).await;
    let hold = world.repository.start_hold(&claim).await.unwrap();
    world.pass(TIME_TO_PAY);
    assert_eq!(code(world.repository.start_hold(&claim).await), "expired");
    let claim = world.claim(&ann, &["A/1/1"]).await;
    world.repository.start_hold(&claim).await.unwrap();
    world.repository.abandon(claim.hold_id, &ann.session).await.unwrap();
    assert_eq!(code(world.repository.start_hold(&claim).await), "expired");
    assert_eq!(world.repository.hold(hold.hold_id).await.unwrap().status, HoldStatus::Expired);
    assert_eq!(world.status("A/1/1").await, TicketStatus::Available);
}

pub(crate) async fn a_hold_id_of_another_session_is_a_mismatch(world: &World) {
    let claim = world.claim(&buyer("ann"), &["A/1/1"]).await;
    world.repository.start_hold(&claim).await.unwrap();
    let stolen = NewHold { hold_id: claim.hold_id, ..world.claim(&buyer("bob"), &["A/1/2"]).await };
    let answer = world.repository.start_hold(&stolen).await;
    assert_eq!(code(answer), "idempotency_mismatch");
    assert_eq!(world.status("A/1/2").await, TicketStatus::Available);
}

pub(crate) async fn another_claim_under_a_taken_hold_id_does_not_change_what_is_counted(
    world: &World,
) {
    let ann = buyer("ann");
    let row: Vec<String> = (1..=10).map(|seat| format!("A/1/{seat}")).collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    let hold = world.hold(&ann, &row).await;
    let fewer = NewHold { hold_id: hold.hold_id, ..world.claim(&ann, &["A/2/1"]).await };
    assert_eq!(code(world.repository.start_hold(&fewer).await), "idempotency_mismatch");
    assert_eq!(code(world.try_hold(&ann, &["A/3/1"]).await), "limit");
}

pub(crate) async fn the_repeat_of_a_claim_is_not_counted_longer_than_its_hold(world: &World) {
    let ann = buyer("ann");
    let row: Vec<String> = (1..=10).map(|seat| format!("A/1/{seat}")).collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    let claim = world.claim(&ann, &row).await;
    world.repository.start_hold(&claim).await.unwrap();
    world.pass(TIME_TO_PAY - MOMENT);
    world.repository.start_hold(&claim).await.unwrap();
    world.pass(MOMENT);
    assert_eq!(code(world.repository.start_hold(&claim).await), "expired");
    world.hold(&ann, &["A/2/1"]).await;
}

pub(crate) async fn a_claim_names_tickets_that_exist(world: &World) {
    let mut claim = world.claim(&buyer("ann"), &["A/1/1"]).await;
    let nowhere = TicketId::from_uuid(Uuid::from_u128(7));
    claim.tickets.push(nowhere);
    match refusal(world.repository.start_hold(&claim).await) {
        Refusal::UnknownSeat { seats } => assert_eq!(seats, [nowhere.to_string()]),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.status("A/1/1").await, TicketStatus::Available);
    claim.tickets.clear();
    assert_eq!(code(world.repository.start_hold(&claim).await), "unknown_seat");
    let seat = ["C/1/1".parse().unwrap(), "A/1/1".parse().unwrap(), "A/1/99".parse().unwrap()];
    match refusal(world.repository.find_seats(world.event, &seat).await) {
        Refusal::UnknownSeat { seats } => assert_eq!(seats, ["C/1/1", "A/1/99"]),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_ticket_named_twice_is_claimed_once(world: &World) {
    let hold = world.hold(&buyer("ann"), &["A/1/1", "A/1/1"]).await;
    assert_eq!(hold.tickets.len(), 1);
}

pub(crate) async fn the_limit_counts_all_sessions_of_a_buyer(world: &World) {
    let ann = buyer("ann");
    world.hold(&ann, &["A/1/1", "A/1/2", "A/1/3", "A/1/4", "A/1/5", "A/1/6"]).await;
    let phone = elsewhere(&ann, "ann's phone");
    let five = ["A/2/1", "A/2/2", "A/2/3", "A/2/4", "A/2/5"];
    match refusal(world.try_hold(&phone, &five).await) {
        Refusal::Limit { owned: 6, asked: 5, allowed: 10, .. } => {}
        other => panic!("{other:?}"),
    }
    world.hold(&phone, &five[..4]).await;
    assert_eq!(code(world.try_hold(&ann, &["B/1/1"]).await), "limit");
    world.hold(&buyer("bob"), &["B/1/1"]).await;
}

pub(crate) async fn a_lapsed_hold_does_not_count_towards_the_limit(world: &World) {
    let ann = buyer("ann");
    let row: Vec<String> = (1..=10).map(|seat| format!("A/1/{seat}")).collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    world.hold(&ann, &row).await;
    assert_eq!(code(world.try_hold(&ann, &["A/2/1"]).await), "limit");
    world.pass(TIME_TO_PAY);
    world.hold(&ann, &["A/2/1"]).await;
}

pub(crate) async fn a_refused_claim_leaves_nothing_behind(world: &World) {
    world.hold(&buyer("ann"), &["A/1/2"]).await;
    let claim = world.claim(&buyer("bob"), &["A/1/1", "A/1/2"]).await;
    assert_eq!(code(world.repository.start_hold(&claim).await), "taken");
    assert_eq!(code(world.repository.hold(claim.hold_id).await), "unknown_hold");
    let counts = world.repository.counts(world.event).await.unwrap();
    assert_eq!(counts.iter().map(|c| c.held).sum::<u64>(), 1);
}

pub(crate) async fn an_abandoned_ticket_is_free_at_once(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    let ended = world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    assert_eq!(ended.status, HoldStatus::Abandoned);
    world.hold(&buyer("bob"), &["A/1/1", "A/1/2"]).await;
}

pub(crate) async fn abandoning_again_succeeds(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let first = world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    let again = world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    assert_eq!(first, again);
}

pub(crate) async fn only_its_session_can_abandon_a_hold(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let other = elsewhere(&ann, "another session");
    assert_eq!(code(world.repository.abandon(hold.hold_id, &other.session).await), "not_yours");
    assert_eq!(world.status("A/1/1").await, TicketStatus::Held);
}

pub(crate) async fn a_late_abandon_does_not_touch_the_next_owner(world: &World) {
    let ann = buyer("ann");
    let lapsed = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.pass(TIME_TO_PAY);
    let next = world.hold(&buyer("bob"), &["A/1/1"]).await;
    world.repository.abandon(lapsed.hold_id, &ann.session).await.unwrap();
    assert_eq!(world.repository.hold(next.hold_id).await.unwrap().status, HoldStatus::Held);
    assert_eq!(world.status("A/1/2").await, TicketStatus::Available);
}

pub(crate) async fn an_unknown_hold_is_refused(world: &World) {
    let nobody = buyer("nobody");
    let hold = HoldId::fresh();
    assert_eq!(code(world.repository.hold(hold).await), "unknown_hold");
    assert_eq!(code(world.repository.abandon(hold, &nobody.session).await), "unknown_hold");
    let card = world.reference("card");
    let answer = world.repository.begin_payment(hold, &nobody.session, &card).await;
    assert_eq!(code(answer), "unknown_hold");
}

pub(crate) async fn running_holds_are_listed_by_their_deadline(world: &World) {
    let (ann, bob, eve) = (buyer("ann"), buyer("bob"), buyer("eve"));
    let lapsed = world.hold(&ann, &["A/1/1"]).await;
    world.pass(TIME_TO_PAY - MOMENT);
    let second = world.hold(&bob, &["A/1/3", "A/1/4"]).await;
    world.pass(MOMENT);
    let third = world.hold(&ann, &["A/2/1"]).await;
    let paid = world.hold(&eve, &["A/2/2"]).await;
    world.pay(&eve, &paid, "card").await;
    let running = world.repository.running_holds(world.event).await.unwrap();
    let ids: Vec<HoldId> = running.iter().map(|hold| hold.hold_id).collect();
    assert_eq!(ids, [second.hold_id, third.hold_id], "neither {} nor the paid one", lapsed.hold_id);
}
