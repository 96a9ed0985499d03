// A sale that is closed: the page says so, and offers nothing. What is held can still be paid for.
import { byId, setText, show } from "./dom.js";
import { day, hourWithZone } from "./words.js";

export const isClosed = () => document.body.dataset.sale === "closed";

export function closedWords({ starts_at: startsAt, venue }) {
  const zone = venue.time_zone;
  return `The sale is closed: the show began on ${day(startsAt, zone)}, ${hourWithZone(startsAt, zone)}.`;
}

// The style sheet hides what a closed sale does not offer.
export function closeSale(event) {
  document.body.dataset.sale = "closed";
  setText(byId("not-on-sale"), closedWords(event));
  show(byId("not-on-sale"), true);
  setText(byId("choose-title"), "The sale is closed");
}
