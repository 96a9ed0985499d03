//! `tix waitlist`.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::sandbox::{Answer, Sandbox, steady};

/// A hall without a free seat: downstairs is closed, and upstairs one session holds all.
fn full_hall(more: &[&str]) -> (Sandbox, String) {
    let sandbox = Sandbox::seeded_with(more);
    let close = ["ticket", "block", "--section", "Stalls", "--reason", "closed"];
    sandbox.tix(&close).done();
    let seats: Vec<String> =
        (1..=2).flat_map(|row| (1..=4).map(move |seat| format!("Balcony/{row}/{seat}"))).collect();
    let hold = sandbox.hold("ann", &seats.iter().map(String::as_str).collect::<Vec<_>>());
    (sandbox, hold)
}

fn join(sandbox: &Sandbox, session: &str, more: &[&str]) -> Answer {
    sandbox.tix(&[&["waitlist", "join", "--session", session], more].concat()).done()
}

fn entries(sandbox: &Sandbox, more: &[&str]) -> Vec<Value> {
    let list = [&["waitlist", "list", "-o", "json"], more].concat();
    let document: Value = serde_json::from_str(&sandbox.tix(&list).done().stdout).unwrap();
    crate::schemas::check("waitlist", &document);
    document["entries"].as_array().unwrap().clone()
}

#[test]
fn hint_for_a_too_large_group_keeps_to_the_limit() {
    let sandbox = Sandbox::seeded_with(&["--limit", "2"]);
    let join = |size: &str| sandbox.tix(&["waitlist", "join", "--session", "bob", "--size", size]);
    let refused = join("9").ended(2, "no row there has 9 such seats side by side");
    assert!(refused.stderr.contains("ask for 2 at the most"), "{}", refused.stderr);
}

#[test]
fn whoever_waits_is_told_his_place_and_what_comes_next() {
    let (sandbox, _) = full_hall(&[]);
    join(&sandbox, "bob", &[]);
    let answer = join(&sandbox, "cleo", &["--size", "2", "--section", "balcony"]);
    steady().bind(|| {
        insta::assert_snapshot!(answer.stdout, @"
        entry      [id]
        status     waiting
        event      Hall, Sun 1 Dec 2030 19:30
        waits for  2 tickets side by side, in Balcony
        place      2, 1 in front
        session    cleo
        buyer      [id]
        ");
        insta::assert_snapshot!(answer.stderr.trim_start(), @"
        Next:
          see the waitlist:
            tix waitlist list --event hall
          leave it:
            tix waitlist leave [id] --session cleo
        ");
    });
    let again = join(&sandbox, "cleo", &["--size", "2", "--section", "Balcony"]);
    assert!(again.stderr.contains("stands in line for that already"), "{}", again.stderr);
    assert_eq!(entries(&sandbox, &[]).len(), 2);
}

#[test]
fn what_comes_free_is_offered_and_paid_for() {
    let (sandbox, hold) = full_hall(&[]);
    join(&sandbox, "bob", &["--size", "2", "--type", "ECONOMY"]);
    sandbox.tix(&["hold", "abandon", &hold, "--session", "ann"]).done();
    let list = sandbox.tix(&["waitlist", "list"]).done();
    steady().bind(|| {
        insta::assert_snapshot!(list.stdout, @"
    PLACE  ENTRY                                 STATUS   WAITS FOR  OFFER
    ────────────────────────────────────────────────────────────────────────────────
           [id]  offered  2 tickets  Balcony/1/1,
                                                          side by    Balcony/1/2 for
                                                          side,      [span]
                                                          economy
    2 columns left out; -o json or a wider window shows them
    ");
    });
    let entry = entries(&sandbox, &[]).remove(0);
    assert_eq!((&entry["status"], &entry["type"]), (&"offered".into(), &"economy".into()));
    let offer = entry["offer"]["hold_id"].as_str().unwrap();
    sandbox.tix(&["hold", "confirm", offer, "--session", "bob"]).done();
    assert!(entries(&sandbox, &[]).is_empty());
    assert_eq!(entries(&sandbox, &["--all"])[0]["status"], "bought");
    sandbox.tix(&["audit"]).done();
}

#[test]
fn whoever_asks_for_what_others_wait_for_is_told_so() {
    let (sandbox, _) = full_hall(&["--ttl", "1s"]);
    join(&sandbox, "bob", &["--section", "Balcony", "--size", "4"]);
    thread::sleep(Duration::from_millis(1_100));
    // On a slow machine Bob joined when it had lapsed already, and was offered it at once.
    let seat = ["hold", "start", "--seat", "Balcony/1/3", "--session", "dan"];
    let answer = sandbox.tix(&seat);
    if answer.code == Some(3) {
        let refused = answer.refused("reserved_for_waitlist");
        assert!(refused.stderr.contains("tix waitlist join"), "{}", refused.stderr);
    }
    assert_eq!(entries(&sandbox, &["--all"])[0]["status"], "offered");
}

#[test]
fn a_worker_offers_what_lapsed() {
    let (sandbox, _) = full_hall(&["--ttl", "1s"]);
    join(&sandbox, "bob", &["--size", "3"]);
    thread::sleep(Duration::from_millis(1_100));
    let answer = sandbox.tix(&["worker", "--once", "-o", "json"]).done();
    let deed: Value = serde_json::from_str(answer.stdout.lines().next().unwrap()).unwrap();
    crate::schemas::check("deed", &deed);
    assert_eq!((&deed["did"], &deed["tickets"]), (&"offered".into(), &3.into()));
}

#[test]
fn what_is_cancelled_or_put_back_into_the_sale_goes_to_the_line() {
    let sandbox = Sandbox::seeded();
    for section in ["Stalls", "Balcony"] {
        sandbox.tix(&["ticket", "block", "--section", section, "--reason", "closed"]).done();
    }
    let offered = |place: usize| {
        let entry = entries(&sandbox, &["--all"])[place].clone();
        assert_eq!(entry["status"], "offered", "{entry:#}");
        entry["offer"]["hold_id"].as_str().unwrap().to_owned()
    };
    join(&sandbox, "bob", &[]);
    sandbox.tix(&["ticket", "unblock", "--seat", "Stalls/1/1"]).done();
    sandbox.tix(&["hold", "confirm", &offered(0), "--session", "bob"]).done();
    join(&sandbox, "cleo", &[]);
    let orders = sandbox.json("orders", &["order", "list"]);
    let number = orders["orders"][0]["confirmation_number"].as_str().unwrap();
    sandbox.tix(&["order", "cancel", number]).done();
    let seats = |place: usize| entries(&sandbox, &["--all"])[place]["offer"]["tickets"].clone();
    assert_eq!(seats(1)[0]["seat"], "Stalls/1/1");
    offered(1);
    sandbox.tix(&["audit"]).done();
}

#[test]
fn whoever_leaves_waits_no_more() {
    let (sandbox, hold) = full_hall(&[]);
    join(&sandbox, "bob", &[]);
    join(&sandbox, "cleo", &[]);
    let left = sandbox.tix(&["waitlist", "leave", "--session", "bob", "-o", "json"]).done();
    let document: Value = serde_json::from_str(&left.stdout).unwrap();
    crate::schemas::check("waitlist_entry", &document);
    assert_eq!(document["entry"]["status"], "left");
    sandbox.tix(&["hold", "abandon", &hold, "--session", "ann"]).done();
    // An offer can be given up as well.
    let cleo = entries(&sandbox, &[]).remove(0);
    assert_eq!(cleo["status"], "offered");
    let id = cleo["entry_id"].as_str().unwrap();
    for who in [&[][..], &["--session", "bob"]] {
        let refused = sandbox.tix(&[&["waitlist", "leave", id], who].concat());
        let refused = refused.refused("not_yours").stderr;
        assert!(refused.contains("the waitlist entry belongs to another session"), "{refused}");
    }
    sandbox.tix(&["waitlist", "leave", &id[..13], "--session", "cleo"]).done();
    assert_eq!(entries(&sandbox, &["--all"])[1]["status"], "declined");
    let empty = sandbox.tix(&["waitlist", "list"]).done();
    assert!(empty.stderr.contains("no entries"), "{}", empty.stderr);
}

#[test]
fn what_is_not_there_cannot_be_waited_for() {
    let (sandbox, _) = full_hall(&[]);
    let join = |more: &[&str]| sandbox.tix(&[&["waitlist", "join"], more].concat());
    join(&["--section", "Pit"]).refused("unknown_seat");
    join(&["--type", "VIP"]).ended(2, "there are: economy, regular");
    join(&["--type", "regular", "--section", "Balcony"]).ended(2, "there are: economy");
    join(&["--size", "0"]).ended(2, "--size");
    join(&["--size", "5", "--section", "Balcony"]).ended(2, "ask for 4 at the most");
    join(&["--size", "7"]).ended(2, "ask for 6 at the most");
    join(&["--size", "3", "--session", "ann"]).refused("limit");
    join(&["--event", "lear"]).refused("unknown_event");
    let leave = sandbox.tix(&["waitlist", "leave", "--session", "bob"]);
    leave.ended(2, "is not on the waitlist of hall");
    sandbox.tix(&["waitlist", "leave", "0123-4567", "--session", "bob"]).refused("unknown_hold");
}

#[test]
fn the_line_is_a_sheet_for_programs() {
    let (sandbox, _) = full_hall(&[]);
    join(&sandbox, "=cmd()", &["--size", "4", "--section", "Stalls"]);
    let sheet = sandbox.tix(&["waitlist", "list", "-o", "csv"]).done().stdout;
    let mut lines = sheet.lines();
    assert_eq!(
        lines.next().unwrap(),
        "place,entry_id,event_id,status,size,section,type,passed_over,hold_id,joined_at,\
         offered_at,session_id,buyer_id"
    );
    let line = lines.next().unwrap();
    assert!(line.starts_with("1,") && line.contains(",waiting,4,Stalls,,0,,"), "{line}");
    assert!(line.contains(",'=cmd(),"), "{line}");
}
