// The few things that every part of the page does with the document.

export const byId = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function show(element, visible) {
  element.hidden = !visible;
}

// Writing the same text again would make some screen readers say it again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function facts(list, pairs) {
  list.replaceChildren(
    ...pairs.filter(([, fact]) => fact).map(([term, fact]) => make("div", {}, make("dt", {}, term), make("dd", {}, fact))),
  );
}

// Replaces the options and keeps what was chosen, if it is still there.
export function fillSelect(select, options) {
  const before = select.value;
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  if (options.some(([value]) => value === before)) select.value = before;
}

// The work is done at most once in so many milliseconds, and always once more after the last call.
export function calmly(milliseconds, work) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      work();
    }, milliseconds);
  };
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
