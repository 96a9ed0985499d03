// The entry: which of the views this address is.
import { Refusal } from "./api.js";
import { byId, show } from "./dom.js";
import { openEvents } from "./events.js";
import { openShow } from "./show.js";

const VIEWS = ["events-view", "show-view", "nowhere-view"];

function turnTo(view) {
  VIEWS.forEach((id) => show(byId(id), id === view));
}

function turnToNowhere() {
  document.title = "Not found · tix";
  turnTo("nowhere-view");
}

async function open() {
  const [, slug] = location.pathname.match(/^\/events\/([^/]+)\/?$/) ?? [];
  if (slug) {
    turnTo("show-view");
    await openShow(decodeURIComponent(slug));
  } else if (location.pathname === "/") {
    turnTo("events-view");
    await openEvents();
  } else {
    turnToNowhere();
  }
}

open().catch((error) => {
  // A slug that is no text is a show that does not exist.
  if (error instanceof Refusal || error instanceof URIError) turnToNowhere();
  else throw error;
});
