// The server's time, as well as it can be known here. Deadlines are the server's: a buyer whose clock is
// an hour off must see the same countdown as everybody else.

// A measured offset is trusted a little less with every second that passes: clocks drift.
const DRIFT_MS_PER_SECOND = 1;
// The monotonic clock stands still while some machines sleep; the wall clock does not.
const SLEPT_MS = 2000;

let measured = null;

const wallAhead = () => Date.now() - performance.now();

function uncertainty(measure, at) {
  return measure.errorMs + ((at - measure.at) / 1000) * DRIFT_MS_PER_SECOND;
}

// Two measures that cannot both be right mean that a clock was set in between: the newer one counts.
function isBetter(old, offset, errorMs, at) {
  const slept = Math.abs(wallAhead() - old.wallAhead) > SLEPT_MS;
  const possible = uncertainty(old, at);
  return !slept && possible < errorMs && Math.abs(offset - old.offset) <= possible + errorMs;
}

// The server wrote `now` at some moment between `sentAt` and `heardAt`; the middle is at most half the
// round trip off. A measure is kept until a better one comes.
export function heardNow(now, sentAt, heardAt) {
  const server = Date.parse(now);
  if (Number.isNaN(server)) return;
  const errorMs = (heardAt - sentAt) / 2;
  const offset = server - (sentAt + heardAt) / 2;
  if (measured && isBetter(measured, offset, errorMs, heardAt)) return;
  measured = { offset, errorMs, at: heardAt, wallAhead: wallAhead() };
}

export function serverNow() {
  if (!measured) return Date.now();
  const slept = wallAhead() - measured.wallAhead;
  return performance.now() + measured.offset + (Math.abs(slept) > SLEPT_MS ? slept : 0);
}

export const millisecondsUntil = (time) => Date.parse(time) - serverNow();
