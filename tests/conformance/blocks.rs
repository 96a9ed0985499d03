//! Tickets that ops keep from the sale.

use tix::domain::{Refusal, TicketStatus};
use tix::repository::TicketFilter;

use crate::world::{TIME_TO_PAY, World, buyer, code, refusal};

pub(crate) async fn a_blocked_ticket_cannot_be_claimed_until_it_is_unblocked(world: &World) {
    let tickets = world.tickets(&["A/1/1"]).await;
    let blocked = world.repository.block(world.event, &tickets, "broken seat").await.unwrap();
    assert_eq!(blocked, 1);
    match refusal(world.try_hold(&buyer("ann"), &["A/1/1", "A/1/2"]).await) {
        Refusal::Blocked { in_the_way } => {
            assert_eq!(in_the_way.len(), 1);
            assert_eq!(in_the_way[0].reason.as_deref(), Some("broken seat"));
        }
        other => panic!("{other:?}"),
    }
    let filter = TicketFilter { status: Some(TicketStatus::Blocked), ..TicketFilter::default() };
    let listed = world.repository.tickets(world.event, &filter).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].reason.as_deref(), Some("broken seat"));
    assert_eq!(world.repository.unblock(world.event, &tickets).await.unwrap(), 1);
    world.hold(&buyer("ann"), &["A/1/1", "A/1/2"]).await;
}

pub(crate) async fn blocking_is_all_or_nothing(world: &World) {
    world.hold(&buyer("ann"), &["A/1/2"]).await;
    let tickets = world.tickets(&["A/1/1", "A/1/2"]).await;
    assert_eq!(code(world.repository.block(world.event, &tickets, "house").await), "taken");
    assert_eq!(world.status("A/1/1").await, TicketStatus::Available);
    assert_eq!(world.status("A/1/2").await, TicketStatus::Held);
}

pub(crate) async fn blocking_and_unblocking_again_succeed(world: &World) {
    let tickets = world.tickets(&["A/1/1", "A/1/2"]).await;
    assert_eq!(world.repository.block(world.event, &tickets[..1], "house").await.unwrap(), 1);
    assert_eq!(world.repository.block(world.event, &tickets, "house").await.unwrap(), 1);
    assert_eq!(world.repository.unblock(world.event, &tickets).await.unwrap(), 2);
    assert_eq!(world.repository.unblock(world.event, &tickets).await.unwrap(), 0);
    world.hold(&buyer("ann"), &["A/1/1"]).await;
    assert_eq!(world.repository.unblock(world.event, &tickets).await.unwrap(), 0);
    assert_eq!(world.status("A/1/1").await, TicketStatus::Held, "a hold is not unblocked");
}

pub(crate) async fn a_lapsed_hold_can_be_blocked(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    world.pass(TIME_TO_PAY);
    let tickets = world.tickets(&["A/1/1"]).await;
    assert_eq!(world.repository.block(world.event, &tickets, "house").await.unwrap(), 1);
    assert_eq!(code(world.begin(&ann, &hold, "card").await), "expired");
    world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    assert_eq!(world.status("A/1/1").await, TicketStatus::Blocked);
}
