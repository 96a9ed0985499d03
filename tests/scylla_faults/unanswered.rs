//! A deciding request of which nobody knows whether it was carried out.
//!
//! Where it happens once, the one who asked does not notice: he is told what is so, a little later.
//! Where it goes on, he is told that no answer came; then his repeat, and everybody else, meets the
//! truth.

use std::time::Duration;

use futures::future::join_all;
use tix::repository::{Error, StoreFault};

use crate::proxy::{Counts, Fault};
use crate::stage::{Party, Stage};
use crate::story::{Story, code, comes_to_rest};

/// Longer than a client waits for an answer.
const LATE: Duration = Duration::from_secs(6);

/// More decisions than any story has.
const DECISIONS_MAX: u32 = 24;

/// Lines on which a story is told at the same time.
const LINES: u32 = 4;

/// Tells a story on one line, in which one decision after the other fails once.
async fn tell(story: Story, stage: &Stage, fault: Fault, first: u32, time: Duration) -> u32 {
    let (proxy, line) = stage.line().await;
    let provider = story.provider();
    let mut prepared = Vec::new();
    if story.pauses() {
        let parties = (0..DECISIONS_MAX / LINES).map(|_| story.begin(stage, &provider));
        prepared = join_all(parties).await;
        tokio::time::sleep(time).await;
    }
    let mut struck = 0;
    for nth in (first..DECISIONS_MAX).step_by(LINES as usize) {
        let party = if story.pauses() {
            prepared.pop().expect("enough parties")
        } else {
            story.begin(stage, &provider).await
        };
        proxy.strike(fault, Counts::Decisions, nth, 1);
        let told = story.end(stage, &*line, &provider, &party).await;
        let at = proxy.struck();
        proxy.heal();
        assert!(story.ends_well(&told), "{story:?}, {fault:?} at {at:?}: {told:?}");
        story.verify(stage, &party).await;
        if at.is_none() {
            break;
        }
        struck += 1;
    }
    assert_eq!(proxy.misdeeds(), [""; 0], "{story:?}, {fault:?}");
    line.close().await;
    struck
}

async fn fail_at_every_decision(story: Story, fault: Fault) {
    let time = Duration::from_secs(10);
    let Some(stage) = Stage::with(time, time).await else { return };
    let lines = (1..=LINES).map(|first| tell(story, &stage, fault, first, time));
    let struck: u32 = join_all(lines).await.into_iter().sum();
    assert!(struck >= story.decisions_min(), "{story:?}: {struck} decisions were struck");
    if let Fault::ArrivesLate(late) = fault {
        tokio::time::sleep(late).await;
    }
    assert_eq!(stage.uncounted().await, [""; 0], "{story:?}, {fault:?}");
    stage.direct.close().await;
}

async fn all_pass(tests: Vec<(String, tokio::task::JoinHandle<()>)>) {
    let mut failed = Vec::new();
    for (name, test) in tests {
        failed.extend(test.await.is_err().then_some(name));
    }
    assert!(failed.is_empty(), "see above what went wrong in {failed:?}");
}

fn each(stories: &[Story], fault: Fault) -> Vec<(String, tokio::task::JoinHandle<()>)> {
    let told = stories.iter().map(|story| {
        let test = tokio::spawn(fail_at_every_decision(*story, fault));
        (format!("{story:?}, {fault:?}"), test)
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_decision_that_times_out_goes_unnoticed() {
    let mut tests = each(&Story::ALL, Fault::TimesOutUndone);
    tests.extend(each(&Story::ALL, Fault::TimesOutDone));
    all_pass(tests).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_decision_that_gets_lost_or_comes_late_goes_unnoticed() {
    let stories = [Story::ClaimThree, Story::Pay, Story::Abandon];
    let mut tests = Vec::new();
    for fault in [Fault::LosesRequest, Fault::LosesAnswer, Fault::ArrivesLate(LATE)] {
        tests.extend(each(&stories, fault));
    }
    for fault in [Fault::BreaksBefore, Fault::BreaksAfter] {
        tests.extend(each(&stories, fault));
    }
    all_pass(tests).await;
}

/// The server is silent for two decisions, which arrive late.
async fn fall_silent(story: Story, stage: &Stage, nth: u32) -> Option<(Party, String)> {
    let (proxy, line) = stage.line().await;
    let provider = story.provider();
    let party = story.begin(stage, &provider).await;
    let late = 2 * LATE;
    proxy.strike(Fault::ArrivesLate(late), Counts::Decisions, nth, 2);
    let told = story.end(stage, &*line, &provider, &party).await;
    let at = format!("{story:?}, silent at {nth}: {}", proxy.struck()?);
    // What is stored before and after the requests have landed is in order.
    assert_eq!(stage.uncounted_of(&party).await, [""; 0], "{at}");
    if let Err(error) = &told {
        let honest = match error {
            Error::Store(error) => error.fault == StoreFault::Unanswered,
            Error::Refused(refusal) => story.ends_well(&told) || refusal.code() == "busy",
        };
        assert!(honest, "{at}: {told:?}");
    }
    tokio::time::sleep(late).await;
    assert_eq!(stage.uncounted_of(&party).await, [""; 0], "{at}, landed");
    if story.ends_well(&told) {
        story.verify(stage, &party).await;
    } else if nth.is_multiple_of(2) {
        let told = story.end(stage, &*stage.direct, &provider, &party).await;
        if story.claims() && told.is_err() {
            assert!(matches!(code(told), "busy" | "expired" | "taken"), "{at}");
        } else {
            assert!(story.ends_well(&told), "{at}, repeated: {told:?}");
            story.verify(stage, &party).await;
        }
    }
    line.close().await;
    Some((party, at))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_silent_makes_nobody_believe_what_is_not_so() {
    let time = Duration::from_secs(30);
    let stories = [Story::ClaimThree, Story::Pay, Story::Abandon, Story::Refund, Story::Decline];
    let Some(stage) = Stage::with(time, time).await else { return };
    let begun = tokio::time::Instant::now();
    let told = stories.map(|story| {
        let stage = &stage;
        join_all((1..DECISIONS_MAX / 2).map(move |nth| fall_silent(story, stage, nth)))
    });
    let silenced: Vec<_> = join_all(told).await.into_iter().flatten().flatten().collect();
    assert!(silenced.len() > 20, "{} decisions were struck", silenced.len());
    tokio::time::sleep_until(begun + 2 * time).await;
    stage.direct.recover_payments(stage.event).await.unwrap();
    assert_eq!(stage.check().await, [""; 0]);
    join_all(silenced.iter().map(|(party, at)| comes_to_rest(&stage, party, at))).await;
    stage.refund_all().await;
    assert_eq!(stage.check().await, [""; 0]);
    assert_eq!(stage.counted().await, 0);
    stage.direct.close().await;
}
