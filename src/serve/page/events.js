// The list of events, with search.
import { ask, Refusal } from "./api.js";
import { byId, make, setText, show } from "./dom.js";
import { dayParts, hour, number } from "./words.js";

const TYPING_MS = 250;

const AVAILABLE = { true: "Tickets left", false: "Sold out · waitlist" };

let searching = null;

function searchPath(words, offset) {
  const query = new URLSearchParams(words ? { q: words, offset } : { offset });
  return `/v1/events/search?${query}`;
}

function line({ event, available }) {
  const zone = event.venue.time_zone;
  const { weekday, day, month } = dayParts(event.starts_at, zone);
  const when = make("time", { class: "when", datetime: event.starts_at },
    make("span", { class: "when-week" }, weekday), make("span", { class: "when-day" }, day), make("span", {}, month));
  const link = make("a", { href: `/events/${encodeURIComponent(event.slug)}` }, event.name);
  const place = [event.venue.name, event.venue.city].filter(Boolean).join(", ");
  const what = make("div", { class: "what" }, make("h2", {}, link),
    make("p", { class: "quiet" }, `${hour(event.starts_at, zone)} · ${place}`));
  const words = AVAILABLE[available] ?? "";
  return make("li", { "data-available": String(available) }, when, what, make("span", { class: "left" }, words));
}

function outcome(total, shown, words) {
  if (total === 0) return words ? `Nothing found for “${words}”.` : "There are no events yet.";
  const what = total === 1 ? "1 event" : `${number(total)} events`;
  return shown < total ? `The first ${shown} of ${what}` : what;
}

// Looks for events; `offset` of those that were found are shown already.
async function search(words, offset = 0) {
  searching?.abort();
  searching = new AbortController();
  const { signal } = searching;
  try {
    const { events, total } = await ask("GET", searchPath(words, offset), { signal });
    const list = byId("search-events");
    if (offset === 0) list.replaceChildren();
    list.append(...events.map(line));
    const shown = offset + events.length;
    setText(byId("search-outcome"), outcome(total, shown, words));
    show(byId("search-more"), events.length > 0 && shown < total);
    // The button moves on, or is gone: one goes on with the first that is new.
    if (offset > 0) list.children[offset]?.querySelector("a").focus();
  } catch (error) {
    if (signal.aborted) return;
    const refused = error instanceof Refusal && error.status < 500;
    setText(byId("search-outcome"), refused ? error.message : "The box office cannot be reached. Try again in a moment.");
  }
}

export async function openEvents() {
  const input = byId("search-words");
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  const go = () => {
    const words = input.value.trim();
    history.replaceState(null, "", words ? `/?q=${encodeURIComponent(words)}` : "/");
    return search(words);
  };
  let typing = null;
  input.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(go, TYPING_MS);
  });
  byId("search-more").addEventListener("click", () =>
    search(input.value.trim(), byId("search-events").children.length));
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    go();
  });
  await go();
}
