//! Paying: how much time is left, what the provider says, what was bought.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::driver::Screen;
use crate::patience::Patience;
use crate::scene::{Plan, Scene};

/// Has every page believe that it is seven hours later than it is.
const WRONG_CLOCK: &str = "
const Right = Date;
const wrong = () => Right.now() + 7 * 3600 * 1000;
globalThis.Date = class extends Right {
  constructor(...time) { if (time.length === 0) super(wrong()); else super(...time); }
  static now() { return wrong(); }
};";
/// How far a countdown may be off, in seconds: it shows whole ones, and a page is drawn now and then.
const OFF_MAX: f64 = 2.0;

/// The seconds that a countdown shows.
fn seconds(shown: &str) -> f64 {
    let parts = shown.split(':').map(|part| part.parse::<f64>().unwrap());
    parts.fold(0.0, |sum, part| sum * 60.0 + part)
}

/// The one hold that is running.
fn only_hold(holds: &Value) -> &Value {
    let holds = holds["holds"].as_array().unwrap();
    assert_eq!(holds.len(), 1);
    &holds[0]
}

#[tokio::test]
async fn the_countdown_goes_by_the_servers_clock_whatever_the_browsers_own_says() {
    let scene = Scene::set(Plan { seed: &["--ttl", "10m"], ..Plan::default() }).await;
    let ann = scene.somebody(Screen::Desk).await;
    let script = json!({ "source": WRONG_CLOCK });
    ann.commands("Page.addScriptToEvaluateOnNewDocument", &script).await;
    ann.opens(&scene.server.url("/events/hall")).await;
    ann.sees_the_seats().await;
    let now = Timestamp::now().as_millisecond();
    let hours = ann.runs("return (Date.now() - arguments[0]) / 3600_000", &[json!(now)]).await;
    assert!((6.9..7.1).contains(&hours.as_f64().unwrap()), "its clock is {hours} hours off");

    ann.holds("Stalls/1/1").await;

    let holds = scene.house.json(&["hold", "list"]);
    let ends: Timestamp = only_hold(&holds)["expires_at"].as_str().unwrap().parse().unwrap();
    let patience = Patience::begin();
    loop {
        let shown = seconds(&ann.reads("countdown").await);
        let left = ends.duration_since(Timestamp::now()).as_secs_f64();
        if (shown - left).abs() <= OFF_MAX {
            break;
        }
        assert!(!patience.is_over(), "{shown} s are shown, {left} s are left");
        patience.moment().await;
    }
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn who_pays_is_told_the_confirmation_number_that_the_store_has() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;
    ann.chooses("Stalls/1/1").await;
    ann.chooses("Stalls/1/2").await;
    ann.presses("hold-button").await;
    ann.sees("hold-amount", "99.00 EUR").await;

    let number = ann.pays().await;

    assert_eq!(scene.house.confirmations(), [number]);
    ann.sees("order-amount", "99.00 EUR").await;
    let seats = ann.reads("order-tickets").await;
    assert!(seats.contains("Stalls row 1 seat 1") && seats.contains("seat 2"), "{seats}");
    let door = ann.reads("order-door").await;
    assert!(door.contains("Main door") && door.contains("1 December 2030, 19:30"), "{door}");
    ann.sees("counts", "available 24 held 0 being paid for 0 sold 2").await;
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn after_a_card_was_declined_another_one_can_be_tried() {
    let scene = Scene::set(Plan::default()).await;
    let ann = scene.visitor().await;
    ann.holds("Stalls/1/1").await;
    ann.picks("payment-answer", "Declined: the card is refused").await;
    ann.presses("pay-button").await;
    ann.sees("message", "The card was declined. The seats are still yours until").await;
    assert_eq!(scene.house.confirmations(), [""; 0]);
    let focused = "return document.activeElement.id === 'pay-button'";
    ann.until("the button to have the focus again", focused, &[]).await;

    ann.picks("payment-answer", "Captured: the card is charged").await;
    let number = ann.pays().await;

    assert_eq!(scene.house.confirmations(), [number]);
    scene.ends_well([ann]).await;
}

#[tokio::test]
async fn a_provider_that_says_nothing_is_waited_for_and_nothing_is_bought() {
    let scene = Scene::set(Plan { seed: &["--payment-time", "5s"], ..Plan::default() }).await;
    let ann = scene.visitor().await;
    ann.holds("Stalls/1/1").await;
    ann.picks("payment-answer", "Silent: no answer comes").await;

    ann.presses("pay-button").await;

    ann.sees("hold-title", "Your payment is under way").await;
    ann.sees("message", "The payment provider did not answer in time").await;
    ann.sees("choose-title", "Choose seats").await;
    ann.sees_seat("Stalls/1/1", "available").await;
    assert_eq!(scene.house.confirmations(), [""; 0]);
    scene.ends_well([ann]).await;
}
