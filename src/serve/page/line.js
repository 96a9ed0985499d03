// The waiting room: where this session stands before it may hold seats.
import { ask, eventPath, isPassing } from "./api.js";
import { millisecondsUntil } from "./clock.js";
import { byId, setText, show } from "./dom.js";
import { announce, goTo, hush } from "./message.js";
import { duration, number } from "./words.js";

// Who does not ask for a minute has left; the stream counts, but may be down.
const ASK_EVERY_MS = 20_000;
const TICK_MS = 1_000;
// How far two clocks may be apart that agree.
const ABOUT_MS = 1_000;

export class Line {
  constructor(event, venue, onChange) {
    Object.assign(this, { event, venue, onChange });
    this.status = "open";
    this.wanted = false;
    this.place = null;
    this.until = null;
    this.asking = false;
    this.path = eventPath(event.slug, "/waiting-room");
    byId("leave-line-button").addEventListener("click", () => this.leave());
    byId("enter-line-button").addEventListener("click", () => {
      byId("waiting-room-title").focus({ preventScroll: true });
      this.enter();
    });
    setInterval(() => this.askAgain(), ASK_EVERY_MS);
    setInterval(() => this.tick(), TICK_MS);
  }

  mayHold() {
    return !["waiting", "left", "passed"].includes(this.status);
  }

  come() {
    this.wanted = true;
    this.enter();
  }

  // Who pays, or looks at an order, must not take the turn of somebody who wants to choose.
  rest() {
    this.wanted = false;
    this.render();
  }

  askAgain() {
    if (this.wanted && this.status === "waiting") this.enter();
  }

  async enter() {
    this.asking = true;
    try {
      this.hear(await ask("POST", this.path));
    } catch (error) {
      // The reservation itself is refused if others come first, so nothing depends on this answer.
      if (!isPassing(error)) this.hear({ status: "open", place: null, until: null });
    } finally {
      this.asking = false;
    }
  }

  async look() {
    this.asking = true;
    try {
      this.hear(await ask("GET", this.path));
    } catch (error) {
      if (isPassing(error)) this.hear({ status: "passed", place: null, until: null });
    } finally {
      this.asking = false;
    }
  }

  async leave() {
    try {
      await ask("DELETE", this.path);
    } catch (error) {
      if (isPassing(error)) return;
    }
    this.hear({ status: "left", place: null, until: null });
    byId("waiting-room-title").focus({ preventScroll: true });
  }

  sentBack(place) {
    this.hear({ status: "waiting", place: place ?? null, until: null });
  }

  hear({ status, place, until }) {
    const before = this.status;
    if (status === "outside") {
      this.outside(before);
      return;
    }
    Object.assign(this, { status, place, until });
    this.render();
    if (before !== status) this.turned(before);
    this.onChange();
  }

  // A turn that was not used is not taken again by itself: a forgotten page would keep others waiting.
  // Without a deadline it was a hold that ended, and before the deadline a server that began anew.
  outside(before) {
    if (before === "left" || before === "passed" || !this.wanted) return;
    const unused = before === "admitted" && this.until && millisecondsUntil(this.until) < ABOUT_MS;
    if (unused) this.hear({ status: "passed", place: null, until: null });
    else this.enter();
  }

  turned(before) {
    if (!this.wanted) return;
    if (this.status === "admitted" && before === "waiting") {
      hush();
      announce(this.nothingLeft() ? this.words().join(": ") : "It is your turn: you can hold seats now.");
      goTo(byId("waiting-room-title"));
    } else if (this.status === "passed") {
      announce("Your turn has passed. You can stand in line again.");
    } else if (this.status === "waiting") {
      announce(`You stand in line${this.place ? ` at place ${this.place}` : ""}.`);
    }
  }

  render() {
    const room = byId("waiting-room");
    show(room, this.wanted && this.status !== "open");
    room.dataset.status = this.status;
    const [title, text] = this.words();
    setText(byId("waiting-room-title"), title);
    setText(byId("waiting-room-text"), text);
    show(byId("waiting-room-place"), this.status === "waiting" && this.place !== null);
    setText(byId("waiting-room-place"), this.place === null ? "" : `Place ${number(this.place)}`);
    show(byId("leave-line-button"), this.status === "waiting");
    show(byId("enter-line-button"), !this.mayHold() && this.status !== "waiting");
  }

  nothingLeft() {
    return this.venue.counts?.available === 0;
  }

  words() {
    const nothingLeft = this.nothingLeft();
    const texts = {
      waiting: ["You stand in line", nothingLeft
        ? "No seats are left just now. You keep your place in case some come free."
        : "Look at the map already; you can hold seats as soon as you are let in. Keep this page open."],
      admitted: nothingLeft
        ? ["No seats are left just now", "If some come free, the waitlist is offered them first. Others appear on the map."]
        : ["It is your turn", this.turnWords()],
      left: ["You left the line", "You can look at the map, but you cannot hold seats."],
      passed: ["Your turn has passed", "No seats were held in time. You can stand in line again."],
    };
    return texts[this.status] ?? ["", ""];
  }

  turnWords() {
    return this.until ? `Hold your seats within ${duration(millisecondsUntil(this.until))}.` : "You can hold seats now.";
  }

  tick() {
    if (!this.wanted || this.status !== "admitted") return;
    setText(byId("waiting-room-text"), this.words()[1]);
    if (this.asking) return;
    // Without a deadline a hold still counts that is over, which the server may not know yet.
    if (!this.until) this.enter();
    else if (millisecondsUntil(this.until) < 0) this.look();
  }
}
