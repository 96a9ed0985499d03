//! A sale that is closed, and a show that costs nothing.

use crate::driver::Screen;
use crate::scene::{Plan, Scene};

/// What a buyer could still ask for.
const OFFERS: [&str; 5] = ["best-form", "by-seat", "waitlist", "chosen-bar", "hold-button"];

#[tokio::test]
async fn closed_sale_says_when_it_closed_and_offers_nothing() {
    let scene = Scene::set(Plan { seed: &["--date", "2020-06-01T20:00"], ..Plan::default() }).await;
    let ann = scene.somebody(Screen::Desk).await;
    ann.opens(&scene.server.url("/events/hall")).await;

    let closed = "The sale is closed: the show began on Monday";
    let words = ann.sees("not-on-sale", closed).await;
    assert!(words.contains("1 June 2020") && words.contains("20:00"), "{words}");
    ann.sees("choose-title", "The sale is closed").await;
    for offer in OFFERS {
        ann.sees_no(offer).await;
    }
    let free = ann.spot_on_map("--seat-a").await;
    ann.clicks_at(free).await;
    let told = ann.sees("message", closed).await;
    assert!(!told.contains("2020-06-01T"), "{told}");
    ann.sees_no("chosen-bar").await;
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn free_tickets_are_got_without_a_provider() {
    let scene = Scene::set(Plan { price: Some("0"), ..Plan::default() }).await;
    let ann = scene.visitor().await;
    ann.holds("Stalls/1/1").await;

    ann.sees("pay-button", "Get tickets").await;
    ann.sees_no("provider").await;
    let number = ann.pays().await;
    assert_eq!(scene.house.confirmations(), [number]);
    scene.ends_well([ann]).await;
}
