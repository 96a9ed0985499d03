// The holds and orders of this session for one show, as the server last told them.
import { ask, isPassing, pauseBefore } from "./api.js";
import { pause } from "./dom.js";
import { forgetHold, keepHold, ownHolds } from "./session.js";
import { OWN } from "./venue.js";

const LIVE = ["held", "paying"];
const ATTEMPTS_MAX = 8;

export const isLive = (booking) => LIVE.includes(booking.hold.status);
export const isPaid = (booking) => booking.order?.status === "paid" && booking.hold.status === "sold";

export const bookingPath = (holdId) => `/v1/booking/${encodeURIComponent(holdId)}`;

export class Bookings {
  constructor(venue, eventId) {
    Object.assign(this, { venue, eventId });
    this.known = new Map();
  }

  all() {
    return [...this.known.values()];
  }

  get(holdId) {
    return this.known.get(holdId) ?? null;
  }

  async load() {
    await Promise.all(ownHolds(this.eventId).map((holdId) => this.refresh(holdId)));
  }

  // What is so, from the server; null if there is no such hold of this session.
  async refresh(holdId) {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      try {
        return this.take(await ask("GET", bookingPath(holdId)));
      } catch (error) {
        if (!isPassing(error)) {
          this.remove(holdId);
          return null;
        }
        await pause(pauseBefore(attempt, error));
      }
    }
    return this.get(holdId);
  }

  // Keeps what is alive or paid for; of the rest it only answers how it ended.
  take(booking) {
    const { hold } = booking;
    if (hold.event_id !== this.eventId) return null;
    const whole = { order: null, ...booking };
    if (!isLive(whole) && !isPaid(whole)) {
      this.remove(hold.hold_id);
      return whole;
    }
    this.known.set(hold.hold_id, whole);
    if (!ownHolds(this.eventId).includes(hold.hold_id)) keepHold(this.eventId, hold.hold_id);
    hold.tickets.forEach(({ seat }) => this.venue.mark(seat, OWN));
    return whole;
  }

  remove(holdId) {
    this.get(holdId)?.hold.tickets.forEach(({ seat }) => this.venue.mark(seat, 0));
    this.known.delete(holdId);
    forgetHold(this.eventId, holdId);
  }
}
