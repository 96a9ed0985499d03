//! Cancelling orders.

use tix::domain::{ConfirmationNumber, HoldId, HoldStatus, OrderId, OrderStatus, TicketStatus};
use tix::payment::{self, SimulatedProvider, simulated::ProviderSettings};
use tix::repository::PaymentOutcome;
use uuid::Uuid;

use crate::world::{PAYMENT_TIME, World, buyer, code};

pub(crate) async fn a_cancelled_order_frees_its_tickets_and_then_pays_back(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    let order = world.pay(&ann, &hold, "card").await;
    let refunding = world.repository.begin_refund(order.order_id).await.unwrap();
    assert_eq!(refunding.status, OrderStatus::Refunding);
    assert_eq!(world.status("A/1/1").await, TicketStatus::Available);
    assert_eq!(world.status("A/1/2").await, TicketStatus::Available);
    let refunded = world.repository.finish_refund(order.order_id).await.unwrap();
    assert_eq!(refunded.status, OrderStatus::Refunded);
    let hold = world.repository.hold(hold.hold_id).await.unwrap();
    assert_eq!(hold.status, HoldStatus::Refunded);
}

pub(crate) async fn cancelling_again_goes_on_where_it_stopped(world: &World) {
    let ann = buyer("ann");
    let provider = SimulatedProvider::new(ProviderSettings::default());
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let order = world.pay(&ann, &hold, "card").await;
    world.repository.begin_refund(order.order_id).await.unwrap();
    // The process that began the refund died here; the seat is sold to somebody else meanwhile.
    let bob = buyer("bob");
    let next = world.hold(&bob, &["A/1/1"]).await;
    world.pay(&bob, &next, "bob's card").await;
    let repository = &*world.repository;
    let refunded = payment::cancel(repository, &provider, order.order_id).await.unwrap();
    assert_eq!(refunded.status, OrderStatus::Refunded);
    let again = payment::cancel(repository, &provider, order.order_id).await.unwrap();
    assert_eq!(again, refunded);
    assert_eq!(world.status("A/1/1").await, TicketStatus::Sold);
}

pub(crate) async fn an_order_is_found_by_its_confirmation_number(world: &World) {
    let ann = buyer("ann");
    let mut orders = Vec::new();
    for (seat, card) in [("A/1/1", "card"), ("A/1/2", "another card")] {
        let hold = world.hold(&ann, &[seat]).await;
        orders.push(world.pay(&ann, &hold, card).await);
    }
    for order in orders {
        let found = world.repository.orders_numbered(&order.confirmation_number).await.unwrap();
        assert_eq!(found, [order]);
    }
    let nobodys = OrderId::of_payment(HoldId::fresh(), &world.reference("card"));
    let number = ConfirmationNumber::of_order(nobodys);
    assert_eq!(world.repository.orders_numbered(&number).await.unwrap(), []);
}

pub(crate) async fn an_order_that_captured_nothing_cannot_be_cancelled(world: &World) {
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    world.begin(&ann, &hold, "card").await.unwrap();
    let declined = world.record(&hold, "card", PaymentOutcome::Declined).await;
    assert_eq!(code(world.repository.begin_refund(declined.order_id).await), "declined");
    assert_eq!(code(world.repository.finish_refund(declined.order_id).await), "declined");
    let unknown = OrderId::from_uuid(Uuid::from_u128(7));
    assert_eq!(code(world.repository.begin_refund(unknown).await), "unknown_hold");
    assert_eq!(code(world.repository.order(unknown).await), "unknown_hold");
}

pub(crate) async fn a_refunded_ticket_can_be_sold_again(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let order = world.pay(&ann, &hold, "card").await;
    world.repository.begin_refund(order.order_id).await.unwrap();
    let next = world.hold(&bob, &["A/1/1"]).await;
    assert_eq!(world.pay(&bob, &next, "card").await.status, OrderStatus::Paid);
    // The late repeat of the first buyer's payment resurrects nothing.
    let late = world.record(&hold, "card", PaymentOutcome::Captured).await;
    assert_eq!(late.status, OrderStatus::Refunding);
    let hold = world.repository.hold(next.hold_id).await.unwrap();
    assert_eq!(hold.status, HoldStatus::Sold);
}

pub(crate) async fn sold_tickets_count_towards_the_limit_until_refunded(world: &World) {
    let ann = buyer("ann");
    let row: Vec<String> = (1..=10).map(|seat| format!("A/1/{seat}")).collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    let hold = world.hold(&ann, &row).await;
    let order = world.pay(&ann, &hold, "card").await;
    world.pass(PAYMENT_TIME);
    assert_eq!(code(world.try_hold(&ann, &["A/2/1"]).await), "limit");
    world.repository.begin_refund(order.order_id).await.unwrap();
    world.hold(&ann, &["A/2/1"]).await;
}
