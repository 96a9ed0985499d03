// The page of one show: brings the map, the panel, the checkout and the lines together.
import { ask, eventPath, isPassing, pauseBefore } from "./api.js";
import { Bookings } from "./bookings.js";
import { Checkout } from "./checkout.js";
import { Chosen } from "./chosen.js";
import { closeSale } from "./closing.js";
import { byId, calmly, fillSelect, pause, setText, show } from "./dom.js";
import { showHead, showCounts } from "./head.js";
import { Line } from "./line.js";
import { SeatMap } from "./map.js";
import { hush, say } from "./message.js";
import { SeatPanel, sectionOptions, typeOptions } from "./seats.js";
import { Stream } from "./stream.js";
import { epochOf, Venue } from "./venue.js";
import { Waitlist } from "./waitlist.js";
import { tickets } from "./words.js";

const COUNTS_EVERY_MS = 250;
const ON_SALE_EVERY_MS = 15_000;
// Without a stream the map is still shown, a little older.
const MAP_WITHOUT_STREAM_MS = 10_000;
const FIRST_MAP_WITHIN_MS = 3_000;
const BEST_COUNT = 2;

async function askPatiently(path, sayWhy) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask("GET", path);
    } catch (error) {
      if (!isPassing(error)) throw error;
      sayWhy();
      await pause(pauseBefore(attempt, error));
    }
  }
}

class Show {
  constructor(told, layout) {
    this.event = told.event;
    this.live = false;
    this.venue = new Venue(layout, this.event.slug);
    this.chosen = new Chosen(this.venue, this.event);
    const choose = (section, place) => this.choose(section, place);
    this.map = new SeatMap(this.venue, { choose });
    this.panel = new SeatPanel(this.venue, { choose });
    this.line = new Line(this.event, this.venue, () => this.showTurn());
    this.checkout = new Checkout({
      event: this.event,
      bookings: new Bookings(this.venue, this.event.event_id),
      chosen: this.chosen,
      then: this.nextSteps(),
      onStep: (step) => (step === "choose" ? this.line.come() : this.line.rest()),
      onLine: (place) => this.line.sentBack(place),
    });
    this.waitlist = new Waitlist(this.venue, this.event, (holdId) => this.checkout.hear({ hold_id: holdId, change: "held" }));
    this.prepareBest();
    this.showLive();
  }

  async start() {
    this.follow();
    await Promise.all([this.checkout.load(), this.waitlist.load()]);
  }

  follow() {
    this.stream = new Stream(eventPath(this.event.slug, "/stream"), {
      hear: (type, data, id) => this.hear(type, data, id),
      lastId: () => this.venue.lastId(),
      onState: (live) => this.showConnection(live),
    });
    this.stream.start();
    const readWithoutStream = () => !this.live && this.venue.readMap();
    setTimeout(readWithoutStream, FIRST_MAP_WITHIN_MS);
    setInterval(readWithoutStream, MAP_WITHOUT_STREAM_MS);
  }

  hear(type, data, id) {
    const heard = {
      hello: () => this.hello(data),
      changes: () => this.venue.change(data, epochOf(id)),
      reset: () => this.venue.readMap(),
      hold: () => this.checkout.hear(data),
      waiting_room: () => this.line.hear(data),
      waitlist: () => this.waitlist.hear(data),
    };
    heard[type]?.();
  }

  // What concerns the session is not told again after a break, so it is asked for.
  hello(data) {
    this.venue.hello(data);
    if (!this.greeted) {
      this.greeted = true;
      return;
    }
    this.checkout.bookings.all().forEach(({ hold }) => this.checkout.refresh(hold.hold_id));
    this.waitlist.load();
    this.line.askAgain();
  }

  showConnection(live) {
    this.live = live;
    const connection = byId("connection");
    show(connection, true);
    connection.dataset.live = String(live);
    setText(connection, live ? "Live" : "Connecting …");
  }

  showLive() {
    const counts = calmly(COUNTS_EVERY_MS, () => this.showLeft());
    this.venue.listen((changed) => {
      counts();
      if (changed === null) show(byId("map-empty"), false);
    });
  }

  // What depends on how much is left.
  showLeft() {
    showCounts(this.venue.counts);
    this.showLead();
    this.line.render();
    this.waitlist.renderForm();
  }

  showLead() {
    const some = `Up to ${tickets(this.event.limit)}. Choose on the map, seat by seat, or let us find the best.`;
    const none = "No seats are left just now. The waitlist is offered first what comes free.";
    setText(byId("choose-lead"), this.venue.counts?.available === 0 ? none : some);
  }

  choose(section, place) {
    this.panel.turnTo(section, place);
    if (!this.checkout.isChoosing()) {
      say(this.checkout.step === "order"
        ? "These seats are yours. Press “Buy more tickets” to choose others."
        : "Finish with the seats you have first: pay for them or give them up.");
      return;
    }
    const { label, mark } = this.venue.seat(section.index, place);
    if (mark === 2) return;
    hush();
    this.chosen.toggle(label);
  }

  showTurn() {
    setText(byId("hold-button"), this.line.mayHold() ? "Hold these seats" : "Not your turn yet");
    byId("floor").dataset.turn = this.line.mayHold() ? "yes" : "no";
  }

  prepareBest() {
    const { limit } = this.event;
    const count = byId("best-count");
    count.max = limit;
    count.value = Math.min(BEST_COUNT, limit);
    this.showLead();
    fillSelect(byId("best-section"), sectionOptions(this.venue, "Any section"));
    fillSelect(byId("best-type"), typeOptions(this.venue));
    byId("best-form").addEventListener("submit", (submit) => {
      submit.preventDefault();
      this.best(Number(count.value));
    });
  }

  bestWish(count) {
    const best = { count };
    if (byId("best-section").value) best.sections = [byId("best-section").value];
    if (byId("best-type").value) best.type = byId("best-type").value;
    return best;
  }

  best(count) {
    hush();
    this.checkout.hold({ best: this.bestWish(count) });
  }

  nextSteps() {
    return {
      choose: () => ["Choose other seats", () => byId("seat-map").focus()],
      best: () => ["Best seats instead", () => byId("best-count").focus()],
      fewer: (count) => [`Take ${count} together`, () => this.best(count)],
      waitlist: () => ["Join the waitlist", () => this.suggestWaitlist()],
    };
  }

  suggestWaitlist() {
    const { count, sections = [], type } = this.bestWish(Number(byId("best-count").value));
    this.waitlist.suggest({ size: count, section: sections[0], type });
  }
}

async function whenOnSale(path) {
  for (;;) {
    const told = await askPatiently(path, () => {});
    if (told.event.on_sale) return told;
    await pause(ON_SALE_EVERY_MS);
  }
}

export async function openShow(slug) {
  const path = eventPath(slug);
  const patience = () => setText(byId("map-empty"), "The box office is busy; one moment …");
  let told = await askPatiently(path, patience);
  showHead(told);
  // A hold that was made before the sale closed can still be paid for: the page shows it.
  const closed = told.event.sale_closed;
  const minted = told.event.on_sale || (closed && told.sections.length > 0);
  show(byId("floor"), minted);
  show(byId("not-on-sale"), !told.event.on_sale);
  if (closed) {
    closeSale(told.event);
    if (!minted) return;
  } else if (!told.event.on_sale) {
    setText(byId("not-on-sale"), "This show is not on sale yet. The page looks again by itself.");
    told = await whenOnSale(path);
    showHead(told);
    show(byId("floor"), true);
    show(byId("not-on-sale"), false);
  }
  const layout = await askPatiently(eventPath(slug, "/layout"), patience);
  await new Show(told, layout).start();
}
