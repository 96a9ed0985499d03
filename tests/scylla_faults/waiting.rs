//! Somebody waits for two seats, and somebody behind him for one, when a client dies between any two
//! of its writes, or a decision is not answered. Whatever fails, the first in line gets both seats.
//!
//! Every time it happens at an event of its own, as a line is that of an event.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use tix::audit;
use tix::domain::{
    BuyerId, Currency, EntryId, EventId, Hold, HoldId, HoldStatus, Money, NewEntry, NewHold, Order,
    OrderStatus, PaymentReference, Refusal, SaleTerms, SessionId, TicketId, TicketStatus,
    WaitlistEntry, WaitlistStatus, Wish,
};
use tix::minting::{Layout, Seating, SectionLayout};
use tix::payment::simulated::ProviderSettings;
use tix::payment::{self, SimulatedProvider};
use tix::repository::{Access, Repository, Result, TicketFilter};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::hamlet;
use crate::proxy::{Counts, Fault, Proxy};
use crate::stage::{address, connect};

const TIME_TO_PAY: Duration = Duration::from_secs(14);
const PAYMENT_TIME: Duration = Duration::from_secs(8);

/// More writes, and more decisions, than any story has.
const WRITES_MAX: u32 = 40;
const DECISIONS_MAX: u32 = 20;

/// Lines on which a story is told at the same time.
const LINES: u32 = 4;

/// Long enough for a hold to lapse, and for everything to be put right then.
const AT_REST_WITHIN: Duration = Duration::from_secs(40);

/// What happens to two seats for which people wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// They are free when the first joins.
    Join,
    /// Who holds them gives them up.
    Abandon,
    /// Their hold has lapsed, and a walk-up buyer comes.
    MeetLapsed,
    /// Their order is cancelled.
    Refund,
    /// Ops put them back into the sale.
    Unblock,
}

/// What is done after the client died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It is done again at once.
    TheSame,
    /// It is left to those who repair.
    Repair,
}

/// A store, and a line to it that never fails.
struct Hall {
    node: SocketAddr,
    keyspace: &'static str,
    direct: Arc<dyn Repository>,
}

/// An event with two seats, and who has to do with it.
struct Scene {
    event: EventId,
    tickets: Vec<TicketId>,
    owner: NewHold,
    order: Option<Order>,
    first: NewEntry,
    second: NewEntry,
    walk_up: NewHold,
}

impl Hall {
    async fn of(keyspace: &'static str) -> Option<Self> {
        let node = address().await?;
        let direct = connect(&format!("scylla://{node}/{keyspace}"), Access::Create).await;
        Some(Self { node, keyspace, direct })
    }

    /// A line to the store that can fail.
    async fn line(&self) -> (Proxy, Arc<dyn Repository>) {
        let proxy = Proxy::to(self.node).await;
        let url = format!("scylla://{}/{}", proxy.address, self.keyspace);
        (proxy, connect(&url, Access::Existing).await)
    }

    /// Tells a story up to its last part.
    async fn begin(&self, story: Story) -> Scene {
        let direct = &*self.direct;
        let terms = SaleTerms { limit: 10, time_to_pay: TIME_TO_PAY, payment_time: PAYMENT_TIME };
        let slug = format!("waiting-{}", Uuid::new_v4().simple());
        let event = direct.add_event(&hamlet::draft(&slug, terms)).await.unwrap().event_id;
        direct.mint(event, Arc::new(layout()), &|_| {}).await.unwrap();
        let ticket = |seat: u32| TicketId::of_seat(event, "A", "1", &seat.to_string());
        let tickets = vec![ticket(1), ticket(2)];
        let mut scene = Scene {
            event,
            owner: claim(event, &tickets),
            order: None,
            first: entry(event, 2),
            second: entry(event, 1),
            walk_up: claim(event, &tickets),
            tickets,
        };
        match story {
            Story::Join => return scene,
            Story::Abandon | Story::MeetLapsed | Story::Refund => {
                let hold = direct.start_hold(&scene.owner).await.unwrap();
                if story == Story::Refund {
                    scene.order = Some(pay(direct, &hold).await);
                }
            }
            Story::Unblock => {
                direct.block(event, &scene.tickets, "paint").await.unwrap();
            }
        }
        direct.join_waitlist(&scene.first).await.unwrap();
        direct.join_waitlist(&scene.second).await.unwrap();
        scene
    }
}

fn layout() -> Layout {
    let price = Money::from_minor(8000, Currency::EUR);
    let seating = Seating::Grid { rows: 1, seats_per_row: 2, price };
    let (name, type_id, entrance) = ("A".into(), "regular".into(), "Gate A".into());
    let section = SectionLayout { name, type_id, entrance, seating };
    Layout::of_sections(vec![section])
}

fn somebody() -> (SessionId, BuyerId) {
    let session = SessionId::new(&Uuid::new_v4().simple().to_string()).unwrap();
    (session.clone(), BuyerId::of_session(&session))
}

fn claim(event: EventId, tickets: &[TicketId]) -> NewHold {
    let (session_id, buyer_id) = somebody();
    let (hold_id, tickets) = (HoldId::fresh(), tickets.to_vec());
    NewHold { hold_id, event_id: event, session_id, buyer_id, tickets }
}

fn entry(event: EventId, size: u32) -> NewEntry {
    let (session_id, buyer_id) = somebody();
    let wish = Wish { section: None, ticket_type: None, size };
    NewEntry { entry_id: EntryId::fresh(), event_id: event, session_id, buyer_id, wish }
}

async fn pay(repository: &dyn Repository, hold: &Hold) -> Order {
    let provider = SimulatedProvider::new(ProviderSettings::default());
    let card = PaymentReference::new("card").unwrap();
    payment::confirm(repository, &provider, hold.hold_id, &hold.session_id, &card).await.unwrap()
}

/// Tells the last part.
async fn end(story: Story, through: &dyn Repository, scene: &Scene) -> Result<()> {
    let owner = &scene.owner;
    match story {
        Story::Join => through.join_waitlist(&scene.first).await.map(drop),
        Story::Abandon => through.abandon(owner.hold_id, &owner.session_id).await.map(drop),
        Story::MeetLapsed => through.start_hold(&scene.walk_up).await.map(drop),
        Story::Refund => {
            let order = scene.order.as_ref().unwrap().order_id;
            through.begin_refund(order).await.map(drop)
        }
        Story::Unblock => through.unblock(scene.event, &scene.tickets).await.map(drop),
    }
}

/// Whether what was told is how the story ends where nothing goes wrong.
fn ends_well(story: Story, told: &Result<()>) -> bool {
    match told {
        Ok(()) => story != Story::MeetLapsed,
        Err(error) => {
            let code = error.refusal().map(Refusal::code);
            story == Story::MeetLapsed && code == Some("reserved_for_waitlist")
        }
    }
}

async fn now(direct: &dyn Repository, entry: &NewEntry) -> Option<WaitlistEntry> {
    let line = direct.waitlist(entry.event_id).await.unwrap();
    line.into_iter().find(|other| other.entry_id == entry.entry_id)
}

/// The first in line has both seats, and can pay for them; the second waits, as first now. Nobody
/// else has anything.
async fn is_served(direct: &dyn Repository, scene: &Scene, at: &str) {
    let first = now(direct, &scene.first).await.unwrap();
    assert_eq!(first.status, WaitlistStatus::Offered, "{at}: {first:?}");
    let hold = direct.hold(first.hold_id.unwrap()).await.unwrap();
    assert_eq!(hold.status, HoldStatus::Held, "{at}");
    assert_eq!(hold.session_id, scene.first.session_id, "{at}");
    let tickets: Vec<TicketId> = hold.tickets.iter().map(|ticket| ticket.ticket_id).collect();
    assert_eq!(tickets, scene.tickets, "{at}");
    let shown = direct.tickets(scene.event, &TicketFilter::default()).await.unwrap();
    for state in &shown {
        let shown = (state.status, state.hold_id);
        assert_eq!(shown, (TicketStatus::Held, Some(hold.hold_id)), "{at}: the map");
    }
    let running = direct.running_holds(scene.event).await.unwrap();
    let running: Vec<HoldId> = running.iter().map(|hold| hold.hold_id).collect();
    assert_eq!(running, [hold.hold_id], "{at}: served once");
    if let Some(second) = now(direct, &scene.second).await {
        assert_eq!((second.status, second.place), (WaitlistStatus::Waiting, Some(1)), "{at}");
    }
    pay(direct, &hold).await;
    assert_eq!(now(direct, &scene.first).await.unwrap().status, WaitlistStatus::Bought, "{at}");
}

/// Repairs until the first in line has something, or it has taken too long.
async fn comes_to_rest(story: Story, direct: &dyn Repository, scene: &Scene, at: &str) {
    let begun = Instant::now();
    loop {
        match now(direct, &scene.first).await {
            // It never came to that: who joined was not answered, and does it again.
            None => assert!(ends_well(story, &end(story, direct, scene).await), "{at}"),
            Some(first) if first.status == WaitlistStatus::Waiting => {
                if let Some(order) = &scene.order
                    && direct.order(order.order_id).await.unwrap().status == OrderStatus::Paid
                {
                    // Nothing was decided: it is asked for again.
                    assert!(ends_well(story, &end(story, direct, scene).await), "{at}");
                }
                direct.repair(scene.event).await.unwrap();
            }
            Some(first) => {
                let hold = direct.hold(first.hold_id.unwrap()).await.unwrap();
                let running = direct.running_holds(scene.event).await.unwrap();
                let whole = running.iter().any(|other| other.hold_id == hold.hold_id);
                direct.repair(scene.event).await.unwrap();
                let after = now(direct, &scene.first).await.unwrap();
                // Half an offer is put right when it is clear that nobody goes on with it.
                if whole && after.hold_id == Some(hold.hold_id) && has_all(direct, &hold).await {
                    return;
                }
            }
        }
        assert!(begun.elapsed() < AT_REST_WITHIN, "{at}: nobody was served");
        sleep(Duration::from_secs(1)).await;
    }
}

async fn has_all(direct: &dyn Repository, hold: &Hold) -> bool {
    let shown = direct.tickets(hold.event_id, &TicketFilter::default()).await.unwrap();
    shown.iter().all(|state| state.hold_id == Some(hold.hold_id))
}

/// Lets the client die at each of its writes, at one event after the other.
async fn die_at_every_write(hall: &Hall, story: Story, fault: Fault, next: Next) {
    let (proxy, line) = hall.line().await;
    let mut scenes = Vec::new();
    if story == Story::MeetLapsed {
        scenes = join_all((0..WRITES_MAX).map(|_| hall.begin(story))).await;
        sleep(TIME_TO_PAY).await;
    }
    let mut survivors = Vec::new();
    for writes in 1..=WRITES_MAX {
        let scene = match scenes.pop() {
            Some(scene) => scene,
            None => hall.begin(story).await,
        };
        proxy.strike(fault, Counts::Writes, writes, 1);
        let told = tokio::select! {
            told = end(story, &*line, &scene) => Some(told),
            () = proxy.death() => None,
        };
        sleep(Duration::from_millis(10)).await;
        let struck = proxy.struck();
        proxy.heal();
        let Some(struck) = struck else {
            let told = told.unwrap();
            assert!(ends_well(story, &told), "{story:?}: {told:?}");
            assert!(writes > 5, "{story:?} has {writes} writes only");
            is_served(&*hall.direct, &scene, "nothing failed").await;
            try_join_all(survivors).await.unwrap();
            line.close().await;
            return;
        };
        let at = format!("{story:?}, {fault:?} {writes}, then {next:?}: {struck}");
        let direct = Arc::clone(&hall.direct);
        survivors.push(tokio::spawn(async move {
            if next == Next::TheSame {
                let told = end(story, &*direct, &scene).await;
                // A walk-up buyer may meet an offer that is half made.
                let code = told.as_ref().err().and_then(|e| e.refusal()).map(Refusal::code);
                let met_half = story == Story::MeetLapsed && matches!(code, Some("taken" | "busy"));
                assert!(met_half || ends_well(story, &told), "{at}, again: {told:?}");
            }
            comes_to_rest(story, &*direct, &scene, &at).await;
            is_served(&*direct, &scene, &at).await;
        }));
    }
    panic!("{story:?} has more than {WRITES_MAX} writes");
}

/// Lets one decision after the other time out: nobody notices.
async fn time_out(hall: &Hall, story: Story, fault: Fault, first: u32) -> u32 {
    let (proxy, line) = hall.line().await;
    let mut scenes = Vec::new();
    if story == Story::MeetLapsed {
        scenes = join_all((0..DECISIONS_MAX / LINES).map(|_| hall.begin(story))).await;
        sleep(TIME_TO_PAY).await;
    }
    let mut count = 0;
    for nth in (first..DECISIONS_MAX).step_by(LINES as usize) {
        let scene = match scenes.pop() {
            Some(scene) => scene,
            None => hall.begin(story).await,
        };
        proxy.strike(fault, Counts::Decisions, nth, 1);
        let told = end(story, &*line, &scene).await;
        let struck = proxy.struck();
        proxy.heal();
        let at = format!("{story:?}, {fault:?} {nth}: {struck:?}");
        assert!(ends_well(story, &told), "{at}: {told:?}");
        is_served(&*hall.direct, &scene, &at).await;
        if struck.is_none() {
            break;
        }
        count += 1;
    }
    assert_eq!(proxy.misdeeds(), [""; 0], "{story:?}, {fault:?}");
    line.close().await;
    count
}

const STORIES: [Story; 5] =
    [Story::Join, Story::Abandon, Story::MeetLapsed, Story::Refund, Story::Unblock];

async fn passes_the_audit(hall: &Hall) {
    let url = format!("scylla://{}/{}", hall.node, hall.keyspace).parse().unwrap();
    let report = audit::run(&url, None, Arc::default()).await.unwrap();
    assert!(report.passed, "{:#?}", report.violations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_in_line_is_served_whoever_dies_between_two_writes() {
    let Some(hall) = Hall::of("tix_waiting_deaths").await else { return };
    let hall = Arc::new(hall);
    let deaths = [
        (Fault::DiesBefore, Next::TheSame),
        (Fault::DiesBefore, Next::Repair),
        (Fault::DiesAfter, Next::Repair),
    ];
    let told = STORIES.iter().flat_map(|story| {
        let hall = &hall;
        deaths.map(|(fault, next)| {
            // What ops leave blocked stays blocked until they are back.
            let next = if *story == Story::Unblock { Next::TheSame } else { next };
            let hall = Arc::clone(hall);
            tokio::spawn(async move { die_at_every_write(&hall, *story, fault, next).await })
        })
    });
    try_join_all(told.collect::<Vec<_>>()).await.unwrap();
    passes_the_audit(&hall).await;
    hall.direct.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_in_line_is_served_where_a_decision_times_out() {
    let Some(hall) = Hall::of("tix_waiting_silence").await else { return };
    let hall = Arc::new(hall);
    let mut told = Vec::new();
    for story in STORIES {
        for fault in [Fault::TimesOutUndone, Fault::TimesOutDone] {
            let hall = Arc::clone(&hall);
            told.push(tokio::spawn(async move {
                let lines = (1..=LINES).map(|first| time_out(&hall, story, fault, first));
                let struck: u32 = join_all(lines).await.into_iter().sum();
                assert!(struck >= 5, "{story:?}: {struck} decisions were struck");
            }));
        }
    }
    try_join_all(told).await.unwrap();
    passes_the_audit(&hall).await;
    hall.direct.close().await;
}

/// Two clients that know nothing of each other free the two seats of a pair at the same time, and
/// somebody joins while a third seat comes free: nobody is overlooked, and nobody needs to repair.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_overlooked_by_two_who_are_at_it_at_the_same_time() {
    let Some(hall) = Hall::of("tix_waiting_pairs").await else { return };
    let url = format!("scylla://{}/{}", hall.node, hall.keyspace);
    let other = connect(&url, Access::Existing).await;
    let (one, other) = (&*hall.direct, &*other);
    for _ in 0..40 {
        let scene = hall.begin(Story::Join).await;
        let halves =
            [claim(scene.event, &scene.tickets[..1]), claim(scene.event, &scene.tickets[1..])];
        for half in &halves {
            one.start_hold(half).await.unwrap();
        }
        one.join_waitlist(&scene.first).await.unwrap();
        let [left, right] = &halves;
        let (left, right) = tokio::join!(
            one.abandon(left.hold_id, &left.session_id),
            other.abandon(right.hold_id, &right.session_id),
        );
        left.and(right).unwrap();
        is_served(one, &scene, "two gave up").await;

        let scene = hall.begin(Story::Join).await;
        one.start_hold(&scene.owner).await.unwrap();
        let (left, joined) = tokio::join!(
            one.abandon(scene.owner.hold_id, &scene.owner.session_id),
            other.join_waitlist(&scene.first),
        );
        left.unwrap();
        joined.unwrap();
        is_served(one, &scene, "one gave up, one joined").await;
    }
    passes_the_audit(&hall).await;
    other.close().await;
    hall.direct.close().await;
}
