//! Somebody with a browser: what he does, and what he sees.

use fantoccini::actions::{
    InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction,
    TouchActions,
};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::driver::Special;
use crate::patience::Patience;

/// What an element shows, if it can be seen.
const SHOWN: &str = "
const element = document.getElementById(arguments[0]);
return element?.checkVisibility() ? element.innerText.replace(/\\s+/g, ' ').trim() : null;";
/// Whether an element shows words.
const SHOWS: &str = "
const element = document.getElementById(arguments[0]);
const text = element?.checkVisibility() ? element.innerText.replace(/\\s+/g, ' ').trim() : '';
return text.includes(arguments[1]) ? text : null;";
/// Whether a seat has a name that ends with words.
const SEAT: &str = "
const name = document.querySelector(`[data-seat=\"${arguments[0]}\"]`)?.getAttribute('aria-label');
return name?.endsWith(arguments[1]) ? name : null;";
/// Where the map is painted in the colour of a name, in the window: the middle of the first square of
/// that colour.
const SPOT: &str = "
const map = document.getElementById('seat-map');
const style = getComputedStyle(document.documentElement);
const [red, green, blue] = style.getPropertyValue(arguments[0]).trim().match(/[0-9a-f]{2}/g)
  .map((part) => parseInt(part, 16));
const { width, height } = map;
const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
copy.drawImage(map, 0, 0);
const { data } = copy.getImageData(0, 0, width, height);
const is = (x, y) => {
  const at = 4 * (y * width + x);
  return data[at] === red && data[at + 1] === green && data[at + 2] === blue;
};
const side = 4;
const square = (x, y) => {
  for (let down = 0; down < side; down += 1)
    for (let right = 0; right < side; right += 1) if (!is(x + right, y + down)) return false;
  return true;
};
const box = map.getBoundingClientRect();
for (let y = 0; y < height - side; y += 1)
  for (let x = 0; x < width - side; x += 1)
    if (square(x, y)) {
      const ratio = width / box.width;
      return [box.left + (x + side / 2) / ratio, box.top + (y + side / 2) / ratio];
    }
return null;";
/// What the browser complains of that is a fault of the page: a script that fails, something that the
/// page may not do. A request that is refused, or not answered, is none.
const FAULT: &str = "SEVERE";
const REFUSED: &str = "network";

/// Somebody with a browser.
pub(crate) struct Visitor {
    pub(crate) browser: Client,
}

impl Visitor {
    pub(crate) const fn new(browser: Client) -> Self {
        Self { browser }
    }

    /// Goes to an address.
    pub(crate) async fn opens(&self, url: &str) {
        self.browser.goto(url).await.unwrap();
    }

    pub(crate) async fn reloads(&self) {
        self.browser.refresh().await.unwrap();
    }

    /// Runs a script in the page.
    pub(crate) async fn runs(&self, script: &str, arguments: &[Value]) -> Value {
        self.browser.execute(script, arguments.to_vec()).await.unwrap()
    }

    /// Gives a command of the browser's own protocol.
    pub(crate) async fn commands(&self, name: &str, parameters: &Value) -> Value {
        self.browser.issue_cmd(Special::devtools(name, parameters)).await.unwrap()
    }

    /// Waits until a script finds what it looks for.
    pub(crate) async fn until(&self, what: &str, script: &str, arguments: &[Value]) -> Value {
        let patience = Patience::begin();
        loop {
            let found = self.runs(script, arguments).await;
            if !found.is_null() && found != false {
                return found;
            }
            if patience.is_over() {
                let page = self.runs("return document.body.innerText", &[]).await;
                let page = page.as_str().unwrap_or_default();
                let log = self.complaints().await;
                panic!(
                    "waited in vain for {what}; the page says:\n{page}\nand the browser:\n{log:#?}"
                );
            }
            patience.moment().await;
        }
    }

    /// What the browser has complained of since this was asked last.
    async fn complaints(&self) -> Vec<Value> {
        let told = self.browser.issue_cmd(Special::complaints()).await.unwrap();
        told.as_array().unwrap().clone()
    }

    /// Waits until an element can be seen and says these words; returns all that it says.
    pub(crate) async fn sees(&self, id: &str, words: &str) -> String {
        let what = format!("#{id} that says “{words}”");
        let seen = self.until(&what, SHOWS, &[json!(id), json!(words)]).await;
        seen.as_str().unwrap().to_owned()
    }

    /// Waits until an element cannot be seen.
    pub(crate) async fn sees_no(&self, id: &str) {
        let script = "return !document.getElementById(arguments[0])?.checkVisibility()";
        self.until(&format!("#{id} to be gone"), script, &[json!(id)]).await;
    }

    /// What an element says now, nothing if it cannot be seen.
    pub(crate) async fn reads(&self, id: &str) -> String {
        self.runs(SHOWN, &[json!(id)]).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until it is known of every seat how it is, and changes will be told.
    pub(crate) async fn sees_the_seats(&self) {
        self.sees_no("map-empty").await;
        self.sees("connection", "Live").await;
    }

    /// Waits until the name of a seat ends with these words.
    pub(crate) async fn sees_seat(&self, seat: &str, words: &str) {
        let what = format!("{seat} that is {words}");
        self.until(&what, SEAT, &[json!(seat), json!(format!(", {words}"))]).await;
    }

    /// Clicks on what can be clicked on, once it can.
    pub(crate) async fn clicks(&self, what: Locator<'_>) {
        let patience = Patience::begin();
        while let Err(trouble) = self.tries_to_click(what).await {
            assert!(!patience.is_over(), "cannot click on {what:?}: {trouble}");
            patience.moment().await;
        }
    }

    /// Clicks if that is possible just now.
    pub(crate) async fn tries_to_click(
        &self,
        what: Locator<'_>,
    ) -> Result<(), fantoccini::error::CmdError> {
        let element = self.browser.find(what).await?;
        let into_view = "arguments[0].scrollIntoView({ block: 'center' })";
        self.browser.execute(into_view, vec![serde_json::to_value(&element)?]).await?;
        element.click().await
    }

    /// Presses a button by its id.
    pub(crate) async fn presses(&self, id: &str) {
        self.clicks(Locator::Css(&format!("#{id}:not(:disabled)"))).await;
    }

    /// Chooses a seat of the row that is shown.
    pub(crate) async fn chooses(&self, seat: &str) {
        self.clicks(Locator::Css(&format!("[data-seat=\"{seat}\"]"))).await;
        self.sees_seat(seat, "chosen").await;
    }

    /// Chooses a seat and holds it.
    pub(crate) async fn holds(&self, seat: &str) {
        self.chooses(seat).await;
        self.presses("hold-button").await;
        self.sees("hold-title", "held for you").await;
    }

    /// Pays and returns the confirmation number.
    pub(crate) async fn pays(&self) -> String {
        self.presses("pay-button").await;
        self.sees("confirmation-number", "-").await
    }

    /// Picks what is called so in a list.
    pub(crate) async fn picks(&self, id: &str, label: &str) {
        let list = self.browser.find(Locator::Id(id)).await.unwrap();
        list.select_by_label(label).await.unwrap();
    }

    /// Presses keys, one after the other.
    pub(crate) async fn types(&self, keys: &[Key]) {
        for key in keys {
            let value = char::from(*key);
            let typed = KeyActions::new("keys".to_owned())
                .then(KeyAction::Down { value })
                .then(KeyAction::Up { value });
            self.browser.perform_actions(typed).await.unwrap();
        }
    }

    /// The id of what has the focus.
    pub(crate) async fn focus(&self) -> String {
        let id = self.runs("return document.activeElement.id", &[]).await;
        id.as_str().unwrap().to_owned()
    }

    /// Whether the map has a spot in the colour of a name now.
    pub(crate) async fn finds_on_map(&self, colour: &str) -> bool {
        !self.runs(SPOT, &[json!(colour)]).await.is_null()
    }

    /// Waits until the map has a spot in the colour of a name, and says where in the window it is.
    pub(crate) async fn spot_on_map(&self, colour: &str) -> (f64, f64) {
        let into_view = "document.getElementById('seat-map').scrollIntoView({ block: 'center' })";
        self.runs(into_view, &[]).await;
        let what = format!("a spot of the map in {colour}");
        let spot = self.until(&what, SPOT, &[json!(colour)]).await;
        (spot[0].as_f64().unwrap(), spot[1].as_f64().unwrap())
    }

    /// Clicks on a point of the window with the mouse.
    pub(crate) async fn clicks_at(&self, spot: (f64, f64)) {
        let mouse = press(spot).into_iter().fold(MouseActions::new("mouse".to_owned()), then);
        self.browser.perform_actions(mouse).await.unwrap();
    }

    /// Touches a point of the window with a finger.
    pub(crate) async fn taps(&self, spot: (f64, f64)) {
        let finger = press(spot).into_iter().fold(TouchActions::new("finger".to_owned()), then);
        self.browser.perform_actions(finger).await.unwrap();
    }

    /// Closes the browser, which must have had nothing to complain of.
    pub(crate) async fn leaves(self) {
        let mut faults = self.complaints().await;
        faults.retain(|it| it["level"] == FAULT && it["source"] != REFUSED);
        assert_eq!(faults, Vec::<Value>::new());
        self.browser.close().await.unwrap();
    }
}

fn press((x, y): (f64, f64)) -> [PointerAction; 3] {
    let button = MOUSE_BUTTON_LEFT;
    [
        PointerAction::MoveTo { duration: None, x, y },
        PointerAction::Down { button },
        PointerAction::Up { button },
    ]
}

fn then<S: InputSource>(actions: S, action: S::Action) -> S {
    actions.then(action)
}
