//! `tix event search`, `locations`, `shows` and `show`: a programme of events as people look
//! through it.

use crate::sandbox::{Answer, HALL, Sandbox, steady};

/// A few nights in three cities.
const PROGRAMME: [&str; 5] = [
    "Hamlet|--date 2030-12-01T19:30 --type theatre --series Hamlet|The Globe,London,51.508,-0.097,Europe/London|A prince hesitates",
    "Hamlet|--date 2030-12-02T19:30 --type theatre --series Hamlet|The Globe,London,51.508,-0.097,Europe/London|A prince hesitates",
    "Jazz at the Mill|--date 2030-12-05T20:00 --type concert --performer Ash|Mill Arts,Reading,51.455,-0.969,Europe/London|",
    "Nachtkonzert|--date 2030-12-31T22:00 --type concert --performer Zoë|Große Halle,Zürich,47.37,8.54,Europe/Zurich|Jazz bis Mitternacht",
    "Lear|--date 2020-12-01T19:30 --type theatre|The Globe,London,51.508,-0.097,Europe/London|",
];

/// A folder whose store has the programme; only the first Hamlet is on sale.
fn programme() -> Sandbox {
    let sandbox = Sandbox::new();
    for line in PROGRAMME {
        let [name, options, venue, about] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let venue: Vec<&str> = venue.split(',').collect();
        let mut arguments = vec!["event", "add", name, "--venue", venue[0], "--city", venue[1]];
        arguments.extend(["--lat", venue[2], "--lon", venue[3], "--time-zone", venue[4]]);
        arguments.extend(options.split(' '));
        if !about.is_empty() {
            arguments.extend(["--description", about]);
        }
        sandbox.tix(&arguments).done();
    }
    sandbox.file("hall.csv", HALL);
    let date = ["--date", "2030-12-01T19:30", "--time-zone", "Europe/London"];
    sandbox.tix(&[&["seed", "hall.csv", "--event", "Hamlet"], &date[..]].concat()).done();
    sandbox
}

fn narrow(sandbox: &Sandbox, arguments: &[&str]) -> Answer {
    Answer::of(&sandbox.command(arguments).env("COLUMNS", "60").output().unwrap()).done()
}

#[test]
fn what_is_found_is_a_table_for_people() {
    let sandbox = programme();
    let answer = sandbox.tix(&["event", "search"]).done();
    insta::assert_snapshot!(answer.stdout, @"
    EVENT                        DATE                   VENUE              TICKETS
    ────────────────────────────────────────────────────────────────────────────────
    hamlet-2030-12-01            Sun 1 Dec 2030 19:30   The Globe, London  available
    hamlet-2030-12-02            Mon 2 Dec 2030 19:30   The Globe, London  not yet
    jazz-at-the-mill-2030-12-05  Thu 5 Dec 2030 20:00   Mill Arts,         not yet
                                                        Reading
    nachtkonzert-2030-12-31      Tue 31 Dec 2030 22:00  Große Halle,       not yet
                                                        Zürich
    1 column left out; -o json or a wider window shows it

    4 events
    ");
    assert_eq!(answer.stderr, "");
    let near = ["event", "search", "jazz", "--near", "51.5,-0.1", "--radius-km", "2000"];
    let answer = sandbox.tix(&near).done();
    insta::assert_snapshot!(answer.stdout, @"
    EVENT                        DATE                   VENUE                TICKETS
    ────────────────────────────────────────────────────────────────────────────────
    jazz-at-the-mill-2030-12-05  Thu 5 Dec 2030 20:00   Mill Arts, Reading   not yet
    nachtkonzert-2030-12-31      Tue 31 Dec 2030 22:00  Große Halle, Zürich  not yet
    2 columns left out; -o json or a wider window shows them

    2 events
    ");
}

#[test]
fn on_a_narrow_terminal_each_event_is_a_card() {
    let answer = narrow(&programme(), &["event", "search", "--type", "concert"]);
    insta::assert_snapshot!(answer.stdout, @"
    EVENT    jazz-at-the-mill-2030-12-05
    NAME     Jazz at the Mill
    DATE     Thu 5 Dec 2030 20:00
    VENUE    Mill Arts, Reading
    TICKETS  not yet

    EVENT    nachtkonzert-2030-12-31
    NAME     Nachtkonzert
    DATE     Tue 31 Dec 2030 22:00
    VENUE    Große Halle, Zürich
    TICKETS  not yet

    2 events
    ");
}

#[test]
fn what_is_found_is_a_document_for_programs() {
    let sandbox = programme();
    let found = sandbox.json("event_search", &["event", "search", "HAMLET", "--prefer", "prince"]);
    assert_eq!((&found["total"], &found["pages"]), (&2.into(), &1.into()));
    assert_eq!(found["events"][0]["event"]["slug"], "hamlet-2030-12-01");
    assert_eq!(found["events"][0]["relevance"], 1.5);
    assert_eq!(found["events"][0]["available"], true);
    assert_eq!(found["events"][1]["available"], false);
    let near = ["event", "search", "--near", "51.5,-0.1", "--city", "london"];
    let found = sandbox.json("event_search", &near);
    let distance = found["events"][0]["distance_km"].as_f64().unwrap();
    assert!((0.8..1.0).contains(&distance), "{distance}");
}

#[test]
fn what_is_found_is_a_sheet_that_starts_no_formula() {
    let sandbox = programme();
    sandbox.tix(&["event", "add", "=1+1", "--slug", "sum", "--date", "2030-12-09"]).done();
    let answer = sandbox.tix(&["event", "search", "1", "-o", "csv"]).done();
    let mut lines = answer.stdout.lines();
    assert!(lines.next().unwrap().ends_with(",minted,relevance,distance_km,available"));
    let line = lines.next().unwrap();
    assert!(line.contains(",sum,'=1+1,") && line.ends_with(",false,1,,false"), "{line}");
    for (command, first) in [
        (vec!["locations"], "city,country,venue,time_zone,latitude,longitude,distance_km,shows,"),
        (vec!["shows", "hamlet"], "event_id,slug,name,"),
        (vec!["show", "hamlet-2030-12-01"], "event_id,slug,name,"),
    ] {
        let answer = sandbox.tix(&[&["event"], &command[..], &["-o", "csv"]].concat()).done();
        assert!(answer.stdout.starts_with(first), "{}", answer.stdout);
        assert!(answer.stdout.lines().count() > 2, "{}", answer.stdout);
    }
}

#[test]
fn pages_say_where_they_are_and_what_comes_next() {
    let sandbox = programme();
    let page = |page: &str| {
        let paging = ["event", "search", "--limit", "3", "--page", page];
        sandbox.tix(&paging).done()
    };
    let last = |answer: &Answer| answer.stdout.lines().last().unwrap().to_owned();
    assert_eq!(last(&page("1")), "page 1 of 2, 4 events in all; the next: --page 2");
    assert_eq!(last(&page("2")), "page 2 of 2, 4 events in all");
    let beyond = page("3");
    assert_eq!(
        (beyond.stdout.as_str(), beyond.stderr.as_str()),
        ("", "there is no page 3, only 2 pages\n")
    );
}

#[test]
fn every_filter_can_be_typed() {
    let sandbox = programme();
    let slugs = |line: &str| {
        let arguments: Vec<&str> = ["event", "search"].into_iter().chain(line.split(' ')).collect();
        let found = sandbox.json("event_search", &arguments);
        let events = found["events"].as_array().unwrap().iter();
        events.map(|hit| hit["event"]["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (hamlet, hamlet_2) = ("hamlet-2030-12-01", "hamlet-2030-12-02");
    let (jazz, night) = ("jazz-at-the-mill-2030-12-05", "nachtkonzert-2030-12-31");
    assert_eq!(slugs("--available"), [hamlet]);
    assert_eq!(slugs("--city zurich"), [night]);
    assert_eq!(slugs("--type THEATRE"), [hamlet, hamlet_2]);
    assert_eq!(slugs("--performer zoe --performer ash"), [jazz, night]);
    assert_eq!(slugs("--prefer jazz --type concert --prefer mitternacht"), [night, jazz]);
    assert_eq!(slugs("--from 2030-12-02 --to 2030-12-05"), [hamlet_2, jazz]);
    assert_eq!(slugs("--from 2030-12-31T22:00"), [night]);
    assert_eq!(slugs("--to 2030-12-31T21:00Z --from 2030-12-31T21:00Z"), [night]);
    assert_eq!(
        slugs("--from 2000-01-01 lear"),
        ["lear-2020-12-01"],
        "what has begun, if asked for"
    );
    assert_eq!(slugs("--near -33.86,151.2 --radius-km 20016").len(), 4);
    assert_eq!(slugs("jazz mill"), [jazz]);
}

#[test]
fn where_nothing_fits_it_says_what_would() {
    let sandbox = programme();
    let told = |line: &str| {
        let arguments: Vec<&str> = ["event", "search"].into_iter().chain(line.split(' ')).collect();
        let answer = sandbox.tix(&arguments).done();
        assert_eq!(answer.stdout, "");
        answer.stderr
    };
    insta::assert_snapshot!(told("--near 51.5,-0.1 --radius-km 10 --type concert"), @"
    nothing fits:
      nothing within 10 km; the nearest is 60 km away in Reading: jazz-at-the-mill-2030-12-05
      2 events without --type
    ");
    insta::assert_snapshot!(told("lear --city zürich"), @"
    nothing fits:
      1 event without these words
    ");
    insta::assert_snapshot!(told("--available --performer ash --to 2030-12-04"), @"
    nothing fits:
      1 event without --performer
    ");
    insta::assert_snapshot!(told("othello"), @"
    nothing fits:
      4 events without these words
    ");
    insta::assert_snapshot!(told("othello --city paris"), @"nothing fits; `tix event list` shows every event there is");
    let document = sandbox.json("event_search", &["event", "search", "lear"]);
    assert_eq!(document["suggestions"][1]["without"], "from");
}

#[test]
fn the_places_where_something_is_on_are_listed() {
    let sandbox = programme();
    let answer = sandbox.tix(&["event", "locations"]).done();
    insta::assert_snapshot!(answer.stdout, @"
    CITY     VENUE        SHOWS  WHEN                      WHAT
    ───────────────────────────────────────────────────────────────────────
    London   The Globe        2  1 Dec 2030 to 2 Dec 2030  Hamlet
    Reading  Mill Arts        1  5 Dec 2030                Jazz at the Mill
    Zürich   Große Halle      1  31 Dec 2030               Nachtkonzert
    ");
    let answer = narrow(&sandbox, &["event", "locations"]);
    insta::assert_snapshot!(answer.stdout, @"
    CITY     VENUE        SHOWS  WHEN             WHAT
    ────────────────────────────────────────────────────────────
    London   The Globe        2  1 Dec 2030 to 2  Hamlet
                                 Dec 2030
    Reading  Mill Arts        1  5 Dec 2030       Jazz at the
                                                  Mill
    Zürich   Große Halle      1  31 Dec 2030      Nachtkonzert
    ");
    let near = ["event", "locations", "--near", "51.46,-0.97", "--radius-km", "100"];
    let document = sandbox.json("event_locations", &near);
    assert_eq!(document["locations"][0]["city"], "Reading", "the nearest first");
    assert_eq!(document["locations"][1]["shows"], 2);
    let answer = sandbox.tix(&["event", "locations", "othello"]).done();
    assert!(answer.stderr.contains("4 events without these words"), "{}", answer.stderr);
}

#[test]
fn the_dates_of_a_production_say_what_is_left_from_which_price() {
    let sandbox = programme();
    let event = "hamlet-2030-12-01";
    let block = ["ticket", "block", "--event", event, "--section", "Balcony", "--reason", "house"];
    sandbox.tix(&block).done();
    let answer = sandbox.tix(&["event", "shows", "hamlet"]).done();
    insta::assert_snapshot!(answer.stdout, @"
    DATE                  EVENT              VENUE                 LEFT       FROM
    ──────────────────────────────────────────────────────────────────────────────
    Sun 1 Dec 2030 19:30  hamlet-2030-12-01  The Globe, London       18  49.50 EUR
    Mon 2 Dec 2030 19:30  hamlet-2030-12-02  The Globe, London  not yet
    ");
    let document = sandbox.json("event_shows", &["event", "shows", "Hamlet"]);
    assert_eq!(document["shows"][0]["available_from"]["amount"], "49.50");
    assert_eq!(document["shows"][1]["available"], 0);
    let block = ["ticket", "block", "--event", event, "--section", "Stalls", "--reason", "house"];
    sandbox.tix(&block).done();
    let answer = sandbox.tix(&["event", "shows", "hamlet"]).done();
    assert!(answer.stdout.contains("sold out"), "{}", answer.stdout);
    sandbox.json("event_shows", &["event", "shows", "hamlet"]);
}

#[test]
fn shows_that_have_begun_are_left_out_unless_asked_for() {
    let sandbox = programme();
    let answer = sandbox.tix(&["event", "shows", "lear"]).done();
    assert_eq!(answer.stderr, "1 show left out that began before; add --all\n");
    let document = sandbox.json("event_shows", &["event", "shows", "lear", "--all"]);
    assert_eq!(document["shows"].as_array().unwrap().len(), 1);
}

#[test]
fn a_name_that_nothing_has_is_answered_with_one_that_something_has() {
    let sandbox = programme();
    let answer = sandbox.tix(&["event", "shows", "hamlte"]).refused("unknown_event");
    assert!(answer.stderr.contains("did you mean Hamlet?"), "{}", answer.stderr);
    let answer = sandbox.tix(&["event", "show", "nachtkonzret"]).refused("unknown_event");
    assert!(answer.stderr.contains("did you mean nachtkonzert-2030-12-31?"), "{}", answer.stderr);
}

#[test]
fn one_event_is_shown_with_its_place_and_what_its_sections_offer() {
    let sandbox = programme();
    let event = "hamlet-2030-12-01";
    let block = ["ticket", "block", "--event", event, "--section", "Balcony", "--reason", "house"];
    sandbox.tix(&block).done();
    let answer = sandbox.tix(&["event", "show", event]).done();
    steady().bind(|| {
        insta::assert_snapshot!(answer.stdout, @"
    event        Hamlet
    slug         hamlet-2030-12-01
    id           [id]
    series       Hamlet
    type         theatre
    about        A prince hesitates
    begins       Sun 1 Dec 2030 19:30 (Europe/London)
    doors        Sun 1 Dec 2030 18:30
    lasts        2 h 00 min
    venue        The Globe, London
    coordinates  51.508,-0.097
    currency     EUR
    limit        10 tickets a buyer
    time to pay  [span]
    tickets      26
    left         18, from 49.50 EUR

    SECTION  TYPE     ENTRANCE   PRICE  ROWS  SEATS  LEFT
    ─────────────────────────────────────────────────────
    Stalls   regular  Main door  49.50     3     18    18
    Balcony  economy  Stairs     29.00     2      8     ·
    ");
    });
    let document = sandbox.json("event", &["event", "show", event]);
    assert_eq!(document["sections"][0]["available"], 18);
    assert_eq!(document["sections"][1]["available_from"], serde_json::Value::Null);
}
