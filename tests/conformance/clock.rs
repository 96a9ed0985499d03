//! Clocks that are wrong, and set right.

use std::time::Duration;

use tix::repository::{Error, LogStart, Result, StoreFault};

use crate::world::{TIME_TO_PAY, World, buyer, code, elsewhere};

const SECOND: i64 = 1_000;
const QUARTER: i64 = 16 * 60 * SECOND;

/// The seats of one row.
const ROW: [&str; 10] =
    ["A/1/1", "A/1/2", "A/1/3", "A/1/4", "A/1/5", "A/1/6", "A/1/7", "A/1/8", "A/1/9", "A/1/10"];
const NEXT_ROW: [&str; 10] =
    ["A/2/1", "A/2/2", "A/2/3", "A/2/4", "A/2/5", "A/2/6", "A/2/7", "A/2/8", "A/2/9", "A/2/10"];

#[track_caller]
fn is_about_the_clock<T: std::fmt::Debug>(answer: Result<T>) {
    match answer {
        Err(Error::Store(error)) if error.fault == StoreFault::Clock => {}
        other => panic!("the clock is believed: {other:?}"),
    }
}

pub(crate) async fn a_clock_that_is_corrected_breaks_nothing(world: &World) {
    let ann = buyer("ann");
    world.set_clock_by(5 * SECOND);
    let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.set_clock_by(-5 * SECOND);
    world.pay(&ann, &hold, "card").await;
    world.settle();
    world.audit_passes().await;
}

pub(crate) async fn a_clock_that_jumps_ahead_ends_no_hold(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let hold = world.hold(&ann, &["A/1/1"]).await;
    world.set_clock_by(QUARTER);
    let claim = world.try_hold(&bob, &["A/1/1"]).await;
    if world.goes_by_own_clock() {
        is_about_the_clock(claim);
        is_about_the_clock(world.begin(&ann, &hold, "card").await);
        let status = world.repository.clock_status().await.unwrap();
        assert!(!status.believed, "{status:?}");
        assert!(status.fault.unwrap().contains("jumped ahead by 16 min"));
    } else {
        assert_eq!(code(claim), "taken");
    }
    let seen = world.repository.hold(hold.hold_id).await.unwrap();
    assert_eq!(seen.status, tix::domain::HoldStatus::Held, "readers see no more than is so");
    world.set_clock_by(-QUARTER);
    world.pay(&ann, &hold, "card").await;
    world.settle();
    world.audit_passes().await;
}

pub(crate) async fn no_jump_of_the_clock_lifts_the_limit(world: &World) {
    let ann = buyer("ann");
    let first = world.hold(&ann, &ROW).await;
    world.set_clock_by(QUARTER);
    let second = world.try_hold(&elsewhere(&ann, "ann-2"), &NEXT_ROW).await;
    assert!(second.is_err(), "{second:?}");
    world.set_clock_by(-QUARTER);
    world.pay(&ann, &first, "card").await;
    assert_eq!(code(world.try_hold(&elsewhere(&ann, "ann-3"), &NEXT_ROW).await), "limit");
    world.settle();
    world.audit_passes().await;
}

pub(crate) async fn jumps_that_were_read_first_share_the_bound(world: &World) {
    world.hold(&buyer("ann"), &["A/1/1"]).await;
    for (name, seat) in [("bob", "A/1/2"), ("cleo", "A/1/3"), ("dan", "A/1/4")] {
        world.set_clock_by(25 * SECOND);
        // Whoever asks what there is goes by the clock before anything is written.
        world.repository.counts(world.event).await.unwrap();
        let answer = world.try_hold(&buyer(name), &[seat]).await;
        if name == "dan" && world.goes_by_own_clock() {
            is_about_the_clock(answer);
        } else {
            answer.unwrap();
        }
    }
    world.set_clock_by(-75 * SECOND);
}

pub(crate) async fn an_accepted_jump_is_followed_and_never_taken_back(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let hold = world.hold(&ann, &["A/1/1"]).await;
    world.set_clock_by(QUARTER);
    let accepted = world.repository.accept_clock().await.unwrap();
    assert!(accepted.believed, "{accepted:?}");
    if !world.goes_by_own_clock() {
        // It is the servers' clock that is accepted, which did not jump.
        world.pay(&ann, &hold, "card").await;
        return;
    }
    assert_eq!(code(world.begin(&ann, &hold, "card").await), "expired");
    let next = world.hold(&bob, &["A/1/1"]).await;
    let before = world.repository.now();
    // It was wrong after all.
    world.set_clock_by(-QUARTER);
    is_about_the_clock(world.begin(&bob, &next, "card").await);
    assert!(world.repository.accept_clock().await.unwrap().believed);
    assert!(world.repository.now() >= before, "what is written stays written");
    world.pay(&bob, &next, "card").await;
    // Time goes on, a little slower, and deadlines pass.
    let last = world.hold(&ann, &["A/1/2"]).await;
    world.pass(TIME_TO_PAY * 2);
    assert_eq!(code(world.begin(&ann, &last, "card").await), "expired");
    world.audit_passes().await;
}

pub(crate) async fn log_times_never_run_backwards(world: &World) {
    let mut feed = world.repository.follow(LogStart::Now, None).await.unwrap();
    let who = buyer("ann");
    let mut times = vec![world.repository.now()];
    for by in [7, -11, 3, -20, 15, -9, 12, -4] {
        world.set_clock_by(by * SECOND);
        times.push(world.repository.now());
        let hold = world.hold(&who, &["B/1/1"]).await;
        world.repository.abandon(hold.hold_id, &who.session).await.unwrap();
        times.extend([hold.started_at, world.repository.now()]);
        world.pass(Duration::from_millis(50));
    }
    assert!(times.is_sorted(), "{times:?}");
    let mut logged = Vec::new();
    while logged.len() < 16 {
        logged.extend(
            feed.next()
                .await
                .unwrap()
                .changes
                .into_iter()
                .filter_map(|change| (change.event_id == world.event).then_some(change.at)),
        );
        world.pass(Duration::from_millis(50));
    }
    assert!(logged.is_sorted(), "{logged:?}");
    world.settle();
    world.audit_passes().await;
}

pub(crate) async fn writes_are_checked_by_writing(world: &World) {
    world.repository.check_writes().await.unwrap();
    if world.goes_by_own_clock() {
        world.set_clock_by(QUARTER);
        is_about_the_clock(world.try_hold(&buyer("ann"), &["A/1/1"]).await);
        is_about_the_clock(world.repository.check_writes().await);
    }
}
