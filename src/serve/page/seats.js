// Seat by seat without the map: section, row, and a button for each seat, kept live.
import { byId, calmly, fillSelect, make, setText } from "./dom.js";
import { money, number, STATUS_WORDS } from "./words.js";
import { CHOSEN, OWN } from "./venue.js";

const REFRESH_MS = 400;

function statusWords(seat) {
  if (seat.mark === CHOSEN) return "chosen";
  if (seat.mark === OWN) return "yours";
  return STATUS_WORDS[seat.status];
}

export function describeSeat(seat) {
  return `${seat.section.name} row ${seat.row} seat ${seat.number}, ${money(seat.kind.price)}, ${statusWords(seat)}`;
}

function priceRange(kinds) {
  const prices = kinds.map((kind) => kind.price).sort((a, b) => Number(a.amount) - Number(b.amount));
  const [low, high] = [prices[0], prices.at(-1)];
  if (!low) return "";
  return low.amount === high.amount ? money(low) : `${low.amount} to ${money(high)}`;
}

// Null where it is not known, because the map is not read yet.
const left = (count) => (count === null ? null : count === 0 ? "none left" : `${number(count)} left`);

const join = (separator, ...parts) => parts.filter(Boolean).join(separator);

export const describeSection = (section) => join(", ", section.name, priceRange(section.kinds), left(section.left));

export function sectionOptions(venue, anyWords) {
  const options = venue.sections.map((section) => [section.name, section.name]);
  return anyWords ? [["", anyWords], ...options] : options;
}

export function typeOptions(venue) {
  const kinds = venue.sections.flatMap((section) => section.kinds);
  const types = new Set(kinds.map((kind) => kind.type));
  const any = kinds.some((kind) => kind.only_if_asked_for) ? "Any but accessible" : "Any type";
  return [["", any], ...[...types].map((type) => [type, type])];
}

export class SeatPanel {
  constructor(venue, { choose }) {
    this.venue = venue;
    this.choose = choose;
    this.sections = byId("section-choice");
    this.rows = byId("row-choice");
    this.buttons = byId("seat-buttons");
    this.fill();
    const refresh = calmly(REFRESH_MS, () => this.refresh());
    venue.listen((changed) => this.heard(changed, refresh));
  }

  fill() {
    fillSelect(this.sections, this.venue.sections.map((section) => [String(section.index), describeSection(section)]));
    this.sections.addEventListener("change", () => this.chooseSection());
    this.rows.addEventListener("change", () => this.fillSeats());
    // An open list must not change under the hand, so its words are renewed when it is come to.
    for (const select of [this.sections, this.rows]) {
      select.addEventListener("pointerdown", () => this.refreshOptions());
      select.addEventListener("focus", () => this.refreshOptions());
    }
    this.chooseSection();
  }

  get section() {
    return this.venue.sections[Number(this.sections.value)];
  }

  get row() {
    return this.section?.rows[Number(this.rows.value)];
  }

  leftIn(row) {
    if (this.section.left === null) return null;
    let count = 0;
    for (let place = row.first; place < row.first + row.seats.length; place += 1) {
      if (this.section.statuses[place] === "a") count += 1;
    }
    return count;
  }

  rowWords(row) {
    return join(" · ", row.row, left(this.leftIn(row)));
  }

  chooseSection() {
    if (!this.section) return;
    this.rows.replaceChildren(...this.section.rows.map((row, at) => make("option", { value: at }, this.rowWords(row))));
    this.showFacts();
    this.fillSeats();
  }

  // The map and the panel show the same place.
  turnTo(section, place) {
    const at = section.rows.indexOf(section.rowAt(place));
    if (this.section === section && Number(this.rows.value) === at) return;
    this.sections.value = String(section.index);
    this.chooseSection();
    this.rows.value = String(at);
    this.fillSeats();
  }

  showFacts() {
    const { section } = this;
    const entrance = section.entrance && `entrance ${section.entrance}`;
    setText(byId("section-facts"), join(" · ", section.type, priceRange(section.kinds), left(section.left), entrance));
  }

  fillSeats() {
    const { section, row } = this;
    if (!row) return;
    this.buttons.setAttribute("aria-label", `Seats of ${section.name} row ${row.row}`);
    const aisles = new Set(row.gaps);
    this.seatButtons = row.seats.map((_, at) => this.seatButton(section, row.first + at, aisles.has(at)));
    this.buttons.replaceChildren(...this.seatButtons);
  }

  seatButton(section, place, afterAisle) {
    const { label, number: seat } = this.venue.seat(section.index, place);
    const button = make("button", { type: "button", "data-seat": label, class: afterAisle ? "after-aisle" : null },
      make("span", {}, seat));
    button.addEventListener("click", () => this.choose(section, place));
    this.dress(button, section, place);
    return button;
  }

  dress(button, section, place) {
    const seat = this.venue.seat(section.index, place);
    const look = seat.mark === CHOSEN ? "chosen" : seat.mark === OWN ? "own" : seat.status;
    if (button.dataset.look === look) return;
    button.dataset.look = look;
    button.setAttribute("aria-label", describeSeat(seat));
    button.setAttribute("aria-pressed", String(seat.mark === CHOSEN));
    button.setAttribute("aria-disabled", String(look !== "a" && look !== "chosen"));
  }

  // The seats that are shown change at once, the sums a little later; all at once with a map.
  heard(changed, refresh) {
    const { section, row } = this;
    if (!row) return;
    const places = changed ?? row.seats.map((_, at) => [section.index, row.first + at]);
    for (const [index, place] of places) {
      const button = index === section.index ? this.seatButtons[place - row.first] : null;
      if (button) this.dress(button, section, place);
    }
    if (changed === null) this.refresh();
    else refresh();
  }

  refresh() {
    this.showFacts();
    if (![this.sections, this.rows].includes(document.activeElement)) this.refreshOptions();
  }

  refreshOptions() {
    this.venue.sections.forEach((section, at) => setText(this.sections.options[at], describeSection(section)));
    this.section?.rows.forEach((row, at) => setText(this.rows.options[at], this.rowWords(row)));
  }
}
