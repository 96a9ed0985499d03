// The head of a show's page: what, when, where, and how many tickets are in which condition.
import { byId, facts, make, setText, show } from "./dom.js";
import { day, hour, hourWithZone, number, shortDay } from "./words.js";

const COUNTED = [
  ["available", "available"], ["held", "held"], ["paying", "being paid for"], ["sold", "sold"], ["blocked", "not for sale"],
];

function optional(id, text) {
  setText(byId(id), text || "");
  show(byId(id), Boolean(text));
}

function languageName(tag) {
  try {
    return tag && new Intl.DisplayNames(["en"], { type: "language" }).of(tag);
  } catch {
    return tag;
  }
}

export function showHead({ event, shows }) {
  const zone = event.venue.time_zone;
  document.title = `${event.name} · tix`;
  setText(byId("show-name"), event.name);
  const rehearsal = event.simulated ? "Rehearsal: nothing is really sold" : null;
  setText(byId("show-kicker"), [rehearsal, event.type].filter(Boolean).join(" · "));
  optional("show-performers", (event.performers ?? []).join(", "));
  optional("show-description", event.description);
  facts(byId("show-facts"), [
    ["When", `${day(event.starts_at, zone)}, ${hourWithZone(event.starts_at, zone)}`],
    ["Where", [event.venue.name, event.venue.city, event.venue.country].filter(Boolean).join(", ")],
    ["Doors", event.doors_at && hour(event.doors_at, zone)],
    ["Length", event.duration_minutes && `${event.duration_minutes} minutes`],
    ["Language", languageName(event.language)],
  ]);
  showOthers(event, shows ?? []);
}

function showOthers(event, shows) {
  const others = shows.filter((other) => other.event_id !== event.event_id);
  show(byId("show-others"), others.length > 0);
  byId("show-others-list").replaceChildren(
    ...others.map((other) => {
      const zone = other.time_zone;
      const when = `${shortDay(other.starts_at, zone)}, ${hour(other.starts_at, zone)}`;
      const where = other.city && other.city !== event.venue.city ? ` · ${other.city}` : "";
      return make("li", {}, make("a", { href: `/events/${encodeURIComponent(other.slug)}` }, `${when}${where}`));
    }),
  );
}

export function showCounts(counts) {
  if (!counts) return;
  const list = byId("counts");
  if (list.children.length === 0) {
    list.append(...COUNTED.map(([name, words]) =>
      make("div", { "data-status": name }, make("dt", {}, words), make("dd", { "data-count": name }))));
  }
  for (const [name] of COUNTED) {
    setText(list.querySelector(`[data-count="${name}"]`), number(counts[name]));
    show(list.querySelector(`[data-status="${name}"]`), name !== "blocked" || counts.blocked > 0);
  }
}
