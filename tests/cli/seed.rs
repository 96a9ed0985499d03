//! `tix seed`.

use std::io::Write;
use std::process::Stdio;

use crate::sandbox::{Answer, HALL, Sandbox, steady};

#[test]
fn without_a_file_it_mints_the_built_in_arena_and_says_where() {
    let sandbox = Sandbox::new();
    let answer = sandbox.tix(&["seed"]).done();
    assert!(answer.stdout.contains("10,000 tickets"), "{}", answer.stdout);
    assert!(answer.stdout.contains("sqlite:tix.db"), "{}", answer.stdout);
    assert!(answer.stderr.contains("tix hold start --event arena-night --best 2"));
    assert!(answer.stderr.contains("tix watch-cdc"));
    assert!(sandbox.path("tix.db").exists());
}

#[test]
fn the_event_is_named_after_the_file() {
    let sandbox = Sandbox::new();
    sandbox.file("old-town_hall.csv", HALL);
    let document = sandbox.json("seed", &["seed", "old-town_hall.csv"]);
    assert_eq!(document["seed"]["event"]["name"], "Old Town Hall");
    assert_eq!(document["seed"]["event"]["slug"], "old-town-hall");
    assert_eq!(document["seed"]["minted"]["new"], 26);
}

#[test]
fn everything_that_is_said_about_the_event_is_kept() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    let line = "seed hall.csv --event Hamlet --date 2030-07-01T19:30 --series hamlet --type theatre \
        --performer Ann --performer Bob --description Tragedy --duration 2h30m --language en-GB \
        --venue Globe --city London --country UK --time-zone Europe/London --lat 51.508 --lon -0.097 \
        --doors 18:45 --limit 4 --ttl 10m --payment-time 90s";
    let document = sandbox.json("seed", &line.split_whitespace().collect::<Vec<_>>());
    let event = &document["seed"]["event"];
    assert_eq!(event["slug"], "hamlet-2030-07-01");
    assert_eq!(event["starts_at"], "2030-07-01T18:30:00.000Z");
    assert_eq!(event["doors_at"], "2030-07-01T17:45:00.000Z");
    assert_eq!(event["performers"], serde_json::json!(["Ann", "Bob"]));
    assert_eq!(event["venue"]["longitude"], -0.097);
    assert_eq!(event["duration_minutes"], 150);
    assert_eq!(event["limit"], 4);
    assert_eq!(event["time_to_pay_seconds"], 600.0);
    assert_eq!(event["payment_time_seconds"], 90.0);
}

#[test]
fn seeding_the_same_again_mints_nothing_new() {
    let sandbox = Sandbox::seeded();
    let document = sandbox.json("seed", &["seed", "hall.csv", "--slug", "hall"]);
    assert_eq!(document["seed"]["minted"], serde_json::json!({"new": 0, "existing": 26}));
}

#[test]
fn options_that_differ_from_the_event_are_listed() {
    let sandbox = Sandbox::seeded();
    let options = ["--ttl", "5m", "--limit", "2", "--time-zone", "Asia/Tokyo"];
    let seed = ["seed", "hall.csv", "--slug", "hall"];
    let answer = sandbox.tix(&[&seed[..], &options].concat()).ended(2, "hall is there already");
    insta::assert_snapshot!(answer.stderr, @r"
    error: the event hall is there already, and 3 options differ from it
      --time-zone: the event has Europe/Berlin, not Asia/Tokyo
      --limit: the event has 10, not 2
      --ttl: the event has 15 min 00 s, not 5 min 00 s
    Hint: what an event has is fixed when it is added; leave these options out, or add another event: the same command with --slug hall-2
    ");
    assert_eq!(sandbox.json("event", &["event", "show"])["event"]["limit"], 10);
    let other = ["seed", "hall.csv", "--slug", "hall-2"];
    sandbox.tix(&[&other[..], &options].concat()).done();
}

#[test]
fn seeding_the_same_again_is_done_and_says_so() {
    let sandbox = Sandbox::seeded_with(&["--doors", "18:30", "--performer", "Ann"]);
    let seed = ["seed", "hall.csv", "--slug", "hall", "--doors", "18:30", "--performer", "Ann"];
    let answer = sandbox.tix(&seed).done();
    assert!(answer.stderr.contains("nothing new: hall has all of its tickets already"));
}

#[test]
fn two_shows_of_a_day_are_two_events() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    let seed = |time: &str| {
        let date = format!("2027-05-01T{time}");
        let line = ["seed", "hall.csv", "--event", "Hamlet", "--date", &date];
        let document = sandbox.json("seed", &line);
        let seed = &document["seed"];
        (seed["event"]["slug"].as_str().unwrap().to_owned(), seed["minted"]["new"].clone())
    };
    assert_eq!(seed("15:00"), ("hamlet-2027-05-01".into(), 26.into()));
    assert_eq!(seed("20:00"), ("hamlet-2027-05-01-2000".into(), 26.into()));
    assert_eq!(seed("15:00"), ("hamlet-2027-05-01".into(), 0.into()), "the same again");
    assert_eq!(seed("20:00"), ("hamlet-2027-05-01-2000".into(), 0.into()), "the same again");
}

#[test]
fn name_with_a_taken_slug_is_refused_with_a_free_one() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    sandbox.tix(&["seed", "hall.csv", "--event", "Rock & Roll!"]).done();
    let again = ["seed", "hall.csv", "--event", "Rock Roll"];
    let answer = sandbox.tix(&again).ended(2, "the slug rock-roll is taken by the event `Rock &");
    assert!(answer.stderr.contains("add --slug rock-roll-2"), "{}", answer.stderr);
    sandbox.tix(&[&again[..], &["--slug", "rock-roll-2"]].concat()).done();
}

#[test]
fn names_whose_slug_is_reserved_or_empty_are_told_apart() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    let slug = |name: &str| {
        let document = sandbox.json("seed", &["seed", "hall.csv", "--event", name]);
        document["seed"]["event"]["slug"].as_str().unwrap().to_owned()
    };
    assert_eq!(slug("Search"), "search-event");
    assert_eq!(slug("東京公演"), "東京公演");
    let answer = sandbox.tix(&["seed", "hall.csv", "--event", "🎭🎭"]).ended(2, "no letter");
    assert!(answer.stderr.contains("--slug my-event"), "{}", answer.stderr);
    for reserved in ["search", "new", "stream", "0199a7c2-4c6e-7039-8098-dd2b7ca1865c"] {
        sandbox.tix(&["event", "add", "X", "--slug", reserved]).ended(2, "reserved");
    }
}

#[test]
fn local_time_that_does_not_exist_or_exists_twice_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    let seed = ["seed", "hall.csv", "--time-zone", "Europe/Berlin", "--date"];
    for (date, readings) in [
        ("2027-03-28T02:30", ["2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00"]),
        ("2027-10-31T02:30", ["2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+01:00"]),
    ] {
        let answer = sandbox.tix(&[&seed[..], &[date]].concat()).ended(2, "Europe/Berlin");
        for reading in readings {
            assert!(answer.stderr.contains(reading), "{}", answer.stderr);
            sandbox.tix(&[&seed[..], &[reading]].concat()).done();
        }
    }
    assert!(sandbox.tix(&["event", "list", "-o", "csv"]).done().stdout.lines().count() == 5);
}

#[test]
fn unknown_zone_of_the_machine_is_refused() {
    let sandbox = Sandbox::seeded();
    for command in
        [&["seed", "hall.csv", "--event", "Other"][..], &["event", "add", "Other"], &["audit"]]
    {
        let mut command = sandbox.command(command);
        let answer = Answer::of(&command.env("TZ", "Nonsense/Zone").output().unwrap());
        let answer = answer.ended(2, "TZ is \"Nonsense/Zone\", which is no time zone");
        assert!(answer.stderr.contains("set TZ to an IANA name"), "{}", answer.stderr);
    }
    let mut command = sandbox.command(&["seed", "hall.csv", "--event", "Other"]);
    let answer = Answer::of(&command.env("TZ", "CET-1CEST,M3.5.0,M10.5.0/3").output().unwrap());
    answer.ended(2, "no IANA name");
    sandbox.tix(&["event", "add", "X", "--time-zone", "Nonsense/Zone"]).ended(2, "no time zone");
}

#[test]
fn dates_that_no_show_has_are_refused() {
    let sandbox = Sandbox::new();
    for date in ["9999-12-31", "0001-01-01", "2027-05-01T23:59:60", "2027-05-01T24:00"] {
        sandbox.tix(&["event", "add", "X", "--date", date]).ended(2, "");
    }
}

#[test]
fn past_date_is_warned_about() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    let answer = sandbox.tix(&["seed", "hall.csv", "--date", "2020-06-01T20:00"]).done();
    assert!(answer.stderr.contains("warning: hall-2020-06-01 began on"), "{}", answer.stderr);
}

#[test]
fn another_file_for_a_minted_event_fails() {
    let sandbox = Sandbox::seeded();
    sandbox.file("other.csv", HALL.replace("49.50", "59.50"));
    let answer = sandbox.tix(&["seed", "other.csv", "--slug", "hall"]);
    answer.ended(1, "Hint: seed the file it was minted from");
}

#[test]
fn every_fault_of_a_file_is_told_with_its_place_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.file("bad.csv", HALL.replace("49.50", "-1").replace("2,4,Stairs", "0,4,Stairs"));
    let answer = sandbox.tix(&["seed", "bad.csv"]).ended(2, "2 faults; nothing was written");
    insta::assert_snapshot!(answer.stderr, @r"
    error: bad.csv has 2 faults; nothing was written
      bad.csv:2: price: `-1` is negative
      bad.csv:3: rows: `0` is not a whole number from 1 to 10000, in digits alone
    Hint: correct the file and run the same command again
    ");
    assert!(!sandbox.path("tix.db").exists());
}

#[test]
fn faults_of_a_file_are_a_list_for_programs() {
    let sandbox = Sandbox::new();
    sandbox.file("bad.csv", "nonsense\n");
    let answer = sandbox.tix(&["seed", "bad.csv", "-o", "json"]).ended(2, "faults");
    let document = serde_json::from_str(&answer.stderr).unwrap();
    crate::schemas::check("error", &document);
    assert_eq!(document["error"]["kind"], "usage");
    assert_eq!(document["error"]["faults"].as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_is_bad_input() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["seed", "nothing.csv"]).ended(2, "could not read nothing.csv");
    assert!(!sandbox.path("tix.db").exists());
}

#[test]
fn a_venue_can_come_from_standard_input() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["seed", "-", "--event", "Piped Night"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(HALL.as_bytes()).unwrap();
    let answer = Answer::of(&child.wait_with_output().unwrap()).done();
    steady().bind(|| {
        insta::assert_snapshot!(answer.stdout, @r"
        minted  26 tickets
        event   Piped Night
        slug    piped-night
        begins  [time]
        store   sqlite:tix.db
        ");
    });
}

#[test]
fn prices_are_read_in_the_currency_of_the_event() {
    let sandbox = Sandbox::new();
    sandbox.file("hall.csv", HALL);
    sandbox
        .tix(&["seed", "hall.csv", "--currency", "JPY"])
        .ended(2, "more than the 0 decimals of JPY");
    sandbox.tix(&["seed", "hall.csv", "--currency", "KWD"]).done();
    sandbox.tix(&["seed", "hall.csv", "--currency", "EUR"]).ended(2, "the event has KWD, not EUR");
}
