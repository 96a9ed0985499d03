// What this browser keeps: the session that its holds belong to, and which holds those are. Whoever
// knows the session can pay for its holds and give them up, so it is made here, at random, and only
// ever sent to the server that it came from.
import { serverNow } from "./clock.js";

const SESSION_BYTES = 16;
// Bounds what is kept of old orders for one show.
const HOLDS_KEPT_MAX = 20;

// Storage can be forbidden; the page then works until it is left.
const inMemory = new Map();

function read(key) {
  try {
    return localStorage.getItem(key) ?? inMemory.get(key) ?? null;
  } catch {
    return inMemory.get(key) ?? null;
  }
}

function write(key, value) {
  inMemory.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // Kept in memory above.
  }
}

function erase(key) {
  inMemory.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // Nothing was stored there.
  }
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function makeSession() {
  const session = hex(crypto.getRandomValues(new Uint8Array(SESSION_BYTES)));
  write("tix.session", session);
  return session;
}

const session = read("tix.session") ?? makeSession();

export const ownSession = () => session;

// A UUIDv7. `crypto.randomUUID` would do, but is missing where the page is not served over TLS.
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let milliseconds = Math.floor(serverNow());
  for (let at = 5; at >= 0; at -= 1) {
    bytes[at] = milliseconds % 256;
    milliseconds = Math.floor(milliseconds / 256);
  }
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function readJson(key, otherwise) {
  try {
    return JSON.parse(read(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export const ownHolds = (eventId) => readJson(`tix.holds.${eventId}`, []);

export function keepHold(eventId, holdId) {
  const others = ownHolds(eventId).filter((id) => id !== holdId);
  write(`tix.holds.${eventId}`, JSON.stringify([holdId, ...others].slice(0, HOLDS_KEPT_MAX)));
}

export function forgetHold(eventId, holdId) {
  write(`tix.holds.${eventId}`, JSON.stringify(ownHolds(eventId).filter((id) => id !== holdId)));
}

// Orders that the buyer has seen and gone on from: they no longer take the place of the seats to choose.
export const setAside = (eventId) => readJson(`tix.set-aside.${eventId}`, []);

export function putAside(eventId, holdId) {
  write(`tix.set-aside.${eventId}`, JSON.stringify([holdId, ...setAside(eventId)].slice(0, HOLDS_KEPT_MAX)));
}

// A payment whose outcome is not known yet: it is asked for again under the same reference, also after
// the page was loaded anew.
export const ownPayment = (holdId) => readJson(`tix.payment.${holdId}`, null);
export const keepPayment = (holdId, payment) => write(`tix.payment.${holdId}`, JSON.stringify(payment));
export const forgetPayment = (holdId) => erase(`tix.payment.${holdId}`);
