//! What refusals say, and whether what they suggest works.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::sandbox::{Answer, Sandbox, steady};

/// The command that a hint suggests, as arguments. No name in this venue needs quotes.
fn suggested(answer: &Answer) -> Vec<String> {
    let command = answer.stderr.split('`').nth(1).unwrap_or_else(|| panic!("{}", answer.stderr));
    command.strip_prefix("tix ").unwrap().split(' ').map(str::to_owned).collect()
}

/// Runs the command that a hint suggests; answers with the seats that it held.
fn follow(sandbox: &Sandbox, answer: &Answer) -> Vec<String> {
    let arguments = suggested(answer);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let document = sandbox.json("hold", &arguments);
    let tickets = document["hold"]["tickets"].as_array().unwrap();
    tickets.iter().map(|ticket| ticket["seat"].as_str().unwrap().to_owned()).collect()
}

/// The refusal of a command, once the schema has accepted it.
fn refusal(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let answer = sandbox.tix(&[arguments, &["-o", "json"]].concat()).ended(3, "refused");
    let document: Value = serde_json::from_str(&answer.stderr).unwrap();
    crate::schemas::check("error", &document);
    document["error"].clone()
}

#[test]
fn who_is_refused_seats_is_offered_others_nearby() {
    let sandbox = Sandbox::seeded();
    sandbox.hold("ann", &["Stalls/1/3", "Stalls/1/4"]);
    let start = ["hold", "start", "--seat", "Stalls/1/3", "--seat", "Stalls/1/4"];
    let refused = sandbox.tix(&[&start[..], &["--session", "bob"]].concat()).refused("taken");
    steady().bind(|| {
        insta::assert_snapshot!(refused.stderr, @r"
        error: taken: Stalls/1/3, Stalls/1/4 are held until [time] (hold [short id])
        Hint: 2 seats side by side are free nearby: `tix hold start --seat Stalls/1/1 --seat Stalls/1/2 --session bob`; or wait: they are released in [span] unless they are paid for
        ");
    });
    assert_eq!(follow(&sandbox, &refused), ["Stalls/1/1", "Stalls/1/2"]);
}

#[test]
fn what_does_not_come_free_is_not_waited_for() {
    let sandbox = Sandbox::seeded();
    sandbox.buy("ann", &["Stalls/1/1"]);
    let block = ["ticket", "block", "--seat", "Stalls/1/2", "--reason", "broken seat"];
    sandbox.tix(&block).done();
    let sold = sandbox.tix(&["hold", "start", "--seat", "Stalls/1/1"]).refused("taken");
    let blocked = sandbox.tix(&["hold", "start", "--seat", "Stalls/1/2"]).refused("blocked");
    insta::assert_snapshot!(sold.stderr + &blocked.stderr, @r"
    error: taken: Stalls/1/1 is sold
    Hint: Stalls/1/3 is free: `tix hold start --seat Stalls/1/3`
    error: blocked: Stalls/1/2 is blocked (broken seat)
    Hint: Stalls/1/3 is free: `tix hold start --seat Stalls/1/3`
    ");
}

#[test]
fn where_nothing_is_free_nearby_tix_is_asked_to_choose() {
    let sandbox = Sandbox::seeded();
    sandbox.hold("ann", &["Balcony/1/2", "Balcony/1/3", "Balcony/2/2", "Balcony/2/3"]);
    let start = ["hold", "start", "--seat", "Balcony/1/2", "--seat", "Balcony/1/3"];
    let refused = sandbox.tix(&start).refused("taken");
    assert_eq!(follow(&sandbox, &refused), ["Stalls/1/3", "Stalls/1/4"]);
}

#[test]
fn who_has_the_seats_already_is_told_so() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    let start = ["hold", "start", "--seat", "Stalls/1/1", "--session", "ann"];
    let refused = sandbox.tix(&start).refused("taken");
    assert!(refused.stderr.contains("Hint: that is your own hold"), "{}", refused.stderr);
    assert_eq!(suggested(&refused), ["hold", "confirm", &hold, "--session", "ann"]);
    let bob = sandbox.tix(&["hold", "start", "--seat", "Stalls/1/1", "--session", "bob"]);
    assert!(!bob.refused("taken").stderr.contains("ann"));
}

#[test]
fn the_limit_names_what_counts() {
    let sandbox = Sandbox::seeded_with(&["--limit", "3"]);
    sandbox.buy("ann", &["Stalls/1/1", "Stalls/1/2"]);
    let start = ["hold", "start", "--best", "2", "--session", "ann"];
    let paid = sandbox.tix(&start).refused("limit");
    let hold = sandbox.hold("ann", &["Stalls/1/3"]);
    let full = sandbox.tix(&start).refused("limit");
    steady().bind(|| {
        insta::assert_snapshot!(paid.stderr + &full.stderr, @r"
        error: limit: the buyer owns 2 and asks for 2 more, 3 are allowed: 2 sold (order [id])
        Hint: ask for 1 at the most: `tix hold start --best 1 --session ann`; or cancel an order: `tix order cancel [id]`
        error: limit: the buyer owns 3 and asks for 2 more, 3 are allowed: 2 sold (order [id]), 1 held until [time] (hold [short id])
        Hint: abandon a hold: `tix hold abandon [id] --session ann`
        ");
    });
    let told = refusal(&sandbox, &start);
    assert_eq!(told["owned"], 3);
    assert_eq!(told["counted"].as_array().map(Vec::len), Some(2));
    assert_eq!(told["counted"][0]["tickets"], 2);
    assert_eq!(told["counted"][0]["status"], "sold");
    assert_eq!(told["counted"][1]["hold_id"], hold.as_str());
}

#[test]
fn whose_time_is_over_is_told_whether_his_seats_are_still_free() {
    let sandbox = Sandbox::seeded_with(&["--ttl", "1s"]);
    let hold = sandbox.hold("ann", &["Stalls/1/3", "Stalls/1/4"]);
    thread::sleep(Duration::from_millis(1100));
    let confirm = ["hold", "confirm", &hold, "--session", "ann"];
    let over = sandbox.tix(&confirm).refused("expired");
    assert!(over.stderr.contains("Hint: that was "), "{}", over.stderr);
    assert!(over.stderr.contains(" ago; its seats are still free: `"), "{}", over.stderr);
    assert_eq!(follow(&sandbox, &over), ["Stalls/1/3", "Stalls/1/4"]);
}

#[test]
fn whose_seats_are_gone_is_offered_others() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/3", "Stalls/1/4"]);
    sandbox.tix(&["hold", "abandon", &hold, "--session", "ann"]).done();
    sandbox.hold("bob", &["Stalls/1/3"]);
    let confirm = ["hold", "confirm", &hold, "--session", "ann"];
    let over = sandbox.tix(&confirm).refused("expired");
    steady().bind(|| {
        insta::assert_snapshot!(over.stderr, @r"
        error: expired: the hold was abandoned
        Hint: Stalls/1/3 is taken by now; 2 seats side by side are free nearby: `tix hold start --event hall --seat Stalls/1/1 --seat Stalls/1/2 --session ann`
        ");
    });
    assert_eq!(follow(&sandbox, &over), ["Stalls/1/1", "Stalls/1/2"]);
    assert_eq!(refusal(&sandbox, &confirm)["ended_as"], "abandoned");
}

#[test]
fn a_payment_under_way_is_named_and_another_card_suggested_after_a_decline() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    let confirm = ["hold", "confirm", &hold, "--session", "ann"];
    let declined = sandbox.tix(&[&confirm[..], &["--payment", "declined"]].concat());
    let another = suggested(&declined.refused("declined"));
    let another: Vec<&str> = another.iter().map(String::as_str).collect();
    let silent = [&another[..], &["--payment", "silent"]].concat();
    let told = refusal(&sandbox, &silent);
    assert_eq!(told["reason"], "payment_in_progress");
    let start = ["hold", "start", "--seat", "Stalls/1/1"];
    let stands = &refusal(&sandbox, &start)["in_the_way"][0];
    assert_eq!(stands["status"], "paying");
    assert_eq!(stands["order_id"], told["order_id"]);
    assert_eq!(stands["until"], told["until"]);
    let paid = sandbox.json("order", &another);
    assert_eq!(paid["order"]["order_id"], told["order_id"]);
    assert_eq!(refusal(&sandbox, &confirm[..])["reason"], "declined");
}

#[test]
fn seats_that_are_not_there_are_answered_with_those_that_are() {
    let sandbox = Sandbox::seeded();
    let hint = |seat: &str| {
        let refused = sandbox.tix(&["hold", "start", "--seat", seat]).refused("unknown_seat");
        refused.stderr.split_once("Hint: ").unwrap().1.trim_end().to_owned()
    };
    assert_eq!(hint("Gallery/1/1"), "the sections of the event are: Stalls, Balcony");
    let map = "see them with `tix ticket map`";
    assert_eq!(hint("stalls/9/1"), format!("Stalls has rows 1 to 3; {map}"));
    assert_eq!(hint("Balcony/2/9"), format!("row 2 of Balcony has seats 1 to 4; {map}"));
}
