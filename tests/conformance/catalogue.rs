//! Events and what is minted for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tix::domain::{EventId, StatusCounts, TicketStatus};
use tix::minting::Layout;
use tix::repository::{Error, Minted, StoreFault, TicketFilter};

use crate::world::{TIME_TO_PAY, World, buyer, code, draft, eur, layout};

pub(crate) async fn an_event_is_added_once_under_its_slug(world: &World) {
    let again = tix::domain::EventDraft { name: "Other".into(), ..draft(&world.slug("hamlet")) };
    let event = world.repository.add_event(&again).await.unwrap();
    assert_eq!(event.event_id, EventId::of_slug(&world.slug("hamlet")));
    assert_eq!(event.name, "Hamlet", "it stays as it is");
    let other = draft(&world.slug("hamlet-2"));
    let second = world.repository.add_event(&other).await.unwrap();
    assert_eq!((second.tickets, second.minted), (0, false));
    assert_eq!(second.draft, other);
    let events = world.repository.events().await.unwrap();
    let own = events.iter().filter(|event| event.slug.starts_with(&world.slug("hamlet")));
    assert_eq!(own.count(), 2);
}

pub(crate) async fn minting_again_mints_nothing_new(world: &World) {
    let hold = world.hold(&buyer("ann"), &["A/1/1"]).await;
    let seen = AtomicU64::new(0);
    let progress = |done| seen.store(done, Ordering::SeqCst);
    let minted = world.repository.mint(world.event, Arc::new(layout()), &progress).await.unwrap();
    assert_eq!(minted, Minted { new: 0, existing: 50 });
    assert_eq!(world.status("A/1/1").await, TicketStatus::Held, "no ticket is reset");
    assert_eq!(world.repository.hold(hold.hold_id).await.unwrap(), hold);
}

pub(crate) async fn another_layout_for_a_minted_event_is_refused(world: &World) {
    let other = Layout { digest: "another digest".into(), ..layout() };
    match world.repository.mint(world.event, Arc::new(other), &|_| {}).await {
        Err(Error::Store(error)) => assert_eq!(error.fault, StoreFault::OtherLayout),
        other => panic!("{other:?}"),
    }
    let counts = world.repository.counts(world.event).await.unwrap();
    assert_eq!(counts.iter().map(|c| c.minted).sum::<u64>(), 50);
}

pub(crate) async fn a_half_minted_event_is_completed_and_not_on_sale_before(world: &World) {
    let event = world.repository.add_event(&draft(&world.slug("big"))).await.unwrap().event_id;
    let mut layout = layout();
    if let tix::minting::Seating::Grid { rows, seats_per_row, .. } = &mut layout.sections[0].seating
    {
        (*rows, *seats_per_row) = (300, 100);
    }
    let layout = Arc::new(layout);
    let repository = Arc::clone(&world.repository);
    let plan = Arc::clone(&layout);
    // The minting is given up after its first progress, as if the process had died.
    let (first, mut halfway) = tokio::sync::mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let stop = move |done| {
            let _ = first.send(done);
            std::thread::sleep(std::time::Duration::from_millis(200));
        };
        repository.mint(event, plan, &stop).await
    });
    halfway.recv().await.unwrap();
    task.abort();
    let _ = task.await;
    if !world.repository.event(event).await.unwrap().minted {
        let mut claim = world.claim(&buyer("ann"), &["A/1/1"]).await;
        claim.event_id = event;
        assert_eq!(code(world.repository.start_hold(&claim).await), "busy");
        let seats = &claim.tickets;
        assert_eq!(code(world.repository.block(event, seats, "house").await), "busy");
        assert_eq!(code(world.repository.unblock(event, seats).await), "busy");
    }
    let minted = world.repository.mint(event, layout, &|_| {}).await.unwrap();
    assert_eq!(minted.new + minted.existing, 30_010);
    assert!(minted.existing > 0);
    assert!(world.repository.event(event).await.unwrap().minted);
    let counts = world.repository.counts(event).await.unwrap();
    assert_eq!(counts.iter().map(|c| c.available).sum::<u64>(), 30_010);
}

pub(crate) async fn every_seat_has_one_ticket_with_its_price(world: &World) {
    let all = world.repository.tickets(world.event, &TicketFilter::default()).await.unwrap();
    let mut seats: Vec<String> = all.iter().map(|t| t.ticket.label.to_string()).collect();
    assert_eq!((seats[0].as_str(), seats[49].as_str()), ("A/1/1", "B/2/5"));
    seats.sort();
    seats.dedup();
    assert_eq!(seats.len(), 50);
    assert!(all[..40].iter().all(|t| t.ticket.price == eur(8000)));
    assert!(all[40..].iter().all(|t| t.ticket.price == eur(3550)));
    let map = world.repository.section_map(world.event, "B").await.unwrap();
    assert_eq!(map.tickets().tickets().len(), 10);
    assert_eq!(map.tickets().tickets()[9], all[49].ticket);
    let sections = world.repository.sections(world.event).await.unwrap();
    assert_eq!(sections.iter().map(|s| s.seats).collect::<Vec<_>>(), [40, 10]);
}

pub(crate) async fn counts_add_up_to_what_was_minted(world: &World) {
    let (ann, bob, eve) = (buyer("ann"), buyer("bob"), buyer("eve"));
    let sold = world.hold(&ann, &["A/1/1", "A/1/2"]).await;
    world.pay(&ann, &sold, "card").await;
    world.hold(&bob, &["A/1/3"]).await;
    let paying = world.hold(&eve, &["A/1/4"]).await;
    world.begin(&eve, &paying, "card").await.unwrap();
    let blocked = world.tickets(&["A/1/5", "A/1/6", "A/1/7"]).await;
    world.repository.block(world.event, &blocked, "house").await.unwrap();
    let counts = world.repository.counts(world.event).await.unwrap();
    let a = &counts[0];
    assert_eq!((a.sold, a.held, a.paying, a.blocked, a.available), (2, 1, 1, 3, 33));
    assert_eq!(a.minted, 40);
    assert_eq!(a.revenue, eur(16_000));
    assert_eq!(counts[1].available, 10);
}

pub(crate) async fn the_seat_map_counts_as_the_store_does(world: &World) {
    let (ann, bob, eve) = (buyer("ann"), buyer("bob"), buyer("eve"));
    world.hold(&ann, &["A/1/1", "B/1/1"]).await;
    world.pass(TIME_TO_PAY);
    let sold = world.hold(&bob, &["A/1/5", "B/2/5"]).await;
    world.pay(&bob, &sold, "card").await;
    let paying = world.hold(&eve, &["A/2/10"]).await;
    world.begin(&eve, &paying, "card").await.unwrap();
    world.hold(&eve, &["B/1/4"]).await;
    let blocked = world.tickets(&["A/4/1", "A/4/2"]).await;
    world.repository.block(world.event, &blocked, "house").await.unwrap();
    let mut longest = Vec::new();
    for counted in world.repository.counts(world.event).await.unwrap() {
        let map = world.repository.section_map(world.event, &counted.section).await.unwrap();
        let StatusCounts { available, held, paying, sold, blocked } = map.counts();
        assert_eq!(
            (counted.available, counted.held, counted.paying, counted.sold, counted.blocked),
            (available, held, paying, sold, blocked),
            "{}",
            counted.section
        );
        let rows = 0..map.tickets().rows().len();
        longest.push(rows.map(|depth| map.vacant_in_row(depth, None).longest).collect::<Vec<_>>());
    }
    assert_eq!(longest, [vec![5, 9, 10, 8], vec![3, 4]], "the lapsed hold is free");
}

pub(crate) async fn tickets_are_listed_with_their_condition(world: &World) {
    let hold = world.hold(&buyer("ann"), &["B/1/1"]).await;
    let filter = TicketFilter { section: Some("B".into()), limit: Some(2), ..Default::default() };
    let listed = world.repository.tickets(world.event, &filter).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!((listed[0].status, listed[0].hold_id), (TicketStatus::Held, Some(hold.hold_id)));
    assert_eq!(listed[0].until, Some(hold.expires_at));
    assert_eq!((listed[1].status, listed[1].hold_id), (TicketStatus::Available, None));
}

pub(crate) async fn unknown_events_and_sections_are_refused(world: &World) {
    let nowhere = EventId::of_slug(&world.slug("nowhere"));
    assert_eq!(code(world.repository.event(nowhere).await), "unknown_event");
    assert_eq!(code(world.repository.counts(nowhere).await), "unknown_event");
    let mut claim = world.claim(&buyer("ann"), &["A/1/1"]).await;
    claim.event_id = nowhere;
    assert_eq!(code(world.repository.start_hold(&claim).await), "unknown_event");
    assert_eq!(code(world.repository.section_map(world.event, "C").await), "unknown_seat");
    let filter = TicketFilter { section: Some("C".into()), ..TicketFilter::default() };
    assert_eq!(code(world.repository.tickets(world.event, &filter).await), "unknown_seat");
    // A ticket of one event cannot be claimed at another.
    let other = draft(&world.slug("other"));
    let other = world.repository.add_event(&other).await.unwrap().event_id;
    world.repository.mint(other, Arc::new(layout()), &|_| {}).await.unwrap();
    let mut claim = world.claim(&buyer("ann"), &["A/1/1"]).await;
    claim.event_id = other;
    assert_eq!(code(world.repository.start_hold(&claim).await), "unknown_seat");
}
