// What a refusal means for a buyer, and what can be done now. `then` names the next steps worth a button:
// choose, best, waitlist, fewer (with `count`).
import { closedWords, closeSale } from "./closing.js";
import { list, ownHour, seatWords, seats, tickets } from "./words.js";

// How a hold ended, by its status.
export const ENDED = {
  expired: "The time to pay was over, and the seats are free again. Nothing was charged.",
  abandoned: "You gave the seats up. Others can have them now.",
  declined: "The card was declined and the time is over. The seats are free again; nothing was charged.",
  aborted: "The payment provider did not answer in time. The seats are free again, and you do not pay for them.",
  refunded: "This order was cancelled and its money is given back.",
};

function taken({ in_the_way: inTheWay = [] }) {
  const gone = inTheWay.map(({ seat }) => seatWords(seat));
  if (gone.length === 0) return { text: "Somebody was quicker: these seats were taken.", then: ["choose", "best"] };
  const until = inTheWay.map((seat) => seat.until).filter(Boolean).sort().at(-1);
  const hope = until ? ` If it is not paid for, it can come free at ${ownHour(until)}.` : "";
  const verb = gone.length === 1 ? "was" : "were";
  return { text: `Somebody was quicker: ${list(gone)} ${verb} taken.${hope}`, then: ["choose", "best"] };
}

function limit({ owned = 0, allowed }) {
  if (allowed === undefined) return { text: "That is more than one buyer can have for this show.", then: ["choose"] };
  const left = Math.max(0, allowed - owned);
  const have = owned > 0 ? ` You already have ${owned}.` : "";
  const can = left === 0 ? " You can have no more." : ` You can choose ${left}${owned > 0 ? " more" : ""}.`;
  return { text: `One buyer can have at most ${tickets(allowed)} for this show.${have}${can}`, then: ["choose"] };
}

function noBlock({ longest = 0, available = 0 }) {
  const apart = available > 0 ? ` ${seats(available)} are left, but apart from each other.` : "";
  const most = longest > 0 ? ` The most seats side by side are ${longest}.` : "";
  return {
    text: `There are not that many seats side by side.${apart}${most}`,
    then: longest > 0 ? ["fewer", "choose", "waitlist"] : ["choose", "waitlist"],
    count: longest,
  };
}

function soldOut({ available = 0, longest = 0 }) {
  if (available === 0) return { text: "Nothing is left of what you asked for.", then: ["choose", "waitlist"] };
  return {
    text: `Only ${seats(available)} of what you asked for ${available === 1 ? "is" : "are"} left.`,
    then: ["fewer", "waitlist"],
    count: Math.min(available, longest || available),
  };
}

const SENTENCES = {
  taken,
  limit,
  no_adjacent_block: noBlock,
  sold_out: soldOut,
  blocked: ({ in_the_way: inTheWay = [] }) => ({
    text: `${list(inTheWay.map(({ seat }) => seatWords(seat))) || "One of these seats"} is not for sale.`,
    then: ["choose", "best"],
  }),
  reserved_for_waitlist: () => ({
    text: "Others have waited for these seats and come first. You can join the waitlist, or choose other seats.",
    then: ["waitlist", "choose"],
  }),
  expired: ({ ended_as: endedAs }) => ({ text: ENDED[endedAs] ?? ENDED.expired, then: ["choose", "best"] }),
  declined: ({ held_until: until }) => ({
    text: until
      ? `The card was declined. The seats are still yours until ${ownHour(until)}: try another card.`
      : "The card was declined, and the time to pay is over. Nothing was charged.",
    then: until ? [] : ["choose"],
  }),
  already_paid: () => ({ text: "This is already paid for. Here is your order.", then: [] }),
  payment_in_progress: ({ until }) => ({
    text: `The payment provider has not answered yet${until ? `; it has until ${ownHour(until)}` : ""}. `
      + "We keep asking; you will not be charged twice.",
    then: [],
  }),
  not_yours: () => ({ text: "This belongs to somebody else’s checkout.", then: ["choose"] }),
  idempotency_mismatch: () => ({ text: "This belongs to another request. Please start again.", then: ["choose"] }),
  waitlist_limit: ({ allowed }) => ({
    text: `You wait for this show ${allowed ?? "several"} times already. Leave one place first.`,
    then: [],
  }),
  unknown_hold: () => ({ text: "The box office does not know of this hold any more.", then: ["choose"] }),
  unknown_event: () => ({ text: "There is no such show.", then: [] }),
  unknown_seat: () => ({ text: "One of these seats does not exist. Please load the page again.", then: ["choose"] }),
  waiting_room: ({ place }) => ({
    text: place ? `Others come first. You are number ${place} in line.` : "Others come first. You stand in line now.",
    then: [],
  }),
  too_many_requests: () => ({ text: "That was too much at once. Please wait a moment, then try again.", then: [] }),
  busy: () => ({ text: "The box office is very busy, and nothing was done. Please try again in a moment.", then: [] }),
  failed: () => ({
    text: "The box office could not say what became of it. Try again: the same request is never done twice.",
    then: [],
  }),
};

// The refusal of a request about `event`, in a buyer's words. A page that was open when the show began
// learns by it that the sale is closed.
export function explain(error, event) {
  if (error.reason === "sale_closed") {
    closeSale(event);
    return { text: closedWords(event), then: [] };
  }
  const sentence = SENTENCES[error.reason];
  if (sentence) return sentence(error.problem);
  if (error.problem) return { text: error.problem.detail ?? error.problem.title ?? "That was refused.", then: [] };
  return {
    text: "The box office cannot be reached. Nothing is lost: try again, the same request is never done twice.",
    then: [],
  };
}

export function explainWait(error, milliseconds) {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  const what = error.problem ? "The box office is busy" : "The box office cannot be reached";
  return `${what}; asking again in ${seconds === 1 ? "1 second" : `${seconds} seconds`}.`;
}
