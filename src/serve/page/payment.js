// Paying for a hold. An attempt has one reference from its beginning to its known end, however often it
// is sent; only a new attempt, with another card, has a new one.
import { askUntilAnswered } from "./api.js";
import { millisecondsUntil } from "./clock.js";
import { pause } from "./dom.js";
import { forgetPayment, freshId, keepPayment, ownPayment } from "./session.js";

const ASK_AGAIN_MS = 2_500;
// How long past the provider's deadline the same is still asked for, before the hold is looked at.
const GRACE_MS = 5_000;

export class Payment {
  // `progress(error)` hears that the provider has not answered; `onWait` that the request is repeated.
  constructor({ progress, onWait }) {
    Object.assign(this, { progress, onWait });
    this.holdId = null;
  }

  isUnderWay(holdId) {
    return this.holdId === holdId;
  }

  // The stream has told how it ended: nothing more is asked for.
  settle(holdId) {
    forgetPayment(holdId);
    if (this.holdId === holdId) this.holdId = null;
  }

  attempt(holdId, payment) {
    const open = ownPayment(holdId);
    if (open?.payment === payment) return open;
    const attempt = { payment_reference: freshId(), payment };
    keepPayment(holdId, attempt);
    return attempt;
  }

  // Answers the paid booking, or null if it was settled otherwise in the meantime; throws the refusal.
  async pay(holdId, payment) {
    const attempt = this.attempt(holdId, payment);
    this.holdId = holdId;
    try {
      const answer = await this.askOnAndOn(holdId, attempt);
      forgetPayment(holdId);
      return answer;
    } catch (error) {
      // A refusal is a known end; silence is not, and is asked for again under the same reference.
      if (error.reason && !["failed", "busy", "too_many_requests"].includes(error.reason)) forgetPayment(holdId);
      // Settled in the meantime: how it ended is told already.
      if (this.holdId !== holdId) return null;
      throw error;
    } finally {
      if (this.holdId === holdId) this.holdId = null;
    }
  }

  async askOnAndOn(holdId, attempt) {
    while (this.holdId === holdId) {
      try {
        const body = { hold_id: holdId, ...attempt };
        return await askUntilAnswered("POST", "/v1/booking/confirm", { body, onWait: this.onWait });
      } catch (error) {
        const until = error.problem?.until;
        const hopeless = until && millisecondsUntil(until) < -GRACE_MS;
        if (error.reason !== "payment_in_progress" || hopeless) throw error;
        this.progress(error);
        await pause(error.retryAfterMs ?? ASK_AGAIN_MS);
      }
    }
    return null;
  }
}
