// The time left of a hold, by the server's clock.
import { millisecondsUntil } from "./clock.js";
import { byId, setText } from "./dom.js";
import { announce } from "./message.js";
import { duration, spokenDuration } from "./words.js";

const TICK_MS = 200;
const ASK_AGAIN_MS = 1_500;
// A countdown that speaks every second would drown everything else.
const SPOKEN_AT_MS = [300_000, 120_000, 60_000, 30_000, 10_000];

export class Countdown {
  constructor(onZero) {
    this.onZero = onZero;
    this.timer = null;
    this.hold = null;
  }

  start(hold) {
    // While the provider is asked, the time to pay no longer counts, but the provider's does.
    const deadline = (hold.status === "paying" && hold.payment_deadline) || hold.expires_at;
    if (this.hold?.hold_id === hold.hold_id && this.deadline === deadline && this.timer !== null) return;
    this.stop();
    Object.assign(this, { hold, deadline });
    this.whole = Math.max(1, Date.parse(hold.expires_at) - Date.parse(hold.started_at));
    this.before = millisecondsUntil(deadline);
    this.asked = -Infinity;
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
  }

  tick() {
    const left = millisecondsUntil(this.deadline);
    setText(byId("countdown"), duration(left));
    byId("countdown").classList.toggle("short", left < 60_000);
    byId("clock-left").style.width = `${Math.min(100, Math.max(0, (left / this.whole) * 100))}%`;
    if (SPOKEN_AT_MS.some((mark) => this.before > mark && left <= mark)) {
      announce(`${spokenDuration(left)} left.`);
    }
    this.before = left;
    if (left <= 0) this.zero();
  }

  // Only the server knows whether it is over; until it says so, it is asked.
  zero() {
    if (performance.now() - this.asked < ASK_AGAIN_MS) return;
    this.asked = performance.now();
    this.onZero(this.hold.hold_id);
  }
}
