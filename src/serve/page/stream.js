// Server-sent events over fetch: EventSource cannot send the session in a header.
import { heardNow } from "./clock.js";
import { retryAfter } from "./api.js";
import { ownSession } from "./session.js";

// The server sends a comment every 15 seconds; two missed ones mean that the line is dead.
const SILENCE_MAX_MS = 40_000;
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 15_000;
const AFTER_BYE_MS = 1_000;

// Turns pieces of text, cut anywhere, into events.
export class EventParser {
  constructor(onEvent) {
    this.onEvent = onEvent;
    this.rest = "";
    this.clear();
  }

  clear() {
    this.type = "";
    this.data = [];
    this.id = null;
  }

  hear(text) {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop();
    lines.forEach((line) => this.line(line));
  }

  line(line) {
    if (line === "") {
      if (this.data.length > 0) this.onEvent({ type: this.type || "message", data: this.data.join("\n"), id: this.id });
      this.clear();
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.type = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id") this.id = value;
  }
}

export class Stream {
  // `hear(type, data, id)` gets every event; `lastId()` says where to go on; `onState(live)` hears
  // whether the stream is followed at present.
  constructor(path, { hear, lastId, onState }) {
    Object.assign(this, { path, hear, lastId, onState });
    this.failures = 0;
    this.connection = null;
    this.timer = null;
    this.ended = false;
    addEventListener("online", () => this.hurry());
    addEventListener("pagehide", () => this.connection?.abort());
    addEventListener("pageshow", (event) => event.persisted && this.hurry());
    document.addEventListener("visibilitychange", () => !document.hidden && this.hurry());
  }

  start() {
    this.connect();
  }

  // Who waits for the next attempt need not wait when the network or the reader is back.
  hurry() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.timer = null;
    this.connect();
  }

  async connect() {
    const connection = new AbortController();
    this.connection = connection;
    let wait = null;
    try {
      wait = await this.follow(connection);
    } catch {
      // A broken line and a refused one are the same here: try again later.
    }
    connection.abort();
    this.onState(false);
    if (!this.ended) this.later(wait);
  }

  later(wait) {
    const growing = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures);
    this.failures += 1;
    this.timer = setTimeout(() => this.hurry(), (wait ?? growing) * (0.75 + Math.random() / 2));
  }

  // Follows the stream to its end; answers how long to wait before the next attempt, if anybody said.
  async follow(connection) {
    const sentAt = performance.now();
    const headers = { Accept: "text/event-stream", "Tix-Session": ownSession() };
    const lastId = this.lastId();
    if (lastId) headers["Last-Event-ID"] = lastId;
    const response = await fetch(this.path, { headers, cache: "no-store", signal: connection.signal });
    if (!response.ok) {
      this.ended = response.status === 404;
      return retryAfter(response);
    }
    let bye = false;
    const parser = new EventParser((event) => {
      bye ||= event.type === "bye";
      this.event(event, sentAt);
    });
    await this.read(response.body.getReader(), parser, connection);
    return bye ? AFTER_BYE_MS : null;
  }

  async read(reader, parser, connection) {
    const decoder = new TextDecoder();
    for (;;) {
      const silence = setTimeout(() => connection.abort(), SILENCE_MAX_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      parser.hear(decoder.decode(value, { stream: true }));
    }
  }

  event({ type, data, id }, sentAt) {
    let content;
    try {
      content = JSON.parse(data);
    } catch {
      content = null;
    }
    if (type === "hello") {
      this.failures = 0;
      if (content?.now) heardNow(content.now, sentAt, performance.now());
      this.onState(true);
    }
    this.hear(type, content ?? {}, id);
  }
}
