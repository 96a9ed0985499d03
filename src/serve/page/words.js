// Money, times, seats and refusals in the words of a buyer.

export const STATUS_WORDS = {
  a: "available", h: "held", p: "being paid for", s: "sold", b: "not for sale", u: "not read yet",
};

export const money = (price) => (price ? `${price.amount} ${price.currency}` : "");

// Adds decimals without floats: 0.1 + 0.2 must be 0.3 on a bill.
export function sum(prices) {
  if (prices.length === 0) return null;
  const digits = Math.max(...prices.map(({ amount }) => (amount.split(".")[1] ?? "").length));
  const units = prices.reduce((total, { amount }) => {
    const [whole, part = ""] = amount.split(".");
    return total + BigInt(whole + part.padEnd(digits, "0"));
  }, 0n);
  const text = units.toString().padStart(digits + 1, "0");
  const amount = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return { amount, currency: prices[0].currency };
}

// A section's name may contain a slash, so a label is split from the right.
export function splitLabel(label) {
  const parts = label.split("/");
  const seat = parts.pop();
  const row = parts.pop();
  return { section: parts.join("/"), row, seat };
}

export function seatWords(label) {
  const { section, row, seat } = splitLabel(label);
  return `${section} row ${row} seat ${seat}`;
}

export const number = (count) => count.toLocaleString("en-GB");
export const tickets = (count) => (count === 1 ? "1 ticket" : `${number(count)} tickets`);
export const seats = (count) => (count === 1 ? "1 seat" : `${number(count)} seats`);

export function list(words) {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

// A server may know a time zone that this browser does not; a wrong hour would be worse than UTC, named.
function format(time, zone, options) {
  try {
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone }).format(new Date(time));
  } catch {
    const named = options.hour ? { ...options, timeZoneName: "short" } : options;
    return new Intl.DateTimeFormat("en-GB", { ...named, timeZone: "UTC" }).format(new Date(time));
  }
}

export const day = (time, zone) =>
  format(time, zone, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
export const hour = (time, zone) => format(time, zone, { hour: "2-digit", minute: "2-digit" });
export const hourWithZone = (time, zone) =>
  format(time, zone, { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
export const shortDay = (time, zone) => format(time, zone, { weekday: "short", day: "numeric", month: "short" });
export const dayParts = (time, zone) => ({
  weekday: format(time, zone, { weekday: "short" }),
  day: format(time, zone, { day: "numeric" }),
  month: format(time, zone, { month: "short", year: "numeric" }),
});

// A deadline is shown where the buyer is, in the buyer's own hours.
export const ownHour = (time) =>
  new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(time));

export function duration(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = String(seconds % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export function spokenDuration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes === 1 ? "1 minute" : `${minutes} minutes`;
}
