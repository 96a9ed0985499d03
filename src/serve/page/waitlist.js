// The waitlist: asking for seats that are not there yet, and one's places.
import { ask, askUntilAnswered, isPassing } from "./api.js";
import { byId, fillSelect, make, setText, show } from "./dom.js";
import { announce, say } from "./message.js";
import { explain, explainWait } from "./refusals.js";
import { freshId } from "./session.js";
import { sectionOptions, typeOptions } from "./seats.js";
import { tickets } from "./words.js";

const SHOWN = ["waiting", "offered"];

export class Waitlist {
  // `onOffer` hears the hold that an entry was offered.
  constructor(venue, event, onOffer) {
    Object.assign(this, { venue, event, onOffer });
    this.entries = [];
    this.attempt = null;
    fillSelect(byId("waitlist-section"), sectionOptions(venue, "Any section"));
    fillSelect(byId("waitlist-type"), typeOptions(venue));
    byId("waitlist-size").max = event.limit;
    for (const type of ["input", "change"]) byId("waitlist-form").addEventListener(type, () => this.renderForm());
    this.renderForm();
    byId("waitlist-form").addEventListener("submit", (submit) => {
      submit.preventDefault();
      this.join();
    });
  }

  async load() {
    try {
      this.hear(await ask("GET", `/v1/waitlist?event=${encodeURIComponent(this.event.slug)}`));
    } catch (error) {
      if (!isPassing(error)) this.hear({ entries: [] });
    }
  }

  hear({ entries = [] }) {
    const before = new Map(this.entries.map((entry) => [entry.entry_id, entry]));
    this.entries = entries.filter((entry) => entry.event_id === this.event.event_id);
    this.render();
    for (const entry of this.entries) {
      if (entry.status === "offered" && entry.hold_id && before.get(entry.entry_id)?.status !== "offered") {
        this.onOffer(entry.hold_id);
      }
    }
  }

  wish() {
    const wish = { event: this.event.slug, size: Number(byId("waitlist-size").value) };
    if (byId("waitlist-section").value) wish.section = byId("waitlist-section").value;
    if (byId("waitlist-type").value) wish.type = byId("waitlist-type").value;
    return wish;
  }

  // Like a hold: the same wish keeps its id until it is answered.
  async join() {
    const wish = this.wish();
    const key = JSON.stringify(wish);
    if (this.attempt?.key !== key) this.attempt = { key, id: freshId() };
    const body = { ...wish, entry_id: this.attempt.id };
    try {
      const onWait = (error, wait) => say(explainWait(error, wait), { tone: "wait" });
      const { entry } = await askUntilAnswered("POST", "/v1/waitlist", { body, onWait });
      this.attempt = null;
      this.joined(entry);
    } catch (error) {
      if (!isPassing(error)) this.attempt = null;
      say(explain(error, this.event).text);
    }
  }

  joined(entry) {
    this.hear({ entries: [...this.entries.filter((one) => one.entry_id !== entry.entry_id), entry] });
    const place = entry.place ? ` at place ${entry.place}` : "";
    say(`You are in the waitlist for ${tickets(entry.size)}${place}. Keep this page open to hear of an offer.`, { tone: "news" });
  }

  async leave(entry) {
    try {
      await askUntilAnswered("DELETE", `/v1/waitlist/${encodeURIComponent(entry.entry_id)}`);
      this.hear({ entries: this.entries.filter((one) => one.entry_id !== entry.entry_id) });
      announce("You left the waitlist.");
    } catch (error) {
      say(explain(error, this.event).text);
      this.load();
    }
    byId("waitlist-title").focus({ preventScroll: true });
  }

  // Fills the form with what could not be had, and goes there.
  suggest({ size, section = "", type = "" }) {
    if (size) byId("waitlist-size").value = size;
    byId("waitlist-section").value = section;
    byId("waitlist-type").value = type;
    this.renderForm();
    byId("waitlist-title").scrollIntoView({ block: "center" });
    byId("join-waitlist-button").focus({ preventScroll: true });
  }

  // Who joins while such seats are free is offered them at once: more seats, and nothing to wait for.
  renderForm() {
    const { size, section, type } = this.wish();
    const isKnown = this.venue.counts !== null;
    const isFree = isKnown && this.venue.fits(size, section, type);
    byId("join-waitlist-button").disabled = !isKnown || isFree;
    setText(byId("waitlist-note"), isFree
      ? `${size === 1 ? "Such a seat is" : `${size} such seats together are`} free now: there is nothing to wait for.`
      : "");
    show(byId("waitlist-note"), isFree);
  }

  render() {
    const shown = this.entries.filter(({ status }) => SHOWN.includes(status));
    byId("waitlist-entries").replaceChildren(...shown.map((entry, at) => this.line(entry, at === 0)));
  }

  line(entry, first) {
    const place = make("strong", { id: first ? "waitlist-place" : null, class: "entry-place" });
    setText(place, entry.status === "offered" ? "Offered to you" : entry.place ? `Place ${entry.place}` : "Waiting");
    const what = [tickets(entry.size), entry.section ?? "any section", entry.type ?? "any type"].join(", ");
    const passed = entry.passed_over > 0
      ? ` Passed over ${entry.passed_over === 1 ? "once" : `${entry.passed_over} times`}: what came free did not fit.`
      : "";
    const leave = make("button", { type: "button", class: "plain", "aria-label": `Leave the waitlist: ${what}` }, "Leave");
    leave.addEventListener("click", () => this.leave(entry));
    return make("li", {}, make("span", {}, place, ` ${what}.${passed}`), leave);
  }
}
