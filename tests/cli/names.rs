//! Names in any spelling, and text that would act on a terminal.

use rusqlite::Connection;

use crate::sandbox::{HALL, Sandbox};

/// A venue whose names have several spellings.
const CAFE: &str = "section,row,seat,type,price\n\
    Caf\u{e9} left,A,1,VIP,10\nCaf\u{e9} left,A,2,VIP,10\nCaf\u{e9} left,A,3,Std,10\nBox,A,1,Std,10\n";

fn cafe() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("cafe.csv", CAFE);
    sandbox.tix(&["seed", "cafe.csv", "--event", "Caf\u{e9}"]).done();
    sandbox
}

#[test]
fn spellings_of_one_seat_are_reported_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    let file = "section,row,seat,type,price\nStalls,A,1,std,10\nStalls\u{200b},A,1,std,10\n\
        stalls,A,1,std,10\nCaf\u{e9},A,1,std,10\nCafe\u{301},A,1,std,10\n";
    sandbox.file("five.csv", file);
    let answer = sandbox.tix(&["seed", "five.csv", "--event", "E"]);
    let answer = answer.ended(2, "five.csv has 4 faults; nothing was written");
    for fault in [
        "five.csv:3: section: `Stalls\\u{200b}` contains U+200B (zero width space) as character 7",
        "five.csv:3: seat: `Stalls/A/1` is already on line 2",
        "five.csv:4: seat: `Stalls/A/1` is already on line 2",
        "five.csv:6: seat: `Caf\u{e9}/A/1` is already on line 5",
    ] {
        assert!(answer.stderr.contains(fault), "{}", answer.stderr);
    }
    assert!(!sandbox.path("tix.db").exists());
}

#[test]
fn options_take_names_in_any_spelling() {
    let sandbox = cafe();
    let held = |line: &[&str]| {
        let answer = sandbox.tix(&[&["hold", "start", "-o", "json"], line].concat()).done();
        answer.stdout
    };
    assert!(held(&["--seat", "CAFE\u{301} LEFT/a/1"]).contains("\"Caf\u{e9} left/A/1\""));
    let best = held(&["--best", "1", "--section", "cafe\u{301}\u{a0}left", "--type", "vip"]);
    assert!(best.contains("\"Caf\u{e9} left/A/2\""), "{best}");
    let list = sandbox.tix(&["ticket", "list", "--section", "CAF\u{c9}  left"]).done();
    assert_eq!(list.stdout.matches("Caf\u{e9} left/").count(), 3, "{}", list.stdout);
    sandbox.tix(&["ticket", "map", "--section", "BOX"]).done();
    let block = ["ticket", "block", "--reason", "house seats", "--section", "box"];
    sandbox.tix(&block).done();
    let join = ["waitlist", "join", "--session", "ann", "--section", "cafe\u{301} left"];
    let joined = sandbox.tix(&[&join[..], &["--type", "STD", "-o", "json"]].concat()).done();
    assert!(joined.stdout.contains("\"section\": \"Caf\u{e9} left\""), "{}", joined.stdout);
    assert!(joined.stdout.contains("\"type\": \"Std\""), "{}", joined.stdout);
}

#[test]
fn seat_named_in_two_spellings_is_named_twice() {
    let answer = cafe().tix(&["hold", "start", "--seat", "Box/A/1", "--seat", "box/a/1"]);
    answer.ended(2, "the seat box/a/1 is named twice");
}

#[test]
fn stored_names_are_normalized() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    let line = ["seed", "hall.csv", "--event", " Cafe\u{301}  Royal ", "--city", "Ko\u{308}ln"];
    let event = &sandbox.json("seed", &line)["seed"]["event"];
    assert_eq!(event["name"], "Caf\u{e9} Royal");
    assert_eq!(event["slug"], "caf\u{e9}-royal");
    assert_eq!(event["venue"]["city"], "K\u{f6}ln");
}

#[test]
fn names_with_invisible_characters_are_refused() {
    let sandbox = Sandbox::seeded();
    let lines: [&[&str]; 5] = [
        &["event", "add", "a\u{1b}[2Jb"],
        &["event", "add", "Lear", "--performer", "a\u{202e}b"],
        &["hold", "start", "--best", "1", "--session", "a\u{9b}2Jb"],
        &["ticket", "block", "--seat", "Stalls/1/1", "--reason", "a\u{200b}b"],
        &["watch-cdc", "--resume", "a\u{2066}b"],
    ];
    for line in lines {
        let answer = sandbox.tix(line).ended(2, "as character 2");
        assert_harmless(&answer.stderr);
    }
}

#[test]
fn wrongly_decoded_names_are_refused() {
    let sandbox = Sandbox::seeded();
    let lines: [&[&str]; 5] = [
        &["event", "add", "a\u{fffd}"],
        &["event", "add", "Lear", "--city", "K\u{fffd}ln"],
        &["hold", "start", "--best", "1", "--session", "a\u{fffd}"],
        &["ticket", "block", "--seat", "Stalls/1/1", "--reason", "a\u{fffd}"],
        &["event", "add", "a\u{ffff}"],
    ];
    for line in lines {
        sandbox.tix(line).ended(2, "character) as character 2");
    }
    sandbox.file("lost.csv", "section,row,seat,type,price\nCaf\u{fffd},A,1,std,10\n");
    let answer = sandbox.tix(&["seed", "lost.csv", "--event", "E"]);
    let answer = answer.ended(2, "lost.csv has 1 fault; nothing was written");
    let fault = "lost.csv:2: section: `Caf\u{fffd}` contains U+FFFD (replacement character)";
    assert!(answer.stderr.contains(fault), "{}", answer.stderr);
    assert!(answer.stderr.contains("save the original text as UTF-8"), "{}", answer.stderr);
}

#[test]
fn stored_names_that_are_refused_today_stay_in_use() {
    let sandbox = Sandbox::seeded();
    let store = Connection::open(sandbox.path("tix.db")).unwrap();
    store
        .execute("UPDATE venue_sections SET name = 'Caf\u{fffd}' WHERE name = 'Stalls'", [])
        .unwrap();
    store.execute("UPDATE events SET name = 'Caf\u{fffd}', city = 'K\u{fffd}ln'", []).unwrap();
    drop(store);
    let shown = sandbox.tix(&["event", "show"]).done();
    assert!(shown.stdout.contains("K\u{fffd}ln"), "{}", shown.stdout);
    let held = sandbox.tix(&["hold", "start", "--seat", "caf\u{fffd}/1/1", "-o", "json"]).done();
    assert!(held.stdout.contains("\"Caf\u{fffd}/1/1\""), "{}", held.stdout);
    let best = ["hold", "start", "--best", "1", "--section", "Caf\u{fffd}"];
    sandbox.tix(&best).done();
}

#[test]
fn events_in_a_withdrawn_currency_stay_in_use() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    for (code, by) in [("HRK", "EUR"), ("zwl", "ZWG")] {
        let answer = sandbox.tix(&["seed", "hall.csv", "--currency", code]);
        answer.ended(2, &format!("was withdrawn; write {by}, which replaced it"));
    }
    assert!(!sandbox.path("tix.db").exists());
    sandbox.tix(&["seed", "hall.csv", "--event", "Hall"]).done();
    let store = Connection::open(sandbox.path("tix.db")).unwrap();
    store.execute("UPDATE events SET currency = 'HRK'", []).unwrap();
    drop(store);
    let shown = sandbox.tix(&["event", "show", "hall"]).done();
    assert!(shown.stdout.contains("HRK"), "{}", shown.stdout);
    sandbox.buy("ann", &["Stalls/1/1"]);
    let again = sandbox.tix(&["seed", "hall.csv", "--event", "Hall"]);
    let again = again.ended(2, "the tickets of hall are sold in HRK");
    assert!(again.stderr.contains("add another event with --slug hall-2"), "{}", again.stderr);
}

#[test]
fn currencies_that_are_no_money_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    for code in ["XTS", "XAU", "XXX"] {
        let answer = sandbox.tix(&["seed", "hall.csv", "--currency", code]);
        answer.ended(2, "is not a currency to pay with");
    }
    sandbox.tix(&["seed", "hall.csv", "--currency", "EURO"]).ended(2, "no ISO 4217 code");
    assert!(!sandbox.path("tix.db").exists());
}

/// Checks that nothing in a text acts on a terminal but sequences that set colors.
#[track_caller]
fn assert_harmless(text: &str) {
    let plain = tix::output::safe::escaped(text, true);
    assert_eq!(text, plain, "printed raw");
}

#[test]
fn arguments_and_paths_are_printed_with_escapes() {
    let sandbox = Sandbox::seeded();
    let raw = "x\u{1b}[2J\u{202e}y\u{9b}";
    let shown = "x\\u{1b}[2J\\u{202e}y\\u{9b}";
    let path = format!("{raw}.csv");
    let store = format!("sqlite:{raw}.db");
    let lines: [&[&str]; 7] = [
        &["hold", "start", "--best", "1", "--event", raw],
        &["hold", "start", "--best", "1", "--section", raw],
        &["hold", "start", "--seat", raw],
        &["hold", "show", raw],
        &["order", "show", raw],
        &["seed", &path],
        &["--store", &store, "event", "list"],
    ];
    for line in lines {
        for color in ["never", "always"] {
            let answer = sandbox.tix(&[line, &["--color", color]].concat());
            assert!(answer.stderr.contains(shown), "{line:?} {}", answer.stderr);
            assert_harmless(&answer.stderr);
            let answer = sandbox.tix(&[line, &["--color", color, "-o", "json"]].concat());
            assert!(!answer.stderr.contains(['\u{1b}', '\u{202e}', '\u{9b}']));
            let error: serde_json::Value = serde_json::from_str(&answer.stderr).unwrap();
            assert!(error["error"]["message"].is_string());
        }
    }
    for color in ["never", "always"] {
        let answer = sandbox.tix(&["--color", color, raw]).ended(2, "unrecognized subcommand");
        assert_harmless(&answer.stderr);
    }
}

#[test]
fn stored_names_are_printed_with_escapes() {
    let sandbox = Sandbox::seeded();
    let store = rusqlite::Connection::open(sandbox.path("tix.db")).unwrap();
    let raw = "Ha\u{1b}[31mll\u{7}\u{202e}, \"x\"";
    assert_eq!(store.execute("UPDATE events SET name = ?1", [raw]).unwrap(), 1);
    for format in ["table", "csv", "json"] {
        let answer = sandbox.tix(&["event", "list", "-o", format]).done();
        let is_raw = |c| matches!(c, '\u{1b}' | '\u{7}' | '\u{202e}');
        assert!(!answer.stdout.contains(is_raw), "{format}: {}", answer.stdout);
    }
    let sheet = sandbox.tix(&["event", "list", "-o", "csv"]).done().stdout;
    let cell = r#""Ha\u{1b}[31mll\u{7}\u{202e}, ""x""""#;
    assert!(sheet.contains(cell), "{sheet}");
}
