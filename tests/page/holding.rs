//! Seats: whose they are, and who is told.

use fantoccini::Locator;
use serde_json::json;

use crate::scene::{Plan, Scene};
use crate::visitor::Visitor;

/// Whether somebody got the seat that two wanted, once he knows.
async fn got_it(visitor: &Visitor) -> bool {
    let outcome = "
        if (document.getElementById('hold-step').checkVisibility()) return 'got it';
        return document.getElementById('message').innerText.includes('Somebody was quicker')
            ? 'was told' : null;";
    visitor.until("an answer", outcome, &[]).await == "got it"
}

#[tokio::test]
async fn of_two_who_want_one_seat_one_gets_it_and_the_other_is_told_and_takes_another() {
    let scene = Scene::set(Plan { for_two: true, ..Plan::default() }).await;
    let (ann, bob) = scene.two_visitors().await;
    for visitor in [&ann, &bob] {
        visitor.chooses("Stalls/1/3").await;
    }

    // The later one may have been told before he tries.
    let hold = Locator::Id("hold-button");
    let _ = tokio::join!(ann.tries_to_click(hold), bob.tries_to_click(hold));
    let (ann_got_it, bob_got_it) = tokio::join!(got_it(&ann), got_it(&bob));

    assert_ne!(ann_got_it, bob_got_it, "exactly one of them holds it");
    let (first, second) = if ann_got_it { (&ann, &bob) } else { (&bob, &ann) };
    second.sees("message", "quicker: Stalls row 1 seat 3 was taken").await;
    second.sees_seat("Stalls/1/3", "held").await;
    second.holds("Stalls/1/4").await;
    let mut numbers = vec![first.pays().await, second.pays().await];
    numbers.sort();
    let mut paid = scene.house.confirmations();
    paid.sort();
    assert_eq!(numbers, paid);
    scene.ends_well([ann, bob]).await;
}

#[tokio::test]
async fn a_click_on_the_map_chooses_the_seat_that_is_drawn_there() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;

    let free = ann.spot_on_map("--seat-a").await;
    ann.clicks_at(free).await;

    ann.sees("chosen-seats", "Stalls 1/1").await;
    ann.sees_seat("Stalls/1/1", "chosen").await;
    ann.spot_on_map("--seat-chosen").await;
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn what_the_command_line_changes_appears_on_an_open_page() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;
    ann.chooses("Stalls/1/1").await;
    assert!(!ann.finds_on_map("--seat-h").await);

    scene.house.tix(&["hold", "start", "--seat", "Stalls/1/1", "--seat", "Stalls/1/2"]);

    ann.sees_seat("Stalls/1/1", "held").await;
    ann.sees_seat("Stalls/1/2", "held").await;
    ann.sees("message", "Somebody was quicker: Stalls row 1 seat 1 was taken").await;
    ann.sees("counts", "available 24 held 2").await;
    ann.spot_on_map("--seat-h").await;
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn seats_that_are_given_up_are_free_for_others() {
    let scene = Scene::set(Plan { for_two: true, ..Plan::default() }).await;
    let (ann, bob) = scene.two_visitors().await;
    ann.holds("Stalls/1/1").await;
    bob.sees_seat("Stalls/1/1", "held").await;

    ann.presses("give-up-button").await;

    ann.sees("message", "You gave the seats up").await;
    ann.sees("choose-title", "Choose seats").await;
    bob.sees_seat("Stalls/1/1", "available").await;
    bob.holds("Stalls/1/1").await;
    ann.sees_seat("Stalls/1/1", "held").await;
    scene.ends_well([ann, bob]).await;
}

#[tokio::test]
async fn a_hold_and_an_order_are_still_there_when_the_page_is_loaded_again() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;
    ann.holds("Stalls/1/5").await;

    ann.reloads().await;
    ann.sees("hold-tickets", "Stalls row 1 seat 5").await;
    ann.sees("hold-title", "held for you").await;
    let number = ann.pays().await;

    ann.reloads().await;
    ann.sees("confirmation-number", &number).await;
    ann.sees("order-tickets", "Stalls row 1 seat 5").await;
    assert_eq!(scene.house.confirmations(), [number]);
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn a_hold_that_lapses_is_shown_as_over_and_its_seats_as_free() {
    let scene = Scene::set(Plan { seed: &["--ttl", "2s"], ..Plan::default() }).await;
    let ann = scene.visitor().await;
    ann.chooses("Stalls/1/1").await;
    ann.presses("hold-button").await;

    ann.sees("message", "The time to pay was over, and the seats are free again").await;

    ann.sees("choose-title", "Choose seats").await;
    ann.sees_no("hold-step").await;
    ann.sees_seat("Stalls/1/1", "available").await;
    ann.sees("counts", "available 26 held 0").await;
    let counts = scene.house.json(&["ticket", "counts"]);
    assert_eq!(counts["total"]["available"], json!(26), "{counts:#}");
    scene.ends_well([ann]).await;
}
