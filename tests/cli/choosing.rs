//! `tix hold start --best`: which seats are chosen, and what is said of it.

use std::process::Stdio;

use scylla::client::session_builder::SessionBuilder;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::node;
use crate::sandbox::{Answer, Sandbox, steady};

/// What `tix hold start --best` answers, as a document.
fn best(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    sandbox.json("hold", &[&["hold", "start", "--best"], arguments].concat())
}

fn seats(document: &Value) -> Vec<&str> {
    let tickets = document["hold"]["tickets"].as_array().unwrap();
    tickets.iter().map(|ticket| ticket["seat"].as_str().unwrap()).collect()
}

/// What a refusal of it says, as a document.
fn refused(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let command = [&["hold", "start", "-o", "json", "--best"], arguments].concat();
    let document: Value =
        serde_json::from_str(&sandbox.tix(&command).ended(3, "refused").stderr).unwrap();
    crate::schemas::check("error", &document);
    document["error"].clone()
}

/// The command that a hint names, without `tix`.
fn command_in(hint: &str) -> Vec<&str> {
    let command = hint.split('`').nth(1).unwrap_or_else(|| panic!("no command: {hint}"));
    command.split(' ').skip(1).map(|word| word.trim_matches('\'')).collect()
}

/// A hall whose first row is sold in the middle, and whose balcony is not touched.
fn begun() -> Sandbox {
    let sandbox = Sandbox::seeded();
    sandbox.buy("ann", &["Stalls/1/2", "Stalls/1/3", "Stalls/1/4", "Stalls/1/5"]);
    sandbox
}

#[test]
fn the_card_says_why_these_seats() {
    let sandbox = begun();
    let answer = sandbox.tix(&["hold", "start", "--best", "2", "--session", "bob"]).done();
    steady().bind(|| {
        insta::assert_snapshot!(answer.stdout, @r"
        hold      [id]
        status    held
        event     Hall, Sun 1 Dec 2030 19:30
        seats     Stalls/2/3 · regular · 49.50 EUR
                  Stalls/2/4 · regular · 49.50 EUR
        chosen    row 2 of Stalls, the nearest to the front with 2 seats free side by
                  side; no single seat is left beside them
        total     99.00 EUR
        session   bob
        buyer     [id]
        deadline  [time] ([span] left)
        ");
    });
}

#[test]
fn a_choice_has_its_reasons_for_programs() {
    let sandbox = begun();
    let document = best(&sandbox, &["2"]);
    assert_eq!(seats(&document), ["Stalls/2/3", "Stalls/2/4"]);
    let mut choice = document["choice"].clone();
    assert_eq!(choice["reasons"], json!(["nearest_row", "no_orphan"]));
    choice.as_object_mut().unwrap().remove("reasons");
    assert_eq!(
        choice,
        json!({
            "asked": 2, "type": null, "section": "Stalls", "row": "2", "blocks": 10,
            "rows_in_front": 1, "rows_in_front_with_block": 0, "sections_before": 0,
            "sections_before_with_block": 0, "orphans": 0, "tries": 1,
        })
    );
}

#[test]
fn seats_that_the_buyer_named_were_not_chosen() {
    let sandbox = Sandbox::seeded();
    let document = sandbox.json("hold", &["hold", "start", "--seat", "Stalls/1/1"]);
    assert_eq!(document.get("choice"), None);
    let hold = document["hold"]["hold_id"].as_str().unwrap();
    assert_eq!(sandbox.json("hold", &["hold", "show", hold]).get("choice"), None);
}

#[test]
fn a_choice_is_made_among_the_sections_or_tickets_that_are_named() {
    let sandbox = Sandbox::seeded();
    assert_eq!(seats(&best(&sandbox, &["2"])), ["Stalls/1/3", "Stalls/1/4"]);
    let upstairs = best(&sandbox, &["2", "--section", "balcony"]);
    assert_eq!(seats(&upstairs), ["Balcony/1/1", "Balcony/1/2"]);
    let cheap = best(&sandbox, &["2", "--type", "ECONOMY"]);
    assert_eq!(seats(&cheap), ["Balcony/1/3", "Balcony/1/4"]);
    assert_eq!(cheap["choice"]["type"], "economy");
}

#[test]
fn sections_are_preferred_in_the_order_in_which_they_are_named() {
    let sandbox = Sandbox::seeded();
    let upstairs = ["4", "--section", "Balcony", "--section", "Stalls"];
    assert_eq!(seats(&best(&sandbox, &upstairs))[0], "Balcony/1/1");
    assert_eq!(seats(&best(&sandbox, &upstairs))[0], "Balcony/2/1");
    let document = best(&sandbox, &upstairs);
    assert_eq!(seats(&document)[0], "Stalls/1/1");
    assert_eq!(document["choice"]["reasons"][0], "first_section_with_block");
    assert_eq!(document["choice"]["sections_before"], 1);
}

#[test]
fn the_last_seats_are_sold_even_if_one_stays_alone() {
    let sandbox = Sandbox::seeded_with(&["--limit", "3"]);
    sandbox.tix(&["ticket", "block", "--section", "Stalls", "--reason", "x"]).done();
    let document = best(&sandbox, &["3"]);
    assert_eq!(document["choice"]["orphans"], 1);
    assert_eq!(
        document["choice"]["reasons"],
        json!(["first_section_with_block", "front_row", "orphan_unavoidable"])
    );
}

#[test]
fn blocked_and_sold_seats_are_not_chosen_and_part_a_run() {
    let sandbox = Sandbox::seeded();
    sandbox.tix(&["ticket", "block", "--seat", "Stalls/1/3", "--reason", "broken"]).done();
    sandbox.buy("ann", &["Stalls/2/3"]);
    assert_eq!(
        seats(&best(&sandbox, &["4"])),
        ["Stalls/3/1", "Stalls/3/2", "Stalls/3/3", "Stalls/3/4"]
    );
}

#[test]
fn where_there_is_no_choice_it_says_what_is_to_be_had_instead() {
    let sandbox = begun();
    let start = |more: &[&str]| sandbox.tix(&[&["hold", "start", "--best"], more].concat());
    let refused = start(&["5", "--section", "Balcony"]).refused("no_adjacent_block");
    insta::assert_snapshot!(refused.stderr, @r"
    error: no_adjacent_block: no 5 seats side by side in Balcony; the longest free run has 4, in row 1
    Hint: 5 side by side are to be had in Stalls from 49.50 EUR: `tix hold start --best 5 --section Stalls`
    ");
    let refused = start(&["9", "--section", "Balcony"]).refused("sold_out");
    insta::assert_snapshot!(refused.stderr, @r"
    error: sold_out: 8 seats available in Balcony, 9 asked for; the longest free run has 4, in row 1
    Hint: 6 side by side are to be had in Stalls from 49.50 EUR: `tix hold start --best 6 --section Stalls`
    ");
    let refused = start(&["7"]).refused("no_adjacent_block");
    insta::assert_snapshot!(refused.stderr, @r"
    error: no_adjacent_block: no 7 seats side by side in any of the 2 sections; the longest free run has 6, in row 2 of Stalls
    Hint: take 6 side by side: `tix hold start --best 6`
    ");
    let refused =
        start(&["7", "--type", "economy", "--session", "bob"]).refused("no_adjacent_block");
    insta::assert_snapshot!(refused.stderr, @r"
    error: no_adjacent_block: no 7 economy seats side by side in Balcony; the longest free run has 4, in row 1
    Hint: 6 side by side are to be had in Stalls from 49.50 EUR: `tix hold start --best 6 --section Stalls --session bob`
    ");
}

#[test]
fn the_command_that_a_refusal_names_works() {
    let sandbox = begun();
    for wish in [
        &["5", "--section", "Balcony"][..],
        &["5", "--type", "economy", "--session", "bob"],
        &["8", "--section", "Stalls"],
        &["7"],
    ] {
        let error = refused(&sandbox, wish);
        let command = command_in(error["hint"].as_str().unwrap());
        let document = sandbox.json("hold", &command);
        assert_eq!(document["choice"]["asked"], seats(&document).len());
        let hold = document["hold"]["hold_id"].as_str().unwrap();
        let session = document["hold"]["session_id"].as_str().unwrap();
        assert!(!wish.contains(&"bob") || session == "bob");
        sandbox.tix(&["hold", "abandon", hold, "--session", session]).done();
    }
}

#[test]
fn a_refusal_has_what_was_looked_through_for_programs() {
    let sandbox = begun();
    let error = refused(&sandbox, &["5", "--section", "balcony"]);
    assert_eq!(error["reason"], "no_adjacent_block");
    assert_eq!((&error["available"], &error["longest"]), (&json!(8), &json!(4)));
    assert_eq!(error["longest_in"], json!({"section": "Balcony", "row": "1"}));
    assert_eq!(error["looked_in"], json!({"sections": 1, "section": "Balcony", "type": null}));
    assert_eq!(
        error["elsewhere"],
        json!({
            "section": "Stalls", "type": null, "side_by_side": 5,
            "price_from": {"amount": "49.50", "currency": "EUR"},
        })
    );
}

#[test]
fn where_all_is_sold_out_there_is_the_waitlist() {
    let sandbox = Sandbox::seeded();
    for section in ["Stalls", "Balcony"] {
        sandbox.tix(&["ticket", "block", "--section", section, "--reason", "x"]).done();
    }
    let refused = sandbox.tix(&["hold", "start", "--best", "1"]).refused("sold_out");
    insta::assert_snapshot!(refused.stderr, @r"
    error: sold_out: no seats available in any of the 2 sections, 1 asked for
    Hint: what comes free is offered to the waitlist first; join it with `tix waitlist join`
    ");
}

#[test]
fn the_same_type_elsewhere_is_offered_before_another_one() {
    let sandbox = Sandbox::new();
    let others = (1..=40).map(|n| format!("Block {n},regular,40,2,5\n")).collect::<Vec<_>>();
    let boxes = "Box 1,VIP,150,1,4\nBox 2,VIP,120,1,3\nBox 3,VIP,130,1,4\n";
    let venue = format!("section,type,price,rows,seats_per_row\n{}{boxes}", others.concat());
    let file = sandbox.file("boxes.csv", venue);
    sandbox.tix(&["seed", file.to_str().unwrap(), "--slug", "boxes"]).done();
    best(&sandbox, &["4", "--section", "Box 1"]);
    let offered = |wish: &[&str]| refused(&sandbox, wish)["elsewhere"].clone();
    let seen = |offer: &Value| {
        (offer["section"].clone(), offer["type"].clone(), offer["side_by_side"].clone())
    };
    let vip = offered(&["4", "--section", "Box 1", "--type", "vip"]);
    assert_eq!(seen(&vip), (json!("Box 3"), json!("VIP"), json!(4)));
    assert_eq!(vip["price_from"]["amount"], "130.00");
    let any = offered(&["4", "--section", "Box 1"]);
    assert_eq!(seen(&any), (json!("Block 1"), json!(null), json!(4)));
    let for_five = offered(&["5", "--section", "Box 1", "--type", "VIP"]);
    assert_eq!(seen(&for_five), (json!("Block 1"), json!(null), json!(5)), "no box has five");
    let for_six = offered(&["6", "--section", "Box 1", "--type", "VIP"]);
    assert_eq!(seen(&for_six), (json!("Box 3"), json!("VIP"), json!(4)), "no section has six");
}

#[test]
fn of_many_processes_that_choose_each_gets_seats_while_there_are_any() {
    const PROCESSES: usize = 24;
    let sandbox = Sandbox::seeded();
    let start = ["hold", "start", "--best", "2", "-o", "json"];
    let mut commands: Vec<_> = (0..PROCESSES).map(|_| sandbox.command(&start)).collect();
    let children: Vec<_> = commands
        .iter_mut()
        .map(|command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let answers = children.into_iter().map(|c| Answer::of(&c.wait_with_output().unwrap()));
    let (sold, refused): (Vec<Answer>, Vec<Answer>) = answers.partition(|a| a.code == Some(0));
    // 26 seats in rows of even length are 13 pairs, if nobody leaves a single seat.
    assert_eq!(sold.len(), 13);
    for answer in refused {
        answer.ended(3, r#""reason":"sold_out""#);
    }
}

/// Lets the map of a ScyllaDB store show tickets as available that are not.
#[tokio::main(flavor = "current_thread")]
async fn show_as_available(url: &str, hold: &Value) {
    let (host, keyspace) = url.trim_start_matches("scylla://").split_once('/').unwrap();
    let session = SessionBuilder::new().known_node(host).build().await.unwrap();
    let id = |value: &Value| value.as_str().unwrap().parse::<Uuid>().unwrap();
    for ticket in hold["tickets"].as_array().unwrap() {
        let update = format!(
            "UPDATE {keyspace}.tickets SET status = 'available'
              WHERE event_id = ? AND section_id = 0 AND ticket_id = ?"
        );
        let values = (id(&hold["event_id"]), id(&ticket["ticket_id"]));
        session.query_unpaged(update, values).await.unwrap();
    }
}

#[test]
fn a_map_that_is_wrong_for_long_keeps_nobody_from_other_seats() {
    let Some(url) = node::url("tix_choosing") else { return };
    let sandbox = Sandbox::with_store(url.clone());
    let slug = format!("hall-{}", Uuid::new_v4().simple());
    sandbox.seed(&["--slug", &slug]);
    let wish = ["2", "--event", &slug];
    let first = best(&sandbox, &wish);
    show_as_available(&url, &first["hold"]);
    let second = best(&sandbox, &wish);
    assert_eq!(seats(&second), ["Stalls/2/3", "Stalls/2/4"]);
    assert_eq!(second["choice"]["tries"], 2);
}

#[test]
fn an_event_without_tickets_says_how_to_mint_them() {
    let sandbox = Sandbox::new();
    sandbox.tix(&["event", "add", "Later", "--date", "2031-01-01T20:00"]).done();
    let start = ["hold", "start", "--best", "2", "--type", "VIP"];
    let refused = sandbox.tix(&start).refused("sold_out").stderr;
    insta::assert_snapshot!(refused, @r"
    error: sold_out: no seats available, 2 asked for
    Hint: mint its tickets from a venue file with --slug later-2031-01-01, as `tix seed --help` shows
    ");
}

#[test]
fn what_is_not_there_cannot_be_chosen() {
    let sandbox = Sandbox::seeded();
    let best = |more: &[&str]| sandbox.tix(&[&["hold", "start", "--best"], more].concat());
    best(&["2", "--section", "Gallery"]).refused("unknown_seat");
    best(&["2", "--section", "Stalls", "--section", "Gallery"]).refused("unknown_seat");
    best(&["2", "--type", "VIP"]).ended(2, "there are: economy, regular");
    best(&["2", "--section", "Stalls", "--type", "economy"]).ended(2, "there are: regular");
    best(&["2", "--seat", "Stalls/1/1"]).ended(2, "cannot be used with");
}

#[test]
fn a_type_that_is_sold_out_is_known_all_the_same() {
    let sandbox = Sandbox::new();
    let file = sandbox.file(
        "mixed.csv",
        "section,row,seat,type,price\nA,1,1,regular,20\nB,1,1,regular,20\nB,1,2,VIP,50\n",
    );
    sandbox.tix(&["seed", file.to_str().unwrap(), "--slug", "mixed"]).done();
    assert_eq!(seats(&best(&sandbox, &["1", "--type", "vip"])), ["B/1/2"]);
    best(&sandbox, &["1", "--section", "B"]);
    let refused = sandbox.tix(&["hold", "start", "--best", "1", "--type", "vip"]);
    let refused = refused.refused("sold_out").stderr;
    assert!(refused.starts_with("error: sold_out: no VIP seats available in B,"), "{refused}");
    assert!(refused.contains("a single one is to be had in A from 20.00 EUR"), "{refused}");
}

#[test]
fn seats_are_chosen_until_none_are_left_and_every_one_is_sold() {
    let sandbox = Sandbox::seeded();
    let mut sold = Vec::new();
    for size in (1..=4).rev() {
        let size = size.to_string();
        loop {
            let answer = sandbox.tix(&["hold", "start", "--best", &size, "-o", "json"]);
            if answer.code == Some(3) {
                break;
            }
            let document: Value = serde_json::from_str(&answer.done().stdout).unwrap();
            sold.extend(seats(&document).into_iter().map(str::to_owned));
        }
    }
    sold.sort();
    sold.dedup();
    assert_eq!(sold.len(), 26, "{sold:?}");
}
