//! Rules under real concurrency.

use std::collections::HashSet;
use std::sync::Arc;

use tix::domain::{Hold, HoldStatus, OrderStatus, TicketId};
use tix::payment::{self, SimulatedProvider, simulated::ProviderSettings};
use tix::repository::Result;
use tokio::task::JoinSet;

use crate::world::{World, buyer, code, elsewhere};

/// How many claims are granted; all others must be refused for this reason.
async fn granted(mut claims: JoinSet<Result<Hold>>, otherwise: &str) -> usize {
    let mut granted = 0;
    while let Some(answer) = claims.join_next().await {
        match answer.unwrap() {
            Ok(_) => granted += 1,
            refused => assert_eq!(code(refused), otherwise),
        }
    }
    granted
}

pub(crate) async fn of_a_thousand_claims_of_one_ticket_one_is_granted(world: &World) {
    let world = world.for_a_crowd().await;
    let mut claims = JoinSet::new();
    for n in 0..1000 {
        let claim = world.claim(&buyer(&format!("buyer {n}")), &["A/1/1"]).await;
        let repository = Arc::clone(&world.repository);
        claims.spawn(async move { repository.start_hold(&claim).await });
    }
    assert_eq!(granted(claims, "taken").await, 1);
}

pub(crate) async fn fifty_sessions_of_one_buyer_never_own_more_than_the_limit(world: &World) {
    let world = world.for_a_crowd().await;
    let ann = buyer("ann");
    let mut claims = JoinSet::new();
    for n in 0..50_u32 {
        let session = elsewhere(&ann, &format!("session {n}"));
        let seat = if n < 40 {
            format!("A/{}/{}", n / 10 + 1, n % 10 + 1)
        } else {
            format!("B/{}/{}", (n - 40) / 5 + 1, n % 5 + 1)
        };
        let claim = world.claim(&session, &[&seat]).await;
        let repository = Arc::clone(&world.repository);
        claims.spawn(async move { repository.start_hold(&claim).await });
    }
    assert_eq!(granted(claims, "limit").await, 10);
}

pub(crate) async fn groups_that_overlap_never_share_a_ticket(world: &World) {
    let world = world.for_a_crowd().await;
    let mut claims = JoinSet::new();
    for n in 0..200_u32 {
        let seats: Vec<String> =
            (0..4).map(|k| format!("A/{}/{}", n % 4 + 1, (n / 4 * 3 + k) % 10 + 1)).collect();
        let seats: Vec<&str> = seats.iter().map(String::as_str).collect();
        let claim = world.claim(&buyer(&format!("party {n}")), &seats).await;
        let repository = Arc::clone(&world.repository);
        claims.spawn(async move { repository.start_hold(&claim).await });
    }
    let mut owned: HashSet<TicketId> = HashSet::new();
    while let Some(answer) = claims.join_next().await {
        match answer.unwrap() {
            Ok(hold) => {
                assert_eq!(hold.tickets.len(), 4);
                for ticket in hold.tickets {
                    assert!(owned.insert(ticket.ticket_id), "{} twice", ticket.label);
                }
            }
            refused => assert_eq!(code(refused), "taken"),
        }
    }
    let counts = world.repository.counts(world.event).await.unwrap();
    assert_eq!(counts[0].held, owned.len() as u64, "no half group is left behind");
}

pub(crate) async fn a_hold_is_abandoned_or_paid_for_and_never_both(world: &World) {
    let world = world.for_a_crowd().await;
    for round in 0..20 {
        let ann = buyer(&format!("ann {round}"));
        let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
        let provider = SimulatedProvider::new(ProviderSettings::default());
        let card = world.reference("card");
        let (paid, abandoned) = tokio::join!(
            payment::confirm(&*world.repository, &provider, hold.hold_id, &ann.session, &card),
            world.repository.abandon(hold.hold_id, &ann.session),
        );
        let after = world.repository.hold(hold.hold_id).await.unwrap();
        match (paid, abandoned) {
            (Ok(order), Err(_)) => {
                assert_eq!(order.status, OrderStatus::Paid);
                assert_eq!(after.status, HoldStatus::Sold);
                payment::cancel(&*world.repository, &provider, order.order_id).await.unwrap();
            }
            (Err(_), Ok(_)) => assert_eq!(after.status, HoldStatus::Abandoned),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn a_hold_is_paid_for_once_by_many_cards_at_once(world: &World) {
    let world = world.for_a_crowd().await;
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let provider = Arc::new(SimulatedProvider::new(ProviderSettings::default()));
    let mut cards = JoinSet::new();
    for n in 0..50 {
        let (repository, provider) = (Arc::clone(&world.repository), Arc::clone(&provider));
        let (session, card) = (ann.session.clone(), world.reference(&format!("card {}", n % 10)));
        cards.spawn(async move {
            payment::confirm(&*repository, &*provider, hold.hold_id, &session, &card).await
        });
    }
    let mut orders = HashSet::new();
    while let Some(answer) = cards.join_next().await {
        match answer.unwrap() {
            Ok(order) => {
                orders.insert(order.order_id);
            }
            refused => {
                let code = code(refused);
                assert!(matches!(code, "payment_in_progress" | "already_paid"), "{code}");
            }
        }
    }
    assert_eq!(orders.len(), 1);
    assert_eq!(provider.captured(), 1, "money is captured once");
}
