// From chosen seats to an order: hold, pay, or give up. Shows one step at a time.
import { askUntilAnswered, Refusal } from "./api.js";
import { bookingPath, isLive, isPaid } from "./bookings.js";
import { Countdown } from "./countdown.js";
import { byId, setText, show } from "./dom.js";
import { announce, goTo, hush, say } from "./message.js";
import { Payment } from "./payment.js";
import { ENDED, explain, explainWait } from "./refusals.js";
import { forgetHold, freshId, keepHold, ownPayment, putAside, setAside } from "./session.js";
import { showHold, showOrder } from "./steps.js";
import { list, ownHour, seats, seatWords } from "./words.js";

const ASK_WHILE_PAYING_MS = 4_000;

const STEPS = { choose: "choose-step", hold: "hold-step", order: "order-step" };

export class Checkout {
  // `then` are the next steps that a refusal can offer, by name; `onStep` hears whether it has come to
  // choosing; `onLine` hears that the waiting room comes first.
  constructor({ event, bookings, chosen, then, onStep, onLine }) {
    Object.assign(this, { event, bookings, chosen, then, onStep, onLine });
    this.currentId = null;
    this.step = null;
    this.attempt = null;
    this.asking = false;
    const onWait = (error, wait) => say(explainWait(error, wait), { tone: "wait" });
    this.onWait = onWait;
    this.payment = new Payment({ onWait, progress: (error) => this.inProgress(error) });
    this.countdown = new Countdown((holdId) => this.refresh(holdId));
    this.listen();
  }

  listen() {
    this.chosen.listen(() => this.showBar());
    byId("hold-button").addEventListener("click", () => this.hold({ seats: [...this.chosen.labels] }));
    byId("give-up-button").addEventListener("click", () => this.giveUp());
    byId("buy-more-button").addEventListener("click", () => this.buyMore());
    byId("other-holds-button").addEventListener("click", () => this.switchTo(this.others()[0]));
    byId("pay-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.pay(byId("payment-answer").value);
    });
    setInterval(() => this.current()?.hold.status === "paying" && this.refresh(this.currentId), ASK_WHILE_PAYING_MS);
  }

  async load() {
    await this.bookings.load();
    this.settleStep();
    const current = this.current();
    const open = current && ownPayment(current.hold.hold_id);
    if (current?.hold.status === "paying" && open) this.pay(open.payment);
  }

  current() {
    return this.currentId && this.bookings.get(this.currentId);
  }

  others() {
    return this.bookings.all().filter(({ hold }) => hold.hold_id !== this.currentId);
  }

  isChoosing() {
    return this.step !== "hold" && this.step !== "order";
  }

  // Seats with a deadline come before an order that is paid for.
  settleStep() {
    const all = this.bookings.all();
    const current = this.current();
    if (!current || !isLive(current)) {
      const live = all.find(isLive);
      const aside = setAside(this.event.event_id);
      const shown = current ?? all.find(({ hold }) => !aside.includes(hold.hold_id));
      this.currentId = (live ?? shown)?.hold.hold_id ?? null;
    }
    this.render();
  }

  render() {
    const booking = this.current();
    const step = !booking ? "choose" : isPaid(booking) ? "order" : "hold";
    if (step === "hold") {
      showHold(booking, this.payment.isUnderWay(this.currentId));
      this.countdown.start(booking.hold);
    } else {
      this.countdown.stop();
    }
    if (step === "order") showOrder(booking, this.event);
    this.showOthers();
    this.turnTo(step);
  }

  turnTo(step) {
    if (this.step === step) return;
    const first = this.step === null;
    this.step = step;
    for (const [name, id] of Object.entries(STEPS)) show(byId(id), name === step);
    this.showBar();
    this.onStep(step);
    if (!first || step !== "choose") goTo(byId(STEPS[step]).querySelector("h2"));
  }

  // An empty bar would only cover what one chooses from.
  showBar() {
    show(byId("chosen-bar"), this.isChoosing() && this.chosen.labels.length > 0);
  }

  showOthers() {
    const [other] = this.others();
    show(byId("other-holds"), Boolean(other));
    if (!other) return;
    const what = seats(other.hold.tickets.length);
    const words = isPaid(other)
      ? `You also have an order, ${other.order.confirmation_number}, of ${what}.`
      : `Also held for you until ${ownHour(other.hold.expires_at)}: ${what}.`;
    setText(byId("other-holds-text"), words);
  }

  switchTo(booking) {
    if (!booking) return;
    this.currentId = booking.hold.hold_id;
    this.render();
  }

  // The same wish, not answered yet, keeps its hold_id: a second press must not become a second hold.
  attemptFor(request) {
    const wish = JSON.stringify(request);
    if (this.attempt?.wish !== wish) this.attempt = { wish, holdId: freshId() };
    return this.attempt.holdId;
  }

  async hold(request) {
    if (this.asking) return;
    this.busy(true);
    const holdId = this.attemptFor(request);
    keepHold(this.event.event_id, holdId);
    try {
      const body = { event: this.event.slug, hold_id: holdId, ...request };
      const answer = await askUntilAnswered("POST", "/v1/booking/reserve", { body, onWait: this.onWait });
      this.attempt = null;
      this.held(answer);
    } catch (error) {
      this.notHeld(error, holdId);
    } finally {
      this.busy(false);
    }
  }

  busy(asking) {
    this.asking = asking;
    this.chosen.wait(asking);
    for (const id of ["hold-button", "best-button"]) byId(id).setAttribute("aria-busy", String(asking));
  }

  held(answer) {
    hush();
    this.chosen.clear();
    const booking = this.bookings.take(answer);
    this.currentId = answer.hold.hold_id;
    this.settleStep();
    const { hold } = answer;
    if (booking && isLive(booking)) announce(`${seats(hold.tickets.length)} held for you until ${ownHour(hold.expires_at)}.`);
    else if (hold.status === "sold") this.refresh(hold.hold_id);
    else this.ended(hold);
  }

  notHeld(error, holdId) {
    const known = error instanceof Refusal && error.status < 500;
    if (known) {
      this.attempt = null;
      forgetHold(this.event.event_id, holdId);
    }
    const { in_the_way: inTheWay = [], place } = error.problem ?? {};
    const gone = inTheWay.map(({ seat }) => seat).filter((seat) => this.chosen.labels.includes(seat));
    if (gone.length > 0) this.chosen.drop(gone);
    if (error.reason === "waiting_room") this.onLine(place);
    this.refused(error);
  }

  refused(error) {
    const { text, then, count } = explain(error, this.event);
    const steps = then.filter((name) => this.isChoosing() && this.then[name]).map((name) => this.then[name](count));
    say(text, { steps });
  }

  async pay(payment) {
    const holdId = this.currentId;
    if (!holdId || this.payment.isUnderWay(holdId)) return;
    hush();
    const paid = this.payment.pay(holdId, payment);
    this.render();
    // The button cannot be pressed now, nor keep the focus; the heading says what goes on.
    byId("hold-title").focus({ preventScroll: true });
    try {
      const answer = await paid;
      if (answer) await this.paid(holdId, answer);
    } catch (error) {
      this.refused(error);
      await this.refresh(holdId, { quiet: true });
      if (this.step === "hold") byId("pay-button").focus({ preventScroll: true });
    }
  }

  async paid(holdId, answer) {
    hush();
    const { hold } = this.bookings.get(holdId) ?? (await this.bookings.refresh(holdId)) ?? {};
    if (hold) this.bookings.take({ ...answer, hold: { ...hold, status: "sold" } });
    this.settleStep();
  }

  inProgress(error) {
    say(explain(error, this.event).text, { tone: "wait" });
    if (this.current()?.hold.status === "held") this.refresh(this.currentId);
  }

  async giveUp() {
    const holdId = this.currentId;
    try {
      const { hold } = await askUntilAnswered("DELETE", bookingPath(holdId), { onWait: this.onWait });
      this.bookings.take({ hold });
      this.ended(hold);
    } catch (error) {
      this.refused(error);
      await this.refresh(holdId, { quiet: true });
    }
  }

  buyMore() {
    putAside(this.event.event_id, this.currentId);
    this.currentId = null;
    hush();
    this.settleStep();
  }

  // The stream told of a hold of this session: an offer, another tab, or the end of this one.
  async hear({ hold_id: holdId, change }) {
    if (this.asking && this.attempt?.holdId === holdId) return;
    const known = this.bookings.get(holdId);
    const booking = await this.refresh(holdId);
    // Paid for elsewhere: what was said of the hold is not so any more.
    if (known && booking && isPaid(booking)) hush();
    if (known || change !== "held" || !booking || !isLive(booking)) return;
    const words = list(booking.hold.tickets.map(({ seat }) => seatWords(seat)));
    say(`Held for you until ${ownHour(booking.hold.expires_at)}: ${words}.`, { tone: "news" });
  }

  async refresh(holdId, { quiet = false } = {}) {
    const before = this.bookings.get(holdId);
    const booking = await this.bookings.refresh(holdId);
    const over = before && !this.bookings.get(holdId);
    if (!booking || !isLive(booking)) this.payment.settle(holdId);
    if (over) this.ended(booking?.hold ?? { hold_id: holdId, status: "expired" }, quiet);
    else this.settleStep();
    return booking;
  }

  ended(hold, quiet = false) {
    if (!quiet) say(ENDED[hold.status] ?? ENDED.expired, { tone: "news" });
    this.settleStep();
  }
}
