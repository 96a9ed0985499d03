//! Rehearsals that are killed in the middle, and others who work on the store meanwhile.

use std::time::Instant;

use crate::sandbox::Sandbox;
use crate::told::Told;

/// More buyers than any of these rehearsals is given the time for.
const CROWD: [&str; 5] = ["simulate", "--buyers", "15000", "--speed", "max"];

#[test]
fn whatever_was_acknowledged_survives_kill_9_again_and_again() {
    let sandbox = Sandbox::new();
    let history = sandbox.path("told.jsonl");
    let mut told = Told::from_start(history.clone());
    for (round, answers) in [1, 2500, 40, 1200, 150, 2000, 400, 800].into_iter().enumerate() {
        // Every second rehearsal goes on with the event that the killed one left behind.
        let last = sandbox.path("tix.db").exists().then(|| sandbox.events().pop()).flatten();
        let event = last.filter(|_| round % 2 == 1);
        let more = event.as_ref().map_or(vec![], |event| vec!["--event", event]);
        let mut rehearsal =
            sandbox.start(&[&CROWD[..], &["--history", "told.jsonl"], &more].concat());
        let enough = told.answers() + answers;
        rehearsal.until("there are enough answers", || told.answers() >= enough);
        rehearsal.kill();

        sandbox.keeps_what_was_told(&history);
        let events = sandbox.events();
        assert_eq!(events.len(), round / 2 + 1);
        for event in &events {
            sandbox.serves_the_next_buyer(event);
        }
    }
    sandbox.keeps_what_was_told(&history);
}

#[test]
fn buyers_beside_a_rehearsal_at_full_speed_are_answered() {
    let sandbox = Sandbox::with_hall(&[]);
    let history = sandbox.path("told.jsonl");
    let mut rehearsal = sandbox.start(&[&CROWD[..], &["--history", "told.jsonl"]].concat());
    let mut told = Told::from_start(history.clone());
    rehearsal.until("somebody was told something", || told.answers() > 0);
    let ask = |seat: &str| {
        let asked = Instant::now();
        let answer = sandbox.tix(&["hold", "start", "--event", "hall", "--seat", seat]);
        (answer, asked.elapsed())
    };
    let mut took = Vec::new();
    for n in 0..12 {
        let (answer, span) = ask(&format!("Stalls/{}/{}", n / 6 + 1, n % 6 + 1));
        answer.done();
        took.push(span);
    }
    for _ in 0..3 {
        let (answer, span) = ask("Stalls/1/1");
        answer.refused("taken");
        took.push(span);
    }
    assert!(rehearsal.is_running(), "the rehearsal was over before the last buyer came");
    let beside = told.answers();
    rehearsal.kill();
    took.sort_unstable();
    let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
    eprintln!("hold start beside {beside} answers of a rehearsal: {median:?}, at most {longest:?}");
    sandbox.keeps_what_was_told(&history);
}
