//! What the page says stays true: of a sale with nothing left, of seats that change under the pointer,
//! of a waitlist that would not help, of an address where there is nothing.

use fantoccini::Locator;
use fantoccini::actions::{InputSource, MouseActions, PointerAction};
use serde_json::json;

use crate::driver::Screen;
use crate::scene::{Plan, Scene};

fn block_all(scene: &Scene) {
    for section in ["Stalls", "Balcony"] {
        scene.house.tix(&["ticket", "block", "--section", section, "--reason", "kept"]);
    }
}

#[tokio::test]
async fn nobody_is_told_to_choose_where_nothing_is_left() {
    let scene = Scene::set(Plan { serve: &["--checkouts", "1"], ..Plan::default() }).await;
    let ann = scene.visitor().await;
    ann.sees("waiting-room-title", "It is your turn").await;

    block_all(&scene);

    ann.sees("waiting-room-title", "No seats are left just now").await;
    ann.sees("choose-lead", "No seats are left just now").await;
    assert!(!ann.reads("waiting-room").await.contains("your turn"));

    scene.house.tix(&["ticket", "unblock", "--seat", "Stalls/1/1"]);
    ann.sees("waiting-room-title", "It is your turn").await;
    ann.sees("choose-lead", "Choose on the map").await;
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn the_tooltip_follows_the_seat() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;
    let (x, y) = ann.spot_on_map("--seat-a").await;
    let over = PointerAction::MoveTo { duration: None, x, y };
    let mouse = MouseActions::new("mouse".to_owned()).then(over);
    ann.browser.perform_actions(mouse).await.unwrap();
    // At a distance the tooltip is about the section.
    let told = ann.sees("map-tip", "EUR").await;

    for section in ["Stalls", "Balcony"] {
        scene.house.tix(&["ticket", "block", "--section", section, "--reason", "kept"]);
    }

    let words = if told.ends_with("available") { "not for sale" } else { "none left" };
    ann.sees("map-tip", words).await;
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn the_line_below_the_map_is_of_the_seat_under_the_keys() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;
    ann.runs("document.getElementById('seat-map').focus()", &[]).await;
    ann.types(&[fantoccini::key::Key::Right, fantoccini::key::Key::Enter]).await;
    ann.sees("map-cursor", ", chosen").await;

    ann.presses("hold-button").await;

    ann.sees("hold-title", "held for you").await;
    assert_eq!(ann.reads("map-cursor").await, "");
    ann.runs("document.getElementById('seat-map').focus()", &[]).await;
    ann.sees("map-cursor", ", yours").await;
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn the_waitlist_is_offered_only_where_it_helps() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;
    ann.sees("waitlist-note", "2 such seats together are free now").await;
    let button = ann.browser.find(Locator::Id("join-waitlist-button")).await.unwrap();
    assert!(!button.is_enabled().await.unwrap());

    scene.house.tix(&["ticket", "block", "--section", "Balcony", "--reason", "kept"]);
    ann.picks("waitlist-section", "Balcony").await;

    ann.sees_no("waitlist-note").await;
    ann.presses("join-waitlist-button").await;
    ann.sees("waitlist-entries", "Place 1").await;
    let running = scene.house.json(&["hold", "list"]);
    assert_eq!(running["holds"], json!([]), "no seats beside those that were asked for");
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn an_address_with_nothing_says_so_on_any_screen() {
    let scene = Scene::set(Plan::default()).await;
    for screen in [Screen::Desk, Screen::Phone] {
        let ann = scene.somebody(screen).await;
        for path in ["/nope", "/events/nope", "/events/hall/nope"] {
            ann.opens(&scene.server.url(path)).await;
            ann.sees("nowhere-view", "There is no such page").await;
            ann.sees_no("show-view").await;
            let status = "return performance.getEntriesByType('navigation')[0].responseStatus";
            assert_eq!(ann.runs(status, &[]).await, json!(404), "{path}");
        }
        ann.clicks(Locator::Css("#nowhere-view a")).await;
        ann.sees("search-events", "Hall").await;
        ann.leaves().await;
    }
}
