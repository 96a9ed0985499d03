//! Those who wait: before the sale, and for what comes free.

use crate::scene::{Plan, Scene};

#[tokio::test]
async fn who_waits_before_the_sale_is_let_in_when_the_one_before_has_paid() {
    let plan = Plan { for_two: true, serve: &["--checkouts", "1"], ..Plan::default() };
    let scene = Scene::set(plan).await;
    let ann = scene.visitor().await;
    ann.sees("waiting-room-title", "It is your turn").await;
    let bob = scene.visitor().await;
    bob.sees("waiting-room-title", "You stand in line").await;
    bob.sees("waiting-room-place", "Place 1").await;
    bob.chooses("Stalls/1/2").await;
    bob.sees("hold-button", "Not your turn yet").await;

    ann.holds("Stalls/1/1").await;
    bob.sees_seat("Stalls/1/1", "held").await;
    bob.sees("waiting-room-place", "Place 1").await;
    ann.pays().await;

    bob.sees("waiting-room-title", "It is your turn").await;
    bob.sees("chosen-text", "1 of 10 chosen").await;
    bob.presses("hold-button").await;
    let number = bob.pays().await;
    assert!(scene.house.confirmations().contains(&number));
    scene.ends_well([ann, bob]).await;
}

#[tokio::test]
async fn who_holds_without_being_let_in_is_told_the_place_in_line() {
    let plan = Plan { for_two: true, serve: &["--checkouts", "1"], ..Plan::default() };
    let scene = Scene::set(plan).await;
    let ann = scene.visitor().await;
    ann.sees("waiting-room-title", "It is your turn").await;
    let bob = scene.visitor().await;
    bob.chooses("Stalls/1/2").await;

    bob.presses("hold-button").await;

    bob.sees("message", "Others come first. You are number 1 in line.").await;
    bob.sees("chosen-text", "1 of 10 chosen").await;
    scene.ends_well([ann, bob]).await;
}

#[tokio::test]
async fn a_turn_that_is_not_used_passes_to_the_next() {
    let serve = ["--checkouts", "1", "--choose-time", "5s"];
    let scene = Scene::set(Plan { for_two: true, serve: &serve, ..Plan::default() }).await;
    let (ann, bob) = scene.two_visitors().await;

    for visitor in [&ann, &bob] {
        visitor.sees("waiting-room-title", "Your turn has passed").await;
    }

    bob.presses("enter-line-button").await;
    bob.sees("waiting-room-title", "It is your turn").await;
    scene.ends_well([ann, bob]).await;
}

#[tokio::test]
async fn who_gives_seats_up_while_nobody_waits_may_choose_others() {
    let scene = Scene::set(Plan { serve: &["--checkouts", "1"], ..Plan::default() }).await;
    let ann = scene.visitor().await;
    ann.holds("Stalls/1/1").await;

    ann.presses("give-up-button").await;

    ann.sees("waiting-room-text", "Hold your seats within").await;
    assert_eq!(ann.reads("waiting-room-title").await, "It is your turn");
    ann.holds("Stalls/1/2").await;
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn who_waits_for_seats_is_offered_what_comes_free_and_can_pay_for_it() {
    let scene = Scene::set(Plan::default()).await;
    scene.house.tix(&["ticket", "block", "--section", "Balcony", "--reason", "kept"]);
    let ann = scene.visitor().await;
    ann.picks("waitlist-section", "Balcony").await;
    ann.presses("join-waitlist-button").await;
    ann.sees("message", "You are in the waitlist for 2 tickets at place 1").await;
    ann.sees("waitlist-entries", "Place 1").await;

    scene.house.tix(&["ticket", "unblock", "--seat", "Balcony/1/2", "--seat", "Balcony/1/3"]);

    let offer = "Balcony row 1 seat 2 and Balcony row 1 seat 3";
    let told = ann.sees("message", offer).await;
    assert!(told.starts_with("Held for you until"), "{told}");
    ann.sees("hold-amount", "58.00 EUR").await;
    let number = ann.pays().await;
    assert_eq!(scene.house.confirmations(), [number]);
    ann.sees_no("waitlist-entries").await;
    scene.ends_well([ann]).await;
}
