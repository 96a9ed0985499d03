//! Which seats are side by side, which are chosen only where they are asked for, and what is counted
//! of each ticket type.

use std::sync::Arc;

use tix::domain::{
    Currency, EntryId, EventId, NewEntry, NewHold, SeatLabel, WaitlistEntry, WaitlistStatus, Wish,
};
use tix::minting::read_layout;

use crate::world::{World, buyer, draft, eur};

/// Adds an event with the seats of a venue file.
async fn minted(world: &World, name: &str, venue: &str) -> EventId {
    let event = world.repository.add_event(&draft(&world.slug(name))).await.unwrap().event_id;
    let layout = read_layout(venue.as_bytes(), Currency::EUR).unwrap();
    world.repository.mint(event, Arc::new(layout), &|_| {}).await.unwrap();
    event
}

/// A venue of one row `A` in one section `S`: the seats with their types and what stands in the
/// column `aisle_after`.
fn row(seats: &[(&str, &str, &str)]) -> String {
    let line = |(seat, of, aisle): &(&str, &str, &str)| format!("S,A,{seat},{of},10,{aisle}\n");
    let lines: String = seats.iter().map(line).collect();
    format!("section,row,seat,type,price,aisle_after\n{lines}")
}

/// The seats of the row, with a bar where an aisle parts two of them.
async fn drawn(world: &World, event: EventId) -> String {
    let map = world.repository.section_map(event, "S").await.unwrap();
    let seats = map.seats().enumerate().map(|(place, (ticket, _))| {
        let sign = match place {
            0 => "",
            _ if map.tickets().is_joined(place) => " ",
            _ => " | ",
        };
        format!("{sign}{}", ticket.label.seat)
    });
    seats.collect()
}

/// What a buyer is offered at once who waits for so many seats.
async fn offered(
    world: &World,
    event: EventId,
    name: &str,
    size: u32,
    ticket_type: Option<&str>,
) -> Vec<String> {
    let who = buyer(name);
    let entry = NewEntry {
        entry_id: EntryId::fresh(),
        event_id: event,
        session_id: who.session,
        buyer_id: who.buyer,
        wish: Wish { section: None, ticket_type: ticket_type.map(Into::into), size },
    };
    let entry: WaitlistEntry = world.repository.join_waitlist(&entry).await.unwrap();
    let Some(hold) = entry.hold_id else {
        assert_eq!(entry.status, WaitlistStatus::Waiting);
        return Vec::new();
    };
    let hold = world.repository.hold(hold).await.unwrap();
    hold.tickets.iter().map(|ticket| ticket.label.seat.to_string()).collect()
}

pub(crate) async fn a_break_in_the_numbering_is_an_aisle(world: &World) {
    let seats = ["1A", "2A", "5A", "6A"].map(|seat| (seat, "t", ""));
    let event = minted(world, "gap", &row(&seats)).await;
    assert_eq!(drawn(world, event).await, "1A 2A | 5A 6A");
    assert_eq!(offered(world, event, "ann", 4, None).await, [""; 0]);
    assert_eq!(offered(world, event, "bob", 2, None).await, ["1A", "2A"]);

    let event = minted(world, "far", &row(&[("1", "t", ""), ("14", "t", "")])).await;
    assert_eq!(drawn(world, event).await, "1 | 14");
    assert_eq!(offered(world, event, "ann", 2, None).await, [""; 0]);

    let event = minted(world, "down", &row(&["4", "3", "2", "1"].map(|s| (s, "t", "")))).await;
    assert_eq!(drawn(world, event).await, "4 3 2 1");
}

pub(crate) async fn the_venue_file_overrules_the_numbering(world: &World) {
    let seats = [("1", "t", "yes"), ("2", "t", ""), ("3", "t", "no"), ("14", "t", "yes")];
    let event = minted(world, "said", &row(&seats)).await;
    assert_eq!(drawn(world, event).await, "1 | 2 3 14");
    assert_eq!(offered(world, event, "ann", 3, None).await, ["2", "3", "14"]);
    let again = world.opened_again().await;
    let map = again.section_map(event, "S").await.unwrap();
    let aisles: Vec<bool> = (1..4).map(|place| !map.tickets().is_joined(place)).collect();
    assert_eq!(aisles, [true, false, false], "it is stored");
    again.close().await;

    let grid = "section,type,price,rows,seats_per_row,aisle_after\nS,t,10,1,5,2 4\n";
    let event = minted(world, "grid", grid).await;
    assert_eq!(drawn(world, event).await, "1 2 | 3 4 | 5");
}

pub(crate) async fn accessible_seats_are_given_only_where_asked_for(world: &World) {
    let seats = [
        ("1", "std", ""),
        ("2", "std", ""),
        ("3", "wheelchair", ""),
        ("4", "companion", ""),
        ("5", "std", ""),
        ("6", "std", ""),
    ];
    let event = minted(world, "ramp", &row(&seats)).await;
    assert_eq!(offered(world, event, "ann", 2, None).await, ["1", "2"]);
    assert_eq!(offered(world, event, "bob", 2, None).await, ["5", "6"]);
    assert_eq!(offered(world, event, "cat", 1, None).await, [""; 0]);
    assert_eq!(offered(world, event, "dan", 1, Some("Wheelchair")).await, ["3"]);
    let named: SeatLabel = "S/A/4".parse().unwrap();
    let who = buyer("eve");
    let hold = NewHold {
        hold_id: tix::domain::HoldId::fresh(),
        event_id: event,
        session_id: who.session,
        buyer_id: who.buyer,
        tickets: world.repository.find_seats(event, &[named]).await.unwrap(),
    };
    world.repository.start_hold(&hold).await.unwrap();
}

pub(crate) async fn counts_and_offers_are_by_ticket_type(world: &World) {
    let venue = "section,row,seat,type,price\n\
        S,A,1,A,100\nS,A,2,B,10\nS,A,3,b,30\nT,A,1,A,50\n";
    let event = minted(world, "types", venue).await;
    let who = buyer("ann");
    let label: SeatLabel = "S/A/2".parse().unwrap();
    let hold = NewHold {
        hold_id: tix::domain::HoldId::fresh(),
        event_id: event,
        session_id: who.session.clone(),
        buyer_id: who.buyer,
        tickets: world.repository.find_seats(event, &[label]).await.unwrap(),
    };
    world.repository.start_hold(&hold).await.unwrap();
    let card = world.reference("card");
    world.repository.begin_payment(hold.hold_id, &who.session, &card).await.unwrap();
    let captured = tix::repository::PaymentOutcome::Captured;
    world.repository.record_payment(hold.hold_id, &card, captured).await.unwrap();

    let counts = world.repository.counts(event).await.unwrap();
    let [s, t] = &counts[..] else { panic!("{counts:?}") };
    assert_eq!((s.minted, s.available, s.sold, s.revenue), (3, 2, 1, eur(1_000)));
    let types = s.types.iter();
    let types: Vec<_> =
        types.map(|of| (&*of.type_id, of.minted, of.available, of.sold, of.revenue)).collect();
    assert_eq!(types, [("A", 1, 1, 0, eur(0)), ("B", 2, 1, 1, eur(1_000))]);
    assert_eq!((t.types.len(), t.minted, t.available), (1, 1, 1));

    let offers = world.repository.offers(event).await.unwrap();
    let s = &offers[0];
    assert_eq!((s.price_min, s.price_max), (Some(eur(1_000)), Some(eur(10_000))));
    assert_eq!((s.available, s.available_from), (2, Some(eur(3_000))));
    let [a, b] = &s.types[..] else { panic!("{s:?}") };
    assert_eq!((&*a.type_id, a.seats, a.available), ("A", 1, 1));
    assert_eq!((&*b.type_id, b.seats, b.available), ("B", 2, 1));
    assert_eq!((b.price_min, b.price_max), (Some(eur(1_000)), Some(eur(3_000))));
    assert_eq!(b.available_from, Some(eur(3_000)));
}
