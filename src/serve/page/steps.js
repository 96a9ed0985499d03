// The words of the two steps after choosing: what is held, and what is ordered.
import { byId, facts, make, setText, show } from "./dom.js";
import { day, hourWithZone, money, splitLabel, ownHour } from "./words.js";

function ticketLine({ seat: label, type, price }) {
  const { section, row, seat } = splitLabel(label);
  return make("li", {},
    make("span", { class: "ticket-seat" }, make("strong", {}, section), ` row ${row} seat ${seat}`),
    make("span", { class: "ticket-price" }, make("span", { class: "quiet" }, `${type} `), money(price)));
}

export function showHold({ hold, chosen }, underWay) {
  const paying = underWay || hold.status === "paying";
  // A total of zero is not asked of the provider.
  const free = Number(hold.amount.amount) === 0;
  setText(byId("hold-title"), paying && !free ? "Your payment is under way" : "These seats are held for you");
  setText(byId("hold-why"), chosen ?? "");
  show(byId("hold-why"), Boolean(chosen));
  byId("hold-tickets").replaceChildren(...hold.tickets.map(ticketLine));
  setText(byId("hold-amount"), money(hold.amount));
  const button = byId("pay-button");
  const wait = free ? "One moment …" : "Waiting for the payment provider …";
  setText(button, paying ? wait : free ? "Get tickets" : `Pay ${money(hold.amount)}`);
  show(byId("provider"), !free);
  button.disabled = paying;
  byId("payment-answer").disabled = paying;
  show(byId("give-up-button"), !paying);
  const provider = hold.status === "paying" && hold.payment_deadline;
  const until = provider ? `the provider has until ${ownHour(provider)}` : `until ${ownHour(hold.expires_at)}`;
  setText(byId("hold-until"), until);
}

export function showOrder({ hold, order, event: told, check_in: checkIn }, event) {
  setText(byId("confirmation-number"), order.confirmation_number ?? "");
  byId("order-tickets").replaceChildren(...(order.tickets ?? hold.tickets).map(ticketLine));
  setText(byId("order-amount"), money(order.amount));
  const { venue } = told ?? event;
  const zone = venue.time_zone;
  const starts = checkIn?.starts_at ?? event.starts_at;
  const doors = checkIn?.doors_at ?? event.doors_at;
  facts(byId("order-door"), [
    ["Show", `${told?.name ?? event.name}, ${day(starts, zone)}, ${hourWithZone(starts, zone)}`],
    ["Doors", doors && hourWithZone(doors, zone)],
    ["Place", place(venue)],
    ["Entrance", entrances(checkIn?.seats ?? [])],
  ]);
}

const place = ({ name, city, country }) => [name, city, country].filter(Boolean).join(", ");

// One line per entrance when they differ, so that a group sees who goes where.
function entrances(seats) {
  const byEntrance = new Map();
  for (const { seat, entrance } of seats) {
    if (!entrance) continue;
    const { section, row, seat: number } = splitLabel(seat);
    byEntrance.set(entrance, [...(byEntrance.get(entrance) ?? []), `${section} ${row}/${number}`]);
  }
  if (byEntrance.size === 1) return [...byEntrance.keys()][0];
  return [...byEntrance].map(([entrance, labels]) => `${entrance}: ${labels.join(", ")}`).join("; ");
}
