//! `tix ticket`.

use crate::sandbox::{Answer, Sandbox, steady};

/// A hall with a ticket in every condition but `paying`.
fn busy_hall() -> Sandbox {
    let sandbox = Sandbox::seeded();
    sandbox.hold("ann", &["Stalls/1/1", "Stalls/1/2"]);
    sandbox.buy("bob", &["Stalls/1/3", "Stalls/1/4"]);
    sandbox.tix(&["ticket", "block", "--section", "Balcony", "--reason", "no heating"]).done();
    sandbox
}

#[test]
fn the_map_shows_every_seat_by_its_condition() {
    let sandbox = busy_hall();
    let hold = sandbox.hold("eve", &["Stalls/3/6"]);
    let silent = ["hold", "confirm", &hold, "--session", "eve", "--payment", "silent"];
    sandbox.tix(&silent).refused("payment_in_progress");
    let answer = sandbox.tix(&["ticket", "map"]).done();
    insta::assert_snapshot!(answer.stdout, @r"
    Hall · Sun 1 Dec 2030 19:30

    Stalls                Balcony
    regular · 49.50 EUR   economy · 29.00 EUR
    13 of 18 available    0 of 8 available
    1 ◐◐●●○○              1 ××××
    2 ○○○○○○              2 ××××
    3 ○○○○○$

    ○ available 13   ◐ held 2   $ paying 1   ● sold 2   × blocked 8
    ");
    assert_eq!(answer.stderr, "");
}

#[test]
fn the_map_is_told_apart_without_colour_and_on_a_narrow_page() {
    let sandbox = busy_hall();
    let map = |more: &[&str], width: &str, no_color: &str| {
        let mut command = sandbox.command(&[&["ticket", "map"], more].concat());
        let output = command.env("COLUMNS", width).env("NO_COLOR", no_color).output().unwrap();
        Answer::of(&output).done().stdout
    };
    insta::assert_snapshot!(map(&[], "24", "1"), @r"
    Hall
    Sun 1 Dec 2030 19:30

    Stalls
    regular · 49.50 EUR
    14 of 18 available
    1 ◐◐●●○○
    2 ○○○○○○
    3 ○○○○○○

    Balcony
    economy · 29.00 EUR
    0 of 8 available
    1 ××××
    2 ××××

    ○ available 14
    ◐ held 2   $ paying 0
    ● sold 2   × blocked 8
    ");
    let painted = map(&["--color", "always"], "24", "");
    assert!(painted.contains("\u{1b}[33m◐◐\u{1b}[0m"), "{painted:?}");
    let mut parts = painted.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    let plain = parts.map(|part| part.split_once('m').unwrap().1).fold(first, |all, p| all + p);
    assert_eq!(plain, map(&[], "24", "1"), "colour only repeats what the signs say");
}

#[test]
fn the_map_can_show_some_sections() {
    let sandbox = busy_hall();
    let answer = sandbox.tix(&["ticket", "map", "--section", "balcony"]).done();
    insta::assert_snapshot!(answer.stdout, @r"
    Hall · Sun 1 Dec 2030 19:30

    Balcony
    economy · 29.00 EUR
    0 of 8 available
    1 ××××
    2 ××××

    ○ available 0   ◐ held 0   $ paying 0   ● sold 0   × blocked 8
    ");
    sandbox.tix(&["ticket", "map", "--section", "Gallery"]).refused("unknown_seat");
}

#[test]
fn the_map_is_a_document_with_rows_and_seats() {
    let document = busy_hall().json("ticket_map", &["ticket", "map"]);
    let stalls = &document["map"]["sections"][0];
    assert_eq!(stalls["rows"][0]["seats"][0], serde_json::json!({"seat": "1", "status": "held"}));
    assert_eq!(stalls["rows"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&stalls["rows"][0]["available"], &stalls["rows"][0]["longest"]),
        (&2.into(), &2.into())
    );
    assert_eq!(stalls["rows"][1]["longest"], 6);
}

#[test]
fn the_list_says_why_a_ticket_is_blocked_and_how_long_it_is_held() {
    let sandbox = busy_hall();
    let held = sandbox.tix(&["ticket", "list", "--status", "held"]).done();
    let blocked = sandbox.tix(&["ticket", "list", "--status", "blocked", "--limit", "2"]).done();
    steady().bind(|| {
        insta::assert_snapshot!(held.stdout + &blocked.stdout, @r"
    SEAT        TYPE         PRICE  STATUS  REMARK
    ────────────────────────────────────────────────────────
    Stalls/1/1  regular  49.50 EUR  held    [span] left
    Stalls/1/2  regular  49.50 EUR  held    [span] left
    1 column left out; -o json or a wider window shows it
    SEAT         TYPE         PRICE  STATUS   REMARK
    ────────────────────────────────────────────────────
    Balcony/1/1  economy  29.00 EUR  blocked  no heating
    Balcony/1/2  economy  29.00 EUR  blocked  no heating
    ");
    });
}

#[test]
fn the_list_can_be_narrowed() {
    let sandbox = busy_hall();
    let seats = |arguments: &[&str]| {
        let document = sandbox.json("tickets", &[&["ticket", "list"], arguments].concat());
        document["tickets"].as_array().unwrap().len()
    };
    assert_eq!(seats(&[]), 26);
    assert_eq!(seats(&["--section", "stalls"]), 18);
    assert_eq!(seats(&["--status", "sold"]), 2);
    assert_eq!(seats(&["--limit", "5"]), 5);
    assert_eq!(seats(&["--section", "Balcony", "--status", "sold"]), 0);
    sandbox.tix(&["ticket", "list", "--section", "Gallery"]).refused("unknown_seat");
}

#[test]
fn a_sheet_of_tickets_has_a_line_for_each() {
    let answer = busy_hall().tix(&["ticket", "list", "-o", "csv"]).done();
    assert_eq!(answer.stdout.lines().count(), 27);
    assert!(answer.stdout.contains(",Stalls,1,3,regular,49.50,EUR,sold,"), "{}", answer.stdout);
}

#[test]
fn counts_add_up_to_what_was_minted_and_earned() {
    let sandbox = busy_hall();
    let answer = sandbox.tix(&["ticket", "counts"]).done();
    insta::assert_snapshot!(answer.stdout, @r"
    SECTION  TYPE     MINTED  AVAILABLE  HELD  PAYING  SOLD  BLOCKED    REVENUE
    ───────────────────────────────────────────────────────────────────────────
    Stalls   regular      18         14     2       ·     2        ·  99.00 EUR
    Balcony  economy       8          ·     ·       ·     ·        8   0.00 EUR
    total                 26         14     2       ·     2        8  99.00 EUR
    ");
    let total = sandbox.json("ticket_counts", &["ticket", "counts"])["total"].clone();
    assert_eq!(total["minted"], 26);
    assert_eq!(total["revenue"], serde_json::json!({"amount": "99.00", "currency": "EUR"}));
}

#[test]
fn blocked_tickets_leave_the_sale_and_come_back() {
    let sandbox = Sandbox::seeded();
    let block = ["ticket", "block", "--seat", "Stalls/1/1", "--seat", "Stalls/1/2"];
    let document = sandbox.json("blocked", &[&block[..], &["--reason", "house seats"]].concat());
    assert_eq!(document["blocked"]["changed"], 2);
    sandbox.tix(&["hold", "start", "--seat", "Stalls/1/1"]).refused("blocked");
    let again = sandbox.tix(&["ticket", "block", "--section", "Stalls", "--reason", "x"]).done();
    assert_eq!(again.stdout, "blocked 16 tickets of hall: x (2 were blocked before)\n");
    let unblock = sandbox.json("blocked", &["ticket", "unblock", "--section", "Stalls"]);
    assert_eq!(unblock["unblocked"]["changed"], 18);
    sandbox.tix(&["hold", "start", "--seat", "Stalls/1/1"]).done();
}

#[test]
fn tickets_that_somebody_has_cannot_be_blocked() {
    let sandbox = Sandbox::seeded();
    sandbox.hold("ann", &["Stalls/1/2"]);
    let block = ["ticket", "block", "--section", "Stalls", "--reason", "x"];
    let answer = sandbox.tix(&block).refused("taken");
    let held = &sandbox.json("holds", &["hold", "list"])["holds"][0];
    let until: jiff::Timestamp = held["expires_at"].as_str().unwrap().parse().unwrap();
    let there = until.in_tz("Europe/Berlin").unwrap().strftime("%H:%M:%S").to_string();
    let told = format!("error: taken: Stalls/1/2 is held until {there} (hold ");
    assert!(answer.stderr.starts_with(&told), "by the venue's clock: {}", answer.stderr);
    let counts = sandbox.json("ticket_counts", &["ticket", "counts"]);
    assert_eq!(counts["total"]["blocked"], 0);
}

#[test]
fn what_to_block_and_why_has_to_be_said() {
    let sandbox = Sandbox::seeded();
    sandbox.tix(&["ticket", "block", "--reason", "x"]).ended(2, "--seat <SEAT>|--section");
    sandbox.tix(&["ticket", "block", "--section", "Stalls"]).ended(2, "--reason");
    sandbox.tix(&["ticket", "unblock", "--seat", "Stalls/9/9"]).refused("unknown_seat");
}
