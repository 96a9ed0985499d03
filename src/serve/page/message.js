// What the page has to say: one message at a time, that stays until the next step, and short
// announcements for who does not see the screen.
import { byId, make, setText } from "./dom.js";

// Some screen readers miss a text that is replaced at once.
const SPEAK_AFTER_MS = 60;

// `steps` are the buttons under the message: [words, what to do].
export function say(text, { tone = "refusal", steps = [] } = {}) {
  const message = byId("message");
  message.dataset.tone = tone;
  message.replaceChildren(make("p", {}, text), ...(steps.length ? [buttons(steps)] : []), dismiss());
}

function buttons(steps) {
  const row = make("div", { class: "message-steps" });
  for (const [words, work] of steps) {
    const button = make("button", { type: "button" }, words);
    button.addEventListener("click", () => {
      hush();
      work();
    });
    row.append(button);
  }
  return row;
}

function dismiss() {
  const button = make("button", { type: "button", class: "dismiss", "aria-label": "Dismiss the message" }, "×");
  button.addEventListener("click", () => {
    hush();
    byId("main").focus({ preventScroll: true });
  });
  return button;
}

export function hush() {
  byId("message").replaceChildren();
}

export function announce(text) {
  const announcer = byId("announcer");
  setText(announcer, "");
  setTimeout(() => setText(announcer, text), SPEAK_AFTER_MS);
}

// Moves the reader to a new step; only ever called when the step has changed.
export function goTo(heading) {
  heading.focus({ preventScroll: true });
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  heading.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
}
