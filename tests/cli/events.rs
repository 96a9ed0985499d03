//! `tix event`.

use crate::sandbox::{Sandbox, steady};

#[test]
fn the_list_is_a_table_for_people() {
    let sandbox = Sandbox::seeded();
    sandbox
        .tix(&[
            "event",
            "add",
            "Hamlet",
            "--date",
            "2031-01-01",
            "--time-zone",
            "UTC",
            "--city",
            "Hull",
        ])
        .done();
    let answer = sandbox.tix(&["event", "list"]).done();
    insta::assert_snapshot!(answer.stdout, @r"
    EVENT              NAME    DATE                  VENUE  TICKETS
    ───────────────────────────────────────────────────────────────
    hall               Hall    Sun 1 Dec 2030 19:30  Hall        26
    hamlet-2031-01-01  Hamlet  Wed 1 Jan 2031 20:00  Hull         0
    ");
    assert_eq!(answer.stderr, "");
}

#[test]
fn the_list_is_a_document_for_programs() {
    let sandbox = Sandbox::seeded();
    let document = sandbox.json("events", &["event", "list"]);
    assert_eq!(document["events"][0]["slug"], "hall");
    assert_eq!(document["events"][0]["starts_at"], "2030-12-01T18:30:00.000Z");
}

#[test]
fn the_list_is_a_sheet_that_starts_no_formula() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["event", "add", "=1+1", "--slug", "sum", "--date", "2030-12-01"]).done();
    let answer = sandbox.tix(&["event", "list", "-o", "csv"]).done();
    let mut lines = answer.stdout.lines();
    assert!(lines.next().unwrap().starts_with("event_id,slug,name,series,"));
    assert!(lines.next().unwrap().contains(",sum,'=1+1,"), "{}", answer.stdout);
}

#[test]
fn one_event_is_shown_with_its_sections() {
    let sandbox = Sandbox::seeded();
    let answer = sandbox.tix(&["event", "show"]).done();
    steady().bind(|| {
        insta::assert_snapshot!(answer.stdout, @"
        event        Hall
        slug         hall
        id           [id]
        series       hall
        begins       Sun 1 Dec 2030 19:30 (Europe/Berlin)
        doors        Sun 1 Dec 2030 18:30
        lasts        2 h 00 min
        venue        Hall
        currency     EUR
        limit        10 tickets a buyer
        time to pay  [span]
        tickets      26
        left         26, from 29.00 EUR

        SECTION  TYPE     ENTRANCE   PRICE  ROWS  SEATS  LEFT
        ─────────────────────────────────────────────────────
        Stalls   regular  Main door  49.50     3     18    18
        Balcony  economy  Stairs     29.00     2      8     8
        ");
    });
    let document = sandbox.json("event", &["event", "show", "hall"]);
    assert_eq!(document["sections"][1]["name"], "Balcony");
}

#[test]
fn an_event_is_added_without_tickets_and_minted_later() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", crate::sandbox::HALL);
    let added = sandbox.json("event", &["event", "add", "Hamlet", "--date", "2030-12-01"]);
    assert_eq!(added["event"]["minted"], false);
    sandbox.tix(&["hold", "start", "--best", "2"]).refused("sold_out");
    let minted =
        sandbox.json("seed", &["seed", "hall.csv", "--event", "Hamlet", "--date", "2030-12-01"]);
    assert_eq!(minted["seed"]["event"]["event_id"], added["event"]["event_id"]);
    assert_eq!(minted["seed"]["event"]["minted"], true);
}

#[test]
fn adding_an_event_again_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["event", "add", "Hamlet", "--limit", "4"]).done();
    let again = sandbox.tix(&["event", "add", "Hamlet"]).done();
    assert!(again.stderr.contains("nothing new: hamlet is there already"), "{}", again.stderr);
    let other = ["event", "add", "Hamlet", "--limit", "6", "--currency", "USD"];
    let answer = sandbox.tix(&other).ended(2, "2 options differ from it");
    assert!(answer.stderr.contains("--currency: the event has EUR, not USD"), "{}", answer.stderr);
    assert_eq!(sandbox.json("event", &["event", "show"])["event"]["limit"], 4);
}

#[test]
fn an_event_is_named_by_slug_id_or_prefix() {
    let sandbox = Sandbox::seeded();
    sandbox.tix(&["event", "add", "Hamlet"]).done();
    let id = sandbox.json("event", &["event", "show", "hall"])["event"]["event_id"].clone();
    for name in ["hall", "hal", id.as_str().unwrap(), &id.as_str().unwrap()[..7]] {
        let shown = sandbox.json("event", &["event", "show", name]);
        assert_eq!(shown["event"]["slug"], "hall", "{name}");
    }
}

#[test]
fn several_events_have_to_be_told_apart() {
    let sandbox = Sandbox::seeded();
    sandbox.tix(&["event", "add", "Hamlet"]).done();
    sandbox.tix(&["event", "show"]).ended(2, "there are several events: ");
    sandbox.tix(&["ticket", "map"]).ended(2, "name one of them with --event");
    sandbox.tix(&["ticket", "map", "--event", "ha"]).ended(2, "`ha` could be several events: ");
}

#[test]
fn an_event_that_is_not_there_is_refused() {
    let sandbox = Sandbox::seeded();
    sandbox.tix(&["event", "show", "lear"]).refused("unknown_event");
    sandbox.tix(&["hold", "list", "--event", "lear"]).refused("unknown_event");
}

#[test]
fn a_store_without_events_says_how_to_add_one() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["schema", "apply"]).done();
    let answer = sandbox.tix(&["event", "list"]).done();
    assert!(answer.stderr.contains("tix seed"), "{}", answer.stderr);
    sandbox.tix(&["ticket", "counts"]).refused("unknown_event");
    assert_eq!(sandbox.json("events", &["event", "list"])["events"], serde_json::json!([]));
}

#[test]
fn lists_of_events_are_printed_in_parts() {
    let sandbox = Sandbox::seeded();
    for day in ["01", "02", "03"] {
        let date = format!("2031-01-{day}");
        let add = ["event", "add", "Hamlet", "--series", "Hamlet", "--date", &date];
        sandbox.tix(&[&add[..], &["--city", &format!("City {day}")]].concat()).done();
    }
    let part = ["--limit", "2", "--offset", "1"];
    for (schema, list, rows, total, rest) in [
        ("events", &["event", "list"][..], "events", 4, "2 of 4; the next ones follow"),
        ("event_shows", &["event", "shows", "hamlet"], "shows", 3, ""),
        ("event_locations", &["event", "locations"], "locations", 4, "2 of 4; the next ones"),
    ] {
        let whole = sandbox.json(schema, list);
        assert_eq!(whole["total"], total);
        let paged = [list, &part].concat();
        let document = sandbox.json(schema, &paged);
        assert_eq!(document["total"], total);
        let wanted = &whole[rows].as_array().unwrap()[1..3];
        assert_eq!(document[rows].as_array().unwrap(), wanted);
        let people = sandbox.tix(&paged).done();
        assert!(people.stderr.contains(rest), "{}", people.stderr);
        assert_eq!(people.stderr.is_empty(), rest.is_empty(), "{}", people.stderr);
    }
}

#[test]
fn list_of_tickets_is_printed_in_parts() {
    let sandbox = Sandbox::seeded();
    let whole = sandbox.json("tickets", &["ticket", "list"])["tickets"].clone();
    let whole = whole.as_array().unwrap();
    assert_eq!(whole.len(), 26);
    for (offset, limit, follow) in [("0", "3", true), ("20", "3", true), ("23", "3", false)] {
        let list = ["ticket", "list", "--offset", offset, "--limit", limit];
        let first: usize = offset.parse().unwrap();
        let document = sandbox.json("tickets", &list);
        assert_eq!(document["tickets"].as_array().unwrap(), &whole[first..first + 3]);
        let people = sandbox.tix(&list).done().stderr;
        assert_eq!(people.contains("the next ones follow"), follow, "{people}");
    }
    let beyond = sandbox.json("tickets", &["ticket", "list", "--offset", "26"]);
    assert_eq!(beyond["tickets"].as_array().unwrap().len(), 0);
}

#[test]
fn event_that_is_added_again_shows_what_is_left() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", crate::sandbox::HALL);
    let date = ["--date", "2030-12-01T19:30"];
    sandbox.tix(&[&["seed", "hall.csv", "--event", "Lear"], &date[..]].concat()).done();
    let added = sandbox.tix(&[&["event", "add", "Lear"], &date[..]].concat()).done();
    assert!(added.stdout.contains("left         26, from"), "{}", added.stdout);
    assert!(added.stderr.contains("is there already"), "{}", added.stderr);
}

#[test]
fn day_that_the_zone_skips_is_refused() {
    let sandbox = Sandbox::new();
    let add = ["event", "add", "X", "--date", "2011-12-30", "--time-zone", "Pacific/Apia"];
    sandbox.tix(&add).ended(2, "2011-12-30T20:00 does not exist in Pacific/Apia");
}

#[test]
fn section_of_an_unminted_event_is_refused_with_a_way_to_mint() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["event", "add", "Lear", "--date", "2030-12-01T19:30"]).done();
    let start = ["hold", "start", "--best", "1", "--section", "Stalls"];
    let refused = sandbox.tix(&start).refused("unknown_seat");
    assert!(refused.stderr.contains("has no tickets yet"), "{}", refused.stderr);
}
