//! A client dies between any two of its writes, or with an answer on its way; then others carry on.
//!
//! Each story is told over and over, and dies one write later each time, until it is through. Some
//! come back and repeat what they did, on the seats of others somebody else comes along, and some
//! are left to those who recover payments.

use std::time::Duration;

use futures::future::join_all;
use tix::domain::HoldStatus;
use tix::payment::SimulatedProvider;
use tix::repository::Repository;

use crate::proxy::{Counts, Fault, Proxy};
use crate::stage::{Party, Stage};
use crate::story::{Story, code, comes_to_rest};

const TIME_TO_PAY: Duration = Duration::from_secs(7);
const PAYMENT_TIME: Duration = Duration::from_secs(8);

/// More writes than any story has.
const WRITES_MAX: u32 = 40;

/// Who comes afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    TheSame,
    SomebodyElse,
    Recovery,
}

/// Somebody whose client died.
struct Survivor {
    party: Party,
    next: Next,
    died_at: String,
}

/// The same one comes back at once and does it again: now it is done, or it is said that a claim
/// that was left half made is in the way until its deadline.
async fn repeat(story: Story, stage: &Stage, provider: &SimulatedProvider, party: &Party) {
    let told = story.end(stage, &*stage.direct, provider, party).await;
    if story.claims() && told.is_err() {
        assert!(matches!(code(told), "busy" | "expired"));
        return;
    }
    assert!(story.ends_well(&told), "{story:?}: {told:?}");
    story.verify(stage, party).await;
}

/// Somebody else wants the seats at once, and is told the truth; so is the first one when he asks
/// what has become of his hold.
async fn somebody_else_comes(story: Story, stage: &Stage, party: &Party) {
    let next = party.somebody_else();
    let told = stage.direct.start_hold(&next.claim).await;
    if told.is_err() {
        assert!(matches!(code(told), "taken" | "blocked"));
        return;
    }
    assert!(stage.has_all(&next).await);
    if let Ok(hold) = stage.direct.hold(party.hold()).await {
        let over = !matches!(hold.status, HoldStatus::Held | HoldStatus::Paying | HoldStatus::Sold);
        assert!(over, "{story:?}: both were told that they have the seats: {hold:?}");
    }
    stage.direct.abandon(next.hold(), next.session()).await.unwrap();
}

/// Tells a story on one line, a write longer each time, until it is through.
async fn tell(story: Story, stage: &Stage, fault: Fault, next: Next) -> Vec<Survivor> {
    let (proxy, line) = stage.line().await;
    let provider = story.provider();
    let mut prepared = Vec::new();
    if story.pauses() {
        let parties = (0..WRITES_MAX * 3 / 4).map(|_| story.begin(stage, &provider));
        prepared = join_all(parties).await;
        tokio::time::sleep(TIME_TO_PAY.max(PAYMENT_TIME)).await;
    }
    let mut survivors = Vec::new();
    for writes in 1..=WRITES_MAX {
        let party = if story.pauses() {
            prepared.pop().expect("enough parties")
        } else {
            story.begin(stage, &provider).await
        };
        let died_at =
            dies(story, stage, (&proxy, &*line), &provider, &party, (fault, writes)).await;
        let Some(died_at) = died_at else {
            assert!(writes > 2, "{story:?} has {writes} writes only");
            line.close().await;
            return survivors;
        };
        match next {
            Next::TheSame => repeat(story, stage, &provider, &party).await,
            Next::SomebodyElse => somebody_else_comes(story, stage, &party).await,
            Next::Recovery => {}
        }
        survivors.push(Survivor { party, next, died_at });
    }
    panic!("{story:?} has more than {WRITES_MAX} writes");
}

/// Lets the client die at one of its writes; none if the story was through before.
async fn dies(
    story: Story,
    stage: &Stage,
    (proxy, line): (&Proxy, &dyn Repository),
    provider: &SimulatedProvider,
    party: &Party,
    (fault, writes): (Fault, u32),
) -> Option<String> {
    proxy.strike(fault, Counts::Writes, writes, 1);
    let through = tokio::select! {
        told = story.end(stage, line, provider, party) => Some(told),
        () = proxy.death() => None,
    };
    // What the dead client has handed to its connection gets lost, too.
    tokio::time::sleep(Duration::from_millis(10)).await;
    let struck = proxy.struck();
    proxy.heal();
    if let Some(told) = through {
        assert!(struck.is_none(), "{story:?} survived its death at {struck:?}: {told:?}");
        assert!(story.ends_well(&told), "{told:?}");
        return None;
    }
    Some(format!("{fault:?} {writes}: {}", struck.unwrap()))
}

async fn die_at_every_write(story: Story) {
    let Some(stage) = Stage::with(TIME_TO_PAY, PAYMENT_TIME).await else { return };
    let deaths = [
        (Fault::DiesBefore, Next::TheSame),
        (Fault::DiesBefore, Next::Recovery),
        (Fault::DiesAfter, Next::TheSame),
        (Fault::DiesAfter, Next::SomebodyElse),
    ];
    let lines = deaths.map(|(fault, next)| Box::pin(tell(story, &stage, fault, next)));
    let survivors: Vec<Survivor> = join_all(lines).await.into_iter().flatten().collect();
    tokio::time::sleep(TIME_TO_PAY.max(PAYMENT_TIME)).await;
    if matches!(story, Story::Block | Story::Unblock) {
        let tickets = survivors.iter().flat_map(|s| s.party.claim.tickets.clone());
        stage.direct.unblock(stage.event, &tickets.collect::<Vec<_>>()).await.unwrap();
    }
    // Nobody has recovered anything yet: whoever wants the seats does it on his way.
    if story != Story::Refund {
        let met = survivors.iter().filter(|s| s.next == Next::SomebodyElse);
        join_all(met.map(|survivor| comes_to_rest(&stage, &survivor.party, &survivor.died_at)))
            .await;
    }
    stage.direct.recover_payments(stage.event).await.unwrap();
    assert_eq!(stage.check().await, [""; 0], "{story:?}, recovered");
    stage.audit_passes(&format!("{story:?}")).await;
    join_all(
        survivors.iter().map(|survivor| comes_to_rest(&stage, &survivor.party, &survivor.died_at)),
    )
    .await;
    stage.refund_all().await;
    assert_eq!(stage.check().await, [""; 0], "{story:?}, given back");
    assert_eq!(stage.counted().await, 0, "{story:?}: somebody is counted for what he has not");
    stage.audit_passes(&format!("{story:?}, given back")).await;
    stage.direct.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_may_die_between_any_two_of_its_writes() {
    let told = Story::ALL.map(|story| (story, tokio::spawn(die_at_every_write(story))));
    let mut failed = Vec::new();
    for (story, told) in told {
        failed.extend(told.await.is_err().then_some(story));
    }
    assert!(failed.is_empty(), "see above what went wrong in {failed:?}");
}

/// A group whose last seat is claimed by a rival when the others are read as free: its claim is undone,
/// and the client dies at one of its writes. None where it is through before.
async fn dies_refused(
    stage: &Stage,
    (proxy, line): (&Proxy, &dyn Repository),
    (fault, writes): (Fault, u32),
) -> Option<(Party, Party)> {
    let party = stage.party(3).await;
    let mut rival = party.somebody_else();
    rival.claim.tickets.drain(..2);
    proxy.strike(fault, Counts::Writes, writes, 1);
    proxy.hold_back("INSERT INTO holds (");
    let claimed = async {
        tokio::select! {
            claimed = line.start_hold(&party.claim) => Some(claimed),
            () = proxy.death() => None,
        }
    };
    let beaten = async {
        let is_held_back = tokio::select! {
            () = proxy.held_back() => true,
            () = proxy.death() => false,
        };
        stage.direct.start_hold(&rival.claim).await.unwrap();
        if is_held_back {
            proxy.let_pass();
        }
    };
    let (claimed, ()) = tokio::join!(claimed, beaten);
    tokio::time::sleep(Duration::from_millis(10)).await;
    proxy.heal();
    match claimed {
        Some(claimed) => {
            assert_eq!(code(claimed), "taken");
            assert!(writes > 8, "a refused claim has {writes} writes only");
            None
        }
        None => Some((party, rival)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_claim_is_refused_may_die_between_any_two_writes() {
    let Some(stage) = Stage::with(TIME_TO_PAY, PAYMENT_TIME).await else { return };
    let mut survivors = Vec::new();
    for fault in [Fault::DiesBefore, Fault::DiesAfter] {
        let (proxy, line) = stage.line().await;
        for writes in 1..=WRITES_MAX {
            let died = dies_refused(&stage, (&proxy, &*line), (fault, writes)).await;
            let Some((party, rival)) = died else { break };
            let again = stage.direct.start_hold(&party.claim).await;
            assert!(matches!(code(again), "taken" | "busy" | "expired"), "{fault:?} {writes}");
            assert!(stage.has_all(&rival).await, "{fault:?} {writes}");
            survivors.push((party, rival, format!("{fault:?} {writes}")));
        }
        line.close().await;
    }
    stage.direct.repair(stage.event).await.unwrap();
    stage.audit_passes("repaired").await;
    tokio::time::sleep(TIME_TO_PAY).await;
    for (party, rival, died_at) in &survivors {
        let _ = stage.direct.abandon(rival.hold(), rival.session()).await;
        comes_to_rest(&stage, party, died_at).await;
    }
    stage.direct.repair(stage.event).await.unwrap();
    assert_eq!(stage.check().await, [""; 0]);
    assert_eq!(stage.counted().await, 0, "a buyer is counted for what it has not");
    stage.audit_passes("at rest").await;
    stage.direct.close().await;
}
