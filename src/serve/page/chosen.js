// The seats that the buyer has chosen and not yet held. Others can take them at any time.
import { closedWords, isClosed } from "./closing.js";
import { byId, make, setText } from "./dom.js";
import { announce, say } from "./message.js";
import { CHOSEN, UNKNOWN } from "./venue.js";
import { list, money, seatWords, splitLabel, STATUS_WORDS, sum, tickets } from "./words.js";

export class Chosen {
  constructor(venue, event) {
    Object.assign(this, { venue, event, limit: event.limit });
    this.labels = [];
    this.listeners = [];
    // While the buyer's own request is under way, the seats that become held are likely the buyer's.
    this.waiting = false;
    venue.listen((changed) => this.check(changed));
    this.render();
  }

  listen(listener) {
    this.listeners.push(listener);
  }

  toggle(label) {
    if (this.labels.includes(label)) this.drop([label]);
    else this.add(label);
  }

  add(label) {
    if (isClosed()) {
      say(closedWords(this.event));
      return;
    }
    const found = this.venue.find(label);
    const status = found.section.statuses[found.place];
    if (status === UNKNOWN) {
      say("The seats are still being read. One moment, please.", { tone: "wait" });
      return;
    }
    if (status !== "a") {
      say(`${seatWords(label)} is ${STATUS_WORDS[status]}. Choose another seat.`);
      return;
    }
    if (this.labels.length >= this.limit) {
      say(`One buyer can have at most ${tickets(this.limit)} for this show. Take one away to choose another.`);
      return;
    }
    this.labels.push(label);
    this.venue.mark(label, CHOSEN);
    this.changed(`${seatWords(label)} chosen. `);
  }

  drop(labels) {
    // First the list, then the marks: a mark tells the listeners, and this is one of them.
    this.labels = this.labels.filter((label) => !labels.includes(label));
    labels.forEach((label) => this.venue.mark(label, 0));
    this.changed(labels.length === 1 ? `${seatWords(labels[0])} taken off. ` : "");
  }

  clear() {
    this.drop(this.labels);
  }

  wait(waiting) {
    this.waiting = waiting;
    if (!waiting) this.check(null);
  }

  check(changed) {
    if (this.waiting || this.labels.length === 0 || changed?.length === 0) return;
    const gone = this.labels.filter((label) => {
      const { section, place } = this.venue.find(label);
      return section.statuses[place] !== "a";
    });
    if (gone.length === 0) return;
    this.drop(gone);
    const verb = gone.length === 1 ? "was" : "were";
    say(`Somebody was quicker: ${list(gone.map(seatWords))} ${verb} taken. Choose another seat.`);
  }

  prices() {
    return this.labels.map((label) => {
      const { section, place } = this.venue.find(label);
      return section.kindOf(place).price;
    });
  }

  changed(words) {
    this.render();
    if (words) announce(`${words}${this.summary()}`);
    this.listeners.forEach((listener) => listener());
  }

  summary() {
    const count = this.labels.length;
    return count === 0 ? "No seats chosen" : `${count} of ${this.limit} chosen, ${money(sum(this.prices()))}`;
  }

  render() {
    setText(byId("chosen-text"), this.summary());
    byId("hold-button").disabled = this.labels.length === 0;
    byId("chosen-seats").replaceChildren(...this.labels.map((label) => this.chip(label)));
  }

  chip(label) {
    const { section, row, seat } = splitLabel(label);
    const button = make("button", { type: "button" }, make("span", { class: "unseen" }, "Take off "),
      `${section} ${row}/${seat}`, make("span", { "aria-hidden": "true" }, " ×"));
    button.addEventListener("click", () => {
      this.drop([label]);
      byId("choose-title").focus({ preventScroll: true });
    });
    return make("li", {}, button);
  }
}
