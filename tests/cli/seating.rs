//! Aisles, accessible seats, ticket types and seats that are named twice, as the command line shows
//! them.

use serde_json::Value;

use crate::sandbox::Sandbox;

/// A store with one event, minted from these lines below the header of a file with a line per seat.
fn seeded(header: &str, lines: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let file = sandbox.file("venue.csv", format!("{header}\n{lines}"));
    sandbox.tix(&["seed", file.to_str().unwrap(), "--slug", "hall"]).done();
    sandbox
}

const SEATS: &str = "section,row,seat,type,price";

fn best(sandbox: &Sandbox, more: &[&str]) -> Vec<String> {
    let held = sandbox.json("hold", &[&["hold", "start", "--best"], more].concat());
    let tickets = held["hold"]["tickets"].as_array().unwrap();
    tickets.iter().map(|ticket| ticket["seat"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn seats_across_a_gap_are_not_side_by_side() {
    let sandbox = seeded(SEATS, "S,A,1A,t,10\nS,A,2A,t,10\nS,A,5A,t,10\nS,A,6A,t,10\n");
    sandbox.tix(&["hold", "start", "--best", "4"]).refused("no_adjacent_block");
    assert_eq!(best(&sandbox, &["2"]), ["S/A/1A", "S/A/2A"]);
    let sandbox = seeded(SEATS, "S,A,1,t,10\nS,A,14,t,10\n");
    sandbox.tix(&["hold", "start", "--best", "2"]).refused("no_adjacent_block");
}

#[test]
fn a_venue_file_can_say_where_the_aisles_are() {
    let header = "section,row,seat,type,price,aisle_after";
    let sandbox = seeded(header, "S,A,1,t,10,no\nS,A,14,t,10,\nS,A,15,t,10,yes\nS,A,16,t,10,\n");
    assert_eq!(best(&sandbox, &["3"]), ["S/A/1", "S/A/14", "S/A/15"]);
    let header = "section;type;price;rows;seats_per_row;aisle_after";
    let sandbox = seeded(header, "S;t;10;2;6;2 4\n");
    sandbox.tix(&["hold", "start", "--best", "3"]).refused("no_adjacent_block");
    assert_eq!(best(&sandbox, &["2"]), ["S/1/3", "S/1/4"]);
}

#[test]
fn a_wrong_aisle_is_a_fault_of_its_line() {
    let sandbox = Sandbox::new();
    let file = |text: &str| sandbox.file("venue.csv", text).to_str().unwrap().to_owned();
    let seats = file("section,row,seat,type,price,aisle_after\nS,A,1,t,10,maybe\n");
    sandbox.tix(&["seed", &seats]).ended(2, "`maybe` is neither yes nor no");
    let grid = file("section,type,price,rows,seats_per_row,aisle_after\nS,t,10,1,4,2 4 x\n");
    let answer = sandbox.tix(&["seed", &grid]).ended(2, "`4` is not a seat number below 4");
    assert!(answer.stderr.contains("`x` is not a seat number below 4"), "{}", answer.stderr);
}

#[test]
fn another_aisle_is_another_venue_file() {
    let header = "section,row,seat,type,price,aisle_after";
    let sandbox = seeded(header, "S,A,1,t,10,\nS,A,2,t,10,\n");
    let file = sandbox.file("venue.csv", format!("{header}\nS,A,1,t,10,yes\nS,A,2,t,10,\n"));
    let again = ["seed", file.to_str().unwrap(), "--slug", "hall"];
    sandbox.tix(&again).ended(1, "minted from another venue file");
}

const RAMP: &str = "S,A,1,std,20\nS,A,2,std,20\nS,A,3,wheelchair,20\nS,A,4,companion,20\n\
    S,A,5,std,20\nS,A,6,std,20\n";

#[test]
fn accessible_seats_are_chosen_only_where_asked_for() {
    let sandbox = seeded(SEATS, RAMP);
    assert_eq!(best(&sandbox, &["2"]), ["S/A/1", "S/A/2"]);
    assert_eq!(best(&sandbox, &["2"]), ["S/A/5", "S/A/6"]);
    let refused = sandbox.tix(&["hold", "start", "--best", "1"]).refused("sold_out");
    assert!(refused.stderr.contains("2 accessible seats are free"), "{}", refused.stderr);
    assert_eq!(best(&sandbox, &["1", "--type", "Wheelchair"]), ["S/A/3"]);
    sandbox.hold("ann", &["S/A/4"]);
}

#[test]
fn seats_near_taken_ones_are_not_accessible_ones() {
    let sandbox = seeded(SEATS, RAMP);
    sandbox.hold("ann", &["S/A/2"]);
    let taken = sandbox.tix(&["hold", "start", "--seat", "S/A/2"]).refused("taken");
    assert!(taken.stderr.contains("S/A/1 is free"), "{}", taken.stderr);
}

#[test]
fn each_ticket_type_of_a_section_has_its_line() {
    let sandbox = seeded(SEATS, "S,A,1,A,100\nS,A,2,B,10\n");
    sandbox.buy("ann", &["S/A/2"]);
    let csv = |command: &[&str]| sandbox.tix(&[command, &["-o", "csv"]].concat()).done().stdout;
    assert_eq!(
        csv(&["ticket", "counts"]),
        "section,type,minted,available,held,paying,sold,blocked,revenue,currency\n\
         S,A,1,1,0,0,0,0,0.00,EUR\nS,B,1,0,0,0,1,0,10.00,EUR\n"
    );
    let text = sandbox.tix(&["ticket", "counts"]).done().stdout;
    insta::assert_snapshot!(text, @r"
    SECTION  TYPE  MINTED  AVAILABLE  HELD  PAYING  SOLD  BLOCKED    REVENUE
    ────────────────────────────────────────────────────────────────────────
    S        A          1          1     ·       ·     ·        ·   0.00 EUR
    S        B          1          ·     ·       ·     1        ·  10.00 EUR
    total               2          1     ·       ·     1        ·  10.00 EUR
    ");
    let counts = sandbox.json("ticket_counts", &["ticket", "counts"]);
    let section = &counts["sections"][0];
    for field in ["minted", "available", "held", "paying", "sold", "blocked"] {
        let types = section["types"].as_array().unwrap();
        let sum: u64 = types.iter().map(|of| of[field].as_u64().unwrap()).sum();
        assert_eq!(section[field], Value::from(sum), "{field}");
    }
    let shown = sandbox.json("event", &["event", "show"]);
    let types = shown["sections"][0]["types"].as_array().unwrap();
    let of = |at: usize| (types[at]["type"].as_str(), types[at]["available"].as_u64());
    assert_eq!((of(0), of(1)), ((Some("A"), Some(1)), (Some("B"), Some(0))));
    let sheet = csv(&["event", "show"]);
    assert_eq!(sheet.lines().count(), 3, "{sheet}");
    let text = sandbox.tix(&["event", "show"]).done().stdout;
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("S ")).collect();
    assert_eq!(lines.len(), 2, "{text}");
}

#[test]
fn a_seat_is_named_once() {
    let sandbox = seeded(SEATS, RAMP);
    let twice = ["--seat", "S/A/1", "--seat", "S/A/1"];
    let words = "the seat S/A/1 is named twice";
    sandbox.tix(&[&["hold", "start"], &twice[..]].concat()).ended(2, words);
    sandbox.tix(&[&["ticket", "block", "--reason", "x"], &twice[..]].concat()).ended(2, words);
    sandbox.tix(&[&["ticket", "unblock"], &twice[..]].concat()).ended(2, words);
}
