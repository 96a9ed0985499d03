//! A server that goes away and comes back, or is slow to answer.

use serde_json::json;

use crate::driver::Screen;
use crate::scene::{Plan, Scene};

#[tokio::test]
async fn when_the_server_was_killed_and_is_there_again_the_page_goes_on_with_what_is_so() {
    let mut scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;
    ann.holds("Stalls/1/1").await;

    scene.server.kill();
    ann.sees("connection", "Connecting").await;
    scene.house.tix(&["hold", "start", "--seat", "Stalls/1/2", "--seat", "Stalls/1/3"]);
    scene.server.start_again(&scene.house);

    ann.sees("connection", "Live").await;
    ann.sees_seat("Stalls/1/2", "held").await;
    ann.sees("counts", "available 23 held 3").await;
    ann.sees("hold-title", "held for you").await;
    let number = ann.pays().await;
    assert_eq!(scene.house.confirmations(), [number]);
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn what_was_asked_of_a_server_that_is_gone_is_asked_of_the_next_and_done_once() {
    let mut scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;
    ann.holds("Stalls/1/1").await;
    scene.server.kill();
    ann.sees("connection", "Connecting").await;

    ann.presses("pay-button").await;
    ann.sees("message", "The box office cannot be reached; asking again").await;
    scene.server.start_again(&scene.house);

    let number = ann.sees("confirmation-number", "-").await;
    assert_eq!(scene.house.confirmations(), [number]);
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn whose_turn_it_was_when_the_server_was_killed_may_hold_seats_at_the_next_one() {
    let mut scene = Scene::set(Plan { serve: &["--checkouts", "1"], ..Plan::default() }).await;
    let ann = scene.visitor().await;
    ann.sees("waiting-room-title", "It is your turn").await;

    scene.server.kill();
    ann.sees("connection", "Connecting").await;
    scene.server.start_again(&scene.house);
    ann.sees("connection", "Live").await;

    ann.holds("Stalls/1/1").await;
    ann.pays().await;
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn of_seats_that_are_not_read_yet_nothing_is_said() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.somebody(Screen::Desk).await;
    let forbid = |paths: &[&str]| json!({ "urls": paths });
    ann.commands("Network.enable", &json!({})).await;
    ann.commands("Network.setBlockedURLs", &forbid(&["*/hall/map"])).await;

    ann.opens(&scene.server.url("/events/hall")).await;

    ann.sees("map-empty", "Reading the seats").await;
    ann.sees_seat("Stalls/1/1", "not read yet").await;
    assert_eq!(ann.reads("section-facts").await, "regular · 49.50 EUR · entrance Main door");
    ann.commands("Network.setBlockedURLs", &forbid(&[])).await;
    ann.sees_the_seats().await;
    ann.sees_seat("Stalls/1/1", "available").await;
    ann.sees("section-facts", "regular · 49.50 EUR · 18 left · entrance Main door").await;
    scene.ends_well([ann]).await;
}
