//! What entries that cannot be served cost those who free tickets. Measured, hence ignored:
//! `cargo test --release --test conformance flood -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use tix::domain::{BuyerId, EntryId, NewEntry, SessionId, Wish};

use crate::world::{World, buyer};

/// Entries that wait in vain.
const ENTRIES: u32 = 20_000;
/// How often a ticket is freed.
const RELEASES: usize = 200;

/// Holds a seat of section A and gives it up, again and again; the median of giving up.
async fn release(world: &World) -> Duration {
    let ann = buyer("ann");
    let mut took = Vec::with_capacity(RELEASES);
    for _ in 0..RELEASES {
        let hold = world.hold(&ann, &["A/1/1"]).await;
        let begun = Instant::now();
        world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    took[RELEASES / 2]
}

async fn measure(world: Option<World>) {
    let Some(world) = world else { return };
    let world = world.for_a_crowd_of("flood").await;
    for row in 1..=2 {
        let row: Vec<String> = (1..=5).map(|seat| format!("B/{row}/{seat}")).collect();
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        world.hold(&buyer(&format!("holder of {row:?}")), &row).await;
    }
    let before = release(&world).await;
    let mut joins = tokio::task::JoinSet::new();
    for number in 0..ENTRIES {
        let entry = NewEntry {
            entry_id: EntryId::fresh(),
            event_id: world.event,
            session_id: SessionId::new(&format!("waits {number}")).unwrap(),
            buyer_id: BuyerId::fresh(),
            wish: Wish { section: Some("B".into()), ticket_type: None, size: 1 + number % 5 },
        };
        let repository = std::sync::Arc::clone(&world.repository);
        joins.spawn(async move { repository.join_waitlist(&entry).await.unwrap() });
        if joins.len() >= 64 {
            joins.join_next().await.unwrap().unwrap();
        }
    }
    joins.join_all().await;
    let after = release(&world).await;
    println!("a release takes {before:?} with nobody waiting, {after:?} with {ENTRIES} in vain");
    assert!(after < before * 5 + Duration::from_millis(2), "{before:?} became {after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn release_cost_is_independent_of_entries_in_vain_on_sqlite() {
    measure(World::sqlite_file().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn release_cost_is_independent_of_entries_in_vain_on_scylla() {
    measure(World::scylla().await).await;
}
