//! Deleting an event and everything of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use tix::audit::History;
use tix::domain::{
    EntryId, EventDraft, EventId, Hold, NewEntry, NewHold, Order, Refusal, TicketStatus, Wish,
};
use tix::repository::{DELETION_LAG_MAX, Error, LogStart, StoreFault, StoreUrl, TicketFilter};

use crate::world::{World, buyer, code, draft, layout, refusal};

/// Interrupted deletions at a time.
const STEPS_AT_ONCE: u64 = 6;

/// How long an engine may take to tell what has happened.
const TELLS_WITHIN: Duration = Duration::from_secs(30);

/// An event beside that of the world, minted.
async fn another(world: &World, name: &str, simulated: bool) -> World {
    let draft = EventDraft { simulated, ..draft(&world.slug(name)) };
    let event = world.repository.add_event(&draft).await.unwrap().event_id;
    world.repository.mint(event, Arc::new(layout()), &|_| {}).await.unwrap();
    world.at(event)
}

/// What a sale left behind.
struct Sold {
    world: World,
    hold: Hold,
    order: Order,
    entry: NewEntry,
}

/// A reference that pays for one hold only.
fn card_of(event: EventId) -> String {
    format!("card of {event}")
}

/// An event that was sold from, with a row in every table.
async fn sold(world: &World, name: &str, simulated: bool) -> Sold {
    let world = another(world, name, simulated).await;
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let hold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    let order = world.pay(&ann, &hold, &card_of(world.event)).await;
    world.hold(&bob, &["A/1/3"]).await;
    let abandoned = world.hold(&bob, &["A/1/4"]).await;
    world.repository.abandon(abandoned.hold_id, &bob.session).await.unwrap();
    let tickets = world.tickets(&["B/1/1"]).await;
    world.repository.block(world.event, &tickets, "broken").await.unwrap();
    let entry = NewEntry {
        entry_id: EntryId::fresh(),
        event_id: world.event,
        session_id: bob.session,
        buyer_id: bob.buyer,
        wish: Wish { section: Some("B".into()), ticket_type: None, size: 5 },
    };
    world.repository.join_waitlist(&entry).await.unwrap();
    Sold { world, hold, order, entry }
}

async fn delete(world: &World, event: EventId) -> tix::repository::Result<()> {
    world.repository.delete_event(event, &|_| {}).await
}

impl Sold {
    /// Checks that nothing of it is found any more.
    async fn is_gone(&self) {
        let store = &self.world.repository;
        let event = self.world.event;
        assert_eq!(code(store.event(event).await), "unknown_event");
        assert_eq!(code(store.counts(event).await), "unknown_event");
        assert_eq!(code(store.orders(event).await), "unknown_event");
        assert_eq!(code(store.waitlist(event).await), "unknown_event");
        assert_eq!(code(store.hold(self.hold.hold_id).await), "unknown_hold");
        assert_eq!(code(store.order(self.order.order_id).await), "unknown_hold");
        let number = &self.order.confirmation_number;
        assert!(store.orders_numbered(number).await.unwrap().is_empty());
        let session = &self.entry.session_id;
        assert_eq!(code(store.leave_waitlist(self.entry.entry_id, session).await), "unknown_hold");
        let claim = NewHold {
            hold_id: tix::domain::HoldId::fresh(),
            event_id: event,
            session_id: session.clone(),
            buyer_id: self.entry.buyer_id,
            tickets: self.hold.tickets.iter().map(|ticket| ticket.ticket_id).collect(),
        };
        assert_eq!(code(store.start_hold(&claim).await), "unknown_event");
        assert_eq!(code(store.join_waitlist(&self.entry).await), "unknown_event");
        assert!(store.events().await.unwrap().iter().all(|other| other.event_id != event));
        assert_eq!(code(delete(&self.world, event).await), "unknown_event");
    }
}

async fn passes_the_audit(world: &World) {
    // A cluster's store is that of all tests.
    let event = matches!(world.url(), StoreUrl::Scylla(_)).then_some(world.event);
    let report = tix::audit::run(world.url(), event, Arc::<History>::default()).await.unwrap();
    assert_eq!(report.violations, []);
}

pub(crate) async fn deleted_event_is_unknown_and_leaves_nothing(world: &World) {
    let sold = sold(world, "rehearsal", true).await;
    delete(world, sold.world.event).await.unwrap();
    sold.is_gone().await;
    passes_the_audit(world).await;
}

pub(crate) async fn references_of_a_deleted_event_are_free_again(world: &World) {
    let sold = sold(world, "rehearsal", true).await;
    let ann = buyer("ann");
    let hold = world.hold(&ann, &["A/1/1"]).await;
    let card = card_of(sold.world.event);
    let again = world.begin(&ann, &hold, &card).await;
    assert_eq!(code(again), "idempotency_mismatch");
    delete(world, sold.world.event).await.unwrap();
    // On a cluster the deletion takes longer than a hold lasts.
    let hold = world.hold(&ann, &["A/1/2"]).await;
    world.pay(&ann, &hold, &card).await;
    passes_the_audit(world).await;
}

pub(crate) async fn deleted_event_is_unknown_to_other_processes(world: &World) {
    let sold = sold(world, "rehearsal", true).await;
    let other = world.opened_again().await;
    let tickets = sold.world.tickets(&["A/4/1"]).await;
    other.event(sold.world.event).await.unwrap();
    let claim = |name: &str| {
        let who = buyer(name);
        NewHold {
            hold_id: tix::domain::HoldId::fresh(),
            event_id: sold.world.event,
            session_id: who.session,
            buyer_id: who.buyer,
            tickets: tickets.clone(),
        }
    };
    other.start_hold(&claim("kim")).await.unwrap();
    delete(world, sold.world.event).await.unwrap();
    std::thread::sleep(DELETION_LAG_MAX);
    assert_eq!(code(other.start_hold(&claim("lee")).await), "unknown_event");
    assert_eq!(code(other.event(sold.world.event).await), "unknown_event");
    assert_eq!(
        code(other.tickets(sold.world.event, &TicketFilter::default()).await),
        "unknown_event"
    );
    other.close().await;
    sold.is_gone().await;
}

/// Deletes an event with a process that dies after this step, then again; returns whether it died.
async fn interrupted(world: &World, step: u64) -> bool {
    let sold = sold(world, &format!("rehearsal-{step}"), true).await;
    let (store, event) = (Arc::clone(&world.repository), sold.world.event);
    // The call ends after this step as if its process had died.
    let dies = move |done| assert_ne!(done, step, "the process dies on purpose");
    let first = tokio::spawn(async move { store.delete_event(event, &dies).await });
    let was_done = first.await.is_ok_and(|done| done.is_ok());
    if was_done {
        return false;
    }
    match delete(world, event).await {
        // It died after the last step.
        Err(Error::Refused(Refusal::UnknownEvent { .. })) => {}
        done => done.unwrap(),
    }
    sold.is_gone().await;
    true
}

pub(crate) async fn interrupted_deletion_is_completed_by_the_next(world: &World) {
    let mut steps = 0;
    loop {
        // A few at a time: deletions wait most of the time, sales must end within their time to pay.
        let at_once = (steps + 1..=steps + STEPS_AT_ONCE).map(|step| interrupted(world, step));
        let died = join_all(at_once).await;
        steps += died.iter().filter(|died| **died).count() as u64;
        if died.contains(&false) {
            break;
        }
    }
    assert!(steps > 5, "only {steps} steps");
    passes_the_audit(world).await;
}

pub(crate) async fn event_with_holds_is_deleted_only_if_simulated(world: &World) {
    let sold = sold(world, "sold", false).await;
    let Refusal::HasHistory { holds, .. } = refusal(delete(world, sold.world.event).await) else {
        panic!("it is refused for another reason");
    };
    assert_eq!(holds, 4, "an offer is a hold, too");
    assert_eq!(sold.world.status("A/1/1").await, TicketStatus::Sold, "it stays as it is");
    sold.world.hold(&buyer("kim"), &["A/2/1"]).await;
}

pub(crate) async fn event_that_was_never_held_is_deleted(world: &World) {
    let unsold = another(world, "unsold", false).await;
    let tickets = unsold.tickets(&["A/1/1"]).await;
    unsold.repository.block(unsold.event, &tickets, "broken").await.unwrap();
    delete(world, unsold.event).await.unwrap();
    assert_eq!(code(world.repository.event(unsold.event).await), "unknown_event");
    let unminted = world.repository.add_event(&draft(&world.slug("unminted"))).await.unwrap();
    delete(world, unminted.event_id).await.unwrap();
    assert_eq!(code(world.repository.event(unminted.event_id).await), "unknown_event");
    assert_eq!(code(delete(world, EventId::of_slug("nothing")).await), "unknown_event");
    passes_the_audit(world).await;
}

pub(crate) async fn slug_of_a_deleted_event_stays_taken(world: &World) {
    let unsold = another(world, "unsold", true).await;
    delete(world, unsold.event).await.unwrap();
    match world.repository.add_event(&draft(&world.slug("unsold"))).await {
        Err(Error::Store(error)) => assert_eq!(error.fault, StoreFault::SlugOfDeleted),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn other_events_are_untouched_by_a_deletion(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let order = {
        let hold = world.hold(&ann, &["A/1/1"]).await;
        world.pay(&ann, &hold, "first card").await
    };
    let sold = sold(world, "rehearsal", true).await;
    delete(world, sold.world.event).await.unwrap();
    assert_eq!(world.repository.order(order.order_id).await.unwrap(), order);
    assert_eq!(world.status("A/1/1").await, TicketStatus::Sold);
    // The numbers of the deleted event are not those of the next one.
    let next = another(world, "next", false).await;
    let hold = next.hold(&bob, &["A/1/1"]).await;
    next.pay(&bob, &hold, "next card").await;
    let counts = next.repository.counts(next.event).await.unwrap();
    assert_eq!(counts.iter().map(|c| (c.minted, c.sold)).collect::<Vec<_>>(), [(40, 1), (10, 0)]);
    passes_the_audit(world).await;
}

pub(crate) async fn follower_goes_on_past_a_deleted_event(world: &World) {
    let mut feed = world.repository.follow(LogStart::Now, None).await.unwrap();
    let sold = sold(world, "rehearsal", true).await;
    delete(world, sold.world.event).await.unwrap();
    world.hold(&buyer("kim"), &["A/3/3"]).await;
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < TELLS_WITHIN, "the follower does not go on");
        let step = feed.next().await.unwrap();
        let own =
            |fault: &&tix::repository::LogFault| fault.why.contains(&sold.world.event.to_string());
        assert_eq!(step.faults.iter().find(own), None);
        if step.changes.iter().any(|change| change.event_id == world.event) {
            break;
        }
    }
}
