// Requests to the server, and what becomes of them: an answer, a refusal (a problem document), or
// nothing known. What is not known may be asked again, because every request that changes something
// names itself (hold_id, payment_reference, entry_id).
import { heardNow } from "./clock.js";
import { pause } from "./dom.js";
import { ownSession } from "./session.js";

const ANSWER_WITHIN_MS = 30_000;
const ATTEMPTS_MAX = 6;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;

export class Refusal extends Error {
  constructor(status, problem, retryAfterMs) {
    super(problem.detail ?? problem.title ?? `status ${status}`);
    this.status = status;
    this.problem = problem;
    this.reason = problem.reason ?? null;
    this.retryAfterMs = retryAfterMs;
  }
}

// The request was sent, and whether it did anything is not known.
export class Unanswered extends Error {}

export function retryAfter(response) {
  const text = response.headers.get("Retry-After");
  if (text === null) return null;
  const seconds = Number(text);
  const wait = Number.isNaN(seconds) ? Date.parse(text) - Date.now() : seconds * 1000;
  return Number.isFinite(wait) ? Math.max(0, wait) : null;
}

async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return { title: response.statusText };
  }
}

async function send(method, path, body, signal) {
  const limit = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const headers = { Accept: "application/json", "Tix-Session": ownSession() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-cache",
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
}

export async function ask(method, path, { body, signal } = {}) {
  const sentAt = performance.now();
  let response;
  let answer;
  try {
    response = await send(method, path, body, signal);
    const heardAt = performance.now();
    if (!response.ok) throw new Refusal(response.status, await problemOf(response), retryAfter(response));
    answer = response.status === 204 ? {} : await response.json();
    if (answer.now) heardNow(answer.now, sentAt, heardAt);
  } catch (error) {
    if (error instanceof Refusal || signal?.aborted) throw error;
    throw new Unanswered(`${method} ${path}: ${error.message}`);
  }
  return answer;
}

// Whether asking the same again can help. The waiting room's 429 is an answer: one's place in line.
export function isPassing(error) {
  if (error instanceof Unanswered) return true;
  if (!(error instanceof Refusal)) return false;
  return error.status >= 500 || error.status === 408 || (error.status === 429 && error.reason !== "waiting_room");
}

export function pauseBefore(attempt, error) {
  const growing = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  // Many buyers are sent away at the same moment; they should not all come back at the same moment.
  return (error?.retryAfterMs ?? growing) + Math.random() * 300;
}

// Asks the very same until it is answered or refused. `onWait` hears of each pause.
export async function askUntilAnswered(method, path, { body, signal, onWait } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask(method, path, { body, signal });
    } catch (error) {
      if (!isPassing(error) || attempt + 1 >= ATTEMPTS_MAX || signal?.aborted) throw error;
      const wait = pauseBefore(attempt, error);
      onWait?.(error, wait);
      await pause(wait);
    }
  }
}

export const eventPath = (event, part = "") => `/v1/events/${encodeURIComponent(event)}${part}`;
