//! A worker does what nobody else is there to do, and no harm.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod shop;

#[path = "../support/hamlet.rs"]
mod hamlet;
#[path = "../support/node.rs"]
mod node;
#[path = "../support/own_node.rs"]
#[allow(dead_code, reason = "others need more of it")]
mod own_node;

use std::sync::Arc;

use own_node::OwnNode;
use shop::{Shop, TIME};
use tix::domain::TicketStatus;
use tix::payment::SimulatedProvider;
use tix::repository::{Repository, StoreUrl};
use tix::simulate::{self, Pace, Progress, Scenario, Setting, Stop, Time};
use tix::worker::{Deed, DeedKind, Worker, once};

async fn on_scylla(keyspace: &'static str) -> Option<Shop> {
    let url = tokio::task::spawn_blocking(move || node::url(keyspace)).await.unwrap()?;
    Some(Shop::at(&url).await)
}

fn did(deeds: &[Deed], kind: DeedKind) -> Vec<&Deed> {
    deeds.iter().filter(|deed| deed.did == kind).collect()
}

/// A payment that nobody ends is given up, whether it was begun before the worker came or after.
async fn gives_up_overdue_payments(shop: &Shop) {
    let before = shop.hold("ann", &[1, 2]).await;
    shop.begin(&before).await;
    let (mut worker, _) = Worker::begin(Arc::clone(&shop.repository)).await.unwrap();
    let after = shop.hold("bob", &[3]).await;
    shop.begin(&after).await;
    let deeds = shop.until(&mut worker, |deeds| did(deeds, DeedKind::GaveUp).len() == 2).await;
    let mut given_up: Vec<_> = deeds.iter().filter_map(|d| Some((d.hold_id?, d.tickets))).collect();
    given_up.retain(|(hold, _)| [before.hold_id, after.hold_id].contains(hold));
    given_up.sort_by_key(|(_, tickets)| *tickets);
    assert_eq!(given_up, [(after.hold_id, 1), (before.hold_id, 2)]);
    assert_eq!(shop.shown(TicketStatus::Paying).await, 0);
    shop.is_in_order().await;
}

/// Whatever a worker did not come to do, the next one does first.
async fn begins_with_what_was_left(shop: &Shop) {
    let left = shop.hold("ann", &[1]).await;
    shop.begin(&left).await;
    tokio::time::sleep(TIME * 2).await;
    let (_, round) = Worker::begin(Arc::clone(&shop.repository)).await.unwrap();
    assert!(round.troubles.is_empty(), "{:?}", round.troubles);
    let given_up = did(&round.deeds, DeedKind::GaveUp);
    assert!(given_up.iter().any(|deed| deed.hold_id == Some(left.hold_id)), "{:?}", round.deeds);
    shop.is_in_order().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overdue_payments_are_given_up_on_sqlite() {
    gives_up_overdue_payments(&Shop::on_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overdue_payments_are_given_up_on_scylla() {
    if let Some(shop) = on_scylla("tix_worker").await {
        gives_up_overdue_payments(&shop).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_begins_with_what_was_left_on_sqlite() {
    begins_with_what_was_left(&Shop::on_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_begins_with_what_was_left_on_scylla() {
    if let Some(shop) = on_scylla("tix_worker_left").await {
        begins_with_what_was_left(&shop).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_is_enough_for_a_timer() {
    let shop = Shop::on_sqlite().await;
    assert_eq!(once(&*shop.repository).await.unwrap().deeds, []);
    let left = shop.hold("ann", &[1, 2]).await;
    shop.begin(&left).await;
    tokio::time::sleep(TIME * 2).await;
    let deeds = once(&*shop.repository).await.unwrap().deeds;
    assert_eq!((deeds.len(), deeds[0].did, deeds[0].tickets), (1, DeedKind::GaveUp, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lapsed_hold_is_shown_as_available_and_the_event_as_on_sale_again() {
    let Some(shop) = on_scylla("tix_worker_expiry").await else { return };
    let (mut worker, _) = Worker::begin(Arc::clone(&shop.repository)).await.unwrap();
    let all = shop.hold("ann", &[1, 2, 3, 4, 5, 6]).await;
    let deeds = shop.until(&mut worker, |deeds| !did(deeds, DeedKind::Expired).is_empty()).await;
    let expired = did(&deeds, DeedKind::Expired);
    assert_eq!((expired.len(), expired[0].tickets), (1, 6));
    assert_eq!(expired[0].hold_id, Some(all.hold_id));
    if !did(&deeds, DeedKind::SoldOut).is_empty() {
        shop.until(&mut worker, |deeds| !did(deeds, DeedKind::OnSale).is_empty()).await;
    }
    shop.is_in_order().await;
}

/// Sends buyers at an event of a store, with workers beside them.
async fn rehearse_beside(repository: &Arc<dyn Repository>, url: &StoreUrl, workers: usize) {
    let mut scenario = Scenario { buyers: 150, speed: Pace::Factor(300.0), ..Scenario::default() };
    scenario.checkout.silent_share = 0.8;
    scenario.payment.declined_share = 0.2;
    let event = simulate::prepare(&**repository, &scenario, 7, "x", &|_| {}).await.unwrap();
    let mut at_work = tokio::task::JoinSet::new();
    for _ in 0..workers {
        let (mut worker, _) = Worker::begin(Arc::clone(repository)).await.unwrap();
        at_work.spawn(async move {
            loop {
                let round = worker.next().await.unwrap();
                assert!(round.troubles.is_empty(), "{:?}", round.troubles);
            }
        });
    }
    let setting = Setting {
        repository: Arc::clone(repository),
        provider: Arc::new(SimulatedProvider::new(scenario.provider())),
        history: Arc::default(),
        progress: Arc::new(Progress::default()),
        stop: Stop::default(),
        time: Time::Real,
        target: None,
    };
    let history = Arc::clone(&setting.history);
    let report = simulate::rehearse(setting, url, &event, &scenario, 7).await.unwrap();
    assert!(report.audit.passed, "{:?}", report.audit.violations);
    assert!(report.holds.expired > 0, "{:?}", report.holds);
    // The last silent hold lapses, and the workers have seen it.
    tokio::time::sleep(event.terms.time_to_pay + TIME * 4).await;
    assert!(at_work.try_join_next().is_none(), "a worker ended");
    at_work.shutdown().await;
    let report = tix::audit::run(url, Some(event.event_id), history).await.unwrap();
    assert_eq!((report.violations, report.unfinished), (vec![], 0));
    let repaired = repository.repair(event.event_id).await.unwrap();
    assert!(repaired.is_nothing(), "everything is shown as it is: {repaired:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_beside_a_sale_do_no_harm_on_sqlite() {
    let shop = Shop::on_sqlite().await;
    rehearse_beside(&shop.repository, &shop.url, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_beside_a_sale_do_no_harm_on_scylla() {
    if let Some(shop) = on_scylla("tix_worker_two").await {
        rehearse_beside(&shop.repository, &shop.url, 2).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_goes_on_after_its_node_was_restarted() {
    let Some(mut node) = tokio::task::spawn_blocking(OwnNode::start).await.unwrap() else { return };
    let shop = Shop::at(&node.url("tix_worker_restart")).await;
    let (mut worker, _) = Worker::begin(Arc::clone(&shop.repository)).await.unwrap();
    let hold = shop.hold("ann", &[1]).await;
    shop.begin(&hold).await;
    let _node = tokio::task::spawn_blocking(move || {
        node.stop();
        node.start_again();
        node
    })
    .await
    .unwrap();
    shop.until(&mut worker, |deeds| {
        did(deeds, DeedKind::GaveUp).iter().any(|deed| deed.hold_id == Some(hold.hold_id))
    })
    .await;
    shop.is_in_order().await;
}
