//! The change log, as a follower is told it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tix::domain::{
    Change, ChangeKind, EntryId, FollowerName, NewEntry, Position, SessionId, TicketId, Timestamp,
    Wish,
};
use tix::repository::{ChangeFeed, LogStart, PaymentOutcome};
use tix::watch::Watch;
use uuid::Uuid;

use crate::world::{MOMENT, PAYMENT_TIME, TIME_TO_PAY, World, buyer, code};

/// How long an engine may take to tell what has happened.
const TELLS_WITHIN: Duration = Duration::from_secs(30);

async fn follow(world: &World, start: LogStart) -> Box<dyn ChangeFeed> {
    world.repository.follow(start, None).await.unwrap()
}

/// Waits for so many changes at the event of this world.
async fn changes(world: &World, feed: &mut dyn ChangeFeed, count: usize) -> Vec<Change> {
    let begun = Instant::now();
    let mut told = Vec::new();
    while told.len() < count {
        assert!(begun.elapsed() < TELLS_WITHIN, "of {count} changes only {told:#?}");
        let step = feed.next().await.unwrap();
        assert_eq!(step.faults, []);
        told.extend(step.changes.into_iter().filter(|c| c.event_id == world.event));
    }
    told
}

/// Follows until everything up to `until` is known; returns what was told.
async fn told_until(world: &World, feed: &mut dyn ChangeFeed, until: Timestamp) -> Vec<Change> {
    let begun = Instant::now();
    let mut told = Vec::new();
    loop {
        assert!(begun.elapsed() < TELLS_WITHIN, "{until} is not known yet");
        let step = feed.next().await.unwrap();
        told.extend(step.changes.into_iter().filter(|c| c.event_id == world.event));
        if step.known_until >= until {
            return told;
        }
        world.pass(Duration::from_millis(20));
    }
}

fn told(changes: &[Change]) -> Vec<(&'static str, String)> {
    changes.iter().map(|c| (c.change.word(), c.label.to_string())).collect()
}

fn of_seat(changes: &[Change], seat: &str) -> Vec<&'static str> {
    told(changes).into_iter().filter(|(_, label)| label == seat).map(|(word, _)| word).collect()
}

pub(crate) async fn every_change_is_one_entry_in_order(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let mut feed = follow(world, LogStart::Now).await;
    let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.begin(&ann, &hold, "card").await.unwrap();
    world.record(&hold, "card", PaymentOutcome::Declined).await;
    let order = world.pay(&ann, &hold, "another card").await;
    world.repository.begin_refund(order.order_id).await.unwrap();
    let hold = world.hold(&bob, &["A/1/1"]).await;
    world.repository.abandon(hold.hold_id, &bob.session).await.unwrap();
    let overdue = world.hold(&bob, &["A/1/1"]).await;
    world.begin(&bob, &overdue, "card").await.unwrap();
    world.pass(PAYMENT_TIME);
    world.repository.recover_payments(world.event).await.unwrap();
    let ticket = world.tickets(&["A/1/1"]).await;
    world.repository.block(world.event, &ticket, "house").await.unwrap();
    world.repository.unblock(world.event, &ticket).await.unwrap();
    let changes = changes(world, &mut *feed, 19).await;
    let bought = ["held", "paying", "held_again", "paying", "sold", "refunded"];
    let later = ["held", "abandoned", "held", "paying", "aborted", "blocked", "unblocked"];
    assert_eq!(of_seat(&changes, "A/1/1"), [&bought[..], &later].concat());
    assert_eq!(of_seat(&changes, "A/1/2"), bought);
    positions_increase(&changes);
    let first = &changes[0];
    assert_eq!(first.session_id.as_ref(), Some(&ann.session));
    assert_eq!(first.buyer_id, Some(ann.buyer));
    assert_eq!(first.event_id, world.event);
    let last = changes.last().unwrap();
    assert_eq!((last.change, last.hold_id), (ChangeKind::Unblocked, None));
    let given_up = changes.iter().find(|c| c.change == ChangeKind::Abandoned).unwrap();
    assert_eq!((given_up.hold_id, &given_up.session_id), (Some(hold.hold_id), &Some(bob.session)));
}

/// Of one ticket, that is; what happens to different tickets has no order on every engine.
fn positions_increase(changes: &[Change]) {
    let mut last: HashMap<TicketId, Position> = HashMap::new();
    for change in changes {
        let before = last.insert(change.ticket_id, change.position);
        assert!(before.is_none_or(|before| before < change.position), "{change:?}");
    }
}

pub(crate) async fn a_refusal_leaves_no_entry(world: &World) {
    let mut feed = follow(world, LogStart::Now).await;
    world.hold(&buyer("ann"), &["A/1/1"]).await;
    assert_eq!(code(world.try_hold(&buyer("bob"), &["A/1/1"]).await), "taken");
    let last = world.hold(&buyer("cem"), &["A/1/2"]).await;
    let told = told_until(world, &mut *feed, last.started_at.plus(MOMENT)).await;
    assert_eq!(of_seat(&told, "A/1/1"), ["held"]);
    assert_eq!(of_seat(&told, "A/1/2"), ["held"]);
    assert_eq!(told.len(), 2);
}

pub(crate) async fn a_follower_knows_what_is_owned_where_it_begins(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    world.hold(&ann, &["A/2/1"]).await;
    world.pass(TIME_TO_PAY);
    let paying = world.hold(&bob, &["A/1/2"]).await;
    world.begin(&bob, &paying, "card").await.unwrap();
    let held = world.hold(&ann, &["A/1/1"]).await;
    let mut feed = follow(world, LogStart::Now).await;
    let standing = feed.standing().clone();
    let mut owned: Vec<Change> =
        standing.owned.into_iter().filter(|change| change.event_id == world.event).collect();
    owned.sort_by_key(|change| change.label.to_string());
    assert_eq!(
        told(&owned),
        [("held", "A/1/1".to_string()), ("paying", "A/1/2".to_string())],
        "and not the one that lapsed"
    );
    assert_eq!(owned[0].expires_at, Some(held.expires_at));
    assert_eq!(owned[0].session_id.as_ref(), Some(&ann.session));
    assert!(standing.at >= held.started_at);
    world.repository.abandon(held.hold_id, &ann.session).await.unwrap();
    let first = changes(world, &mut *feed, 1).await;
    assert_eq!(told(&first), [("abandoned", "A/1/1".to_string())], "nothing of before");
    assert_eq!(first[0].hold_id, Some(held.hold_id));
}

pub(crate) async fn a_follower_begins_at_a_time(world: &World) {
    let ann = buyer("ann");
    world.hold(&ann, &["A/1/1"]).await;
    world.pass(MOMENT);
    let time = world.repository.now();
    world.pass(MOMENT);
    world.hold(&ann, &["A/1/2"]).await;
    world.hold(&ann, &["A/1/3"]).await;
    let mut feed = follow(world, LogStart::At(time)).await;
    assert_eq!(feed.standing().at, time);
    let owned = feed.standing().owned.iter().filter(|c| c.event_id == world.event);
    assert_eq!(told(&owned.cloned().collect::<Vec<_>>()), [("held", "A/1/1".to_string())]);
    let mut later = changes(world, &mut *feed, 2).await;
    later.sort_by_key(|change| change.label.to_string());
    assert_eq!(told(&later), [("held", "A/1/2".into()), ("held", "A/1/3".into())]);
    let mut feed = follow(world, LogStart::Start).await;
    assert_eq!(changes(world, &mut *feed, 3).await.len(), 3, "the beginning is before all");
}

pub(crate) async fn whoever_resumes_is_told_everything_since_and_nothing_twice(world: &World) {
    let ann = buyer("ann");
    let name = FollowerName::new(&Uuid::new_v4().to_string()).unwrap();
    let resume = || follow(world, LogStart::Resume(name.clone()));
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let mut first = resume().await;
    assert_eq!(told(&changes(world, &mut *first, 1).await), [("held", "A/1/1".to_string())]);
    told_until(world, &mut *first, hold.started_at.plus(MOMENT)).await;
    first.save().await.unwrap();
    drop(first);
    world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    let mut second = resume().await;
    let since = changes(world, &mut *second, 1).await;
    assert_eq!(told(&since), [("abandoned", "A/1/1".to_string())]);
    assert_eq!(since[0].hold_id, Some(hold.hold_id), "known from before it resumed");
    // This one is stopped before it has saved.
    drop(second);
    world.hold(&ann, &["A/1/2"]).await;
    let mut third = resume().await;
    let since = changes(world, &mut *third, 2).await;
    assert_eq!(told(&since), [("abandoned", "A/1/1".into()), ("held", "A/1/2".into())]);
}

pub(crate) async fn a_hold_expires_where_all_is_known_up_to_its_deadline(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let silent = world.hold(&ann, &["A/1/1"]).await;
    let bought = world.hold(&bob, &["A/1/2"]).await;
    let mut feed = follow(world, LogStart::Now).await;
    let mut watch = Watch::starting_with(feed.standing());
    world.pay(&bob, &bought, "card").await;
    world.pass(TIME_TO_PAY);
    let begun = Instant::now();
    let mut lines = Vec::new();
    while !lines.iter().any(|line: &Change| line.change == ChangeKind::Expired) {
        assert!(begun.elapsed() < TELLS_WITHIN, "{lines:#?}");
        world.pass(Duration::from_millis(20));
        let step = feed.next().await.unwrap();
        for change in step.changes {
            watch.feed(change, &mut lines);
        }
        watch.expire(step.known_until, &mut lines);
        lines.retain(|line| line.event_id == world.event);
    }
    assert_eq!(of_seat(&lines, "A/1/1"), ["expired"]);
    assert_eq!(of_seat(&lines, "A/1/2"), ["paying", "sold"]);
    let expired = lines.iter().find(|line| line.change == ChangeKind::Expired).unwrap();
    assert_eq!((expired.at, expired.hold_id), (silent.expires_at, Some(silent.hold_id)));
}

pub(crate) async fn a_hand_over_is_told_as_two_changes(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let hold = world.hold(&ann, &["B/1/1"]).await;
    let bought = world.hold(&ann, &["B/1/5"]).await;
    let order = world.pay(&ann, &bought, "card").await;
    let rest = ["B/1/2", "B/1/3", "B/1/4", "B/2/1", "B/2/2", "B/2/3", "B/2/4", "B/2/5"];
    let rest = world.tickets(&rest).await;
    world.repository.block(world.event, &rest, "not in this story").await.unwrap();
    let mut feed = follow(world, LogStart::Now).await;
    for name in ["first", "second", "third"] {
        let entry = NewEntry {
            entry_id: EntryId::fresh(),
            event_id: world.event,
            session_id: buyer(name).session,
            buyer_id: buyer(name).buyer,
            wish: Wish { section: Some("B".into()), ticket_type: None, size: 1 },
        };
        world.repository.join_waitlist(&entry).await.unwrap();
    }
    world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    world.repository.begin_refund(order.order_id).await.unwrap();
    world.repository.unblock(world.event, &rest[..1]).await.unwrap();
    let changes = changes(world, &mut *feed, 6).await;
    assert_eq!(of_seat(&changes, "B/1/1"), ["abandoned", "held"]);
    assert_eq!(of_seat(&changes, "B/1/5"), ["refunded", "held"]);
    assert_eq!(of_seat(&changes, "B/1/2"), ["unblocked", "held"]);
    positions_increase(&changes);
    let sessions = |seat: &str| -> Vec<Option<SessionId>> {
        let of_seat = changes.iter().filter(|change| change.label.to_string() == seat);
        of_seat.map(|change| change.session_id.clone()).collect()
    };
    assert_eq!(sessions("B/1/1"), [Some(ann.session.clone()), Some(buyer("first").session)]);
    assert_eq!(sessions("B/1/5"), [Some(ann.session), Some(buyer("second").session)]);
    assert_eq!(sessions("B/1/2"), [None, Some(buyer("third").session)]);
    assert_eq!(code(world.try_hold(&bob, &["B/1/1"]).await), "taken");
}
