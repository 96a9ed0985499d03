//! `tix hold`.

use std::thread;
use std::time::Duration;

use uuid::Uuid;

use crate::node;
use crate::sandbox::{Answer, Sandbox, steady};

#[test]
fn a_hold_says_what_it_holds_until_when_and_what_comes_next() {
    let sandbox = Sandbox::seeded();
    let start =
        ["hold", "start", "--seat", "Stalls/1/3", "--seat", "Balcony/1/1", "--session", "ann"];
    let answer = sandbox.tix(&start).done();
    steady().bind(|| {
        insta::assert_snapshot!(answer.stdout, @r"
        hold      [id]
        status    held
        event     Hall, Sun 1 Dec 2030 19:30
        seats     Stalls/1/3 · regular · 49.50 EUR
                  Balcony/1/1 · economy · 29.00 EUR
        total     78.50 EUR
        session   ann
        buyer     [id]
        deadline  [time] ([span] left)
        ");
        insta::assert_snapshot!(answer.stderr.trim_start(), @r"
        Next:
          pay for it:
            tix hold confirm [id] --session ann
          release the seats:
            tix hold abandon [id] --session ann
        ");
    });
}

#[test]
fn a_seat_is_held_by_one_session_only() {
    let sandbox = Sandbox::seeded();
    sandbox.hold("ann", &["Stalls/1/1"]);
    let refused = sandbox.tix(&["hold", "start", "--seat", "Stalls/1/1", "--session", "bob"]);
    assert!(refused.refused("taken").stderr.contains("or wait: it is released in 14 min"));
}

#[test]
fn a_group_is_held_as_a_whole_or_not_at_all() {
    let sandbox = Sandbox::seeded();
    sandbox.hold("ann", &["Stalls/1/2"]);
    let seats = ["--seat", "Stalls/1/1", "--seat", "Stalls/1/2"];
    let refused = sandbox.tix(&[&["hold", "start"], &seats[..]].concat()).refused("taken");
    assert!(refused.stderr.starts_with("error: taken: Stalls/1/2 is held"), "{}", refused.stderr);
    sandbox.hold("bob", &["Stalls/1/1"]);
}

#[test]
fn a_refusal_is_one_object_for_programs() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    let answer = sandbox.tix(&["hold", "start", "--seat", "Stalls/1/1", "-o", "json"]);
    let document = serde_json::from_str(&answer.ended(3, "taken").stderr).unwrap();
    crate::schemas::check("error", &document);
    assert_eq!(document["error"]["kind"], "refused");
    assert_eq!(document["error"]["reason"], "taken");
    let stands = &document["error"]["in_the_way"];
    assert_eq!(stands.as_array().map(Vec::len), Some(1));
    assert_eq!(stands[0]["seat"], "Stalls/1/1");
    assert_eq!(stands[0]["status"], "held");
    assert_eq!(stands[0]["hold_id"], hold.as_str());
}

#[test]
fn a_fresh_session_is_made_up_and_printed() {
    let sandbox = Sandbox::seeded();
    let first = sandbox.json("hold", &["hold", "start", "--best", "1"]);
    let second = sandbox.json("hold", &["hold", "start", "--best", "1"]);
    assert_ne!(first["hold"]["session_id"], second["hold"]["session_id"]);
    assert_ne!(first["hold"]["buyer_id"], second["hold"]["buyer_id"]);
}

#[test]
fn session_and_buyer_can_come_from_the_environment() {
    let sandbox = Sandbox::seeded();
    let buyer = "5a022517-e114-443c-8d43-99e1e590fd03";
    let mut start = sandbox.command(&["hold", "start", "--best", "1", "-o", "json"]);
    let output = start.env("TIX_SESSION", "ann").env("TIX_BUYER", buyer).output().unwrap();
    let document: serde_json::Value =
        serde_json::from_str(&Answer::of(&output).done().stdout).unwrap();
    assert_eq!(document["hold"]["session_id"], "ann");
    assert_eq!(document["hold"]["buyer_id"], buyer);
    let hold = document["hold"]["hold_id"].as_str().unwrap();
    let mut confirm = sandbox.command(&["hold", "confirm", hold]);
    Answer::of(&confirm.env("TIX_SESSION", "ann").output().unwrap()).done();
}

#[test]
fn a_buyer_owns_no_more_than_the_limit_over_all_sessions() {
    let sandbox = Sandbox::seeded_with(&["--limit", "3"]);
    let buyer = "5a022517-e114-443c-8d43-99e1e590fd03";
    let start = |count: &str, session: &str| {
        sandbox.tix(&["hold", "start", "--best", count, "--session", session, "--buyer", buyer])
    };
    start("2", "one").done();
    let refused = start("2", "two").refused("limit");
    assert!(refused.stderr.contains("owns 2 and asks for 2 more, 3 are allowed"));
    start("1", "two").done();
}

#[test]
fn seats_that_are_not_there_are_all_named() {
    let sandbox = Sandbox::seeded();
    let seats = ["--seat", "Stalls/9/9", "--seat", "Stalls/1/1", "--seat", "Gallery/1/1"];
    let refused = sandbox.tix(&[&["hold", "start"], &seats[..]].concat()).refused("unknown_seat");
    assert!(refused.stderr.contains("Stalls/9/9, Gallery/1/1"), "{}", refused.stderr);
}

#[test]
fn a_seat_named_twice_is_a_slip() {
    let sandbox = Sandbox::seeded();
    let seats = ["--seat", "Stalls/1/1", "--seat", "Stalls/1/1"];
    sandbox.tix(&[&["hold", "start"], &seats[..]].concat()).ended(2, "Stalls/1/1 is named twice");
    sandbox.tix(&["hold", "start", "--seat", "Stalls-1-1"]).ended(2, "section/row/seat");
}

#[test]
fn a_hold_is_named_by_id_or_by_a_prefix_of_it() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    let shown = sandbox.json("hold", &["hold", "show", &hold[..18]]);
    assert_eq!(shown["hold"]["hold_id"], hold.as_str());
    sandbox.hold("ann", &["Stalls/1/2"]);
    sandbox.tix(&["hold", "show", &hold[..6]]).ended(2, "could be several holds");
    let unknown = sandbox.tix(&["hold", "show", "ffff"]).refused("unknown_hold");
    assert!(unknown.stderr.contains("one that is over is named by its whole id"));
    sandbox.tix(&["hold", "show", &hold[..2]]).refused("unknown_hold");
    let nobody = "01a1fdc2-08bf-7039-8098-dd2b7ca1865c";
    sandbox.tix(&["hold", "show", nobody]).refused("unknown_hold");
}

#[test]
fn running_holds_are_listed_with_the_time_that_is_left() {
    let sandbox = Sandbox::seeded();
    let nothing = sandbox.tix(&["hold", "list"]).done();
    assert!(nothing.stderr.contains("no running holds"), "{}", nothing.stderr);
    sandbox.hold("ann", &["Stalls/1/1", "Stalls/1/2"]);
    let paying = sandbox.hold("bob", &["Balcony/1/1"]);
    let silent = ["hold", "confirm", &paying, "--session", "bob", "--payment", "silent"];
    sandbox.tix(&silent).refused("payment_in_progress");
    let answer =
        Answer::of(&sandbox.command(&["hold", "list"]).env("COLUMNS", "130").output().unwrap());
    steady().bind(|| {
        insta::assert_snapshot!(answer.done().stdout, @r"
        HOLD                                  STATUS      TIME LEFT      AMOUNT  SEATS                   SESSION
        ────────────────────────────────────────────────────────────────────────────────────────────────────────
        [id]  paying     [span]   29.00 EUR  Balcony/1/1             bob
        [id]  held      [span]   99.00 EUR  Stalls/1/1, Stalls/1/2  ann
        total: 2 holds                        1 paying               128.00 EUR  3 tickets
        ");
    });
    let document = sandbox.json("holds", &["hold", "list"]);
    let holds = document["holds"].as_array().unwrap();
    let told = |name: &str| -> Vec<&serde_json::Value> { holds.iter().map(|h| &h[name]).collect() };
    assert_eq!(told("status"), ["paying", "held"], "the payment ends before the hold");
    let left: Vec<u64> = told("seconds_left").iter().map(|left| left.as_u64().unwrap()).collect();
    assert!((60..120).contains(&left[0]) && (840..900).contains(&left[1]), "{left:?}");
}

#[test]
fn a_sheet_of_running_holds_has_their_seconds_left() {
    let sandbox = Sandbox::seeded();
    sandbox.hold("ann", &["Stalls/1/1", "Stalls/1/2"]);
    let sheet = sandbox.tix(&["hold", "list", "-o", "csv"]).done().stdout;
    let lines: Vec<Vec<&str>> = sheet.lines().map(|line| line.split(',').collect()).collect();
    let at = |name: &str| lines[0].iter().position(|column| *column == name).unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1][at("status")], "held");
    assert_eq!(lines[1][at("seats")], "Stalls/1/1; Stalls/1/2");
    assert_eq!(lines[1][at("amount")], "99.00");
    assert!((840..900).contains(&lines[1][at("seconds_left")].parse().unwrap()));
}

#[test]
fn running_holds_are_those_of_the_event_that_is_named() {
    let sandbox = Sandbox::seeded();
    sandbox.seed(&["--slug", "matinee"]);
    sandbox.hold_at(&["--event", "hall"], "ann", &["Stalls/1/1"]);
    sandbox.tix(&["hold", "list"]).ended(2, "name one of them with --event");
    let of = |event: &str| {
        let document = sandbox.json("holds", &["hold", "list", "--event", event]);
        document["holds"].as_array().unwrap().len()
    };
    assert_eq!((of("hall"), of("matinee")), (1, 0));
}

#[test]
fn only_its_session_can_act_on_a_hold() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    sandbox.tix(&["hold", "confirm", &hold]).refused("not_yours");
    sandbox.tix(&["hold", "confirm", &hold, "--session", "bob"]).refused("not_yours");
    sandbox.tix(&["hold", "abandon", &hold, "--session", "bob"]).refused("not_yours");
    sandbox.tix(&["hold", "abandon", &hold, "--session", "ann"]).done();
}

#[test]
fn a_hold_that_is_given_up_frees_its_tickets() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    let abandon = ["hold", "abandon", &hold, "--session", "ann"];
    assert_eq!(sandbox.json("hold", &abandon)["hold"]["status"], "abandoned");
    assert_eq!(sandbox.json("hold", &abandon)["hold"]["status"], "abandoned");
    sandbox.hold("bob", &["Stalls/1/1"]);
}

#[test]
fn a_hold_cannot_be_paid_for_after_its_deadline() {
    let sandbox = Sandbox::seeded_with(&["--ttl", "1s"]);
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    thread::sleep(Duration::from_millis(1100));
    sandbox.tix(&["hold", "confirm", &hold, "--session", "ann"]).refused("expired");
    assert_eq!(sandbox.json("hold", &["hold", "show", &hold])["hold"]["status"], "expired");
    sandbox.hold("bob", &["Stalls/1/1"]);
}

#[test]
fn paying_gives_a_confirmation_and_the_way_in() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1", "Balcony/1/1"]);
    let answer = sandbox.tix(&["hold", "confirm", &hold, "--session", "ann"]).done();
    steady().bind(|| {
        insta::assert_snapshot!(answer.stdout, @r"
    confirmation  [confirmation]
    status        paid
    event         Hall, Sun 1 Dec 2030 19:30
    doors         Sun 1 Dec 2030 18:30
    seats         Stalls/1/1 · regular · 49.50 EUR · entrance Main door
                  Balcony/1/1 · economy · 29.00 EUR · entrance Stairs
    amount        78.50 EUR
    order         [id]
    hold          [id]
    session       ann
    buyer         [id]
    payment       card-of-[id]
    decided       [time]
    ");
    });
}

#[test]
fn paying_again_pays_once() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    let confirm = ["hold", "confirm", &hold, "--session", "ann"];
    let first = sandbox.json("order", &confirm);
    assert_eq!(sandbox.json("order", &confirm), first);
    let other = [&confirm[..], &["--payment-reference", "another"]].concat();
    sandbox.tix(&other).refused("already_paid");
    assert_eq!(sandbox.json("orders", &["order", "list"])["orders"].as_array().unwrap().len(), 1);
}

#[test]
fn a_declined_payment_leaves_the_hold_for_another_card() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    let confirm = ["hold", "confirm", &hold, "--session", "ann"];
    let declined = sandbox.tix(&[&confirm[..], &["--payment", "declined"]].concat());
    assert!(declined.refused("declined").stderr.contains("the seats stay yours"));
    sandbox.tix(&confirm).refused("declined");
    sandbox.tix(&[&confirm[..], &["--payment-reference", "second"]].concat()).done();
}

#[test]
fn total_of_zero_is_sold_whatever_the_provider_says() {
    let scylla = node::url("tix_free").map(Sandbox::with_store);
    for sandbox in std::iter::once(Sandbox::new()).chain(scylla) {
        let file = sandbox.file("free.csv", "section,row,seat,type,price\nS,A,1,free,0\n");
        for payment in ["declined", "silent", "captured"] {
            let slug = format!("free-{}", Uuid::new_v4().simple());
            let seed = ["seed", file.to_str().unwrap(), "--slug", &slug, "--date", "2031-01-01"];
            sandbox.tix(&seed).done();
            let hold = sandbox.hold_at(&["--event", &slug], "ann", &["S/A/1"]);
            let confirm = ["hold", "confirm", &hold, "--session", "ann", "--payment", payment];
            let order = sandbox.json("order", &confirm)["order"].clone();
            assert_eq!(order["status"], "paid", "{payment}");
            assert_eq!(order["amount"]["amount"], "0.00");
            let counts = sandbox.json("ticket_counts", &["ticket", "counts", "--event", &slug]);
            assert_eq!(counts["total"]["sold"], 1);
            let cancel = ["order", "cancel", order["order_id"].as_str().unwrap()];
            assert_eq!(sandbox.json("order", &cancel)["order"]["status"], "refunded");
            sandbox.tix(&["audit", "--event", &slug]).done();
        }
    }
}

#[test]
fn a_silent_provider_leaves_a_payment_in_progress_until_its_deadline() {
    let sandbox = Sandbox::seeded_with(&["--payment-time", "1s"]);
    let hold = sandbox.hold("ann", &["Stalls/1/1"]);
    let confirm = ["hold", "confirm", &hold, "--session", "ann"];
    let silent = sandbox.tix(&[&confirm[..], &["--payment", "silent"]].concat());
    silent.refused("payment_in_progress");
    sandbox.tix(&["hold", "start", "--seat", "Stalls/1/1"]).refused("taken");
    thread::sleep(Duration::from_millis(1100));
    sandbox.hold("bob", &["Stalls/1/1"]);
}

#[test]
fn of_many_processes_that_want_one_seat_one_gets_it() {
    const PROCESSES: usize = 64;
    let sandbox = Sandbox::seeded();
    let start = ["hold", "start", "--seat", "Stalls/2/2"];
    let mut commands: Vec<_> = (0..PROCESSES).map(|_| sandbox.command(&start)).collect();
    let children: Vec<_> = commands
        .iter_mut()
        .map(|command| {
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let answers: Vec<Answer> =
        children.into_iter().map(|c| Answer::of(&c.wait_with_output().unwrap())).collect();
    let (winners, losers): (Vec<Answer>, Vec<Answer>) =
        answers.into_iter().partition(|answer| answer.code == Some(0));
    assert_eq!(winners.len(), 1);
    for loser in losers {
        loser.refused("taken");
    }
}
