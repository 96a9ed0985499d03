//! Everybody can buy: with the keyboard alone, on a phone, without seeing the screen.

use fantoccini::Locator;
use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::driver::Screen;
use crate::scene::{Plan, Scene};
use crate::visitor::Visitor;

/// How often one presses a key before one gives up.
const PRESSES_MAX: usize = 60;

/// Presses Tab until something has the focus, and sees where it is.
async fn tabs_to(visitor: &Visitor, id: &str) {
    let mut passed = Vec::new();
    while passed.len() < PRESSES_MAX {
        visitor.types(&[Key::Tab]).await;
        let focus = visitor.focus().await;
        if focus == id {
            return;
        }
        passed.push(focus);
    }
    panic!("Tab does not lead to {id}: {passed:?}");
}

#[tokio::test]
async fn the_keyboard_is_enough_to_buy_a_ticket() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;

    tabs_to(&ann, "seat-map").await;
    ann.types(&[Key::Right, Key::Right, Key::Down]).await;
    ann.sees("map-cursor", "Stalls row 2 seat 2, 49.50 EUR, available").await;
    ann.types(&[Key::Enter]).await;
    ann.sees("map-cursor", "Stalls row 2 seat 2, 49.50 EUR, chosen").await;
    tabs_to(&ann, "hold-button").await;
    ann.types(&[Key::Enter]).await;
    ann.sees("hold-title", "held for you").await;
    assert_eq!(ann.focus().await, "hold-title", "one is where it goes on");
    tabs_to(&ann, "pay-button").await;
    ann.types(&[Key::Enter]).await;

    let number = ann.sees("confirmation-number", "-").await;
    assert_eq!(ann.focus().await, "order-title");
    assert_eq!(scene.house.confirmations(), [number]);
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn of_many_events_all_can_be_seen() {
    let scene = Scene::set(Plan::default()).await;
    for number in 1..=60 {
        let day = format!("2031-{:02}-{:02}", number / 28 + 1, number % 28 + 1);
        let slug = format!("night-{number}");
        scene.house.tix(&["seed", "hall.csv", "--event", "Night", "--slug", &slug, "--date", &day]);
    }
    let ann = scene.somebody(Screen::Desk).await;
    ann.opens(&scene.server.url("/")).await;
    ann.sees("search-outcome", "The first 50 of 61 events").await;
    ann.presses("search-more").await;
    ann.sees("search-outcome", "61 events").await;
    ann.sees_no("search-more").await;
    let focused = "return document.activeElement.closest('#search-events > li:nth-child(51)')";
    ann.until("the first new one to have the focus", focused, &[]).await;
    scene.ends_well([ann]).await;
}

/// Nothing is wider than the screen.
async fn fits(visitor: &Visitor) {
    let widths = "return [document.documentElement.scrollWidth, innerWidth]";
    assert_eq!(visitor.runs(widths, &[]).await, json!([360, 360]));
}

#[tokio::test]
async fn on_a_phone_nothing_is_too_wide_and_a_finger_buys_a_ticket() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.somebody(Screen::Phone).await;
    ann.opens(&scene.server.url("/")).await;
    ann.sees("search-events", "Hall").await;
    fits(&ann).await;
    ann.clicks(Locator::LinkText("Hall")).await;
    ann.sees_the_seats().await;
    fits(&ann).await;

    // From afar a finger goes nearer; near by it chooses.
    while ann.reads("chosen-text").await.is_empty() {
        let free = ann.spot_on_map("--seat-a").await;
        ann.taps(free).await;
    }
    ann.sees("chosen-text", "1 of 10 chosen").await;
    ann.spot_on_map("--seat-chosen").await;
    fits(&ann).await;
    ann.presses("hold-button").await;
    ann.sees("hold-title", "held for you").await;
    fits(&ann).await;
    ann.picks("payment-answer", "Declined: the card is refused").await;
    ann.presses("pay-button").await;
    ann.sees("message", "declined").await;
    fits(&ann).await;
    ann.picks("payment-answer", "Captured: the card is charged").await;
    let number = ann.pays().await;

    fits(&ann).await;
    assert_eq!(scene.house.confirmations(), [number]);
    scene.ends_well([ann]).await;
}

/// What a screen reader is told of the page: of each part its role, its name, and how it is.
struct Heard(Vec<Value>);

impl Heard {
    async fn by(visitor: &Visitor) -> Self {
        let tree = visitor.commands("Accessibility.getFullAXTree", &json!({})).await;
        let nodes = tree["nodes"].as_array().unwrap();
        Self(nodes.iter().filter(|node| node["ignored"] != true).cloned().collect())
    }

    fn of_role(&self, role: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |node| node["role"]["value"] == role)
    }

    /// The names of all parts of a role.
    fn names(&self, role: &str) -> Vec<&str> {
        self.of_role(role).map(name).collect()
    }
}

fn name(node: &Value) -> &str {
    node["name"]["value"].as_str().unwrap_or_default()
}

/// What is said of a part besides its role and name.
fn property<'a>(node: &'a Value, name: &str) -> &'a Value {
    let properties = node["properties"].as_array().map_or(&[][..], Vec::as_slice);
    properties.iter().find(|it| it["name"] == name).map_or(&Value::Null, |it| &it["value"]["value"])
}

#[tokio::test]
async fn every_seat_and_every_control_has_a_name_and_says_how_it_is() {
    let scene = Scene::set(Plan::default()).await;
    scene.house.tix(&["hold", "start", "--seat", "Stalls/1/2"]);
    let ann = scene.visitor().await;
    ann.sees_seat("Stalls/1/2", "held").await;
    ann.chooses("Stalls/1/1").await;

    let heard = Heard::by(&ann).await;

    let seat = |named: &str| {
        heard
            .of_role("button")
            .find(|it| name(it) == named)
            .unwrap_or_else(|| panic!("no seat is called “{named}”: {:#?}", heard.names("button")))
    };
    let (chosen, held, free) = (
        seat("Stalls row 1 seat 1, 49.50 EUR, chosen"),
        seat("Stalls row 1 seat 2, 49.50 EUR, held"),
        seat("Stalls row 1 seat 3, 49.50 EUR, available"),
    );
    assert_eq!(property(chosen, "pressed"), "true");
    assert_eq!(property(held, "disabled"), true);
    assert_eq!(property(free, "pressed"), "false");
    assert_ne!(property(free, "disabled"), true);
    for role in ["button", "combobox", "spinbutton", "link", "application"] {
        let names = heard.names(role);
        assert!(!names.is_empty(), "no {role}");
        assert!(!names.contains(&""), "a {role} without a name: {names:?}");
    }
    for heading in ["Hall", "Seat map", "Choose seats", "Waitlist"] {
        assert!(heard.names("heading").contains(&heading), "{:?}", heard.names("heading"));
    }
    assert_eq!(heard.of_role("main").count(), 1);
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn what_happens_is_said_to_who_does_not_see_the_screen() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;
    let live = "return document.getElementById(arguments[0]).closest('[aria-live], [role=status]') !== null";
    for id in ["announcer", "message", "map-cursor"] {
        assert_eq!(ann.runs(live, &[json!(id)]).await, true, "{id} is not read out");
    }

    ann.chooses("Stalls/1/1").await;
    ann.sees("announcer", "Stalls row 1 seat 1 chosen. 1 of 10 chosen, 49.50 EUR").await;
    ann.presses("hold-button").await;
    ann.sees("announcer", "1 seat held for you until").await;
    assert_eq!(ann.focus().await, "hold-title");

    let heard = Heard::by(&ann).await;
    assert_eq!(heard.names("timer"), ["Time left to pay"]);
    assert!(heard.names("combobox").contains(&"What the payment provider answers"));
    scene.ends_well([ann]).await;
}
