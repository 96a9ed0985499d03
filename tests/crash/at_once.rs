//! Many processes that ask at the same moment.

use std::io::pipe;

use crate::process::{Answer, Process};
use crate::sandbox::Sandbox;

/// Lets all of these commands loose at once; returns their answers in the same order.
fn all_at_once(sandbox: &Sandbox, commands: &[Vec<String>]) -> Vec<Answer> {
    let (gate, opener) = pipe().unwrap();
    let start = |arguments: &Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        sandbox.start_behind(&gate, &arguments)
    };
    let waiting: Vec<Process> = commands.iter().map(start).collect();
    drop(opener);
    waiting.into_iter().map(Process::end).collect()
}

/// Divides answers into those that were granted and the others.
fn granted(answers: Vec<Answer>) -> (Vec<Answer>, Vec<Answer>) {
    answers.into_iter().partition(|answer| answer.code == Some(0))
}

fn start(session: &str, seats: &[String], more: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["hold", "start", "--session", session].map(str::to_owned).into();
    arguments.extend(seats.iter().flat_map(|seat| ["--seat".to_owned(), seat.clone()]));
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    arguments
}

#[test]
fn of_64_processes_that_want_one_seat_one_gets_it() {
    let sandbox = Sandbox::with_hall(&[]);
    let seat = ["Stalls/1/1".to_owned()];
    let commands: Vec<_> = (0..64).map(|n| start(&format!("session-{n}"), &seat, &[])).collect();
    let (granted, refused) = granted(all_at_once(&sandbox, &commands));
    assert_eq!(granted.len(), 1, "{granted:?}");
    assert_eq!(refused.len(), 63);
    for answer in refused {
        answer.refused("taken");
    }
    sandbox.passes_its_audit();
}

#[test]
fn a_buyer_never_owns_more_than_10_in_50_sessions_at_once() {
    let sandbox = Sandbox::new();
    let venue = "section,type,price,rows,seats_per_row\nFloor,regular,10.00,50,3\n";
    sandbox.seed("floor", venue, &["--limit", "10"]).done();
    let buyer = "5a022517-e114-443c-8d43-99e1e590fd03";
    // Every session has a row of its own, so that nothing but the limit stands in its way. Every
    // second one wants the whole row.
    let commands: Vec<_> = (1..=50)
        .map(|row| {
            let seats = if row % 2 == 0 { 3 } else { 1 };
            let seats: Vec<_> = (1..=seats).map(|seat| format!("Floor/{row}/{seat}")).collect();
            start(&format!("session-{row}"), &seats, &["--buyer", buyer])
        })
        .collect();
    let (_, refused) = granted(all_at_once(&sandbox, &commands));
    for answer in refused {
        answer.refused("limit");
    }
    let holds = sandbox.json(&["hold", "list"]);
    let tickets = |hold: &serde_json::Value| hold["tickets"].as_array().unwrap().len();
    let owned: usize = holds["holds"].as_array().unwrap().iter().map(tickets).sum();
    assert_eq!(owned, 10, "25 sessions that want one seat fill up whatever the groups leave");
    sandbox.passes_its_audit();
}
