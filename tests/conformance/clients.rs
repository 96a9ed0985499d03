//! Clients that choose ids and idempotency keys on purpose.

use std::sync::Arc;

use tix::domain::waitlist::WAITING_MAX;
use tix::domain::{
    BuyerId, EntryId, HoldId, IdempotencyKey, NewEntry, NewHold, OrderStatus, Refusal,
    WaitlistStatus, Wish,
};
use tix::payment::simulated::ProviderSettings;
use tix::payment::{self, SilentProvider, SimulatedProvider};
use uuid::Uuid;

use crate::hamlet;
use crate::world::{Buyer, World, buyer, code, draft, elsewhere, layout, refusal};

fn entry(world: &World, who: &Buyer, size: u32) -> NewEntry {
    NewEntry {
        entry_id: EntryId::fresh(),
        event_id: world.event,
        session_id: who.session.clone(),
        buyer_id: who.buyer,
        wish: Wish { section: Some("B".into()), ticket_type: None, size },
    }
}

/// Holds every seat of section B, so that whoever wants one has to wait.
async fn fill(world: &World, who: &Buyer) -> tix::domain::Hold {
    let row: Vec<String> =
        (1..=2).flat_map(|r| (1..=5).map(move |s| format!("B/{r}/{s}"))).collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    world.hold(who, &row).await
}

fn mismatch<T: std::fmt::Debug>(answer: tix::repository::Result<T>, key: IdempotencyKey) {
    assert_eq!(refusal(answer), Refusal::IdempotencyMismatch { key });
}

pub(crate) async fn a_client_cannot_choose_the_id_of_an_offer(world: &World) {
    let (ann, bob, eve) = (buyer("ann"), buyer("bob"), buyer("eve"));
    let all = fill(world, &ann).await;
    let waits = entry(world, &bob, 1);
    let offers = [0, 1].map(|attempt| HoldId::of_offer(waits.entry_id, attempt));
    for hold_id in [offers[0], offers[1], HoldId::from_uuid(Uuid::nil())] {
        let claim = NewHold { hold_id, ..world.claim(&eve, &["A/1/1"]).await };
        let refused = refusal(world.repository.start_hold(&claim).await);
        assert_eq!(refused, Refusal::ReservedId { id: hold_id.to_string() });
    }
    let joined = world.repository.join_waitlist(&waits).await.unwrap();
    assert_eq!(joined.status, WaitlistStatus::Waiting);
    world.repository.abandon(all.hold_id, &ann.session).await.unwrap();
    let line = world.repository.waitlist(world.event).await.unwrap();
    assert_eq!(line[0].status, WaitlistStatus::Offered, "{line:?}");
    assert_eq!(line[0].hold_id, Some(offers[0]));
}

pub(crate) async fn an_entry_id_is_a_uuid_of_version_4_or_7(world: &World) {
    let ann = buyer("ann");
    fill(world, &ann).await;
    let bob = buyer("bob");
    let derived = *HoldId::of_offer(EntryId::fresh(), 0).as_uuid();
    for id in [derived, Uuid::nil(), Uuid::max()] {
        let entry = NewEntry { entry_id: EntryId::from_uuid(id), ..entry(world, &bob, 1) };
        assert_eq!(code(world.repository.join_waitlist(&entry).await), "reserved_id");
    }
    let random = NewEntry { entry_id: EntryId::from_uuid(Uuid::new_v4()), ..entry(world, &bob, 1) };
    world.repository.join_waitlist(&random).await.unwrap();
}

pub(crate) async fn a_hold_id_belongs_to_one_claim(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let claim = world.claim(&ann, &["A/1/1", "A/1/2"]).await;
    let hold = world.repository.start_hold(&claim).await.unwrap();
    let others = [
        NewHold { hold_id: claim.hold_id, ..world.claim(&ann, &["A/1/1"]).await },
        NewHold { hold_id: claim.hold_id, ..world.claim(&ann, &["A/2/1"]).await },
        NewHold { session_id: bob.session.clone(), ..claim.clone() },
        NewHold { buyer_id: bob.buyer, ..claim.clone() },
    ];
    for other in &others {
        mismatch(world.repository.start_hold(other).await, IdempotencyKey::HoldId);
    }
    assert_eq!(
        world.repository.start_hold(&claim).await.unwrap(),
        hold,
        "the claim itself repeats"
    );
    world.repository.abandon(hold.hold_id, &ann.session).await.unwrap();
    for other in &others {
        mismatch(world.repository.start_hold(other).await, IdempotencyKey::HoldId);
    }
    assert_eq!(code(world.repository.start_hold(&claim).await), "expired");
}

pub(crate) async fn an_entry_id_belongs_to_one_request(world: &World) {
    let (ann, bob, eve) = (buyer("ann"), buyer("bob"), buyer("eve"));
    fill(world, &ann).await;
    let waits = entry(world, &bob, 1);
    let first = world.repository.join_waitlist(&waits).await.unwrap();
    let another = draft(&world.slug("macbeth"));
    let another = world.repository.add_event(&another).await.unwrap().event_id;
    world.repository.mint(another, Arc::new(layout()), &|_| {}).await.unwrap();
    let any = Wish { section: None, ticket_type: None, size: 1 };
    for other in [
        NewEntry { wish: any, ..waits.clone() },
        NewEntry { session_id: eve.session.clone(), ..waits.clone() },
        NewEntry { buyer_id: eve.buyer, ..waits.clone() },
        NewEntry { event_id: another, ..waits.clone() },
    ] {
        mismatch(world.repository.join_waitlist(&other).await, IdempotencyKey::EntryId);
    }
    assert_eq!(world.repository.join_waitlist(&waits).await.unwrap(), first);
    assert_eq!(world.repository.waitlist(another).await.unwrap(), []);
}

pub(crate) async fn a_payment_reference_belongs_to_one_hold_of_a_buyer(world: &World) {
    let (ann, bob) = (buyer("ann"), buyer("bob"));
    let first = world.hold(&ann, &["A/1/1"]).await;
    let second = world.hold(&ann, &["A/1/2"]).await;
    let paid = world.pay(&ann, &first, "one").await;
    mismatch(world.begin(&ann, &second, "one").await, IdempotencyKey::PaymentReference);
    let captured = tix::repository::PaymentOutcome::Captured;
    let reference = world.reference("one");
    let recorded = world.repository.record_payment(second.hold_id, &reference, captured).await;
    mismatch(recorded, IdempotencyKey::PaymentReference);
    assert_eq!(world.repository.hold(second.hold_id).await.unwrap(), second, "nothing has changed");
    // In whatever session, while another buyer may use the same text.
    let phone = elsewhere(&ann, "ann's phone");
    let third = world.hold(&phone, &["A/1/3"]).await;
    mismatch(world.begin(&phone, &third, "one").await, IdempotencyKey::PaymentReference);
    let of_bob = world.hold(&bob, &["A/1/4"]).await;
    assert_eq!(world.pay(&bob, &of_bob, "one").await.status, OrderStatus::Paid);
    assert_eq!(world.pay(&ann, &second, "two").await.status, OrderStatus::Paid);
    assert_eq!(world.pay(&ann, &first, "one").await, paid, "the payment itself repeats");
}

pub(crate) async fn a_declined_reference_stays_with_its_hold(world: &World) {
    let ann = buyer("ann");
    let first = world.hold(&ann, &["A/1/1"]).await;
    let second = world.hold(&ann, &["A/1/2"]).await;
    world.begin(&ann, &first, "one").await.unwrap();
    world.record(&first, "one", tix::repository::PaymentOutcome::Declined).await;
    mismatch(world.begin(&ann, &second, "one").await, IdempotencyKey::PaymentReference);
    assert_eq!(world.pay(&ann, &first, "two").await.status, OrderStatus::Paid);
    mismatch(world.begin(&ann, &second, "two").await, IdempotencyKey::PaymentReference);
}

pub(crate) async fn two_holds_that_pay_under_one_reference_at_once_share_no_charge(world: &World) {
    let world = &world.for_a_crowd().await;
    let provider = Arc::new(SimulatedProvider::new(ProviderSettings::default()));
    for round in 1..=5 {
        let ann = buyer(&format!("ann {round}"));
        let mut holds = Vec::new();
        for seat in 1..=4 {
            holds.push(
                world.hold(&ann, &[&format!("A/{}/{}", round % 4 + 1, seat + round / 4 * 4)]).await,
            );
        }
        let card = world.reference(&format!("one of {}", world.event));
        let payments = holds.iter().map(|hold| {
            let (repository, provider) = (Arc::clone(&world.repository), Arc::clone(&provider));
            let (id, session, card) = (hold.hold_id, ann.session.clone(), card.clone());
            tokio::spawn(async move {
                payment::confirm(&*repository, &*provider, id, &session, &card).await
            })
        });
        let answers = futures::future::join_all(payments).await;
        let (paid, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().map(Result::unwrap).partition(Result::is_ok);
        assert_eq!(paid.len(), 1, "{refused:?}");
        for answer in refused {
            mismatch(answer, IdempotencyKey::PaymentReference);
        }
        assert_eq!(provider.captured(), round, "one charge for one paid order");
    }
}

pub(crate) async fn a_total_of_zero_never_asks_the_provider(world: &World) {
    let free = draft(&world.slug("free"));
    let free = world.repository.add_event(&free).await.unwrap().event_id;
    let seats = hamlet::layout([("A", 1, 4, 0)]);
    world.repository.mint(free, Arc::new(seats), &|_| {}).await.unwrap();
    let declining = ProviderSettings { declined_share: 1.0, ..ProviderSettings::default() };
    let declining = SimulatedProvider::new(declining);
    let providers: [&dyn payment::PaymentProvider; 2] = [&declining, &SilentProvider];
    for (seat, provider) in (1..).zip(providers) {
        let ann = buyer("ann");
        let seat = tix::domain::TicketId::of_seat(free, "A", "1", &seat.to_string());
        let claim = NewHold { event_id: free, tickets: vec![seat], ..world.claim(&ann, &[]).await };
        let hold = world.repository.start_hold(&claim).await.unwrap();
        let card = world.reference(&format!("of {}", hold.hold_id));
        let repository = &*world.repository;
        let paid = payment::confirm(repository, provider, hold.hold_id, &ann.session, &card).await;
        let order = paid.unwrap();
        assert_eq!((order.status, order.amount.minor()), (OrderStatus::Paid, 0));
        let refunded = payment::cancel(repository, provider, order.order_id).await.unwrap();
        assert_eq!(refunded.status, OrderStatus::Refunded);
    }
    assert_eq!(declining.captured(), 0);
}

const FULL: Refusal = Refusal::WaitlistLimit { waiting: WAITING_MAX, allowed: WAITING_MAX };

pub(crate) async fn a_buyer_has_a_bounded_number_of_waiting_entries(world: &World) {
    let world = &world.for_a_crowd().await;
    fill(world, &buyer("ann")).await;
    let eve = buyer("eve");
    let mut entries = Vec::new();
    for number in 0..WAITING_MAX {
        let session = elsewhere(&eve, &format!("session {number} of eve"));
        entries.push(entry(world, &session, 1));
        world.repository.join_waitlist(&entries[number as usize]).await.unwrap();
    }
    let another = entry(world, &elsewhere(&eve, "one more"), 1);
    assert_eq!(refusal(world.repository.join_waitlist(&another).await), FULL);
    world.repository.join_waitlist(&entries[0]).await.expect("a repeat is no new entry");
    let line = world.repository.waitlist(world.event).await.unwrap();
    assert_eq!(line.len(), WAITING_MAX as usize);
    world.repository.join_waitlist(&entry(world, &buyer("bob"), 1)).await.unwrap();
    let elsewhere = world.for_a_crowd_of("elsewhere").await;
    fill(&elsewhere, &buyer("ann")).await;
    let there = entry(&elsewhere, &eve, 1);
    elsewhere.repository.join_waitlist(&there).await.expect("each event is counted by itself");
}

pub(crate) async fn a_session_has_a_bounded_number_of_waiting_entries(world: &World) {
    let world = &world.for_a_crowd().await;
    fill(world, &buyer("ann")).await;
    let eve = buyer("eve");
    for _ in 0..WAITING_MAX {
        let mask = Buyer { session: eve.session.clone(), buyer: BuyerId::fresh() };
        world.repository.join_waitlist(&entry(world, &mask, 1)).await.unwrap();
    }
    let mask = Buyer { session: eve.session.clone(), buyer: BuyerId::fresh() };
    assert_eq!(refusal(world.repository.join_waitlist(&entry(world, &mask, 1)).await), FULL);
}

pub(crate) async fn an_entry_that_waits_no_more_makes_room_for_another(world: &World) {
    let world = &world.for_a_crowd().await;
    let (ann, eve) = (buyer("ann"), buyer("eve"));
    let all = fill(world, &ann).await;
    let mut entries = Vec::new();
    for _ in 0..WAITING_MAX {
        entries.push(entry(world, &eve, 1));
        world.repository.join_waitlist(entries.last().unwrap()).await.unwrap();
    }
    world.repository.leave_waitlist(entries[4].entry_id, &eve.session).await.unwrap();
    world.repository.join_waitlist(&entry(world, &eve, 1)).await.expect("one has left");
    assert_eq!(refusal(world.repository.join_waitlist(&entry(world, &eve, 1)).await), FULL);
    world.repository.abandon(all.hold_id, &ann.session).await.unwrap();
    let line = world.repository.waitlist(world.event).await.unwrap();
    let offered = line.iter().filter(|entry| entry.status == WaitlistStatus::Offered);
    assert_eq!(offered.count(), 10, "all that came free is offered, up to the limit of tickets");
}

/// Buyers at their limit are passed over without being looked at each time, and served again as soon as
/// they own less.
pub(crate) async fn a_buyer_at_the_limit_is_served_once_that_changes(world: &World) {
    let world = &world.for_a_crowd().await;
    let (ann, bob, eve) = (buyer("ann"), buyer("bob"), buyer("eve"));
    let all = fill(world, &ann).await;
    let single = world.hold(&bob, &["A/4/1"]).await;
    let first = entry(world, &eve, 1);
    world.repository.join_waitlist(&first).await.unwrap();
    let row: Vec<String> = (1..=10).map(|seat| format!("A/1/{seat}")).collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    let own = world.hold(&eve, &row).await;
    let second = entry(world, &bob, 1);
    world.repository.join_waitlist(&second).await.unwrap();
    // Nine of the ten come free: one goes to bob, none to eve, who owns ten.
    world.repository.abandon(all.hold_id, &ann.session).await.unwrap();
    let status = async |entry: &NewEntry| {
        let line = world.repository.waitlist(world.event).await.unwrap();
        line.iter().find(|other| other.entry_id == entry.entry_id).unwrap().status
    };
    assert_eq!(status(&first).await, WaitlistStatus::Waiting);
    assert_eq!(status(&second).await, WaitlistStatus::Offered);
    world.repository.abandon(own.hold_id, &eve.session).await.unwrap();
    world.settle();
    world.repository.serve_waitlist(world.event).await.unwrap();
    assert_eq!(status(&first).await, WaitlistStatus::Offered);
    world.repository.abandon(single.hold_id, &bob.session).await.unwrap();
}
